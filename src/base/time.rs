//! Moments as milliseconds since the Unix epoch, and their civil dates.
//!
//! The store keeps the integer; the law speaks of dates, so both views live on one type.
//! There is deliberately no `now()`: the clock is a port of `relay`.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after (or before, if negative) the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Midnight UTC at the start of `date`.
    pub fn from_date(date: Date) -> Self {
        let days =
            date.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()));
        Self(days * 86_400_000)
    }

    /// Reads RFC 3339 (`2026-02-05T09:00:00Z`, with or without offset) or a bare date
    /// (`2026-02-05`, taken as midnight UTC). `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(Self(moment.as_millisecond()));
        }
        if let Ok(date) = text.parse::<Date>()
            && text.len() <= 10
        {
            return Some(Self::from_date(date));
        }
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        let zoned = civil.to_zoned_datetime(TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    /// The civil date of this moment in UTC.
    pub fn date(self) -> Date {
        self.date_in(&TimeZone::UTC)
    }

    /// The civil date of this moment in `zone`.
    pub fn date_in(self, zone: &TimeZone) -> Date {
        self.to_jiff().to_zoned_datetime(zone.clone()).date()
    }

    /// This moment plus `span`, saturating at the end of representable time.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long after `earlier` this moment lies; zero if it does not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 5322 §3.3 date-time in UTC, as trace fields carry it.
    pub fn to_rfc5322(self) -> String {
        self.to_jiff()
            .to_zoned_datetime(TimeZone::UTC)
            .strftime("%a, %d %b %Y %H:%M:%S +0000")
            .to_string()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 moment or a date"))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[track_caller]
    fn check(text: &str, shown: Option<&str>) {
        assert_eq!(Timestamp::parse(text).map(|t| t.to_string()).as_deref(), shown);
    }

    #[test]
    fn reads_dates_and_moments() {
        check("2026-02-05", Some("2026-02-05T00:00:00Z"));
        check("2026-02-05T09:30:00+01:00", Some("2026-02-05T08:30:00Z"));
        check("2026-02-05T09:30:00", Some("2026-02-05T09:30:00Z"));
        check("1969-12-31", Some("1969-12-31T00:00:00Z"));
        check("yesterday", None);
        check("2026-02-30", None);
        check("", None);
    }

    #[test]
    fn survives_its_own_text() {
        let moment = Timestamp::from_millis(1_764_000_000_123);
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(moment.to_rfc5322(), "Mon, 24 Nov 2025 16:00:00 +0000");
    }
}
