//! Finds kinds: one by the word on the command line, reading as few files as that takes, or all.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use carto_plugin_api::ErrorCode;
use carto_plugin_api::manifest::is_kind_name;

use super::{Kind, Refused, claimed_name, file_name, folders, section, trust};
use crate::error::{Error, Result};

/// The folders of this command.
#[derive(Debug)]
pub(crate) struct Catalog {
    folders: Vec<PathBuf>,
    /// Every kind, once somebody asked.
    found: OnceCell<Found>,
}

/// Every kind there is, and every file or folder that was refused, each in a fixed order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) refused: Vec<Refused>,
}

impl Catalog {
    /// The catalogue of the folders that the option, the variable or the usual places name. Reads nothing yet.
    pub(crate) fn new(kinds_path: Option<&str>) -> Result<Catalog> {
        Ok(Catalog { folders: folders::folders(kinds_path)?, found: OnceCell::new() })
    }

    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The kind that a word means: a name, which is its file's; else a plural, found by the word without its `s`; else whatever
    /// manifest claims the word.
    pub(crate) fn find(&self, word: &str) -> Result<Kind> {
        let mut suspect = None;
        if is_kind_name(word) {
            if let Some(found) = self.by_name(word) {
                return found.map_err(|refused| refused.error());
            }
            match word.strip_suffix('s').and_then(|singular| self.by_name(singular)) {
                Some(Ok(kind)) if kind.manifest.plural == word => return Ok(kind),
                // A manifest that can't be read can't confirm its plural, but it is very likely the one that is meant.
                Some(Err(refused)) => suspect = Some(refused),
                _ => {}
            }
        }
        let Found { kinds, refused } = self.all();
        if let Some(kind) = kinds.iter().find(|kind| kind.manifest.answers_to(word)) {
            return Ok(kind.clone());
        }
        if let Some(refused) = suspect {
            return Err(refused.error());
        }
        let names: Vec<&str> = kinds.iter().map(Kind::name).collect();
        Err(self.unknown(word, &names, refused))
    }

    /// The answer to a word that means no kind.
    fn unknown(&self, word: &str, names: &[&str], refused: &[Refused]) -> Error {
        let listed =
            if names.is_empty() { "there are none".to_owned() } else { format!("kinds: {}", names.join(", ")) };
        let error = Error::new(ErrorCode::UnknownKind, format!("no kind `{word}` here; {listed}"));
        let close =
            names.iter().map(|name| (strsim::jaro_winkler(word, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
        match close {
            Some((likeness, name)) if likeness > 0.8 => error.hint(format!("did you mean `{name}`?")),
            _ if !refused.is_empty() => error.hint("some files were refused: `carto plugin list` says why"),
            _ if names.is_empty() => {
                let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
                error.hint(format!("a kind is a library in one of these folders: {}", folders.join(", ")))
            }
            _ => error.hint("install its plugin, or choose one of these"),
        }
    }

    /// The kind of exactly that name, from the first folder that has its file. A refused file still holds the name: what it refuses
    /// must not come back from a folder that anyone may fill.
    fn by_name(&self, name: &str) -> Option<std::result::Result<Kind, Refused>> {
        self.folders.iter().find_map(|folder| {
            let path = folder.join(file_name(name));
            // A dangling link is a file that can't be read, not a file that isn't there.
            fs::symlink_metadata(&path).ok()?;
            Some(
                folder_fault(folder)
                    .map_or_else(|| section::read(&path, name), Err)
                    .and_then(|kind| self.unclaimed(kind)),
            )
        })
    }

    /// Refuses a kind whose plural is the name of another kind.
    fn unclaimed(&self, kind: Kind) -> std::result::Result<Kind, Refused> {
        let plural = &kind.manifest.plural;
        let taken = *plural != kind.manifest.name
            && self.folders.iter().any(|folder| fs::symlink_metadata(folder.join(file_name(plural))).is_ok());
        if taken { Err(clash(&kind, plural)) } else { Ok(kind) }
    }

    /// Every kind, by name; the first folder that offers a name has it. The files are read once.
    pub(crate) fn all(&self) -> &Found {
        self.found.get_or_init(|| self.read_all())
    }

    fn read_all(&self) -> Found {
        let mut found = Found::default();
        let mut names = BTreeSet::new();
        for folder in &self.folders {
            match kind_files(folder) {
                Ok(files) if files.is_empty() => {}
                Ok(files) => {
                    if let Some(refused) = folder_fault(folder) {
                        found.refused.push(refused);
                        names.extend(files.into_iter().map(|(name, _)| name));
                        continue;
                    }
                    for (name, path) in files {
                        if !names.insert(name.clone()) {
                            continue;
                        }
                        match read_named(&path, &name) {
                            Ok(kind) => found.kinds.push(kind),
                            Err(refused) => found.refused.push(refused),
                        }
                    }
                }
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => found.refused.push(Refused {
                    name: None,
                    path: folder.clone(),
                    cause: format!("can't be read: {e}"),
                    remedy: "mend its permissions, or remove it".to_owned(),
                }),
            }
        }
        found.refuse_clashes();
        found.kinds.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        found
    }
}

impl Found {
    /// A word that two kinds claim belongs to the earlier, a name before a plural; the later is refused as a whole.
    fn refuse_clashes(&mut self) {
        let names: BTreeSet<String> = self.kinds.iter().map(|kind| kind.manifest.name.clone()).collect();
        let mut plurals = BTreeSet::new();
        let (kept, clashing) = std::mem::take(&mut self.kinds).into_iter().partition(|kind: &Kind| {
            let (name, plural) = (&kind.manifest.name, &kind.manifest.plural);
            (plural == name || !names.contains(plural)) && plurals.insert(plural.clone())
        });
        self.kinds = kept;
        self.refused.extend(clashing.iter().map(|kind: &Kind| clash(kind, &kind.manifest.plural)));
    }
}

fn clash(kind: &Kind, plural: &str) -> Refused {
    Refused {
        name: Some(kind.manifest.name.clone()),
        path: kind.file.clone(),
        cause: format!("claims the plural `{plural}`, which is another kind's"),
        remedy: "remove one of the two".to_owned(),
    }
}

fn read_named(path: &Path, name: &str) -> std::result::Result<Kind, Refused> {
    if is_kind_name(name) {
        return section::read(path, name);
    }
    Err(Refused {
        name: None,
        path: path.to_owned(),
        cause: "has a name that no kind can have".to_owned(),
        remedy: "rename it: lower-case letters and digits, in words joined by `_`".to_owned(),
    })
}

/// A folder that somebody else can write offers nothing.
fn folder_fault(folder: &Path) -> Option<Refused> {
    let metadata = fs::metadata(folder).ok()?;
    let (cause, remedy) = trust::fault(folder, &metadata)?;
    Some(Refused { name: None, path: folder.to_owned(), cause, remedy })
}

/// The files in a folder that are named like a kind's library, by name.
fn kind_files(folder: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut files: Vec<(String, PathBuf)> = fs::read_dir(folder)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((claimed_name(entry.file_name().to_str()?)?, entry.path()))
        })
        .collect();
    files.sort();
    Ok(files)
}
