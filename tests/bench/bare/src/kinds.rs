//! What `carto` builds from the manifests of its three kinds (`host/src/cli/tree.rs`, `plugins/*/kind.toml`), as a table.

use clap::{Arg, ArgAction, Command};

struct Kind {
    name: &'static str,
    plural: &'static str,
    title: &'static str,
    about: &'static str,
    label: &'static str,
    create: &'static [Opt],
    update: &'static [Opt],
    verify: &'static [Opt],
}

/// An option: its name, its placeholder, how it is used, its help.
struct Opt(&'static str, &'static str, Use, &'static str);

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Once,
    Needed,
    Many,
    Hidden,
}

use Use::{Hidden, Many, Needed, Once};

/// By name, as the host lists them.
const KINDS: [Kind; 3] = [
    Kind {
        name: "m2m",
        plural: "m2m",
        title: "M2M OAuth Client",
        about: "Sign-in for a program that acts without a user",
        label: "title",
        create: &[Opt("title", "NAME", Needed, "Application title [example: Nightly import]")],
        update: &[Opt("title", "NAME", Needed, "New application title")],
        verify: &[Opt(
            "secret",
            "SOURCE",
            Needed,
            "The client's secret, which the service doesn't show again [example: env:CARTO_M2M_CLIENT_SECRET]",
        )],
    },
    Kind {
        name: "spa",
        plural: "spa",
        title: "SPA OAuth Client",
        about: "Sign-in for users of a single-page application",
        label: "title",
        create: &[
            Opt("title", "NAME", Needed, "Application title [example: Store locator]"),
            Opt("login-uri", "URL", Once, "Where the application starts its sign-in"),
            Opt(
                "callback",
                "URL",
                Many,
                "Where users come back after signing in; may be repeated [example: http://localhost:5173/callback]",
            ),
            Opt("logout-url", "URL", Many, "Where users may go after signing out; may be repeated"),
            Opt("web-origin", "URL", Many, "Origin that may renew a sign-in silently; may be repeated"),
            Opt("allowed-origin", "URL", Many, "Origin that may call the API from a browser (CORS); may be repeated"),
        ],
        update: &[
            Opt("title", "NAME", Once, "New application title"),
            Opt("login-uri", "URL", Once, "Where the application starts its sign-in"),
            Opt(
                "callback",
                "URL",
                Many,
                "Where users come back after signing in, instead of those there; may be repeated",
            ),
            Opt(
                "logout-url",
                "URL",
                Many,
                "Where users may go after signing out, instead of those there; may be repeated",
            ),
            Opt(
                "web-origin",
                "URL",
                Many,
                "Origin that may renew a sign-in silently, instead of those there; may be repeated",
            ),
            Opt(
                "allowed-origin",
                "URL",
                Many,
                "Origin that may call the API from a browser, instead of those there; may be repeated",
            ),
        ],
        verify: &[],
    },
    Kind {
        name: "token",
        plural: "tokens",
        title: "API Access Token",
        about: "Server-side API access with specific connection and source grants",
        label: "name",
        create: &[
            Opt(
                "connection",
                "NAME",
                Many,
                "Connection to grant; once for all sources, or once for each [example: carto_dw]",
            ),
            Opt(
                "source",
                "PATTERN",
                Many,
                "Table or tileset, wildcard like `a.b.C_*`, SQL text (`@FILE` reads it from a file), or `*` for all that the \
                 connection reaches [example: carto.shared.demo_table]",
            ),
            Opt("grant", "CONNECTION,SOURCE", Many, "Connection and source in one; may be repeated"),
            Opt(
                "apis",
                "LIST",
                Needed,
                "APIs to allow, separated by commas: sql, maps, lds; or imports alone [example: sql,maps]",
            ),
            Opt(
                "referer",
                "PATTERN",
                Many,
                "Referer to allow: `*` is any text, `?` any one character; any referer if none is named",
            ),
            Opt("referers", "LIST", Once, "The same as a list separated by commas"),
            Opt("name", "NAME", Once, "Name, unique in the account; made up by the service if left out"),
            Opt(
                "expiration-date",
                "DATE",
                Once,
                "When it ends: a date (2027-01-01), a time (RFC 3339), or 7d, 2w, 6m, 1y from now; never if left out, and never \
                 changed later [example: 7d]",
            ),
        ],
        update: &[
            Opt("name", "NAME", Once, "New name, unique in the account"),
            Opt(
                "apis",
                "LIST",
                Once,
                "APIs to allow instead, separated by commas: sql, maps, lds; or imports alone [example: sql,maps]",
            ),
            Opt("referer", "PATTERN", Many, "Referer to allow instead of those there; may be repeated"),
            Opt("referers", "LIST", Once, "The same as a list separated by commas; an empty one allows any referer"),
            Opt(
                "add-grant",
                "CONNECTION,SOURCE",
                Many,
                "Grant one more source; may be repeated [example: carto_dw,carto.shared.demo_table]",
            ),
            Opt(
                "remove-grant",
                "CONNECTION,SOURCE",
                Many,
                "Take a grant away; may be repeated, but one grant has to stay",
            ),
            Opt("expiration-date", "DATE", Hidden, "Not possible: an expiry is fixed at creation"),
        ],
        verify: &[
            Opt("api", "WORD", Once, "Explain a request of this API instead of trying"),
            Opt("connection", "NAME", Once, "Explain a request of this connection [example: carto_dw]"),
            Opt("source", "SOURCE", Once, "Explain a request of this table or tileset, or of this statement"),
            Opt("referer", "URL", Once, "Explain a request from this page [example: https://app.example.com/]"),
        ],
    },
];

/// The verbs, below `credentials`.
pub(crate) fn below(credentials: Command) -> Command {
    let verbs = [
        ("list", "List credentials, of every kind or of one"),
        ("create", "Create a credential"),
        ("get", "Show one credential"),
        ("update", "Change a credential"),
        ("delete", "Delete a credential"),
        ("verify", "Try what a credential opens"),
    ];
    let types: String = KINDS.iter().map(|kind| format!("\n  {:<8} {}", kind.name, kind.title)).collect();
    verbs
        .iter()
        .fold(credentials, |command, (name, about)| command.subcommand(verb(name, about, &KINDS)))
        .subcommand(verb("delete", "The same as delete, for m2m", &KINDS[..1]).name("revoke"))
        .after_help(format!("Types:{types}"))
}

fn verb(name: &'static str, about: &'static str, kinds: &[Kind]) -> Command {
    let command = Command::new(name)
        .about(about)
        .disable_help_subcommand(true)
        .subcommand_value_name("TYPE")
        .subcommand_help_heading("Types");
    let command = if name == "list" {
        let limit = Arg::new("limit").long("limit").value_name("N").value_parser(clap::value_parser!(u64)).global(true);
        command.arg(limit.help("Show at most N of each kind"))
    } else {
        command.subcommand_required(true).arg_required_else_help(true)
    };
    let command = if name == "create" {
        let env_file = Arg::new("env-file").long("env-file").value_name("PATH").global(true).display_order(900);
        command.arg(env_file.help("Write the credential's variables into this file, and its secrets nowhere else"))
    } else {
        command
    };
    kinds.iter().fold(command, |command, kind| command.subcommand(type_of(kind, name)))
}

fn type_of(kind: &Kind, verb: &str) -> Command {
    let (before, options): (_, &[Opt]) = match verb {
        "list" => ("List credentials of this type", &[]),
        "create" => {
            ("Create a credential; its secrets are shown now, and later only with `--reveal`, if at all", kind.create)
        }
        "get" => ("Show one credential; secrets are hidden unless `--reveal` is given", &[]),
        "verify" => {
            ("Try whether a credential opens what it should, and nothing else; no credential is changed", kind.verify)
        }
        "update" => ("Change a credential; what isn't named stays as it is", kind.update),
        _ => ("Delete a credential, after asking for the word `delete`; `--yes` doesn't ask", &[]),
    };
    let mut command = Command::new(kind.name).about(format!("{}: {}", kind.title, kind.about)).before_help(before);
    if kind.plural != kind.name {
        command = command.visible_alias(kind.plural);
    }
    if !["list", "create"].contains(&verb) {
        let id = Arg::new("id").value_name("ID").required(true);
        command = command.arg(id.help(format!("Its id or {}; `-` reads it from standard input", kind.label)));
    }
    command.args(options.iter().map(option))
}

fn option(Opt(name, placeholder, is, help): &Opt) -> Arg {
    Arg::new(format!("arg:{name}"))
        .long(*name)
        .help(*help)
        .value_name(*placeholder)
        .required(*is == Needed)
        .hide(*is == Hidden)
        .action(if *is == Many { ArgAction::Append } else { ArgAction::Set })
}
