//! A crate for a new kind, as texts: the files in `template` with a name put in. `contract` says where the crate that it depends on is,
//! `folder` writes.

pub(crate) mod contract;
pub(crate) mod folder;

use carto_plugin_api::Verb;
use carto_plugin_api::manifest::RESERVED_WORDS;

pub(crate) use contract::Contract;

/// A file of the new crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Its path in the crate's folder.
    pub(crate) path: &'static str,
    pub(crate) text: String,
    /// Whether it is run.
    pub(crate) is_program: bool,
}

/// What stands in the templates, by path. Templates have a name of their own where the real one would mean something here.
const TEMPLATES: [(&str, &str); 11] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("kind.toml", include_str!("template/kind.toml")),
    ("src/lib.rs", include_str!("template/src/lib.rs")),
    ("src/find.rs", include_str!("template/src/find.rs")),
    ("src/tests.rs", include_str!("template/src/tests.rs")),
    ("check.toml", include_str!("template/check.toml")),
    ("ci/run", include_str!("template/ci/run")),
    ("README.md", include_str!("template/README.md")),
    ("LICENSE", include_str!("template/LICENSE")),
    ("rustfmt.toml", include_str!("template/rustfmt.toml")),
    (".gitignore", include_str!("template/gitignore")),
];

/// The crate for a kind of that name, which must be one that a kind can have.
///
/// In the Rust files the name stands in comments and in one constant, so that they are formatted whatever its length, and no name
/// means something to the compiler.
pub(crate) fn files(name: &str, contract: &Contract) -> Vec<File> {
    let snake = name.replace('-', "_");
    let values = [
        ("{{name}}", name.to_owned()),
        ("{{snake}}", snake.clone()),
        ("{{NAME}}", snake.to_uppercase()),
        ("{{plural}}", plural(name)),
        ("{{title}}", title(name)),
        ("{{carto_version}}", env!("CARGO_PKG_VERSION").to_owned()),
        ("{{plugin_api_version}}", carto_plugin_api::VERSION.to_owned()),
        ("{{plugin_api_from}}", contract.explained()),
        ("{{plugin_api_path}}", contract.as_toml()),
    ];
    let filled = |text: &str| values.iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value));
    let file = |(path, text)| File { path, text: filled(text), is_program: path == "ci/run" };
    TEMPLATES.map(file).to_vec()
}

/// A plural that is plain enough to be changed by whoever knows better, and that no word of carto's own is.
fn plural(name: &str) -> String {
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| name.ends_with(end));
    let plural = format!("{name}{}", if hisses { "es" } else { "s" });
    let is_taken = RESERVED_WORDS.contains(&plural.as_str()) || plural.parse::<Verb>().is_ok();
    if is_taken { name.to_owned() } else { plural }
}

/// `api-key` as a person writes it.
fn title(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + &rest.replace('-', " ")
}

#[cfg(test)]
mod tests;
