//! `carto auth login`: who is asked, as whom. What comes is `keep`'s.

use std::process::ExitCode;

use carto_plugin_api::Secret;
use serde_json::json;

pub(super) use super::keep::{Kept, Wish, keep, tell};
use crate::account;
use crate::auth::client::{Client, Options};
use crate::auth::{Authority, How, Http, authority, machine};
use crate::cli::LoginArgs;
use crate::commands::Context;
use crate::environment;
use crate::error::{Result, usage};
use crate::input::Stdin;
use crate::output::{draft_text, json as json_text, stderr, stdout};
use crate::settings;

/// Signs in.
pub(super) fn run(context: &Context, args: &LoginArgs) -> anyhow::Result<ExitCode> {
    super::outside_the_sandbox(context, "login")?;
    refuse(context, args)?;
    let settings = settings::read()?;
    let wish = Wish {
        authority: Authority::find(args.issuer.as_deref(), &settings.auth)?,
        accounts_url: authority::accounts_url(&settings.auth)?,
        profile: super::named(context, args.profile.as_deref())?,
        base_url: match context.globals.base_url()? {
            Some((text, source)) => Some(account::check_base_url(&text, &source)?),
            None => None,
        },
    };
    let http = Http::new(settings.network.clone(), context.globals.timeout, context.globals.debug);
    if args.m2m {
        return as_machine(context, args, &http, wish);
    }
    if args.with_token {
        return with_token(context, &http, &wish);
    }
    super::browser::run(context, args, &http, wish, &settings.auth)
}

/// What isn't taken, with the reason.
fn refuse(context: &Context, args: &LoginArgs) -> Result<()> {
    if context.globals.gives_bearer() {
        return Err(usage("`--token` uses a bearer for one command, and signs nobody in")
            .hint("to keep a bearer: `carto auth login --with-token`, which reads it from standard input"));
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
    let options = Options {
        file: args.client_file.as_deref(),
        id: args.client_id.as_deref(),
        secret: args.client_secret.as_deref(),
    };
    let client = Client::find(options, !context.globals.no_input, &mut Stdin::default())?;
    if let (None, Some(text)) = (&wish.base_url, &client.base_url) {
        wish.base_url = Some(account::check_base_url(text, "`--client-file`")?);
    }
    if context.globals.dry_run {
        return rehearse(context, &wish, &client);
    }
    let kept = super::attended("Signing in", context.globals.timeout, async {
        let tokens = machine::sign_in(http, &wish.authority, &client).await?;
        keep(http, &wish, tokens, How::Machine { client_id: client.id, client_secret: client.place }).await
    })?;
    tell(context, &kept)
}

/// The request that would be sent.
fn rehearse(context: &Context, wish: &Wish, client: &Client) -> anyhow::Result<ExitCode> {
    let body = json!({
        "grant_type": "client_credentials",
        "client_id": client.id,
        "client_secret": "[hidden]",
        "audience": wish.authority.audience,
    });
    let url = wish.authority.endpoint("oauth/token");
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
    let mut stdin = Stdin::default();
    let bearer = if stdin.is_watched() {
        if context.globals.no_input {
            return Err(usage("`--with-token` reads standard input, and there is a terminal")
                .hint("pipe the bearer into it: `carto auth login --with-token < FILE`")
                .into());
        }
        stdin.hidden("Bearer")?
    } else {
        Secret::new(stdin.text("--with-token")?.trim().to_owned())
    };
    let tokens = super::keep::given(bearer)?;
    if context.globals.dry_run {
        stderr::done("The bearer would be kept in a profile: this was a dry run, and nothing was changed.");
        return Ok(ExitCode::SUCCESS);
    }
    let kept = super::attended("Signing in", context.globals.timeout, keep(http, wish, tokens, How::Token))?;
    tell(context, &kept)
}
