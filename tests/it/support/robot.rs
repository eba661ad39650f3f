//! A kind with a service of its own: the fixture `strange` with another manifest, whose service is a real server that keeps what it was sent.

use std::path::Path;

use super::wire::Act;
use super::{Carto, Output, Run, library};

/// Opaque, so that nothing but its being hidden keeps it from showing; and spelled differently in a query, in JSON and in a text.
pub(crate) const SECRET: &str = r#"canary/k3y+of="robots"\"#;
pub(crate) const IN_QUERY: &str = "canary%2Fk3y%2Bof%3D%22robots%22%5C";
pub(crate) const BEARER: &str = "canary-bearer-0a1b2c3d";
pub(crate) const VARIABLE: &str = "CARTO_KIND_ROBOT_SECRET";

/// A manifest with a service `fleet` of its own, which each verb asks for its own, and `get` may ask the account's too.
fn text(name: &str, base_url: &str, auth: &str, get: &str) -> String {
    format!(
        r#"
schema = "1.0"
abi = 1
name = "{name}"
plural = "{name}s"
title = "Robot"
about = "Moves by itself"
vendor = "the tests"
[services.api]
[services.fleet]
base_url = "{base_url}"
auth = "{auth}"
[record]
fields = ["id", "name", "key"]
id = "id"
label = "name"
secrets = ["key"]
columns = ["id", "name"]
env = {{ key = "ROBOT_KEY" }}
[verbs.list]
calls = ["fleet GET /robots"]
[verbs.get]
calls = [{get}"fleet GET /robots/{{}}"]
[verbs.create]
calls = ["fleet POST /robots"]
[[verbs.create.args]]
name = "program"
type = "file"
help = "What it does"
[verbs.delete]
calls = ["fleet DELETE /robots/{{}}"]
"#
    )
}

/// A kind with a service of its own, and what a test says about it.
pub(crate) struct Robot {
    pub(crate) name: &'static str,
    pub(crate) base_url: String,
    pub(crate) auth: &'static str,
    pub(crate) get: &'static str,
    pub(crate) mode: &'static str,
}

impl Robot {
    pub(crate) fn at(base_url: impl Into<String>) -> Robot {
        Robot { name: "robot", base_url: base_url.into(), auth: "header:X-Robot-Key", get: "", mode: "get:own" }
    }

    pub(crate) fn auth(self, auth: &'static str) -> Robot {
        Robot { auth, ..self }
    }

    pub(crate) fn mode(self, mode: &'static str) -> Robot {
        Robot { mode, ..self }
    }

    /// Its manifest.
    pub(crate) fn manifest(&self) -> String {
        text(self.name, &self.base_url, self.auth, self.get)
    }

    /// Its library.
    pub(crate) fn library(&self) -> Vec<u8> {
        let text = self.manifest();
        let mut bytes = library::with_manifest("strange", text.as_bytes());
        library::set_mode(&mut bytes, self.mode);
        bytes
    }

    pub(crate) fn install(&self, carto: &Carto) {
        std::fs::write(carto.kinds().join(library::file_name(self.name)), self.library()).unwrap();
    }
}

pub(crate) fn approve(carto: &Carto, url: &str) {
    let settings = format!("[network]\nbackoff = \"1ms\"\n[approved.robot]\nfleet = \"{url}\"\n");
    carto.write(".config/carto/config.toml", &settings);
}

/// An empty home with this kind, approved where its manifest says it is.
pub(crate) fn with(robot: &Robot) -> Carto {
    let carto = Carto::without_kinds();
    robot.install(&carto);
    approve(&carto, &robot.base_url);
    carto
}

pub(crate) fn run(carto: &Carto, line: &str) -> Run {
    carto.run(line).env(VARIABLE, SECRET)
}

/// The answer of a service that has nothing to hide.
pub(crate) fn fine() -> Act {
    Act::json("200 OK", r#"{"id": "r_1", "name": "R2"}"#)
}

/// Neither the secret nor the bearer is in what a command wrote, in any spelling, or in a file of the home.
pub(crate) fn is_clean(carto: &Carto, output: &Output) {
    let text = format!("{}{}", output.stdout, output.stderr);
    for canary in ["canary", "k3y", "0a1b2c3d"] {
        assert!(!text.contains(canary), "{output}");
    }
    nothing_is_left_in_files(carto.home());
}

fn nothing_is_left_in_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            nothing_is_left_in_files(&path);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains("canary"), "{}", path.display());
        }
    }
}

/// The request line, and the headers that could say who asks.
pub(crate) fn asked(request: &str) -> String {
    let lines: Vec<&str> = request.lines().collect();
    let who = ["authorization", "x-robot-key", "cookie", "prefer"];
    let told = lines[1..].iter().filter(|line| who.iter().any(|name| line.to_lowercase().starts_with(name)));
    [lines[0]].iter().chain(told).map(|line| format!("{line}\n")).collect()
}
