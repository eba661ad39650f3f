//! Pages of a list, in the order of insertion. A cursor names the last row that was shown, not a distance from the
//! start, so that rows which come or go in between make the reader skip or repeat no other.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::answer::Refusal;
use super::query::Query;

/// The query parameters that a list takes.
pub(super) const PARAMETERS: [&str; 2] = ["limit", "cursor"];

const DEFAULT_LIMIT: u16 = 100;
const MAX_LIMIT: u16 = 500;

/// Which rows were asked for: the first `limit` of those whose sequence number is above `after`.
pub(super) struct Page {
    list: &'static str,
    limit: u16,
    after: i64,
}

impl Page {
    /// `list` is the name under which the list's own cursors are known to it.
    pub(super) fn from_query(list: &'static str, query: &Query) -> Result<Page, Refusal> {
        let limit = query
            .get("limit")
            .map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)));
        let limit = limit
            .ok_or_else(|| Refusal::bad_request(format!("`limit` must be a whole number from 1 to {MAX_LIMIT}")))?;
        let after = query.get("cursor").map_or(Some(0), |text| decode(list, text));
        let after = after.ok_or_else(|| Refusal::bad_request("`cursor` must be the `next` of an earlier page"))?;
        Ok(Page { list, limit, after })
    }

    pub(super) fn after(&self) -> i64 {
        self.after
    }

    /// How many rows to read: one more than are shown tells whether there is a next page.
    pub(super) fn rows(&self) -> u32 {
        u32::from(self.limit) + 1
    }

    /// Cuts `rows` to what is shown, and gives the cursor of the page after it.
    pub(super) fn cut<R>(&self, rows: &mut Vec<R>, sequence: impl Fn(&R) -> i64) -> Option<String> {
        let limit = usize::from(self.limit);
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last().map(|row| BASE64.encode(format!("{}:{}", self.list, sequence(row))))
    }
}

fn decode(list: &str, cursor: &str) -> Option<i64> {
    let text = String::from_utf8(BASE64.decode(cursor).ok()?).ok()?;
    text.strip_prefix(list)?.strip_prefix(':')?.parse().ok()
}
