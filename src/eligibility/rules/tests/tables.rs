//! What each rule set must say, written down a second time from the statutes and the choices.
//!
//! A cell is the value of the field that heads its column, without quotes. This is not where a
//! value comes from: the files are, and a difference means that one of the two is wrong.

use super::{FIELDS, Field, RuleBook, day, id};
use crate::eligibility::rules::{Mark, RuleSet};

/// Fields and, per rule set, what they must say.
struct Table {
    columns: &'static [&'static str],
    rows: &'static str,
}

impl Table {
    fn lines(&self) -> impl Iterator<Item = Vec<&'static str>> {
        self.rows.trim().lines().map(|line| line.split('|').map(str::trim).collect())
    }
}

/// The kinds of relation that make a customer.
const KINDS: Table = Table {
    columns: &["soft.relationship_kinds"],
    rows: "
uk | sale_paid contract_open contract_ended negotiation quote_request
eu | sale_paid sale_free_account contract_open contract_ended
be | sale_paid contract_open contract_ended
de | sale_paid contract_open contract_ended
ie | sale_paid sale_free_account contract_open contract_ended
nl | sale_paid sale_free_account contract_open contract_ended
fr | sale_paid sale_free_account
it | sale_paid contract_open contract_ended
es | sale_paid sale_free_account contract_open contract_ended
at | sale_paid sale_free_account contract_open contract_ended
dk | sale_paid sale_free_account contract_open contract_ended
se | sale_paid sale_free_account contract_open contract_ended
fi | sale_paid sale_free_account contract_open contract_ended
pt | sale_paid sale_free_account contract_open contract_ended
ch | sale_paid contract_open contract_ended
no | sale_paid sale_free_account contract_open contract_ended
",
};

/// How long they count, from when, and how similarity is judged.
const AGES: Table = Table {
    columns: &[
        "soft.max_age_months.sale_paid",
        "soft.max_age_months.contract_ended",
        "soft.age_anchor",
        "soft.similarity",
        "soft.require_paid_sale",
    ],
    rows: "
uk | 24 | 24 | contract_end | reasonable_expectation | false
eu | 12 | 12 | contract_end | reasonable_expectation | false
be | 12 | 12 | contract_end | reasonable_expectation | false
de | 24 | 24 | contract_end | same_category | false
ie | 12 | 12 | max(last_sale last_marketing_unbroken) | reasonable_expectation | false
nl | 12 | 12 | contract_end | reasonable_expectation | false
fr | 24 | 12 | last_activity | reasonable_expectation | false
it | 12 | 12 | contract_end | same_category | true
es | 12 | 12 | contract_end | reasonable_expectation | false
at | 12 | 12 | contract_end | reasonable_expectation | false
dk | 12 | 12 | contract_end | reasonable_expectation | false
se | 12 | 12 | contract_end | reasonable_expectation | false
fi | 12 | 12 | contract_end | same_product_group | false
pt | 12 | 12 | contract_end | reasonable_expectation | false
ch | 24 | 24 | contract_end | reasonable_expectation | false
no | 12 | 12 | contract_end | reasonable_expectation | false
",
};

/// What consent is implied from.
const IMPLIED: Table = Table {
    columns: &[
        "implied.ebr_purchase_months",
        "implied.ebr_inquiry_months",
        "implied.enbr_months",
        "implied.inferred",
        "implied.inferred_months",
        "implied.card",
        "implied.published",
        "implied.published_relevance",
    ],
    rows: "
ca | 24 | 6 | 24 | never | 0 | false | true | true
au | 0 | 0 | 0 | ongoing | 0 | false | true | true
nz | 0 | 0 | 0 | relationship | 12 | true | true | true
jp | 0 | 0 | 0 | relationship | 12 | true | true | false
br | 0 | 0 | 0 | relationship | 12 | false | false | true
",
};

/// Mail to businesses, and mail that does not sell.
const BUSINESSES: Table = Table {
    columns: &[
        "business.legal_person",
        "business.impersonal",
        "business.named_work",
        "business.sole_trader",
        "noncommercial.charity",
        "noncommercial.political",
    ],
    rows: "
uk | opt_out | opt_out | opt_out | consent | charity_soft | consent
be | consent | exempt | consent | consent | consent | consent
de | consent | consent | consent | consent | consent | consent
ie | opt_out | opt_out | role_opt_out | consent | consent | consent
nl | published_only | published_only | published_only | consent | consent | consent
fr | exempt | exempt | role_opt_out | consent | opt_out | opt_out
it | consent | consent | consent | consent | consent | consent
es | consent | consent | consent | consent | consent | consent
at | consent | consent | consent | consent | consent | consent
dk | consent | consent | consent | consent | consent | out_of_scope
se | opt_out | opt_out | consent | consent | consent | consent
fi | opt_out | opt_out | role_opt_out | consent | consent | consent
pl | consent | consent | consent | consent | out_of_scope | out_of_scope
pt | opt_out | opt_out | consent | consent | consent | consent
ch | consent | consent | consent | consent | consent | consent
no | exempt | exempt | consent | consent | consent | out_of_scope
us | opt_out | opt_out | opt_out | opt_out | out_of_scope | out_of_scope
ca | consent | consent | published_only | consent | out_of_scope | out_of_scope
au | published_only | published_only | published_only | consent | out_of_scope | out_of_scope
nz | published_only | published_only | published_only | consent | consent | out_of_scope
sg | opt_out | opt_out | opt_out | opt_out | opt_out | opt_out
jp | published_only | published_only | consent | published_only | out_of_scope | out_of_scope
br | opt_out | opt_out | consent | consent | consent | consent
",
};

/// How opting out works, and what a message must say.
const FORMS: Table = Table {
    columns: &[
        "optout.deadline",
        "optout.mechanism_valid_days",
        "optout.ack_required",
        "message.postal_address",
        "message.label",
        "message.label_when",
    ],
    rows: "
uk | 0 immediate | 60 | false | false |  | never
eu | 0 immediate | 60 | false | false |  | never
be | 0 reasonable | 60 | true | false | reclame/publicité | not_obvious
de | 0 immediate | 60 | false | false |  | never
ie | 0 immediate | 60 | false | false |  | never
nl | 0 immediate | 60 | false | false |  | never
fr | 0 immediate | 60 | false | false |  | never
it | 0 immediate | 60 | false | false |  | never
es | 0 immediate | 60 | false | false |  | never
at | 0 immediate | 60 | false | false |  | never
dk | 0 immediate | 60 | false | false |  | never
se | 0 immediate | 60 | false | false |  | never
fi | 0 immediate | 60 | false | false |  | never
pl | 0 immediate | 60 | false | false |  | never
pt | 0 immediate | 60 | false | false |  | never
ch | 0 immediate | 60 | false | false |  | never
no | 0 immediate | 60 | false | false |  | never
us | 10 business_days | 30 | false | true | SEXUALLY-EXPLICIT: | sexually_explicit
ca | 10 business_days | 60 | false | true |  | never
au | 5 business_days | 30 | false | false |  | never
nz | 5 working_days | 30 | false | false |  | never
sg | 10 business_days | 30 | false | false | <ADV> | unsolicited_bulk
jp | 0 immediate | 60 | false | true |  | never
br | 0 immediate | 60 | false | false |  | never
",
};

/// Values nobody has verified that allow something.
const UNVERIFIED: &[(&str, &str)] = &[
    ("uk", "business.public_body"),
    ("be", "message.label"),
    ("ie", "business.public_body"),
    ("nl", "implied.published"),
    ("at", "registers.consulted"),
    ("dk", "noncommercial.political"),
    ("no", "noncommercial.political"),
    ("pl", "noncommercial.charity"),
    ("pl", "noncommercial.political"),
    ("us", "noncommercial.political"),
    ("us", "message.label"),
    ("ca", "noncommercial.political"),
    ("ca", "exempt.free"),
    ("nz", "noncommercial.political"),
    ("sg", "noncommercial.charity"),
    ("sg", "noncommercial.political"),
];

/// Values that are choices, and so the operator's to change.
const CHOICES: &[(&str, &str)] = &[
    ("uk", "soft.max_age_months.sale_paid"),
    ("be", "soft.max_age_months.contract_ended"),
    ("be", "classify.consent_request"),
    ("de", "soft.max_age_months.sale_paid"),
    ("de", "consent.doi_required"),
    ("fr", "soft.max_age_months.sale_paid"),
    ("it", "soft.require_paid_sale"),
    ("es", "registers.consulted"),
    ("dk", "consent.dormancy_months"),
    ("ch", "soft.max_age_months.sale_paid"),
    ("us", "consent.dormancy_months"),
    ("nz", "implied.inferred_months"),
    ("jp", "implied.inferred_months"),
    ("br", "noncommercial.charity"),
];

/// Values that rest on a statute or a decision, and are nobody's to change.
const STATUTES: &[(&str, &str)] = &[
    ("uk", "soft.relationship_kinds"),
    ("ie", "soft.max_age_months.sale_paid"),
    ("ie", "soft.age_anchor"),
    ("de", "soft.require_completed_sale"),
    ("de", "consent.per_channel"),
    ("fr", "soft.max_age_cap_months"),
    ("es", "consent.evidence_required"),
    ("pl", "soft.available"),
    ("us", "optout.mechanism_valid_days"),
    ("us", "message.postal_address"),
    ("ca", "implied.ebr_purchase_months"),
    ("ca", "implied.ebr_inquiry_months"),
    ("ca", "optout.mechanism_valid_days"),
    ("au", "classify.linked_content_counts"),
    ("sg", "message.label"),
];

fn set<'b>(book: &'b RuleBook, name: &str) -> &'b RuleSet {
    book.resolve(&id(name), day("2026-11-01")).unwrap_or_else(|| panic!("no set {name}"))
}

/// The value as it would be written, without what makes it TOML.
fn plain(set: &RuleSet, path: &str) -> String {
    let shown = (Field::find(path).unwrap().shown)(set.rules());
    let bare: String = shown.chars().filter(|c| !"[]{}\"".contains(*c)).collect();
    let bare = bare.replace("n = ", "").replace("unit = ", "").replace(',', " ");
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(table: &Table) {
    let book = RuleBook::builtin();
    let mut wrong = Vec::new();
    for row in table.lines() {
        let (name, expected) = row.split_first().unwrap();
        assert_eq!(expected.len(), table.columns.len(), "{name}");
        for (path, expected) in table.columns.iter().zip(expected) {
            let found = plain(set(&book, name), path);
            if found != *expected {
                wrong.push(format!("{name} {path}: {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_counts_as_a_customer_and_for_how_long() {
    check(&KINDS);
    check(&AGES);
    let book = RuleBook::builtin();
    for name in ["pl", "us", "ca", "au", "nz", "sg", "jp", "br"] {
        assert!(!set(&book, name).rules().soft.available, "{name} has no such exception");
    }
    for row in KINDS.lines() {
        let name = row[0];
        let soft = &set(&book, name).rules().soft;
        let strict = soft.available
            && soft.same_legal_person
            && soft.direct_collection
            && soft.own_products_only
            && soft.similar_required
            && soft.optout_at_collection
            && soft.optout_each_message;
        assert!(strict, "{name} asks for all of them");
    }
}

#[test]
fn what_consent_is_implied_from() {
    check(&IMPLIED);
}

#[test]
fn what_businesses_and_other_purposes_need() {
    check(&BUSINESSES);
}

#[test]
fn how_opting_out_works_and_what_a_message_must_say() {
    check(&FORMS);
}

#[test]
fn two_places_need_no_basis_and_two_weigh_mixed_messages_otherwise() {
    let book = RuleBook::builtin();
    for row in FORMS.lines() {
        let expected = match row[0] {
            "us" => ("opt_out", "primary_purpose_us"),
            "sg" => ("opt_out", "any_promo_taints"),
            "ca" => ("opt_in", "one_of_purposes"),
            _ => ("opt_in", "any_promo_taints"),
        };
        let set = set(&book, row[0]);
        let found = (plain(set, "scope.default_regime"), plain(set, "classify.mixed_rule"));
        assert_eq!((found.0.as_str(), found.1.as_str()), expected, "{}", row[0]);
    }
}

#[track_caller]
fn check_marks(paths: &[(&str, &str)], expected: Option<Mark>) {
    let book = RuleBook::builtin();
    for (name, path) in paths {
        let set = set(&book, name);
        assert_eq!(set.mark(path), expected, "{name} {path}");
        assert!(expected.is_some() || set.citation(path).is_some(), "{name} {path} is cited");
    }
}

#[test]
fn marks_are_kept_as_data() {
    check_marks(UNVERIFIED, Some(Mark::Unverified));
    check_marks(CHOICES, Some(Mark::Policy));
    check_marks(STATUTES, None);
}

#[test]
fn every_row_of_the_tables_is_a_set_and_india_is_switched_off() {
    let book = RuleBook::builtin();
    let names: std::collections::BTreeSet<&str> =
        book.sets().map(|set| set.id().as_str()).collect();
    assert_eq!(names.len(), 26, "{names:?}");
    assert_eq!(book.sets().count(), 27, "the United Kingdom has two versions");
    assert!(book.is_disabled(&id("in")) && !book.speaks_for(&id("in")));
    let others = book.sets().filter(|set| set.id().as_str() != "in");
    for set in others {
        assert!(set.is_enabled() && set.is_in_force(day("2026-11-01")) || set.valid_to().is_some());
    }
    let unverified = book.sets().find(|set| set.id().as_str() == "in").unwrap();
    let known = FIELDS.iter().filter(|f| unverified.mark(f.path) == Some(Mark::Unverified));
    assert!(known.count() > 70, "everything said about India is unverified");
}
