//! How far a kind is kept from doing harm. One setting says which level kinds run at; what a machine can't give is refused, never lowered.

use serde::Deserialize;

/// The levels, from the one that allows the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// A process of its own, behind Landlock and a filter of system calls.
    #[default]
    Confined,
    /// A process of its own, behind the filter alone: for kernels without Landlock.
    Filtered,
    /// A process of its own, with the user's rights: for kernels and platforms that have neither.
    Plain,
    /// In this process: for a debugger.
    InProcess,
}

impl Level {
    const ALL: [Level; 4] = [Level::Confined, Level::Filtered, Level::Plain, Level::InProcess];

    /// The word in the settings and in `plugin list`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Level::Confined => "confined",
            Level::Filtered => "filtered",
            Level::Plain => "plain",
            Level::InProcess => "in-process",
        }
    }

    /// Why kinds run at it.
    pub(crate) fn reason(self) -> &'static str {
        if self == Level::default() { "the default" } else { "`level` under `[plugins]` in your settings" }
    }

    /// What it means, as the rest of a sentence that begins with "kinds run".
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Level::Confined => "in a process of their own, behind Landlock and a filter of system calls",
            Level::Filtered => "in a process of their own, behind a filter of system calls, without Landlock",
            Level::Plain => "in a process of their own, with all your rights",
            Level::InProcess => "in the process of carto, with all it knows, for a debugger",
        }
    }

    /// The level that a word names: how a worker is told.
    pub(crate) fn of(word: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == word)
    }

    pub(super) const fn has_filter(self) -> bool {
        matches!(self, Level::Confined | Level::Filtered)
    }

    pub(super) const fn has_landlock(self) -> bool {
        matches!(self, Level::Confined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_one_word() {
        for level in Level::ALL {
            assert_eq!(Level::of(level.as_str()), Some(level));
            assert_eq!(serde_json::from_value::<Level>(level.as_str().into()).ok(), Some(level));
        }
    }
}
