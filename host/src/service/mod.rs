//! Between a kind and the services: what it asks is held against its manifest, sent with the user's bearer or secret, and answered.
//!
//! `broker` is the kind's side: it blocks, refuses what the manifest doesn't declare (`permits`), and notes in `fate` what became of writes. An `endpoint`
//! is one service: the account's, the kind's `own`, for which there has to be an `approval`, or one at which verify has a credential `tried`. `session` is the network's side, one rule a
//! file: `request` builds what is sent, `deadline` and `retry` say how long and how often, `redirect` what is followed, `receive` how much is
//! read, `hidden` what of it nobody gets, `answer` what it means. Signing in (`auth::http`) goes by the same rules of `deadline` and `retry`.

mod answer;
mod approval;
mod broker;
mod deadline;
mod draft;
mod endpoint;
mod fate;
mod hidden;
mod own;
pub(crate) mod permits;
mod receive;
mod redirect;
mod request;
mod retry;
mod session;
mod tried;

pub(crate) use approval::approved;
pub(crate) use broker::{Broker, Rehearsal};
pub(crate) use deadline::{Deadline, Rest};
pub(crate) use draft::Draft;
pub(crate) use endpoint::{Act, Services};
pub(crate) use fate::{Accepted, Fate};
pub(crate) use hidden::Hidden;
pub(crate) use own::obstacle;
pub(crate) use retry::{Attempts, wish};
pub(crate) use session::Session;
#[cfg(feature = "fuzzing")]
pub(crate) use {answer::judge, retry::after as retry_after};

/// The service that is the account's own API. Every other is a kind's.
pub(crate) const ACCOUNT_SERVICE: &str = "api";
