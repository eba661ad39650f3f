//! What the service granted, held against what was asked. More, or for longer, is an error said loudly: a credential must never reach
//! further than its maker believes.

use carto_plugin_api::{Error, ErrorCode, Result, shell_word};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::grants::Grant;
use crate::wire::Token;

/// What was asked. `None`: this request said nothing about it.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    pub(crate) grants: Option<&'a [Grant]>,
    pub(crate) apis: Option<&'a [String]>,
    pub(crate) referers: Option<&'a [String]>,
    pub(crate) expiry: Option<&'a str>,
}

/// Compares the answer to a write with what was asked. A field that the answer leaves out says nothing.
pub(crate) fn check(asked: &Asked<'_>, answer: &Token) -> Result<()> {
    let mut wider = Vec::new();
    if let (Some(asked), Some(given)) = (asked.grants, &answer.grants) {
        wider.extend(given.iter().filter(|g| !asked.iter().any(|a| a.same_as(g))).map(|g| format!("the grant `{g}`")));
    }
    if let (Some(asked), Some(given)) = (asked.apis, &answer.allowed_apis) {
        wider.extend(given.iter().filter(|api| !asked.contains(api)).map(|api| format!("the API `{api}`")));
    }
    if let (Some(asked), Some(given)) = (asked.referers, &answer.referers) {
        if given.is_empty() && !asked.is_empty() {
            wider.push("any referer".to_owned());
        } else if !asked.is_empty() {
            wider.extend(given.iter().filter(|r| !asked.contains(r)).map(|r| format!("the referer `{r}`")));
        }
    }
    if let Some(asked) = asked.expiry
        && lives_longer(asked, answer)
    {
        wider.push(match &answer.expiration_date {
            Some(given) => format!("an expiry of {given} instead of {asked}"),
            None => format!("no expiry instead of {asked}"),
        });
    }
    if wider.is_empty() {
        return Ok(());
    }
    let what = wider.join(", ");
    let (called, hint) = match answer.handle() {
        Some(id) => {
            (format!("the token `{id}`"), format!("delete it: `carto credentials delete token {}`", shell_word(&id)))
        }
        None => ("the new token".to_owned(), "find it and delete it: `carto credentials list tokens`".to_owned()),
    };
    let message = format!("{called} exists, but the service gave it more than was asked: {what}");
    Err(Error::new(ErrorCode::WiderThanAsked, message).hint(hint))
}

/// Whether the answer shows an expiry later than asked, one that can't be read, or none. An answer that shows nothing but the token
/// (documented as the least that comes) doesn't speak of it.
fn lives_longer(asked: &str, answer: &Token) -> bool {
    let speaks = answer.grants.is_some() || answer.created_at.is_some();
    match &answer.expiration_date {
        None => speaks,
        Some(given) => match (moment(asked), moment(given)) {
            (Some(asked), Some(given)) => given > asked,
            _ => true,
        },
    }
}

/// A time, or the midnight in UTC of a date: the form in which the service answers isn't documented.
fn moment(text: &str) -> Option<Timestamp> {
    let of_date =
        || text.parse::<Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok().map(|midnight| midnight.timestamp());
    text.parse().ok().or_else(of_date)
}
