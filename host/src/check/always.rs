//! What must hold after every call, whatever it was made for: nothing printed, no secret where none belongs, no write after one that failed,
//! errors that a person can read.

use carto_plugin_api::{Error, ErrorCode, Verb, Verification};
use serde_json::{Map, Value};

use super::canary::{self, Origin};
use super::host::Record;
use super::lab::{Given, Lab};
use crate::redact;

impl Lab<'_> {
    pub(super) fn look_at_prints(&mut self, verb: Verb, demands_none: bool) {
        self.notes.ran("run.quiet");
        self.notes.ran("secrets.prints");
        let printed = self.instance.as_mut().map(|instance| instance.printed()).unwrap_or_default();
        let Some(line) = printed.lines().find(|line| !line.trim().is_empty()) else { return };
        if demands_none {
            let line: String = line.chars().take(200).collect();
            let remedy = "don't print: what a person should read is an error, or `Host::warn`";
            self.notes.warn("run.quiet", format!("in `{verb}` it printed: {line}"), remedy);
        }
        if let Some(origin) = canary::found(&printed) {
            let what = format!("in `{verb}` it printed {}", origin.what());
            self.notes.fail("secrets.prints", what, "don't print; `Secret` has no form that can be printed");
        }
    }

    pub(super) fn look_at_requests(&mut self, verb: Verb, record: &Record) {
        for id in ["calls.declared", "trouble.writes", "secrets.requests"] {
            self.notes.ran(id);
        }
        let mut refused: Option<String> = None;
        for seen in &record.seen {
            if let Some(earlier) = refused.as_ref().filter(|_| seen.writes) {
                let what = format!("in `{verb}`: `{}` after `{earlier}`, which wasn't done", seen.shown);
                self.notes.fail("trouble.writes", what, "end the verb when a write fails: pass the error on with `?`");
            }
            // What isn't there may be there under another id, and a version that changed may be read again.
            if seen.writes && !seen.status.is_some_and(|status| status < 400 || matches!(status, 404 | 410 | 412)) {
                refused = Some(seen.shown.clone());
            }
            let unmarked = seen.open.iter().filter(|(_, marked)| !marked).map(|(text, _)| text);
            let texts = unmarked.chain(seen.query.iter().map(|(_, value)| value));
            // What was typed is the user's own, and the host hides it wherever it shows a path.
            if let Some(origin) = texts.filter_map(|text| canary::found(text)).find(|origin| *origin != Origin::Typed) {
                self.notes.fail(
                    "secrets.requests",
                    format!("in `{verb}`: `{}` has {} in it, which isn't marked", seen.shown, origin.what()),
                    "mark the segment with `secret_segment`; a query can't hold a secret",
                );
            }
        }
        for text in record.warnings.iter().flat_map(|(message, hint)| [message].into_iter().chain(hint)) {
            self.look_at_text(text, &format!("a warning in `{verb}`"));
        }
    }

    pub(super) fn look_at_record(&mut self, verb: Verb, record: &Map<String, Value>) {
        self.notes.ran("secrets.record");
        let secrets = &self.kind.manifest.record.secrets;
        for (name, value) in record.iter().filter(|(name, _)| !secrets.contains(name)) {
            if let Some(origin) = canary::found(&value.to_string()).filter(|origin| *origin != Origin::Typed) {
                let what = format!("the field `{name}` of a record of `{verb}` holds {}", origin.what());
                let remedy = format!("name `{name}` in `secrets` of `[record]`, or leave the secret out of it");
                self.notes.fail("secrets.record", what, remedy);
            }
        }
    }

    /// No field of it is hidden by anybody.
    pub(super) fn look_at_verification(&mut self, verification: &Verification) {
        let mut texts = vec![verification.id.clone(), Value::Object(verification.facts.clone()).to_string()];
        for check in &verification.checks {
            texts.extend([&check.asked, &check.expected, &check.found].into_iter().chain(&check.hint).cloned());
        }
        for text in texts {
            self.look_at_text(&text, "what `verify` shows");
        }
    }

    /// What a person will read of an error.
    pub(super) fn look_at_error(&mut self, error: &Error, what: &str, given: &Given, record: &Record) {
        for text in [Some(&error.message), error.hint.as_ref()].into_iter().flatten() {
            self.look_at_text(text, what);
        }
        // What the service says when it refuses something isn't the kind's to word either.
        if record.seen.iter().any(|seen| seen.status.is_none_or(|status| status >= 400)) {
            return;
        }
        self.notes.ran("texts.errors");
        let ends = error.message.trim_end();
        // A line break in the user's own words is the user's.
        if ends.ends_with('.') && !ends.ends_with("...") || ends.contains('\n') && !given.has_lines() {
            let shown: String = error.message.chars().take(200).collect();
            let remedy = "write one line without a full stop; what to do is the hint's";
            self.notes.warn("texts.errors", format!("{what}: `{shown}`"), remedy);
        }
        self.notes.ran("texts.hints");
        let is_its_own = matches!(error.code, ErrorCode::InvalidArgument | ErrorCode::Usage | ErrorCode::Ambiguous);
        if is_its_own && error.hint.as_deref().is_none_or(str::is_empty) {
            let remedy = "say what to do, with `Error::hint`";
            self.notes.warn("texts.hints", format!("{what}: `{}` has no hint", error.message), remedy);
        }
    }

    pub(super) fn look_at_text(&mut self, text: &str, what: &str) {
        self.notes.ran("secrets.texts");
        let origin = canary::found(text).filter(|origin| match origin {
            Origin::Record | Origin::Option => true,
            // The words of others, out of which the host takes what looks like a secret: as a whole.
            Origin::Echo | Origin::Typed => canary::found(&redact::redact(text)).is_some(),
        });
        match origin {
            None => {}
            Some(Origin::Typed) => self.notes.fail(
                "ids.credential",
                format!("{what}: its text shows a token that was typed as an id: `{text}`"),
                "leave the id out of the text, or show the token's `jti`",
            ),
            Some(origin) => self.notes.fail(
                "secrets.texts",
                format!("{what}: its text holds {}: `{text}`", origin.what()),
                "leave values out of texts; name the field instead",
            ),
        }
    }
}
