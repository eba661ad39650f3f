//! `--apis`: which APIs a token may be used with.

use carto_plugin_api::{Error, Result};

const KNOWN: [&str; 4] = ["sql", "maps", "imports", "lds"];

/// Reads a list separated by commas. Documented: the four names, and that imports can't be combined with the others.
pub(crate) fn parse(text: &str) -> Result<Vec<String>> {
    let error =
        |message: String| Err(Error::argument("apis", message).hint("choose from sql, maps, lds; or imports alone"));
    let mut apis: Vec<String> = Vec::new();
    for word in text.split(',').map(str::trim) {
        if text.trim().is_empty() {
            return error("no API is named".to_owned());
        }
        if word.is_empty() {
            return error(format!("`{text}` names no API in one place"));
        }
        if !KNOWN.contains(&word) {
            return error(format!("there is no API `{word}`"));
        }
        if apis.iter().any(|api| api == word) {
            return error(format!("`{word}` is named twice"));
        }
        apis.push(word.to_owned());
    }
    if apis.len() > 1 && apis.iter().any(|api| api == "imports") {
        return error("`imports` can't stand beside other APIs".to_owned())
            .map_err(|e| e.hint("create two tokens: one with `--apis imports`, one with the others"));
    }
    Ok(apis)
}
