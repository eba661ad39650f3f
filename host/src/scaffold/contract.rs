//! Where the crate `carto-plugin-api` is, as long as it isn't published: a folder that an option names, one that came with carto, or the
//! checkout that carto was built in.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result, usage};

const NAME: &str = "carto-plugin-api";

/// The crate's folder.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    /// An absolute path.
    path: String,
    origin: Origin,
}

/// How it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Option,
    Prefix,
    Checkout,
}

impl Origin {
    /// As the word of a JSON value.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Origin::Option => "option",
            Origin::Prefix => "prefix",
            Origin::Checkout => "checkout",
        }
    }
}

impl Contract {
    /// The one that the option names, else the one that belongs to this program.
    pub(crate) fn find(option: Option<&Path>) -> Result<Contract> {
        match option {
            Some(folder) => named(folder),
            None => beside(std::env::current_exe().ok().as_deref().unwrap_or(Path::new("/"))),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// One sentence for people, without its end.
    pub(crate) fn explained(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let which = match self.origin {
            Origin::Option => "the one that `--plugin-api` named".to_owned(),
            Origin::Prefix => format!("the one that came with carto {version}"),
            Origin::Checkout => format!("the one in the checkout that carto {version} was built in"),
        };
        format!("{NAME} isn't published yet; this is {which}")
    }

    /// The path as a TOML string.
    pub(super) fn as_toml(&self) -> String {
        // Every JSON string without the letter DEL is a TOML string, and `checked` refuses control characters.
        serde_json::Value::from(self.path.as_str()).to_string()
    }

    fn checked(folder: &Path, origin: Origin) -> std::result::Result<Contract, String> {
        let manifest = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).map_err(|e| format!("`{}`: {e}", manifest.display()))?;
        let name = toml::from_str::<Cargo>(&text).map(|cargo| cargo.package.name);
        if name.as_deref() != Ok(NAME) {
            return Err(match name {
                Ok(name) => format!("it holds the crate `{name}`"),
                Err(_) => format!("`{}` describes no crate", manifest.display()),
            });
        }
        let path = std::fs::canonicalize(folder).map_err(|e| e.to_string())?;
        let path = path.into_os_string().into_string().ok().filter(|path| !path.contains(char::is_control));
        let path = path.ok_or("its path can't stand in a `Cargo.toml`: it isn't plain UTF-8")?;
        Ok(Contract { path, origin })
    }
}

/// What is read of a `Cargo.toml`.
#[derive(Deserialize)]
struct Cargo {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

fn named(folder: &Path) -> Result<Contract> {
    Contract::checked(folder, Origin::Option).map_err(|why| {
        usage(format!("`{}` isn't the folder of the crate {NAME}: {why}", folder.display()))
            .hint("name the folder `plugin-api` of a checkout of carto, or leave `--plugin-api` out")
    })
}

/// `<prefix>/share/carto/plugin-api` of a program in `<prefix>/bin`, or the folder beside the `target` that it was built into.
fn beside(program: &Path) -> Result<Contract> {
    let prefix = program.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent);
    let target = program.ancestors().find(|folder| folder.ends_with("target"));
    let places = [
        prefix.map(|prefix| (prefix.join("share/carto/plugin-api"), Origin::Prefix)),
        target.map(|target| (target.with_file_name("plugin-api"), Origin::Checkout)),
    ];
    let places: Vec<(PathBuf, Origin)> = places.into_iter().flatten().collect();
    let found = places.iter().find_map(|(folder, origin)| Contract::checked(folder, *origin).ok());
    found.ok_or_else(|| missing(&places))
}

fn missing(places: &[(PathBuf, Origin)]) -> Error {
    let looked: Vec<String> = places.iter().map(|(folder, _)| format!("`{}`", folder.display())).collect();
    let looked = if looked.is_empty() { String::new() } else { format!(" (looked for in {})", looked.join(" and ")) };
    usage(format!("the crate {NAME} isn't published yet, and none came with this carto{looked}"))
        .hint("add `--plugin-api PATH`, the folder `plugin-api` of a checkout of carto")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_in(folder: &Path, name: &str) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("Cargo.toml"), format!("[package]\nname = \"{name}\"\n")).unwrap();
    }

    #[test]
    fn a_program_finds_the_one_that_came_with_it() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let (installed, built) = (home.join("bin/carto"), home.join("src/target/x86_64/release/carto"));
        for program in [&installed, &built] {
            let error = beside(program).unwrap_err();
            assert!(error.hint.unwrap().contains("--plugin-api"), "{}", error.message);
        }
        crate_in(&home.join("share/carto/plugin-api"), NAME);
        let found = beside(&installed).unwrap();
        assert_eq!(
            (found.path(), found.origin()),
            (home.join("share/carto/plugin-api").to_str().unwrap(), Origin::Prefix)
        );
        crate_in(&home.join("src/plugin-api"), "something-else");
        assert!(beside(&built).is_err());
        crate_in(&home.join("src/plugin-api"), NAME);
        assert_eq!(beside(&built).unwrap().origin(), Origin::Checkout);
        assert!(beside(Path::new("/carto")).is_err());
    }

    #[test]
    fn a_folder_that_is_named_is_looked_at() {
        let home = tempfile::tempdir().unwrap();
        let says = |folder: &Path| named(folder).unwrap_err().message;
        assert!(says(&home.path().join("nothing")).contains("No such file"));
        crate_in(&home.path().join("other"), "other");
        assert!(says(&home.path().join("other")).ends_with("it holds the crate `other`"));
        std::fs::write(home.path().join("Cargo.toml"), "[workspace]").unwrap();
        assert!(says(home.path()).ends_with("describes no crate"));
        crate_in(&home.path().join("a \"b\""), NAME);
        let found = named(&home.path().join("a \"b\"")).unwrap();
        assert!(toml::from_str::<toml::Table>(&format!("path = {}", found.as_toml())).is_ok());
    }
}
