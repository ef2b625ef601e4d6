//! Dates as other systems write them.
//!
//! Only forms that can mean one thing are read: `03/04/2026` needs to be told with a format.

use jiff::fmt::rfc2822::DateTimeParser;

use crate::base::Timestamp;

/// Digits of a Unix time in seconds, for the years 1973 to 2286.
const SECONDS_DIGITS: std::ops::RangeInclusive<usize> = 9..=10;
/// The same in milliseconds.
const MILLIS_DIGITS: std::ops::RangeInclusive<usize> = 12..=13;

/// Reads a date or moment; `None` if it is none we can be sure of.
pub(super) fn read(text: &str, format: Option<&str>) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(format) = format {
        return with_format(text, format);
    }
    Timestamp::parse(text).or_else(|| unix(text)).or_else(|| spoken(text))
}

fn unix(text: &str) -> Option<Timestamp> {
    let digits = text.split_once('.').map_or(text, |(whole, _)| whole);
    if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        n if SECONDS_DIGITS.contains(&n) => Some(Timestamp::from_millis(number * 1000)),
        n if MILLIS_DIGITS.contains(&n) => Some(Timestamp::from_millis(number)),
        _ => None,
    }
}

/// RFC 2822, and civil moments with ` UTC` behind them.
fn spoken(text: &str) -> Option<Timestamp> {
    let (bare, is_utc) = match text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")) {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    if is_utc && let Some(moment) = Timestamp::parse(bare) {
        return Some(moment);
    }
    let zoned = if is_utc { format!("{bare} +0000") } else { text.to_owned() };
    let moment = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(zoned).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

fn with_format(text: &str, format: &str) -> Option<Timestamp> {
    let broken = jiff::fmt::strtime::parse(format, text).ok()?;
    if let Ok(moment) = broken.to_timestamp() {
        return Some(Timestamp::from_millis(moment.as_millisecond()));
    }
    let civil =
        broken.to_datetime().or_else(|_| broken.to_date().map(|d| d.at(0, 0, 0, 0))).ok()?;
    let zoned = civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[track_caller]
    fn check(text: &str, format: Option<&str>, shown: Option<&str>) {
        assert_eq!(read(text, format).map(|t| t.to_string()).as_deref(), shown, "{text}");
    }

    #[test]
    fn reads_what_can_mean_only_one_moment() {
        check("2026-02-05 09:30:00", None, Some("2026-02-05T09:30:00Z"));
        check("1443651141", None, Some("2015-09-30T22:12:21Z"));
        check("1443651141000", None, Some("2015-09-30T22:12:21Z"));
        check("Fri, 21 Oct 2011 11:02:55 UTC", None, Some("2011-10-21T11:02:55Z"));
        check("Fri, 21 Oct 2011 11:02:55 +0200", None, Some("2011-10-21T09:02:55Z"));
        check("2019-12-10 10:00:00 UTC", None, Some("2019-12-10T10:00:00Z"));
        check("03/04/2026", None, None);
        check("12", None, None);
        check("soon", None, None);
    }

    #[test]
    fn reads_any_form_it_is_told() {
        check("03/04/2026", Some("%d/%m/%Y"), Some("2026-04-03T00:00:00Z"));
        check("3.4.2026 17:05", Some("%d.%m.%Y %H:%M"), Some("2026-04-03T17:05:00Z"));
        check("2026-04-03", Some("%d/%m/%Y"), None);
    }
}
