//! Opens a browser, where there is one: one of three places that start processes, and these outlive the command.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use url::Url;

use crate::environment;
use crate::output::stderr;

/// Whether a browser can be opened here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Browser {
    Here,
    /// No, and why not, as a sentence.
    Elsewhere(&'static str),
}

impl Browser {
    /// By what the environment says. A person who names a browser knows that it works.
    pub(crate) fn find() -> Browser {
        if environment::raw(environment::BROWSER).is_some() {
            Browser::Here
        } else if environment::SSH.iter().any(|name| environment::raw(name).is_some()) {
            Browser::Elsewhere("This is a remote session")
        } else if environment::DISPLAYS.iter().all(|name| environment::raw(name).is_none()) {
            Browser::Elsewhere("There is no display here")
        } else {
            Browser::Here
        }
    }
}

/// Opens an address, on a thread of its own: some commands end at once, and some when the browser is closed. That none could is said.
/// `secrets`: the variables that hold credentials besides those that are known to.
pub(crate) fn open(url: &Url, secrets: &[String]) {
    let commands = open::commands(url.as_str());
    let mut kept = environment::credentials();
    kept.extend(secrets.iter().map(OsString::from));
    std::thread::spawn(move || {
        let is_opened = commands.into_iter().any(|command| runs(command, &kept));
        if !is_opened {
            stderr::note("no browser could be opened here: open the address yourself");
        }
    });
}

/// Runs a command to its end, apart from this one: what it prints goes nowhere, Ctrl-C isn't for it, and it gets no credentials.
fn runs(mut command: Command, credentials: &[OsString]) -> bool {
    for name in credentials {
        command.env_remove(name);
    }
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn();
    started.and_then(|mut child| child.wait()).is_ok_and(|status| status.success())
}
