//! API Access Tokens from end to end: what a person sees of each verb.

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;

const DEMO: &str =
    "credentials create token --connection carto_dw --source carto.shared.demo_table --apis sql,maps --name demo";

#[test]
fn create_shows_a_token_that_works() {
    let carto = Carto::new();
    check(
        &carto.sandbox(&format!("{DEMO} --expiration-date 7d")).output(),
        expect![[r#"
        status 0
        --- stdout
        id               [token-id]
        token            [jwt]
        name             demo
        grants           carto_dw:carto.shared.demo_table
        allowed_apis     sql
                         maps
        referers         -
        expiration_date  2026-11-30T10:00:00Z
        created_at       2026-11-23T10:00:00Z
        updated_at       2026-11-23T10:00:00Z
        --- stderr
        Created API Access Token `demo` ([token-id])
    "#]],
    );
    check(
        &carto.sandbox(&format!("{DEMO}-2 --json")).output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "id": "[token-id]",
          "token": "[jwt]",
          "name": "demo-2",
          "grants": [
            {
              "connection_name": "carto_dw",
              "source": "carto.shared.demo_table"
            }
          ],
          "allowed_apis": [
            "sql",
            "maps"
          ],
          "referers": [],
          "expiration_date": null,
          "created_at": "2026-11-23T10:00:00Z",
          "updated_at": "2026-11-23T10:00:00Z"
        }
    "#]],
    );
}

#[test]
fn list_hides_tokens_and_get_reveals_one() {
    let carto = Carto::new();
    carto.sandbox(DEMO).ok();
    carto.sandbox("credentials create token --grant carto_dw,* --apis imports --name all").ok();
    check(
        &carto.sandbox("credentials list tokens").output(),
        expect![[r#"
        status 0
        --- stdout
        ID                        NAME  GRANTS                            ALLOWED APIS  EXPIRATION DATE
        [token-id]  demo  carto_dw:carto.shared.demo_table  sql, maps     -
        [token-id]  all   carto_dw:*                        imports       -
    "#]],
    );
    check(
        &carto.sandbox("credentials list token --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "tokens": [
            {
              "id": "[token-id]",
              "token": null,
              "name": "demo",
              "grants": [
                {
                  "connection_name": "carto_dw",
                  "source": "carto.shared.demo_table"
                }
              ],
              "allowed_apis": [
                "sql",
                "maps"
              ],
              "referers": [],
              "expiration_date": null,
              "created_at": "2026-11-23T10:00:00Z",
              "updated_at": "2026-11-23T10:00:00Z"
            },
            {
              "id": "[token-id]",
              "token": null,
              "name": "all",
              "grants": [
                {
                  "connection_name": "carto_dw",
                  "source": "*"
                }
              ],
              "allowed_apis": [
                "imports"
              ],
              "referers": [],
              "expiration_date": null,
              "created_at": "2026-11-23T10:00:00Z",
              "updated_at": "2026-11-23T10:00:00Z"
            }
          ]
        }
    "#]],
    );
    check(
        &carto.sandbox("credentials get tokens demo").output(),
        expect![[r#"
        status 0
        --- stdout
        id               [token-id]
        token            (hidden)
        name             demo
        grants           carto_dw:carto.shared.demo_table
        allowed_apis     sql
                         maps
        referers         -
        expiration_date  -
        created_at       2026-11-23T10:00:00Z
        updated_at       2026-11-23T10:00:00Z
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo --reveal --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "id": "[token-id]",
          "token": "[jwt]",
          "name": "demo",
          "grants": [
            {
              "connection_name": "carto_dw",
              "source": "carto.shared.demo_table"
            }
          ],
          "allowed_apis": [
            "sql",
            "maps"
          ],
          "referers": [],
          "expiration_date": null,
          "created_at": "2026-11-23T10:00:00Z",
          "updated_at": "2026-11-23T10:00:00Z"
        }
    "#]],
    );
}

#[test]
fn update_changes_what_is_named_and_nothing_else() {
    let carto = Carto::new();
    carto
        .sandbox(&format!(
            "{DEMO} --referer https://a.example.com/* --referers https://b.example.com/*,https://c.example.com/*"
        ))
        .ok();
    check(
        &carto.sandbox("credentials update token demo --add-grant carto_dw,a.b.c --remove-grant carto_dw,carto.shared.demo_table").output(),
        expect![[r#"
            status 0
            --- stdout
            id               [token-id]
            token            (hidden)
            name             demo
            grants           carto_dw:a.b.c
            allowed_apis     sql
                             maps
            referers         https://a.example.com/*
                             https://b.example.com/*
                             https://c.example.com/*
            expiration_date  -
            created_at       2026-11-23T10:00:00Z
            updated_at       2026-11-23T10:00:00Z
            --- stderr
            Updated API Access Token `demo` ([token-id])
        "#]],
    );
    let json =
        carto.sandbox("credentials update token demo --referers '' --apis lds --name renamed --json").ok().json();
    assert_eq!(json["referers"], serde_json::json!([]));
    assert_eq!((&json["name"], &json["allowed_apis"][0]), (&"renamed".into(), &"lds".into()));
    assert_eq!(json["grants"][0]["source"], "a.b.c");
    check(
        &carto.sandbox("credentials update token renamed --remove-grant carto_dw,a.b.c").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: --remove-grant: a token keeps at least one grant, and this would take the last
        hint: delete the token instead, or add a grant in the same command
    "#]],
    );
    check(
        &carto.sandbox("credentials update token renamed --remove-grant x,y").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: --remove-grant: the token has no grant `x,y`
        hint: it has `carto_dw,a.b.c`
    "#]],
    );
    check(
        &carto.sandbox("credentials update token renamed --add-grant carto_dw,a.b.c").fails(5),
        expect![[r#"
        status 5
        --- stderr
        error: the token already has the grant `carto_dw,a.b.c`
        hint: nothing was changed; leave that `--add-grant` out
    "#]],
    );
    check(
        &carto.sandbox("credentials update token renamed").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: nothing to change
        hint: name what changes, like `--name NAME` or `--add-grant CONNECTION,SOURCE`; `--help` lists the options
    "#]],
    );
    check(
        &carto.sandbox("credentials update token renamed --expiration-date 7d").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: --expiration-date: an expiry is fixed when a token is created and can't be changed
            hint: create a new token with another `--expiration-date` and use it; then `carto credentials delete token renamed`
        "#]],
    );
}

#[test]
fn delete_ends_it() {
    let carto = Carto::new();
    let token = carto.created(DEMO, "token");
    check(
        &carto.sandbox("credentials delete token demo --yes").output(),
        expect![[r#"
        status 0
        --- stderr
        Deleted API Access Token `[token-id]`
    "#]],
    );
    check(
        &carto.sandbox("credentials get token demo").fails(3),
        expect![[r#"
        status 3
        --- stderr
        error: no token `demo`
        hint: `carto credentials list tokens` shows those there are
    "#]],
    );
    carto.sandbox(DEMO).ok();
    check(
        &carto.sandbox("credentials delete tokens demo -y --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "deleted": "[token-id]"
        }
    "#]],
    );
    // The token itself is an id too, and is shown by its `jti`.
    let gone = carto.sandbox("credentials delete token -y -").stdin(&token).fails(3);
    assert!(!gone.stderr.contains(&token) && gone.stderr.contains("no token `"), "{gone}");
}

#[test]
fn every_way_to_name_a_token_finds_it() {
    let carto = Carto::new();
    let made = carto.sandbox(&format!("{DEMO} --json")).ok().json();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let listed = carto.sandbox("credentials list tokens --reveal --json").ok().json();
    assert_eq!(listed["tokens"][0]["token"], token);
    let jti = carto.sandbox(&format!("credentials delete token {token}")).fails(2);
    let jti = jti.stderr.split('`').nth(1).unwrap().to_owned();
    assert_eq!(jti.len(), 8, "{jti}");
    for name in [id, token, "demo", &jti] {
        assert_eq!(carto.sandbox(&format!("credentials get token {name} --field id")).ok().stdout.trim(), id);
    }
    assert_eq!(carto.sandbox("credentials get token - --field id").stdin("demo\n").ok().stdout.trim(), id);
}

#[test]
fn rules_are_told_before_any_request() {
    let carto = Carto::new();
    let cases = [
        "--apis sql",
        "--source a.b.c --apis sql",
        "--connection dw --apis sql",
        "--connection a --connection b --source x.y --source x.z --source z.z --apis sql",
        "--connection dw --source CARTO_* --apis sql",
        "--connection dw --source *.* --apis sql",
        "--connection dw --source a..b --apis sql",
        "--connection dw --source a.b --source a.b --apis sql",
        "--grant nothing --apis sql",
        "--connection dw --source a.b --apis sql,sql",
        "--connection dw --source a.b --apis sql,tiles",
        "--connection dw --source a.b --apis imports,sql",
        "--connection dw --source a.b --apis sql --expiration-date 2020-01-01",
        "--connection dw --source a.b --apis sql --expiration-date soon",
        "--connection dw --source a.b --apis sql --referer 'a b'",
        "--connection dw --source a.b --apis sql --name ''",
        "--connection dw --source @missing.sql --apis sql",
        "--connection dw --source a.b",
    ];
    let mut report = String::new();
    for case in cases {
        // Any request would be answered with 503 and exit 6.
        let output = carto.sandbox(&format!("credentials create token {case}")).fault("status=503").fails(2);
        report.push_str(&format!("$ {case}\n{}", output.stderr));
    }
    expect![[r#"
        $ --apis sql
        error: --connection: a token needs at least one grant
        hint: add `--connection NAME --source TABLE`; `--source '*'` grants all that the connection reaches
        $ --source a.b.c --apis sql
        error: --connection: 1 source but no connection
        hint: add one `--connection NAME`, or one for each `--source`
        $ --connection dw --apis sql
        error: --source: 1 connection but no source
        hint: add `--source TABLE`; `--source '*'` grants all that the connection reaches
        $ --connection a --connection b --source x.y --source x.z --source z.z --apis sql
        error: --source: 2 connections and 3 sources don't pair
        hint: give one `--connection` for all sources, or one for each `--source`, in the same order
        $ --connection dw --source CARTO_* --apis sql
        error: --source: the wildcard `CARTO_*` has one segment, and the service wants at least two
        hint: `*` alone grants all that the connection reaches; otherwise fix at least a part, like `carto.shared.CARTO_*`
        $ --connection dw --source *.* --apis sql
        error: --source: `*.*` is nothing but wildcards
        hint: `*` alone grants all that the connection reaches; otherwise fix at least a part, like `carto.shared.CARTO_*`
        $ --connection dw --source a..b --apis sql
        error: --source: `a..b` has an empty segment
        hint: write the full name, like `carto.shared.demo_table`
        $ --connection dw --source a.b --source a.b --apis sql
        error: --source: `dw,a.b` is granted twice
        hint: leave one of them out
        $ --grant nothing --apis sql
        error: --grant: `nothing` isn't a connection and a source
        hint: write `--grant CONNECTION,SOURCE`, like `--grant carto_dw,carto.shared.demo_table`
        $ --connection dw --source a.b --apis sql,sql
        error: --apis: `sql` is named twice
        hint: choose from sql, maps, lds; or imports alone
        $ --connection dw --source a.b --apis sql,tiles
        error: --apis: there is no API `tiles`
        hint: choose from sql, maps, lds; or imports alone
        $ --connection dw --source a.b --apis imports,sql
        error: --apis: `imports` can't stand beside other APIs
        hint: create two tokens: one with `--apis imports`, one with the others
        $ --connection dw --source a.b --apis sql --expiration-date 2020-01-01
        error: --expiration-date: the expiry 2020-01-01T00:00:00Z is in the past
        hint: name a later date, or a time from now like `7d`
        $ --connection dw --source a.b --apis sql --expiration-date soon
        error: --expiration-date: `soon` isn't a date
        hint: write a date (2027-01-01), a time (2027-01-01T12:00:00Z), or a time from now (7d, 2w, 6m, 1y)
        $ --connection dw --source a.b --apis sql --referer 'a b'
        error: --referer: the referer `a b` has white space in it
        hint: repeat `--referer` for each pattern, or separate them by commas in `--referers`
        $ --connection dw --source a.b --apis sql --name ''
        error: --name: the name is empty
        hint: give a name, or leave `--name` out
        $ --connection dw --source @missing.sql --apis sql
        error: --source: cannot read `missing.sql`: No such file or directory (os error 2)
        hint: `@` reads a file; for the text itself write @@missing.sql
        $ --connection dw --source a.b
        error: missing: `--apis <LIST>`
        hint: `carto credentials create token --help` shows how it is used
    "#]].assert_eq(&report);
}

#[test]
fn a_bare_origin_is_warned_of() {
    let carto = Carto::new();
    let line = "credentials create token --connection dw --source a.b --apis maps --field allowed_apis --referer";
    check(
        &carto.sandbox(&format!("{line} http://localhost:5173")).output(),
        expect![[r#"
            status 0
            --- stdout
            ["maps"]
            --- stderr
            warning: token: no browser will match the referer `http://localhost:5173`: browsers send `http://localhost:5173/`
            hint: `--referer http://localhost:5173/` allows what they send to another origin, `--referer 'http://localhost:5173/*'` pages that send their whole address; take both
        "#]],
    );
    assert_eq!(carto.sandbox(&format!("{line} http://localhost:5173*")).output().stderr, "");
}

#[test]
fn sql_comes_from_a_file() {
    let carto = Carto::new();
    carto.write("points.sql", "SELECT a, b\nFROM carto.shared.points;\n");
    let line = "credentials create token --connection dw --source @points.sql --apis sql --json";
    assert_eq!(carto.sandbox(line).ok().json()["grants"][0]["source"], "SELECT a, b\nFROM carto.shared.points;");
    let line = "credentials create token --connection dw --source @- --apis sql --json";
    assert_eq!(carto.sandbox(line).stdin("SELECT 1\n").ok().json()["grants"][0]["source"], "SELECT 1");
}

#[test]
fn a_taken_name_is_a_conflict() {
    let carto = Carto::new();
    carto.sandbox(DEMO).ok();
    check(
        &carto.sandbox(DEMO).fails(5),
        expect![[r#"
        status 5
        --- stderr
        error: the account already has a token of that name
        hint: choose another `--name`; `carto credentials list tokens` shows the names that are taken
    "#]],
    );
}

#[test]
fn a_list_goes_over_pages_and_stops_at_the_limit() {
    let carto = Carto::new();
    let made = (0..3)
        .map(|i| carto.created(&format!("credentials create token --grant dw,a.b --apis sql --name n{i}"), "name"));
    assert_eq!(made.collect::<Vec<_>>(), ["n0", "n1", "n2"]);
    let listed = carto.sandbox("credentials list --limit 2 tokens --field name").ok();
    assert_eq!(listed.stdout, "n0\nn1\n");
    assert_eq!(
        carto.sandbox("credentials list tokens --limit 1 --json").ok().json()["tokens"].as_array().unwrap().len(),
        1
    );
}
