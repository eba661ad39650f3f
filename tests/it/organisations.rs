//! docs/organisations.md, run: each command in it, with what the user sees, and the files that the administrator writes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use regex_lite::Regex;

use crate::support::prefix::Prefix;

/// The page is a story. Its blocks are files (the first line says which) or sessions at a terminal: `$ ` and a command, then what it shows.
#[test]
fn the_story_is_true() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/organisations.md");
    let text = fs::read_to_string(&page).unwrap();
    let place = Prefix::new();
    let folder = place.path("").display().to_string().trim_end_matches('/').to_owned();
    let mut told = String::new();
    let mut blocks = 0;
    for (i, part) in text.split("```").enumerate() {
        let is_block = i % 2 == 1;
        if !is_block {
            told.push_str(part);
            continue;
        }
        let (language, body) = part.split_once('\n').unwrap();
        let body = match language {
            "toml" => {
                assert!(body.starts_with("# /opt/carto/etc/carto/policy.toml\n"));
                let pinned = place.run("plugin why token --json").output().json()["sha256"].as_str().map(str::to_owned);
                let policy = body.replace("/opt/carto", &folder).replace("PIN", pinned.as_deref().unwrap_or_default());
                let file = place.policy(&policy);
                fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
                body.to_owned()
            }
            "console" => session(&place, body, &folder),
            other => panic!("a block of `{other}`"),
        };
        blocks += 1;
        told.push_str(&format!("```{language}\n{body}```"));
    }
    assert!(blocks > 8, "the story is gone");
    #[allow(clippy::disallowed_methods)] // the tests' own variable
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return fs::write(&page, &told).unwrap();
    }
    assert!(
        told == text,
        "docs/organisations.md isn't true any more; UPDATE_EXPECT=1 writes it anew. It would be:\n{told}"
    );
}

/// Runs the commands of a block.
fn session(place: &Prefix, body: &str, folder: &str) -> String {
    let mut shown = String::new();
    for command in body.lines().filter_map(|line| line.strip_prefix("$ ")) {
        shown.push_str(&format!("$ {command}\n"));
        let output = match command.split_once(' ') {
            // The administrator's, at the files.
            Some(("sudo", rest)) => {
                let rest = rest.replace("/opt/carto", folder);
                let status = std::process::Command::new("sh").args(["-c", &rest]).status().unwrap();
                assert!(status.success(), "{command}");
                continue;
            }
            Some(("carto", rest)) => {
                let (line, filter) = rest.split_once(" | ").map_or((rest, None), |(line, filter)| (line, Some(filter)));
                let output = place.sandbox(&line.replace("--sandbox ", "")).output();
                let text = match filter {
                    Some(word) => {
                        let word = word.strip_prefix("grep ").unwrap();
                        output
                            .stdout
                            .lines()
                            .filter(|line| line.contains(word))
                            .map(|line| format!("{line}\n"))
                            .collect()
                    }
                    None => output.stdout,
                };
                format!("{text}{}", output.stderr)
            }
            Some(("tail", _)) => {
                let log = fs::read_to_string(place.path("audit.jsonl")).unwrap();
                log.lines().last().unwrap().to_owned() + "\n"
            }
            _ => panic!("{command}"),
        };
        shown.push_str(&settled(&output.replace(folder, "/opt/carto")));
    }
    shown
}

/// What differs from run to run, as the page has it.
fn settled(text: &str) -> String {
    let replacements = [
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "eyJhbGciOi…"),
        (r"tok_[A-Za-z0-9]{16,}", "tok_7HfKq2mZ"),
        (r"\b[A-Za-z0-9]{32}\b", "3Xw9…"),
        (r"[0-9a-f]{64}", "5d41…"),
        (r"(sha256 |`, and |has the sha256 |accepted )[0-9a-f]{16}…", "${1}5d41…"),
        (r#""time":"[^"]*""#, r#""time":"2026-11-24T10:00:00.000Z""#),
        (r#""run":"[^"]*""#, r#""run":"66104f1c-1f""#),
        (r#""user":\{[^}]*\}"#, r#""user":{"uid":1000,"name":"ana","login_uid":1000}"#),
        (r#""host":"[^"]*""#, r#""host":"laptop""#),
        (r#""pid":[0-9]+"#, r#""pid":4711"#),
    ];
    replacements.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}
