//! Policies: what they allow and refuse, every way around them that we could think of, and what a file that can't be used does.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::output::check;
use crate::support::prefix::Prefix;
use crate::support::{Output, library};

/// Tokens with an end and without `*`, looking at machine clients, nothing of `spa`; confined, from the package's folder.
const POLICY: &str = r#"
version = 1
mode = "allow-list"
contact = "platform@example.com"

[[allow]]
kind = "token"
folder = "KINDS"
services = ["api"]
levels = ["confined"]

[[allow]]
kind = "m2m"
verbs = ["list", "get"]
folder = "KINDS"
levels = ["confined"]

[[deny]]
kind = "token"
verbs = ["delete"]
reason = "tokens are deleted by the weekly job"

[[limit]]
kind = "token"
argument = "expiration-date"
at_most = "90d"

[[limit]]
kind = "token"
argument = "source"
forbidden = ["*"]

[[limit]]
kind = "token"
argument = "apis"
forbidden = ["imports"]
reason = "imports go through the data team"

[[limit]]
kind = "token"
argument = "referer"
pattern = 'https://[a-z]+\.example\.com/\*?'
"#;

const TOKEN: &str =
    "credentials create token --name fine --connection dw --source a.b.c --apis sql --expiration-date 90d";

/// What there is in the sandbox, seen without a policy.
fn everything(place: &Prefix) -> Value {
    place.free.sandbox("credentials list --json").ok().json()
}

/// A place with that policy, a token `there` and a client `robot`.
fn restricted() -> Prefix {
    let place = Prefix::with_policy(POLICY);
    place.free.sandbox("credentials create m2m --title robot").ok();
    place.free.sandbox("credentials create token --name there --connection dw --source a.b.c --apis sql").ok();
    place
}

#[test]
fn what_is_allowed_works_and_the_rest_is_not_offered() {
    let place = restricted();
    place.sandbox(TOKEN).ok();
    place.sandbox("credentials list m2m").ok();
    place.sandbox("credentials get m2m robot").ok();
    place.sandbox("credentials update token there --name other --referer https://app.example.com/").ok();
    let all = place.sandbox("credentials list --json").ok().json();
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["m2m", "tokens"]);
    let help = |line: &str| place.run(line).ok().stdout;
    let offers = |line: &str, word: &str| help(line).lines().any(|line| line.trim_start().starts_with(word));
    assert!(offers("credentials create --help", "token ") && !offers("credentials create --help", "m2m "));
    assert!(offers("credentials list --help", "m2m ") && !offers("credentials list --help", "spa "));
    assert!(!offers("credentials --help", "revoke ") && !offers("credentials delete --help", "token "));
    check(
        &place.run("credentials create spa --title x --help").output(),
        expect![[r#"
            status 4
            --- stderr
            error: `spa create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 3, allows what it lists, and not this
            hint: ask platform@example.com; `carto plugin why spa create` says more
        "#]],
    );
    check(
        &place.sandbox("credentials create m2m --title x").output(),
        expect![[r#"
        status 4
        --- stderr
        error: `m2m create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 12, allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined
        hint: ask platform@example.com; `carto plugin why m2m create` says more
    "#]],
    );
    check(
        &place.sandbox("credentials delete token there --yes").output(),
        expect![[r#"
        status 4
        --- stderr
        error: `token delete` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 18, denies `token` for delete: tokens are deleted by the weekly job
        hint: ask platform@example.com; `carto plugin why token delete` says more
    "#]],
    );
    check(
        &place.sandbox("credentials revoke m2m robot --yes --json").output(),
        expect![[r#"
        status 4
        --- stderr
        {"error":{"code":"refused_by_policy","message":"`m2m delete` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 12, allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined","hint":"ask platform@example.com; `carto plugin why m2m delete` says more"}}
    "#]],
    );
    check(
        &place.sandbox("credentials list tokn").output(),
        expect![[r#"
        status 2
        --- stderr
        error: no kind `tokn` here; kinds: m2m, token
        hint: did you mean `token`?
    "#]],
    );
}

/// A shell asks through the program, and gets what is allowed.
#[test]
fn completion_offers_what_is_allowed() {
    let place = restricted();
    let words = |line: &str| {
        let run = place.run(&format!("-- carto {line}")).env("COMPLETE", "fish");
        let offered = run.ok().stdout;
        let words = offered.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        words.filter(|word| !word.starts_with('-')).collect::<Vec<_>>()
    };
    assert_eq!(words("credentials create ''"), ["token"]);
    assert_eq!(words("credentials list ''"), ["m2m", "token"]);
    assert!(!words("credentials ''").contains(&"revoke".to_owned()));
    assert_eq!(words("credentials create m2m --ti"), Vec::<String>::new());
    place.policy("nonsense");
    assert_eq!(words("credentials list ''"), Vec::<String>::new());
}

#[test]
fn limits_say_what_they_accept() {
    let place = restricted();
    let create = "credentials create token --connection dw --source a.b.c";
    check(
        &place.sandbox(&format!("{create} --apis sql")).output(),
        expect![[r#"
        status 4
        --- stderr
        error: --expiration-date: `token create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 23, asks for it
        hint: ask platform@example.com; `carto plugin why token create` says more
    "#]],
    );
    check(
        &place.sandbox(&format!("{create} --apis sql --expiration-date 91d")).output(),
        expect![[r#"
        status 4
        --- stderr
        error: --expiration-date: `token create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 23, accepts 90d from now at most, until 2027-02-21T10:00:00Z
        hint: ask platform@example.com; `carto plugin why token create` says more
    "#]],
    );
    check(
        &place.sandbox(&format!("{create} --apis imports --expiration-date 1d")).output(),
        expect![[r#"
        status 4
        --- stderr
        error: --apis: `token create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 33, doesn't accept `imports`: imports go through the data team
        hint: ask platform@example.com; `carto plugin why token create` says more
    "#]],
    );
    check(
        &place
            .sandbox(&format!(
                "{create} --apis sql --expiration-date 1d --referers 'https://a.example.com/, http://evil.com/'"
            ))
            .output(),
        expect![[r#"
            status 4
            --- stderr
            error: --referers: `token create` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 39, accepts what matches `https://[a-z]+\.example\.com/\*?`, and not `http://evil.com/`
            hint: ask platform@example.com; `carto plugin why token create` says more
        "#]],
    );
    check(
        &place.sandbox("credentials update token there --add-grant 'dw,*' --json").output(),
        expect![[r#"
        status 4
        --- stderr
        {"error":{"code":"refused_by_policy","message":"`token update` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 28, doesn't accept `*`","argument":"add-grant","hint":"ask platform@example.com; `carto plugin why token update` says more"}}
    "#]],
    );
    // To take it away is no way to give it.
    let taken = place.sandbox("credentials update token there --remove-grant 'dw,*'").output();
    assert!(!taken.stderr.contains("policy"), "{taken}");
}

#[test]
fn why_names_the_rule() {
    let place = restricted();
    check(
        &place.run("plugin why m2m").output(),
        expect![[r#"
            status 0
            --- stdout
            m2m: allowed
              kind     m2m
              title    M2M OAuth Client
              release  0.1.0
              file     [home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so
              sha256   [secret]
              list     allowed ([home]/prefix/etc/carto/policy.toml:12 allows `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined)
              create   refused ([home]/prefix/etc/carto/policy.toml:12 allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined)
              get      allowed ([home]/prefix/etc/carto/policy.toml:12 allows `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined)
              update   refused ([home]/prefix/etc/carto/policy.toml:12 allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined)
              delete   refused ([home]/prefix/etc/carto/policy.toml:12 allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined)
              verify   refused ([home]/prefix/etc/carto/policy.toml:12 allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined)
              lock     not locked
        "#]],
    );
    check(
        &place.run("plugin why m2m revoke").output(),
        expect![[r#"
            status 4
            --- stdout
            m2m revoke: refused
              why      `m2m delete` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 12, allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined
              kind     m2m
              title    M2M OAuth Client
              release  0.1.0
              file     [home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so
              sha256   [secret]
              verb     delete (`revoke`)
              policy   [home]/prefix/etc/carto/policy.toml:12 allows only `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined
              contact  platform@example.com
        "#]],
    );
    check(
        &place.run("plugin why token create").output(),
        expect![[r#"
        status 0
        --- stdout
        token create: allowed
          kind     token
          title    API Access Token
          release  0.1.0
          file     [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
          sha256   [secret]
          policy   [home]/prefix/etc/carto/policy.toml:6 allows `token` from `[home]/prefix/lib/carto/kinds` that asks api at confined
          contact  platform@example.com
          limits   --expiration-date [home]/prefix/etc/carto/policy.toml:23 has to be given, 90d from now at most
                   --source [home]/prefix/etc/carto/policy.toml:28 isn't `*`
                   --apis [home]/prefix/etc/carto/policy.toml:33 isn't `imports`: imports go through the data team
                   --referer [home]/prefix/etc/carto/policy.toml:39 matches `https://[a-z]+\.example\.com/\*?`
          lock     not locked
    "#]],
    );
    check(
        &place.run("plugin why robots").output(),
        expect![[r#"
        status 2
        --- stdout
        robots: not installed
          why  no kind `robots` here; kinds: m2m, token
        --- stderr
        hint: install its plugin, or choose one of these
    "#]],
    );
    check(
        &place.run("plugin why token frob").output(),
        expect![[r#"
            status 2
            --- stdout
            token frob: not possible
              why      the kind `token` has no verb `frob`; verbs: `list`, `create`, `get`, `update`, `delete`, `verify`
              kind     token
              title    API Access Token
              release  0.1.0
              file     [home]/prefix/lib/carto/kinds/libcarto_kind_token.so
              sha256   [secret]
        "#]],
    );
    let json = place.run("plugin why spa create --json").output();
    assert_eq!((json.status, json.json()["error"]["code"].as_str()), (4, Some("refused_by_policy")), "{json}");
    fs::write(place.library("spa"), "nothing").unwrap();
    check(
        &place.run("plugin why spa").output(),
        expect![[r#"
        status 7
        --- stdout
        spa: broken
          why   the kind `spa` can't be used: `[home]/prefix/lib/carto/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
          file  [home]/prefix/lib/carto/kinds/libcarto_kind_spa.so
        --- stderr
        hint: install the plugin again, or remove the file
    "#]],
    );
    // A second file of that name, where the user may put one.
    fs::create_dir_all(place.free.data().join("kinds")).unwrap();
    fs::copy(library::built("m2m"), place.free.data().join("kinds").join(library::file_name("m2m"))).unwrap();
    check(
        &place.run("plugin why m2m list").output(),
        expect![[r#"
        status 0
        --- stdout
        m2m list: allowed
          kind      m2m
          title     M2M OAuth Client
          release   0.1.0
          file      [home]/prefix/lib/carto/kinds/libcarto_kind_m2m.so
          not used  [home]/.local/share/carto/kinds/libcarto_kind_m2m.so
          sha256    [secret]
          policy    [home]/prefix/etc/carto/policy.toml:12 allows `m2m` for list, get from `[home]/prefix/lib/carto/kinds` at confined
          contact   platform@example.com
          lock      not locked
    "#]],
    );
}

/// One way around the policy.
struct Attempt {
    what: &'static str,
    #[allow(clippy::type_complexity)] // written once, used in a table
    by: Box<dyn Fn(&Prefix) -> Output>,
}

fn line(what: &'static str, line: &'static str) -> Attempt {
    Attempt { what, by: Box::new(move |place| place.sandbox(line).output()) }
}

fn way(what: &'static str, by: impl Fn(&Prefix) -> Output + 'static) -> Attempt {
    Attempt { what, by: Box::new(by) }
}

/// The folder in which the user may put kinds, made.
fn own_kinds(place: &Prefix) -> std::path::PathBuf {
    let folder = place.free.data().join("kinds");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn put(place: &Prefix, kind: &str, bytes: &[u8]) {
    fs::write(own_kinds(place).join(library::file_name(kind)), bytes).unwrap();
}

const M2M: &str = "credentials create m2m --title stolen";

fn attempts() -> Vec<Attempt> {
    const ALL_OF_IT: &str = "credentials create token --connection dw --apis sql --expiration-date 1d";
    vec![
        line("the verb that isn't allowed", M2M),
        line("the kind that isn't allowed", "credentials create spa --title stolen"),
        line("the kind that isn't allowed, by a list", "credentials list spa"),
        line("the verb that is denied", "credentials delete token there --yes"),
        line("a kind's own word for a verb", "credentials revoke m2m robot --yes"),
        line("that word with another kind", "credentials revoke token there --yes"),
        line("another verb that isn't allowed", "credentials update m2m robot --title stolen"),
        line("capitals in the kind", "credentials create M2M --title stolen"),
        line("capitals in the verb", "credentials CREATE m2m --title stolen"),
        line("a plural that the kind hasn't", "credentials create m2ms --title stolen"),
        line("a space in the word", "credentials create 'm2m ' --title stolen"),
        line("the plural", "credentials delete tokens there --yes"),
        line("a path as the kind", "credentials create ../kinds/m2m --title stolen"),
        line("options between the words", "credentials --json create -y m2m --title stolen"),
        line("a dry run", "credentials create m2m --title stolen --dry-run"),
        line("the id from standard input", "credentials delete token - --yes"),
        line("help of what is refused", "credentials help create m2m"),
        line(
            "the whole connection",
            "credentials create token --connection dw --source '*' --apis sql --expiration-date 1d",
        ),
        line(
            "the same after `=`",
            "credentials create token --connection=dw --source=* --apis=sql --expiration-date=1d",
        ),
        line(
            "spaces around it",
            "credentials create token --connection dw --source ' * ' --apis sql --expiration-date 1d",
        ),
        line(
            "beside a good one",
            "credentials create token --connection dw --source a.b.c --source '*' --apis sql --expiration-date 1d",
        ),
        line("connection and source in one", "credentials create token --grant 'dw,*' --apis sql --expiration-date 1d"),
        line("a space after the comma", "credentials create token --grant 'dw, *' --apis sql --expiration-date 1d"),
        line("a grant that is added", "credentials update token there --add-grant 'dw,*'"),
        line("an option cut short", "credentials create token --conn dw --sour '*' --apis sql --expiration-date 1d"),
        way("the source from a file", |place| {
            place.free.write("star", "*\n");
            place.sandbox(&format!("{ALL_OF_IT} --source @star")).output()
        }),
        way("the source from standard input", |place| {
            place.sandbox(&format!("{ALL_OF_IT} --source @-")).stdin("*").output()
        }),
        line(
            "an API among others",
            "credentials create token --connection dw --source a.b.c --apis ' IMPORTS' --expiration-date 1d",
        ),
        line("an API that is changed", "credentials update token there --apis imports"),
        line("a referer in a list", "credentials update token there --referers 'https://a.example.com/,*'"),
        line(
            "a pattern over two lines",
            "credentials update token there --referer 'https://a.example.com/\nhttp://evil.com/'",
        ),
        line("no end", "credentials create token --connection dw --source a.b.c --apis sql"),
        line(
            "a day too long",
            "credentials create token --connection dw --source a.b.c --apis sql --expiration-date 91d",
        ),
        line(
            "the same in weeks",
            "credentials create token --connection dw --source a.b.c --apis sql --expiration-date 13w",
        ),
        line(
            "the same in years",
            "credentials create token --connection dw --source a.b.c --apis sql --expiration-date 99y",
        ),
        line(
            "a date",
            "credentials create token --connection dw --source a.b.c --apis sql --expiration-date 2027-02-22",
        ),
        line(
            "a time with an offset",
            "credentials create token --connection dw --source a.b.c --apis sql --expiration-date 2027-02-21T10:00:00-02:00",
        ),
        line("an empty end", "credentials create token --connection dw --source a.b.c --apis sql --expiration-date ''"),
        way("a folder of one's own, by the option", |place| {
            place.sandbox(&format!("--kinds-path {} {M2M}", place.free.kinds().display())).output()
        }),
        way("a folder of one's own, by the variable", |place| {
            place.sandbox(M2M).env("CARTO_KINDS_PATH", place.free.kinds()).output()
        }),
        way("the package's own folder, by the option", |place| {
            place.sandbox(&format!("--kinds-path {} {M2M}", place.path("lib/carto/kinds").display())).output()
        }),
        way("two folders, the package's among them", |place| {
            let both = [place.path("lib/carto/kinds"), place.free.kinds()];
            place.sandbox(M2M).env("CARTO_KINDS_PATH", std::env::join_paths(both).unwrap()).output()
        }),
        way("a copy under another name", |place| {
            put(place, "client", &library::small("m2m"));
            place.sandbox("credentials create client --title stolen").output()
        }),
        way("a copy that calls itself otherwise", |place| {
            // Its requests are those of `m2m`.
            let manifest = library::manifest("m2m")
                .replace("name = \"m2m\"", "name = \"mtm\"")
                .replace("plural = \"m2m\"", "plural = \"mtm\"");
            put(place, "mtm", &library::with_manifest("m2m", manifest.as_bytes()));
            place.sandbox("credentials create mtm --title stolen").output()
        }),
        way("a copy that calls itself like the one that is allowed", |place| {
            let manifest = library::manifest("m2m")
                .replace("name = \"m2m\"", "name = \"abc\"")
                .replace("plural = \"m2m\"", "plural = \"tokens\"")
                .replace("for a program ", "");
            put(place, "abc", &library::with_manifest("m2m", manifest.as_bytes()));
            place.sandbox("credentials create abc --title stolen").output()
        }),
        way("a library of one's own in the place of the one that is allowed", |place| {
            fs::remove_file(place.library("token")).unwrap();
            put(place, "token", &library::small("token"));
            place.sandbox(TOKEN).output()
        }),
        way("a link in one's own folder", |place| {
            let link = own_kinds(place).join(library::file_name("spa"));
            fs::remove_file(place.library("spa")).unwrap();
            symlink(library::built("spa"), link).unwrap();
            place.sandbox("credentials create spa --title stolen").output()
        }),
        way("one's own folder as a link to the package's", |place| {
            fs::remove_dir_all(own_kinds(place)).unwrap();
            symlink(place.path("lib/carto/kinds"), place.free.data().join("kinds")).unwrap();
            place.sandbox(M2M).output()
        }),
        way("a policy of one's own that allows all", |place| {
            place.free.write(".config/carto/policy.toml", "version = 1\nmode = \"allow-all\"\nkinds_path = true\n");
            place.sandbox(M2M).output()
        }),
        way("that policy, and a folder of one's own", |place| {
            place.free.write(".config/carto/policy.toml", "version = 1\nmode = \"allow-all\"\nkinds_path = true\n");
            place.sandbox(M2M).env("CARTO_KINDS_PATH", place.free.kinds()).output()
        }),
        way("other folders of configuration and data", |place| {
            let elsewhere = place.free.write("elsewhere/carto/policy.toml", "version = 1\nmode = \"allow-all\"\n");
            let elsewhere = elsewhere.parent().unwrap().parent().unwrap();
            place.sandbox(M2M).env("XDG_CONFIG_HOME", elsewhere).env("XDG_DATA_HOME", elsewhere).output()
        }),
        way("another home", |place| {
            let home = place.free.home().join("other");
            fs::create_dir(&home).unwrap();
            place.sandbox(M2M).env("HOME", home).output()
        }),
        way("no home at all", |place| {
            let mut run = place.run(M2M).env("CARTO_BASE_URL", "http://127.0.0.1:9").env("CARTO_API_TOKEN", "x");
            run.command.env_remove("HOME");
            run.output()
        }),
        way("variables that sound right", |place| {
            let mut run = place.sandbox(M2M);
            for name in ["CARTO_POLICY", "CARTO_POLICY_PATH", "CARTO_CONFIG", "CARTO_PREFIX", "CARTO_NO_POLICY"] {
                run = run.env(name, "/dev/null");
            }
            run.output()
        }),
        way("a policy in the working directory", |place| {
            place.free.write("etc/carto/policy.toml", "version = 1\nmode = \"allow-all\"\n");
            place.free.write("policy.toml", "version = 1\nmode = \"allow-all\"\n");
            place.sandbox(M2M).output()
        }),
        way("the program by a link", |place| {
            let link = place.free.home().join("carto");
            symlink(place.path("bin/carto"), &link).unwrap();
            place.run_as(&link, M2M).env("CARTO_SANDBOX", "1").output()
        }),
        way("its folder by a link", |place| {
            let other = place.free.home().join("other/bin");
            fs::create_dir_all(other.parent().unwrap()).unwrap();
            symlink(place.path("bin"), &other).unwrap();
            place.run_as(&other.join("carto"), M2M).env("CARTO_SANDBOX", "1").output()
        }),
        way("another name for the program", |place| {
            use std::os::unix::process::CommandExt;
            let mut run = place.sandbox(M2M);
            run.command.arg0("/somewhere/else/carto");
            run.output()
        }),
        way("routes of the service that are others' there", |place| {
            let moved = "[services.api.paths]\n\"/v3/tokens\" = \"/v3/oauth-clients\"\n";
            place.free.write(".config/carto/config.toml", moved);
            place.run(TOKEN).env("CARTO_BASE_URL", "http://127.0.0.1:9").env("CARTO_API_TOKEN", "x").output()
        }),
        way("installing a copy under another name", |place| {
            let manifest = library::manifest("m2m")
                .replace("name = \"m2m\"", "name = \"mtm\"")
                .replace("plural = \"m2m\"", "plural = \"mtm\"");
            let file = place.free.home().join("mine.so");
            fs::write(&file, library::with_manifest("m2m", manifest.as_bytes())).unwrap();
            place.run("plugin install mine.so").output()
        }),
        way("installing another version of what is allowed", |place| {
            fs::remove_file(place.library("token")).unwrap();
            fs::write(place.free.home().join("mine.so"), library::small("token")).unwrap();
            place.run("plugin install mine.so").output();
            place.sandbox(TOKEN).output()
        }),
        way("accepting a library in the lock", |place| {
            place.run("plugin lock m2m").output();
            place.sandbox(M2M).output()
        }),
        way("the program by the system's loader, with the policy of the user alone", |place| {
            // The prefix isn't known then: what the system's own file and the user's say still holds. It finds no kinds there either.
            let line = format!("{} {M2M}", place.path("bin/carto").display());
            place.run_as(std::path::Path::new("/lib64/ld-linux-x86-64.so.2"), &line).env("CARTO_SANDBOX", "1").output()
        }),
        way("a policy's folder that is a link to nowhere", |place| {
            fs::remove_dir_all(place.path("etc/carto")).unwrap();
            symlink("/nowhere/at/all", place.path("etc/carto")).unwrap();
            place.sandbox(M2M).output()
        }),
        way("`plain` in the settings", |place| level(place, "plain")),
        way("`in-process` in the settings", |place| level(place, "in-process")),
        way("`filtered` in the settings", |place| level(place, "filtered")),
        way("settings that can't be read", |place| {
            place.free.write(".config/carto/config.toml", "[plugins");
            place.sandbox(TOKEN).output()
        }),
        way("a worker started by hand", |place| {
            place.run(&format!("kind-worker plain {}", std::process::id())).output()
        }),
        way("a policy that is a link", |place| {
            let other = place.free.write("mine.toml", "version = 1\nmode = \"allow-all\"\n");
            let file = place.path("etc/carto/policy.toml");
            fs::remove_file(&file).unwrap();
            symlink(other, file).unwrap();
            place.sandbox(M2M).output()
        }),
        way("a policy in a folder that is a link", |place| {
            place.free.write("mine/policy.toml", "version = 1\nmode = \"allow-all\"\n");
            fs::remove_dir_all(place.path("etc/carto")).unwrap();
            symlink(place.free.home().join("mine"), place.path("etc/carto")).unwrap();
            place.sandbox(M2M).output()
        }),
        way("a policy that anybody can write", |place| {
            let file = place.policy("version = 1\nmode = \"allow-all\"\n");
            fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
            place.sandbox(M2M).output()
        }),
        way("a policy in a folder that anybody can write", |place| {
            place.policy("version = 1\nmode = \"allow-all\"\n");
            fs::set_permissions(place.path("etc/carto"), Permissions::from_mode(0o777)).unwrap();
            place.sandbox(M2M).output()
        }),
    ]
}

fn level(place: &Prefix, level: &str) -> Output {
    place.free.write(".config/carto/config.toml", &format!("[plugins]\nlevel = \"{level}\"\n"));
    place.sandbox(TOKEN).output()
}

/// Nothing is opened, and nothing is there afterwards that wasn't there before.
#[test]
fn there_is_no_way_around() {
    let attempts = attempts();
    assert!(attempts.len() >= 40);
    println!("{:<70} status  says", "attempt");
    let first = restricted();
    let before = everything(&first);
    let sandbox: Vec<_> = fs::read_dir(first.free.data()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for Attempt { what, by } in &attempts {
        let place = Prefix::new();
        fs::create_dir_all(place.free.data()).unwrap();
        for file in &sandbox {
            fs::copy(file, place.free.data().join(file.file_name().unwrap())).unwrap();
        }
        let audit = place.free.home().join("audit");
        place.policy(&format!("{POLICY}\n[audit]\nfile = \"{}\"\nrequired = true\n", audit.display()));
        let output = by(&place);
        // Not to be in the way of the look at what is there.
        for file in [".config/carto/config.toml", ".local/share/carto/lock.toml"] {
            let _ = fs::remove_file(place.free.home().join(file));
        }
        assert!(output.status != 0, "{what}: {output}");
        assert!(matches!(output.status, 1 | 2 | 4 | 7), "{what}: {output}");
        assert_eq!(everything(&place), before, "{what}: {output}");
        let records = fs::read_to_string(&audit).unwrap_or_default();
        assert!(!records.contains("\"begun\""), "{what}: a library was opened: {records}");
        let says = output.stderr.lines().next().unwrap_or_default();
        let says = says.replace(&place.free.home().display().to_string(), "~");
        println!("{what:<70} {:<7} {}", output.status, says.chars().take(110).collect::<String>());
    }
    println!("{} attempts, none succeeded", attempts.len());
}

/// A pinned library that is exchanged all the time is opened as what it was pinned as, or not at all.
#[test]
fn what_is_pinned_is_what_runs_however_fast_it_is_exchanged() {
    let place = Prefix::new();
    let pinned = library::small("token");
    let mut other = pinned.clone();
    // Another library of the same manifest: a byte that nobody reads.
    let end = other.len() - 1;
    other[end] ^= 1;
    let file = place.library("token");
    let put = |bytes: &[u8]| {
        let new = file.with_extension("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, &file).unwrap();
    };
    put(&pinned);
    let info = place.run("plugin why token --json").ok().json();
    let sha256 = info["sha256"].as_str().unwrap().to_owned();
    let audit = place.free.home().join("audit");
    place.policy(&format!(
        "version = 1\nmode = \"allow-list\"\n[[allow]]\nkind = \"token\"\nsha256 = \"{sha256}\"\n[audit]\nfile = \"{}\"\nrequired = true\n",
        audit.display()
    ));
    let over = AtomicBool::new(false);
    let (mut ran, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                put(&other);
                put(&pinned);
            }
        });
        for _ in 0..60 {
            let output = place.sandbox("credentials list token").output();
            match output.status {
                0 => ran += 1,
                4 | 7 => refused += 1,
                _ => panic!("{output}"),
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let records = fs::read_to_string(&audit).unwrap();
    let opened: Vec<Value> = records
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["event"] == "begun")
        .collect();
    println!("exchanged under 60 commands: {ran} ran, {refused} were refused");
    assert_eq!(opened.len(), ran);
    assert!(opened.iter().all(|record| record["sha256"] == json!(sha256)));
}

/// A file that can't be used refuses everything, and says where it is wrong.
#[test]
fn a_policy_that_cannot_be_used_refuses_everything() {
    let cases: &[(&str, &str)] = &[
        ("mode = \"deny-all\"\n", "missing field `version`"),
        (
            "version = \"1\"\nmode = \"deny-all\"\n",
            "line 1, column 11: invalid type: string \"1\", expected the number 1, without quotes",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[deny]\nkind = \"token\"\n",
            "expected a table in double brackets, like `[[deny]]`",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = [\"token\"]\n",
            "line 4, column 8: invalid type: sequence, expected one name",
        ),
        ("[[deny]]\nkind = \"token\"\nversion = 1\n", "line 3, column 1: unknown field `version`"),
        (
            "version = 1\n[[deny]]\nkind = \"token\"\nmode = \"deny-all\"\n",
            "`mode` has to stand before the first table",
        ),
        ("", "missing field `version`"),
        ("# nothing\n", "missing field"),
        ("version = 1\n", "missing field `mode`"),
        (
            "version = 2\nmode = \"allow-all\"\n",
            "line 1, column 11: invalid value: integer `2`, expected 1, which is the version that this carto knows",
        ),
        ("version = 1\nmode = \"allow-everything\"\n", "line 2, column 8: unknown variant `allow-everything`"),
        ("version = 1\nmode = \"allow-list\"\n", "line 2, column 8: `allow-list` needs an `[[allow]]`"),
        (
            "version = 1\nmode = \"allow-all\"\n[[allow]]\nkind = \"token\"\n",
            "line 3, column 1: an `[[allow]]` has an effect",
        ),
        ("version = 1\nmode = \"allow-all\"\ncontcat = \"x\"\n", "line 3, column 1: unknown field `contcat`"),
        ("version = 1\nmode = \"allow-all\"\n[[deny]]\nkinds = \"token\"\n", "line 4, column 1: unknown field `kinds`"),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"Token\"\n",
            "line 4, column 8: `Token` can't be the name of a kind",
        ),
        ("version = 1\nmode = \"allow-all\"\n[[deny]]\nverbs = []\n", "line 4, column 9: it is empty"),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nverbs = [\"revoke\"]\n",
            "line 4, column 10: `revoke` isn't one of list, get",
        ),
        ("version = 1\nmode = \"allow-all\"\n[[deny]]\nverbs = [\"get\", \"get\"]\n", "twice"),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nsha256 = [\"ABC\"]\n",
            "line 4, column 11: `ABC…` isn't a SHA-256",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nfolder = \"kinds\"\n",
            "line 4, column 10: `kinds` has to be an absolute path",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nservices = [\"https://x.example.com/v1\"]\n",
            "line 4, column 13: `https://x.example.com/v1` isn't a service",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[deny]]\nlevels = [\"none\"]\n",
            "line 4, column 11: `none` isn't one of confined",
        ),
        (
            "version = 1\nmode = \"allow-list\"\n[[allow]]\nvendor = \"x\"\n",
            "line 4, column 10: a `vendor` is what a library says of itself",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"token\"\nargument = \"source\"\n",
            "line 3, column 1: a limit needs",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"token\"\nargument = \"source\"\npattern = \"(\"\n",
            "isn't a pattern",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"token\"\nargument = \"source\"\npattern = \"a)|(b\"\n",
            "isn't a pattern",
        ),
        (
            "version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"token\"\nargument = \"x\"\nat_most = \"soon\"\n",
            "line 6, column 11: `soon` isn't a time like 90d",
        ),
        ("version = 1\nmode = \"allow-all\"\n[audit]\nrequired = true\n", "line 3, column 1: `[audit]` needs a `file`"),
        (
            "version = 1\nmode = \"allow-all\"\n[audit]\nfile = \"audit\"\n",
            "line 4, column 8: `audit` has to be an absolute path",
        ),
        ("version = 1\nmode = \"allow-all\n", "line 2, column"),
        ("version = 1\nmode = \"allow-all\"\nmode = \"deny-all\"\n", "duplicate key"),
    ];
    let place = Prefix::new();
    for (text, says) in cases {
        place.policy(text);
        let output = place.sandbox("credentials list").output();
        let named = place.sandbox("credentials list token").fails(4);
        assert!(named.stderr.contains(says) && named.stderr.contains("policy.toml"), "{text:?} {says}: {named}");
        // Nothing can be listed, and nothing is.
        assert_eq!(output.stdout.trim(), "", "{text:?}: {output}");
        let why = place.run("plugin why token").output();
        assert_eq!(why.status, 4, "{why}");
        assert!(why.stdout.contains(says), "{why}");
    }
    // A limit that can't do what it says refuses what it is about.
    let create = "credentials create token --connection dw --source a.b.c --apis sql --expiration-date 1d";
    for (limit, says) in [
        (
            "argument = \"grant\"\npattern = \"dw,.*\"",
            "is another way to write `--connection`, `--source`: limit those",
        ),
        ("argument = \"referers\"\nforbidden = [\"*\"]", "is another way to write `--referer`: limit those"),
        ("argument = \"sorce\"\nforbidden = [\"*\"]", "limits `--sorce`, which `token` doesn't have"),
    ] {
        place.policy(&format!("version = 1\nmode = \"allow-all\"\n[[limit]]\nkind = \"tokens\"\n{limit}\n"));
        assert!(place.sandbox(create).fails(4).stderr.contains(says), "{limit}");
    }
    let file = place.policy("version = 1\nmode = \"allow-all\"\n");
    fs::write(&file, b"\xff\xfe\0").unwrap();
    assert!(place.sandbox("credentials list token").fails(4).stderr.contains("can't be read"));
    fs::write(&file, vec![b'#'; 2 << 20]).unwrap();
    assert!(place.sandbox("credentials list token").fails(4).stderr.contains("it is larger than 1 MiB"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(place.sandbox("credentials list token").fails(4).stderr.contains("it isn't a file"));
    fs::remove_dir(&file).unwrap();
    symlink("/nowhere", &file).unwrap();
    assert!(place.sandbox("credentials list token").fails(4).stderr.contains("is a link"));
    fs::remove_file(&file).unwrap();
    let pipe = rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, 0o644.into(), 0);
    if pipe.is_ok() {
        assert!(place.sandbox("credentials list token").fails(4).stderr.contains("it isn't a file"));
        fs::remove_file(&file).unwrap();
    }
    fs::remove_dir(place.path("etc/carto")).unwrap();
    fs::write(place.path("etc/carto"), "a file").unwrap();
    assert!(place.sandbox("credentials list token").fails(4).stderr.contains("can't be read"));
    check(
        &place.sandbox("credentials create --help").output(),
        expect![[r#"
        status 0
        --- stdout
        Create a credential

        Usage: carto credentials create [OPTIONS]

        Options:
              --env-file <PATH>  Write the credential's variables into this file, and its secrets nowhere
                                 else
          -h, --help             Print help

        Account:
              --sandbox         Use the sandbox: no account, no network [env: CARTO_SANDBOX]
              --profile <NAME>  Use this profile of ~/.carto_credentials.json [env: CARTO_PROFILE]
              --token <T>       Use this OAuth access token; `-` reads it from standard input [env:
                                CARTO_API_TOKEN]
              --base-url <URL>  Use the API at this address [env: CARTO_BASE_URL]

        Output:
              --json          Write JSON, errors too; the same as `-o json`
          -o <FORMAT>         Write in this format [possible values: table, json, jsonl, csv, env]
              --field <NAME>  Write this one field alone
              --reveal        Show secrets that are otherwise hidden
              --debug         Say on standard error what is asked of the service

        Behaviour:
              --dry-run           Show the first change that would be made instead of making it
          -y, --yes               Don't ask before something is destroyed
              --no-input          Never ask; fail where a question would be
              --timeout <D>       Give up after this time, like 30s or 2m
              --kinds-path <DIR>  Look for kinds here instead of the usual folders [env: CARTO_KINDS_PATH]
          -v, --version           Print the version
    "#]],
    );
}

#[test]
fn the_users_own_policy_narrows() {
    let place = Prefix::new();
    place.sandbox("credentials list").ok();
    let own = place.free.write(
        ".config/carto/policy.toml",
        "version = 1\nmode = \"allow-all\"\n[[deny]]\nverbs = [\"delete\"]\nreason = \"I mistype\"\n",
    );
    fs::set_permissions(&own, Permissions::from_mode(0o644)).unwrap();
    place.sandbox("credentials list").ok();
    check(
        &place.sandbox("credentials delete token x --yes").output(),
        expect![[r#"
        status 4
        --- stderr
        error: `token delete` is refused by policy: `[home]/.config/carto/policy.toml`, line 3, denies every kind for delete: I mistype
        hint: `carto plugin why token delete` says more
    "#]],
    );
    place.policy("version = 1\nmode = \"deny-all\"\ncontact = \"it@example.com\"\n");
    check(
        &place.sandbox("credentials list token").output(),
        expect![[r#"
        status 4
        --- stderr
        error: `token list` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 2, denies all
        hint: ask it@example.com; `carto plugin why token list` says more
    "#]],
    );
    check(
        &place.sandbox("credentials list").output(),
        expect![[r#"
            status 4
            --- stderr
            error: `m2m list` is refused by policy: `[home]/prefix/etc/carto/policy.toml`, line 2, denies all
            hint: ask it@example.com; `carto plugin why m2m list` says more
        "#]],
    );
}

#[test]
fn a_rule_can_go_by_services_folders_digests_levels_and_vendors() {
    let place = Prefix::new();
    let sha256 = place.run("plugin why spa --json").ok().json()["sha256"].as_str().unwrap().to_owned();
    let other = "0".repeat(64);
    let deny = |rule: &str| format!("version = 1\nmode = \"allow-all\"\n[[deny]]\n{rule}\n");
    let allow = |rule: &str| format!("version = 1\nmode = \"allow-list\"\n[[allow]]\n{rule}\n");
    for (policy, status) in [
        (deny(&format!("sha256 = \"{sha256}\"")), 4),
        (deny(&format!("sha256 = [\"{other}\"]")), 0),
        (deny("folder = \"KINDS\""), 4),
        (deny("folder = \"/usr/lib/carto/kinds\""), 0),
        (deny("services = [\"api\"]"), 4),
        (deny("services = [\"https://robots.example.com\"]"), 0),
        (deny("levels = [\"confined\", \"plain\"]"), 4),
        (deny("levels = [\"plain\"]"), 0),
        (deny("vendor = \"carto\""), 4),
        (deny("vendor = \"acme\""), 0),
        (deny("kind = \"spa\"\nverbs = [\"get\"]"), 0),
        (deny("kind = \"tokens\""), 0),
        (allow(&format!("sha256 = \"{sha256}\"")), 0),
        (allow(&format!("sha256 = \"{other}\"")), 4),
        (allow("folder = \"KINDS\""), 0),
        (allow("folder = \"KINDS/..\""), 4),
        (allow("services = [\"api\"]"), 0),
        (allow("services = [\"https://robots.example.com\"]"), 4),
        (allow("levels = [\"confined\"]"), 0),
        (allow("levels = [\"plain\"]"), 4),
        (allow("kind = \"spa\"\nverbs = [\"list\"]"), 0),
        (allow("kind = \"spa\"\nverbs = [\"get\"]"), 4),
    ] {
        place.policy(&policy);
        let output = place.sandbox("credentials list spa").output();
        assert_eq!(output.status, status, "{policy}: {output}");
    }
    place.policy(&deny("kind = \"tokens\""));
    place.sandbox("credentials list token").fails(4);
    place.policy(&allow("kind = \"tokens\""));
    place.sandbox("credentials list token").fails(4);
}
