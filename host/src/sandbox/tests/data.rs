//! The data APIs through the router: who is let in, in which order it is decided, and what is answered without data.

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use serde_json::{Value, json};

use super::{Fixture, Reply, grant, token_body, with};
use crate::sandbox::{Sandbox, Switches};

const NOTHING_HERE: &str = "You don't have permissions to read this resource";
const TABLE: &str = "/v3/maps/carto_dw/table?name=carto.shared.demo";

/// A request to a data API, to be continued.
fn ask(bearer: &str, method: &str, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:8765")
        .header("authorization", format!("Bearer {bearer}"))
}

impl Fixture {
    fn data(&self, bearer: &str, path: &str) -> Reply {
        self.send(ask(bearer, "GET", path).body(Body::empty()).unwrap())
    }

    fn asked_by(&self, bearer: &str, headers: &[(&str, &str)]) -> Reply {
        let request =
            headers.iter().fold(ask(bearer, "GET", TABLE), |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::empty()).unwrap())
    }

    fn post(&self, bearer: &str, path: &str, body: &Value) -> Reply {
        self.send(
            ask(bearer, "POST", path)
                .header("content-type", "application/json")
                .body(Body::from(body.to_string()))
                .unwrap(),
        )
    }

    /// The same data at another time.
    fn at(self, clock: &str) -> Fixture {
        let switches = Switches::parse(&format!("clock={clock}")).unwrap();
        let sandbox = Sandbox::open(&self.database(), switches).unwrap();
        Fixture { router: sandbox.router(), sandbox, ..self }
    }

    fn text_of(&self, body: Value) -> String {
        self.token(body)["token"].as_str().unwrap().to_owned()
    }
}

/// A token for both APIs with these sources in `carto_dw`.
fn reaching(sources: &[&str]) -> Value {
    let grants: Vec<Value> = sources.iter().map(|source| grant(source)).collect();
    json!({ "grants": grants, "allowed_apis": ["sql", "maps"] })
}

#[test]
fn a_statement_is_answered_without_rows() {
    let it = Fixture::new();
    let token = it.text_of(reaching(&["SELECT 1 AS one"]));
    let expected = json!({
        "rows": [],
        "schema": [],
        "meta": { "cacheHit": false, "location": "sandbox", "totalBytesProcessed": "0" },
    });
    let long =
        it.post(&token, "/v3/sql/carto_dw/query", &json!({ "v": "3.4", "client": "c4react", "q": "select 1 as one;" }));
    for reply in [it.data(&token, "/v3/sql/carto_dw/query?v=3.4&client=x&q=SELECT%201%20AS%20one"), long] {
        assert_eq!(reply.header("carto-sandbox"), Some("no data"));
        assert_eq!(reply.ok(), expected);
    }
}

#[test]
fn a_map_leads_to_an_empty_tile() {
    let it = Fixture::new();
    let token = it.text_of(reaching(&["a b.*", "SELECT \"x\" FROM t", "dw.p.*"]));
    let cases = [
        ("table", "name=dw.p.t"),
        ("tileset", "name=dw.p.t"),
        ("query", "q=SELECT+%22x%22+FROM+t"),
        ("boundary", "tilesetTableName=dw.p.t&propertiesTableName=dw.p.u"),
        ("boundary", "tilesetTableName=dw.p.t&propertiesSqlQuery=SELECT+%22x%22+FROM+t"),
    ];
    for (map_type, query) in cases {
        let path = |address: &str| address.strip_prefix("http://127.0.0.1:8765").unwrap().to_owned();
        let first = it.data(&token, &format!("/v3/maps/carto_dw/{map_type}?v=3.4&columns=a&{query}")).ok();
        let address = first["tilejson"]["url"][0].as_str().unwrap();
        assert_eq!(
            address,
            format!("http://127.0.0.1:8765/v3/maps/carto_dw/{map_type}?{query}&format=tilejson&cache=1")
        );

        let tilejson = it.data(&token, &format!("{}&client=x", path(address))).ok();
        let tiles = tilejson["tiles"][0].as_str().unwrap();
        assert_eq!(
            tiles,
            format!("http://127.0.0.1:8765/v3/maps/carto_dw/{map_type}/{{z}}/{{x}}/{{y}}?{query}&formatTiles=mvt")
        );

        let tile = path(tiles).replace("{z}", "3").replace("{x}", "1").replace("{y}", "2");
        let reply = it.data(&token, &tile);
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
        assert_eq!(reply.header("content-type"), Some("application/vnd.mapbox-vector-tile"));
        assert_eq!(reply.header("carto-sandbox"), Some("no data"));

        // Each of the three is asked for anew, by others too.
        let other = it.text_of(reaching(&["other.table"]));
        for path in [path(address), tile] {
            it.data(&other, &path).refused(403, NOTHING_HERE);
        }
    }
}

#[test]
fn a_connection_with_strange_letters_stays_one_segment() {
    let it = Fixture::new();
    let body = json!({ "grants": [{ "connection_name": "a/b ?é", "source": "x.y" }], "allowed_apis": ["maps"] });
    let token = it.text_of(body);
    let first = it.data(&token, "/v3/maps/a%2Fb%20%3F%C3%A9/table?name=x.y").ok();
    let expected = "http://127.0.0.1:8765/v3/maps/a%2Fb%20%3F%C3%A9/table?name=x.y&format=tilejson&cache=1";
    assert_eq!(first["tilejson"]["url"][0], expected);
    it.data(&token, expected).ok();
}

#[test]
fn the_owners_bearer_opens_everything() {
    let it = Fixture::new();
    let bearer = it.sandbox.bearer().to_owned();
    it.data(&bearer, "/v3/sql/any/query?q=SELECT%202").ok();
    it.asked_by(&bearer, &[("origin", "https://anywhere.example.com")]).ok();
    it.data(&bearer, "/v3/sql/any/query").refused(400, "The parameter `q` is required");
}

#[test]
fn an_access_token_of_the_authority_is_the_owners() {
    let it = Fixture::new();
    let client = it.call("POST", "/v3/oauth-clients?type=m2m", json!({ "title": "Nightly" })).ok();
    let asked = json!({
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "audience": "carto-cloud-native-api",
    });
    let request =
        Request::post("/oauth/token").header("host", "127.0.0.1:8765").header("content-type", "application/json");
    let given = it.send(request.body(Body::from(asked.to_string())).unwrap()).ok();
    let bearer = given["access_token"].as_str().unwrap();
    it.data(bearer, "/v3/sql/any/query?q=SELECT%202").ok();
    it.data(bearer, "/v3/maps/any/table?name=x.y").ok();

    // A day later it says why it isn't any more.
    let it = it.at("2026-11-24T10:00:00Z");
    let reply = it.data(bearer, TABLE);
    assert!(reply.status == 401 && reply.text.contains("expired"), "{}", reply.text);
    let it = it.at("2026-11-24T09:59:59Z");
    it.data(bearer, TABLE).ok();
    assert_eq!(it.delete(&format!("/v3/oauth-clients/{}", client["client_id"].as_str().unwrap())).status, 204);
    assert_eq!(it.data(bearer, TABLE).status, 401);
}

#[test]
fn a_stranger_is_told_nothing_else() {
    let it = Fixture::new();
    let stranger = Fixture::new().text_of(token_body());
    for path in [TABLE, "/v3/sql/carto_dw/query", "/v3/maps/carto_dw/tileset/0/0/0", "/v3/maps/carto_dw/query?q=a&q=b"]
    {
        for bearer in [stranger.as_str(), "", "x", "a.b.c"] {
            it.data(bearer, path).refused(401, "Token not defined");
        }
        let none = Request::get(path).header("host", "127.0.0.1").body(Body::empty()).unwrap();
        it.send(none).refused(401, "Token not defined");
    }
    it.post("x", "/v3/sql/carto_dw/query", &json!([])).refused(401, "Token not defined");
}

/// Each request is wrong in one way less than the one before.
#[test]
fn it_is_decided_in_a_fixed_order() {
    let body = |apis: Value, source: &str| {
        json!({
            "grants": [grant(source)],
            "allowed_apis": apis,
            "referers": ["https://app.example.com/*"],
        })
    };
    let it = Fixture::new();
    let ending = it.text_of(with(body(json!(["sql"]), "a.b"), "expiration_date", json!("2026-11-23T10:00:01Z")));
    let sql_only = it.text_of(body(json!(["sql"]), "a.b"));
    let elsewhere = it.text_of(body(json!(["maps"]), "a.b"));
    let here = it.text_of(body(json!(["maps"]), "carto.shared.demo"));

    let it = it.at("2026-11-23T10:00:01Z");
    let origin = [("origin", "https://evil.example.com")];

    let nameless = |bearer: &str| it.data(bearer, "/v3/maps/carto_dw/table");
    nameless("x").refused(401, "Token not defined");
    nameless(&ending).refused(401, "The token has expired");
    nameless(&sql_only).refused(403, "The token does not allow this API");
    nameless(&elsewhere).refused(400, "The parameter `name` is required");
    it.asked_by(&elsewhere, &origin).refused(403, NOTHING_HERE);
    let reply = it.asked_by(&here, &origin);
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (403, r#"{"error":"Unauthorized referer"}"#));
    it.asked_by(&here, &[]).ok();
}

#[test]
fn a_token_works_until_its_last_second() {
    let it = Fixture::new();
    let token = it.text_of(with(token_body(), "expiration_date", json!("2026-11-23T10:00:01Z")));
    it.data(&token, TABLE).ok();
}

#[test]
fn what_a_grant_opens_depends_on_the_api() {
    let it = Fixture::new();
    let table = it.text_of(reaching(&["carto.shared.demo"]));
    let statement = it.text_of(reaching(&["SELECT 1 AS one"]));
    let all = it.text_of(reaching(&["*"]));
    let raw = "/v3/sql/carto_dw/query?q=SELECT%20*%20FROM%20carto.shared.demo";
    it.data(&table, raw).refused(403, NOTHING_HERE);
    it.data(&table, "/v3/sql/other/query?q=carto.shared.demo").refused(403, NOTHING_HERE);
    it.data(&table, "/v3/maps/carto_dw/table?name=carto.shared.other").refused(403, NOTHING_HERE);
    it.data(&table, "/v3/maps/other/table?name=carto.shared.demo").refused(403, NOTHING_HERE);
    it.data(&statement, TABLE).refused(403, NOTHING_HERE);
    it.data(&statement, "/v3/maps/carto_dw/query?q=select%201%20as%20one").ok();
    it.data(&table, "/v3/maps/carto_dw/boundary?tilesetTableName=carto.shared.demo&propertiesTableName=a.b")
        .refused(403, NOTHING_HERE);
    for path in [TABLE, raw] {
        it.data(&all, path).ok();
    }
}

#[test]
fn a_change_takes_effect_at_once() {
    let it = Fixture::new();
    let record = it.token(token_body());
    let (path, token) = (format!("/v3/tokens/{}", record["id"].as_str().unwrap()), record["token"].as_str().unwrap());
    it.data(token, TABLE).ok();
    it.call("PATCH", &path, json!({ "grants": [grant("a.b")] })).ok();
    it.data(token, TABLE).refused(403, NOTHING_HERE);
    it.call("PATCH", &path, json!({ "grants": [grant("carto.*.demo")], "allowed_apis": ["lds"] })).ok();
    it.data(token, TABLE).refused(403, "The token does not allow this API");
    it.call("PATCH", &path, json!({ "allowed_apis": ["maps"] })).ok();
    it.data(token, TABLE).ok();
    assert_eq!(it.delete(&path).status, 204);
    it.data(token, TABLE).refused(401, "Token not defined");
}

#[test]
fn the_page_is_the_referer_or_else_the_origin() {
    let it = Fixture::new();
    let token = it.text_of(with(token_body(), "referers", json!(["http://localhost:5173*"])));
    let cases: [(&[(&str, &str)], bool); 8] = [
        (&[], true),
        (&[("referer", "https://evil.example.com/")], true),
        (&[("origin", "http://localhost:5173"), ("referer", "http://localhost:5173/")], true),
        (&[("origin", "https://evil.example.com"), ("referer", "http://localhost:5173/maps")], true),
        (&[("origin", "http://localhost:5173"), ("referer", "https://evil.example.com/")], false),
        (&[("origin", "http://localhost:5173")], false),
        (&[("origin", "null")], false),
        (&[("origin", "http://localhost:51731"), ("origin", "http://localhost:51731")], false),
    ];
    for (headers, expected) in cases {
        let reply = it.asked_by(&token, headers);
        assert_eq!(reply.status == 200, expected, "{headers:?}: {}", reply.text);
    }
}

#[test]
fn a_request_that_names_nothing_or_two_things_is_refused() {
    let it = Fixture::new();
    let all = it.text_of(reaching(&["*"]));
    let cases = [
        ("/v3/sql/dw/query", "The parameter `q` is required"),
        ("/v3/sql/dw/query?q=%20", "The parameter `q` is required"),
        ("/v3/sql/dw/query?q=a%20b&q=c%20d", "The query parameter `q` stands there twice"),
        ("/v3/maps/dw/table?q=a%20b", "The parameter `name` is required"),
        ("/v3/maps/dw/boundary?tilesetTableName=a", "The parameter `propertiesTableName` is required"),
        ("/v3/maps/dw/table/0/0/x?name=a.b", "The path is not UTF-8, or not that of a tile"),
        ("/v3/maps/%FF/table?name=a.b", "The path is not UTF-8, or not that of a tile"),
    ];
    for (path, message) in cases {
        it.data(&all, path).refused(400, message);
    }
    let post = |path: &str, body: Value| it.post(&all, path, &body);
    post("/v3/sql/dw/query?q=a%20b", json!({ "q": "c d" })).refused(400, "`q` stands both in the URL and in the body");
    post("/v3/sql/dw/query", json!({ "q": 7 })).refused(400, "`q` must be a string");
    post("/v3/sql/dw/query", json!([])).refused(400, "The body must be a JSON object");
    let without_type = ask(&all, "POST", "/v3/sql/dw/query").body(Body::from("q=a")).unwrap();
    it.send(without_type).refused(415, "The body must be JSON, with the content type `application/json`");
    let elsewhere = Request::get(TABLE).header("host", "evil.example.com").body(Body::empty()).unwrap();
    it.send(elsewhere).refused(421, "The sandbox answers this at `127.0.0.1`, `localhost` and `[::1]` only");
}

#[test]
fn a_browser_may_ask_from_anywhere() {
    let it = Fixture::new();
    let question = Request::builder()
        .method("OPTIONS")
        .uri("/v3/sql/dw/query")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let reply = it.send(question.body(Body::empty()).unwrap());
    assert_eq!(reply.status, 204);
    let header = |name: &str| reply.header(name).unwrap_or_default().to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("access-control-allow-methods"), "GET, POST");
    assert_eq!(header("access-control-allow-headers"), "Authorization, *");

    // A page has to be able to read why it was refused.
    let token = it.text_of(with(token_body(), "referers", json!(["https://app.example.com/"])));
    for headers in [
        &[("origin", "https://app.example.com"), ("referer", "https://app.example.com/")][..],
        &[("origin", "https://b")],
    ] {
        let reply = it.asked_by(&token, headers);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{}", reply.status);
        assert_eq!(reply.header("access-control-expose-headers"), Some("carto-sandbox"));
    }
    // Other routes say nothing of the sort.
    assert_eq!(it.get("/v3/tokens").header("access-control-allow-origin"), None);
}

#[test]
fn what_else_is_there_says_its_name() {
    let it = Fixture::new();
    let cases = [
        ("GET", "/v3/sql/carto_dw/model/category?source=x", "GET /v3/sql/{connection}/model/…"),
        ("POST", "/v3/sql/carto_dw/job", "POST /v3/sql/{connection}/job"),
        ("GET", "/v3/maps/carto_dw/raster?name=a.b", "GET /v3/maps/{connection}/raster"),
        ("GET", "/v3/maps/public/0a1b", "GET /v3/maps/{connection}/0a1b"),
        ("GET", "/v3/stats/carto_dw/x", "GET /v3/stats/…"),
        ("GET", "/v3/sql", "GET /v3/sql"),
    ];
    for (method, path, named) in cases {
        let request =
            Request::builder().method(method).uri(path).header("host", "localhost").body(Body::empty()).unwrap();
        it.send(request).refused(501, &format!("the sandbox does not implement {named}"));
    }
    let wrong = ask("", "DELETE", "/v3/sql/carto_dw/query").body(Body::empty()).unwrap();
    it.send(wrong).refused(405, "Method not allowed");
}
