//! SPA and M2M OAuth clients from end to end.

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;

#[test]
fn a_spa_client_lives_its_life() {
    let carto = Carto::new();
    let create = "credentials create spa --title Store --login-uri https://a.example.com/login --callback https://a.example.com/cb/ \
                  --callback http://localhost:5173 --logout-url https://a.example.com --web-origin https://a.example.com \
                  --allowed-origin http://127.0.0.1:5173";
    check(
        &carto.sandbox(create).output(),
        expect![[r#"
        status 0
        --- stdout
        clientId        [client-id]
        clientSecret    [secret]
        title           Store
        loginUri        https://a.example.com/login
        callbacks       https://a.example.com/cb/
                        http://localhost:5173
        logoutUrls      https://a.example.com
        webOrigins      https://a.example.com
        allowedOrigins  http://127.0.0.1:[port]
        createdAt       2026-11-23T10:00:00Z
        updatedAt       2026-11-23T10:00:00Z
        --- stderr
        Created SPA OAuth Client `Store` ([client-id])
        note: `clientSecret` is shown now and never again: keep it in a safe place
    "#]],
    );
    check(
        &carto.sandbox("credentials list spa").output(),
        expect![[r#"
        status 0
        --- stdout
        CLIENT ID                         TITLE  CALLBACKS                                         CREATED AT
        [client-id]  Store  https://a.example.com/cb/, http://localhost:5173  2026-11-23T10:00:00Z
    "#]],
    );
    check(
        &carto.sandbox("credentials update spa Store --callback https://b.example.com/cb --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "clientId": "[client-id]",
          "clientSecret": null,
          "title": "Store",
          "loginUri": "https://a.example.com/login",
          "callbacks": [
            "https://b.example.com/cb"
          ],
          "logoutUrls": [
            "https://a.example.com"
          ],
          "webOrigins": [
            "https://a.example.com"
          ],
          "allowedOrigins": [
            "http://127.0.0.1:[port]"
          ],
          "createdAt": "2026-11-23T10:00:00Z",
          "updatedAt": "2026-11-23T10:00:00Z"
        }
    "#]],
    );
    check(
        &carto.sandbox("credentials get spa Store --reveal").output(),
        expect![[r#"
        status 0
        --- stdout
        clientId        [client-id]
        clientSecret    -
        title           Store
        loginUri        https://a.example.com/login
        callbacks       https://b.example.com/cb
        logoutUrls      https://a.example.com
        webOrigins      https://a.example.com
        allowedOrigins  http://127.0.0.1:[port]
        createdAt       2026-11-23T10:00:00Z
        updatedAt       2026-11-23T10:00:00Z
        --- stderr
        note: `clientSecret` was shown once, at creation, and can't be shown again
    "#]],
    );
    check(
        &carto.sandbox("credentials delete spa Store -y").output(),
        expect![[r#"
        status 0
        --- stderr
        Deleted SPA OAuth Client `[client-id]`
    "#]],
    );
}

#[test]
fn an_m2m_client_lives_its_life() {
    let carto = Carto::new();
    check(
        &carto.sandbox("credentials create m2m --title Nightly").output(),
        expect![[r#"
        status 0
        --- stdout
        clientId      [client-id]
        clientSecret  [secret]
        title         Nightly
        createdAt     2026-11-23T10:00:00Z
        updatedAt     2026-11-23T10:00:00Z
        --- stderr
        Created M2M OAuth Client `Nightly` ([client-id])
        note: `clientSecret` is shown now and never again: keep it in a safe place
    "#]],
    );
    check(
        &carto.sandbox("credentials create m2m --title Weekly --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "clientId": "[client-id]",
          "clientSecret": "[secret]",
          "title": "Weekly",
          "createdAt": "2026-11-23T10:00:00Z",
          "updatedAt": "2026-11-23T10:00:00Z"
        }
    "#]],
    );
    check(
        &carto.sandbox("credentials update m2m Nightly --title Daily --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "clientId": "[client-id]",
          "clientSecret": null,
          "title": "Daily",
          "createdAt": "2026-11-23T10:00:00Z",
          "updatedAt": "2026-11-23T10:00:00Z"
        }
    "#]],
    );
    check(
        &carto.sandbox("credentials get m2m Daily --reveal --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
          "clientId": "[client-id]",
          "clientSecret": null,
          "title": "Daily",
          "createdAt": "2026-11-23T10:00:00Z",
          "updatedAt": "2026-11-23T10:00:00Z"
        }
        --- stderr
        {"note":{"message":"`clientSecret` was shown once, at creation, and can't be shown again"}}
    "#]],
    );
    check(
        &carto.sandbox("credentials revoke m2m Daily --yes --json").output(),
        expect![[r#"
            status 0
            --- stdout
            {
              "deleted": "[client-id]"
            }
            --- stderr
            {"warning":{"message":"m2m: API Access Tokens that were made with this client go on working","hint":"`carto credentials list tokens` shows those there are"}}
        "#]],
    );
    check(
        &carto.sandbox("credentials list m2m").output(),
        expect![[r#"
        status 0
        --- stdout
        CLIENT ID                         TITLE   CREATED AT
        [client-id]  Weekly  2026-11-23T10:00:00Z
    "#]],
    );
    check(
        &carto.sandbox("credentials revoke token x").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: the kind `token` has no verb `revoke`; verbs: list, create, get, update, delete, verify
            hint: `carto credentials --help` lists the verbs; `token` has those above
        "#]],
    );
}

#[test]
fn a_kind_cant_reach_the_other_kinds_clients() {
    let carto = Carto::new();
    let id = carto.created("credentials create m2m --title Nightly", "clientId");
    for verb in ["get", "delete -y", "update --title Mine"] {
        carto.sandbox(&format!("credentials {verb} spa {id}").replace("--title Mine spa", "spa --title Mine")).fails(3);
    }
    assert_eq!(carto.sandbox("credentials list m2m --field title").ok().stdout, "Nightly\n");
}

#[test]
fn the_same_title_twice_is_ambiguous() {
    let carto = Carto::new();
    carto.sandbox("credentials create m2m --title Twin").ok();
    carto.sandbox("credentials create m2m --title Twin").ok();
    check(
        &carto.sandbox("credentials delete m2m Twin --yes").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: 2 M2M clients are called `Twin`: `[client-id]`, `[client-id]`
        hint: use one of these ids
    "#]],
    );
}

#[test]
fn urls_are_judged_before_any_request() {
    let carto = Carto::new();
    let cases = [
        "--callback https://a.example.com",
        "--title ''",
        "--title A --callback /relative",
        "--title A --callback http://a.example.com/cb",
        "--title A --callback http://127.0.0.1.evil.com/cb",
        "--title A --callback https://a.example.com/#part",
        "--title A --callback 'https://a.example.com/a b'",
        "--title A --callback https://user:pass@a.example.com",
        "--title A --callback app://a.example.com",
        "--title A --web-origin https://a.example.com --web-origin https://a.example.com",
    ];
    let mut report = String::new();
    for case in cases {
        let output = carto.sandbox(&format!("credentials create spa {case}")).fault("status=503").fails(2);
        report.push_str(&format!("$ {case}\n{}", output.stderr));
    }
    expect![[r#"
        $ --callback https://a.example.com
        error: missing: `--title <NAME>`
        hint: `carto credentials create spa --help` shows how it is used
        $ --title ''
        error: --title: the title is empty or holds control characters
        hint: give a title of one line, like `--title 'Store locator'`
        $ --title A --callback /relative
        error: --callback: `/relative` isn't an absolute URL
        hint: write it in full, like `https://app.example.com/callback`
        $ --title A --callback http://a.example.com/cb
        error: --callback: the URL `http://a.example.com/cb` isn't https
        hint: use https; plain http is for this machine only, like `http://localhost:5173`
        $ --title A --callback http://127.0.0.1.evil.com/cb
        error: --callback: the URL `http://127.0.0.1.evil.com/cb` isn't https
        hint: use https; plain http is for this machine only, like `http://localhost:5173`
        $ --title A --callback https://a.example.com/#part
        error: --callback: the URL `https://a.example.com/#part` has a fragment
        hint: leave out the `#` and what follows: browsers don't send it
        $ --title A --callback 'https://a.example.com/a b'
        error: --callback: the URL `https://a.example.com/a b` has white space in it
        hint: repeat the option for each URL
        $ --title A --callback https://user:pass@a.example.com
        error: --callback: the URL holds a user name or a password
        hint: leave out what stands before the `@`
        $ --title A --callback app://a.example.com
        error: --callback: the URL `app://a.example.com` has the scheme `app`
        hint: use https, or http on localhost
        $ --title A --web-origin https://a.example.com --web-origin https://a.example.com
        error: --web-origin: `https://a.example.com` is there twice
        hint: leave one of them out
    "#]]
    .assert_eq(&report);
}

#[test]
fn an_origin_with_a_path_is_warned_of() {
    let carto = Carto::new();
    let line = "credentials create spa --title A --web-origin https://a.example.com/ --field title";
    check(
        &carto.sandbox(line).output(),
        expect![[r#"
            status 0
            --- stdout
            A
            --- stderr
            warning: spa: no browser will match the origin `https://a.example.com/`
            hint: browsers send `--web-origin https://a.example.com`
            note: `clientSecret` was not asked for and can't be shown again
        "#]],
    );
}

#[test]
fn a_client_secret_is_never_sent_as_an_id() {
    let carto = Carto::new();
    let secret = carto.created("credentials create m2m --title Nightly", "clientSecret");
    let output = carto.sandbox(&format!("--debug credentials get m2m -- {secret}")).fails(3);
    assert!(!output.stderr.contains(&secret), "{output}");
}
