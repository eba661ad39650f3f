//! The port on this machine that a browser comes back to. Anybody on the machine can knock there, and web pages too: only the right answer
//! ends the wait, and nobody can hold it up.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use carto_plugin_api::ErrorCode;
use http::header::HOST;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::answer::{Answer, Stray};
use super::attempt::Attempt;
use super::page::{DONE, Page};
use crate::environment;
use crate::error::{Error, Result};
use crate::output::stderr;

/// How long one connection may last: one that never says what it wants, too.
const CONNECTION: Duration = Duration::from_secs(10);
/// How long a page waits for the end of the sign-in.
const OUTCOME: Duration = Duration::from_secs(8);
/// How long the browser may take to ask for the last page.
const LAST_PAGE: Duration = Duration::from_secs(3);
/// The most connections at a time. Of more, the oldest are ended: a browser says at once what it wants.
const CONNECTIONS: usize = 32;
/// The most that a request's head may take.
const HEAD: usize = 16 * 1024;

/// A port that is held until the browser comes.
pub(crate) struct Callback {
    listener: TcpListener,
    port: u16,
}

/// What every connection knows.
struct Door {
    attempt: Attempt,
    /// The only name and port that is meant by a request.
    host: String,
    /// Where the answer goes; nothing once it came.
    waiting: Mutex<Option<oneshot::Sender<Answer>>>,
    /// Whether somebody is signed in; nothing while that isn't known.
    outcome: watch::Receiver<Option<bool>>,
    /// The last page has reached the browser.
    shown: Notify,
    /// Somebody brought an answer to something else, and the user knows.
    warned: AtomicBool,
}

impl Callback {
    /// Takes the port, before anybody is sent anywhere.
    pub(crate) async fn bind(port: u16) -> Result<Callback> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|e| {
            let why = match e.kind() {
                ErrorKind::AddrInUse => "another program has it, or another sign-in that is waiting".to_owned(),
                _ => e.to_string(),
            };
            Error::new(ErrorCode::Failed, format!("cannot wait for the browser on port {port}: {why}")).hint(format!(
                "end what is there; or set `{}` to a port of another callback of the client; or use `--no-launch-browser`, which \
                 needs no port",
                environment::AUTH_PORT
            ))
        })?;
        Ok(Callback { listener, port })
    }

    /// Waits for the answer to an attempt, and shows in the browser how what is done `then` ended.
    pub(crate) async fn wait<T, F: Future<Output = Result<T>>>(
        self,
        attempt: &Attempt,
        then: impl FnOnce(Answer) -> F,
    ) -> Result<T> {
        let (waiting, answered) = oneshot::channel();
        let (tell, outcome) = watch::channel(None);
        let door = Arc::new(Door {
            attempt: attempt.clone(),
            host: format!("127.0.0.1:{}", self.port),
            waiting: Mutex::new(Some(waiting)),
            outcome,
            shown: Notify::new(),
            warned: AtomicBool::new(false),
        });
        let sign_in = async {
            let answer =
                answered.await.map_err(|_| Error::new(ErrorCode::Failed, "nothing waits for the browser any more"))?;
            let outcome = then(answer).await;
            // There may be nobody who wants to know.
            let _ = tell.send(Some(outcome.is_ok()));
            let _ = timeout(LAST_PAGE, door.shown.notified()).await;
            outcome
        };
        tokio::select! {
            outcome = sign_in => outcome,
            never = accept(self.listener, &door) => match never {},
        }
    }
}

async fn accept(listener: TcpListener, door: &Arc<Door>) -> Infallible {
    let mut connections = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        while connections.try_join_next().is_some() {}
        oldest.retain(|connection| !connection.is_finished());
        if oldest.len() >= CONNECTIONS
            && let Some(connection) = oldest.pop_front()
        {
            connection.abort();
        }
        match listener.accept().await {
            Ok((stream, _)) => oldest.push_back(connections.spawn(converse(stream, Arc::clone(door)))),
            // Too many open files, for one: it passes.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One request of one connection.
async fn converse(stream: TcpStream, door: Arc<Door>) {
    let last = AtomicBool::new(false);
    let (told, door) = (&last, &door);
    let service = service_fn(|request: Request<Incoming>| async move {
        let page = door.page(&request).await;
        told.store(matches!(page, Page::SignedIn | Page::Failed), Ordering::Relaxed);
        Ok::<Response<String>, Infallible>(page.response())
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).max_buf_size(HEAD);
    // Whoever went away, or spoke something else, gets nothing.
    let _ = timeout(CONNECTION, server.serve_connection(TokioIo::new(stream), service)).await;
    if last.load(Ordering::Relaxed) {
        door.shown.notify_one();
    }
}

impl Door {
    async fn page(&self, request: &Request<Incoming>) -> Page {
        // A page of another site could have its own name lead here.
        if request.headers().get(HOST).is_none_or(|host| host != self.host.as_str()) {
            return Page::WrongHost;
        }
        if request.method() != Method::GET {
            return Page::WrongMethod;
        }
        match request.uri().path() {
            "/callback" => self.answered(request.uri().query().unwrap_or_default()),
            DONE if self.is_answered() => self.ended().await,
            _ => Page::NotFound,
        }
    }

    fn is_answered(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn answered(&self, query: &str) -> Page {
        let Some(answer) = Answer::read(query) else { return Page::Unreadable };
        match answer.check(&self.attempt) {
            Err(Stray::Foreign) => {
                if !self.warned.swap(true, Ordering::Relaxed) {
                    stderr::note("an answer came that belongs to another sign-in; this one still waits");
                }
                Page::Foreign
            }
            Err(Stray::Incomplete) => Page::Unreadable,
            Ok(()) => match self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(waiting) => {
                    // Whoever waited may have been interrupted.
                    let _ = waiting.send(answer);
                    Page::Taken
                }
                None => Page::Late,
            },
        }
    }

    /// Waits for the end, for a while.
    async fn ended(&self) -> Page {
        let mut outcome = self.outcome.clone();
        let ended = timeout(OUTCOME, outcome.wait_for(Option::is_some)).await;
        match ended.ok().and_then(|outcome| outcome.ok().and_then(|outcome| *outcome)) {
            Some(true) => Page::SignedIn,
            Some(false) => Page::Failed,
            None => Page::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use tokio::time::Instant;

    use super::*;

    /// Time passes as soon as nothing else happens.
    #[tokio::test(start_paused = true)]
    async fn nobody_holds_a_connection_for_long() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let callback = Callback { listener, port };
        let attempt = Attempt::begin("x".to_owned(), port, None);
        let waiting = callback.wait(&attempt, |_| async { Ok(()) });
        let knocking = async {
            for begun in [&b""[..], b"GET /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "] {
                let started = Instant::now();
                let ended = tokio::task::spawn_blocking(move || {
                    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
                    stream.write_all(begun).unwrap();
                    // The end, or a reset.
                    stream.read(&mut [0; 64]).unwrap_or_default()
                });
                // A blocking task keeps the clock from being moved on by itself.
                tokio::select! {
                    answer = ended => assert_eq!(answer.unwrap(), 0),
                    () = async { loop { tokio::time::advance(Duration::from_secs(1)).await; tokio::task::yield_now().await } } => {}
                }
                assert!(started.elapsed() >= CONNECTION);
            }
        };
        tokio::select! {
            _ = waiting => panic!("nobody answered"),
            () = knocking => {}
        }
    }
}
