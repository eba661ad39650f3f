//! The host of `carto`: finds libraries that serve kinds of credentials, builds a command line from their manifests, runs their verbs,
//! and stands between them and the network. It knows no kind.
//!
//! The path of a command: `cli` (words to a verb of a kind) → `input` (options to JSON) → `run` (the library) → `service` (what it
//! asks, held against its manifest) → `account` and `transport` (bearer and network, or the sandbox) → `output`. ARCHITECTURE.md draws it.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "carto runs kinds on Linux only so far: sealed memory, Landlock and seccomp are what it confines them with"
);

mod account;
mod address;
mod audit;
mod auth;
mod check;
mod cli;
mod commands;
mod digest;
mod environment;
mod error;
mod event_loop;
mod hold;
mod input;
mod kinds;
mod lock;
mod output;
mod policy;
mod program;
mod redact;
mod run;
mod sandbox;
mod scaffold;
mod service;
mod settings;
mod stop;
mod toml_text;
mod transport;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

pub use program::run;
