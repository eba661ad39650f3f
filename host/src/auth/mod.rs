//! Signing in: from a person at a browser, or a machine's id and secret, to a bearer. Which bearer a command then uses is `account`'s, and
//! where it is kept is `account::profiles`'.
//!
//! `authority` says who is asked; `http` asks, `attended` while signals are heard; `exchange` reads what a token endpoint says; `machine` signs
//! a program in, `browser` a person, by what `metadata` says of the authority and with an `id_token` that is verified; `renew` gets the next bearer,
//! from a `refresh` token or as a machine, `discovery` finds the account of one, `revoke` ends one.

mod attended;
pub(crate) mod authority;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod exchange;
pub(crate) mod http;
pub(crate) mod id_token;
pub(crate) mod machine;
pub(crate) mod metadata;
mod refresh;
pub(crate) mod renew;
pub(crate) mod revoke;

use std::path::PathBuf;

use carto_plugin_api::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use attended::{UNCHANGED, UNKEPT, attended};
pub(crate) use authority::Authority;
pub(crate) use http::Http;

/// What an authority gave.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// The bearer.
    pub(crate) access: Secret,
    /// What gets the next one without a browser, if the authority gives that.
    pub(crate) refresh: Option<Secret>,
    /// When the bearer ends, by the authority's word or the bearer's own.
    pub(crate) expires_at: Option<Timestamp>,
    /// The token endpoint that gave it, if one did.
    pub(crate) endpoint: Option<Url>,
    /// Who signed in, as a verified id token says it.
    pub(crate) user_email: Option<String>,
}

/// How a bearer was got, which decides how the next one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub(crate) enum How {
    /// By a person in a browser, for this client.
    Browser { client_id: String },
    /// By a machine, with the id and the secret of an M2M client.
    #[serde(rename = "m2m")]
    Machine { client_id: String, client_secret: SecretPlace },
    /// It was given as it is.
    Token,
}

/// Where the secret of an M2M client is read again when its bearer ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretPlace {
    /// A variable of this name.
    Variable(String),
    /// A file that holds the secret and nothing else.
    File(PathBuf),
    /// A file that holds the id too, in one of the forms that `--client-file` takes.
    ClientFile(PathBuf),
    /// Here: it came from standard input or a person, and is nowhere else.
    Value(Secret),
}
