//! Between a kind and the services: what it asks is held against its manifest, sent with the user's bearer, and answered.
//!
//! `broker` is the kind's side: it blocks, and refuses what the manifest doesn't declare. `session` is the network's side: it encodes
//! the path, adds the bearer, and turns what is the host's own affair (401, 429, 5xx, a broken network) into errors.

mod answer;
mod broker;
mod session;

pub(crate) use broker::Broker;
pub(crate) use session::Session;
