//! Finds kinds: one by the word on the command line, reading as few files as that takes, or all.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carto_plugin_api::ErrorCode;
use carto_plugin_api::manifest::is_kind_name;

use super::trust::Trust;
use super::{Kind, Refused, claimed_name, file_name, folders, section};
use crate::error::{Error, Result};
use crate::policy::Policy;

/// The folders of this command.
#[derive(Debug)]
pub(crate) struct Catalog {
    kinds_path: Option<String>,
    /// Where to look, once somebody looks: a variable that names no folder is no reason to refuse `--version`.
    folders: OnceCell<Vec<PathBuf>>,
    /// Every kind, once somebody asked.
    found: OnceCell<Found>,
    policy: OnceCell<Arc<Policy>>,
    /// The names that files have, once somebody asked.
    names: OnceCell<BTreeSet<String>>,
}

/// Every kind there is, every file or folder that was refused, and every file that nobody looks at, each in a fixed order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) shadowed: Vec<Shadowed>,
}

/// A file whose name belongs to a file of a folder before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shadowed {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// The file that has it.
    pub(crate) by: PathBuf,
}

impl Catalog {
    /// The catalogue of the folders that the option, the variable or the usual places name. Reads nothing yet.
    pub(crate) fn new(kinds_path: Option<&str>) -> Catalog {
        Catalog {
            kinds_path: kinds_path.map(str::to_owned),
            folders: OnceCell::new(),
            found: OnceCell::new(),
            policy: OnceCell::new(),
            names: OnceCell::new(),
        }
    }

    /// The catalogue of the usual folders, whatever the option or the variable says.
    pub(crate) fn usual() -> Catalog {
        Catalog { folders: OnceCell::from(folders::usual()), ..Catalog::new(None) }
    }

    /// The names of the files in the user's own folder.
    pub(crate) fn own_names() -> Vec<String> {
        let files = super::own::folder().ok().and_then(|folder| kind_files(&folder).ok()).unwrap_or_default();
        files.into_iter().map(|(name, _)| name).filter(|name| is_kind_name(name)).collect()
    }

    /// What replaces the usual folders, if something does: an option or a variable.
    pub(crate) fn replaced_by(&self) -> Option<&'static str> {
        folders::replaced_by(self.kinds_path.as_deref())
    }

    /// The policies in force, read once.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        self.policy.get_or_init(|| Arc::new(Policy::read()))
    }

    /// Where kinds are looked for, in order.
    pub(crate) fn folders(&self) -> Result<&[PathBuf]> {
        if let Some(folders) = self.folders.get() {
            return Ok(folders);
        }
        if let Some(source) = folders::replaced_by(self.kinds_path.as_deref()) {
            self.policy().permit_kinds_path(source)?;
        }
        let folders = folders::folders(self.kinds_path.as_deref())?;
        Ok(self.folders.get_or_init(|| folders))
    }

    /// The kind that a word means. A folder comes before those after it, and inside one a name comes before a plural; so what is found
    /// in a folder that a user can fill never takes a word away from the folders before it.
    ///
    /// Read for it: the file of that name, or of the word without its `s`, and whatever stands in folders before that one; every
    /// manifest only if neither is there.
    pub(crate) fn find(&self, word: &str) -> Result<Kind> {
        let folders = self.folders()?;
        let mut suspect = None;
        if is_kind_name(word) {
            let mut singular = word.strip_suffix('s');
            for (place, folder) in folders.iter().enumerate() {
                let found =
                    in_folder(folder, word).or_else(|| match singular.and_then(|name| in_folder(folder, name))? {
                        Ok(kind) => (kind.manifest.plural == word).then_some(Ok(kind)),
                        // A manifest that can't be read can't confirm its plural, but it holds its name, and is very likely what is meant.
                        Err(refused) => {
                            singular = None;
                            suspect = Some(refused);
                            None
                        }
                    });
                if let Some(found) = found {
                    let earlier = plural_in(&folders[..place], word);
                    return earlier.map_or(found, Ok).map_err(|refused| refused.error());
                }
            }
        }
        let Found { kinds, refused, .. } = self.all()?;
        if let Some(kind) = kinds.iter().find(|kind| kind.manifest.answers_to(word)) {
            return Ok(kind.clone());
        }
        if let Some(refused) = suspect {
            return Err(refused.error());
        }
        let permitted = self.permitted()?;
        let names: Vec<&str> = permitted.iter().map(Kind::name).collect();
        if names.is_empty() && !kinds.is_empty() {
            let message = format!("no kind `{word}` here, and a policy refuses those that are");
            return Err(Error::new(ErrorCode::UnknownKind, message).hint("`carto plugin list` says more"));
        }
        Err(unknown(word, folders, &names, refused))
    }

    /// The kinds that may be used, with the verbs that may.
    pub(crate) fn permitted(&self) -> Result<Vec<Kind>> {
        Ok(self.all()?.kinds.iter().filter_map(|kind| self.policy().narrow(kind)).collect())
    }

    /// The files that claim a name, in order: the first is used, the others are in its shadow.
    pub(crate) fn files_of(&self, name: &str) -> Result<Vec<PathBuf>> {
        let files = self.folders()?.iter().map(|folder| folder.join(file_name(name)));
        Ok(files.filter(|file| fs::symlink_metadata(file).is_ok()).collect())
    }

    /// Every kind, by name; the first folder that offers a name has it. The files are read once.
    pub(crate) fn all(&self) -> Result<&Found> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let found = Found::read(self.folders()?, |_| true);
        Ok(self.found.get_or_init(|| found))
    }

    /// The same of the kinds in files of these names: no other manifest is read, so nothing is known of words that two kinds claim.
    pub(crate) fn some(&self, names: &BTreeSet<String>) -> Result<Found> {
        Ok(Found::read(self.folders()?, |name| names.contains(name)))
    }

    /// The names that files have, whatever is in them; none if there is no folder. Nothing else is read.
    pub(crate) fn names(&self) -> &BTreeSet<String> {
        self.names.get_or_init(|| {
            let files = self.folders().unwrap_or_default().iter().filter_map(|folder| kind_files(folder).ok());
            files.flatten().map(|(name, _)| name).filter(|name| is_kind_name(name)).collect()
        })
    }
}

impl Found {
    fn read(folders: &[PathBuf], is_wanted: impl Fn(&str) -> bool) -> Found {
        let mut found = Found::default();
        // Names are held even by files that are refused: what a folder refuses must not come back from one after it.
        let mut names = BTreeMap::new();
        let mut words = BTreeSet::new();
        for folder in folders {
            let files = match kind_files(folder) {
                Ok(files) => files.into_iter().filter(|(name, _)| is_wanted(name)).collect::<Vec<_>>(),
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => {
                    found.refused.push(Refused {
                        name: None,
                        path: folder.clone(),
                        cause: format!("can't be read: {e}"),
                        remedy: "mend its permissions, or remove it".to_owned(),
                    });
                    continue;
                }
            };
            let fault = folder_fault(folder).filter(|_| !files.is_empty());
            let (mut kinds, mut here) = (Vec::new(), Vec::new());
            for (name, path) in files {
                match names.get(&name) {
                    // A folder that is there twice shadows nothing.
                    Some(by) if *by == path => {}
                    Some(by) => found.shadowed.push(Shadowed { name, path, by: PathBuf::clone(by) }),
                    None => here.push((name, path)),
                }
            }
            if fault.is_none() {
                for (name, path) in &here {
                    match read_named(path, name) {
                        Ok(kind) => kinds.push(kind),
                        Err(refused) => found.refused.push(refused),
                    }
                }
            }
            // One that is there twice is refused once.
            found.refused.extend(fault.filter(|fault| !found.refused.contains(fault)));
            names.extend(here);
            found.claim(kinds, &mut words);
        }
        found.kinds.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        found
    }

    /// Takes the kinds of one folder: each gets its name and its plural, unless a folder before, or a kind before in this one, has the
    /// word. Names come before plurals.
    fn claim(&mut self, kinds: Vec<Kind>, words: &mut BTreeSet<String>) {
        let (named, nameless): (Vec<Kind>, Vec<Kind>) =
            kinds.into_iter().partition(|kind| words.insert(kind.manifest.name.clone()));
        self.refused.extend(nameless.iter().map(|kind| clash(kind, &kind.manifest.name, "the name")));
        for kind in named {
            let plural = &kind.manifest.plural;
            if *plural == kind.manifest.name || words.insert(plural.clone()) {
                self.kinds.push(kind);
            } else {
                self.refused.push(clash(&kind, plural, "the plural"));
            }
        }
    }
}

/// The answer to a word that means no kind.
fn unknown(word: &str, folders: &[PathBuf], names: &[&str], refused: &[Refused]) -> Error {
    let listed = if names.is_empty() { "there are none".to_owned() } else { format!("kinds: {}", names.join(", ")) };
    let error = Error::new(ErrorCode::UnknownKind, format!("no kind `{word}` here; {listed}"));
    let close = names.iter().map(|name| (strsim::jaro_winkler(word, name), name)).max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((likeness, name)) if likeness > 0.8 => error.hint(format!("did you mean `{name}`?")),
        _ if !refused.is_empty() => error.hint("some files were refused: `carto plugin list` says why"),
        _ if names.is_empty() => {
            let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            error.hint(format!("a kind is a library in one of these folders: {}", folders.join(", ")))
        }
        _ => error.hint("install its plugin, or choose one of these"),
    }
}

/// The kind in these folders whose plural is the word, whatever its name.
fn plural_in(folders: &[PathBuf], word: &str) -> Option<Kind> {
    let files = folders.iter().filter_map(|folder| kind_files(folder).ok().map(|files| (folder, files)));
    let mut kinds =
        files.flat_map(|(folder, files)| files.into_iter().filter_map(|(name, _)| in_folder(folder, &name)?.ok()));
    kinds.find(|kind| kind.manifest.plural == word)
}

/// A kind that isn't listed, because a word of its own is taken. A verb that names it by its file's name still finds it, unless that
/// is the word: two kinds can then be told apart, and every manifest needn't be read for every verb.
fn clash(kind: &Kind, word: &str, what: &str) -> Refused {
    Refused {
        name: Some(kind.manifest.name.clone()),
        path: kind.file.clone(),
        cause: format!("isn't listed: {what} `{word}` belongs to another kind"),
        remedy: "remove one of the two".to_owned(),
    }
}

/// The file of that name in a folder, read. A dangling link is a file that can't be read, not a file that isn't there.
fn in_folder(folder: &Path, name: &str) -> Option<std::result::Result<Kind, Refused>> {
    let path = folder.join(file_name(name));
    fs::symlink_metadata(&path).ok()?;
    Some(folder_fault(folder).map_or_else(|| section::read(&path, name), Err))
}

fn read_named(path: &Path, name: &str) -> std::result::Result<Kind, Refused> {
    // A `-` in the file's name isn't how a verb would look for it.
    if is_kind_name(name) && path.file_name().is_some_and(|own| own == file_name(name).as_str()) {
        return section::read(path, name);
    }
    Err(Refused {
        name: None,
        path: path.to_owned(),
        cause: "has a name that no kind can have".to_owned(),
        remedy: if is_kind_name(name) {
            format!("rename it to `{}`", file_name(name))
        } else {
            "rename it: lower-case letters and digits, in words joined by `_`".to_owned()
        },
    })
}

/// A folder that somebody else can write offers nothing.
pub(crate) fn folder_fault(folder: &Path) -> Option<Refused> {
    let metadata = fs::metadata(folder).ok()?;
    let trust = Trust::of_user();
    let (cause, remedy) = trust.fault(folder, &metadata).or_else(|| trust.fault_above(folder))?;
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
