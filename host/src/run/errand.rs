//! A command of the user's that this program starts and waits for: it has the three streams, and nothing of it is ours but the variables.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::stop::InFront;

/// A command that was started. It isn't ended with this program: it is the user's.
pub(crate) struct Errand {
    child: Child,
}

impl Errand {
    /// Starts a command with these variables, and without those.
    pub(crate) fn start(command: &[OsString], with: &[(&str, String)], without: &[&str]) -> io::Result<Errand> {
        let [program, arguments @ ..] = command else { return Err(io::ErrorKind::NotFound.into()) };
        let mut command = Command::new(program);
        command.args(arguments).envs(with.iter().map(|(name, value)| (name, value)));
        for name in without {
            command.env_remove(name);
        }
        Ok(Errand { child: command.spawn()? })
    }

    /// Waits for its end, and says it as a shell does: with the status that it gave, or 128 and the number of the signal that ended it.
    pub(crate) async fn end(mut self, mut signals: InFront) -> io::Result<u8> {
        loop {
            tokio::select! {
                status = self.child.wait() => return Ok(status_of(status?)),
                number = signals.next_to_pass_on() => self.tell(number),
            }
        }
    }

    /// Passes a signal on. As long as it hasn't been waited for, the number is that of this command and no other.
    fn tell(&self, number: i32) {
        let process = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let (Some(process), Some(signal)) = (process, Signal::from_named_raw(number)) {
            // It may just have ended.
            let _ = kill_process(process, signal);
        }
    }
}

fn status_of(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}
