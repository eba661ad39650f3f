//! `carto credentials verify token <id>`: tries what the token opens (`probes`), or, of a request that is named, says by which rule of its record
//! it is allowed or refused (`explain`), and what would allow it (`suggest`). The rules are in `rules`.

mod explain;
mod input;
mod one_line;
mod probes;
mod reads;
pub(crate) mod rules;
mod suggest;

use carto_plugin_api::{Error, ErrorCode, Host, Request, Result, Secret, Verification};
use input::Input;
use jiff::Timestamp;

use crate::expiry;
use crate::find;
use crate::grants::Grant;
use crate::wire::{self, ROUTE, Token};

/// The most letters of a hint that has a statement in it: a longer one is a file's, and a person's to name.
const HINT: usize = 200;

/// A token's record, as far as it says what the token opens.
struct Record {
    /// What commands in hints name it by.
    id: String,
    grants: Vec<Grant>,
    apis: Vec<String>,
    referers: Vec<String>,
    ends: Option<String>,
    now: Timestamp,
}

impl Record {
    fn is_over(&self) -> bool {
        rules::is_over(self.ends.as_deref(), self.now)
    }

    fn allows(&self, api: &str) -> bool {
        self.apis.iter().any(|allowed| allowed == api)
    }
}

/// What the token that `id` means opens.
pub(crate) fn verify(host: &Host<'_>, id: &str) -> Result<Verification> {
    let input = host.args::<Input>()?.checked()?;
    let (response, listed) = find::ask(host, id, || Request::get(ROUTE))?;
    let token: Token = response.ok()?.json()?;
    let handle = token.handle().or_else(|| listed.as_ref()?.handle()).ok_or_else(|| {
        Error::new(ErrorCode::UnexpectedAnswer, "the service's answer holds a token that nothing names")
    })?;
    let record = Record {
        id: handle.clone(),
        grants: token.grants.unwrap_or_default(),
        apis: token.allowed_apis.unwrap_or_default(),
        referers: token.referers.unwrap_or_default(),
        ends: token.expiration_date,
        now: expiry::read(host.now())?,
    };
    let mut verification = Verification::new(handle);
    verification.fact("name", token.name);
    verification.fact("allowed_apis", record.apis.clone());
    verification.fact("grants", record.grants.iter().map(ToString::to_string).collect::<Vec<_>>());
    verification.fact("referers", record.referers.clone());
    verification.fact("expiration_date", record.ends.clone());
    if input.names_a_request() {
        verification.checks = explain::explain(&record, &input);
        return Ok(verification);
    }
    let typed = wire::jti(id).map(|_| Secret::new(id.to_owned()));
    let token = token.token.or(typed).ok_or_else(|| {
        Error::new(ErrorCode::UnexpectedAnswer, "the service doesn't show that token, so it can't be tried")
            .hint("name it by the token itself, with `-` and standard input")
    })?;
    verification.checks = probes::probe(host, &record, &token)?;
    Ok(verification)
}
