//! A kind that was built elsewhere, by somebody else: tests/fixtures/foreign, with other versions of what it stands on and a service of its
//! own. Not one line of the host knows it. Building it needs the registry, so `cargo test` alone goes without and says so; CI doesn't.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use expect_test::expect;
use serde_json::{Value, json};

use crate::support::output::check;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Output, Run, library};

const SECRET: &str = "canary-robot-k3y";
const BEARER: &str = "canary-bearer-0a1b2c3d";
/// What the service gives with a new robot: shown once, to its maker.
const KEY: &str = "rk-0123456789";

/// The library that `tests/fixtures/foreign/build` builds, if it was built.
fn built() -> Option<PathBuf> {
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let file = target.join("foreign/debug").join(library::file_name("robot"));
    if file.exists() {
        return Some(file);
    }
    assert!(!must_be_there(), "{} isn't there: tests/fixtures/foreign/build builds it", file.display());
    // What a test prints isn't shown if it passes.
    #[allow(clippy::disallowed_methods)]
    let _ =
        writeln!(std::io::stderr(), "skipped: the foreign kind isn't built; tests/fixtures/foreign/build builds it");
    None
}

/// Whether to fail where it isn't.
#[allow(clippy::disallowed_methods)]
fn must_be_there() -> bool {
    std::env::var_os("CARTO_TEST_FOREIGN").is_some_and(|value| value == "1")
}

/// The vendor's service: it keeps robots, two to a page, and lets in whoever has the key. It fails the test if anything of CARTO's arrives.
struct Fleet {
    server: Wire,
}

impl Fleet {
    fn start() -> Fleet {
        let robots: Arc<Mutex<Vec<Value>>> = Arc::default();
        let server = Wire::start_with(move |_, request| answer(&mut robots.lock().unwrap(), request));
        Fleet { server }
    }

    /// The requests, and nothing of CARTO's in them.
    fn requests(&self) -> Vec<String> {
        let requests = self.server.requests();
        for request in &requests {
            let lower = request.to_lowercase();
            assert!(!lower.contains("authorization:") && !request.contains(BEARER), "{request}");
            assert_eq!(lower.matches("x-robot-key: ").count(), 1, "{request}");
        }
        requests
    }
}

/// What the service does with a request.
fn answer(robots: &mut Vec<Value>, request: &str) -> Act {
    // Told of a request before it is there.
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return Act::json("500 Too Early", "{}") };
    if !head.lines().any(|line| line == format!("x-robot-key: {SECRET}")) {
        return Act::json("401 Unauthorized", r#"{"message": "no such key"}"#);
    }
    let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1");
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let id = path.strip_prefix("/v1/robots").unwrap().trim_start_matches('/');
    let place = robots.iter().position(|robot| robot["robot_id"] == id);
    match (method, id, place) {
        ("POST", "", None) => {
            let wanted: Value = serde_json::from_str(body).unwrap();
            if robots.iter().any(|robot| robot["label"] == wanted["label"]) {
                return Act::json("409 Conflict", r#"{"message": "taken"}"#);
            }
            let mut robot = wanted;
            robot["robot_id"] = format!("rb_{}", robots.len() + 1).into();
            robot["created_at"] = "2026-11-23T10:00:00Z".into();
            let mut shown = robot.clone();
            shown["access_key"] = KEY.into();
            robots.push(robot);
            Act::json("201 Created", &shown.to_string())
        }
        ("GET", "", None) => {
            let start = query.strip_prefix("after=").map_or(0, |after| after.parse::<usize>().unwrap());
            let end = robots.len().min(start + 2);
            let after = (end < robots.len()).then(|| end.to_string());
            Act::json("200 OK", &json!({ "robots": robots[start..end], "after": after }).to_string())
        }
        ("GET", _, Some(place)) => Act::json("200 OK", &robots[place].to_string()),
        ("DELETE", _, Some(place)) => {
            robots.remove(place);
            Act::with("204 No Content", &[], "")
        }
        _ => Act::json("404 Not Found", r#"{"message": "no such robot"}"#),
    }
}

/// A home with the kind and its service, approved; nothing if the kind isn't built.
fn set_up() -> Option<(Carto, Fleet)> {
    let library = built()?;
    let carto = Carto::without_kinds();
    std::os::unix::fs::symlink(library, carto.kinds().join(library::file_name("robot"))).unwrap();
    let fleet = Fleet::start();
    carto.write(".config/carto/config.toml", &format!("[approved.robot]\nfleet = \"{}/v1\"\n", fleet.server.url()));
    Some((carto, fleet))
}

fn run(carto: &Carto, line: &str) -> Run {
    // A login of CARTO's is of no interest to this kind.
    carto.run(line).env("CARTO_KIND_ROBOT_SECRET", SECRET).env("CARTO_API_TOKEN", BEARER)
}

/// Nothing that only the host may know.
fn clean(output: Output) -> Output {
    let text = format!("{}{}", output.stdout, output.stderr);
    assert!(!text.contains("canary"), "{output}");
    output
}

#[test]
fn a_foreign_kind_is_served_like_any_other() {
    let Some((carto, fleet)) = set_up() else { return };
    let help = run(&carto, "credentials create robot --help").ok().stdout;
    let own: Vec<&str> = help.lines().map(str::trim).filter(|line| line.starts_with("--")).take(6).collect();
    expect![[r#"
              --name <TEXT>      What people call it [example: R2]
              --model <WORD>     How it moves [possible values: walker, flyer]
              --zone <ZONE>      Where it may go; may be repeated
              --everywhere       Let it go anywhere
              --pin <SOURCE>     Ask for this number before it moves
              --program <FILE>   What it does all day"#]]
    .assert_eq(&own.join("\n"));
    let listed = run(&carto, "plugin list --json").ok().json()["plugins"][0].clone();
    let told = ["name", "version", "vendor", "state"].map(|key| listed[key].as_str().unwrap().to_owned());
    assert_eq!(told, ["robot", "2.3.0", "Example Robotics", "ok"]);
    carto.write("day.txt", "sweep\nsleep\n");
    let created = clean(
        run(&carto, "--debug credentials create robot --name R2 --model walker --zone yard --zone hall --pin env:PIN --program day.txt")
            .env("PIN", "1234")
            .ok(),
    );
    assert!(created.stdout.contains(KEY), "{created}");
    check(
        &created,
        expect![[r#"
        status 0
        --- stdout
        id         rb_1
        name       R2
        key        rk-0123456789
        model      walker
        zones      yard
                   hall
        program    sweep\u{a}sleep
        createdAt  2026-11-23T10:00:00Z
        --- stderr
        debug: the service `fleet` of the kind `robot` is asked at `http://127.0.0.1:[port]/v1`, as approved, and not at `https://robots.example.com/v1`, as its manifest says
        debug: opening robot (`[home]/kinds/libcarto_kind_robot.so`, sha256 [hash]…) in process [id]: confined (the default)
        debug: POST /robots at `127.0.0.1:[port]` → 201 Created in [n] ms
        Created Robot key `R2` (rb_1)
        note: `key` is shown now and never again: keep it in a safe place
    "#]],
    );
    let request = fleet.requests().remove(0);
    assert!(request.starts_with("POST /v1/robots HTTP/1.1\r\n"), "{request}");
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let expected = json!({ "label": "R2", "model": "walker", "zones": ["yard", "hall"], "pin": "1234", "program": "sweep\nsleep" });
    assert_eq!(body, expected);
    // Two pages and a half.
    for name in ["C3", "B4", "K9", "T1000"] {
        clean(run(&carto, &format!("credentials create robot --name {name} --model flyer --everywhere -o env")).ok());
    }
    let before = fleet.requests().len();
    check(
        &clean(run(&carto, "credentials list").ok()),
        expect![[r#"
        status 0
        --- stdout
        Robot key (robots)
        ID    NAME  MODEL   ZONES
        rb_1  R2    walker  yard, hall
        rb_2  C3    flyer   -
        rb_3  B4    flyer   -
        rb_4  K9    flyer   -
        rb_5  T1000 flyer   -
    "#]],
    );
    assert_eq!(fleet.requests().len() - before, 3);
    check(
        &clean(run(&carto, "credentials get robot C3 --reveal --json").ok()),
        expect![[r#"
        status 0
        --- stdout
        {
          "id": "rb_2",
          "name": "C3",
          "key": null,
          "model": "flyer",
          "zones": null,
          "program": null,
          "createdAt": "2026-11-23T10:00:00Z"
        }
        --- stderr
        {"note":{"message":"`key` was shown once, at creation, and can't be shown again"}}
    "#]],
    );
    check(
        &clean(run(&carto, "credentials scrap robot B4 --yes").ok()),
        expect![[r#"
        status 0
        --- stderr
        Deleted Robot key `rb_3`
    "#]],
    );
    let left = clean(run(&carto, "credentials list robots --field name").ok());
    assert_eq!(left.stdout, "R2\nC3\nK9\nT1000\n");
}

#[test]
fn what_a_foreign_kind_refuses_is_said_in_its_words() {
    let Some((carto, fleet)) = set_up() else { return };
    let mut report = String::new();
    for line in [
        "create robot --name R2",
        "create robot --name R2 --model swimmer --zone yard",
        "create robot --name R2 --model walker --zone yard --everywhere",
        "create robot --name R2 --model walker",
        "create robot --name R2 --model walker --zone yard --pin 1234",
        "create robot --name R2 --model walker --zone yard --pin env:PIN",
        "create robot --name R2 --model walker --zone yard --program nowhere",
        "update robot R2",
        "delete robot R2",
        "get robot nobody",
    ] {
        let output = clean(run(&carto, &format!("credentials {line}")).env("PIN", "12345").output());
        report.push_str(&format!("{line}: {output}"));
    }
    expect![[r#"
        create robot --name R2: status 2
        --- stderr
        error: missing: `--model <WORD>`
        hint: `carto credentials create robot --help` shows how it is used
        create robot --name R2 --model swimmer --zone yard: status 2
        --- stderr
        error: invalid value `swimmer` for `--model <WORD>` [possible values: walker, flyer]
        hint: `carto credentials create robot --help` shows how it is used
        create robot --name R2 --model walker --zone yard --everywhere: status 2
        --- stderr
        error: the argument `--zone <ZONE>` cannot be used with `--everywhere`
        hint: `carto credentials create robot --help` shows how it is used
        create robot --name R2 --model walker: status 2
        --- stderr
        error: --zone: a robot has to be let somewhere
        hint: name a `--zone`, or let it go anywhere with `--everywhere`
        create robot --name R2 --model walker --zone yard --pin 1234: status 2
        --- stderr
        error: --pin: `--pin` takes a place to read a secret from, not the secret
        hint: use `--pin -` for standard input, `--pin @FILE`, or `--pin env:NAME`
        create robot --name R2 --model walker --zone yard --pin env:PIN: status 2
        --- stderr
        error: --pin: a pin has four digits
        create robot --name R2 --model walker --zone yard --program nowhere: status 2
        --- stderr
        error: --program: cannot read `nowhere`: No such file or directory (os error 2)
        hint: name a text file that you can read
        update robot R2: status 2
        --- stderr
        error: the kind `robot` has no verb `update`; verbs: list, create, get, delete, scrap
        hint: `carto credentials --help` lists the verbs; `robot` has those above
        delete robot R2: status 2
        --- stderr
        error: deleting Robot key `R2` needs a confirmation, and nobody can be asked here
        hint: add `--yes` if you are sure
        get robot nobody: status 3
        --- stderr
        error: there is no robot `nobody`
        hint: `carto credentials list robots` shows those that there are
    "#]]
    .assert_eq(&report);
    // Of all these only the last asked anything.
    assert_eq!(fleet.requests().len(), 2);
    run(&carto, "credentials create robot --name R2 --model walker --zone yard").ok();
    let taken = clean(run(&carto, "credentials create robot --name R2 --model walker --zone yard").fails(5));
    check(
        &taken,
        expect![[r#"
        status 5
        --- stderr
        error: there is a robot `R2` already
        hint: choose another name
    "#]],
    );
    // Another's secret.
    let refused = run(&carto, "credentials list robots").env("CARTO_KIND_ROBOT_SECRET", "canary-of-another").fails(4);
    check(
        &clean(refused),
        expect![[r#"
        status 4
        --- stderr
        error: `127.0.0.1:[port]` doesn't accept the secret from `CARTO_KIND_ROBOT_SECRET`: no such key
        hint: see that it is still valid, and that it belongs to this address
    "#]],
    );
}

#[test]
fn a_foreign_kind_is_off_until_it_is_approved() {
    let Some((carto, fleet)) = set_up() else { return };
    carto.write(".config/carto/config.toml", "");
    check(
        &clean(run(&carto, "credentials delete robot R2").fails(4)),
        expect![[r#"
        status 4
        --- stderr
        error: the kind `robot` asks a service of its own, `fleet`, which isn't approved
        hint: if you trust it, add the two lines `[approved.robot]` and `fleet = "https://robots.example.com/v1"` to `[home]/.config/carto/config.toml`
    "#]],
    );
    check(
        &clean(run(&carto, "--sandbox credentials get robot R2").fails(2)),
        expect![[r#"
        status 2
        --- stderr
        error: the kind `robot` asks a service of its own, `fleet`, of which the sandbox has no double
        hint: leave `--sandbox` out, or unset `CARTO_SANDBOX`, to ask the service itself
    "#]],
    );
    assert_eq!(fleet.server.connections(), 0);
}

/// What crosses between the host and a library of other versions is JSON; the layout is what both were built with.
#[test]
fn a_foreign_kind_has_versions_of_its_own() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let version = |path: &str| {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        let entry = text.split("[[package]]").find(|entry| entry.contains("name = \"serde_json\"")).unwrap().to_owned();
        entry.lines().find_map(|line| line.strip_prefix("version = ")).unwrap().to_owned()
    };
    assert_ne!(version("Cargo.lock"), version("tests/fixtures/foreign/Cargo.lock"));
}
