//! `carto sandbox exec`: the sandbox, served for as long as one command runs. The command has the terminal and the three streams, and its end
//! is this program's.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use anyhow::Context as _;
use carto_plugin_api::ErrorCode;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{url, variables};
use crate::account;
use crate::commands::Context;
use crate::environment;
use crate::error::{Error, shell_word, usage};
use crate::event_loop;
use crate::output::stderr;
use crate::run::Errand;
use crate::sandbox;
use crate::stop::InFront;

/// The address as CARTO's examples call it: for programs of the user's, and never read here. The second is for pages that Vite builds. No
/// bearer is under a name of that sort: Vite writes them into the page.
const OTHER_BASE_URLS: [&str; 2] = ["CARTO_API_BASE_URL", "VITE_API_BASE_URL"];

/// What else in the environment would lead a `carto` away from the sandbox that is served, or is a secret for another authority than it.
const ELSEWHERE: [&str; 7] = {
    let [(id, secret), (other_id, other_secret)] = environment::M2M_CLIENTS;
    [environment::SANDBOX, environment::PROFILE, environment::AUTH_CLIENT_ID, id, secret, other_id, other_secret]
};

/// `carto sandbox exec -- COMMAND`.
pub(crate) fn exec(context: &Context, command: &[OsString]) -> anyhow::Result<ExitCode> {
    if let Some(option) = context.globals.for_another_command() {
        return Err(usage(format!("`{option}` means nothing to `sandbox exec`: it isn't handed to the command"))
            .hint("leave it out, or write it behind `--`, if the command takes it")
            .into());
    }
    if context.globals.dry_run {
        let words: Vec<String> = command.iter().map(|word| shell_word(&word.to_string_lossy())).collect();
        stderr::done(&format!("`{}` would be run: this was a dry run.", words.join(" ")));
        return Ok(ExitCode::SUCCESS);
    }
    let sandbox = account::open_sandbox()?;
    event_loop::run(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot serve the sandbox")?;
        let address = listener.local_addr()?;
        let mut variables = variables(address, sandbox.bearer()).to_vec();
        // As here, no proxy stands between a client and this machine.
        for name in environment::NO_PROXY {
            let others = environment::text(name)?.map(|others| format!("{others},")).unwrap_or_default();
            variables.push((name, format!("{others}127.0.0.1,localhost")));
        }
        variables.extend(OTHER_BASE_URLS.map(|name| (name, url(address))));

        // Before there is a command that a signal could leave alone.
        let signals = InFront::begin();
        let errand = Errand::start(command, &variables, &ELSEWHERE).map_err(|error| cannot_run(command, &error))?;
        let (over, ended) = oneshot::channel::<()>();
        let serving = sandbox::serve(listener, sandbox, async { drop(ended.await) });
        let running = async {
            let status = errand.end(signals).await;
            drop(over);
            status
        };
        let (status, served) = tokio::join!(running, serving);
        served.context("the sandbox ended")?;
        Ok(ExitCode::from(status.context("it isn't known how the command ended")?))
    })
}

fn cannot_run(command: &[OsString], error: &std::io::Error) -> Error {
    let word = command.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(ErrorCode::Usage, format!("there is no command `{word}`"))
            .hint("a command is looked for in `PATH`, or is a path; for what only a shell knows: `-- sh -c \'…\'`"),
        _ => Error::new(ErrorCode::Failed, format!("cannot run `{word}`: {error}")),
    }
}
