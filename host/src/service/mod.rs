//! Between a kind and the services: what it asks is held against its manifest, sent with the user's bearer, and answered.
//!
//! `broker` is the kind's side: it blocks, refuses what the manifest doesn't declare (`permits`), and notes in `fate` what became of writes. `session`
//! is the network's side, one rule a file: `request` builds what is sent, `deadline` and `retry` say how long and how often, `redirect` what
//! is followed, `receive` how much is read, `hidden` what of it nobody gets, `answer` what it means.

mod answer;
mod broker;
mod deadline;
mod draft;
mod fate;
mod hidden;
pub(crate) mod permits;
mod receive;
mod redirect;
mod request;
mod retry;
mod session;

pub(crate) use broker::{Broker, Rehearsal};
pub(crate) use draft::Draft;
pub(crate) use fate::{Accepted, Fate};
pub(crate) use session::Session;
#[cfg(feature = "fuzzing")]
pub(crate) use {answer::judge, retry::after as retry_after};
