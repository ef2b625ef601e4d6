//! Reading rule sets: what the built-in ones say, and every way a file can be wrong.
//!
//! The expectations are those of the rule tables, written down a second time on purpose.

mod page;
mod tables;

use super::{Acceptance, FIELDS, Field, Mark, Override, RuleBook, Text};
use crate::base::JurisdictionId;

fn id(name: &str) -> JurisdictionId {
    JurisdictionId::parse(name).unwrap()
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

#[test]
fn every_value_of_the_built_in_sets_is_cited_or_marked() {
    let book = RuleBook::builtin();
    for set in book.sets() {
        for field in FIELDS {
            let rests = set.citation(field.path).is_some() || set.mark(field.path).is_some();
            assert!(rests, "{} {}", set.id(), field.path);
        }
        // Nobody's law, and a law nobody has looked up, have no sources.
        let has_none = matches!(set.id().as_str(), "world" | "in");
        assert!(set.sources().len() >= 2 || has_none, "{}", set.id());
    }
}

#[test]
fn the_charity_rule_begins_on_its_day() {
    let book = RuleBook::builtin();
    let version = |on: &str| {
        book.resolve(&id("uk"), day(on))
            .map(|set| (set.version().to_owned(), set.rules().charity.soft))
    };
    assert_eq!(version("2026-02-04"), Some((String::from("1.0.0"), false)));
    assert_eq!(version("2026-02-05"), Some((String::from("1.1.0"), true)));
    assert_eq!(version("2003-12-10"), None);
}

#[test]
fn a_child_inherits_values_marks_and_citations_it_does_not_replace() {
    let book = RuleBook::builtin();
    let uk = book.resolve(&id("uk"), day("2026-06-01")).unwrap();
    assert_eq!(uk.mark("business.public_body"), Some(Mark::Unverified));
    assert_eq!(uk.citation("soft.similar_required"), Some("PECR 2003 reg. 22(3)(b)"));
    assert_eq!(
        uk.citation("charity.not_before"),
        Some("SI 2026/82 reg. 2, ICO guidance of 2026-04-28")
    );
    let be = book.resolve(&id("be"), day("2026-06-01")).unwrap();
    assert_eq!(be.citation("soft.available"), Some("Royal Decree of 4 April 2003 art. 1, 1°"));
    assert_ne!(be.hash(), uk.hash());
}

const HEAD: &str = "[meta]\nid = \"xx\"\nversion = \"1\"\nvalid_from = 2020-01-01\n";

#[track_caller]
fn check_errors(content: &str, expected: &[(usize, &str)]) {
    let content = format!("{HEAD}{content}");
    let text = Text { file: "xx.toml", content: &content };
    let errors = RuleBook::load(&[text]).unwrap_err();
    let found: Vec<(usize, &str)> = errors.iter().map(|e| (e.line, e.message.as_str())).collect();
    assert_eq!(found, expected);
    assert!(errors.iter().all(|e| e.file == "xx.toml" && !e.hint.is_empty()));
}

#[test]
fn all_errors_are_told_at_once_with_their_lines() {
    check_errors(
        "[soft]\navailble = true\nsimilarity = \"vague\"\nrequire_paid_sale = true\n\
         [marks]\npolicy = [\"nothing\"]\n",
        &[
            (6, "unknown key `soft.availble`"),
            (
                7,
                "soft.similarity: unknown variant `vague`, \
                 expected one of `same_category`, `same_product_group`, `reasonable_expectation`",
            ),
            (8, "soft.require_paid_sale rests on nothing"),
            (10, "mark for unknown field `nothing`"),
        ],
    );
}

#[test]
fn wrong_types_dates_parents_and_syntax_are_told() {
    check_errors(
        "[consent]\ndormancy_months = \"long\"\n",
        &[(
            6,
            "consent.dormancy_months: \
             expected a number of months from 0 to 65535, or \"unlimited\"",
        )],
    );
    check_errors("[citations]\n\"soft\" = 3\n", &[(6, "the citation for `soft` must be a text")]);
    check_errors("parent = \"yy\"\n", &[(1, "the parent `yy` is not loaded")]);
    check_errors(
        "colour = 1\n",
        &[(
            5,
            "unknown field `colour`, \
             expected one of `id`, `version`, `valid_from`, `valid_to`, `parent`, \
             `enabled`, `sources`",
        )],
    );
}

#[test]
fn a_misspelt_key_is_pointed_to_the_right_one() {
    let content = format!("{HEAD}[soft]\navailble = true\n");
    let errors = RuleBook::load(&[Text { file: "xx.toml", content: &content }]).unwrap_err();
    assert_eq!(errors[0].hint, "did you mean `soft.available`?");
    assert!(errors[0].to_string().starts_with("xx.toml:6: unknown key"));
}

#[test]
fn versions_of_one_set_may_not_overlap() {
    let later = HEAD.replace("2020", "2021").replace("\"1\"", "\"2\"");
    let texts = [Text { file: "a.toml", content: HEAD }, Text { file: "b.toml", content: &later }];
    let errors = RuleBook::load(&texts).unwrap_err();
    assert!(errors[0].message.contains("overlap"), "{}", errors[0]);
}

#[test]
fn p7_a_value_nobody_set_has_its_strictest_form() {
    let book = RuleBook::load(&[Text { file: "xx.toml", content: HEAD }]).unwrap();
    let set = book.sets().next().unwrap();
    assert_eq!(*set.rules(), super::Rules::strictest());
    assert_eq!(set.tightened(&FIELDS.iter().collect::<Vec<_>>()), *set.rules());
}

#[test]
fn overrides_change_the_hash_and_only_policy_choices_can_be_overridden() {
    let book = RuleBook::builtin();
    let choice = |field: &str, value: i64| Override {
        rule_set: id("be"),
        field: field.to_owned(),
        value: toml::Value::Integer(value),
    };
    let path = "soft.max_age_months.contract_ended";
    let chosen = book.with_choices(&[choice(path, 24)], &[]).unwrap();
    let set = |book: &RuleBook| book.resolve(&id("be"), day("2026-06-01")).unwrap().clone();
    assert_eq!(set(&chosen).overridden().get(path).map(String::as_str), Some("24"));
    assert_ne!(set(&chosen).hash(), set(&book).hash());
    assert!(book.with_choices(&[choice("soft.same_legal_person", 1)], &[]).is_err());
}

#[test]
fn an_accepted_value_is_no_longer_unverified() {
    let book = RuleBook::builtin();
    let acceptance = Acceptance {
        rule_set: id("uk"),
        field: String::from("business.public_body"),
        by: String::from("A. Counsel"),
        on: day("2026-05-01"),
    };
    let accepted = book.with_choices(&[], &[acceptance]).unwrap();
    let count = |book: &RuleBook| {
        book.resolve(&id("uk"), day("2026-06-01")).unwrap().unverified(day("2026-06-01")).count()
    };
    assert_eq!(count(&book), count(&accepted) + 1);
}

#[test]
fn every_field_shows_a_value_it_would_accept() {
    let mut rules = super::Rules::strictest();
    for field in FIELDS {
        let text = format!("v = {}", (field.shown)(&rules));
        let table: toml::Table = toml::from_str(&text).unwrap();
        (field.set)(&mut rules, table["v"].clone()).unwrap();
    }
    assert_eq!(rules, super::Rules::strictest());
    assert!(Field::find("soft.max_age_months.sale_paid").is_some());
}
