//! Tests of the whole program: the real binary, the real libraries, real HTTP on loopback. One binary, so that it links once.

// A test fails by panicking, its helpers too.
#![allow(clippy::unwrap_used)]
// What a test run shows beside passing: the table of faults, and counts.
#![allow(clippy::print_stdout)]

mod support;

mod accounts;
mod arguments;
mod audit;
mod auth;
mod auth_again;
mod auth_browser;
mod auth_meanwhile;
mod auth_network;
mod auth_profiles;
mod auth_renewal;
mod auth_stopped;
mod auth_trust;
mod auth_typed;
mod canary;
mod check;
mod completion;
mod confirm;
mod cuts;
mod documents;
mod dry_run;
mod env_file;
mod faults;
mod foreign;
mod formats;
mod frozen;
mod hints;
mod installs;
mod interrupts;
mod kinds;
mod libraries;
mod misbehaviour;
mod network;
mod oauth_clients;
mod organisations;
mod parallel;
mod plugins;
mod policy;
mod reference;
mod requests;
mod sandbox_exec;
mod scaffold;
mod served;
mod service_secrets;
mod services;
mod shells;
mod story;
mod strange_files;
mod tokens;
mod usage;
mod verify;
mod verify_authority;
mod verify_sandbox;
mod workers;

/// A file that isn't listed above would silently never run.
#[test]
fn no_file_is_forgotten() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it");
    let main = std::fs::read_to_string(here.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") {
            assert!(main.contains(&format!("mod {module};")), "{name} isn't listed in main.rs");
        }
    }
}
