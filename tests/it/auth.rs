//! `carto auth` without a browser, against a server that is CARTO for the program.

mod kept;
mod lost;
mod machine;
mod status;

use regex_lite::Regex;
use serde_json::Value;

use crate::support::Carto;
use crate::support::output::Output;

const FILE: &str = ".carto_credentials.json";

fn file(carto: &Carto) -> Value {
    serde_json::from_str(&std::fs::read_to_string(carto.home().join(FILE)).unwrap()).unwrap()
}

/// What was printed, with times as their name.
fn settled(output: &Output) -> String {
    times(&output.to_string())
}

fn times(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, name) in [
        (r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "[time]"),
        (r"in 23 h 5[0-9] min", "in [nearly a day]"),
        (r#""expires_in": 86[0-9]{3}"#, r#""expires_in": [nearly a day]"#),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}

fn mode(carto: &Carto) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(carto.home().join(FILE)).unwrap().permissions().mode() & 0o7777
}
