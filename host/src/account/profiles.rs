//! `~/.carto_credentials.json`, the file of CARTO's official command line: read, never written.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use carto_plugin_api::{ErrorCode, Secret};
use serde::Deserialize;

use crate::environment;
use crate::error::{Error, Result};

/// What of the file is used. Documented: `{current_profile, profiles: {<name>: {token, tenant_id, …}}}`; other fields are others' affair.
#[derive(Debug, Deserialize)]
pub(crate) struct Profiles {
    pub(crate) current_profile: Option<String>,
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Profile {
    #[serde(rename = "token")]
    pub(crate) bearer: Option<Secret>,
    pub(crate) tenant_id: Option<String>,
}

/// Reads the file; nothing if there is none.
pub(super) fn read() -> Result<Option<Profiles>> {
    let file = environment::home()?.join(".carto_credentials.json");
    let bad = |why: String| {
        Error::new(ErrorCode::Failed, format!("cannot use `{}`: {why}", file.display()))
            .hint("mend the file, or move it away and sign in again; it was left as it is")
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(e.to_string())),
    };
    parse(&text).map(Some).map_err(bad)
}

/// Reads the text of the file. What is wrong with it comes with its place and nothing else: serde's own text can quote a value, and a value
/// here is a bearer.
pub(crate) fn parse(text: &str) -> std::result::Result<Profiles, String> {
    serde_json::from_str(text)
        .map_err(|e| format!("line {}, column {} isn't what a credentials file has there", e.line(), e.column()))
}
