//! A running `carto sandbox serve`, on a free port of this machine.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{Carto, Run};

/// A running `carto sandbox serve`.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) bearer: String,
}

impl Served {
    pub(crate) fn start(carto: &Carto) -> Served {
        Served::start_with(carto.run("sandbox serve --port 0 --json"))
    }

    pub(crate) fn start_with(mut run: Run) -> Served {
        let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |key: &str| first[key].as_str().unwrap().to_owned();
        Served { child, url: text("url"), bearer: text("token") }
    }

    /// The program, talking to this server.
    pub(crate) fn run(&self, carto: &Carto, line: &str) -> Run {
        carto.run(line).env("CARTO_BASE_URL", &self.url).env("CARTO_API_TOKEN", &self.bearer)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
