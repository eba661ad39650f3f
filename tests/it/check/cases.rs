//! Libraries that aren't as they should be, in one way each, and what is said of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Carto, Output, library};

/// A library, and what the checks say of it.
pub(crate) struct Case {
    what: &'static str,
    /// The kind that the file's name claims.
    kind: &'static str,
    bytes: Vec<u8>,
    script: &'static str,
    settings: &'static str,
    pub(crate) finds: &'static [Find],
}

/// A check, how it ends, and a part of what it says.
pub(crate) type Find = (&'static str, &'static str, &'static str);

impl Case {
    fn new(what: &'static str, kind: &'static str, bytes: Vec<u8>, finds: &'static [Find]) -> Case {
        Case { what, kind, bytes, script: "", settings: "", finds }
    }

    fn script(self, script: &'static str) -> Case {
        Case { script, ..self }
    }

    fn settings(self, settings: &'static str) -> Case {
        Case { settings, ..self }
    }

    /// Runs the checks, and holds what they say against what is expected. The ids of all checks.
    pub(crate) fn run(&self) -> BTreeSet<String> {
        let carto = Carto::without_kinds();
        carto.write(".config/carto/config.toml", self.settings);
        std::fs::write(carto.home().join(library::file_name(self.kind)), &self.bytes).unwrap();
        carto.write("check.toml", self.script);
        let line = format!("plugin check {} --script check.toml --json", library::file_name(self.kind));
        let output = carto.run(&line).output();
        let checks: BTreeMap<String, Value> = checks(&output);
        for (id, outcome, says) in self.finds {
            let check = &checks[*id];
            let text = check.to_string();
            assert!(check["outcome"] == *outcome && text.contains(says), "{}: {id}: {text}", self.what);
        }
        let failed = checks.values().any(|check| check["outcome"] == "failed");
        assert_eq!(output.status, if failed { 7 } else { 0 }, "{}: {output}", self.what);
        // The secrets that are made up all have this in them.
        assert!(!output.stdout.to_lowercase().contains("c4nry"), "{}: {output}", self.what);
        checks.into_keys().collect()
    }
}

pub(crate) fn checks(output: &Output) -> BTreeMap<String, Value> {
    let report = output.json();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (check["id"].as_str().unwrap().to_owned(), check.clone())).collect()
}

/// The fixture with this word in it, and with its manifest changed.
pub(crate) fn strange(mode: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = library::with_manifest("strange", changed("strange", changes).as_bytes());
    let key = b"carto-strange-mode=";
    let place = bytes.windows(key.len()).position(|window| window == key).unwrap();
    library::put(&mut bytes, place + key.len(), format!("{mode:.<45}").as_bytes());
    bytes
}

fn with(kind: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    library::with_manifest(kind, changed(kind, changes).as_bytes())
}

fn changed(kind: &str, changes: &[(&str, &str)]) -> String {
    let text = library::manifest(kind);
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// A library with texts replaced by others as long.
fn replaced(kind: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = library::small(kind);
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let places: Vec<usize> =
            (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "{from}");
        places.into_iter().for_each(|place| library::put(&mut bytes, place, to.as_bytes()));
    }
    bytes
}

const TOKEN: &str = "[create]\nargs = { grant = [\"dw,a.b\"], apis = \"sql\" }\n";

pub(crate) fn files() -> Vec<Case> {
    let older = [("GLIBC_2.17\0", "GLIBC_2.97\0"), ("license = 'MIT'", "license = ''   ")];
    let manifest = [
        ("env = { key = \"STRANGE_KEY\" }", ""),
        ("label = \"name\"\n", ""),
        ("calls = [\"api GET /v3/tokens/{}\"]", "calls = [\"api GET /v3/tokens\"]"),
        ("calls = [\"api PATCH /v3/oauth-clients/{}\"]", ""),
        ("[services.api]\n", "[services.api]\n[services.own]\nbase_url = \"https://x.example.com\"\nauth = \"none\"\n"),
        (
            "[verbs.list]",
            "[[verbs.create.args]]\nname = \"level\"\ntype = \"int\"\nexample = \"high\"\nhelp = \"How high.\"\n[verbs.list]",
        ),
    ];
    vec![
        Case::new(
            "a text",
            "robot",
            b"This is no library at all.\n".to_vec(),
            &[
                ("file.library", "failed", "isn't a whole shared library"),
                ("get.record", "skipped", "carto can't use the file"),
            ],
        ),
        Case::new(
            "a library under another name, for newer systems, without a licence",
            "robot",
            replaced("m2m", &older),
            &[
                ("file.name", "failed", "ship it as `libcarto_kind_m2m.so`"),
                ("file.glibc", "warned", "it needs glibc 2.97"),
                ("file.package", "warned", "names no licence"),
                ("load.opens", "failed", "GLIBC_2.97"),
                ("get.record", "skipped", "it can't be opened"),
            ],
        ),
        Case::new(
            "a library that needs another",
            "m2m",
            replaced("m2m", &[("libgcc_s.so.1", "libgcc_x.so.1")]),
            &[("file.needs", "failed", "it needs `libgcc_x.so.1`"), ("load.opens", "skipped", "carto doesn't open it")],
        ),
        Case::new(
            "a manifest that isn't one",
            "m2m",
            with("m2m", &[("plural = \"m2m\"", "plural = \"M2M\"")]),
            &[("manifest.reads", "failed", "`plural` must be lower-case")],
        ),
        Case::new(
            "a careless manifest",
            "strange",
            strange("nothing", &manifest),
            &[
                ("manifest.examples", "failed", "`high` doesn't work: `high` isn't a whole number"),
                ("manifest.texts", "warned", "`How high.` ends with a full stop"),
                ("manifest.env", "warned", "the secret `key` has no variable"),
                ("manifest.label", "warned", "get reads a list"),
                ("manifest.verbs", "warned", "update declares no request that changes anything"),
                ("manifest.services", "warned", "no verb asks the service `own`"),
                ("ids.ambiguous", "skipped", "the record has no label"),
            ],
        ),
        Case::new(
            "a constructor that prints, at another level",
            "strange",
            strange("open:print-some", &[]),
            &[
                ("load.confined", "warned", "kinds run `plain` here"),
                ("load.quiet", "warned", "it printed: a line on standard"),
            ],
        )
        .settings("[plugins]\nlevel = \"plain\"\n"),
        Case::new(
            "a constructor that aborts",
            "strange",
            strange("open:abort", &[]),
            &[("load.opens", "failed", "it aborted (SIGABRT)")],
        ),
    ]
}

pub(crate) fn verbs() -> Vec<Case> {
    let once = ("secrets = [\"key\"]", "secrets = [\"key\"]\nonce = [\"key\"]");
    let another =
        [("\"key\"]\nid", "\"key\", \"code\"]\nid"), ("secrets = [\"key\"]", "secrets = [\"key\", \"code\"]")];
    vec![
        Case::new(
            "a kind that asks for nothing and knows one credential",
            "strange",
            strange("nothing", &[]),
            &[
                ("create.record", "passed", ""),
                ("list.page", "failed", "the service has a credential, and it isn't listed"),
                ("get.record", "failed", "answered with the id \\\"s1\\\""),
                ("calls.used", "failed", "delete never asked for `api DELETE /v3/oauth-clients/{}`"),
                ("ids.absent", "failed", "came to a success"),
                ("ids.exact", "failed", "a record of another id"),
                ("ids.ambiguous", "failed", "a success, about one of them"),
                ("ids.segment", "failed", "another was found"),
                ("list.others", "warned", "neither is listed"),
                ("trouble.shapes", "failed", "isn't a record with an `id`"),
            ],
        ),
        Case::new(
            "a create that answers with a list",
            "strange",
            strange("create:array", &[]),
            &[("create.record", "failed", "isn't a record"), ("list.page", "failed", "")],
        ),
        Case::new(
            "an update without an id",
            "strange",
            strange("update:no-id", &[]),
            &[("update.record", "failed", "isn't a record with an `id`")],
        ),
        Case::new(
            "a delete that answers with a text",
            "strange",
            strange("delete:text", &[]),
            &[("delete.answer", "failed", "isn't a record")],
        ),
        Case::new(
            "a verify that answers with a record",
            "strange",
            strange(
                "verify:record",
                &[("schema = \"1.0\"", "schema = \"1.1\""), ("[verbs.delete]", "[verbs.verify]\n\n[verbs.delete]")],
            ),
            &[("verify.answer", "failed", "isn't a verification")],
        ),
        Case::new(
            "a field that isn't declared",
            "strange",
            strange("get:extra-field", &[]),
            &[("get.record", "failed", "a field `more`, which its manifest doesn't declare")],
        ),
        Case::new(
            "a secret that is kept",
            "strange",
            strange("nothing", &[once]),
            &[("get.once", "failed", "`get` answers with `key`")],
        ),
        Case::new(
            "a secret that nobody sees",
            "strange",
            strange("nothing", &another),
            &[("create.secret", "warned", "has no `code`")],
        ),
        Case::new(
            "a verb that isn't declared",
            "strange",
            strange("nothing", &[("[verbs.update]\ncalls = [\"api PATCH /v3/oauth-clients/{}\"]\n", "")]),
            &[("verbs.missing", "failed", "`update`, which the manifest doesn't declare, came to an answer")],
        ),
        Case::new(
            "an option of another type",
            "m2m",
            with(
                "m2m",
                &[(
                    "value = \"NAME\"\nrequired = true\nhelp = \"Application title\"\nexample = \"Nightly import\"",
                    "type = \"int\"\nhelp = \"X\"",
                )],
            ),
            &[("verbs.options", "failed", "the manifest and the kind disagree about the arguments")],
        ),
    ]
}

pub(crate) fn service() -> Vec<Case> {
    vec![
        Case::new(
            "a request that isn't declared",
            "strange",
            strange("get:undeclared", &[]),
            &[
                ("calls.declared", "failed", "it asked for `api DELETE /v3/tokens/x`, which its manifest doesn't declare"),
                ("get.record", "skipped", "broke: see "),
            ],
        ),
        Case::new(
            "a kind that takes a refusal for an answer",
            "marker",
            library::small("marker"),
            &[("trouble.statuses", "failed", "a refusal with 403 became a success"), ("verbs.missing", "passed", "")],
        ),
        Case::new(
            "a kind that has whatever is asked for",
            "strange",
            strange("get:any-id", &[]),
            &[("ids.credential", "failed", "get has a token as the id of its record"), ("get.record", "passed", "")],
        ),
        Case::new(
            "a service whose ids are numbers, which the kind doesn't expect",
            "m2m",
            library::small("m2m"),
            &[("list.page", "failed", "it isn't listed"), ("list.others", "warned", "")],
        )
        .script("[service]\nid = 7\n"),
        Case::new(
            "a service that spells its pages in another way",
            "m2m",
            library::small("m2m"),
            &[
                ("list.pages", "failed", "3 of 5 items weren't listed"),
                ("list.empty", "failed", "2 of 4 items weren't listed"),
            ],
        )
        .script("[service]\nnext = \"following\"\n"),
        Case::new(
            "a success whatever happens",
            "strange",
            strange("create:succeed-after-refusal", &[]),
            &[
                ("trouble.host", "failed", "the host's error `not_signed_in` became a success"),
                ("trouble.statuses", "failed", "a refusal with 400 became a success"),
            ],
        ),
        Case::new(
            "two writes whatever happens",
            "strange",
            strange("create:write-twice", &[]),
            &[("trouble.writes", "failed", "`POST /v3/oauth-clients` after `POST /v3/oauth-clients`, which wasn't done")],
        ),
        Case::new(
            "a date that isn't read by the host",
            "token",
            with("token", &[("name = \"expiration-date\"\ntype = \"date\"", "name = \"expiration-date\"")]),
            &[
                ("create.record", "passed", ""),
                ("verbs.options", "failed", "`7d` isn't an RFC 3339 time"),
                ("inputs.odd", "failed", "isn't an RFC 3339 time"),
            ],
        )
        .script(TOKEN),
        Case::new(
            "an argument that there isn't",
            "token",
            with(
                "token",
                &[("[[verbs.create.args]]\nname = \"source\"\nvalue = \"PATTERN\"\nmany = true\nat_file = true\nhelp = \"Table or tileset, wildcard like `a.b.C_*`, SQL text (`@FILE` reads it from a file), or `*` for all that the connection reaches\"\nexample = \"carto.shared.demo_table\"\n", ""),
                // What is made of it.
                ("parts = [\"connection\", \"source\"]\n", "")],
            ),
            &[("inputs.named", "failed", "it refuses `--source`, which create doesn't have")],
        )
        .script(TOKEN),
    ]
}

pub(crate) fn running() -> Vec<Case> {
    vec![
        Case::new(
            "a panic",
            "strange",
            strange("get:panic", &[]),
            &[
                ("run.survives", "failed", "it panicked at"),
                ("get.record", "skipped", "broke: see "),
                ("create.record", "passed", ""),
            ],
        ),
        Case::new(
            "a panic that isn't the first call's",
            "strange",
            strange("get:panic-for-nobody", &[]),
            &[
                ("run.survives", "failed", "get `no-such-credential-in-this-check`: the kind `strange` broke the contract in `get`: it panicked at"),
                ("get.record", "passed", ""),
                ("inputs.named", "skipped", "`get` broke: see run.survives"),
            ],
        ),
        Case::new(
            "a stack that overflows",
            "strange",
            strange("get:stack-overflow", &[]),
            &[("run.survives", "failed", "look for what calls itself without end")],
        ),
        Case::new(
            "a connection",
            "strange",
            strange("delete:socket", &[]),
            &[("run.survives", "failed", "tried to open a connection (`socket`)"), ("list.page", "failed", "")],
        ),
        Case::new(
            "a print",
            "strange",
            strange("get:print-some", &[]),
            &[("run.quiet", "warned", "in `get` it printed: a line on standard")],
        ),
        Case::new(
            "a verb that doesn't end",
            "strange",
            strange("list:endless-loop", &[]),
            &[("time.deadline", "failed", "it took longer than 3s for one call"), ("get.record", "failed", "")],
        )
        .settings("[plugins]\ndeadline = \"3s\"\n"),
        Case::new(
            "a slow call",
            "strange",
            strange("get:slow-for-nobody", &[]),
            &[("time.second", "warned", "a call of `get` took 1")],
        ),
        Case::new(
            "a secret in another field",
            "token",
            library::small("token"),
            &[("secrets.record", "failed", "the field `referers` of a record of `list` holds a credential's secret")],
        )
        .script("[service]\nvalues = { referers = [\"{secret}\"] }\n"),
        Case::new(
            "a secret in the service's words",
            "m2m",
            library::small("m2m"),
            &[
                ("secrets.texts", "failed", "the key [secret] is in use"),
                ("delete.answer", "failed", "nothing else was taken"),
            ],
        )
        .script(
            "[[answers]]\ncall = \"api DELETE /v3/oauth-clients/{}\"\nstatus = 409\nbody = { error = \"the key {secret} is in use\" }\n",
        ),
        Case::new(
            "a secret as an id of the service's",
            "token",
            library::small("token"),
            &[
                ("secrets.requests", "failed", "has a credential's secret in it, which isn't marked"),
                ("list.pages", "skipped", "the script answers the list"),
            ],
        )
        .script(
            "[get]\nid = \"x\"\n[[answers]]\ncall = \"api GET /v3/tokens\"\nbody = { tokens = [{ id = \"{secret}\", name = \"x\" }] }\n",
        ),
        Case::new(
            "a printed secret",
            "strange",
            strange("create:print-secret", &[]),
            &[
                ("secrets.prints", "failed", "in `create` it printed a credential's secret"),
                ("run.quiet", "warned", "printed: [secret]"),
            ],
        ),
        Case::new(
            "an error that helps nobody",
            "strange",
            strange("get:error-stop", &[]),
            &[
                ("texts.errors", "warned", "`it doesn't like that.`"),
                ("texts.hints", "warned", "`it doesn't like that.` has no hint"),
            ],
        ),
    ]
}
