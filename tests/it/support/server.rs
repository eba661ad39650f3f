//! Servers on a free port of this machine: `carto sandbox serve`, and one that answers from a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Carto, Run};

/// A running `carto sandbox serve`.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) bearer: String,
}

impl Served {
    pub(crate) fn start(carto: &Carto) -> Served {
        Served::start_with(carto.run("sandbox serve --port 0 --json"))
    }

    pub(crate) fn start_with(mut run: Run) -> Served {
        let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let text = |key: &str| first[key].as_str().unwrap().to_owned();
        Served { child, url: text("url"), bearer: text("token") }
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

/// A server that gives the same answer to every request, and keeps what it was sent.
pub(crate) struct Scripted {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// `answer` is all that is written, from the status line on; then the connection is closed.
    pub(crate) fn start(answer: impl Into<String>) -> Scripted {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let request = read_request(&mut stream);
                seen.lock().unwrap().push(request);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Scripted { url, requests }
    }

    /// A JSON answer with this status.
    pub(crate) fn json(status: &str, body: &str) -> Scripted {
        Scripted::start(format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A request's head and, by its length, its body.
fn read_request(stream: &mut impl Read) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    head + "\r\n" + &String::from_utf8_lossy(&body)
}
