//! What an authority, or somebody on the way, can do to a sign-in, as a table: refused or accepted, as the standards say.

use expect_test::expect;
use serde_json::{Value, json};
use url::Url;

use super::profiles;
use crate::support::Carto;
use crate::support::authority::{Authority, Lie, Signed};
use crate::support::login::{Login, login};

/// What is done, whether it is accepted, and how the id token is signed and changed.
type Row = (&'static str, bool, Signed, fn(&mut Value));

/// Each row is a sign-in of its own, and the authority, or somebody on the way, does it.
#[test]
fn attacks_are_refused_and_clocks_may_differ() {
    fn at(claims: &mut Value, seconds: i64) {
        for name in ["iat", "exp"] {
            claims[name] = (claims[name].as_i64().unwrap() + seconds).into();
        }
    }
    let properly = Signed::Properly;
    let rows: [Row; 22] = [
        ("as it should be", true, properly, |_| {}),
        ("alg: none, without a signature", false, Signed::None, |_| {}),
        ("HS256 with the public key as the secret", false, Signed::WithThePublicKey, |_| {}),
        ("signed by somebody else", false, Signed::BySomebodyElse, |_| {}),
        ("an unknown key", false, Signed::UnderAnotherName, |_| {}),
        ("another issuer", false, properly, |claims| claims["iss"] = "https://auth.evil.com/".into()),
        ("no issuer", false, properly, |claims| claims["iss"] = Value::Null),
        ("for another client", false, properly, |claims| claims["aud"] = "another".into()),
        ("for another client too", false, properly, |claims| claims["aud"] = json!(["the-client", "another"])),
        ("for this client, as a list", true, properly, |claims| claims["aud"] = json!(["the-client"])),
        ("for nobody", false, properly, |claims| claims["aud"] = json!([])),
        ("another authorized party", false, properly, |claims| claims["azp"] = "another".into()),
        ("another nonce", false, properly, |claims| claims["nonce"] = "another".into()),
        ("no nonce", false, properly, |claims| claims["nonce"] = Value::Null),
        ("expired an hour ago", false, properly, |claims| at(claims, -7200)),
        ("no end", false, properly, |claims| claims["exp"] = Value::Null),
        ("a clock two minutes ahead", true, properly, |claims| at(claims, 120)),
        ("a clock two minutes behind, at the end", true, properly, |claims| at(claims, -3600 - 120)),
        ("a clock ten minutes ahead", false, properly, |claims| at(claims, 600)),
        ("a clock ten minutes behind, at the end", false, properly, |claims| at(claims, -3600 - 600)),
        ("not yet to be used, by ten minutes", false, properly, |claims| {
            claims["nbf"] = (claims["iat"].as_i64().unwrap() + 600).into();
        }),
        ("not yet to be used, by two minutes", true, properly, |claims| {
            claims["nbf"] = (claims["iat"].as_i64().unwrap() + 120).into();
        }),
    ];
    let mut table = Vec::new();
    for (what, accepted, signed, change) in rows {
        let (carto, authority) = (Carto::without_kinds(), Authority::start_with(Lie { signed, change }));
        let url = login(&carto, &authority, 3003, "--no-launch-browser").ok().stdout;
        let back = authority.sends_back(&Url::parse(url.trim()).unwrap());
        let output = carto.run("auth login --callback -").stdin(&back).output();
        let why = output.stderr.lines().find_map(|line| line.split("isn't accepted: ").nth(1)).unwrap_or_default();
        assert_eq!((output.status == 0, profiles(&carto).is_some()), (accepted, accepted), "{what}: {output}");
        assert_eq!(why.is_empty(), accepted, "{what}: {output}");
        table.push((what, accepted, why.to_owned()));
    }
    for (what, accepted, why) in answers() {
        table.push((what, accepted, why));
    }
    let row = |(what, accepted, why): &(&str, bool, String)| {
        format!("{what:<42} {:<8} {why}\n", if *accepted { "accepted" } else { "refused" })
    };
    let table: String = table.iter().map(row).collect();
    println!("{table}");
    expect![[r#"
        as it should be                            accepted 
        alg: none, without a signature             refused  its head can't be read, or names no way to sign
        HS256 with the public key as the secret    refused  it is signed in a way that the authority doesn't use (`alg`)
        signed by somebody else                    refused  its signature is wrong
        an unknown key                             refused  it is signed with a key that the authority doesn't name (`kid`)
        another issuer                             refused  it is signed by another issuer (`iss`)
        no issuer                                  refused  it doesn't say what an id token has to
        for another client                         refused  it is for another client (`aud`, `azp`)
        for another client too                     refused  it is for another client (`aud`, `azp`)
        for this client, as a list                 accepted 
        for nobody                                 refused  it is for another client (`aud`, `azp`)
        another authorized party                   refused  it is for another client (`aud`, `azp`)
        another nonce                              refused  it belongs to another sign-in (`nonce`)
        no nonce                                   refused  it belongs to another sign-in (`nonce`)
        expired an hour ago                        refused  it has expired (`exp`)
        no end                                     refused  it doesn't say what an id token has to
        a clock two minutes ahead                  accepted 
        a clock two minutes behind, at the end     accepted 
        a clock ten minutes ahead                  refused  it isn't valid yet (`iat`, `nbf`)
        a clock ten minutes behind, at the end     refused  it has expired (`exp`)
        not yet to be used, by ten minutes         refused  it isn't valid yet (`iat`, `nbf`)
        not yet to be used, by two minutes         accepted 
        a wrong state                              refused  Not the sign-in that is waiting
        no state                                   refused  Not an answer
        the answer to another sign-in              refused  Not the sign-in that is waiting
        the code of another sign-in                refused  `invalid_grant`
        the same answer twice                      refused  Answered already
    "#]].assert_eq(&table);
}

/// What can be wrong with an answer on its way.
fn answers() -> Vec<(&'static str, bool, String)> {
    let (carto, authority) = (Carto::without_kinds(), Authority::start());
    let (one, other) = (Login::start(&carto, &authority, ""), Login::start(&carto, &authority, ""));
    let (back, others) = (authority.sends_back(&one.url), authority.sends_back(&other.url));
    let title = |text: &str| text.split(&['<', '>'][..]).skip_while(|part| *part != "h1").nth(1).unwrap().to_owned();
    let mut rows = Vec::new();
    let mut ask = |what, address: &str| {
        let reply = one.browser(address);
        assert_eq!(reply.status, 400, "{what}: {reply:?}");
        rows.push((what, false, title(&reply.text)));
    };
    ask("a wrong state", &format!("http://127.0.0.1:{}/callback?code=x&state=y", one.port));
    ask("no state", &format!("http://127.0.0.1:{}/callback?code=x", one.port));
    ask("the answer to another sign-in", &others.replace(&other.port.to_string(), &one.port.to_string()));
    // A code that somebody else's browser got, under this sign-in's state: it can't be exchanged with this verifier.
    let query = |address: &str, name: &str| {
        Url::parse(address).unwrap().query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned()
    };
    let injected = format!(
        "http://127.0.0.1:{}/callback?code={}&state={}",
        one.port,
        query(&others, "code"),
        query(&back, "state")
    );
    let page = one.browser(&injected);
    assert!(page.text.contains("You aren't signed in"), "{page:?}");
    let output = one.ended();
    assert_eq!(output.status, 4, "{output}");
    rows.push(("the code of another sign-in", false, "`invalid_grant`".to_owned()));
    assert!(output.stderr.contains("`invalid_grant`") && profiles(&carto).is_none(), "{output}");
    // That code is used up now, as it should be.
    let third = Login::start(&carto, &authority, "");
    let back = authority.sends_back(&third.url);
    let pause = authority.paused();
    assert!(third.asks(&back).text.contains("location: /done"));
    let again = third.asks(&back);
    assert_eq!(again.status, 400, "{again:?}");
    rows.push(("the same answer twice", false, title(&again.text)));
    drop(pause);
    third.browser(&format!("http://127.0.0.1:{}/done", third.port));
    assert_eq!(third.ended().status, 0);
    rows
}
