//! The contract between `carto` and the libraries that serve its kinds of credentials.
//!
//! A *kind* (an API token, an OAuth client, whatever a vendor adds) is a shared library that `carto` finds at run time. It says what
//! it is in a manifest, `kind.toml`, which the host reads without running the library, and it answers up to six verbs: list, create,
//! get, update, delete, verify. This crate is all that such a library depends on.
//!
//! ```
//! use carto_plugin_api::{CredentialKind, Error, Host, Listing, NoInput, Page, Request, Result};
//! use serde::{Deserialize, Serialize};
//!
//! /// What the user is shown. Every field that the manifest calls a secret is masked by the host.
//! #[derive(Serialize, Deserialize)]
//! struct Robot { id: String, name: String }
//!
//! /// The arguments that the manifest declares for `create`.
//! #[derive(Deserialize)]
//! struct NewRobot { name: String }
//!
//! struct Robots;
//!
//! impl CredentialKind for Robots {
//!     type Record = Robot;
//!     type Create = NewRobot;
//!     type Update = NoInput;
//!
//!     fn list(host: &Host<'_>, page: Page) -> Result<Listing<Robot>> {
//!         let request = Request::get(["v3", "robots"]).query_if("cursor", page.cursor);
//!         host.call("api", request)?.ok()?.json()
//!     }
//!
//!     fn create(host: &Host<'_>, input: NewRobot) -> Result<Robot> {
//!         if input.name.is_empty() {
//!             return Err(Error::argument("name", "a robot needs a name").hint("add `--name R2`"));
//!         }
//!         let body = serde_json::json!({ "name": input.name });
//!         host.call("api", Request::post(["v3", "robots"]).json(&body))?.ok()?.json()
//!     }
//!
//!     fn get(host: &Host<'_>, id: &str) -> Result<Robot> {
//!         host.call("api", Request::get(["v3", "robots"]).segment(id))?.ok()?.json()
//!     }
//! }
//!
//! // In a kind's own crate one more line makes the library: `carto_plugin_api::export_kind!(Robots);`
//!
//! # #[cfg(feature = "testing")] {
//! use carto_plugin_api::testing::{FakeHost, Harness};
//! # let manifest = r#"
//! # schema = "1.0"
//! # abi = 1
//! # name = "robot"
//! # plural = "robots"
//! # title = "Robot"
//! # about = "Things that move by themselves"
//! # [services.api]
//! # [record]
//! # fields = ["id", "name"]
//! # id = "id"
//! # columns = ["id", "name"]
//! # [verbs.create]
//! # calls = ["api POST /v3/robots"]
//! # [[verbs.create.args]]
//! # name = "name"
//! # help = "What to call it"
//! # "#;
//! let host = FakeHost::new().answer("POST /v3/robots", 200, serde_json::json!({"id": "1", "name": "R2"}));
//! let robots = Harness::<Robots>::new(manifest);
//! assert_eq!(robots.create(&host, serde_json::json!({"name": "R2"})).unwrap()["id"], "1");
//! # }
//! ```
//!
//! # Where a kind runs
//!
//! In a process of its own that has given up everything else before the library is opened. There is no bearer, no environment, no file, no
//! connection, no other process and no thread: everything that a kind needs from outside it asks the host for with [`Host::call`], and the
//! host lets through what the manifest declares for that verb, nothing else. What is there: 512 MiB of memory, ten seconds for a call
//! (the time that the host takes isn't counted), the clock (but see [`Host::now`]), random numbers. A system call beyond that ends the
//! process; the message names it, and the same holds for constructors. So a kind links its dependencies in, and they must do without what
//! isn't there: no HTTP client, no async runtime, no logger that writes files.
//!
//! What is printed is shown under `carto --debug` and nowhere else; what a person should read is an [`Error`] or [`Host::warn`]. To
//! debug a kind, run it in the host's process: `level = "in-process"` under `[plugins]` in its settings.
//!
//! # Versions
//!
//! What is frozen stands in [`abi::v1`], as 1.0: a library that was built once is loaded by every host with ABI 1. Everything else here is
//! a convenience over it, follows semver, and may improve. What may grow is `#[non_exhaustive]`: values are made by functions, patterns end with
//! `..`, and matches with `_`. `carto plugin new` makes a crate to begin with; `docs/plugin-abi.md` of carto's
//! sources leads from there to a shipped plugin, and says for how long which version is served.

#![warn(missing_docs)]

pub mod abi;
mod adapter;
mod error;
#[doc(hidden)]
pub mod export;
mod host;
mod kind;
#[cfg(feature = "manifest")]
pub mod manifest;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod verb;
mod verification;
mod wire;

pub use adapter::invoke;
pub use error::{Error, ErrorCode, Result};
pub use host::{Host, Request, Response};
pub use kind::{CredentialKind, Listing, NoInput, Page};
pub use secret::Secret;
pub use text::{is_harmful, shell_word};
pub use verb::Verb;
pub use verification::{Check, Outcome, Verification};
pub use wire::{
    AUTH_SERVICE, Caller, DATA_SERVICE, HOST_SERVICE, Input, Segment, Settings, WireRequest, WireResponse, problem,
};

/// This crate's version. The export macro writes it into a kind's manifest, for people; the host compares [`abi::VERSION`] instead.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
