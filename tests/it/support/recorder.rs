//! A relay in front of a server of this machine that keeps all that passes, so that a test knows every secret that was sent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A running relay. It ends with the test's process.
pub(crate) struct Recorder {
    pub(crate) url: String,
    passed: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    pub(crate) fn before(server: &str) -> Recorder {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let passed = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&passed);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to, book) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(&book));
                    std::thread::spawn(move || relay(from, to, &book));
                }
            }
        });
        Recorder { url, passed }
    }

    /// All that has passed, in both directions.
    pub(crate) fn passed(&self) -> String {
        String::from_utf8_lossy(&self.passed.lock().unwrap()).into_owned()
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, book: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        book.lock().unwrap().extend_from_slice(&chunk[..read]);
        if to.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
