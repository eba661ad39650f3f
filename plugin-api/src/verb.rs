//! The verbs of the contract. They cross the boundary as words, so that a later one changes no layout.

use std::fmt;
use std::str::FromStr;

/// What a kind can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// One page of credentials.
    List,
    /// A new credential.
    Create,
    /// One credential.
    Get,
    /// Changes to one credential.
    Update,
    /// The end of one credential.
    Delete,
    /// Whether one credential opens what it should, and nothing else.
    Verify,
}

impl Verb {
    /// Every verb, in the order in which help shows them.
    pub const ALL: &[Verb] = &[Verb::List, Verb::Create, Verb::Get, Verb::Update, Verb::Delete, Verb::Verify];

    /// The word of the command line, of the manifest and of the boundary.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::List => "list",
            Verb::Create => "create",
            Verb::Get => "get",
            Verb::Update => "update",
            Verb::Delete => "delete",
            Verb::Verify => "verify",
        }
    }

    /// Whether the verb acts on one existing credential and so takes an id.
    pub const fn takes_id(self) -> bool {
        matches!(self, Verb::Get | Verb::Update | Verb::Delete | Verb::Verify)
    }

    /// Whether the verb changes no credential: of the services that keep them its manifest may declare no other method than GET.
    pub const fn only_reads(self) -> bool {
        matches!(self, Verb::List | Verb::Get | Verb::Verify)
    }

    /// The minor version of the manifest's schema that has it first. In an earlier one its word is like any other.
    pub const fn since(self) -> u32 {
        match self {
            Verb::Verify => 1,
            Verb::List | Verb::Create | Verb::Get | Verb::Update | Verb::Delete => 0,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = ();

    fn from_str(word: &str) -> Result<Verb, ()> {
        Verb::ALL.iter().copied().find(|verb| verb.as_str() == word).ok_or(())
    }
}
