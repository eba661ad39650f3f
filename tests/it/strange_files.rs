//! Files that somebody has made, damaged or swapped on purpose: whatever is in them, the command says so in one line and ends, nothing of
//! theirs stays behind, and the other kinds go on.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use carto_plugin_api::is_harmful;
use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::library::{self, SECTION_FLAGS, SECTION_KIND, SECTION_OFFSET, SECTION_SIZE, put};
use crate::support::session::{in_a_session, left};
use crate::support::{Carto, Output, Run};

/// How many damaged libraries a test run tries; CI tries more.
const SEEDS: u64 = 60;

/// No command here takes nearly as long, on any machine: one that does hangs.
const LONGEST: Duration = Duration::from_secs(60);

const FILE: &str = "libcarto_kind_strange.so";

/// A home with one good kind; a damaged one has two seconds for a call.
fn home() -> Carto {
    let carto = Carto::without_kinds();
    fs::write(carto.kinds().join(library::file_name("m2m")), library::small("m2m")).unwrap();
    carto.write(".config/carto/config.toml", "[plugins]\ndeadline = \"2s\"\n");
    carto
}

/// Runs a command to its end, which must be one of its own: not by a signal, in time, with nothing left of it, and with a text that can't
/// disturb a terminal.
fn ended(run: Run) -> Output {
    let mut run = in_a_session(run);
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let session = Pid::from_child(&child);
    let (end, waits) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if waits.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
            kill_process(session, Signal::KILL).unwrap();
        }
    });
    let output = run.ended(child);
    drop(end);
    watchdog.join().unwrap();
    assert!(output.status >= 0, "a signal ended it: {output}");
    assert!(left(session.as_raw_pid().cast_unsigned()).is_empty(), "left: {output}");
    assert!(!output.stderr.contains(|c| c != '\n' && is_harmful(c)), "{:?}", output.stderr);
    output
}

/// One line of a table: what a command for the strange kind comes to. A file that can't be used never keeps the good kind from its list.
fn said(carto: &Carto) -> String {
    let listed = ended(carto.sandbox("credentials list --json"));
    assert!(listed.json()["m2m"].is_array(), "{listed}");
    let output = ended(carto.sandbox("credentials list strange"));
    assert_eq!(listed.status, output.status, "{listed}{output}");
    let errors = &listed.json()["errors"];
    assert!(output.status == 0 || errors[0]["kind"] == "strange", "{listed}");
    line(carto, &output)
}

/// The message, the hint, and the status. What the kind gave, if it could be used.
fn line(carto: &Carto, output: &Output) -> String {
    let home = carto.home().display().to_string();
    let text = |text: &str| text.replace(&home, "[home]").replace(std::env::consts::ARCH, "[this machine]");
    if output.status == 0 {
        assert_eq!(output.stderr, "", "{output}");
        return format!("{} / 0\n", text(output.stdout.trim_end()).replace('\n', " | "));
    }
    let lines: Vec<&str> = output.stderr.lines().collect();
    let [error, hint] = lines[..] else { panic!("not an error and a hint: {output}") };
    let error = error.strip_prefix("error: ").unwrap_or_else(|| panic!("{output}"));
    let hint = hint.strip_prefix("hint: ").unwrap_or_else(|| panic!("{output}"));
    let named = error.contains("the kind `strange`") || error.contains("the kinds in");
    assert!(named && output.stdout.is_empty(), "it isn't named: {output}");
    // Every line would begin with it.
    let error = text(error).replace("the kind `strange` can't be ", "");
    format!("{} / {} / {}\n", error.replace(&format!("`[home]/kinds/{FILE}`"), "[file]"), text(hint), output.status)
}

/// A table over files under the strange kind's name.
fn table(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> String {
    let carto = home();
    let line = |(fault, bytes): (&str, Vec<u8>)| {
        fs::write(carto.kinds().join(FILE), bytes).unwrap();
        format!("{fault}: {}", said(&carto))
    };
    files.into_iter().map(line).collect()
}

/// The strange kind's manifest with one text for another.
fn edited(from: &str, to: &str) -> String {
    let manifest = library::manifest("strange");
    assert_eq!(manifest.matches(from).count(), 1, "{from}");
    manifest.replace(from, to)
}

const ALL_READS: &str = "[verbs.list]\n";

/// An option of `create`.
fn option(name: &str) -> String {
    format!("\n[[verbs.create.args]]\nname = \"{name}\"\nhelp = \"Nothing\"\n")
}

#[test]
fn a_manifest_is_held_against_every_rule() {
    let head = |from: &str, to: &str| edited(from, to);
    let name = |name: &str| edited("\nname = \"strange\"", &format!("\nname = {name}"));
    let more = |text: &str| library::manifest("strange") + text;
    let calls = |calls: &str| edited("\"api GET /v3/tokens\"", calls);
    let alias = |list: &str, get: &str| {
        edited(ALL_READS, &format!("[verbs.list]\naliases = {list}\n"))
            .replace("[verbs.get]\n", &format!("[verbs.get]\naliases = {get}\n"))
    };
    let manifests = [
        ("nothing", String::new()),
        ("only NUL bytes", "\0".repeat(6000)),
        ("a NUL in the title", head("title = \"Strange\"", "title = \"Str\0nge\"")),
        ("a NUL in the title, escaped", head("title = \"Strange\"", r#"title = "Str\u0000nge""#)),
        ("a title that clears the screen", head("title = \"Strange\"", r#"title = "\u001b[2J""#)),
        ("a title written backwards", head("title = \"Strange\"", "title = \"Str\u{202e}ange\"")),
        ("a title of spaces", head("title = \"Strange\"", "title = \"  \"")),
        ("the name of a path", name("\"../x\"")),
        ("the name of an option", name("\"--json\"")),
        ("the name of a verb", name("\"list\"")),
        ("a reserved name", name("\"help\"")),
        ("a name with a capital", name("\"Strange\"")),
        ("a name that rings", name(r#""stran\u0007ge""#)),
        ("a name of two lines", name(r#""stran\nge""#)),
        ("a number for a name", name("7")),
        ("the plural of a path", head("plural = \"stranges\"", "plural = \"../x\"")),
        ("a verb for a plural", head("plural = \"stranges\"", "plural = \"delete\"")),
        ("a key twice", head("abi = 1\n", "abi = 1\nabi = 1\n")),
        ("a verb twice", more("\n[verbs.list]\ncalls = []\n")),
        ("no verb", library::manifest("strange").split("[verbs.list]").next().unwrap().to_owned() + "[verbs]\n"),
        ("an unknown verb", more("\n[verbs.explode]\n")),
        ("an option twice", more(&(option("colour") + &option("colour")))),
        ("the option json", more(&option("json"))),
        ("the option debug", more(&option("debug"))),
        ("the option profile", more(&option("profile"))),
        ("the option help", more(&option("help"))),
        ("an option with its dashes", more(&option("--colour"))),
        ("an option that conflicts with itself", more(&(option("colour") + "conflicts = [\"colour\"]\n"))),
        (
            "65 options",
            head(
                "[verbs.create]\n",
                &format!("[verbs.create]\nargs = [{}]\n", "{ name = 'a', help = 'b' },".repeat(65)),
            ),
        ),
        ("an unknown type", more(&(option("colour") + "type = \"float\"\n"))),
        ("an alias that is a verb", alias("[\"get\"]", "[]")),
        ("an alias that is its own verb", alias("[\"list\"]", "[]")),
        ("an alias twice", alias("[\"show\", \"show\"]", "[]")),
        ("an alias of two verbs", alias("[\"show\"]", "[\"show\"]")),
        ("a reserved alias", alias("[\"all\"]", "[]")),
        ("an id that is no field", head("id = \"id\"\n", "id = \"uid\"\n")),
        ("an id that is a secret", head("secrets = [\"key\"]", "secrets = [\"key\", \"id\"]")),
        ("a column that is no field", head("columns = [\"id\", \"name\"]", "columns = [\"id\", \"colour\"]")),
        ("no columns", head("columns = [\"id\", \"name\"]", "columns = []")),
        ("a secret that is no field", head("secrets = [\"key\"]", "secrets = [\"pin\"]")),
        ("a field's name with a line break", head("columns = [\"id\", \"name\"]", "columns = [\"id\", \"na\\nme\"]")),
        ("a variable of two", head("{ key = \"STRANGE_KEY\" }", "{ key = \"A=1 B\" }")),
        ("a list that posts", calls("\"api POST /v3/tokens\"")),
        ("a get that deletes", edited("api GET /v3/tokens/{}", "api DELETE /v3/tokens/{}")),
        ("a method that there isn't", calls("\"api FETCH /v3/tokens\"")),
        ("a call of a URL", calls("\"api GET https://example.com/v3/tokens\"")),
        ("a call of a host", calls("\"api GET //example.com/v3/tokens\"")),
        ("a call upwards", calls("\"api GET /v3/../tokens\"")),
        ("a call upwards, encoded", calls("\"api GET /v3/%2e%2e/tokens\"")),
        ("a call of a service without a table", calls("\"admin GET /v3/tokens\"")),
        ("a call of the host", calls("\"host GET /warn\"")),
        ("a call of two lines", calls(r#""api GET /v3\u001b[31m\n/tokens""#)),
        (
            "the API at another address",
            edited("[services.api]\n", "[services.api]\nbase_url = \"https://example.com\"\n"),
        ),
        ("abi = 2", head("abi = 1\n", "abi = 2\n")),
        ("abi = 0", head("abi = 1\n", "abi = 0\n")),
        ("abi = -1", head("abi = 1\n", "abi = -1\n")),
        ("abi = 2^32 + 1", head("abi = 1\n", "abi = 4294967297\n")),
        ("schema 2.0", head("schema = \"1.0\"", "schema = \"2.0\"")),
        ("schema 0.9", head("schema = \"1.0\"", "schema = \"0.9\"")),
        ("schema 1", head("schema = \"1.0\"", "schema = \"1\"")),
        ("schema 1.x", head("schema = \"1.0\"", "schema = \"1.x\"")),
        ("schema 1.9 and a new key", head("schema = \"1.0\"", "schema = \"1.9\"\ncolour = \"red\"")),
        ("schema 1.9 and a new verb", head("schema = \"1.0\"", "schema = \"1.9\"") + "\n[verbs.explode]\n"),
        (
            "schema 1.9 and a new key that is required",
            head("schema = \"1.0\"", "schema = \"1.9\"\nrequires = [\"colour\"]\ncolour = \"red\""),
        ),
        ("schema 1.0 and a new key", head("schema = \"1.0\"", "schema = \"1.0\"\ncolour = \"red\"")),
        ("schema 1.0 and a key with a line break", head("schema = \"1.0\"", "schema = \"1.0\"\n\"a\\nb\\u001bc\" = 1")),
        ("a mark of the byte order", format!("\u{feff}{}", library::manifest("strange"))),
        ("lists in lists", head("abi = 1\n", &format!("abi = 1\nvendor = {}\n", "[".repeat(5000)))),
        ("tables in tables", head("abi = 1\n", &format!("abi = 1\nvendor = {}\n", "{a=".repeat(1600)))),
        ("dots in dots", head("abi = 1\n", &format!("abi = 1\n{}a = 1\n", "a.".repeat(2500)))),
    ];
    let files = manifests.into_iter().map(|(fault, text)| (fault, library::with_manifest("strange", text.as_bytes())));
    expect![[r#"
        nothing: used: [file] holds a manifest that can't be used: missing field `schema` / get a newer version of the plugin, or remove the file / 7
        only NUL bytes: used: [file] holds a manifest that can't be used: line 1: key with no value, expected `=` / get a newer version of the plugin, or remove the file / 7
        a NUL in the title: used: [file] holds a manifest that can't be used: line 6: invalid basic string, expected non-double-quote visible characters, `\` / get a newer version of the plugin, or remove the file / 7
        a NUL in the title, escaped: used: [file] holds a manifest that can't be used: `title` holds control characters: "Str\0nge" / get a newer version of the plugin, or remove the file / 7
        a title that clears the screen: used: [file] holds a manifest that can't be used: `title` holds control characters: "\u{1b}[2J" / get a newer version of the plugin, or remove the file / 7
        a title written backwards: used: [file] holds a manifest that can't be used: `title` holds control characters: "Str\u{202e}ange" / get a newer version of the plugin, or remove the file / 7
        a title of spaces: used: [file] holds a manifest that can't be used: `title` is empty / get a newer version of the plugin, or remove the file / 7
        the name of a path: used: [file] holds a manifest that can't be used: `name` must be lower-case letters and digits, in words joined by `-`, not `../x` / get a newer version of the plugin, or remove the file / 7
        the name of an option: used: [file] holds a manifest that can't be used: `name` must be lower-case letters and digits, in words joined by `-`, not `--json` / get a newer version of the plugin, or remove the file / 7
        the name of a verb: used: [file] holds a manifest that can't be used: `name` can't be `list`, a word of carto's own / get a newer version of the plugin, or remove the file / 7
        a reserved name: used: [file] holds a manifest that can't be used: `name` can't be `help`, a word of carto's own / get a newer version of the plugin, or remove the file / 7
        a name with a capital: used: [file] holds a manifest that can't be used: `name` must be lower-case letters and digits, in words joined by `-`, not `Strange` / get a newer version of the plugin, or remove the file / 7
        a name that rings: used: [file] holds a manifest that can't be used: `name` must be lower-case letters and digits, in words joined by `-`, not `stran\u{7}ge` / get a newer version of the plugin, or remove the file / 7
        a name of two lines: used: [file] holds a manifest that can't be used: `name` must be lower-case letters and digits, in words joined by `-`, not `stran\nge` / get a newer version of the plugin, or remove the file / 7
        a number for a name: used: [file] holds a manifest that can't be used: line 4: invalid type: integer `7`, expected a string / get a newer version of the plugin, or remove the file / 7
        the plural of a path: used: [file] holds a manifest that can't be used: `plural` must be lower-case letters and digits, in words joined by `-`, not `../x` / get a newer version of the plugin, or remove the file / 7
        a verb for a plural: used: [file] holds a manifest that can't be used: `plural` can't be `delete`, a word of carto's own / get a newer version of the plugin, or remove the file / 7
        a key twice: used: [file] holds a manifest that can't be used: line 4: duplicate key / get a newer version of the plugin, or remove the file / 7
        a verb twice: used: [file] holds a manifest that can't be used: line 37: duplicate key / get a newer version of the plugin, or remove the file / 7
        no verb: used: [file] holds a manifest that can't be used: has no verb that this carto knows / get a newer version of the plugin, or remove the file / 7
        an unknown verb: used: [file] holds a manifest that can't be used: `verbs.explode` is no key of schema 1.0 / get a newer version of the plugin, or remove the file / 7
        an option twice: used: [file] holds a manifest that can't be used: verbs.create: argument `colour` is there twice / get a newer version of the plugin, or remove the file / 7
        the option json: used: [file] holds a manifest that can't be used: verbs.create: argument `json`: `--json` is an option of carto itself / get a newer version of the plugin, or remove the file / 7
        the option debug: used: [file] holds a manifest that can't be used: verbs.create: argument `debug`: `--debug` is an option of carto itself / get a newer version of the plugin, or remove the file / 7
        the option profile: used: [file] holds a manifest that can't be used: verbs.create: argument `profile`: `--profile` is an option of carto itself / get a newer version of the plugin, or remove the file / 7
        the option help: used: [file] holds a manifest that can't be used: verbs.create: argument `help`: `--help` is an option of carto itself / get a newer version of the plugin, or remove the file / 7
        an option with its dashes: used: [file] holds a manifest that can't be used: verbs.create: argument `--colour`: a name must be lower-case letters and digits, in words joined by `-` / get a newer version of the plugin, or remove the file / 7
        an option that conflicts with itself: used: [file] holds a manifest that can't be used: verbs.create: argument `colour`: conflicts with `colour`, which isn't another argument here / get a newer version of the plugin, or remove the file / 7
        65 options: used: [file] holds a manifest that can't be used: verbs.create: has 65 arguments, and 64 is the limit / get a newer version of the plugin, or remove the file / 7
        an unknown type: used: [file] holds a manifest that can't be used: line 40: unknown variant `float`, expected one of `string`, `int`, `bool`, `date`, `url`, `enum`, `file`, `secret` / get a newer version of the plugin, or remove the file / 7
        an alias that is a verb: used: [file] holds a manifest that can't be used: verbs.list: `get` can't be an alias / get a newer version of the plugin, or remove the file / 7
        an alias that is its own verb: used: [file] holds a manifest that can't be used: verbs.list: `list` can't be an alias / get a newer version of the plugin, or remove the file / 7
        an alias twice: used: [file] holds a manifest that can't be used: verbs.list: `show` can't be an alias / get a newer version of the plugin, or remove the file / 7
        an alias of two verbs: used: [file] holds a manifest that can't be used: verbs.get: `show` can't be an alias / get a newer version of the plugin, or remove the file / 7
        a reserved alias: used: [file] holds a manifest that can't be used: verbs.list: `all` can't be an alias / get a newer version of the plugin, or remove the file / 7
        an id that is no field: used: [file] holds a manifest that can't be used: record: `uid` isn't one of the `fields` / get a newer version of the plugin, or remove the file / 7
        an id that is a secret: used: [file] holds a manifest that can't be used: record: the id `id` can't be a secret: it is shown everywhere / get a newer version of the plugin, or remove the file / 7
        a column that is no field: used: [file] holds a manifest that can't be used: record: `colour` isn't one of the `fields` / get a newer version of the plugin, or remove the file / 7
        no columns: used: [file] holds a manifest that can't be used: record: `columns` is empty / get a newer version of the plugin, or remove the file / 7
        a secret that is no field: used: [file] holds a manifest that can't be used: record: `pin` isn't one of the `fields` / get a newer version of the plugin, or remove the file / 7
        a field's name with a line break: used: [file] holds a manifest that can't be used: record: `na\nme` isn't one of the `fields` / get a newer version of the plugin, or remove the file / 7
        a variable of two: used: [file] holds a manifest that can't be used: record: `A=1 B` can't be a variable: capitals, digits and `_` / get a newer version of the plugin, or remove the file / 7
        a list that posts: used: [file] holds a manifest that can't be used: verbs.list: `api POST /v3/tokens` isn't a GET: list only reads / get a newer version of the plugin, or remove the file / 7
        a get that deletes: used: [file] holds a manifest that can't be used: verbs.get: `api DELETE /v3/tokens/{}` isn't a GET: get only reads / get a newer version of the plugin, or remove the file / 7
        a method that there isn't: used: [file] holds a manifest that can't be used: line 22: the call `api FETCH /v3/tokens` has an unknown method; write it like `api GET /v3/tokens/{}` / get a newer version of the plugin, or remove the file / 7
        a call of a URL: used: [file] holds a manifest that can't be used: line 22: the call `api GET https://example.com/v3/tokens` has a path that doesn't begin with `/`; write it like `api GET /v3/tokens/{}` / get a newer version of the plugin, or remove the file / 7
        a call of a host: used: [file] holds a manifest that can't be used: line 22: the call `api GET //example.com/v3/tokens` has an empty or dotted segment; write it like `api GET /v3/tokens/{}` / get a newer version of the plugin, or remove the file / 7
        a call upwards: used: [file] holds a manifest that can't be used: line 22: the call `api GET /v3/../tokens` has an empty or dotted segment; write it like `api GET /v3/tokens/{}` / get a newer version of the plugin, or remove the file / 7
        a call upwards, encoded: used: [file] holds a manifest that can't be used: line 22: the call `api GET /v3/%2e%2e/tokens` has a segment that is neither `{}` nor plain letters, digits, `-`, `.`, `_`, `~`; write it like `api GET /v3/tokens/{}` / get a newer version of the plugin, or remove the file / 7
        a call of a service without a table: used: [file] holds a manifest that can't be used: verbs.list: `admin GET /v3/tokens` names a service without a table `[services.admin]` / get a newer version of the plugin, or remove the file / 7
        a call of the host: used: [file] holds a manifest that can't be used: verbs.list: `host GET /warn` names a service without a table `[services.host]` / get a newer version of the plugin, or remove the file / 7
        a call of two lines: used: [file] holds a manifest that can't be used: line 22: the call `api GET /v3\u{1b}[31m /tokens` has a segment that is neither `{}` nor plain letters, digits, `-`, `.`, `_`, `~`; write it like `api GET /v3/tokens/{}` / get a newer version of the plugin, or remove the file / 7
        the API at another address: used: [file] holds a manifest that can't be used: services.api: `api` is the account's CARTO API: it takes no `base_url` and no `auth` / get a newer version of the plugin, or remove the file / 7
        abi = 2: used: [file] has plugin ABI 2, and this carto has ABI 1 / update carto, which is 0.1.0 here, or get an earlier version of the plugin / 7
        abi = 0: used: [file] has plugin ABI 0, and this carto has ABI 1 / get a newer version of the plugin, or remove the file / 7
        abi = -1: used: [file] holds a manifest that can't be used: line 3: invalid value: integer `-1`, expected u32 / get a newer version of the plugin, or remove the file / 7
        abi = 2^32 + 1: used: [file] holds a manifest that can't be used: line 3: invalid value: integer `4294967297`, expected u32 / get a newer version of the plugin, or remove the file / 7
        schema 2.0: used: [file] is written in manifest schema 2.0, and this carto reads schema 1.1 / update carto, which is 0.1.0 here, or get an earlier version of the plugin / 7
        schema 0.9: used: [file] is written in manifest schema 0.9, and this carto reads schema 1.1 / get a newer version of the plugin, or remove the file / 7
        schema 1: used: [file] holds a manifest that can't be used: `schema` must be like "1.0", not "1" / get a newer version of the plugin, or remove the file / 7
        schema 1.x: used: [file] holds a manifest that can't be used: `schema` must be like "1.0", not "1.x" / get a newer version of the plugin, or remove the file / 7
        schema 1.9 and a new key: ID  NAME | s1  strange / 0
        schema 1.9 and a new verb: ID  NAME | s1  strange / 0
        schema 1.9 and a new key that is required: used: [file] needs `colour` of manifest schema 1.9, and this carto reads schema 1.1 / update carto, which is 0.1.0 here, or get an earlier version of the plugin / 7
        schema 1.0 and a new key: used: [file] holds a manifest that can't be used: `colour` is no key of schema 1.0 / get a newer version of the plugin, or remove the file / 7
        schema 1.0 and a key with a line break: used: [file] holds a manifest that can't be used: `a\u{a}b\u{1b}c` is no key of schema 1.0 / get a newer version of the plugin, or remove the file / 7
        a mark of the byte order: ID  NAME | s1  strange / 0
        lists in lists: used: [file] holds a manifest that can't be used: line 4: cannot recurse further; max recursion depth met / get a newer version of the plugin, or remove the file / 7
        tables in tables: used: [file] holds a manifest that can't be used: line 4: cannot recurse further; max recursion depth met / get a newer version of the plugin, or remove the file / 7
        dots in dots: used: [file] holds a manifest that can't be used: recursion limit / get a newer version of the plugin, or remove the file / 7
    "#]].assert_eq(&table(files));
}

/// The strange kind's library, changed.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = library::small("strange");
    change(&mut bytes);
    bytes
}

/// A value in the header of a section.
fn in_section(name: &str, at: usize, value: &[u8]) -> Vec<u8> {
    changed(|bytes| {
        let header = library::section(bytes, name).header;
        put(bytes, header + at, value);
    })
}

#[test]
fn a_section_is_what_its_header_says_or_refused() {
    const COMPRESSED: u64 = 1 << 11;
    let size = |size: u64| in_section(".carto_kind", SECTION_SIZE, &size.to_ne_bytes());
    let files = [
        ("no bytes in the file", in_section(".carto_kind", SECTION_KIND, &library::NOBITS.to_ne_bytes())),
        ("compressed", {
            let mut bytes = in_section(".carto_kind", SECTION_FLAGS, &COMPRESSED.to_ne_bytes());
            let at = library::section(&bytes, ".carto_kind").offset;
            // By zlib, to one page, for any address.
            put(&mut bytes, at, &[1u64, 4096, 1].map(u64::to_ne_bytes).concat());
            bytes
        }),
        ("compressed in an unknown way", in_section(".carto_kind", SECTION_FLAGS, &COMPRESSED.to_ne_bytes())),
        ("beyond the end", in_section(".carto_kind", SECTION_OFFSET, &(1u64 << 40).to_ne_bytes())),
        ("around the end", in_section(".carto_kind", SECTION_OFFSET, &u64::MAX.to_ne_bytes())),
        ("empty", size(0)),
        ("one byte more than the limit", size(256 * 1024 + 1)),
        ("as large as the limit, into what follows", size(256 * 1024)),
        ("as large as can be", size(u64::MAX)),
        ("cut in the middle", size(600)),
        ("no sections", changed(|bytes| put(bytes, library::SECTIONS_AT, &[0; 8]))),
        ("sections without names", changed(|bytes| put(bytes, library::SECTION_OF_NAMES, &[0; 2]))),
        ("names of sections beyond the end", in_section(".shstrtab", SECTION_OFFSET, &(1u64 << 40).to_ne_bytes())),
        (
            "a segment beyond the end",
            changed(|bytes| {
                for header in library::segments(bytes) {
                    put(bytes, header + library::SEGMENT_SIZE, &(1u64 << 30).to_ne_bytes());
                    put(bytes, header + library::SEGMENT_SIZE + 8, &(1u64 << 30).to_ne_bytes());
                }
            }),
        ),
        ("no segments", changed(|bytes| put(bytes, library::SEGMENTS, &[0; 2]))),
        ("for 32 bits", changed(|bytes| put(bytes, 4, &[1]))),
        ("of the other end first", changed(|bytes| bytes[5] ^= 3)),
        ("an object file", changed(|bytes| put(bytes, 16, &1u16.to_ne_bytes()))),
        ("a core", changed(|bytes| put(bytes, 16, &4u16.to_ne_bytes()))),
        ("of another system", changed(|bytes| put(bytes, 7, &[9]))),
    ];
    expect![[r#"
        no bytes in the file: used: [file] holds a manifest that is empty / get a newer version of the plugin, or remove the file / 7
        compressed: used: [file] holds a compressed manifest / build it without compressed sections / 7
        compressed in an unknown way: used: [file] holds a compressed manifest / build it without compressed sections / 7
        beyond the end: used: [file] isn't a whole shared library: Invalid ELF section size or offset / install the plugin again, or remove the file / 7
        around the end: used: [file] isn't a whole shared library: Invalid ELF section size or offset / install the plugin again, or remove the file / 7
        empty: used: [file] holds a manifest that is empty / get a newer version of the plugin, or remove the file / 7
        one byte more than the limit: used: [file] holds a manifest of 262145 bytes, and 262144 is the limit / get a newer version of the plugin, or remove the file / 7
        as large as the limit, into what follows: used: [file] holds a manifest that isn't UTF-8 / get a newer version of the plugin, or remove the file / 7
        as large as can be: used: [file] holds a manifest of 18446744073709551615 bytes, and 262144 is the limit / get a newer version of the plugin, or remove the file / 7
        cut in the middle: used: [file] holds a manifest that can't be used: line 33: unclosed table, expected `]` / get a newer version of the plugin, or remove the file / 7
        no sections: used: [file] holds no manifest / build it with `carto_plugin_api::export_kind!`, or remove the file / 7
        sections without names: used: [file] isn't a whole shared library: Missing ELF e_shstrndx / install the plugin again, or remove the file / 7
        names of sections beyond the end: used: [file] holds no manifest / build it with `carto_plugin_api::export_kind!`, or remove the file / 7
        a segment beyond the end: loaded: [file] isn't a whole shared library: parts of it overlap / install the plugin again, or remove the file / 7
        no segments: loaded: [file] isn't a whole shared library: it has no table of needs, or several / install the plugin again, or remove the file / 7
        for 32 bits: used: [file] is built for another platform (32 bits) / get the plugin for linux on [this machine] / 7
        of the other end first: used: [file] isn't a shared library / build the plugin as a `cdylib` / 7
        an object file: used: [file] isn't a shared library / build the plugin as a `cdylib` / 7
        a core: used: [file] isn't a shared library / build the plugin as a `cdylib` / 7
        of another system: loaded: [file] can't be opened: ELF file OS ABI invalid / install a version of the plugin that is built for this system / 7
    "#]].assert_eq(&table(files));
}

/// What a command says of a file of four gigabytes, of which only the beginning is written; the quickest of three, because a machine can
/// be busy.
fn said_of_sparse(bytes: &[u8]) -> (String, Duration) {
    let carto = home();
    let mut file = File::create(carto.kinds().join(FILE)).unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(4 << 30).unwrap();
    let runs = (0..3).map(|_| {
        let started = Instant::now();
        let output = ended(carto.sandbox("credentials list strange"));
        (line(&carto, &output), started.elapsed())
    });
    runs.min_by_key(|(_, took)| *took).unwrap()
}

#[test]
fn gigabytes_that_a_header_claims_are_not_read() {
    let size = |section: &str| in_section(section, SECTION_SIZE, &(2u64 << 30).to_ne_bytes());
    let mut report = String::new();
    for (fault, bytes) in
        [("a manifest of 2 GiB", size(".carto_kind")), ("nothing, but a file of 4 GiB", library::small("strange"))]
    {
        let (said, took) = said_of_sparse(&bytes);
        assert!(took < Duration::from_secs(1), "{fault}: {took:?}");
        report.push_str(&format!("{fault}: {said}"));
    }
    expect![[r#"
        a manifest of 2 GiB: used: [file] has 4294967296 bytes, and 268435456 is the limit / get a version of the plugin without what is for debuggers (`strip`) / 7
        nothing, but a file of 4 GiB: used: [file] has 4294967296 bytes, and 268435456 is the limit / get a version of the plugin without what is for debuggers (`strip`) / 7
    "#]].assert_eq(&report);
}

#[test]
fn other_tables_of_gigabytes_are_not_read_either() {
    let size = |section: &str| in_section(section, SECTION_SIZE, &(2u64 << 30).to_ne_bytes());
    for (fault, bytes) in [
        ("symbols of 3 GiB", in_section(".dynsym", SECTION_SIZE, &(24u64 << 27).to_ne_bytes())),
        ("relocations of 2 GiB", size(".rela.dyn")),
        ("names of sections of 2 GiB", size(".shstrtab")),
        ("names of symbols of 2 GiB", size(".dynstr")),
        ("a dynamic table of 2 GiB", size(".dynamic")),
        (
            "fifty million sections",
            changed(|bytes| {
                // So many that their number stands in the size of the first.
                let first = library::word(bytes, library::SECTIONS_AT);
                put(bytes, library::SECTIONS, &[0; 2]);
                put(bytes, first + SECTION_SIZE, &50_000_000u64.to_ne_bytes());
            }),
        ),
    ] {
        let (said, took) = said_of_sparse(&bytes);
        assert!(took < Duration::from_secs(1), "{fault}: {took:?}");
        assert!(said.ends_with(" / 7\n"), "{fault}: {said}");
    }
}

/// The text of the dynamic section's first need.
const NEED: &[u8] = b"libgcc_s.so.1\0";

/// The library with another text there.
fn needing(name: &str) -> Vec<u8> {
    changed(|bytes| {
        let names = library::section(bytes, ".dynstr");
        let at = bytes[names.range()].windows(NEED.len()).position(|text| text == NEED).unwrap();
        assert_eq!(name.len() + 1, NEED.len());
        put(bytes, names.offset + at, name.as_bytes());
    })
}

/// Where the entry of that need is, in a library.
fn entry_of_need(bytes: &[u8]) -> usize {
    let (names, table) = (library::section(bytes, ".dynstr"), library::section(bytes, ".dynamic"));
    let is_it = |at: &usize| {
        library::word(bytes, *at) == 1 && bytes[names.offset + library::word(bytes, at + 8)..].starts_with(b"libgcc_")
    };
    table.range().step_by(16).find(is_it).unwrap()
}

#[test]
fn what_a_library_needs_is_the_systems_or_refused() {
    let tagged = |tag: u64, name: &str| {
        let mut bytes = library::small("strange");
        let at = entry_of_need(&bytes);
        put(&mut bytes, at, &tag.to_ne_bytes());
        let renamed = needing(name);
        let names = library::section(&bytes, ".dynstr");
        put(&mut bytes, names.offset, &renamed[names.range()]);
        bytes
    };
    let files = [
        ("another library", needing("libgcc_x.so.1")),
        ("a path", needing("/tmp/evil.so1")),
        ("a path upwards", needing("../../evil.so")),
        ("a path that begins like the loader", needing("ld-linux/../e")),
        ("a name that moves the cursor", needing("\u{1b}[2J\nevil.so1")),
        ("a name that isn't UTF-8", {
            let mut bytes = needing("libgcc_x.so.1");
            let names = library::section(&bytes, ".dynstr");
            let at = bytes[names.range()].windows(8).position(|text| text == b"libgcc_x").unwrap();
            put(&mut bytes, names.offset + at, b"lib\xff\xfe");
            bytes
        }),
        ("a filter (DT_FILTER)", tagged(0x7fff_ffff, "libgcc_x.so.1")),
        ("an auxiliary filter (DT_AUXILIARY)", tagged(0x7fff_fffd, "libgcc_x.so.1")),
        ("an auditor (DT_AUDIT)", tagged(0x6fff_fefc, "libgcc_x.so.1")),
        ("an auditor of what it needs (DT_DEPAUDIT)", tagged(0x6fff_fefb, "libgcc_x.so.1")),
        (
            "a name beyond all names",
            changed(|bytes| {
                let at = entry_of_need(bytes);
                put(bytes, at + 8, &(1u64 << 40).to_ne_bytes());
            }),
        ),
        (
            "nothing",
            changed(|bytes| {
                let at = entry_of_need(bytes);
                // DT_DEBUG, which means nothing in a library.
                put(bytes, at, &21u64.to_ne_bytes());
            }),
        ),
    ];
    expect![[r#"
        another library: loaded: [file] needs the library `libgcc_x.so.1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a path: loaded: [file] needs the library `/tmp/evil.so1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a path upwards: loaded: [file] needs the library `../../evil.so`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a path that begins like the loader: loaded: [file] needs the library `ld-linux/../e`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a name that moves the cursor: loaded: [file] needs the library `\u{1b}[2J\u{a}evil.so1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a name that isn't UTF-8: loaded: [file] needs the library `lib��c_x.so.1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a filter (DT_FILTER): loaded: [file] needs the library `libgcc_x.so.1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        an auxiliary filter (DT_AUXILIARY): loaded: [file] needs the library `libgcc_x.so.1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        an auditor (DT_AUDIT): loaded: [file] needs the library `libgcc_x.so.1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        an auditor of what it needs (DT_DEPAUDIT): loaded: [file] needs the library `libgcc_x.so.1`, and a kind may need the C library and the compiler's runtime only / get a version of the plugin that is built for this system and has it linked in / 7
        a name beyond all names: loaded: [file] isn't a whole shared library: the name of a library that it needs isn't there / install the plugin again, or remove the file / 7
        nothing: ID  NAME | s1  strange / 0
    "#]].assert_eq(&table(files));
}

#[test]
fn a_library_of_the_system_that_is_not_there_is_named() {
    // What a library that was built for musl needs.
    let said = table([("musl's", needing("libc.musl-x.1"))]);
    assert!(said.contains("libc.musl-x.1") && !said.contains("no kind may"), "{said}");
}

#[test]
fn needs_are_found_where_the_loader_finds_them() {
    // The loader goes by segments; sections are for linkers and people.
    let hidden = |bytes: Vec<u8>, at: usize, value: &[u8]| {
        let mut bytes = bytes;
        let header = library::section(&bytes, ".dynamic").header;
        put(&mut bytes, header + at, value);
        bytes
    };
    let evil = || needing("/tmp/evil.so1");
    let files = [
        ("a dynamic section of another type", hidden(evil(), SECTION_KIND, &1u32.to_ne_bytes())),
        ("an empty dynamic section", hidden(evil(), SECTION_SIZE, &0u64.to_ne_bytes())),
    ];
    for file in files {
        let said = table([file]);
        assert!(said.contains("needs the library `/tmp/evil.so1`"), "{said}");
    }
    // It reads the table in memory, wherever that is in the file by its header: one that is innocent there is no answer.
    let mut elsewhere = evil();
    let dynamic = library::dynamic_segment(&elsewhere);
    let innocent = elsewhere.len().next_multiple_of(16);
    elsewhere.resize(innocent + 4096, 0);
    put(&mut elsewhere, dynamic + library::SEGMENT_OFFSET, &(innocent as u64).to_ne_bytes());
    let said = table([("a table of needs elsewhere in the file", elsewhere)]);
    assert!(said.contains("its table of needs isn't where it says"), "{said}");
    // A second one, in the place of a segment that nobody needs.
    let mut two = evil();
    let (dynamic, spare) = (library::dynamic_segment(&two), library::stack_segment(&two));
    let copy = two[dynamic..][..library::SEGMENT_HEADER].to_owned();
    put(&mut two, spare, &copy);
    let said = table([("two tables of needs", two)]);
    assert!(said.contains("it has no table of needs, or several"), "{said}");
}

#[test]
fn an_entry_of_another_contract_is_refused_before_it_is_called() {
    let patched = |from: &[u8], to: &[u8]| {
        changed(|bytes| {
            let places: Vec<usize> =
                (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
            assert!(!places.is_empty(), "nothing to patch");
            places.into_iter().for_each(|at| put(bytes, at, to));
        })
    };
    let files = [
        ("a function of another name", patched(b"invoke;verb", b"invite;verb")),
        ("an argument of another name", patched(b"invoke;verb", b"invoke;noun")),
        ("a module of another name", patched(b"host,KindModule", b"host,KindModula")),
        ("another version of the ABI", patched(b"carto_kind1.0.0", b"carto_kind2.0.0")),
    ];
    expect![[r#"
        a function of another name: loaded: [file] has another binary layout than this carto / get a version of the plugin that is built with the plugin ABI of this carto / 7
        an argument of another name: loaded: [file] has another binary layout than this carto / get a version of the plugin that is built with the plugin ABI of this carto / 7
        a module of another name: loaded: [file] has another binary layout than this carto / get a version of the plugin that is built with the plugin ABI of this carto / 7
        another version of the ABI: loaded: [file] has ABI 2.0.0, and this carto has 1.0.0 / get a version of the plugin that is built with the plugin ABI of this carto / 7
    "#]].assert_eq(&table(files));
}

/// A library of the system that this program has open.
fn of_the_system(name: &str) -> Vec<u8> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps.lines().filter_map(|line| line.split(' ').next_back()).find(|path| path.contains(name)).unwrap();
    fs::read(path).unwrap()
}

#[test]
fn what_never_was_a_kind_is_refused() {
    let mut random = Random(1);
    let files = [
        ("the C library", of_the_system("/libc.so")),
        ("the compiler's runtime", of_the_system("/libgcc_s.so")),
        ("random bytes", (0..100_000).map(|_| random.next() as u8).collect()),
        ("only the beginning", library::small("strange")[..library::SECTION_HEADER].to_owned()),
        ("NUL bytes", vec![0; 100_000]),
        ("a script", b"#!/bin/sh\nexit 0\n".to_vec()),
        ("an archive", b"!<arch>\n/               0           0     0     0       4         `\n".to_vec()),
        ("a program for Windows", [b"MZ".to_vec(), vec![0; 1000]].concat()),
        ("a library for macOS", {
            let header = [0xfeed_facf_u32, 0x0100_0007, 3, 6];
            [header.map(u32::to_le_bytes).concat(), vec![0; 1000]].concat()
        }),
    ];
    expect![[r#"
        the C library: used: [file] holds no manifest / build it with `carto_plugin_api::export_kind!`, or remove the file / 7
        the compiler's runtime: used: [file] holds no manifest / build it with `carto_plugin_api::export_kind!`, or remove the file / 7
        random bytes: used: [file] isn't a whole shared library: Unknown file magic / install the plugin again, or remove the file / 7
        only the beginning: used: [file] isn't a whole shared library: Invalid ELF section header offset/size/alignment / install the plugin again, or remove the file / 7
        NUL bytes: used: [file] isn't a whole shared library: Unknown file magic / install the plugin again, or remove the file / 7
        a script: used: [file] isn't a whole shared library: Unknown file magic / install the plugin again, or remove the file / 7
        an archive: used: [file] isn't a whole shared library: Unknown file magic / install the plugin again, or remove the file / 7
        a program for Windows: used: [file] isn't a whole shared library: Unknown MS-DOS file / install the plugin again, or remove the file / 7
        a library for macOS: used: [file] is built for another platform (macOS) / get the plugin for linux on [this machine] / 7
    "#]].assert_eq(&table(files));
}

#[test]
fn a_path_that_leads_to_no_file_is_refused_at_once() {
    let carto = home();
    let path = carto.kinds().join(FILE);
    let mut report = String::new();
    let mut try_link = |what: &str, to: &Path| {
        symlink(to, &path).unwrap();
        report.push_str(&format!("{what}: {}", said(&carto)));
        fs::remove_file(&path).unwrap();
    };
    try_link("a link to zeros without end", Path::new("/dev/zero"));
    try_link("a link to nothing", Path::new("/dev/null"));
    try_link("a link to the terminal", Path::new("/dev/tty"));
    try_link("a link to a file of the kernel's", Path::new("/proc/self/mem"));
    try_link("a link to a process's own memory map", Path::new("/proc/self/maps"));
    try_link("a link to a folder", &carto.kinds());
    try_link("a link to itself", &path);
    let fifo = carto.home().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    try_link("a link to a pipe that nobody writes", &fifo);
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    report.push_str(&format!("a socket: {}", said(&carto)));
    expect![[r#"
        a link to zeros without end: used: [file] isn't a file / remove it: a kind is a shared library / 7
        a link to nothing: used: [file] isn't a file / remove it: a kind is a shared library / 7
        a link to the terminal: used: [file] can't be read: No such device or address (os error 6) / install the plugin again, or remove the file / 7
        a link to a file of the kernel's: used: [file] isn't a whole shared library: its size can't be read / install the plugin again, or remove the file / 7
        a link to a process's own memory map: used: [file] isn't a whole shared library: its size can't be read / install the plugin again, or remove the file / 7
        a link to a folder: used: [file] isn't a file / remove it: a kind is a shared library / 7
        a link to itself: used: [file] can't be read: Too many levels of symbolic links (os error 40) / install the plugin again, or remove the file / 7
        a link to a pipe that nobody writes: used: [file] isn't a file / remove it: a kind is a shared library / 7
        a socket: used: [file] can't be read: No such device or address (os error 6) / install the plugin again, or remove the file / 7
    "#]].assert_eq(&report);
}

#[test]
fn a_library_cut_anywhere_is_refused() {
    let carto = home();
    let whole = library::small("strange");
    let spread = (1..64).map(|part| whole.len() * part / 64);
    let ends = (1..=8).chain([63, 64, 65]).map(|missing| whole.len() - missing);
    for length in (0..=64).chain(spread).chain(ends) {
        fs::write(carto.kinds().join(FILE), &whole[..length]).unwrap();
        let listed = ended(carto.sandbox("credentials list --json"));
        let (listed, status) = (listed.json(), listed.status);
        let error = &listed["errors"][0];
        assert_eq!((status, &error["kind"]), (7, &"strange".into()), "{length}: {listed}");
        assert!(error["message"].as_str().unwrap().contains("isn't a whole shared library"), "{length}: {listed}");
        assert!(listed["m2m"].is_array(), "{length}: {listed}");
    }
}

/// Numbers that look random and are the same in every run: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// The parts of a library that it is worth damaging: its headers, and what is loaded, section by section, so that a small table is hit as
/// often as all the code.
fn parts(bytes: &[u8]) -> Vec<Range<usize>> {
    let headers = |at, number, size: usize| {
        let start = library::word(bytes, at);
        start..start + library::half(bytes, number) * size
    };
    let mut parts = vec![
        0..library::SECTION_HEADER,
        headers(library::SEGMENTS_AT, library::SEGMENTS, library::SEGMENT_HEADER),
        headers(library::SECTIONS_AT, library::SECTIONS, library::SECTION_HEADER),
    ];
    let sections = library::sections(bytes);
    parts.extend(sections.iter().filter(|section| section.kind != library::NOBITS).map(library::Section::range));
    parts.retain(|part| !part.is_empty());
    parts
}

/// From one byte to 64 of it damaged, in up to three parts: damage everywhere would always be found by whoever looks first.
fn damaged(whole: &[u8], parts: &[Range<usize>], seed: u64) -> Vec<u8> {
    let mut random = Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut bytes = whole.to_owned();
    let hit: Vec<usize> = (0..=random.below(3)).map(|_| random.below(parts.len())).collect();
    for _ in 0..=random.below(64) {
        let part = &parts[hit[random.below(hit.len())]];
        let at = part.start + random.below(part.len());
        // A bit, or all of them.
        bytes[at] ^= if random.below(2) == 0 { 1 << random.below(8) } else { random.next() as u8 };
    }
    bytes
}

#[test]
fn a_damaged_library_never_takes_the_command_along() {
    #[allow(clippy::disallowed_methods)] // the one thing that a test run takes from outside
    let seeds = std::env::var("CARTO_TEST_SEEDS").map_or(SEEDS, |count| count.parse().unwrap());
    let whole = library::small("strange");
    let parts = parts(&whole);
    let next = AtomicU64::new(0);
    let ends = Mutex::new(BTreeMap::<i32, usize>::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let carto = home();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    fs::write(carto.kinds().join(FILE), damaged(&whole, &parts, seed)).unwrap();
                    let try_it = || {
                        let output = ended(carto.sandbox("credentials list --json"));
                        // It may serve all the same, or say anything of its record; what is broken of the library is 7.
                        assert!(matches!(output.status, 0 | 1 | 3 | 7), "{output}");
                        assert!(output.json()["m2m"].is_array(), "{output}");
                        let errors = output.json()["errors"].as_array().map_or(0, Vec::len);
                        assert_eq!(errors, usize::from(output.status != 0), "{output}");
                        output.status
                    };
                    let status = catch_unwind(AssertUnwindSafe(try_it));
                    let status = status.unwrap_or_else(|_| panic!("seed {seed}"));
                    *ends.lock().unwrap().entry(status).or_default() += 1;
                }
            });
        }
    });
    println!("{seeds} damaged libraries: {:?} (status: how many)", ends.into_inner().unwrap());
}

#[test]
fn a_file_named_with_a_dash_shadows_nothing() {
    let carto = home();
    let library = |title: &str| {
        let manifest = edited(
            "\nname = \"strange\"\nplural = \"stranges\"\ntitle = \"Strange\"",
            &format!("\nname = \"a-b\"\nplural = \"a-bs\"\ntitle = \"{title}\""),
        );
        library::with_manifest("strange", manifest.as_bytes())
    };
    let (right, wrong) = (carto.kinds().join("libcarto_kind_a_b.so"), carto.kinds().join("libcarto_kind_a-b.so"));
    fs::write(&right, library("Right")).unwrap();
    fs::write(&wrong, library("Wrong")).unwrap();
    let mut report = ended(carto.sandbox("plugin list")).to_string();
    report.push_str(&ended(carto.sandbox("credentials list")).to_string());
    fs::remove_file(right).unwrap();
    report.push_str(&ended(carto.sandbox("credentials list a-b")).to_string());
    expect![[r#"
        status 0
        --- stdout
        NAME  STATE    VERSION  VENDOR     FOLDER
        a-b   ok       0.1.0    the tests  [home]/kinds
        m2m   ok       0.1.0    carto      [home]/kinds
        -     refused  -        -          [home]/kinds
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: `[home]/kinds/libcarto_kind_a-b.so` can't be used: it has a name that no kind can have
        hint: rename it to `libcarto_kind_a_b.so`
        status 0
        --- stdout
        Right (a-bs)
        ID  NAME
        s1  strange

        M2M OAuth Client (m2m)
        none
        --- stderr
        warning: `[home]/kinds/libcarto_kind_a-b.so` can't be used: it has a name that no kind can have
        hint: rename it to `libcarto_kind_a_b.so`
        status 2
        --- stderr
        error: no kind `a-b` here; kinds: m2m
        hint: some files were refused: `carto plugin list` says why
    "#]]
    .assert_eq(&report);
}

#[test]
fn the_first_folder_has_the_kind_even_if_its_file_is_refused() {
    let carto = home();
    let second = carto.home().join("second");
    fs::create_dir(&second).unwrap();
    let paths = std::env::join_paths([carto.kinds(), second.clone()]).unwrap();
    let titled = |title: &str| {
        library::with_manifest("strange", edited("title = \"Strange\"", &format!("title = \"{title}\"")).as_bytes())
    };
    fs::write(carto.kinds().join(FILE), titled("First")).unwrap();
    fs::write(second.join(FILE), titled("Second")).unwrap();
    let run = |line: &str| ended(carto.sandbox(line).env("CARTO_KINDS_PATH", &paths));
    let mut report = run("credentials list").to_string();
    fs::write(carto.kinds().join(FILE), "").unwrap();
    report.push_str(&run("credentials list").to_string());
    report.push_str(&run("credentials list strange").to_string());
    report.push_str(&run("plugin list").to_string());
    expect![[r#"
        status 0
        --- stdout
        M2M OAuth Client (m2m)
        none

        First (stranges)
        ID  NAME
        s1  strange
        status 7
        --- stdout
        M2M OAuth Client (m2m)
        none
        --- stderr
        error: strange: the kind `strange` can't be used: `[home]/kinds/libcarto_kind_strange.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        status 7
        --- stderr
        error: the kind `strange` can't be used: `[home]/kinds/libcarto_kind_strange.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        status 0
        --- stdout
        NAME     STATE     VERSION  VENDOR     FOLDER
        m2m      ok        0.1.0    carto      [home]/kinds
        strange  refused   -        -          [home]/kinds
        strange  shadowed  0.1.0    the tests  [home]/second
        --- stderr
        note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        warning: the kind `strange` can't be used: `[home]/kinds/libcarto_kind_strange.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        note: `[home]/second/libcarto_kind_strange.so` isn't used: `[home]/kinds/libcarto_kind_strange.so` goes before it
    "#]].assert_eq(&report);
}

/// Two good versions of one length, which differ in one byte of their manifests, so that a file is always the one or the other; and how
/// each is shown, with the hash of what was opened.
fn versions(carto: &Carto) -> [(Vec<u8>, (String, String)); 2] {
    ["Strange 1", "Strange 2"].map(|title| {
        let manifest = edited("title = \"Strange\"", &format!("title = \"{title}\""));
        let bytes = library::with_manifest("strange", manifest.as_bytes());
        fs::write(carto.kinds().join(FILE), &bytes).unwrap();
        let shown = shown(&ended(carto.sandbox(WATCHED)));
        assert_eq!(shown.0, title);
        (bytes, shown)
    })
}

const WATCHED: &str = "credentials list --debug";

/// The title that a list shows, which is the manifest's that was read first, and the hash of the copy that was opened.
fn shown(output: &Output) -> (String, String) {
    let title =
        output.stdout.lines().find_map(|line| line.strip_suffix(" (stranges)")).unwrap_or_else(|| panic!("{output}"));
    let opened =
        output.stderr.lines().find(|line| line.contains("opening strange ")).unwrap_or_else(|| panic!("{output}"));
    let hash = opened.split("sha256 ").nth(1).and_then(|rest| rest.split('…').next()).unwrap();
    (title.to_owned(), hash.to_owned())
}

/// Runs a hundred lists while another thread puts one version in the place of the other all the time: each serves by the manifest that it
/// has checked, or says that the file isn't what it was.
fn while_swapping(how: &str, swap: impl Fn(&Path, &[u8]) + Sync) {
    let carto = home();
    let [(one, shown_one), (two, shown_two)] = versions(&carto);
    assert_ne!(shown_one.1, shown_two.1);
    let path = carto.kinds().join(FILE);
    let over = AtomicBool::new(false);
    let (mut worked, mut changed) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                swap(&path, &one);
                swap(&path, &two);
            }
        });
        let watched = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..100 {
                let output = ended(carto.sandbox(WATCHED));
                if output.status == 0 {
                    let shown = shown(&output);
                    assert!([&shown_one, &shown_two].contains(&&shown), "another manifest governs it: {output}");
                    worked += 1;
                } else {
                    let error = output.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
                    assert!(error.contains(FILE) && error.contains("was changed while it was being used"), "{output}");
                    assert_eq!(output.status, 7, "{output}");
                    changed += 1;
                }
            }
        }));
        // Also if it failed: the other thread would go on for ever.
        over.store(true, Ordering::Relaxed);
        watched.unwrap_or_else(|panic| resume_unwind(panic));
    });
    println!("{how} all the time: {worked} worked, {changed} were refused");
    assert!(worked > 0);
}

#[test]
fn what_runs_is_what_was_checked_while_the_file_is_overwritten() {
    while_swapping("overwritten", |path, bytes| {
        File::options().write(true).open(path).unwrap().write_all(bytes).unwrap();
    });
}

#[test]
fn what_runs_is_what_was_checked_while_the_file_is_replaced() {
    while_swapping("replaced", |path, bytes| {
        let new = path.with_extension("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, path).unwrap();
    });
}

/// A home with a good library of the strange kind, and folders of kinds to be trusted or not.
struct Trusting {
    carto: Carto,
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

impl Trusting {
    fn new() -> Trusting {
        let carto = home();
        fs::write(carto.kinds().join(FILE), library::small("strange")).unwrap();
        Trusting { carto }
    }

    /// What a command for the strange kind, in a folder of kinds, comes to.
    fn says(&self, folder: &Path) -> String {
        line(&self.carto, &ended(self.carto.sandbox("credentials list strange").env("CARTO_KINDS_PATH", folder)))
    }

    /// A folder in the home, with a copy of the library if it is to hold one.
    fn folder(&self, name: &str, with_library: bool) -> PathBuf {
        let folder = self.carto.home().join(name);
        fs::create_dir_all(&folder).unwrap();
        if with_library {
            fs::copy(self.carto.kinds().join(FILE), folder.join(FILE)).unwrap();
        }
        folder
    }
}

#[test]
fn whoever_can_put_another_file_there_must_be_trusted() {
    let trusting = Trusting::new();
    let says = |folder: &Path| trusting.says(folder);
    let mut report = String::new();
    let mut row = |what: &str, said: String| report.push_str(&format!("{what}: {said}"));

    let inner = trusting.folder("open/kinds", true);
    let outer = inner.parent().unwrap();
    set_mode(outer, 0o777);
    row("a folder in one that anyone writes", says(&inner));
    set_mode(outer, 0o1777);
    row("the same with the sticky bit", says(&inner));
    set_mode(&inner, 0o1777);
    row("a folder of kinds with the sticky bit", says(&inner));
    set_mode(&inner, 0o755);
    set_mode(&inner.join(FILE), 0o646);
    row("a file that anyone writes", says(&inner));
    set_mode(&inner.join(FILE), 0o444);
    row("a file that nobody writes", says(&inner));

    let target = trusting.folder("target", true);
    let links = trusting.folder("links", false);
    symlink(target.join(FILE), links.join(FILE)).unwrap();
    row("a link to a file", says(&links));
    set_mode(&target, 0o777);
    row("a link to a file in a folder that anyone writes", says(&links));
    set_mode(&target, 0o755);

    let linked = trusting.carto.home().join("linked");
    symlink(&target, &linked).unwrap();
    row("a link to a folder", says(&linked));
    set_mode(&target, 0o777);
    row("a link to a folder that anyone writes", says(&linked));
    set_mode(&target, 0o755);
    expect![[r#"
        a folder in one that anyone writes: the kinds in `[home]/open/kinds` can't be used: it is in a folder that can't be trusted: `[home]/open` can be written by anyone / `chmod o-w [home]/open` / 7
        the same with the sticky bit: ID  NAME | s1  strange / 0
        a folder of kinds with the sticky bit: the kinds in `[home]/open/kinds` can't be used: it can be written by anyone / `chmod o-w [home]/open/kinds` / 7
        a file that anyone writes: used: `[home]/open/kinds/libcarto_kind_strange.so` can be written by anyone / `chmod o-w [home]/open/kinds/libcarto_kind_strange.so` / 7
        a file that nobody writes: ID  NAME | s1  strange / 0
        a link to a file: ID  NAME | s1  strange / 0
        a link to a file in a folder that anyone writes: used: `[home]/links/libcarto_kind_strange.so` is in a folder that can't be trusted: `[home]/target` can be written by anyone / `chmod o-w [home]/target` / 7
        a link to a folder: ID  NAME | s1  strange / 0
        a link to a folder that anyone writes: the kinds in `[home]/linked` can't be used: it can be written by anyone / `chmod o-w [home]/linked` / 7
    "#]].assert_eq(&report);
}

#[test]
fn a_link_on_the_way_counts_too() {
    let trusting = Trusting::new();
    let target = trusting.folder("target", true);
    let open = trusting.folder("open", false);
    symlink(target.join(FILE), open.join(FILE)).unwrap();
    let links = trusting.folder("links", false);
    symlink(open.join(FILE), links.join(FILE)).unwrap();
    // Anyone can lead this link elsewhere.
    set_mode(&open, 0o777);
    let said = trusting.says(&links);
    assert!(said.contains("can be written by anyone") && said.ends_with(" / 7\n"), "{said}");
}

#[test]
fn other_users_and_their_groups_are_not_trusted() {
    // Only root can give files away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    const STRANGER: u32 = 12345;
    let trusting = Trusting::new();
    let says = |folder: &Path| trusting.says(folder);
    let give = |path: &Path, user: u32, group: u32| std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    let mut report = String::new();
    let mut row = |what: &str, said: String| report.push_str(&format!("{what}: {said}"));
    let inner = trusting.folder("outer/kinds", true);
    let (outer, file) = (inner.parent().unwrap(), inner.join(FILE));

    // Whatever the umask is.
    set_mode(outer, 0o755);
    set_mode(&inner, 0o755);
    set_mode(&file, 0o644);
    give(&file, STRANGER, 0);
    row("another user's file", says(&inner));
    give(&file, 0, STRANGER);
    row("another group's file", says(&inner));
    set_mode(&file, 0o664);
    row("another group's file that it writes", says(&inner));
    give(&file, 0, 0);
    row("one's own group's file that it writes", says(&inner));
    give(&inner, STRANGER, 0);
    row("another user's folder", says(&inner));
    give(&inner, 0, STRANGER);
    set_mode(&inner, 0o775);
    row("another group's folder that it writes", says(&inner));
    give(&inner, 0, 0);
    give(outer, STRANGER, 0);
    row("a folder in another user's", says(&inner));
    set_mode(outer, 0o1777);
    row("a folder in another user's with the sticky bit", says(&inner));
    give(outer, 0, STRANGER);
    set_mode(outer, 0o775);
    row("a folder in one that another group writes", says(&inner));
    expect![[r#"
        another user's file: used: `[home]/outer/kinds/libcarto_kind_strange.so` belongs to user 12345, who is neither you nor root / if you trust it: `sudo chown 0 [home]/outer/kinds/libcarto_kind_strange.so` / 7
        another group's file: ID  NAME | s1  strange / 0
        another group's file that it writes: used: `[home]/outer/kinds/libcarto_kind_strange.so` can be written by group 12345, which isn't yours / `chmod g-w [home]/outer/kinds/libcarto_kind_strange.so` / 7
        one's own group's file that it writes: ID  NAME | s1  strange / 0
        another user's folder: the kinds in `[home]/outer/kinds` can't be used: it belongs to user 12345, who is neither you nor root / if you trust it: `sudo chown 0 [home]/outer/kinds` / 7
        another group's folder that it writes: the kinds in `[home]/outer/kinds` can't be used: it can be written by group 12345, which isn't yours / `chmod g-w [home]/outer/kinds` / 7
        a folder in another user's: the kinds in `[home]/outer/kinds` can't be used: it is in a folder that can't be trusted: `[home]/outer` belongs to user 12345, who is neither you nor root / if you trust it: `sudo chown 0 [home]/outer` / 7
        a folder in another user's with the sticky bit: the kinds in `[home]/outer/kinds` can't be used: it is in a folder that can't be trusted: `[home]/outer` belongs to user 12345, who is neither you nor root / if you trust it: `sudo chown 0 [home]/outer` / 7
        a folder in one that another group writes: the kinds in `[home]/outer/kinds` can't be used: it is in a folder that can't be trusted: `[home]/outer` can be written by group 12345, which isn't yours / `chmod g-w [home]/outer` / 7
    "#]].assert_eq(&report);
}
