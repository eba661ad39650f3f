//! `--referer` and `--referers`: from where a token may be used. Patterns: `*` is one or more characters, `?` exactly one.

use carto_plugin_api::{Error, Host, Result, shell_word};

/// The list that both options say together; `None` if neither was given. `--referers ""` is an empty list: any referer.
pub(crate) fn collect(single: &[String], list: Option<&str>) -> Result<Option<Vec<String>>> {
    if single.is_empty() && list.is_none() {
        return Ok(None);
    }
    let listed = list.filter(|text| !text.trim().is_empty()).into_iter().flat_map(|text| text.split(','));
    let mut referers: Vec<String> = Vec::new();
    for (argument, text) in
        single.iter().map(|text| ("referer", text.as_str())).chain(listed.map(|text| ("referers", text)))
    {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::argument(argument, "a referer is empty").hint("leave it out to allow any referer"));
        }
        if text.contains(char::is_whitespace) {
            return Err(Error::argument(argument, format!("the referer `{text}` has white space in it"))
                .hint("repeat `--referer` for each pattern, or separate them by commas in `--referers`"));
        }
        if !referers.iter().any(|known| known == text) {
            referers.push(text.to_owned());
        }
    }
    Ok(Some(referers))
}

/// Warns of patterns that match no page of a browser: `http://localhost:5173`, since browsers send `http://localhost:5173/`.
pub(crate) fn warn_of_bare_origins(host: &Host<'_>, referers: &[String]) {
    for referer in referers.iter().filter(|referer| is_bare_origin(referer)) {
        host.warn(
            &format!("no browser will match the referer `{referer}`: browsers send `{referer}/`"),
            Some(&format!(
                "`--referer {}` allows what they send to another origin, `--referer {}` pages that send their whole address; take both",
                shell_word(&format!("{referer}/")),
                shell_word(&format!("{referer}/*"))
            )),
        );
    }
}

/// A scheme and a host, with nothing after them that could match a path.
pub(crate) fn is_bare_origin(referer: &str) -> bool {
    match referer.split_once("://") {
        Some((_, rest)) => !rest.contains('/') && !rest.ends_with(['*', '?']),
        None => false,
    }
}
