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

/// Warns of patterns that match no page of a browser, `http://localhost:5173`, since browsers send `http://localhost:5173/`, and of those that
/// match pages of somebody else's host.
pub(crate) fn warn_of_traps(host: &Host<'_>, referers: &[String]) {
    for referer in referers {
        let (origin, message) = if is_bare_origin(referer) {
            let message = format!("no browser will match the referer `{referer}`: browsers send `{referer}/`");
            (referer.as_str(), message)
        } else if let Some(origin) = before_more_of_a_name(referer) {
            let other = format!("{origin}.other.example/");
            (origin, format!("the referer `{referer}` matches other hosts too, whose names begin so: `{other}`"))
        } else {
            continue;
        };
        host.warn(
            &message,
            Some(&format!(
                "`--referer {}` allows what they send to another origin, `--referer {}` pages that send their whole address; take both",
                shell_word(&format!("{origin}/")),
                shell_word(&format!("{origin}/*"))
            )),
        );
    }
}

/// The origin of `https://app.example.com*`. After a port, no more than other ports can follow.
fn before_more_of_a_name(referer: &str) -> Option<&str> {
    let origin = referer.strip_suffix('*')?;
    let (_, place) = origin.split_once("://")?;
    (!place.is_empty() && !place.contains(['/', ':']) && !place.ends_with(['*', '?'])).then_some(origin)
}

/// A scheme and a host, with nothing after them that could match a path.
pub(crate) fn is_bare_origin(referer: &str) -> bool {
    match referer.split_once("://") {
        Some((_, rest)) => !rest.contains('/') && !rest.ends_with(['*', '?']),
        None => false,
    }
}
