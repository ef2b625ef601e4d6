//! Ages in calendar months, counted the way that expires earlier.
//!
//! A fact of day D with a limit of N months counts through day D + N (end of month clamped) and
//! no longer: the CASL wording "immediately before the day" read strictly. Days are counted
//! where the territory's clock is furthest ahead, so that a permission never outlives the
//! recipient's own day.

use std::time::Duration;

use jiff::Span;
use jiff::civil::Date;

use super::rules::MonthLimit;
use crate::base::Timestamp;

/// The civil date of `now` where the clock is `offset_hours` ahead of UTC.
pub(super) fn local_date(now: Timestamp, offset_hours: i8) -> Date {
    let ahead = u64::try_from(offset_hours).unwrap_or(0);
    now.after(Duration::from_secs(ahead * 3600)).date()
}

/// Whether something that happened `since` still counts on `today`.
pub(super) fn counts_still(since: Timestamp, limit: MonthLimit, today: Date) -> bool {
    match limit {
        MonthLimit::Unlimited => true,
        MonthLimit::Months(months) => Span::new()
            .try_months(i64::from(months))
            .and_then(|span| since.date().checked_add(span))
            // A sum beyond the calendar's end has not come yet, but nothing that odd counts.
            .is_ok_and(|last| today <= last),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::{counts_still, local_date};
    use crate::base::Timestamp;
    use crate::eligibility::rules::MonthLimit;

    #[track_caller]
    fn check(since: &str, months: u16, last_day: &str) {
        let since = Timestamp::parse(since).unwrap();
        let last: Date = last_day.parse().unwrap();
        assert!(counts_still(since, MonthLimit::Months(months), last), "{last} still counts");
        let next = last.tomorrow().unwrap();
        assert!(!counts_still(since, MonthLimit::Months(months), next), "{next} does not");
    }

    #[test]
    fn the_last_day_counts_and_months_end_early_if_they_must() {
        check("2026-05-01", 6, "2026-11-01");
        check("2025-08-31", 6, "2026-02-28");
        check("2023-08-31", 6, "2024-02-29");
        check("2024-02-29", 12, "2025-02-28");
        check("2026-03-15T23:59:59Z", 0, "2026-03-15");
    }

    #[test]
    fn days_are_counted_where_the_clock_is_ahead() {
        let late = Timestamp::parse("2026-07-31T23:30:00Z").unwrap();
        assert_eq!(local_date(late, 0).to_string(), "2026-07-31");
        assert_eq!(local_date(late, 1).to_string(), "2026-08-01");
        assert_eq!(local_date(late, -5).to_string(), "2026-07-31", "never behind UTC");
    }
}
