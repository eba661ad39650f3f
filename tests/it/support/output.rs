//! What a command left behind, as one text for snapshots. What differs from run to run is replaced by its name.

use std::fmt;
use std::path::Path;

use regex_lite::Regex;
use serde_json::Value;

pub(crate) struct Output {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    home: String,
}

impl Output {
    pub(crate) fn new(output: std::process::Output, home: &Path) -> Output {
        Output {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            home: home.display().to_string(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self}"))
    }

    /// The `error` object on standard error.
    pub(crate) fn error(&self) -> Value {
        let line = self.stderr.lines().find(|line| line.starts_with(r#"{"error""#)).unwrap_or_else(|| panic!("{self}"));
        serde_json::from_str::<Value>(line).unwrap()["error"].clone()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("status {}\n", self.status);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{stream}"));
            }
        }
        f.write_str(&settled(&text.replace(&self.home, "[home]")))
    }
}

/// Ids, tokens and secrets as their names, and no spaces at the ends of lines.
fn settled(text: &str) -> String {
    let replacements = [
        (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", "[jwt]"),
        (r"tok_[A-Za-z0-9]{16,}", "[token-id]"),
        (r"\btk_[A-Za-z0-9]{6,}", "[made-up-name]"),
        (r"[A-Za-z0-9_-]{64}", "[secret]"),
        (r"\b[A-Za-z0-9]{32}\b", "[client-id]"),
        (r"127\.0\.0\.1:[0-9]+", "127.0.0.1:[port]"),
        (r"in [0-9]+ ms", "in [n] ms"),
        (r"\b[0-9a-f]{16}…", "[hash]…"),
        (r"\b[0-9]+\.[0-9] [KM]iB", "[n] MiB"),
        (r#""size": [0-9]+"#, r#""size": [n]"#),
        (r"\bprocess [0-9]+", "process [id]"),
    ];
    let mut text = text.to_owned();
    for (pattern, name) in replacements {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Holds an output against a snapshot; `UPDATE_EXPECT=1 cargo test` writes the snapshots.
pub(crate) fn check(output: &Output, expected: expect_test::Expect) {
    expected.assert_eq(&output.to_string());
}
