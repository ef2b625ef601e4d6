//! Reading as much PromQL as it takes to find metric names, label matchers and groupings.

use std::collections::{BTreeMap, BTreeSet};

use crate::telemetry::{
    ClassLabel, Entry, FaultLabel, FooterOutcome, Kind, Label, LoginLabel, ModeLabel, OutcomeLabel,
    RefusalLabel, ReloadResult, ReplyLabel, StoreFile, StoreOperation, SubjectLabel,
    UnsubscribeResult, UpstreamConnectionFault, UpstreamReplyLabel, VerdictLabel, entries,
};

/// A metric and what its labels must be like.
#[derive(Debug)]
pub struct Selector {
    pub metric: String,
    pub matchers: Vec<(String, String)>,
}

impl Selector {
    /// The entry of the catalogue whose series it selects.
    pub fn entry(&self) -> Option<&'static Entry> {
        entries().find(|entry| {
            let suffix = self.metric.strip_prefix(entry.name);
            match entry.kind {
                Kind::Histogram => {
                    suffix.is_some_and(|s| ["_bucket", "_sum", "_count"].contains(&s))
                }
                Kind::Counter | Kind::Gauge => suffix == Some(""),
            }
        })
    }
}

/// The labels the outermost aggregation keeps, if there is one.
#[derive(Debug)]
pub struct Grouping {
    pub by: Option<BTreeSet<String>>,
}

/// Every metric of `expr`, with its matchers.
pub fn selectors(expr: &str) -> Vec<Selector> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    let mut rest = expr;
    while let Some(at) = rest.find(is_name) {
        let end = rest[at..].find(|c| !is_name(c)).map_or(rest.len(), |length| at + length);
        let (name, after) = (&rest[at..end], &rest[end..]);
        rest = after;
        let is_metric = ["consentry_", "process_"].iter().any(|p| name.starts_with(p))
            || name.contains(':')
            || name == "up";
        let (inside, outside) = match after.strip_prefix('{') {
            Some(inside) => inside.split_once('}').unwrap(),
            None => ("", after),
        };
        if is_metric {
            found.push(Selector { metric: name.to_owned(), matchers: matchers(inside) });
            rest = outside;
        } else if let Some(quoted) = after.strip_prefix('"') {
            rest = quoted.split_once('"').unwrap().1;
        }
    }
    found
}

fn matchers(text: &str) -> Vec<(String, String)> {
    let split = |matcher: &str| {
        let (label, value) = matcher.split_once('=').unwrap();
        let value = value.trim_start_matches('~').trim_matches('"');
        (label.trim_end_matches('!').trim().to_owned(), value.to_owned())
    };
    text.split(',').filter(|matcher| !matcher.is_empty()).map(split).collect()
}

/// The first `by (…)` or `sum(…)` of `expr`: expressions here put the outermost first.
pub fn grouping(expr: &str) -> Grouping {
    let by = expr.split("by (").nth(1).map(|list| {
        let list = list.split(')').next().unwrap();
        list.split(", ").map(str::to_owned).collect()
    });
    Grouping { by }
}

/// Checks that every name in `expr` is known.
#[track_caller]
pub fn check_expression(place: &str, expr: &str, recorded: &BTreeMap<&str, BTreeSet<String>>) {
    let mut known: BTreeSet<&str> = ["job", "instance", "le"].into();
    let found = selectors(expr);
    assert!(!found.is_empty(), "{place}: no metric in {expr}");
    for selector in &found {
        if let Some(labels) = recorded.get(selector.metric.as_str()) {
            known.extend(labels.iter().map(String::as_str));
        } else if selector.metric != "up" {
            let entry = selector.entry();
            let entry = entry.unwrap_or_else(|| panic!("{place}: {} unknown", selector.metric));
            known.extend(entry.labels);
            check_matchers(place, entry, &selector.matchers);
        }
    }
    for list in expr.split("by (").skip(1) {
        for label in list.split(')').next().unwrap().split(", ") {
            assert!(known.contains(label), "{place}: {label} is no label of {expr}");
        }
    }
}

#[track_caller]
fn check_matchers(place: &str, entry: &Entry, matchers: &[(String, String)]) {
    for (label, value) in matchers {
        if ["job", "instance"].contains(&label.as_str()) {
            continue;
        }
        assert!(entry.labels.contains(&label.as_str()), "{place}: {} has no {label}", entry.name);
        let Some(values) = closed_values(entry.name, label) else { continue };
        for value in value.split('|') {
            assert!(values.contains(&value), "{place}: {label} is never {value}");
        }
    }
}

/// The values a label of a metric may have, where they are a closed set.
fn closed_values(metric: &str, label: &str) -> Option<Vec<&'static str>> {
    fn all<L: Label>() -> Option<Vec<&'static str>> {
        Some(L::ALL.iter().map(|label| label.as_str()).collect())
    }
    match (metric, label) {
        (_, "class") => all::<ClassLabel>(),
        (_, "mode") => all::<ModeLabel>(),
        (_, "verdict") => all::<VerdictLabel>(),
        (_, "reply") => all::<ReplyLabel>(),
        (_, "code") => all::<UpstreamReplyLabel>(),
        (_, "subject") => all::<SubjectLabel>(),
        (_, "fault") => all::<FaultLabel>(),
        (_, "kind") => all::<UpstreamConnectionFault>(),
        (_, "operation") => all::<StoreOperation>(),
        (_, "file") => all::<StoreFile>(),
        ("consentry_footers_total", "outcome") => all::<FooterOutcome>(),
        (_, "outcome") => all::<OutcomeLabel>(),
        ("consentry_logins_total", "result") => all::<LoginLabel>(),
        ("consentry_unsubscribes_total", "result") => all::<UnsubscribeResult>(),
        ("consentry_config_reloads_total", "result") => all::<ReloadResult>(),
        ("consentry_connections_refused_total", "reason") => all::<RefusalLabel>(),
        _ => None,
    }
}

#[test]
fn unknown_names_would_be_noticed() {
    #[track_caller]
    fn check(expr: &str) {
        let checked = std::panic::catch_unwind(|| check_expression("x", expr, &BTreeMap::new()));
        assert!(checked.is_err(), "{expr} went through");
    }
    check("rate(consentry_nothing_total[5m])");
    check("consentry_opt_out_seconds > 1");
    check("consentry_store_bytes{size=\"log\"}");
    check("consentry_store_bytes{file=\"wal\"}");
    check("sum by (stream) (consentry_store_bytes)");
    check("1 + 1");
}
