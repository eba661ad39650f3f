//! The router behind a real socket.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Fixture, runtime, token_body};
use crate::sandbox::serve;

fn ask(address: SocketAddr, request: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

#[test]
fn the_same_data_over_a_socket_until_the_shutdown() {
    let it = Fixture::new();
    let token = it.token(token_body());
    let sandbox = it.sandbox.clone();
    let (shutdown, stopped) = oneshot::channel::<()>();
    let (bound, address) = std::sync::mpsc::channel();
    let server = thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            bound.send(listener.local_addr().unwrap()).unwrap();
            serve(listener, sandbox, async { drop(stopped.await) }).await
        })
    });
    let address = address.recv().unwrap();

    let bearer = it.sandbox.bearer();
    let head = format!("host: {address}\r\nconnection: close\r\n");
    let listed = ask(address, &format!("GET /v3/tokens HTTP/1.1\r\n{head}authorization: Bearer {bearer}\r\n\r\n"));
    assert_eq!(listed, ("HTTP/1.1 200 OK".to_owned(), json!({ "tokens": [token], "next": null })));
    let refused = ask(address, &format!("GET /v3/tokens HTTP/1.1\r\n{head}\r\n"));
    assert_eq!(refused.0, "HTTP/1.1 401 Unauthorized");

    shutdown.send(()).unwrap();
    server.join().unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn half_a_request_does_not_hold_the_server() {
    let it = Fixture::new();
    let sandbox = it.sandbox.clone();
    runtime().block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut silent = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        silent.write_all(b"GET /v3/tok").unwrap();
        let shutdown = tokio::time::sleep(Duration::from_millis(50));
        tokio::time::timeout(Duration::from_secs(10), serve(listener, sandbox, shutdown)).await.unwrap().unwrap();
    });
}
