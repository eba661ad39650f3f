//! Every command against `carto sandbox serve`, as against a service over the network.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::Carto;
use crate::support::http::ask;
use crate::support::server::Served;

/// The whole life of each kind, in the sandbox and over HTTP, gives the same but for ids and secrets.
#[test]
fn every_verb_of_every_kind_is_the_same_over_http() {
    let lines = [
        "credentials list",
        "credentials list --json",
        "credentials create token --grant dw,a.b --apis sql --name demo --expiration-date 2127-01-01",
        "credentials create token --grant dw,a.b --apis sql --name demo --json",
        "credentials create spa --title Store --callback https://a.example.com/cb --json",
        "credentials create m2m --title Nightly",
        "credentials list",
        "credentials list tokens -o csv",
        "credentials list -o jsonl",
        "credentials get token demo",
        "credentials get spa Store --json",
        "credentials get m2m Nightly",
        "credentials get m2m nothing",
        "credentials update token demo --add-grant dw,c.d --json",
        "credentials update spa Store --title Shop",
        "credentials update m2m Nightly --title Daily --json",
        "credentials delete token demo",
        "credentials delete token demo --yes",
        "credentials delete spa Shop --yes --json",
        "credentials revoke m2m Daily --yes",
        "credentials list --json",
    ];
    let (inside, outside) = (Carto::new(), Carto::new());
    let served = Served::start(&outside);
    for line in lines {
        let expected = inside.sandbox(line).output().to_string();
        let output = served.run(&outside, line).output().to_string();
        assert_eq!(output, expected, "{line}");
    }
}

#[test]
fn the_same_data_is_behind_both() {
    let carto = Carto::new();
    let served = Served::start(&carto);
    carto.sandbox("credentials create m2m --title Inside").ok();
    served.run(&carto, "credentials create m2m --title Outside").ok();
    assert_eq!(carto.sandbox("credentials list m2m --field title").ok().stdout, "Inside\nOutside\n");
    let path = carto.run("sandbox path").ok().stdout;
    assert_eq!(path.trim(), carto.data().join("sandbox.db").display().to_string());
    carto.run("sandbox reset").ok();
    assert_eq!(served.run(&carto, "credentials list m2m --json").ok().json()["m2m"], serde_json::json!([]));
}

/// What one process signs opens the other, until a third deletes the client.
#[test]
fn two_processes_are_one_authority() {
    let carto = Carto::new();
    let (one, other) = (Served::start(&carto), Served::start(&carto));
    let client = carto.sandbox("credentials create m2m --title Nightly --json").ok().json();
    let text = |name: &str| client[name].as_str().unwrap();
    let (id, secret) = (text("clientId"), text("clientSecret"));
    let form =
        format!("grant_type=client_credentials&audience=carto-cloud-native-api&client_id={id}&client_secret={secret}");
    let headers = ["Content-Type: application/x-www-form-urlencoded"];
    let given = ask("POST", &format!("{}/oauth/token", one.url), &headers, &form);
    let given: serde_json::Value = serde_json::from_str(&given.body).unwrap();
    let bearer = format!("Authorization: Bearer {}", given["access_token"].as_str().unwrap());
    let uses = |served: &Served| ask("GET", &format!("{}/v3/tokens", served.url), &[&bearer], "").status;
    let keys = |served: &Served| ask("GET", &format!("{}/.well-known/jwks.json", served.url), &[], "").body;
    assert_eq!((uses(&one), uses(&other)), (200, 200));
    assert_eq!(keys(&one), keys(&other));
    carto.sandbox(&format!("credentials delete m2m {id} --yes")).ok();
    assert_eq!((uses(&one), uses(&other)), (401, 401));
}

#[test]
fn an_unknown_bearer_is_refused() {
    let carto = Carto::new();
    let served = Served::start(&carto);
    let output = served.run(&carto, "credentials list tokens --token wrong").fails(4);
    assert!(output.stderr.contains("doesn't accept the bearer from `--token`: Token not defined"), "{output}");
}

/// Any HTTP client can use it: this one is a socket.
#[test]
fn it_speaks_plain_http() {
    let carto = Carto::new();
    let served = Served::start(&carto);
    let mut stream = TcpStream::connect(served.url.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "GET /v3/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        served.bearer
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(r#"{"tokens":[],"next":null}"#), "{answer}");
}

#[test]
fn a_taken_port_is_explained() {
    let carto = Carto::new();
    let served = Served::start(&carto);
    let port = served.url.rsplit(':').next().unwrap();
    let output = carto.run(&format!("sandbox serve --port {port}")).fails(1);
    assert!(
        output.stderr.contains(&format!("cannot serve on port {port}")) && output.stderr.contains("--port 0"),
        "{output}"
    );
}
