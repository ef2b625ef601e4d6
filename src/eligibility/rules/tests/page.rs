//! The page of the manual about the jurisdictions, made from the sets so that it never lies.
//!
//! A test compares the page kept in the repository, and writes it anew when `CONSENTRY_BLESS` is
//! set.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{FIELDS, Field, RuleBook};
use crate::eligibility::rules::{Mark, Regime, RuleSet};

const INTRODUCTION: &str = "\
# Jurisdictions

Each rule set is a file of `config/jurisdictions/` and built in. `consentry rules show ID` tells
every value of one, on what it rests and whose it is to change. Which sets a message is judged by
follows from where the sending entity is established, where the recipient is, and the country
domain of the address; all of them must permit. Member states of the European Union without a set
of their own fall to `eu`, all other places to `world`, which asks for express consent.

None of this is legal advice: have counsel read the sets you send under. Three things help with
that. Every value names the article it rests on. Values on which the law is silent or disputed are
marked as a *policy choice*: yours to override in your own file of choices. Values nobody has
checked are marked as *unverified*: a message that may only be sent because of one is refused as
`UNVERIFIED_RULE` until somebody accepts the value by name and date. Dates from which a set counts
are those of the statute as far as we know, and are not verified. In the tables, † marks a choice
and ° an unverified value.

";

const CUSTOMERS: &str = "
## Customers

The exception for existing customers: which relations count, and for how many months. A running
contract does not age. Months are a policy choice wherever the statute names none.

| set | counts | sale | contract ended | counted from |
|---|---|---|---|---|
";

const BUSINESSES: &str = "
## Business addresses, charities, parties

What the first message to such an address needs, and what mail of such a purpose needs. `consent`
means consent or another basis, `published_only` that the address must have been published for it.

| set | company, impersonal | company, named | sole trader | charity | political |
|---|---|---|---|---|---|
";

const FORMS: &str = "
## Opting out, and what a message must say

The time the statute leaves is told for reports only: here an objection counts at once.

| set | statute leaves | must work for | steps | postal address | label |
|---|---|---|---|---|---|
";

const UNVERIFIED: &str = "
## Unverified values

Accept one in your file of choices, under `[[accepted_unverified]]`, once somebody has checked it.

| set | values |
|---|---|
";

fn page(book: &RuleBook) -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("| set | version | in force | first message | policy choices | unverified |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for set in book.sets() {
        row(
            &mut page,
            set,
            &[
                set.version().to_owned(),
                in_force(set),
                first_message(set),
                count(set, Mark::Policy).to_string(),
                count(set, Mark::Unverified).to_string(),
            ],
        );
    }
    let now: Vec<&RuleSet> =
        book.sets().filter(|set| set.is_enabled() && set.valid_to().is_none()).collect();
    page.push_str(CUSTOMERS);
    for set in now.iter().filter(|set| set.rules().soft.available) {
        row(
            &mut page,
            set,
            &[
                cell(set, "soft.relationship_kinds"),
                cell(set, "soft.max_age_months.sale_paid"),
                cell(set, "soft.max_age_months.contract_ended"),
                cell(set, "soft.age_anchor"),
            ],
        );
    }
    page.push_str(BUSINESSES);
    for set in &now {
        let paths = ["business.impersonal", "business.named_work", "business.sole_trader"];
        let purposes = ["noncommercial.charity", "noncommercial.political"];
        let cells: Vec<String> =
            paths.iter().chain(&purposes).map(|path| cell(set, path)).collect();
        row(&mut page, set, &cells);
    }
    page.push_str(FORMS);
    for set in &now {
        row(
            &mut page,
            set,
            &[
                cell(set, "optout.deadline"),
                format!("{} days", cell(set, "optout.mechanism_valid_days")),
                cell(set, "optout.max_steps"),
                cell(set, "message.postal_address"),
                cell(set, "message.label"),
            ],
        );
    }
    page.push_str(UNVERIFIED);
    for set in now.iter().filter(|set| count(set, Mark::Unverified) > 0) {
        let paths: Vec<String> = set
            .unverified(jiff::civil::Date::MIN)
            .map(|field| format!("`{}`", field.path))
            .collect();
        row(&mut page, set, &[paths.join(", ")]);
    }
    page
}

fn row(page: &mut String, set: &RuleSet, cells: &[String]) {
    writeln!(page, "| `{}` | {} |", set.id(), cells.join(" | ")).unwrap();
}

fn in_force(set: &RuleSet) -> String {
    match set.valid_to() {
        Some(end) => format!("{} until before {end}", set.valid_from()),
        None => format!("from {}", set.valid_from()),
    }
}

fn first_message(set: &RuleSet) -> String {
    let regime = match set.rules().scope.default_regime {
        Regime::OptIn => "needs a basis",
        Regime::OptOut => "is free",
    };
    let state = if set.is_enabled() { "" } else { "; switched off" };
    format!("{regime}{state}")
}

fn count(set: &RuleSet, mark: Mark) -> usize {
    FIELDS.iter().filter(|field| set.mark(field.path) == Some(mark)).count()
}

/// A value with a sign for its mark: a dagger for a choice, a circle for an unverified one.
fn cell(set: &RuleSet, path: &str) -> String {
    let shown = (Field::find(path).unwrap().shown)(set.rules());
    let bare: String = shown.chars().filter(|c| !"[]{}\"".contains(*c)).collect();
    let bare = bare.replace("n = ", "").replace(", unit =", "").replace('<', "\\<");
    let bare = match bare.trim() {
        "" => String::from("–"),
        bare => bare.to_owned(),
    };
    match set.mark(path) {
        Some(Mark::Policy) => format!("{bare}†"),
        Some(Mark::Unverified) => format!("{bare}°"),
        None => bare,
    }
}

#[test]
fn the_page_of_jurisdictions_is_what_the_sets_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/jurisdictions.md");
    let page = page(&RuleBook::builtin());
    if std::env::var_os("CONSENTRY_BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == page,
        "src/manual/jurisdictions.md is not what the rule sets say; write it anew with\n  \
         CONSENTRY_BLESS=1 cargo test --lib the_page_of_jurisdictions"
    );
}
