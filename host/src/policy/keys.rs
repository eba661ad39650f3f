//! What the keys of a policy take, each checked where it is read, so that what is wrong with one comes with its place; in the words of
//! who writes it, not of who reads it.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::is_kind_name;
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::file::Pattern;
use crate::digest;
use crate::input::date;
use crate::run::Level;

/// The one version that there is.
pub(super) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct One;

    impl Visitor<'_> for One {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the number 1, without quotes")
        }

        fn visit_i64<E: Error>(self, version: i64) -> Result<u64, E> {
            match version {
                1 => Ok(1),
                other => {
                    Err(E::invalid_value(Unexpected::Signed(other), &"1, which is the version that this carto knows"))
                }
            }
        }
    }

    deserializer.deserialize_any(One)
}

/// `[[…]]`, as often as there are rules.
pub(super) fn tables<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Tables<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Tables<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table in double brackets, like `[[deny]]`")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut tables: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(table) = tables.next_element()? {
                all.push(table);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_any(Tables(PhantomData))
}

/// A text of which `read` makes something, or says why it can't.
struct Text<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> Result<T, String>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

/// The name of a kind or an option.
pub(super) fn needed_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(Text("one name, like \"token\"", |text: &str| match is_kind_name(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{}` can't be the name of a kind or an option", text.escape_debug())),
    }))
}

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    needed_name(deserializer).map(Some)
}

/// An absolute path.
pub(super) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let read = |text: &str| match PathBuf::from(text) {
        path if path.is_absolute() => Ok(Some(path)),
        _ => Err(format!("`{}` has to be an absolute path", text.escape_debug())),
    };
    deserializer.deserialize_any(Text("an absolute path, like \"/usr/lib/carto/kinds\"", read))
}

/// A time from now.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let read = |text: &str| match date::from_now(text, jiff::Timestamp::UNIX_EPOCH) {
        Some(_) => Ok(Some(text.to_owned())),
        None => Err(format!("`{}` isn't a time like 90d, 12w, 6m or 1y", text.escape_debug())),
    };
    deserializer.deserialize_any(Text("a time, like \"90d\"", read))
}

/// A regular expression.
pub(super) fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pattern>, D::Error> {
    let read = |text: &str| {
        let pattern = Pattern::new(text.to_owned()).map(Some);
        pattern.map_err(|e| format!("`{}` isn't a pattern: {e}", text.escape_debug()))
    };
    deserializer.deserialize_any(Text("a pattern, like \"[a-z]+\"", read))
}

/// One of several in a list, each with its own place.
trait Item: Sized {
    /// What a list of them is called.
    const LIST: &str;
    fn read(text: &str) -> Result<Self, String>;
}

impl Item for Verb {
    const LIST: &str = "a list of verbs, like [\"list\", \"get\"]";

    fn read(text: &str) -> Result<Verb, String> {
        let text = text.escape_debug();
        text.to_string().parse().map_err(|()| {
            format!("`{text}` isn't one of list, get, create, update, delete; a kind's own word for one is that verb")
        })
    }
}

impl Item for Level {
    const LIST: &str = "a list of levels, like [\"confined\"]";

    fn read(text: &str) -> Result<Level, String> {
        let why = || format!("`{}` isn't one of confined, filtered, plain, in-process", text.escape_debug());
        Level::of(text).ok_or_else(why)
    }
}

/// A SHA-256.
struct Digest(String);

impl Item for Digest {
    const LIST: &str = "a SHA-256 in hexadecimal digits, or a list of them";

    fn read(text: &str) -> Result<Digest, String> {
        let digest = text.to_lowercase();
        match digest::is_one(&digest) {
            true => Ok(Digest(digest)),
            // All of it would look like a secret.
            false => Err(format!("`{}…` isn't a SHA-256 in 64 hexadecimal digits", digest::short(text).escape_debug())),
        }
    }
}

/// `api`, or an origin: nothing behind the host and its port.
struct Service(String);

impl Item for Service {
    const LIST: &str = "a list of services, like [\"api\", \"https://robots.example.com\"]";

    fn read(text: &str) -> Result<Service, String> {
        let is_origin = |url: Url| url.has_host() && url.origin().ascii_serialization() == text;
        match text == "api" || Url::parse(text).is_ok_and(is_origin) {
            true => Ok(Service(text.to_owned())),
            false => Err(format!(
                "`{}` isn't a service: `api`, or an origin like `https://robots.example.com`",
                text.escape_debug()
            )),
        }
    }
}

pub(super) fn verbs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Verb>>, D::Error> {
    let verbs = deserializer.deserialize_any(List::<Verb>(PhantomData))?;
    if verbs.iter().collect::<BTreeSet<_>>().len() < verbs.len() {
        return Err(D::Error::custom("a verb is there twice"));
    }
    Ok(Some(verbs))
}

pub(super) fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Level>>, D::Error> {
    deserializer.deserialize_any(List::<Level>(PhantomData)).map(Some)
}

pub(super) fn services<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let services = deserializer.deserialize_any(List::<Service>(PhantomData))?;
    Ok(Some(services.into_iter().map(|Service(text)| text).collect()))
}

pub(super) fn digests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let digests = deserializer.deserialize_any(List::<Digest>(PhantomData))?;
    Ok(Some(digests.into_iter().map(|Digest(text)| text).collect()))
}

/// A list that isn't empty; or one item alone.
struct List<T>(PhantomData<T>);

impl<'de, T: Item> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::LIST)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(vec![T::read(text).map_err(E::custom)?])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(Listed(item)) = items.next_element()? {
            all.push(item);
        }
        if all.is_empty() {
            return Err(A::Error::custom("it is empty: name some, or leave the key out"));
        }
        Ok(all)
    }
}

/// An item in a list.
struct Listed<T>(T);

impl<'de, T: Item> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Listed<T>, D::Error> {
        deserializer.deserialize_any(Text(T::LIST, |text: &str| T::read(text).map(Listed)))
    }
}
