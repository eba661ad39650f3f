//! How many requests a command makes, on how many connections; and what a person sees who waits for them.

use crate::support::wire::{Act, Wire, pages};
use crate::support::{Carto, Run, terminal};

const CREATE: &str = "credentials create token --grant dw,a.b --apis sql --name demo";

#[test]
fn no_request_is_made_in_vain() {
    let carto = Carto::new();
    let token = r#"{"id": "tok_1", "token": "x", "name": "demo"}"#;
    for line in [
        CREATE,
        "credentials get token tok_1",
        "credentials delete token tok_1 --yes",
        "credentials update token tok_1 --name x",
    ] {
        let server = Wire::start(vec![Act::json("200 OK", token)]);
        server.run(&carto, line).ok();
        assert_eq!((server.requests().len(), server.connections()), (1, 1), "{line}");
    }
    let client = r#"{"client_id": "abcdefghijklmnopqrstuvwxyz012345", "client_secret": "s", "title": "x"}"#;
    for line in [
        "create m2m --title x",
        "get m2m abcdefghijklmnopqrstuvwxyz012345",
        "delete spa abcdefghijklmnopqrstuvwxyz012345 -y",
    ] {
        let server = Wire::start(vec![Act::json("200 OK", client)]);
        server.run(&carto, &format!("credentials {line}")).ok();
        assert_eq!((server.requests().len(), server.connections()), (1, 1), "{line}");
    }
    let server = pages(3, 500);
    assert_eq!(server.run(&carto, "credentials list tokens --field id").ok().stdout.lines().count(), 500);
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
    // A limit asks for no page that isn't shown.
    let server = pages(3, 500);
    assert_eq!(server.run(&carto, "credentials list tokens --field id --limit 150").ok().stdout.lines().count(), 150);
    assert_eq!(server.requests().len(), 2);
}

/// An empty cursor is the end, and not the beginning.
#[test]
fn an_empty_cursor_ends_a_list() {
    let carto = Carto::new();
    let server = Wire::json("200 OK", r#"{"tokens": [{"id": "tok_1", "name": "demo"}], "next": ""}"#);
    assert_eq!(server.run(&carto, "credentials list tokens --field id").ok().stdout, "tok_1\n");
}

/// A write has a connection of its own: one that the other side closes just then would leave it with an unknown outcome for nothing.
#[test]
fn a_write_after_a_read_trusts_no_idle_connection() {
    let carto = Carto::new();
    for _ in 0..10 {
        let server = Wire::start_with(|_, request| {
            let token = r#"{"id": "tok_1", "token": "x", "name": "demo", "grants": [{"connection_name": "dw", "source": "a.b"}]}"#;
            let changed = token.replace("}]", r#"}, {"connection_name": "dw", "source": "c.d"}]"#);
            let body = match request.split(' ').next() {
                Some("PATCH") => changed,
                _ if request.starts_with("GET /v3/tokens?") => format!(r#"{{"tokens": [{token}]}}"#),
                _ => token.to_owned(),
            };
            // It doesn't say that it closes the connection, and closes it.
            Act::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
        });
        server.run(&carto, "credentials update token demo --add-grant dw,c.d").ok();
        assert_eq!(server.requests().iter().filter(|request| request.starts_with("PATCH")).count(), 1);
    }
}

#[test]
fn a_spinner_is_for_a_person_who_waits() {
    let carto = Carto::new();
    let list = || carto.sandbox("credentials list m2m").fault("latency=700ms").env("TERM", "xterm");
    let (screen, _) = terminal::run(list());
    assert!(screen.contains("Listing"), "{screen:?}");
    assert!(screen.contains("There is no M2M OAuth Client here."), "{screen:?}");
    let quiet = |run: Run| {
        let (screen, _) = terminal::run(run);
        assert!(!screen.contains("Listing") && !screen.contains('\u{1b}'), "{screen:?}");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| quiet(list().env("CI", "true").env("NO_COLOR", "1")));
        scope.spawn(|| quiet(list().env("TERM", "dumb")));
        scope.spawn(|| quiet(carto.sandbox("credentials list m2m --json").fault("latency=700ms").env("TERM", "xterm")));
        scope.spawn(|| quiet(carto.sandbox("credentials list m2m").env("TERM", "xterm").env("NO_COLOR", "1")));
        scope.spawn(|| {
            let output = list().ok();
            assert!(!output.stderr.contains("Listing"), "{output}");
        });
    });
}
