//! What a permission or a denial matches. Doubt lets neither through: it matches no permission, and every denial.

use super::Asked;
use super::file::Rule;
use crate::digest;
use crate::kinds::Kind;

impl Rule {
    /// A permission matches in no doubt.
    pub(super) fn allows(&self, asked: &Asked<'_>) -> bool {
        let Asked { kind, verb, .. } = asked;
        self.kind.as_deref().is_none_or(|name| name == kind.name())
            && self.verbs.as_ref().is_none_or(|verbs| verbs.contains(verb))
            && self.is_in_folder(kind)
            && self
                .services
                .as_ref()
                .is_none_or(|listed| asked.services().is_some_and(|all| all.iter().all(|one| listed.contains(one))))
            && self.levels.as_ref().is_none_or(|levels| asked.level().is_some_and(|level| levels.contains(&level)))
            && self.sha256.as_ref().is_none_or(|pins| (asked.sha256)().is_some_and(|sha256| pins.contains(&sha256)))
    }

    /// A denial matches in doubt too.
    pub(super) fn denies(&self, asked: &Asked<'_>) -> bool {
        let Asked { kind, verb, .. } = asked;
        self.kind.as_deref().is_none_or(|word| kind.manifest.answers_to(word))
            && self.verbs.as_ref().is_none_or(|verbs| verbs.contains(verb))
            && self.is_in_folder(kind)
            && self.vendor.as_ref().is_none_or(|vendor| kind.manifest.vendor.as_ref() == Some(vendor.get_ref()))
            && self
                .services
                .as_ref()
                .is_none_or(|listed| asked.services().is_none_or(|all| all.iter().any(|one| listed.contains(one))))
            && self.levels.as_ref().is_none_or(|levels| asked.level().is_none_or(|level| levels.contains(&level)))
            && self.sha256.as_ref().is_none_or(|pins| (asked.sha256)().is_none_or(|sha256| pins.contains(&sha256)))
    }

    fn is_in_folder(&self, kind: &Kind) -> bool {
        self.folder.as_ref().is_none_or(|folder| kind.file.parent() == Some(folder))
    }

    /// What it matches, in words.
    pub(super) fn words(&self) -> String {
        let list = |items: &[String]| items.join(", ");
        let mut words = self.kind.as_ref().map_or_else(|| "every kind".to_owned(), |kind| format!("`{kind}`"));
        let mut add = |text: String| {
            words.push(' ');
            words.push_str(&text);
        };
        if let Some(verbs) = &self.verbs {
            add(format!("for {}", verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>().join(", ")));
        }
        if let Some(folder) = &self.folder {
            add(format!("from `{}`", folder.display()));
        }
        if let Some(vendor) = &self.vendor {
            add(format!("by `{}`", vendor.get_ref()));
        }
        if let Some(services) = &self.services {
            add(format!("that asks {}", list(services)));
        }
        if let Some(levels) = &self.levels {
            add(format!("at {}", levels.iter().map(|level| level.as_str()).collect::<Vec<_>>().join(", ")));
        }
        if let Some(pins) = &self.sha256 {
            let short: Vec<String> = pins.iter().map(|pin| format!("{}…", digest::short(pin))).collect();
            add(format!("with sha256 {}", list(&short)));
        }
        words
    }
}
