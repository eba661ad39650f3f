//! Signing in with a person in a browser: an authorization code with PKCE, which comes back to this machine.
//!
//! `attempt` is what is sent along and remembered; `callback` is a port that waits for the browser, with the `page` that it shows; `answer`
//! reads what it brings; `pending` remembers an attempt for another process; `launch` opens a browser; `code` gets tokens for what came.

mod answer;
mod attempt;
mod callback;
mod code;
mod launch;
mod page;
mod pending;

pub(crate) use answer::Answer;
pub(crate) use attempt::Attempt;
pub(crate) use callback::Callback;
pub(crate) use code::exchange;
pub(crate) use launch::{Browser, open};
pub(crate) use pending::{LIFETIME, Pending};

/// Compares two secrets in a time that says nothing about where they differ.
fn is_same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
