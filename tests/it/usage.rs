//! Help, and what a wrong command line gets.

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;

#[test]
fn help_speaks_of_what_is_there() {
    let carto = Carto::new();
    check(
        &carto.run("--help").output(),
        expect![[r#"
            status 0
            --- stdout
            Manage CARTO application credentials

            Usage: carto [OPTIONS] <COMMAND>

            Commands:
              credentials  List, create, get, update, delete and verify credentials
              auth         Sign in to CARTO, and say who is signed in
              plugin       Show, restrict, install and make the libraries that serve kinds of credentials
              sandbox      Run the sandbox, a double of CARTO's credentials API
              completion   Print the script that makes a shell complete commands, kinds and options
              help         Print this message or the help of the given subcommand(s)

            Options:
              -h, --help  Print help

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
    check(
        &carto.run("credentials --help").output(),
        expect![[r#"
            status 0
            --- stdout
            List, create, get, update, delete and verify credentials

            Usage: carto credentials [OPTIONS] <VERB>

            Verbs:
              list    List credentials, of every kind or of one
              create  Create a credential
              get     Show one credential
              update  Change a credential
              delete  Delete a credential
              verify  Try what a credential opens
              revoke  The same as delete, for m2m
              help    Print this message or the help of the given subcommand(s)

            Options:
              -h, --help  Print help

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

            Types:
              m2m      M2M OAuth Client
              spa      SPA OAuth Client
              token    API Access Token
        "#]],
    );
    check(
        &carto.run("credentials create --help").output(),
        expect![[r#"
            status 0
            --- stdout
            Create a credential

            Usage: carto credentials create [OPTIONS] <TYPE>

            Types:
              m2m    M2M OAuth Client: Sign-in for a program that acts without a user
              spa    SPA OAuth Client: Sign-in for users of a single-page application
              token  API Access Token: Server-side API access with specific connection and source grants [alias:
                     tokens]

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
    check(
        &carto.run("credentials create token --help").output(),
        expect![[r#"
            status 0
            --- stdout
            Create a credential; its secrets are shown now, and later only with `--reveal`, if at all

            API Access Token: Server-side API access with specific connection and source grants

            Usage: carto credentials create token [OPTIONS] --apis <LIST>

            Options:
                  --connection <NAME>          Connection to grant; once for all sources, or once for each
                                               [example: carto_dw]
                  --source <PATTERN>           Table or tileset, wildcard like `a.b.C_*`, SQL text (`@FILE`
                                               reads it from a file), or `*` for all that the connection reaches
                                               [example: carto.shared.demo_table]
                  --grant <CONNECTION,SOURCE>  Connection and source in one; may be repeated
                  --apis <LIST>                APIs to allow, separated by commas: sql, maps, lds; or imports
                                               alone [example: sql,maps]
                  --referer <PATTERN>          Referer to allow: `*` is one or more characters, `?` exactly one;
                                               any referer if none is named [example: https://app.example.com/*]
                  --referers <LIST>            The same as a list separated by commas
                  --name <NAME>                Name, unique in the account; made up by the service if left out
                  --expiration-date <DATE>     When it ends: a date (2027-01-01), a time (RFC 3339), or 7d, 2w,
                                               6m, 1y from now; never if left out, and never changed later
                                               [example: 7d]
                  --env-file <PATH>            Write the credential's variables into this file, and its secrets
                                               nowhere else
              -h, --help                       Print help

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
    assert_eq!(
        carto.run("help credentials create spa").ok().stdout,
        carto.run("credentials create spa --help").ok().stdout
    );
    assert_eq!(
        carto.run("credentials update tokens --help").ok().stdout,
        carto.run("credentials update token -h").ok().stdout
    );
    assert_eq!(carto.run("--version").ok().stdout, format!("carto {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(
        carto.run("credentials create -v").ok().stdout,
        carto.run("-v").ok().stdout.replace("carto ", "carto-credentials-create ")
    );
}

#[test]
fn a_wrong_command_line_is_explained() {
    let carto = Carto::new();
    let cases = [
        "bogus",
        "credentials frob",
        "login",
        "credentials crate token",
        "credentials revoke token x",
        "credentials get tokn x",
        "credentials get nothing x",
        "credentials get ../token x",
        "credentials get --json",
        "credentials get token",
        "credentials get token ''",
        "credentials get token .",
        "credentials get token ..",
        "credentials list tokens extra",
        "credentials list --limit 0",
        "credentials create token --apis",
        "credentials create token --nmae x --apis sql",
        "credentials create spa --callback x",
        "credentials create m2m --title a --title b",
        "-o xml plugin list",
        "--timeout never plugin list",
        "--kinds-path /nowhere plugin list",
        "credentials list --base-url",
    ];
    let mut report = String::new();
    for case in cases {
        let output = carto.sandbox(case).fails(2);
        report.push_str(&format!("$ carto {case}\n{}", output.stderr));
    }
    expect![[r#"
        $ carto bogus
        error: there is no command `bogus`
        hint: `carto --help` shows how it is used
        $ carto credentials frob
        error: there is no command `frob`
        hint: `carto credentials --help` shows how it is used
        $ carto login
        error: there is no command `login`
        hint: `carto --help` shows how it is used
        $ carto credentials crate token
        error: the kind `token` has no verb `crate`; verbs: list, create, get, update, delete, verify
        hint: did you mean `create`?
        $ carto credentials revoke token x
        error: the kind `token` has no verb `revoke`; verbs: list, create, get, update, delete, verify
        hint: `carto credentials --help` lists the verbs; `token` has those above
        $ carto credentials get tokn x
        error: no kind `tokn` here; kinds: m2m, spa, token
        hint: did you mean `token`?
        $ carto credentials get nothing x
        error: no kind `nothing` here; kinds: m2m, spa, token
        hint: install its plugin, or choose one of these
        $ carto credentials get ../token x
        error: no kind `../token` here; kinds: m2m, spa, token
        hint: did you mean `token`?
        $ carto credentials get --json
        {"error":{"code":"usage","message":"the command is incomplete","hint":"`carto credentials get --help` shows how it is used"}}
        $ carto credentials get token
        error: missing: `<ID>`
        hint: `carto credentials get token --help` shows how it is used
        $ carto credentials get token ''
        error: the id is empty
        hint: `carto credentials list` shows ids
        $ carto credentials get token .
        error: `.` can't be an id
        hint: `carto credentials list` shows ids
        $ carto credentials get token ..
        error: `..` can't be an id
        hint: `carto credentials list` shows ids
        $ carto credentials list tokens extra
        error: unexpected argument `extra` found
        hint: `carto credentials list token --help` shows how it is used
        $ carto credentials list --limit 0
        error: invalid value `0` for `--limit <N>`: a limit is a number from 1
        hint: `carto credentials list --help` shows how it is used
        $ carto credentials create token --apis
        error: a value is required for `--apis <LIST>` but none was supplied
        hint: `carto credentials create token --help` shows how it is used
        $ carto credentials create token --nmae x --apis sql
        error: unexpected argument `--nmae` found
        hint: a similar argument exists: `--name`
        $ carto credentials create spa --callback x
        error: missing: `--title <NAME>`
        hint: `carto credentials create spa --help` shows how it is used
        $ carto credentials create m2m --title a --title b
        error: the argument `--title <NAME>` cannot be used multiple times
        hint: `carto credentials create m2m --help` shows how it is used
        $ carto -o xml plugin list
        error: invalid value `xml` for `-o <FORMAT>` [possible values: table, json, jsonl, csv, env]
        hint: `carto plugin list --help` shows how it is used
        $ carto --timeout never plugin list
        error: invalid value `never` for `--timeout <D>`: a time is like 30s, 2m or 1m30s
        hint: `carto plugin list --help` shows how it is used
        $ carto --kinds-path /nowhere plugin list
        error: `/nowhere` in `--kinds-path` is no folder
        hint: name a folder of kinds, or leave `--kinds-path` out for the usual ones
        $ carto credentials list --base-url
        error: a value is required for `--base-url <URL>` but none was supplied
        hint: `carto credentials list --help` shows how it is used
    "#]].assert_eq(&report);
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let carto = Carto::new();
    for line in [
        "credentials create token --bad --json",
        "-o json bogus",
        "credentials get nothing x -o jsonl",
        "credentials --json list x y",
    ] {
        let error = carto.sandbox(line).fails(2).error();
        assert!(error["code"].is_string() && error["message"].is_string() && error["hint"].is_string(), "{error}");
    }
}

/// A token in the wrong place is shown by its `jti`, by clap's own errors too.
#[test]
fn no_credential_is_echoed() {
    let carto = Carto::new();
    let token = carto.created("credentials create token --grant dw,a.b --apis sql", "token");
    let secret = carto.created("credentials create m2m --title x", "clientSecret");
    for word in [&token, &secret] {
        for line in [
            "credentials {}",
            "{}",
            "credentials get {} x",
            "credentials get token x {}",
            "credentials create token --{} x",
            "--{}",
            "credentials create token --apis {}",
            "credentials create token --grant {} --apis sql",
            "credentials create spa --title x --callback {}",
            "credentials create token --grant a,b.c --apis sql --expiration-date {}",
            "credentials get spa {}",
            "credentials get token {} -o {}",
            "--timeout {} credentials list",
            "--kinds-path /{} plugin list",
            "credentials list --limit {}",
            "credentials delete m2m {}",
            "--profile {} credentials list",
            "--base-url {} credentials list",
            "credentials get token x --field {}",
        ] {
            for (json, account) in [("", "1"), (" --json", "1"), ("", "0")] {
                let output = carto.run(&(line.replace("{}", word) + json)).env("CARTO_SANDBOX", account).output();
                assert_ne!(output.status, 0, "{line} {output}");
                assert!(!output.stderr.contains(word.as_str()), "{line}");
                assert_eq!(output.stdout, "", "{line}");
            }
        }
    }
}
