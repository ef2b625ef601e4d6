//! Tests that alert rules and dashboard speak only of metrics, labels and values there are, and
//! that nothing is forgotten: each alert is tested, each metric is on the dashboard.
//!
//! Whether the expressions mean what they should is for promtool, in the black-box tests.

mod expressions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::telemetry::{CATALOGUE, entries};
use expressions::{Grouping, Selector, check_expression, grouping, selectors};

const ALERTS: &str = include_str!("../../../config/prometheus/alerts.yml");
const ALERTS_TEST: &str = include_str!("../../../config/prometheus/alerts_test.yml");
const SCRAPE: &str = include_str!("../../../config/prometheus/scrape.yml");
const DASHBOARD: &str = include_str!("../../../config/grafana/consentry.json");

/// One rule of `alerts.yml`.
struct Rule {
    name: &'static str,
    expr: &'static str,
    text: &'static str,
}

/// The rules that begin with `kind` (`alert` or `record`).
fn rules(kind: &str) -> Vec<Rule> {
    let (alert, record) = ("      - alert: ", "      - record: ");
    let begin = if kind == "alert" { alert } else { record };
    let blocks = ALERTS.split(begin).skip(1);
    blocks
        .map(|block| {
            let text = [alert, record, "\n  - name: "]
                .iter()
                .fold(block, |text, next| text.split(next).next().unwrap());
            let (name, rest) = text.split_once("\n        expr: ").unwrap();
            let ends = ["\n        for: ", "\n        labels:"];
            let expr = ends.iter().fold(rest, |expr, end| expr.split(end).next().unwrap());
            Rule { name, expr: expr.trim_start_matches("|-").trim(), text }
        })
        .collect()
}

/// Recording rules, with the labels their series have.
fn recorded() -> BTreeMap<&'static str, BTreeSet<String>> {
    rules("record")
        .into_iter()
        .map(|rule| match grouping(rule.expr) {
            Grouping { by: Some(labels) } => (rule.name, labels.into_iter().filter(|l| l != "le")),
            Grouping { by: None } => panic!("{} sums by nothing", rule.name),
        })
        .map(|(name, labels)| (name, labels.collect()))
        .collect()
}

#[test]
fn rules_speak_of_metrics_labels_and_values_there_are() {
    let recorded = recorded();
    let all: Vec<Rule> = rules("record").into_iter().chain(rules("alert")).collect();
    assert!(all.len() > 30, "{} rules", all.len());
    for rule in all {
        check_expression(rule.name, rule.expr, &recorded);
    }
}

#[test]
fn alerts_say_how_urgent_they_are_and_where_the_manual_helps() {
    let recorded = recorded();
    for rule in rules("alert") {
        let Rule { name, expr, text } = rule;
        let severity = text.split("severity: ").nth(1).unwrap().lines().next().unwrap();
        assert!(["critical", "warning"].contains(&severity), "{name}: {severity}");
        assert!(text.contains("summary: ") && text.contains("description: "), "{name}");
        let runbook = text.split("runbook: manual, Metrics, ").nth(1).unwrap().trim();
        assert!(entries().any(|entry| entry.name == runbook), "{name}: {runbook}");
        let known = series_labels(expr, &recorded);
        for used in text.split("$labels.").skip(1) {
            let label = used.split(' ').next().unwrap();
            assert!(known.contains(label), "{name}: {label} is not among {known:?}");
        }
    }
}

/// The labels the series of an alert carry.
fn series_labels(expr: &str, recorded: &BTreeMap<&str, BTreeSet<String>>) -> BTreeSet<String> {
    if let Grouping { by: Some(labels) } = grouping(expr) {
        return labels;
    }
    let mut labels: BTreeSet<String> = ["job", "instance"].map(String::from).into();
    for Selector { metric, .. } in selectors(expr) {
        if let Some(own) = recorded.get(metric.as_str()) {
            return own.clone();
        }
        let entry = entries().find(|entry| entry.name == metric);
        labels.extend(entry.iter().flat_map(|entry| entry.labels.iter().map(|l| (*l).to_owned())));
    }
    labels
}

#[test]
fn each_alert_is_tested_to_be_quiet_and_to_fire() {
    let alerts: BTreeSet<&str> = rules("alert").iter().map(|rule| rule.name).collect();
    let mut moments: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for moment in ALERTS_TEST.split("        alertname: ").skip(1) {
        let (name, rest) = moment.split_once("\n        exp_alerts:").unwrap();
        assert!(alerts.contains(name), "{name} is no alert");
        let (is_quiet, fires) = moments.entry(name).or_default();
        match rest.starts_with(" []") {
            true => *is_quiet = true,
            false => *fires = true,
        }
    }
    let tested: BTreeSet<&str> =
        moments.iter().filter(|(_, both)| **both == (true, true)).map(|(name, _)| *name).collect();
    assert_eq!(alerts, tested);
}

#[test]
fn the_scrape_example_uses_the_job_the_rules_ask_for() {
    assert!(SCRAPE.contains("- job_name: consentry\n"));
    assert!(SCRAPE.contains("- alerts.yml\n"));
    for asked in ALERTS.split("job=").skip(1) {
        assert!(asked.starts_with("\"consentry\""), "{}", &asked[..20]);
    }
}

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    assert_eq!(dashboard["title"], "Consentry");
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables.iter().map(|v| v["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
    dashboard["panels"].as_array().unwrap().clone()
}

fn queries(panel: &Value) -> Vec<&str> {
    let targets = panel["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    targets.iter().map(|target| target["expr"].as_str().unwrap()).collect()
}

#[test]
fn panels_are_whole_and_do_not_overlap() {
    let panels = panels();
    let mut taken = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for panel in &panels {
        let title = panel["title"].as_str().unwrap();
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{title}: its number is taken");
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title} is too wide");
        for y in at("y")..at("y") + at("h") {
            for x in at("x")..at("x") + at("w") {
                assert!(taken.insert((x, y)), "{title} lies over another panel");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(!queries(panel).is_empty(), "{title} asks nothing");
        assert!(panel["description"].as_str().unwrap().len() > 4, "{title}");
        let names: BTreeSet<&str> = panel["targets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|target| target["refId"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), queries(panel).len(), "{title}: queries share a name");
    }
}

#[test]
fn the_dashboard_speaks_of_metrics_labels_and_values_there_are() {
    for panel in panels() {
        let title = panel["title"].as_str().unwrap();
        for query in queries(&panel) {
            check_expression(title, query, &BTreeMap::new());
            assert_eq!(
                query.matches("job=\"$job\",instance=~\"$instance\"").count(),
                selectors(query).len(),
                "{title}: {query}"
            );
        }
    }
}

#[test]
fn legends_name_labels_the_query_keeps() {
    for panel in panels() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let (query, legend) =
                (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
            let Grouping { by } = grouping(query);
            let kept = by.unwrap_or_default();
            for used in legend.split("{{").skip(1) {
                let label = used.split("}}").next().unwrap();
                assert!(kept.contains(label), "{label} is not kept by {query}");
            }
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let asked: BTreeSet<String> = panels()
        .iter()
        .flat_map(|panel| queries(panel).into_iter().flat_map(selectors).collect::<Vec<_>>())
        .filter_map(|selector| selector.entry().map(|entry| entry.name.to_owned()))
        .collect();
    for entry in entries() {
        assert!(asked.contains(entry.name), "{} is on no panel", entry.name);
    }
    let rows: BTreeSet<String> = panels()
        .iter()
        .filter(|panel| panel["type"] == "row")
        .map(|panel| panel["title"].as_str().unwrap().to_owned())
        .collect();
    for group in CATALOGUE {
        assert!(rows.contains(group.title), "{} has no row", group.title);
    }
}
