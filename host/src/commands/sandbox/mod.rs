//! `carto sandbox`: serve it to other programs, empty it, say where it is. Serving it to one command is in `exec.rs`.

mod exec;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context;
use carto_plugin_api::ErrorCode;
use serde_json::json;
use tokio::net::TcpListener;

pub(crate) use self::exec::exec;

use crate::account;
use crate::environment;
use crate::error::Error;
use crate::event_loop;
use crate::output::{json as json_text, stderr, stdout};
use crate::sandbox::{self, Sandbox};
use crate::stop;

/// `carto sandbox serve`: on loopback only, until Ctrl-C.
pub(crate) fn serve(context: &super::Context, port: u16) -> anyhow::Result<ExitCode> {
    let sandbox = account::open_sandbox()?;
    event_loop::run(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|e| {
            Error::new(ErrorCode::Failed, format!("cannot serve on port {port}: {e}"))
                .hint("choose another `--port`; `--port 0` takes a free one")
        })?;
        let address = listener.local_addr()?;
        let (listening, stop) = stop::watch(None, |_| 0);
        listening.await;
        let (url, variables) = (url(address), variables(address, sandbox.bearer()));
        let text = if context.globals.view().format.is_json() {
            json!({ "url": url, "token": sandbox.bearer() }).to_string() + "\n"
        } else {
            let exports: String = variables.iter().map(|(name, value)| format!("  export {name}={value}\n")).collect();
            format!("Serving the sandbox at {url}\nIn another shell:\n{exports}Ctrl-C ends it.\n")
        };
        stdout::write(&text)?;
        let ended = async {
            let _ = stop.await;
        };
        sandbox::serve(listener, sandbox, ended).await.context("the sandbox ended")?;
        Ok(ExitCode::SUCCESS)
    })
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// What `carto` itself reads to use the sandbox at an address as it would use CARTO.
fn variables(address: SocketAddr, bearer: &str) -> [(&'static str, String); 4] {
    let url = url(address);
    [
        (environment::API_TOKEN, bearer.to_owned()),
        (environment::AUTH_ISSUER, format!("{url}/")),
        (environment::ACCOUNTS_URL, format!("{url}/accounts")),
        (environment::BASE_URL, url),
    ]
}

/// `carto sandbox reset`.
pub(crate) fn reset(context: &super::Context) -> anyhow::Result<ExitCode> {
    let database = environment::sandbox_database()?;
    if context.globals.dry_run {
        stderr::done(&format!("The sandbox in `{}` would be emptied: this was a dry run.", database.display()));
        return Ok(ExitCode::SUCCESS);
    }
    Sandbox::reset(&database)?;
    stderr::done("The sandbox is empty.");
    Ok(ExitCode::SUCCESS)
}

/// `carto sandbox path`.
pub(crate) fn path(context: &super::Context) -> anyhow::Result<ExitCode> {
    let path = environment::sandbox_database()?;
    let text = if context.globals.view().format.is_json() {
        json_text::pretty(&json!({ "path": path.display().to_string() }))
    } else {
        path.display().to_string() + "\n"
    };
    stdout::write(&text)?;
    Ok(ExitCode::SUCCESS)
}
