//! Answers without data, in the shapes that the client library reads, each with a header that says so.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use url::Url;

use crate::sandbox::answer::{self, Refusal};

/// The header of every answer that would have had data.
pub(super) const NO_DATA: (&str, &str) = ("carto-sandbox", "no data");

/// The result of a statement.
pub(super) fn rows() -> Result<Response, Refusal> {
    ok(&json!({
        "rows": [],
        "schema": [],
        "meta": { "cacheHit": false, "location": "sandbox", "totalBytesProcessed": "0" },
    }))
}

/// What a map is answered first: where its TileJSON is.
pub(super) fn instantiation(mut map: Url) -> Result<Response, Refusal> {
    // The client reads `cache` to see whether data have changed, which never happens here.
    map.query_pairs_mut().append_pair("format", "tilejson").append_pair("cache", "1");
    ok(&json!({ "nrows": 0, "size": 0, "schema": [], "tilejson": { "url": [map.as_str()] } }))
}

/// A map of one empty layer.
pub(super) fn tilejson(mut map: Url) -> Result<Response, Refusal> {
    map.query_pairs_mut().append_pair("formatTiles", "mvt");
    // The placeholders aren't part of the URL yet: as such their braces would be encoded.
    let tiles = map.as_str().replacen('?', "/{z}/{x}/{y}?", 1);
    ok(&json!({
        "tilejson": "2.2.0",
        "name": "sandbox",
        "description": "The sandbox holds no data",
        "version": "1.0.0",
        "attribution": "",
        "scheme": "xyz",
        "tiles": [tiles],
        "properties_tiles": [tiles],
        "minzoom": 0,
        "maxzoom": 22,
        "minresolution": 0,
        "maxresolution": 0,
        "bounds": [-180, -85.0511, 180, 85.0511],
        "center": [0, 0, 0],
        "vector_layers": [{ "id": "default", "minzoom": 0, "maxzoom": 22, "fields": {} }],
        "tilestats": {
            "layerCount": 1,
            "layers": [{ "layer": "default", "count": 0, "attributeCount": 0, "attributes": [] }],
        },
    }))
}

/// A vector tile without layers has no bytes.
pub(super) fn tile() -> Response {
    ([(CONTENT_TYPE.as_str(), "application/vnd.mapbox-vector-tile"), NO_DATA], Vec::new()).into_response()
}

/// The one refusal whose whole body is documented, without a `status`.
pub(super) fn unauthorized_referer() -> Response {
    let body = json!({ "error": "Unauthorized referer" }).to_string();
    (StatusCode::FORBIDDEN, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn ok(value: &Value) -> Result<Response, Refusal> {
    Ok(([NO_DATA], answer::ok(value)?).into_response())
}
