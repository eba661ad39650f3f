//! What the file says, and changes that are made to it: to what it said when it was read, and once more to what it says when it is replaced.

use super::object::Object;
use super::{Profile, Profiles};

/// What the file says.
#[derive(Default)]
pub(super) struct Content {
    pub(super) root: Object,
    pub(super) profiles: Profiles,
}

/// A change. Members that it doesn't name stay as they are.
pub(super) enum Change {
    Put(String, Box<Profile>),
    Remove(String),
    MakeCurrent(String),
}

impl Content {
    /// Reads the text of the file; a refusal says where it is wrong, and nothing of what is in it.
    pub(super) fn read(text: &str) -> Result<Content, String> {
        Ok(Content { root: super::object(text).map_err(|e| super::place(&e))?, profiles: super::parse(text)? })
    }

    /// Changes it.
    pub(super) fn change(&mut self, change: &Change) -> serde_json::Result<()> {
        match change {
            Change::Put(name, profile) => {
                super::put(&mut self.root, name, profile)?;
                self.profiles.by_name.insert(name.clone(), (**profile).clone());
            }
            Change::Remove(name) => {
                super::remove(&mut self.root, name)?;
                self.profiles.by_name.remove(name);
                if self.profiles.current.as_ref() == Some(name) {
                    self.make_current(None)?;
                }
            }
            Change::MakeCurrent(name) => self.make_current(Some(name))?,
        }
        Ok(())
    }

    fn make_current(&mut self, name: Option<&str>) -> serde_json::Result<()> {
        self.root.set_text("current_profile", name)?;
        self.profiles.current = name.map(str::to_owned);
        Ok(())
    }
}
