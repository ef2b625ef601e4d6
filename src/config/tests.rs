//! The commented example is the reference: it must load, and every slip in it must be found.

use std::path::Path;

use super::Config;

const EXAMPLE: &str = include_str!("../../config/consentry.toml");

fn parse(text: &str) -> Result<Config, super::Problems> {
    Config::parse("consentry.toml", text, Path::new("/etc/consentry"))
}

#[test]
fn the_commented_example_loads() {
    let config = parse(EXAMPLE).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.streams.last().unwrap().id.as_str(), "unmatched");
    assert_eq!(config.store.path, Path::new("/var/lib/consentry/consentry.db"));
}

#[test]
fn the_example_documents_every_key_with_a_comment() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let is_key = line.contains('=') && !line.trim_start().starts_with('#');
        let is_explained = line.contains('#')
            || index > 0 && {
                let above = lines[index - 1].trim_start();
                above.starts_with('#') || above.contains('=')
            };
        assert!(!is_key || is_explained, "line {} has no comment: {line}", index + 1);
    }
}

#[track_caller]
fn finds(from: &str, to: &str, path: &str, message: &str) {
    assert!(EXAMPLE.contains(from), "the example no longer has {from:?}");
    let text = EXAMPLE.replacen(from, to, 1);
    let problems = parse(&text).expect_err("the slip went unnoticed");
    let found =
        problems.list().iter().any(|p| p.path.contains(path) && p.message.contains(message));
    assert!(found, "wanted {path}: {message}, got:\n{problems}");
}

#[test]
fn finds_each_kind_of_slip() {
    finds("hostname =", "hostnam =", "node.hostnam", "not a known key");
    finds("reply_deadline = \"50s\"", "reply_deadline = \"5h\"", "reply_deadline", "out of range");
    finds("path = \"/var", "path = 7 #", "store.path", "expected text");
    finds("mode = \"bounce\"", "mode = \"boumce\"", "mode", "not known");
    finds("public_url = \"https://", "public_url = \"http://", "public_url", "https");
    finds("id = \"unmatched\"", "id = \"rest\"", "stream", "last stream");
    finds("notice_to = \"mail-ops@example.com\"", "", "notice_to", "missing");
    finds("from = [\"noreply@example.com\"]", "", "stream[0].id", "fits everything");
    finds("listen = \"127.0.0.1:9125\"", "listen = \"127.0.0.1:8025\"", "operations", "same");
    finds("until = 2027-02-28", "", "until", "missing");
    finds("jurisdiction = \"uk\"", "jurisdiction = \"UK\"", "jurisdiction", "not a name");
}

#[test]
fn reports_all_slips_at_once_with_line_and_hint() {
    let text = EXAMPLE.replacen("hostname =", "hostnam =", 1).replacen(
        "mode = \"bounce\"",
        "mode = \"boumce\"",
        1,
    );
    let problems = parse(&text).expect_err("two slips");
    let shown = problems.to_string();
    assert!(shown.contains("did you mean `hostname`?"), "{shown}");
    assert!(shown.contains("one of: bounce, reject, strip"), "{shown}");
    let line = text.lines().position(|line| line.starts_with("hostnam ")).unwrap() + 1;
    assert!(shown.contains(&format!("consentry.toml:{line}:")), "{shown}");
}

#[test]
fn syntax_errors_are_reported_not_guessed_around() {
    let problems = parse("[node\nid = ").expect_err("not TOML");
    assert!(problems.to_string().contains("syntax"));
}

#[test]
fn one_slip_is_one_error() {
    for (from, to) in [
        ("postal_address = \"1 High", "postal_address = \"\" # 1 High"),
        ("reply_deadline = \"50s\"", "reply_deadline = \"5h\""),
    ] {
        let problems = parse(&EXAMPLE.replacen(from, to, 1)).expect_err("a slip");
        assert_eq!(problems.list().len(), 1, "{problems}");
        assert!(!problems.list()[0].path.starts_with('.'), "{problems}");
    }
}

const OPERATORS: &str = "[[operator]]\nname = \"ann\"\nrights = [\"start_observe\"]\n\
    [[operator]]\nname = \"bob\"\nrights = [\"start_observe\"]\nfour_eyes = [\"start_observe\"]\n\
    [[operator]]\nname = \"eve\"\nrights = [\"undo_import\"]\n";

#[track_caller]
fn observing(keys: &str, expected: Option<&str>) {
    let observe = "enforce = \"observe\"";
    let text = EXAMPLE.replacen(observe, &format!("{observe}\n{keys}"), 1);
    match (parse(&format!("{text}\n{OPERATORS}")), expected) {
        (Ok(_), None) => {}
        (Err(problems), Some(message)) => {
            let found = problems.list().iter().any(|p| p.message.contains(message));
            assert!(found, "wanted {message}, got:\n{problems}");
        }
        (found, _) => panic!("{keys}: {:?}", found.err().map(|problems| problems.to_string())),
    }
}

#[test]
fn where_operators_are_named_one_of_them_answers_for_observing() {
    observing("", Some("somebody must answer"));
    observing("approved_by = \"eve\"", Some("`eve` may not start observing"));
    observing("approved_by = \"mallory\"", Some("`mallory` may not start observing"));
    observing("approved_by = \"ann\"", None);
    observing("approved_by = \"bob\"", Some("may not start observing alone"));
    observing("approved_by = \"bob\"\napproved_second = \"bob\"", Some("alone"));
    observing("approved_by = \"bob\"\napproved_second = \"eve\"", Some("`eve` may not"));
    observing("approved_by = \"bob\"\napproved_second = \"ann\"", None);
}

#[test]
fn the_compliance_page_tells_the_terms_that_hold() {
    let page = include_str!("../manual/compliance.md");
    let terms = super::RetentionConfig::default();
    for (key, term) in [
        ("decisions", terms.decisions),
        ("outcomes", terms.outcomes),
        ("service", terms.service),
        ("strangers", terms.strangers),
    ] {
        let row = format!("| {term} | `[store.retention] {key}` |");
        assert!(page.contains(&row), "the retention table lacks: {row}");
    }
}
