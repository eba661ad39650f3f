//! A `carto auth login` that waits for a browser, and the person at it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;
use url::Url;

use super::authority::Authority;
use super::{Carto, Output, Run};

/// A `carto auth login` that waits for a browser.
pub(crate) struct Login {
    child: Child,
    home: PathBuf,
    stderr: BufReader<ChildStderr>,
    /// What it has said so far.
    said: String,
    /// The address that is to be opened.
    pub(crate) url: Url,
    pub(crate) port: u16,
}

/// What came from the port.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// With the body.
    pub(crate) text: String,
}

impl Login {
    /// Starts `auth login` with these words besides, at a free port.
    pub(crate) fn start(carto: &Carto, authority: &Authority, line: &str) -> Login {
        Login::start_with(carto, authority, line, |run| run)
    }

    pub(crate) fn start_with(carto: &Carto, authority: &Authority, line: &str, prepare: impl Fn(Run) -> Run) -> Login {
        // Another program can take the port in between.
        for _ in 0..5 {
            let port = free_port();
            match Login::of(carto, port, prepare(login(carto, authority, port, line))) {
                Ok(login) => return login,
                Err(said) => assert!(said.contains("cannot wait for the browser on port"), "{said}"),
            }
        }
        panic!("no port was free");
    }

    /// A command that waits at this port, or what it said if it ended instead.
    pub(crate) fn of(carto: &Carto, port: u16, mut run: Run) -> Result<Login, String> {
        let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let mut start = 0;
        while stderr.read_line(&mut said).unwrap() > 0 {
            if let Some(url) = address(&said[start..]) {
                return Ok(Login { child, home: carto.home().to_owned(), stderr, said, url, port });
            }
            start = said.len();
        }
        child.wait().unwrap();
        Err(said)
    }

    /// Waits until it has said something.
    pub(crate) fn hears(&mut self, text: &str) {
        while !self.said.contains(text) {
            assert_ne!(self.stderr.read_line(&mut self.said).unwrap(), 0, "{}", self.said);
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The browser opens an address of this port, and follows where it is sent.
    pub(crate) fn browser(&self, address: &str) -> Reply {
        let reply = self.asks(address);
        match reply.status {
            303 => {
                let to = reply.text.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
                self.asks(&format!("http://127.0.0.1:{}{to}", self.port))
            }
            _ => reply,
        }
    }

    /// One request for an address.
    pub(crate) fn asks(&self, address: &str) -> Reply {
        let url = Url::parse(address).unwrap();
        let target = &url[url::Position::BeforePath..];
        self.says(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port))
    }

    /// These bytes, on a connection of their own.
    pub(crate) fn says(&self, text: &str) -> Reply {
        said(self.connect(), text)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Output {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let mut stdout = Vec::new();
        self.child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        Output::new(std::process::Output { status, stdout, stderr: self.said.clone().into_bytes() }, &self.home)
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// These bytes on a connection, and all that comes back until its end.
pub(crate) fn said(mut stream: TcpStream, text: &str) -> Reply {
    stream.write_all(text.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Reply { status, text }
}

/// `auth login` with these words besides, at this authority.
pub(crate) fn login(carto: &Carto, authority: &Authority, port: u16, line: &str) -> Run {
    carto
        .run(&format!("auth login work --client-id the-client --base-url http://127.0.0.1:9 {line}"))
        .env("CARTO_AUTH_ISSUER", authority.issuer())
        .env("CARTO_AUTH_PORT", port.to_string())
}

/// A port on which nobody listens, and which nobody else gets meanwhile: it lies below those that the kernel gives out.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 1000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The address in a line that holds nothing else, or in a note in JSON.
pub(crate) fn address(line: &str) -> Option<Url> {
    let json = |line: &str| Some(serde_json::from_str::<Value>(line).ok()?["note"]["url"].as_str()?.to_owned());
    let text = if line.starts_with("http") { Some(line.trim().to_owned()) } else { json(line) };
    text.map(|text| Url::parse(&text).unwrap())
}
