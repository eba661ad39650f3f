//! `carto auth login` in a browser: at once, or begun by one process and finished by another.

use std::cell::OnceCell;
use std::process::ExitCode;
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use super::keep;
use super::login::{self, Wish};
use crate::account::Sourced;
use crate::account::profiles;
use crate::auth::browser::{self, Answer, Attempt, Browser, Callback, LIFETIME, Pending};
use crate::auth::metadata::Metadata;
use crate::auth::{Authority, How, Http, UNCHANGED, UNKEPT, attended, authority};
use crate::cli::LoginArgs;
use crate::commands::Context;
use crate::environment;
use crate::error::{Error, Result, shell_word, usage};
use crate::input::Stdin;
use crate::output::{json as json_text, stderr, stdout};
use crate::settings;

/// How long the browser may take when `--timeout` says nothing.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The port that CARTO's own command line uses (documented).
const PORT: u16 = 3003;

/// Signs in.
pub(super) fn run(
    context: &Context,
    args: &LoginArgs,
    http: &Http,
    mut wish: Wish,
    settings: &settings::Auth,
) -> anyhow::Result<ExitCode> {
    if let Some(address) = &args.callback {
        return finish(context, args, http, wish, address);
    }
    let port = port()?;
    let before = wish.sign_in().and_then(|own| Some((browser_client(&own.how)?, own.organization.clone())));
    let (client_before, organization_before) = before.unzip();
    let client_id = authority::client_id(args.client_id.as_deref(), client_before, settings)?;
    let client_id = client_id.ok_or_else(|| no_client(port))?;
    wish.organization = wish.organization.or(organization_before.flatten());
    let attempt = Attempt::begin(client_id, port, wish.organization.clone());
    if context.globals.dry_run {
        let (client, redirect, place) = (&attempt.client_id, &attempt.redirect, wish.authority.place());
        if context.globals.view().format.is_json() {
            let issuer = wish.authority.issuer.as_str();
            let draft = json!({ "issuer": issuer, "client_id": client, "redirect_uri": redirect });
            stdout::write(&json_text::pretty(&json!({ "dry_run": draft })))?;
        }
        stderr::done(&format!(
            "A browser would be sent to {place}, for the client `{client}`, and come back to `{redirect}`: this was a dry run."
        ));
        return Ok(ExitCode::SUCCESS);
    }
    if args.no_launch_browser {
        return begin(context, http, &wish, attempt);
    }
    if context.globals.no_input {
        return Err(usage("signing in in a browser needs a person, and `--no-input` says that there is none")
            .hint("sign in as a machine with `carto auth login --m2m`, or leave `--no-input` out")
            .into());
    }
    let limit = context.globals.timeout.unwrap_or(PATIENCE);
    let late = || {
        let message = format!("nobody has signed in in the browser within {limit:?}");
        Error::new(ErrorCode::NotSignedIn, message)
            .hint("run it again, with a longer `--timeout` if need be; `--no-launch-browser` leaves ten minutes")
    };
    let kept = OnceCell::new();
    let signed_in = async {
        // First of all, so that nobody else is there when the browser comes.
        let callback = Callback::bind(port).await?;
        let metadata = Metadata::fetch(http, &wish.authority).await?;
        show(&attempt.url(&wish.authority, &metadata), port);
        let (wish, attempt, metadata, kept) = (&wish, &attempt, &metadata, &kept);
        let then = |answer| async move {
            let done = exchange_and_keep(http, wish, metadata, attempt, &answer).await?;
            // Nobody has set it: there is one answer.
            let _ = kept.set(done);
            Ok(())
        };
        callback.wait(attempt, then).await
    };
    let ended = attended("Waiting for the browser", Some(limit), UNKEPT, async {
        tokio::time::timeout(limit, signed_in).await.unwrap_or_else(|_| Err(late()))
    });
    // What is kept is kept, whatever ends the wait for the browser's last page.
    match (kept.into_inner(), ended) {
        (Some(kept), _) => login::tell(context, &kept),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => Err(late().into()),
    }
}

/// Shows the address in any case, and opens it where that is possible.
fn show(url: &Url, port: u16) {
    match Browser::find() {
        Browser::Here => {
            stderr::address("Sign in in the browser. If none opens, open this address in one on this machine:", url);
            let file = profiles::read().ok().flatten();
            browser::open(url, &file.map(|file| file.secret_variables()).unwrap_or_default());
        }
        Browser::Elsewhere(why) => {
            let open = "open this address in a browser that reaches this machine";
            stderr::address(&format!("{why}: {open} at port {port}:"), url);
            stderr::note("if none does, use `--no-launch-browser`, and finish with `--callback`");
        }
    }
}

/// Prints the address, and remembers what finishes it.
fn begin(context: &Context, http: &Http, wish: &Wish, attempt: Attempt) -> anyhow::Result<ExitCode> {
    let metadata = attended("Asking the authority", context.globals.timeout, UNCHANGED, async {
        Metadata::fetch(http, &wish.authority).await
    })?;
    let url = attempt.url(&wish.authority, &metadata);
    let expires_at = Timestamp::now() + LIFETIME;
    let pending = Pending {
        attempt,
        issuer: wish.authority.issuer.to_string(),
        audience: wish.authority.audience.clone(),
        accounts_url: wish.accounts_url.to_string(),
        profile: wish.profile.as_ref().map(|name| name.value.clone()),
        base_url: wish.base_url.as_ref().map(|url| url.value.to_string()),
    };
    let answer = json!({ "url": url.as_str(), "expires_at": format!("{expires_at:.0}") });
    let view = context.globals.view();
    let text = if let Some(field) = &view.field {
        super::field(&answer, field)?
    } else if view.format.is_json() {
        json_text::pretty(&answer)
    } else {
        format!("{url}\n")
    };
    pending.keep()?;
    stdout::write(&text)?;
    stderr::done(
        "Open it in any browser within ten minutes. Then copy the address that the browser comes to, and finish with:",
    );
    stderr::commands(&["carto auth login --callback -".to_owned()]);
    Ok(ExitCode::SUCCESS)
}

/// Finishes what another process began.
fn finish(context: &Context, args: &LoginArgs, http: &Http, wish: Wish, address: &str) -> anyhow::Result<ExitCode> {
    let fixed = [
        ("--client-id", &args.client_id),
        ("--issuer", &args.issuer),
        ("--organization-name", &args.organization_name),
    ];
    if let Some((option, value)) = fixed.iter().find(|(_, value)| value.is_some()) {
        let word = shell_word(value.as_deref().unwrap_or_default());
        return Err(usage(format!(
            "`{option}` can't stand beside `--callback`: it was decided when the sign-in began"
        ))
        .hint(format!("leave it out, or begin again with `carto auth login {option} {word} --no-launch-browser`"))
        .into());
    }
    let text = match address {
        "-" => {
            let prompt = "Address that the browser came to: ";
            Stdin::default().text_or_asked("--callback", prompt, context.globals.no_input)?
        }
        text => text.to_owned(),
    };
    let answer = Answer::from_address(&text)?;
    if context.globals.dry_run {
        stderr::done("The code in that address would be exchanged: this was a dry run.");
        return Ok(ExitCode::SUCCESS);
    }
    let pending = Pending::take(answer.state().unwrap_or_default(), wish.base_url.is_some())?;
    let wish = wish_of(&pending, wish)?;
    let kept = attended("Signing in", context.globals.timeout, UNKEPT, async {
        let metadata = Metadata::fetch(http, &wish.authority).await?;
        exchange_and_keep(http, &wish, &metadata, &pending.attempt, &answer).await
    })?;
    login::tell(context, &kept)
}

/// What the process that began was asked for. A profile and an address that are named now go before.
fn wish_of(pending: &Pending, now: Wish) -> Result<Wish> {
    let read = |text: &str| {
        Url::parse(text).map_err(|_| Error::new(ErrorCode::Failed, "what was remembered of the sign-in can't be used"))
    };
    const BEGAN: &str = "the command that began";
    let begun_with = |value| Sourced { value, source: BEGAN.to_owned() };
    let named_then = || Some(Sourced { value: pending.profile.clone()?, source: BEGAN.to_owned() });
    let profile = now.profile.or_else(named_then);
    Ok(Wish {
        authority: Authority::new(read(&pending.issuer)?, pending.audience.clone()),
        accounts_url: read(&pending.accounts_url)?,
        base_url: match now.base_url {
            Some(url) => Some(url),
            None => pending.base_url.as_deref().map(read).transpose()?.map(begun_with),
        },
        organization: pending.attempt.organization.clone(),
        before: keep::before(profile.as_ref().map(|name| name.value.as_str()))?,
        profile,
        timeout: now.timeout,
    })
}

async fn exchange_and_keep(
    http: &Http,
    wish: &Wish,
    metadata: &Metadata,
    attempt: &Attempt,
    answer: &Answer,
) -> Result<login::Kept> {
    let tokens = browser::exchange(http, &wish.authority, metadata, attempt, answer).await?;
    login::keep(http, wish, tokens, How::Browser { client_id: attempt.client_id.clone() }).await
}

/// The client of a sign-in in a browser.
fn browser_client(how: &How) -> Option<&str> {
    match how {
        How::Browser { client_id } => Some(client_id),
        How::Machine { .. } | How::Token => None,
    }
}

fn port() -> Result<u16> {
    let Some(text) = environment::text(environment::AUTH_PORT)? else { return Ok(PORT) };
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        usage(format!("`{}` isn't a port: `{text}`", environment::AUTH_PORT))
            .hint(format!("set it to a number from 1 to 65535, or unset it for {PORT}"))
    })
}

fn no_client(port: u16) -> Error {
    usage("there is no OAuth client to sign in as: CARTO's own is its command line's, and not for other programs").hint(format!(
        "signed in with `--m2m` or `--with-token`, make one: `carto credentials create spa --title carto --callback http://127.0.0.1:{port}/callback`; \
         then add `--client-id ID`"
    ))
}
