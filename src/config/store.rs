//! `[store]`: the evidence store's file, what is signed and kept of it elsewhere, and for how
//! long payloads of the journal stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use super::paths;
use super::section::Section;
use crate::base::NodeId;

/// `[store]`
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The SQLite file.
    pub path: PathBuf,
    /// How long to wait for another process's write lock.
    pub busy_timeout: Duration,
    /// The file signed states of the journal are added to, to be kept elsewhere.
    pub checkpoints: Option<PathBuf>,
    /// After how long new entries are signed at the latest.
    pub checkpoint_every: Duration,
    /// After how many new entries they are signed at the latest.
    pub checkpoint_entries: u64,
    /// Where this node remembers how far the store had come; `None` takes a file beside it.
    high_water: Option<PathBuf>,
    /// `[store.retention]`
    pub retention: RetentionConfig,
}

impl StoreConfig {
    /// Where `node` remembers how far the store had come.
    pub fn high_water(&self, node: &NodeId) -> PathBuf {
        self.high_water.clone().unwrap_or_else(|| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".{node}.high-water"));
            PathBuf::from(name)
        })
    }
}

/// How long something is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TermConfig {
    /// As long as the store.
    Ever,
    /// So many days.
    Days(i32),
    /// So many calendar months; the last day of a month stands for one that it lacks.
    Months(i32),
}

impl TermConfig {
    /// What is older than this day has been kept long enough on `today`; `None` for what is kept
    /// for ever.
    pub fn before(self, today: Date) -> Option<Date> {
        let span: Span = match self {
            Self::Ever => return None,
            Self::Days(days) => days.days(),
            Self::Months(months) => months.months(),
        };
        today.checked_sub(span).ok()
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let expected = "expected \"keep\", or 1 to 1200 months or days such as \"36 months\"";
        if text == "keep" {
            return Ok(Self::Ever);
        }
        let (number, unit) = text.split_once(' ').ok_or(expected)?;
        let number = number.parse().ok().filter(|n| (1..=1200).contains(n)).ok_or(expected)?;
        match unit.trim() {
            "months" => Ok(Self::Months(number)),
            "days" => Ok(Self::Days(number)),
            _ => Err(expected),
        }
    }
}

impl std::fmt::Display for TermConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ever => f.write_str("keep"),
            Self::Days(days) => write!(f, "{days} days"),
            Self::Months(months) => write!(f, "{months} months"),
        }
    }
}

/// `[store.retention]`: how long payloads of the journal are kept. Entries stay for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetentionConfig {
    /// Of decisions.
    pub decisions: TermConfig,
    /// Of what became of copies.
    pub outcomes: TermConfig,
    /// Of service messages.
    pub service: TermConfig,
    /// Of refusals of people about whom there is no evidence.
    pub strangers: TermConfig,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            decisions: TermConfig::Months(36),
            outcomes: TermConfig::Months(36),
            service: TermConfig::Days(90),
            strangers: TermConfig::Months(13),
        }
    }
}

/// `[store]`
pub(super) fn read_store(root: &Section<'_>, base: &Path) -> Option<StoreConfig> {
    let section = super::node::required(root, "store")?;
    let path = section.text("path", "the SQLite file, such as \"consentry.db\"");
    let millis = Duration::from_millis;
    let busy_timeout = section.duration("busy_timeout", millis(100)..=millis(30_000), millis(2000));
    let file = |key: &str| section.text_opt(key).map(|text| paths::resolve(base, &text));
    let (checkpoints, high_water) = (file("checkpoints"), file("high_water"));
    let seconds = Duration::from_secs;
    let checkpoint_every =
        section.duration("checkpoint_every", seconds(1)..=seconds(86_400), seconds(600));
    let checkpoint_entries = section.integer("checkpoint_entries", 100..=1_000_000, 10_000);
    let retention = read_retention(&section);
    section.finish();
    Some(StoreConfig {
        path: paths::resolve(base, &path?),
        busy_timeout,
        checkpoints,
        checkpoint_every,
        checkpoint_entries,
        high_water,
        retention,
    })
}

fn read_retention(store: &Section<'_>) -> RetentionConfig {
    let standard = RetentionConfig::default();
    let Some(section) = store.table_opt("retention") else { return standard };
    let term = |key: &str, default: TermConfig| {
        section.parsed_opt(key, TermConfig::parse).unwrap_or(default)
    };
    let retention = RetentionConfig {
        decisions: term("decisions", standard.decisions),
        outcomes: term("outcomes", standard.outcomes),
        service: term("service", standard.service),
        strangers: term("strangers", standard.strangers),
    };
    section.finish();
    retention
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::TermConfig;

    #[test]
    fn terms_are_counted_by_the_calendar() {
        let before = |text: &str| TermConfig::parse(text).unwrap().before(date(2026, 3, 31));
        assert_eq!(before("13 months"), Some(date(2025, 2, 28)));
        assert_eq!(before("90 days"), Some(date(2025, 12, 31)));
        assert_eq!(before("keep"), None);
        for wrong in ["", "3", "0 days", "-1 months", "2 years", "9999 days", "months 3"] {
            assert!(TermConfig::parse(wrong).is_err(), "{wrong}");
        }
        for text in ["36 months", "90 days", "keep"] {
            assert_eq!(TermConfig::parse(text).unwrap().to_string(), text);
        }
    }
}
