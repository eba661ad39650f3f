//! `--dry-run`: the first write is shown, and nothing is changed.

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;
use crate::support::wire::{Act, Wire};

const CREATE: &str = "credentials create token --grant dw,a.b --apis sql --name demo";

#[test]
fn a_dry_run_shows_the_first_write() {
    let carto = Carto::new();
    check(
        &carto.sandbox(&format!("--dry-run {CREATE}")).ok(),
        expect![[r#"
        status 0
        --- stdout
        POST /v3/tokens

        {
          "name": "demo",
          "grants": [
            {
              "connection_name": "dw",
              "source": "a.b"
            }
          ],
          "allowed_apis": [
            "sql"
          ],
          "referers": []
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
    "#]],
    );
    let id = carto.created(CREATE, "id");
    carto.created("credentials create m2m --title Nightly", "clientId");
    let token = carto.sandbox(&format!("credentials get token {id} --reveal --field token")).ok().stdout;
    let mut report = String::new();
    for line in [
        "update token demo --add-grant dw,c.d",
        &format!("delete token {}", token.trim()),
        "revoke m2m Nightly --json",
        "create spa --title x --callback https://app.example.com/cb -o jsonl",
        // What only reads, reads.
        "get token demo --field name",
        // What is wrong is wrong without asking anybody.
        "create token --grant dw,*.* --apis sql",
        "delete token nobody",
    ] {
        let output = carto.sandbox(&format!("--dry-run credentials {line}")).output();
        assert!(!output.to_string().contains(token.trim()), "{output}");
        report.push_str(&format!("{}: {output}", line.replace(token.trim(), "[jwt]")));
    }
    expect![[r#"
        update token demo --add-grant dw,c.d: status 0
        --- stdout
        PATCH /v3/tokens/[token-id]
        If-Match: "1"

        {
          "grants": [
            {
              "connection_name": "dw",
              "source": "a.b"
            },
            {
              "connection_name": "dw",
              "source": "c.d"
            }
          ]
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
        delete token [jwt]: status 0
        --- stdout
        DELETE /v3/tokens/…
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
        revoke m2m Nightly --json: status 0
        --- stdout
        {
          "dry_run": {
            "method": "DELETE",
            "path": "/v3/oauth-clients/[client-id]?type=m2m",
            "headers": {},
            "body": null
          }
        }
        create spa --title x --callback https://app.example.com/cb -o jsonl: status 0
        --- stdout
        {"dry_run":{"method":"POST","path":"/v3/oauth-clients?type=spa","headers":{},"body":{"title":"x","login_uri":null,"callbacks":["https://app.example.com/cb"],"logout_urls":[],"web_origins":[],"allowed_origins":[]}}}
        get token demo --field name: status 0
        --- stdout
        demo
        create token --grant dw,*.* --apis sql: status 2
        --- stderr
        error: --grant: `*.*` is nothing but wildcards
        hint: `*` alone grants all that the connection reaches; otherwise fix at least a part, like `carto.shared.CARTO_*`
        delete token nobody: status 3
        --- stderr
        error: no token `nobody`
        hint: `carto credentials list tokens` shows those there are
    "#]].assert_eq(&report);
    // Nothing was made, changed or deleted.
    let after = carto.sandbox("credentials list --json").ok().json();
    assert_eq!(after["tokens"][0]["grants"].as_array().unwrap().len(), 1);
    assert_eq!((after["m2m"].as_array().unwrap().len(), after["spa"].as_array().unwrap().len()), (1, 0));
}

#[test]
fn a_dry_run_sends_no_write_and_hides_secrets() {
    let carto = Carto::new();
    carto.install("marker");
    let server = Wire::start(vec![Act::json("200 OK", "{}")]);
    let line = "--dry-run credentials create marker --after-write success --text 'say hunter2' --api-key env:KEY";
    check(
        &server.run(&carto, line).env("KEY", "hunter2").ok(),
        expect![[r#"
        status 0
        --- stdout
        POST /v3/oauth-clients?type=m2m

        {
          "title": "made",
          "note": "say [hidden]",
          "api_key": "[hidden]"
        }
        --- stderr
        Not sent: this was a dry run, and nothing was changed.
    "#]],
    );
    assert_eq!(server.requests().len(), 0);
    carto.sandbox("credentials create m2m --title x").ok();
    check(
        &carto.sandbox("sandbox reset --dry-run").ok(),
        expect![[r#"
        status 0
        --- stderr
        The sandbox in `[home]/.local/share/carto/sandbox.db` would be emptied: this was a dry run.
    "#]],
    );
    assert_eq!(carto.sandbox("credentials list m2m --field title").ok().stdout, "x\n");
}

/// What a script would take for a result, or run.
#[test]
fn a_dry_run_has_no_result() {
    let carto = Carto::new();
    for format in ["-o env", "-o csv", "--field token"] {
        let output = carto.sandbox(&format!("--dry-run {CREATE} {format}")).fails(2);
        assert!(output.stderr.contains("a dry run has none"), "{output}");
    }
}
