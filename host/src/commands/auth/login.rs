//! `carto auth login`: who is asked, as whom. What comes is `keep`'s.

use std::process::ExitCode;

use serde_json::json;

pub(super) use super::keep::{Kept, Wish, keep, tell};
use super::name;
use crate::account::profiles::Edit;
use crate::account::{self, Sourced};
use crate::auth::client::{Client, Options};
use crate::auth::{Authority, How, Http, SecretPlace, authority, machine};
use crate::cli::LoginArgs;
use crate::commands::Context;
use crate::environment;
use crate::error::{Error, Result, shell_word, usage};
use crate::input::{Stdin, Until};
use crate::output::{draft_text, json as json_text, stderr, stdout};
use crate::redact;
use crate::settings::{self, Settings};

/// Signs in.
pub(super) fn run(context: &Context, args: &LoginArgs) -> anyhow::Result<ExitCode> {
    let (wish, settings) = prepare(context, args).map_err(|error| unread(context, args, error))?;
    let http = Http::new(settings.network.clone(), context.globals.timeout, context.globals.debug);
    if args.m2m {
        return as_machine(context, args, &http, wish);
    }
    if args.with_token {
        return with_token(context, &http, &wish);
    }
    super::browser::run(context, args, &http, wish, &settings.auth)
}

/// What can be known before anybody is asked.
fn prepare(context: &Context, args: &LoginArgs) -> Result<(Wish, Settings)> {
    super::outside_the_sandbox(context, "login")?;
    refuse(context, args)?;
    let settings = settings::read()?;
    let profile = super::named(context, args.profile.as_deref())?;
    let before = super::keep::before(profile.as_deref())?;
    if let (Some(name), None) = (&profile, &before) {
        name::checked_new(name)?;
    }
    let named_by = match (&args.profile, context.globals.profile()?) {
        (None, Some((_, source))) => format!("`{source}`"),
        _ => "the command line".to_owned(),
    };
    let known = before.as_ref().and_then(|before| before.sign_in.as_ref()?.authority());
    let wish = Wish {
        authority: Authority::find(args.issuer.as_deref(), known.as_ref(), &settings.auth)?,
        accounts_url: authority::accounts_url(&settings.auth)?,
        profile: profile.map(|value| Sourced { value, source: named_by }),
        base_url: match context.globals.base_url()? {
            Some((text, source)) => Some(Sourced { value: account::check_base_url(&text, &source)?, source }),
            None => None,
        },
        organization: args.organization_name.clone(),
        before,
        timeout: context.globals.timeout,
    };
    if !context.globals.dry_run {
        // What is asked for now may not be given twice, and a person not be there again.
        Edit::begin(wish.timeout)?.rehearse()?;
    }
    Ok((wish, settings))
}

/// What isn't taken, with the reason.
fn refuse(context: &Context, args: &LoginArgs) -> Result<()> {
    if context.globals.gives_bearer() {
        return Err(usage("`--token` uses a bearer for one command, and signs nobody in")
            .hint("to keep a bearer: `carto auth login --with-token`, which reads it from standard input"));
    }
    if args.with_token
        && let Some((option, _)) =
            [("--client-id", &args.client_id), ("--issuer", &args.issuer)].iter().find(|(_, value)| value.is_some())
    {
        return Err(usage(format!("`{option}` can't stand beside `--with-token`: nobody is asked for the bearer"))
            .hint("leave one of the two out"));
    }
    if args.organization_id.is_some() {
        return Err(usage("`--organization-id` isn't taken: CARTO's authority is told an organisation's name")
            .hint("use `--organization-name NAME`"));
    }
    let variable = environment::text(environment::AUTH_ENV)?.map(|_| environment::AUTH_ENV);
    if let Some(source) = args.env.as_ref().map(|_| "--env").or(variable) {
        return Err(usage(format!("`{source}` isn't taken: which authorities CARTO's own command line means by it isn't public"))
            .hint(format!("name the authority by its address: `--issuer https://auth.example.com/`, or `{}`; and unset `{}` if it is set", environment::AUTH_ISSUER, environment::AUTH_ENV)));
    }
    Ok(())
}

/// With the id and the secret of an M2M client.
fn as_machine(context: &Context, args: &LoginArgs, http: &Http, mut wish: Wish) -> anyhow::Result<ExitCode> {
    let before = match wish.sign_in().map(|own| &own.how) {
        Some(How::Machine { client_id, client_secret }) => Some((client_id.as_str(), client_secret)),
        _ => None,
    };
    let client = Client::find(Options { before, ..options(context, args) }, &mut Stdin::default())?;
    let is_only_here =
        matches!(client.place, SecretPlace::Value(_)) && before.is_none_or(|(_, place)| *place != client.place);
    let mut works = false;
    let kept = match signed_in(context, http, &mut wish, &client, &mut works) {
        Ok(None) => return rehearse(context, &wish, &client),
        Ok(Some(kept)) => kept,
        Err(error) if is_only_here => return Err(lost(error, &client.id, works).into()),
        Err(error) => return Err(error.into()),
    };
    tell(context, &kept)
}

/// What a client got, nothing in a dry run; `works` is told whether the authority took it, whatever came then.
fn signed_in(
    context: &Context,
    http: &Http,
    wish: &mut Wish,
    client: &Client,
    works: &mut bool,
) -> Result<Option<Kept>> {
    if let (None, Some(text)) = (&wish.base_url, &client.base_url) {
        let source = "the client's file".to_owned();
        wish.base_url = Some(Sourced { value: account::check_base_url(text, &source)?, source });
    }
    if context.globals.dry_run {
        return Ok(None);
    }
    let how = How::Machine { client_id: client.id.clone(), client_secret: client.place.clone() };
    super::attended("Signing in", context.globals.timeout, super::UNKEPT, async {
        let tokens = machine::sign_in(http, &wish.authority, client).await?;
        *works = true;
        keep(http, wish, tokens, how).await.map(Some)
    })
}

/// What the command line says of a machine's client.
fn options<'a>(context: &Context, args: &'a LoginArgs) -> Options<'a> {
    Options {
        before: None,
        no_input: context.globals.no_input,
        file: args.client_file.as_deref(),
        id: args.client_id.as_deref(),
        secret: args.client_secret.as_deref(),
    }
}

/// The error of a login that ends before it reads the client that a pipe brings, and that nobody can read again.
pub(super) fn unread(context: &Context, args: &LoginArgs, error: Error) -> Error {
    let mut stdin = Stdin::default();
    let is_piped = [&args.client_file, &args.client_secret].iter().any(|option| option.as_deref() == Some("-"));
    if !is_piped || stdin.is_watched() {
        return error;
    }
    match Client::find(options(context, args), &mut stdin) {
        Ok(client) => lost(error, &client.id, false),
        // There is none to lose.
        Err(_) => error,
    }
}

/// An error that ends a login, after which nobody here has a secret that a pipe or a person gave.
fn lost(error: Error, client_id: &str, works: bool) -> Error {
    let id = redact::redact(client_id);
    let works = if works { ", which works," } else { "" };
    let lost = format!(
        "the secret of the client `{id}`{works} was kept nowhere: if you don't have it, `carto credentials delete m2m {}`, \
         and keep another's in a file first, with `carto credentials create m2m --title TITLE --env-file FILE`",
        shell_word(&id)
    );
    let hint = match &error.hint {
        Some(hint) => format!("{hint}; {lost}"),
        None => lost,
    };
    error.hint(hint)
}

/// The request that would be sent.
fn rehearse(context: &Context, wish: &Wish, client: &Client) -> anyhow::Result<ExitCode> {
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": client.id,
        "client_secret": "[hidden]",
        "audience": wish.authority.audience,
    });
    let url = wish.authority.token_endpoint();
    let (method, path) = ("POST", url.path());
    let headers = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let text = if context.globals.view().format.is_json() {
        let headers = json!({ "content-type": headers[0].1 });
        let issuer = wish.authority.issuer.as_str();
        json_text::pretty(
            &json!({ "dry_run": { "method": method, "base_url": issuer, "path": path, "headers": headers, "body": body } }),
        )
    } else {
        draft_text(method, path, &headers, Some(&body))
    };
    stdout::write(&text)?;
    let place = wish.authority.place();
    stderr::done(&format!("Not sent to {place}: this was a dry run, and nothing was changed."));
    Ok(ExitCode::SUCCESS)
}

/// With a bearer that somebody has.
fn with_token(context: &Context, http: &Http, wish: &Wish) -> anyhow::Result<ExitCode> {
    let bearer = Stdin::default().secret("--with-token", "Bearer", Until::Line, context.globals.no_input)?;
    let tokens = super::keep::given(bearer)?;
    if context.globals.dry_run {
        let profile = match &wish.profile {
            Some(name) => format!("the profile `{}`", name.value),
            None => "a profile that is named after its account".to_owned(),
        };
        stderr::done(&format!("The bearer would be kept in {profile}: this was a dry run, and nothing was changed."));
        return Ok(ExitCode::SUCCESS);
    }
    let kept =
        super::attended("Signing in", context.globals.timeout, super::UNKEPT, keep(http, wish, tokens, How::Token))?;
    tell(context, &kept)
}
