//! A running `carto sandbox serve`, on a free port of this machine.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Carto, Run};

/// A running `carto sandbox serve`.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) bearer: String,
}

/// What a server says, read while it runs: one that nobody reads would stand still.
pub(crate) struct Said {
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Served {
    pub(crate) fn start(carto: &Carto) -> Served {
        Served::start_with(carto.run("sandbox serve --port 0 --json"))
    }

    pub(crate) fn start_with(mut run: Run) -> Served {
        run.command.stderr(Stdio::inherit());
        Served::begin(run).0
    }

    /// The same, with all kept that it says beside the line in which it says where it is.
    pub(crate) fn watched(mut run: Run) -> (Served, Said) {
        run.command.stderr(Stdio::piped());
        let (mut served, stdout) = Served::begin(run);
        let stderr = served.child.stderr.take().unwrap();
        (served, Said { stdout: all_of(stdout), stderr: all_of(stderr) })
    }

    fn begin(mut run: Run) -> (Served, BufReader<ChildStdout>) {
        let mut child = run.command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |key: &str| first[key].as_str().unwrap().to_owned();
        (Served { child, url: text("url"), bearer: text("token") }, stdout)
    }

    /// Asks it to end, and answers with its standard output after the first line, and its standard error.
    pub(crate) fn ended(mut self, said: Said) -> (String, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        (said.stdout.join().unwrap(), said.stderr.join().unwrap())
    }

    /// The program, talking to this server.
    pub(crate) fn run(&self, carto: &Carto, line: &str) -> Run {
        carto.run(line).env("CARTO_BASE_URL", &self.url).env("CARTO_API_TOKEN", &self.bearer)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn all_of(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    })
}
