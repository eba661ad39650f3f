//! Plain requests to a server of this machine, one connection each, and the person who reads the sandbox's pages.

use std::io::{Read, Write};
use std::net::TcpStream;

use url::Url;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header; its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// One request. Each of `headers` is a whole line.
pub(crate) fn ask(method: &str, url: &str, headers: &[&str], body: &str) -> Answer {
    let url = Url::parse(url).unwrap();
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut stream = TcpStream::connect(host).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {url}: {text}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A query to the SQL API with this bearer.
pub(crate) fn query(base_url: &str, bearer: &str, connection: &str, statement: &str) -> Answer {
    let mut url = Url::parse(&format!("{base_url}/v3/sql/{connection}/query")).unwrap();
    url.query_pairs_mut().append_pair("q", statement);
    ask("GET", url.as_str(), &[&format!("Authorization: Bearer {bearer}")], "")
}

/// The person reads the page at which an authorization begins, and allows it. Answers with the address to which the browser is sent.
pub(crate) fn allow(authorize: &str) -> String {
    let page = ask("GET", authorize, &[], "");
    assert_eq!(page.status, 200, "{page:?}");
    let field = |name: &str| {
        let start = format!("name=\"{name}\" value=\"");
        let rest = page.body.split_once(&start).unwrap_or_else(|| panic!("no {name}: {page:?}")).1;
        rest.split_once('"').unwrap().0.replace("&amp;", "&")
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("request", field("request")), ("seal", field("seal")), ("decision", "allow".to_owned())])
        .finish();
    let url = Url::parse(authorize).unwrap();
    let origin = url.origin().ascii_serialization();
    let cookies = page.header("set-cookie").and_then(|cookie| cookie.split_once(';')).map_or("", |(pair, _)| pair);
    let headers = [
        "Content-Type: application/x-www-form-urlencoded",
        &format!("Origin: {origin}"),
        &format!("Cookie: {cookies}"),
    ];
    let answer = ask("POST", &format!("{origin}/authorize"), &headers, &form);
    answer.header("location").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
