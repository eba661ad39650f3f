//! A server that does on a real socket what a test tells it, byte by byte, and counts what it saw.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Carto, Run};

/// What a server does with its requests, in order; the last is repeated.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes an answer with this head (status line and headers, without a length) and body, and keeps the connection.
    Answer(String, Vec<u8>),
    /// Writes these bytes and ends the connection.
    Raw(Vec<u8>),
    /// The same, and ends it with a reset.
    RawReset(Vec<u8>),
    /// A reset as soon as the connection is there.
    ResetAtOnce,
    /// A reset when the request has come, and isn't read.
    ResetUnread,
    /// Writes these bytes as soon as the connection is there.
    RawUnread(Vec<u8>),
    /// Says nothing, whatever comes, until the other side gives up.
    Deaf,
    /// Reads the request and says nothing.
    Silence,
    /// Writes these bytes, then one more from time to time.
    Drip(Vec<u8>),
    /// Writes this head, and a body without an end.
    Endless(String),
}

impl Act {
    /// A JSON answer.
    pub(crate) fn json(status: &str, body: &str) -> Act {
        Act::with(status, &[("content-type", "application/json")], body)
    }

    /// An answer with headers.
    pub(crate) fn with(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Act {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Act::Answer(format!("HTTP/1.1 {status}\r\n{headers}"), body.as_ref().to_vec())
    }
}

/// A running server. It ends with the test's process.
pub(crate) struct Wire {
    pub(crate) port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Wire {
    /// The same JSON answer to every request.
    pub(crate) fn json(status: &str, body: &str) -> Wire {
        Wire::start(vec![Act::json(status, body)])
    }

    pub(crate) fn start(acts: Vec<Act>) -> Wire {
        Wire::start_with(move |nth, _| acts[nth.min(acts.len() - 1)].clone())
    }

    /// `act` is told which request it is, counted from 0, and its text.
    pub(crate) fn start_with(act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Wire {
        Wire::serve(act, |mut stream, serve| serve(&mut stream))
    }

    /// `secure` puts something between the socket and what is served on it.
    pub(crate) fn serve(
        act: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
        secure: impl Fn(TcpStream, &dyn Fn(&mut dyn Ends)) + Send + Sync + 'static,
    ) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let (counting, act, secure) = (Arc::clone(&seen), Arc::new(act), Arc::new(secure));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, act, secure) = (Arc::clone(&counting), Arc::clone(&act), Arc::clone(&secure));
                seen.connections.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || secure(stream, &|ends| converse(ends, &seen, act.as_ref())));
            }
        });
        Wire { port, seen }
    }

    /// The program, talking to this server.
    pub(crate) fn run(&self, carto: &Carto, line: &str) -> Run {
        carto.run(line).env("CARTO_BASE_URL", self.url()).env("CARTO_API_TOKEN", "x")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The heads of the requests, with their bodies.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

/// Both directions of a connection.
pub(crate) trait Ends: Read + Write {
    /// Ends it with a reset instead of an end.
    fn reset(&self);
    /// Waits until something has come.
    fn wait(&self);
}

impl Ends for TcpStream {
    fn reset(&self) {
        // What lingers for no time isn't ended but reset.
        rustix::net::sockopt::set_socket_linger(self, Some(Duration::ZERO)).unwrap();
    }

    fn wait(&self) {
        let _ = self.peek(&mut [0]);
    }
}

fn converse(ends: &mut dyn Ends, seen: &Seen, act: &dyn Fn(usize, &str) -> Act) {
    loop {
        let upcoming = seen.requests.lock().unwrap().len();
        match act(upcoming, "") {
            Act::ResetAtOnce => {
                seen.requests.lock().unwrap().push(String::new());
                return ends.reset();
            }
            Act::ResetUnread => {
                ends.wait();
                seen.requests.lock().unwrap().push(String::new());
                return ends.reset();
            }
            Act::Deaf => {
                while ends.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
                return;
            }
            Act::RawUnread(bytes) => {
                let _ = ends.write_all(&bytes);
                // So that what was sent isn't reset away.
                return drop(ends.read(&mut [0; 4096]));
            }
            _ => {}
        }
        let Some(request) = read_request(ends) else { return };
        let nth = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        match act(nth, &request) {
            Act::Answer(head, body) => {
                let head = format!("{head}content-length: {}\r\n\r\n", body.len());
                if ends.write_all(&[head.as_bytes(), &body].concat()).is_err() {
                    return;
                }
            }
            Act::Raw(bytes) => return drop(ends.write_all(&bytes)),
            Act::RawReset(bytes) => {
                let _ = ends.write_all(&bytes);
                return ends.reset();
            }
            Act::ResetAtOnce | Act::ResetUnread | Act::RawUnread(_) | Act::Deaf => return ends.reset(),
            // Until the other side gives up.
            Act::Silence => return drop(ends.read(&mut [0])),
            Act::Drip(bytes) => {
                let _ = ends.write_all(&bytes);
                while ends.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                return;
            }
            Act::Endless(head) => {
                let _ = ends.write_all(head.as_bytes());
                while ends.write_all(&[b' '; 1 << 16]).is_ok() {}
                return;
            }
        }
    }
}

/// A request's head and, by its length, its body; nothing at the end of the connection.
fn read_request(ends: &mut dyn Ends) -> Option<String> {
    // A client doesn't send the next request before it has the answer to this one, so that nothing is read too far.
    let mut reader = BufReader::new(ends);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(head + "\r\n" + &String::from_utf8_lossy(&body))
}

/// A server that lists so many tokens in pages of 100, or pages without an end.
pub(crate) fn pages(size_of_a_name: usize, tokens: usize) -> Wire {
    Wire::start_with(move |_, request| {
        let query = request.split(' ').nth(1).unwrap_or_default();
        let start: usize = query.split("cursor=").nth(1).map_or(0, |cursor| cursor.parse().unwrap());
        let end = tokens.min(start + 100);
        let items: Vec<String> = (start..end)
            .map(|nth| format!(r#"{{"id": "tok_{nth}", "name": "{}"}}"#, "n".repeat(size_of_a_name)))
            .collect();
        let next = if end < tokens { format!(r#", "next": "{end}""#) } else { String::new() };
        Act::json("200 OK", &format!(r#"{{"tokens": [{}]{next}}}"#, items.join(",")))
    })
}
