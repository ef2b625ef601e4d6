//! The account of a verdict, as `consentry explain` tells it.
//!
//! Every account is made from the serialised verdict, as the journal keeps it.

use super::explain;
use crate::eligibility::casefile::run;
use crate::eligibility::{Report, RuleBook};

#[track_caller]
fn told(case: &str) -> String {
    let verdict = run(case, &RuleBook::builtin()).unwrap().verdict;
    // From the journal's text, not from the value at hand.
    let payload = serde_json::to_vec(&verdict).unwrap();
    explain(&serde_json::from_slice::<Report>(&payload).unwrap())
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[test]
fn a_permit_tells_its_basis_rule_article_version_and_facts() {
    check(
        &told(include_str!("../../../tests/law/story/story_buyer.toml")),
        &[
            "Permitted (soft_opt_in): the person is a customer",
            "Rule set uk (version 1.1.0, ",
            "A sale on 2026-03-01 about footwear.",
            "PECR 2003 reg. 22(3)(b)",
            "the limit is 24 months",
            "a policy choice: the law is silent or disputed",
            "evidence e1",
        ],
    );
}

#[test]
fn a_denial_tells_each_failing_condition_and_what_would_help() {
    check(
        &told(include_str!("../../../tests/law/story/story_insured.toml")),
        &[
            "Denied: NO_BASIS, CONSENT_MISSING, NOT_SIMILAR",
            "- NOT_SIMILAR: A topic of this message is not similar to what the person bought.",
            "Found: what it was about (insurance) does not cover footwear.",
            "Rule soft.similar_required, PECR 2003 reg. 22(3)(b); evidence e1.",
            "What would help:",
            "NOT_SIMILAR: The sender keeps to similar topics",
        ],
    );
}

#[test]
fn where_the_person_objected_nothing_else_is_said_to_help() {
    let text = told(include_str!("../../../tests/law/scenarios/s01_uk_flybe.toml"));
    check(&text, &["the person unsubscribed on a preference page on 2016-05-01"]);
    let remedies = text.split("What would help:").nth(1).unwrap();
    assert!(remedies.contains("UNSUBSCRIBED: Nobody may lift this but the person"));
    assert!(!remedies.contains("CONSENT_MISSING"), "{remedies}");
}

#[test]
fn several_rule_sets_are_named_and_told_apart() {
    check(
        &told(include_str!("../../../tests/law/special/be_negotiation.toml")),
        &["The rules of uk and be apply", "Rule set uk", "permits.", "Rule set be", "denies."],
    );
}

#[test]
fn overrides_are_shown() {
    check(
        &told(include_str!("../../../tests/law/scenarios/s23_be_former_customer_24_months.toml")),
        &["The operator has set soft.max_age_months.contract_ended to 24."],
    );
}
