//! The request that `verify` is asked about, checked before anything is asked: what no page, connection or source can be is refused here, so
//! that nothing is suggested that `update` would refuse.

use carto_plugin_api::{Error, Result};
use serde::Deserialize;
use url::Url;

use crate::grants;

/// The arguments, as the manifest declares them: a request, or a part of one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Input {
    pub(super) api: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) source: Option<String>,
    pub(super) referer: Option<String>,
}

impl Input {
    /// The same, trimmed as `create` and `update` trim it.
    pub(super) fn checked(self) -> Result<Input> {
        Ok(Input {
            api: self.api,
            connection: self.connection.map(|text| connection(text.trim())).transpose()?,
            source: self.source.map(|text| source(text.trim())).transpose()?,
            referer: self.referer.map(|text| page(text.trim())).transpose()?,
        })
    }

    /// Whether a request is described.
    pub(super) fn names_a_request(&self) -> bool {
        [&self.api, &self.connection, &self.source, &self.referer].into_iter().any(Option::is_some)
    }
}

fn connection(name: &str) -> Result<String> {
    match name {
        "" => Err(Error::argument("connection", "the connection's name is empty")
            .hint("name a connection of the account, like `carto_dw`")),
        name if name.contains(',') => Err(Error::argument("connection", format!("`{name}` is several names in one"))
            .hint("ask about one connection at a time")),
        name => Ok(name.to_owned()),
    }
}

fn source(text: &str) -> Result<String> {
    if text.is_empty() {
        return Err(Error::argument("source", "the source is empty")
            .hint("name a table like `carto.shared.demo_table`, or a statement; `@FILE` reads it from a file"));
    }
    if text.contains('*') && !grants::is_sql(text) {
        return Err(Error::argument("source", format!("`{text}` is a pattern, and a request reads one source"))
            .hint("ask about one that it is meant for, like `carto.shared.demo_table`"));
    }
    Ok(text.to_owned())
}

/// A page's address as browsers send it: their letters, without what they leave out. An origin alone is what they say of themselves.
fn page(text: &str) -> Result<String> {
    let error = |message: String, hint: &str| Err(Error::argument("referer", message).hint(hint));
    if text.is_empty() {
        return error("the page is empty".to_owned(), "write its address, like `https://app.example.com/`");
    }
    let parsed = Url::parse(text).ok().filter(Url::has_host);
    let Some(mut sent) = parsed else {
        // What stands before an `@` can be a password.
        let shown = if text.contains('@') { "that".to_owned() } else { format!("`{text}`") };
        return error(format!("{shown} isn't a page's address"), "write it in full, like `https://app.example.com/`");
    };
    if sent.host_str().unwrap_or_default().contains('*') {
        let hint = "ask about one page that it is meant for, like `https://app.example.com/`";
        return error(format!("`{text}` is a pattern, and a request comes from one page"), hint);
    }
    sent.set_fragment(None);
    // An address that can't have them hasn't any.
    let _ = (sent.set_username(""), sent.set_password(None));
    if text == sent.as_str() || format!("{text}/") == sent.as_str() {
        return Ok(text.to_owned());
    }
    error(
        "no browser sends that page's address in this form".to_owned(),
        &format!("ask about `{sent}`, as browsers send it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one() {
        for text in ["a.b.c", "carto.x", "SELECT * FROM a.b.c", "SELECT\n*\nFROM t"] {
            assert_eq!(source(text).unwrap(), text);
        }
        for (text, message) in [("", "is empty"), ("*", "`*` is a pattern"), ("a.b.*", "`a.b.*` is a pattern")] {
            let error = source(text).unwrap_err();
            assert!(error.message.contains(message) && error.hint.is_some(), "{text}: {error:?}");
        }
    }

    #[test]
    fn a_page_is_as_browsers_send_it() {
        for (text, message, hint) in [
            ("https://app.example.com/", None, ""),
            ("https://app.example.com", None, ""),
            ("http://localhost:5173/a?x=1,2&y=*", None, ""),
            ("http://[::1]:5173/", None, ""),
            ("", Some("is empty"), "like `https"),
            ("localhost:5173/", Some("isn't a page's address"), "in full"),
            ("app.example.com", Some("`app.example.com` isn't a page's address"), "in full"),
            ("me:hunter2@", Some("that isn't a page's address"), "in full"),
            ("https://*.example.com/", Some("is a pattern"), "one page"),
            ("https://app.example.com*", Some("is a pattern"), "one page"),
            ("https://app.example.com?x", Some("no browser"), "`https://app.example.com/?x`"),
            ("https://app.example.com#x", Some("no browser"), "`https://app.example.com/`"),
            ("https://me:hunter2@app.example.com/", Some("no browser"), "`https://app.example.com/`"),
            ("https://APP.example.com:443/", Some("no browser"), "`https://app.example.com/`"),
            ("https://app.example.com/a b", Some("no browser"), "`https://app.example.com/a%20b`"),
        ] {
            match (page(text), message) {
                (Ok(page), None) => assert_eq!(page, text),
                (Err(error), Some(message)) => {
                    let hint_is = error.hint.as_ref().unwrap();
                    assert!(error.message.contains(message) && hint_is.contains(hint), "{text}: {error:?}");
                    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
                }
                (outcome, _) => panic!("{text}: {outcome:?}"),
            }
        }
    }
}
