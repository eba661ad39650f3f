//! A double of CARTO's tokens API with as many tokens as a path says, on a free port of this machine: HTTP/1.1 with keep-alive.
//!
//! `GET /N/v3/tokens?limit=L&cursor=C` is a page of N tokens, `GET /N/v3/tokens/tok_…` is one. A request without a bearer gets a 401.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Starts the server, and answers with its address. It ends with this process.
pub(crate) fn start() -> io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that breaks off shows it in its own exit status.
            std::thread::spawn(move || converse(stream));
        }
    });
    Ok(url)
}

/// The id of a token that is always there.
pub(crate) const SOME_ID: &str = "tok_0000000000000007";

fn converse(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((target, has_bearer)) = read_head(&mut reader)? {
        let (status, body) = match answer(&target) {
            _ if !has_bearer => ("401 Unauthorized", r#"{"error":"Token not defined","status":401}"#.to_owned()),
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", r#"{"error":"Token not found","status":404}"#.to_owned()),
        };
        let length = body.len();
        let whole =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(whole.as_bytes())?;
    }
    Ok(())
}

/// The target of the next request, and whether it has a bearer; nothing at the end of the connection. Only `GET` comes here.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<(String, bool)>> {
    let (mut target, mut has_bearer) = (None, false);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        let line = std::mem::take(&mut line);
        if target.is_none() {
            target = Some(line.split(' ').nth(1).unwrap_or_default().to_owned());
        } else {
            has_bearer |= line.to_ascii_lowercase().starts_with("authorization: bearer ");
        }
    }
    Ok(target.map(|target| (target, has_bearer)))
}

fn answer(target: &str) -> Option<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (total, path) = path.strip_prefix('/')?.split_once('/')?;
    let total: usize = total.parse().ok()?;
    let mut body = String::new();
    if let Some(id) = path.strip_prefix("v3/tokens/tok_") {
        let number = id.parse().ok().filter(|number| *number < total)?;
        token(&mut body, number);
        return Some(body);
    }
    let parameter = |name: &str| {
        query.split('&').filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let limit: usize = parameter("limit").map_or(Some(100), |text| text.parse().ok())?;
    let first: usize = parameter("cursor").map_or(Some(0), |text| text.parse().ok())?;
    let end = total.min(first + limit);
    (path == "v3/tokens").then_some(())?;
    body.push_str(r#"{"tokens":["#);
    for number in first..end {
        body.push_str(if number == first { "" } else { "," });
        token(&mut body, number);
    }
    body.push_str(r#"],"next":"#);
    let next = if end < total { format!(r#""{end}""#) } else { "null".to_owned() };
    body.push_str(&next);
    body.push('}');
    Some(body)
}

fn token(body: &mut String, number: usize) {
    let token = format_args!(
        r#"{{"id":"tok_{number:016}","token":null,"name":"nightly-export-{number}","grants":[{{"connection_name":"carto_dw","source":"carto.shared.table_{number}"}},{{"connection_name":"carto_dw","source":"carto.shared.REGION_*"}}],"allowed_apis":["sql","maps"],"referers":[],"expiration_date":null,"created_at":"2026-11-23T10:00:00Z","updated_at":"2026-11-23T10:00:00Z"}}"#
    );
    // A string takes whatever is written.
    let _ = body.write_fmt(token);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let page = |target: &str| answer(target).map(|body| serde_json::from_str::<serde_json::Value>(&body).unwrap());
        let first = page("/3/v3/tokens?limit=2").unwrap();
        assert_eq!((first["tokens"].as_array().unwrap().len(), &first["next"]), (2, &"2".into()));
        let last = page("/3/v3/tokens?limit=2&cursor=2").unwrap();
        assert_eq!(last["tokens"][0]["id"], "tok_0000000000000002");
        assert!(last["next"].is_null());
        assert_eq!(page("/8/v3/tokens/tok_0000000000000007").unwrap()["id"], SOME_ID);
        assert_eq!((page("/3/v3/tokens/tok_9"), page("/3/v3/other"), page("/x/v3/tokens")), (None, None, None));
    }
}
