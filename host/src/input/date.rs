//! Dates as people write them: an ISO date, an RFC 3339 time, or a time from now by the calendar.

use carto_plugin_api::ErrorCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::error::{Error, Result};

const FORMS: &str = "write a date (2027-01-01), a time (2027-01-01T12:00:00Z), or a time from now (7d, 2w, 6m, 1y)";

/// The moment in RFC 3339, UTC, to the second. A date is its midnight in UTC; months and years are the calendar's (a month after
/// 31 January is the last of February).
pub(super) fn parse(text: &str, now: Timestamp) -> Result<String> {
    let moment = date(text).or_else(|| time(text)).or_else(|| from_now(text, now));
    match moment {
        Some(moment) => Ok(shown(moment)),
        None => Err(Error::new(ErrorCode::InvalidArgument, format!("`{text}` isn't a date")).hint(FORMS)),
    }
}

/// RFC 3339, UTC, whole seconds.
pub(crate) fn shown(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn date(text: &str) -> Option<Timestamp> {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let date: Date = form.then(|| text.parse().ok())??;
    Some(date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

fn time(text: &str) -> Option<Timestamp> {
    // jiff reads more than RFC 3339; a date without `T` or an offset would be a guess.
    (text.contains(['T', 't']) && !text.contains('[')).then(|| text.parse().ok())?
}

/// So long after a moment, by the calendar: `7d`, `2w`, `6m`, `1y`.
pub(crate) fn from_now(text: &str, now: Timestamp) -> Option<Timestamp> {
    let unit = text.chars().last()?;
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: i64 = digits.parse().ok()?;
    let span = match unit {
        'd' => Span::new().try_days(count),
        'w' => Span::new().try_weeks(count),
        'm' => Span::new().try_months(count),
        'y' => Span::new().try_years(count),
        _ => return None,
    };
    Some(now.to_zoned_datetime(TimeZone::UTC).checked_add(span.ok()?).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(now: &str, text: &str) -> Result<String> {
        parse(text, now.parse().unwrap())
    }

    #[test]
    fn dates_people_write() {
        let cases = [
            ("2027-01-01", "2027-01-01T00:00:00Z"),
            ("2028-02-29", "2028-02-29T00:00:00Z"),
            ("2027-01-01T12:30:00Z", "2027-01-01T12:30:00Z"),
            ("2027-01-01T12:30:00+02:00", "2027-01-01T10:30:00Z"),
            ("2027-01-01T12:30:00.75Z", "2027-01-01T12:30:00Z"),
            ("7d", "2027-02-07T10:00:00Z"),
            ("2w", "2027-02-14T10:00:00Z"),
            ("1m", "2027-02-28T10:00:00Z"),
            ("13m", "2028-02-29T10:00:00Z"),
            ("1y", "2028-01-31T10:00:00Z"),
            ("0d", "2027-01-31T10:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(at("2027-01-31T10:00:00Z", text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn other_words_are_refused_with_the_forms() {
        for text in [
            "",
            "d",
            "7",
            "7D",
            "-7d",
            "7 d",
            "2027-1-1",
            "2027-02-30",
            "20270101",
            "2027-01-01 12:00",
            "2027-01-01T12:00:00",
            "99999y",
            "999999d",
            "tomorrow",
            "2027-01-01T12:00:00Z[UTC]",
            "٧d",
            "1é",
        ] {
            let error = at("2027-01-31T10:00:00Z", text).unwrap_err();
            assert_eq!(error.hint.as_deref(), Some(FORMS), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_from_now_never_lies_before_it(count in 0u32..2000, unit in "[dwmy]", now in 0i64..4_000_000_000) {
            let now = Timestamp::from_second(now).unwrap();
            let then: Timestamp = parse(&format!("{count}{unit}"), now).unwrap().parse().unwrap();
            prop_assert!(then >= now);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            let _ = at("2027-01-31T10:00:00Z", &text);
        }
    }
}
