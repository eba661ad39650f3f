//! A bad network, fault by fault, over real sockets: what a read and a write say of it, how they end, and how many requests the server saw.
//! Their table is a page of the documentation. Everywhere a bearer and secrets are on the way, and nowhere do they show.

use std::io::Write as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expect_test::{expect, expect_file};
use regex_lite::Regex;

use crate::support::login::free_port;
use crate::support::output::Output;
use crate::support::tls::Authority;
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Run};

const READ: &str = "credentials get token tok_1";
const WRITE: &str = "credentials create token --grant dw,a.b --apis sql --name demo --expiration-date 2097-01-01";

/// Opaque, so that nothing but its being hidden keeps it from showing.
const BEARER: &str = "canary-bearer-0a1b2c3d";
const SECRET: &str = "canary-s3cr3t";

fn jwt(header: &str, payload: &str) -> String {
    format!("{}.{}.Y2FuYXJ5", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// A token, as a service answers with it.
fn token(changes: &str) -> String {
    format!(
        r#"{{"id": "tok_1", "token": "{SECRET}", "name": "demo", "allowed_apis": ["sql"], "referers": [],
            "grants": [{{"connection_name": "dw", "source": "a.b"}}], "expiration_date": "2097-01-01T00:00:00Z"{changes}}}"#
    )
}

fn fine() -> Act {
    Act::json("200 OK", &token(""))
}

/// One fault, and what is different in the commands that meet it.
struct Fault {
    name: &'static str,
    server: Option<Wire>,
    base_url: Option<String>,
    bearer: String,
    options: &'static str,
    variables: Vec<(&'static str, String)>,
    settings: Option<String>,
}

impl Fault {
    fn new(name: &'static str) -> Fault {
        Fault {
            name,
            server: None,
            base_url: None,
            bearer: BEARER.to_owned(),
            options: "",
            variables: Vec::new(),
            settings: None,
        }
    }

    fn at(self, base_url: impl Into<String>) -> Fault {
        Fault { base_url: Some(base_url.into()), ..self }
    }

    fn on(self, server: Wire) -> Fault {
        Fault { server: Some(server), ..self }
    }

    fn acts(self, acts: Vec<Act>) -> Fault {
        self.on(Wire::start(acts))
    }

    fn options(self, options: &'static str) -> Fault {
        Fault { options, ..self }
    }

    fn run(&self, carto: &Carto, line: &str) -> Run {
        if let Some(settings) = &self.settings {
            carto.write(".config/carto/config.toml", settings);
        }
        let url = self.base_url.clone().unwrap_or_else(|| self.server.as_ref().unwrap().url());
        let run = carto.run(&format!("{line} {}", self.options));
        let run = run.env("CARTO_BASE_URL", url).env("CARTO_API_TOKEN", &self.bearer);
        self.variables.iter().fold(run, |run, (name, value)| run.env(name, value))
    }
}

/// An answer that is the same for reads and writes.
fn answer(name: &'static str, status: &str, body: &str) -> Fault {
    Fault::new(name).acts(vec![Act::json(status, body)])
}

fn limited(name: &'static str, retry_after: &str) -> Fault {
    let headers = [("content-type", "application/json"), ("retry-after", retry_after)];
    Fault::new(name).acts(vec![Act::with("429 Too Many Requests", &headers, r#"{"error": "slow down"}"#)])
}

fn redirect(name: &'static str, status: &str, location: &str, then: Act) -> Fault {
    Fault::new(name).acts(vec![Act::with(status, &[("location", location)], ""), then])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(name: &'static str, body: Vec<u8>) -> Fault {
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    Fault::new(name).acts(vec![Act::with("200 OK", &headers, body)])
}

/// A service behind a proxy that answers so, or that is nothing but its address.
fn proxied(name: &'static str, address: &str, answer: Option<&str>) -> Fault {
    let fault = Fault::new(name).at("https://api.example.invalid");
    let server = answer.map(|answer| Wire::start(vec![Act::with(answer, &[], "")]));
    let proxy = server.as_ref().map_or_else(|| address.to_owned(), Wire::url);
    Fault { server, variables: vec![("HTTPS_PROXY", proxy)], ..fault }
}

fn faults(authority: &Authority, ca_file: &Path, bomb: &[u8]) -> Vec<Fault> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let whole = token("");
    let long = format!("{head}content-length: {}\r\n\r\n", whole.len());
    let half = format!("{long}{}", &whole[..whole.len() / 2]).into_bytes();
    let expired = jwt(r#"{"alg":"RS256","kid":"k"}"#, r#"{"exp":1790000000,"aud":"carto-cloud-native-api"}"#);
    let foreign = jwt(r#"{"alg":"RS256","kid":"k"}"#, r#"{"exp":4102444800,"aud":"https://other.example.com"}"#);
    let unauthorized = r#"{"error": "Token not defined", "status": 401}"#;
    let trusting = format!("[network]\nbackoff = \"1ms\"\nca_file = \"{}\"\n", ca_file.display());
    let tls = |name, certified, until| {
        let server = authority.serve(certified, until, vec![fine()]);
        let url = format!("https://localhost:{}", server.port);
        Fault { settings: Some(trusting.clone()), ..Fault::new(name).on(server).at(url) }
    };
    vec![
        Fault { bearer: expired, ..answer("401, expired", "401 Unauthorized", unauthorized) },
        Fault { bearer: foreign, ..answer("401, for another service", "401 Unauthorized", unauthorized) },
        Fault {
            bearer: jwt(r#"{"alg":"HS256"}"#, r#"{"a":"ac_1","jti":"1a2b3c4d"}"#),
            ..answer("an API Access Token as bearer", "401 Unauthorized", unauthorized)
        },
        answer("401, unknown", "401 Unauthorized", unauthorized),
        answer("403", "403 Forbidden", r#"{"error": "not yours"}"#),
        answer("404", "404 Not Found", r#"{"error": "Token not found"}"#),
        answer("400, the name is taken", "400 Bad Request", r#"{"error": "This token name already exists (demo)"}"#),
        answer("422, a text", "422 Unprocessable Entity", r#"{"error": "no", "description": "never"}"#),
        answer(
            "422, a problem document",
            "422 Unprocessable Entity",
            r#"{"title": "Invalid", "detail": "name: too long"}"#,
        ),
        answer(
            "422, a list of errors",
            "422 Unprocessable Entity",
            r#"{"errors": [{"field": "name", "message": "too long"}, {"field": "grants", "message": "unknown"}]}"#,
        ),
        limited("429, soon", "0"),
        answer("429, not saying when", "429 Too Many Requests", r#"{"error": "slow down"}"#),
        limited("429, in an hour", "3600"),
        limited("429, at the end of time", "18446744073709551615"),
        limited("429, on a date", "Wed, 01 Jan 2098 00:00:00 GMT"),
        limited("429, absurd", "when it suits you"),
        answer("500", "500 Internal Server Error", r#"{"error": "oops"}"#),
        answer("501", "501 Not Implemented", r#"{"error": "no such thing"}"#),
        answer("502", "502 Bad Gateway", "<html>"),
        answer("503", "503 Service Unavailable", r#"{"error": "later"}"#),
        Fault::new("503, of a proxy in between").acts(vec![Act::with(
            "503 Service Unavailable",
            &[("content-type", "text/plain")],
            "upstream connect error or disconnect/reset before headers",
        )]),
        Fault::new("503, in an hour").acts(vec![Act::with("503 Service Unavailable", &[("retry-after", "3600")], "")]),
        Fault::new("503 twice, then fine").acts(vec![
            Act::json("503 Service Unavailable", "{}"),
            Act::json("503 Service Unavailable", "{}"),
            fine(),
        ]),
        answer("408", "408 Request Timeout", ""),
        answer("an empty answer", "200 OK", ""),
        Fault::new("HTML").acts(vec![Act::with(
            "200 OK",
            &[("content-type", "text/html")],
            format!("<b>{SECRET}</b>"),
        )]),
        answer("broken JSON", "200 OK", &whole[..whole.len() - 1]),
        answer("another shape", "200 OK", &format!(r#"{{"id": ["{SECRET}"], "token": 7}}"#)),
        answer("JSON of another thing", "200 OK", r#"{"hello": "world"}"#),
        Fault::new("1 GiB").acts(vec![Act::Endless(format!("{head}content-length: 1073741824\r\n\r\n"))]),
        Fault::new("no length and no end").acts(vec![Act::Endless(format!("{head}\r\n"))]),
        zipped("gzip", gzip(whole.as_bytes())),
        zipped("a gzip bomb", bomb.to_vec()),
        zipped("gzip that is none", whole.clone().into_bytes()),
        Fault::new("a slow body").acts(vec![Act::Drip(half.clone())]).options("--timeout 600ms"),
        Fault::new("silence").acts(vec![Act::Silence]).options("--timeout 500ms"),
        {
            let deaf = Wire::start(vec![Act::Deaf]);
            let url = format!("https://localhost:{}", deaf.port);
            Fault::new("silence instead of a TLS handshake").at(url).on(deaf).options("--timeout 500ms")
        },
        Fault::new("401, cut off")
            .acts(vec![Act::Raw(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\n\r\n{".to_vec())]),
        Fault::new("connection refused").at(format!("http://127.0.0.1:{}", free_port())),
        Fault::new("reset, the request unread").acts(vec![Act::ResetUnread]),
        Fault::new("reset, the request read").acts(vec![Act::RawReset(Vec::new())]),
        Fault::new("reset in the middle of the answer").acts(vec![Act::RawReset(half.clone())]),
        Fault::new("an end in the middle of the answer").acts(vec![Act::Raw(half)]),
        Fault::new("an end instead of an answer").acts(vec![Act::Raw(Vec::new())]),
        Fault::new("no HTTP").acts(vec![Act::Raw(b"220 mail.example.com ESMTP\r\n\r\n".to_vec())]),
        Fault::new("HTTP/1.0").acts(vec![Act::Raw(
            format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{whole}").into_bytes(),
        )]),
        Fault { settings: None, ..tls("TLS, nobody's certificate", "localhost", 2098) },
        tls("TLS, the settings' `ca_file`", "localhost", 2098),
        tls("TLS, an expired certificate", "localhost", 2019),
        tls("TLS, another name's certificate", "other.example.com", 2098),
        {
            let plain = Wire::start(vec![Act::RawUnread(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]);
            let url = format!("https://localhost:{}", plain.port);
            Fault::new("TLS, but the server speaks plain http").at(url).on(plain)
        },
        redirect("a redirect, the same origin", "307 Temporary Redirect", "/v4/tokens/tok_1", fine()),
        redirect("a redirect, another origin", "302 Found", &format!("https://evil.example.com/?t={SECRET}"), fine()),
        redirect("a redirect, in a circle", "301 Moved Permanently", "/v3/tokens/tok_1", fine()),
        redirect("a redirect, to nowhere", "302 Found", "https://[", fine()),
        Fault {
            // A resolver that doesn't answer is given up at once.
            variables: vec![("RES_OPTIONS", "timeout:1 attempts:1".to_owned())],
            ..Fault::new("a name that doesn't resolve").at("https://nothing.invalid")
        },
        proxied("a proxy that isn't there", &format!("http://user:{SECRET}@127.0.0.1:{}", free_port()), None),
        proxied("a proxy that refuses", "", Some("403 Forbidden")),
        proxied("a proxy that wants a password", "", Some("407 Proxy Authentication Required")),
        proxied("a proxy variable that names none", "socks5://127.0.0.1:1080", None),
        Fault {
            variables: vec![
                ("ALL_PROXY", "socks5h://127.0.0.1:1080".to_owned()),
                ("NO_PROXY", "nothing.invalid".to_owned()),
                ("RES_OPTIONS", "timeout:1 attempts:1".to_owned()),
            ],
            ..Fault::new("the same, but not for this name").at("https://nothing.invalid")
        },
        answer("a wider grant", "200 OK", &token(r#", "grants": [{"connection_name": "dw", "source": "*"}]"#)),
        answer("a longer life", "200 OK", &token(r#", "expiration_date": "2099-01-01T00:00:00Z""#)),
        answer("no end of life", "200 OK", &token(r#", "expiration_date": null"#)),
    ]
}

/// What a person is told, in one cell.
fn told(output: &Output) -> (String, String) {
    let text = output.to_string();
    let line = |label: &str| text.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_default().to_owned();
    (line("error: "), line("hint: "))
}

const HEAD: &str = "\
# Faults of a network and of a service

What `carto` says when the network or the service fails, and with which status it ends. This table is written by a test, which makes each
fault on a real socket. *Seen* is the number of requests that reached the server; *read* is `credentials get`, *write* is
`credentials create`. Retries, deadlines and limits are explained in [network.md](network.md).

| fault | | status | seen | message, and what to do |
|---|---|---|---|---|
";

#[test]
fn every_fault_has_its_message_and_its_status() {
    let mut table = HEAD.to_owned();
    let authority = Authority::new();
    let home = Carto::new();
    let ca_file = home.write("ca.pem", &authority.pem);
    // What a proxy would be told: nothing, whatever is asked of this machine.
    let proxy = Wire::start(vec![Act::json("200 OK", "{}")]);
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let faults = || faults(&authority, &ca_file, &bomb);
    let names: Vec<&str> = faults().iter().map(|fault| fault.name).collect();
    let mut rows = [("read", READ), ("write", WRITE)].map(|(what, line)| {
        let met = faults().into_iter().zip(faults());
        met.map(|(fault, again)| row(what, line, &fault, &again, &proxy)).collect::<Vec<_>>().into_iter()
    });
    for _ in names {
        table.extend(rows.iter_mut().filter_map(Iterator::next));
    }
    assert_eq!(proxy.connections(), 0);
    let table = Regex::new("localhost:[0-9]+").unwrap().replace_all(&table, "localhost:[port]").into_owned();
    println!("{table}");
    expect_file!["../../docs/faults.md"].assert_eq(&table);
}

/// Meets a fault, quietly for the table, and again with everything that could tell too much.
fn row(what: &str, line: &str, fault: &Fault, again: &Fault, proxy: &Wire) -> String {
    // A home of its own, so that no settings are left over.
    let carto = Carto::new();
    let output = fault.run(&carto, line).env("HTTP_PROXY", proxy.url()).output();
    let seen = fault.server.as_ref().map_or(0, |server| server.requests().len());
    let (message, hint) = told(&output);
    assert!(output.status == 0 || !(message.is_empty() || hint.is_empty()), "{}: {output}", fault.name);
    if output.status == 8 {
        assert!(hint.starts_with("look before you repeat it: `carto credentials get token demo`"), "{output}");
    }
    let loud = again.run(&carto, &format!("--debug --json {line}")).env("HTTP_PROXY", proxy.url()).output();
    assert_eq!(output.status, loud.status, "{}: {output}{loud}", fault.name);
    for output in [&output, &loud] {
        // A new token is shown to its maker, and to nobody else.
        let is_shown = output.status == 0 && what == "write";
        let shown = if is_shown { output.stderr.clone() } else { format!("{}{}", output.stdout, output.stderr) };
        for canary in [BEARER, SECRET, &fault.bearer, &again.bearer] {
            assert!(!shown.contains(canary), "{}, {what}: {output}", fault.name);
        }
    }
    nothing_is_left_in_files(carto.home());
    let cell = match output.status {
        0 => "works".to_owned(),
        _ => format!("{message}<br>→ {hint}").replace('|', "\\|"),
    };
    format!("| {} | {what} | {} | {seen} | {cell} |\n", fault.name, output.status)
}

/// Neither the bearer nor a secret is in a file of the home.
fn nothing_is_left_in_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            nothing_is_left_in_files(&path);
        } else if !path.is_symlink() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(BEARER) && !text.contains(SECRET), "{}", path.display());
        }
    }
}

/// Every write knows how to find out.
#[test]
fn an_unknown_outcome_leads_to_the_credential() {
    let carto = Carto::new();
    let client = "abcdefghijklmnopqrstuvwxyz012345";
    let mut report = String::new();
    for act in [Act::json("502 Bad Gateway", ""), Act::RawReset(Vec::new()), Act::Raw(b"HTTP/1.1 200 OK\r\n".to_vec())]
    {
        for line in [
            "create token --grant dw,a.b --apis sql",
            "create token --grant dw,a.b --apis sql --name 'it is new'",
            "create m2m --title -x",
            "update token tok_1 --name x",
            &format!("update spa {client} --title x"),
            "delete token tok_1 --yes",
            &format!("revoke m2m {client} --yes"),
        ] {
            let server = Wire::start(vec![act.clone()]);
            let run = carto.run(&format!("credentials {}", line.replace("--title -x", "--title=-x")));
            let output = run.env("CARTO_BASE_URL", server.url()).env("CARTO_API_TOKEN", BEARER).fails(8);
            assert_eq!(server.requests().len(), 1, "{output}");
            report.push_str(&format!("{}\n  {}\n", line.replace(client, "[client-id]"), told(&output).1));
        }
        report.push('\n');
    }
    let thirds: Vec<&str> = report.split("\n\n").filter(|third| !third.is_empty()).collect();
    assert!(thirds.windows(2).all(|pair| pair[0] == pair[1]), "{report}");
    expect![[r#"
        create token --grant dw,a.b --apis sql
          look before you repeat it: `carto credentials list tokens` shows what there is
        create token --grant dw,a.b --apis sql --name 'it is new'
          look before you repeat it: `carto credentials get token 'it is new'` finds it if it was made
        create m2m --title -x
          look before you repeat it: `carto credentials list m2m` shows what there is
        update token tok_1 --name x
          look before you repeat it: `carto credentials list tokens` shows what there is
        update spa [client-id] --title x
          look before you repeat it: `carto credentials list spa` shows what there is
        delete token tok_1 --yes
          look before you repeat it: `carto credentials get token tok_1` finds it if it is still there
        revoke m2m [client-id] --yes
          look before you repeat it: `carto credentials get m2m [client-id]` finds it if it is still there"#]]
    .assert_eq(thirds[0]);
}
