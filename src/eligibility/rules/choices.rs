//! The operator's own file: other values for policy choices, and what was accepted by name.
//!
//! It can change what the law leaves open and nothing else. Every error names the line, the
//! value and why it is not the operator's to change.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::book::{Acceptance, Override};
use super::read::{Complaints, RuleError};
use super::{RuleBook, Text};
use crate::base::JurisdictionId;

/// The values of one rule set, each with its place in the file.
type Values = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawChoices {
    /// Per rule set, other values for its policy choices, by path.
    overrides: BTreeMap<JurisdictionId, Values>,
    /// Unverified values somebody accepted.
    accepted_unverified: Vec<Spanned<Acceptance>>,
}

impl RuleBook {
    /// The same book with the choices in the operator's own file.
    ///
    /// # Errors
    /// Every choice that is not the operator's to make, with its line.
    pub fn with_choices_in(&self, text: &Text<'_>) -> Result<Self, Vec<RuleError>> {
        let mut complaints = Complaints::new(text);
        let raw: RawChoices = match toml::from_str(text.content) {
            Ok(raw) => raw,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let hint = "the file has [overrides.ID] with paths and values, and \
                            [[accepted_unverified]] with rule_set, field, by and on";
                complaints.add(span, error.message().trim(), hint);
                return Err(complaints.errors);
            }
        };
        let mut book = self.clone();
        for (rule_set, values) in raw.overrides {
            for (path, value) in values {
                let choice = Override {
                    rule_set: rule_set.clone(),
                    field: path.get_ref().clone(),
                    value: value.into_inner(),
                };
                match book.with_choices(std::slice::from_ref(&choice), &[]) {
                    Ok(chosen) => book = chosen,
                    Err(errors) => complain(&mut complaints, path.span(), errors),
                }
            }
        }
        for accepted in raw.accepted_unverified {
            let span = accepted.span();
            match book.with_choices(&[], &[accepted.into_inner()]) {
                Ok(chosen) => book = chosen,
                Err(errors) => complain(&mut complaints, span, errors),
            }
        }
        if complaints.errors.is_empty() { Ok(book) } else { Err(complaints.errors) }
    }
}

fn complain(complaints: &mut Complaints<'_>, span: std::ops::Range<usize>, errors: Vec<String>) {
    let hint = "`consentry rules show ID` lists the values that are policy choices";
    for error in errors {
        complaints.add(span.clone(), error, hint);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RuleBook, Text};

    #[track_caller]
    fn refused(content: &str, line: usize, because: &str) {
        let text = Text { file: "own.toml", content };
        let errors = RuleBook::builtin().with_choices_in(&text).unwrap_err();
        assert_eq!(errors[0].line, line, "{}", errors[0]);
        assert!(errors[0].message.contains(because), "{}", errors[0]);
    }

    #[test]
    fn a_policy_choice_is_the_operators() {
        let content = "[overrides.be]\n\"soft.max_age_months.contract_ended\" = 24\n";
        let text = Text { file: "own.toml", content };
        let book = RuleBook::builtin().with_choices_in(&text).unwrap();
        let changed = book.sets().filter(|set| !set.overridden().is_empty()).count();
        assert_eq!(changed, 1);
    }

    #[test]
    fn a_statutory_value_is_not_and_the_error_says_why() {
        let content = "\n[overrides.be]\n\"soft.same_legal_person\" = false\n";
        refused(content, 3, "Royal Decree of 4 April 2003");
        refused("[overrides.be]\n\"soft.colour\" = 1\n", 2, "no field `soft.colour`");
        refused("[overrides.atlantis]\n\"soft.colour\" = 1\n", 2, "no rule set `atlantis`");
        refused("[override.be]\n", 1, "unknown field");
    }

    #[test]
    fn a_choice_in_part_stays_within_its_part() {
        let kinds =
            "[overrides.at]\n\"soft.relationship_kinds\" = [\"sale_paid\", \"competition\"]\n";
        refused(kinds, 2, "relations may be left out");
        refused("[overrides.uk]\n\"consent.evidence_required\" = []\n", 2, "proof may be added");
    }

    #[test]
    fn what_is_not_unverified_cannot_be_accepted() {
        let content = "[[accepted_unverified]]\nrule_set = \"uk\"\nfield = \"soft.available\"\n\
                       by = \"A. Counsel\"\non = 2026-05-01\n";
        refused(content, 1, "is not unverified");
    }

    #[test]
    fn what_is_accepted_needs_a_name_and_a_date() {
        let head = "[[accepted_unverified]]\nrule_set = \"uk\"\nfield = \"business.public_body\"\n";
        refused(head, 1, "missing field `by`");
        let whole = format!("{head}by = \"A. Counsel\"\non = 2026-05-01\n");
        let text = Text { file: "own.toml", content: &whole };
        assert!(RuleBook::builtin().with_choices_in(&text).is_ok());
    }
}
