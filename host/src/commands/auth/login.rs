//! `carto auth login`: who is asked, as whom, and what becomes of what comes.

use std::process::ExitCode;

use carto_plugin_api::ErrorCode;
use url::Url;

use crate::auth::{Authority, How, Http, Tokens};
use crate::cli::LoginArgs;
use crate::commands::Context;
use crate::error::{Error, Result};

/// What a login was asked for, by options, variables and settings: enough to keep what comes of it, in another process too.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// Who is asked.
    pub(super) authority: Authority,
    /// Where the account is looked up.
    pub(super) accounts_url: Url,
    /// The name that the profile is to have, if one was given.
    pub(super) profile: Option<String>,
    /// The account's address, if it was given and needn't be looked up.
    pub(super) base_url: Option<Url>,
}

/// What was kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// The name of the profile.
    pub(super) profile: String,
}

/// Signs in.
pub(super) fn run(_context: &Context, _args: &LoginArgs) -> anyhow::Result<ExitCode> {
    Err(Error::new(ErrorCode::Failed, "`carto auth` isn't there yet").into())
}

/// Looks up the account of a bearer, and keeps the bearer in a profile, which becomes the current one.
pub(super) async fn keep(_http: &Http, _wish: &Wish, _tokens: Tokens, _how: How) -> Result<Kept> {
    Err(Error::new(ErrorCode::Failed, "`carto auth` isn't there yet"))
}

/// Says what was kept, as text or JSON.
pub(super) fn tell(_context: &Context, _kept: &Kept) -> anyhow::Result<ExitCode> {
    Err(Error::new(ErrorCode::Failed, "`carto auth` isn't there yet").into())
}
