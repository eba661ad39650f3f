//! Reading a manifest: the version rules and unknown keys. What a well-formed manifest may say is `check`'s.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Manifest, ManifestError, SCHEMA, VerbSpec};
use crate::{Verb, abi};

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// Strict within a minor version of the schema: an unknown key is an error that names it. A newer minor's unknown keys are passed
    /// over, unless the manifest `requires` them.
    ///
    /// # Errors
    /// One line that says what is wrong, and where the reader knows it, on which line.
    pub fn parse(text: &str) -> Result<Manifest, ManifestError> {
        let mut unknown = Vec::new();
        let read = toml::Deserializer::parse(text)
            .and_then(|toml| serde_ignored::deserialize(toml, |path| unknown.push(key_path(&path))));
        let manifest: Manifest = match read {
            Ok(manifest) => manifest,
            // A manifest of another version can fail anywhere: say that it is another version first.
            Err(error) => {
                let why = located(text, &error);
                return Err(match toml::from_str::<Head>(text) {
                    Ok(head) => head.fault(head.check()?, why),
                    Err(_) => why.into(),
                });
            }
        };
        let head = Head { schema: manifest.schema.clone(), abi: manifest.abi };
        let minor = head.check()?;
        if minor > SCHEMA.1 {
            if let Some(key) = manifest.requires.iter().find(|key| unknown.contains(key)) {
                let message = format!(
                    "needs `{key}` of manifest schema {}, and this carto reads schema {}.{}",
                    manifest.schema, SCHEMA.0, SCHEMA.1
                );
                return Err(ManifestError::versions(message, minor, SCHEMA.1));
            }
        } else if let Some(key) = unknown.first() {
            return Err(format!("`{key}` is no key of schema {}", manifest.schema).into());
        }
        manifest.check(minor).map_err(|why| head.fault(minor, why))?;
        Ok(manifest)
    }
}

/// The part whose meaning is the same in every version.
#[derive(Deserialize)]
struct Head {
    schema: String,
    abi: u32,
}

impl Head {
    /// The schema's minor, if this crate reads that major and speaks that ABI.
    fn check(&self) -> Result<u32, ManifestError> {
        let version =
            self.schema.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let Some((major, minor)): Option<(u32, u32)> = version else {
            return Err(format!("`schema` must be like \"1.0\", not \"{}\"", self.schema.escape_default()).into());
        };
        if major != SCHEMA.0 {
            let message = format!(
                "is written in manifest schema {major}.{minor}, and this carto reads schema {}.{}",
                SCHEMA.0, SCHEMA.1
            );
            return Err(ManifestError::versions(message, major, SCHEMA.0));
        }
        if self.abi != abi::VERSION {
            let message = format!("has plugin ABI {}, and this carto has ABI {}", self.abi, abi::VERSION);
            return Err(ManifestError::versions(message, self.abi, abi::VERSION));
        }
        Ok(minor)
    }

    /// What is wrong with a manifest of that minor: in a later one than ours it may be right, a type of argument for example.
    fn fault(&self, minor: u32, why: String) -> ManifestError {
        if minor <= SCHEMA.1 {
            return why.into();
        }
        let message = format!(
            "is written in manifest schema {}, and this carto reads schema {}.{}: {why}",
            self.schema, SCHEMA.0, SCHEMA.1
        );
        ManifestError::versions(message, minor, SCHEMA.1)
    }
}

/// A TOML error as one line with its place.
fn located(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    match error.span() {
        Some(span) if span.start > 0 => {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        _ => message,
    }
}

/// `verbs.create.args.help`: the path of a key without the places in lists, so that `requires` can name it.
fn key_path(path: &serde_ignored::Path<'_>) -> String {
    fn walk(path: &serde_ignored::Path<'_>, keys: &mut Vec<String>) {
        use serde_ignored::Path;
        match path {
            Path::Root => {}
            Path::Map { parent, key } => {
                walk(parent, keys);
                keys.push(key.clone());
            }
            Path::Seq { parent, .. }
            | Path::Some { parent }
            | Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent } => walk(parent, keys),
        }
    }
    let mut keys = Vec::new();
    walk(path, &mut keys);
    keys.join(".")
}

/// The verbs: an unknown one counts as an unknown key, so that a kind with a later verb still serves the others.
pub(super) fn verbs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Verb, VerbSpec>, D::Error> {
    struct Verbs;

    impl<'de> Visitor<'de> for Verbs {
        type Value = BTreeMap<Verb, VerbSpec>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table of verbs")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut verbs = BTreeMap::new();
            while let Some(word) = map.next_key::<String>()? {
                match word.parse() {
                    Ok(verb) => {
                        verbs.insert(verb, map.next_value::<VerbSpec>()?);
                    }
                    // Read as ignored, so that serde_ignored reports the key.
                    Err(()) => map.next_value_seed(Ignored)?,
                }
            }
            Ok(verbs)
        }
    }

    struct Ignored;

    impl<'de> DeserializeSeed<'de> for Ignored {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ())
        }
    }

    deserializer.deserialize_map(Verbs)
}
