//! What a request to create or change a token may say. Whether a name is free is the rows' business.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::source::Source;
use crate::sandbox::answer::Refusal;
use crate::sandbox::body::Fields;
use crate::sandbox::whole_seconds;

const FIELDS: [&str; 5] = ["name", "grants", "allowed_apis", "referers", "expiration_date"];

/// One connection and what it lets the token reach there; the source stays as it was written.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Grant {
    pub(in crate::sandbox) connection_name: String,
    pub(in crate::sandbox) source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::sandbox) enum Api {
    Sql,
    Maps,
    Imports,
    Lds,
}

/// A token to be created. Without a name it gets one.
pub(super) struct Wanted {
    pub(super) name: Option<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) allowed_apis: Vec<Api>,
    pub(super) referers: Vec<String>,
    pub(super) expiration_date: Option<Timestamp>,
}

impl Wanted {
    pub(super) fn from_fields(fields: &Fields, now: Timestamp) -> Result<Wanted, Refusal> {
        fields.only(&FIELDS)?;
        Ok(Wanted {
            name: name(fields)?,
            grants: grants(fields)?.ok_or_else(|| fields.wrong("grants", "is required: at least one grant"))?,
            allowed_apis: allowed_apis(fields)?
                .ok_or_else(|| fields.wrong("allowed_apis", "is required: at least one API"))?,
            referers: referers(fields)?.unwrap_or_default(),
            expiration_date: expiration_date(fields, now)?,
        })
    }
}

/// What is to be changed. Each field that is there replaces the old value as a whole.
pub(super) struct Changes {
    pub(super) name: Option<String>,
    pub(super) grants: Option<Vec<Grant>>,
    pub(super) allowed_apis: Option<Vec<Api>>,
    pub(super) referers: Option<Vec<String>>,
}

impl Changes {
    pub(super) fn from_fields(fields: &Fields) -> Result<Changes, Refusal> {
        fields.only(&FIELDS)?;
        if fields.has("expiration_date") {
            return Err(Refusal::bad_request("expiration_date cannot be changed"));
        }
        if fields.is_empty() {
            return Err(Refusal::bad_request("There is nothing to change in an empty body"));
        }
        Ok(Changes {
            name: name(fields)?,
            grants: grants(fields)?,
            allowed_apis: allowed_apis(fields)?,
            referers: referers(fields)?,
        })
    }
}

fn name(fields: &Fields) -> Result<Option<String>, Refusal> {
    match fields.text("name")? {
        Some(name) if name.trim().is_empty() => Err(fields.wrong("name", "must not be empty")),
        name => Ok(name),
    }
}

fn grants(fields: &Fields) -> Result<Option<Vec<Grant>>, Refusal> {
    let Some(objects) = fields.objects("grants")? else { return Ok(None) };
    if objects.is_empty() {
        return Err(fields.wrong("grants", "must hold at least one grant"));
    }
    let mut seen = HashSet::new();
    let mut grants = Vec::with_capacity(objects.len());
    for object in &objects {
        object.only(&["connection_name", "source"])?;
        let connection_name = required(object, "connection_name")?;
        let source = required(object, "source")?;
        if connection_name.trim().is_empty() {
            return Err(object.wrong("connection_name", "must not be empty"));
        }
        let parsed = Source::parse(&source).map_err(|problem| object.wrong("source", &problem))?;
        if !seen.insert((connection_name.clone(), parsed)) {
            return Err(object.wrong("source", "repeats a grant of the same connection"));
        }
        grants.push(Grant { connection_name, source });
    }
    Ok(Some(grants))
}

fn required(object: &Fields, name: &str) -> Result<String, Refusal> {
    object.text(name)?.ok_or_else(|| object.wrong(name, "is required"))
}

fn allowed_apis(fields: &Fields) -> Result<Option<Vec<Api>>, Refusal> {
    let Some(names) = fields.texts("allowed_apis")? else { return Ok(None) };
    let wrong = |problem: &str| fields.wrong("allowed_apis", problem);
    if names.is_empty() {
        return Err(wrong("must hold at least one API"));
    }
    let mut apis = Vec::with_capacity(names.len());
    for name in &names {
        let api = match name.as_str() {
            "sql" => Api::Sql,
            "maps" => Api::Maps,
            "imports" => Api::Imports,
            "lds" => Api::Lds,
            _ => return Err(wrong(&format!("knows no API `{name}`; there are sql, maps, imports and lds"))),
        };
        if apis.contains(&api) {
            return Err(wrong(&format!("holds `{name}` twice")));
        }
        apis.push(api);
    }
    if apis.len() > 1 && apis.contains(&Api::Imports) {
        return Err(wrong("cannot combine `imports` with other APIs"));
    }
    Ok(Some(apis))
}

fn referers(fields: &Fields) -> Result<Option<Vec<String>>, Refusal> {
    let referers = fields.texts("referers")?;
    // An empty one would match no page at all, where an empty list lets every page in.
    if referers.iter().flatten().any(|referer| referer.trim().is_empty()) {
        return Err(fields.wrong("referers", "must not hold an empty referer"));
    }
    Ok(referers)
}

fn expiration_date(fields: &Fields, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(Some(text)) = fields.text_or_null("expiration_date")? else { return Ok(None) };
    let time = rfc3339(&text)
        .ok_or_else(|| fields.wrong("expiration_date", "must be an RFC 3339 time such as `2027-01-31T10:00:00Z`"))?;
    // Cut, never rounded up: a token must not live longer than was asked.
    let time = whole_seconds(time);
    if time <= now {
        return Err(fields.wrong("expiration_date", "must be in the future"));
    }
    Ok(Some(time))
}

/// `YYYY-MM-DDTHH:MM:SS`, a fraction if any, and an offset. `jiff` alone would take more forms than that.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let (whole, rest) = text.split_at_checked(19)?;
    let shaped = whole.bytes().zip(*b"0000-00-00T00:00:00").all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'T' => byte.eq_ignore_ascii_case(&b'T'),
        _ => byte == shape,
    });
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let offset_shaped = match offset.as_bytes() {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    };
    if shaped && offset_shaped { text.parse().ok() } else { None }
}
