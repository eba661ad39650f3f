//! What one kind is and may do, in plain words: the text of `plugin info`.

use carto_plugin_api::manifest::{Arg, ArgType, Call, Manifest, VerbSpec};
use carto_plugin_api::{DATA_SERVICE, Verb};

use super::info::About;
use super::services::{self, Service};
use super::survey::State;
use crate::digest;
use crate::kinds::Kind;
use crate::output::{stderr, wrap};
use crate::policy::Because;
use crate::run::Level;

/// Where the words after a label begin.
const COLUMN: usize = 12;

/// A sheet that is being written.
struct Sheet {
    text: String,
    width: Option<usize>,
}

/// The whole of it. Lines fit the terminal, if there is one.
pub(super) fn text(about: &About<'_>, width: Option<usize>) -> String {
    let mut sheet = Sheet { text: String::new(), width };
    let plugin = about.plugin;
    let name = plugin.name.as_deref().unwrap_or("-");
    match &plugin.kind {
        Some(kind) => {
            sheet.add("", &format!("{name}: {}", kind.manifest.title), 0);
            sheet.add("", &kind.manifest.about, 0);
        }
        None => sheet.add("", name, 0),
    }
    sheet.text.push('\n');
    sheet.what_it_is(about);
    let Some(kind) = &plugin.kind else { return sheet.text };
    sheet.what_it_may_ask(about, kind);
    sheet.what_it_is_given(kind);
    sheet.what_it_gives(&kind.manifest);
    sheet.what_it_cant(about);
    sheet.text
}

impl Sheet {
    fn add(&mut self, label: &str, text: &str, column: usize) {
        self.text.push_str(&wrap::beside(label, text, column, self.width));
    }

    fn line(&mut self, label: &str, text: &str) {
        self.add(label, text, COLUMN);
    }

    /// Lines under one label.
    fn lines(&mut self, label: &str, lines: &[String]) {
        for (i, line) in lines.iter().enumerate() {
            self.line(if i == 0 { label } else { "" }, line);
        }
    }

    fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.add("", text, 0);
    }

    fn what_it_is(&mut self, about: &About<'_>) {
        let plugin = about.plugin;
        self.line("state", plugin.state.as_str());
        if let Some(error) = plugin.error.as_ref().filter(|_| plugin.state != State::Ok) {
            self.line("", &error.message);
            self.lines("", &error.hint.iter().map(|hint| stderr::pasteable(hint)).collect::<Vec<_>>());
        }
        if let Some(Kind { manifest, .. }) = &plugin.kind {
            match &manifest.vendor {
                Some(vendor) => self.line("vendor", &format!("it says it is by {vendor}")),
                None => self.line("vendor", "it doesn't say"),
            }
            if let Some(package) = &manifest.package {
                let licence = if package.license.is_empty() { "no licence named" } else { &package.license };
                self.line("version", &format!("{} ({licence})", package.version));
                self.line("built with", &format!("carto-plugin-api {}", package.plugin_api));
            }
            self.line("made for", &format!("plugin ABI {}, manifest schema {}", manifest.abi, manifest.schema));
        }
        self.line("file", &plugin.path.display().to_string());
        if let Some(size) = plugin.size() {
            self.line("size", &size_in_words(size));
        }
        if let Some(sha256) = plugin.sha256() {
            self.line("sha256", sha256);
        }
        for other in &about.others {
            self.line(
                if other.state == State::Shadowed { "not used" } else { "used" },
                &other.path.display().to_string(),
            );
        }
        self.line("lock", &lock(about));
        if let Some(previous) = about.previous() {
            let version = previous.release.as_ref().map(|version| format!("{version}, ")).unwrap_or_default();
            let name = plugin.name.as_deref().unwrap_or_default();
            let back = stderr::pasteable(&format!("`carto plugin install --rollback {name}` goes back"));
            self.line("before", &format!("{version}sha256 {}…: {back}", digest::short(&previous.sha256)));
        }
        self.line("level", &format!("{} ({})", about.level.as_str(), about.level.reason()));
    }

    fn what_it_may_ask(&mut self, about: &About<'_>, kind: &Kind) {
        self.heading("What its verbs may ask, and nothing else");
        let own = services::own(kind, about.settings);
        for (verb, spec) in &kind.manifest.verbs {
            let verdict = about.plugin.verdicts.iter().find(|(known, _)| known == verb).map(|(_, verdict)| verdict);
            let mut lines: Vec<String> = match verdict.filter(|verdict| !verdict.allowed) {
                Some(verdict) => {
                    let because = verdict.decisive().map(Because::sentence).unwrap_or_default();
                    vec![format!("REFUSED by policy: {because}")]
                }
                None if spec.calls.is_empty() => vec!["asks nobody".to_owned()],
                None => spec.calls.iter().map(|call| may(*verb, call, &own)).collect(),
            };
            lines.extend(about.limits(kind, *verb).into_iter().map(|limit| format!("policy limits {limit}")));
            if !spec.aliases.is_empty() {
                lines.push(format!("is also called {}", spec.aliases.join(", ")));
            }
            self.lines(verb.as_str(), &lines);
        }
        if own.is_empty() {
            return;
        }
        self.heading("Services of its own");
        for service in own {
            let mut lines = vec![format!("{}, {}", service.address(), service.authorisation())];
            lines.push(service.standing());
            self.lines(service.name, &lines);
        }
    }

    fn what_it_is_given(&mut self, kind: &Kind) {
        let manifest = &kind.manifest;
        self.heading("What it gets to know");
        for (verb, spec) in &manifest.verbs {
            let mut lines: Vec<String> = spec.args.iter().filter(|arg| !arg.hidden).filter_map(given).collect();
            if spec.calls.iter().any(|call| call.tries(*verb)) {
                lines.push("the credential that it tries, and a bearer that comes of it".to_owned());
            }
            if kind.tries_authority(*verb) {
                lines.push("`audience` below `[auth]` of your settings".to_owned());
            }
            self.lines(verb.as_str(), &lines);
        }
        let more = if manifest.verbs.values().any(takes_options) { "the values of the other options, " } else { "" };
        let text = format!("{more}the answers to what it asks, `[kinds.{}]` of your settings, the time", manifest.name);
        self.line("each verb", &text);
    }

    fn what_it_gives(&mut self, manifest: &Manifest) {
        let shape = &manifest.record;
        if shape.secrets.is_empty() && shape.env.is_empty() {
            return;
        }
        self.heading("What you get from it");
        let secrets: Vec<String> = shape
            .secrets
            .iter()
            .map(|field| match shape.once.contains(field) {
                true => format!("{field}: shown once, when the credential is created"),
                false => format!("{field}: shown when the credential is created, later only with `--reveal`"),
            })
            .collect();
        self.lines("secrets", &secrets);
        let variables: Vec<String> =
            shape.env.iter().map(|(field, variable)| format!("{variable}, from {field}")).collect();
        self.lines("-o env", &variables);
    }

    fn what_it_cant(&mut self, about: &About<'_>) {
        self.heading("What it can't do");
        self.add("", cant(about.level), 0);
        if about.plugin.state == State::CantRun {
            self.add("", "This machine can't give that level, so it can't run at all.", 0);
        }
    }
}

/// What keeping away comes to, at a level.
const fn cant(level: Level) -> &'static str {
    match level {
        Level::Confined | Level::Filtered => {
            "It can't read or write files, open connections, start programs, see your variables or your bearer, or write on your terminal: it can \
             compute, and ask carto for what stands above."
        }
        Level::Plain => {
            "At this level it can do what you can: read and write your files, open connections, start programs. It gets neither your variables nor \
             your bearer from carto, but it can look for them. A fault of its costs only its own verb."
        }
        Level::InProcess => {
            "At this level nothing is kept from it: it runs in carto itself, with all that you can do and with your bearer."
        }
    }
}

fn lock(about: &About<'_>) -> String {
    let name = about.plugin.name.as_deref().unwrap_or_default();
    match (about.lock_state(), about.accepted()) {
        ("not locked", _) => stderr::pasteable(&format!(
            "not locked: any file in its place is used (`carto plugin lock {name}` accepts this one only)"
        )),
        ("accepted", _) => "this one is accepted, and no other".to_owned(),
        ("changed", Some(accepted)) => {
            format!("sha256 {}… was accepted, and not this one", digest::short(&accepted.sha256))
        }
        _ => "can't be read, so nothing is used".to_owned(),
    }
}

/// `may send POST to /v3/tokens of your CARTO account`.
fn may(verb: Verb, call: &Call, own: &[Service<'_>]) -> String {
    let whole = call.to_string();
    // Service, method and path, as the manifest writes them.
    let path = whole.splitn(3, ' ').nth(2).unwrap_or_default();
    let whose = match own.iter().find(|service| service.name == call.service) {
        Some(service) => format!("of `{}`, {}", service.name, service.address()),
        None if !call.tries(verb) => "of your CARTO account".to_owned(),
        None if call.service == DATA_SERVICE => {
            "of your CARTO account, with a credential that it tries, which it passes itself".to_owned()
        }
        None => "of the authority of your CARTO account, without your bearer".to_owned(),
    };
    format!("may send {} to {path} {whose}", call.method.as_str())
}

/// What an option is that can hold more than one would think.
fn given(arg: &Arg) -> Option<String> {
    let name = &arg.name;
    match arg.kind {
        ArgType::Secret => Some(format!("--{name}: a secret, from standard input, a file or a variable")),
        ArgType::File => Some(format!("--{name}: the text of the file that you name")),
        _ if arg.at_file => Some(format!("--{name}: what you write, or with `@FILE` the text of that file")),
        _ => None,
    }
}

fn takes_options(spec: &VerbSpec) -> bool {
    spec.args.iter().any(|arg| given(arg).is_none())
}

/// A number of bytes, for people.
pub(super) fn size_in_words(bytes: u64) -> String {
    const KIB: u64 = 1024;
    // One digit is enough.
    #[allow(clippy::cast_precision_loss)]
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        _ if bytes < KIB * KIB => format!("{:.1} KiB", bytes as f64 / KIB as f64),
        _ => format!("{:.1} MiB", bytes as f64 / (KIB * KIB) as f64),
    }
}
