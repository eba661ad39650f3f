//! `carto plugin check`: the three kinds pass, and each check is seen to find what it is for.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use serde_json::Value;

use crate::support::{Carto, KINDS, Output, library, output};

/// A library, and what the checks say of it.
struct Case {
    what: &'static str,
    /// The kind that the file's name claims.
    kind: &'static str,
    bytes: Vec<u8>,
    script: &'static str,
    settings: &'static str,
    finds: &'static [Find],
}

/// A check, how it ends, and a part of what it says.
type Find = (&'static str, &'static str, &'static str);

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
    fn run(&self) -> BTreeSet<String> {
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

fn checks(output: &Output) -> BTreeMap<String, Value> {
    let report = output.json();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().map(|check| (check["id"].as_str().unwrap().to_owned(), check.clone())).collect()
}

/// The fixture with this word in it, and with its manifest changed.
fn strange(mode: &str, changes: &[(&str, &str)]) -> Vec<u8> {
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

fn files() -> Vec<Case> {
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

fn verbs() -> Vec<Case> {
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

fn service() -> Vec<Case> {
    vec![
        Case::new(
            "a request that isn't declared",
            "strange",
            strange("get:undeclared", &[]),
            &[
                ("calls.declared", "failed", "it asked for `api DELETE /v3/tokens/x`, which its manifest doesn't declare"),
                ("get.record", "skipped", "the call broke"),
            ],
        ),
        Case::new(
            "a kind that sends whatever is typed",
            "marker",
            library::small("marker"),
            &[("ids.credential", "warned", "`GET /v3/tokens/[secret]"), ("verbs.missing", "passed", "")],
        ),
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
                // A part that there isn't would make the manifest wrong.
                ("parts = [\"connection\", \"source\"]\n", "")],
            ),
            &[("inputs.named", "failed", "it refuses `--source`, which create doesn't have")],
        )
        .script(TOKEN),
    ]
}

fn running() -> Vec<Case> {
    vec![
        Case::new(
            "a panic",
            "strange",
            strange("get:panic", &[]),
            &[
                ("run.survives", "failed", "it panicked at"),
                ("get.record", "skipped", "the call broke"),
                ("create.record", "passed", ""),
            ],
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

/// Runs them, two at a time.
fn run(cases: &[Case]) {
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|case| drop(case.run())));
        }
    });
}

#[test]
fn files_and_manifests_are_found_out() {
    run(&files());
}

#[test]
fn verbs_are_found_out() {
    run(&verbs());
}

#[test]
fn what_is_made_of_a_service_is_found_out() {
    run(&service());
}

#[test]
fn faults_and_secrets_are_found_out() {
    run(&running());
}

/// A check that never fails would say nothing.
#[test]
fn each_check_is_seen_to_find_something() {
    let cases: Vec<Case> = files().into_iter().chain(verbs()).chain(service()).chain(running()).collect();
    let finds =
        cases.iter().flat_map(|case| case.finds).filter(|(_, outcome, _)| matches!(*outcome, "failed" | "warned"));
    // In the next test: what is for debuggers isn't in the libraries above.
    let seen: BTreeSet<String> = finds.map(|(id, ..)| (*id).to_owned()).chain(["file.stripped".to_owned()]).collect();
    assert_eq!(seen, cases[0].run());
}

#[test]
fn the_three_kinds_pass() {
    for kind in KINDS {
        let carto = Carto::without_kinds();
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{kind}/check.toml"));
        for script in [format!("--script {}", script.display()), String::new()] {
            let output = carto.run(&format!("plugin check {} {script} --json", library::built(kind).display())).ok();
            let checks = checks(&output);
            let ended = |outcome: &str| -> Vec<&String> {
                checks.iter().filter(|(_, check)| check["outcome"] == outcome).map(|(id, _)| id).collect()
            };
            assert_eq!(ended("skipped"), ["verbs.missing"], "{output}");
            // How new a glibc it needs is the building machine's, and how quick it is the running one's.
            let warned = ended("warned");
            let warned =
                warned.into_iter().filter(|id| !matches!(id.as_str(), "file.glibc" | "time.second" | "load.opens"));
            let expected: &[&str] = if kind == "spa" { &["file.stripped", "manifest.env"] } else { &["file.stripped"] };
            assert_eq!(warned.collect::<Vec<_>>(), expected, "{output}");
        }
    }
}

#[test]
fn a_person_reads_what_is_wrong_and_what_to_do() {
    let carto = Carto::without_kinds();
    let file = library::file_name("strange");
    std::fs::write(carto.home().join(&file), strange("get:undeclared", &[])).unwrap();
    let output = carto.run(&format!("plugin check {file} --junit check.xml")).output();
    assert!(output.stdout.lines().all(|line| line.chars().count() <= 80), "{output}");
    let told = output.stdout.split("\nfailed calls.declared").nth(1).unwrap();
    let told = told.split("\n\n").next().unwrap();
    expect![[r#"
        : asks for nothing that it doesn't declare
          get `chk_00000000000000000003`: it asked for `api DELETE /v3/tokens/x`, which
          its manifest doesn't declare
          hint: declare it in `calls` of `[verbs.get]`, or don't ask for it"#]]
    .assert_eq(told);
    assert_eq!((output.status, output.stderr.as_str()), (7, ""), "{output}");

    let xml = std::fs::read_to_string(carto.home().join("check.xml")).unwrap();
    let start = xml.find("    <testcase classname=\"libcarto_kind_strange.so\" name=\"calls.declared\"").unwrap();
    let end = xml[start..].find("</testcase>").unwrap();
    expect![[r#"
            <testcase classname="libcarto_kind_strange.so" name="calls.declared">
              <failure message="the library must be one that asks for nothing that it doesn&apos;t declare">get `chk_00000000000000000003`: it asked for `api DELETE /v3/tokens/x`, which its manifest doesn&apos;t declare
        hint: declare it in `calls` of `[verbs.get]`, or don&apos;t ask for it</failure>"#]].assert_eq(xml[start..start + end].trim_end());
}

#[test]
fn what_isnt_the_librarys_fault_is_an_error() {
    let carto = Carto::new();
    let file = format!("kinds/{}", library::file_name("m2m"));
    carto.write("bad.toml", "[create]\nargs = { nome = \"x\" }\n");
    output::check(
        &carto.run("plugin check nothing.so").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: cannot read `nothing.so`: No such file or directory (os error 2)
            hint: name the library that `cargo build --release` has made, like `target/release/libcarto_kind_robot.so`
        "#]],
    );
    output::check(
        &carto.run(&format!("plugin check {file} --script none.toml")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: cannot use the script `none.toml`: No such file or directory (os error 2)
        hint: docs/plugin-check.md says what a script may hold
    "#]],
    );
    output::check(
        &carto.run(&format!("plugin check {file} --script bad.toml")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: cannot use the script `bad.toml`: line 2, column 10: create has no option `nome`
        hint: docs/plugin-check.md says what a script may hold
    "#]],
    );
    output::check(
        &carto.run(&format!("plugin check {file} -o csv")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the result of a check is a text or JSON
        hint: leave the format out, or use `--json`
    "#]],
    );
    let mut written = carto.run(&format!("plugin check {file} --junit none/x.xml")).output();
    assert!(written.stdout.ends_with(" skipped\n"), "{written}");
    written.stdout.clear();
    output::check(
        &written,
        expect![[r#"
        status 1
        --- stderr
        error: cannot write `none/x.xml`: No such file or directory (os error 2)
        hint: name another file behind `--junit`
    "#]],
    );
    let carto = carto.at_level("in-process");
    output::check(
        &carto.run(&format!("plugin check {file}")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: a check needs a process that may end, and the level is `in-process`
        hint: leave `level` out of `[plugins]` in your settings
    "#]],
    );
}
