//! Every format on small samples, and on bytes that are none of them.

mod formats;
mod own;
mod properties;

use std::collections::BTreeMap;

use super::{Choice, Names, OpenError, Reader, Row, Terms, Who};
use crate::base::{BrandId, EntityId, Timestamp, TopicId};
use crate::eligibility::Evidence;
use crate::eligibility::csv::RowError;
use crate::eligibility::fact::{Fact, Scope};

fn topic(id: &str) -> TopicId {
    TopicId::parse(id).unwrap()
}

/// An import on 1 June 2026 by acme, with the topics shoes and hats.
fn terms() -> Terms {
    Terms {
        imported_at: Timestamp::parse("2026-06-01").unwrap(),
        entity: Some(EntityId::parse("acme").unwrap()),
        only_entity: None,
        topics: BTreeMap::new(),
        date_format: None,
        names: Names {
            entities: vec![EntityId::parse("acme").unwrap()],
            brands: vec![BrandId::parse("boots").unwrap()],
            topics: vec![topic("shoes"), topic("hats")],
        },
        keyring: "0123456789abcdef".to_owned(),
    }
}

fn read(text: &str, choice: Choice, terms: Terms) -> Result<Vec<Result<Row, RowError>>, OpenError> {
    Ok(Reader::open(text.as_bytes(), choice, terms)?.collect())
}

/// A row in a few words: local part, pieces, remarks.
fn told(row: &Result<Row, RowError>) -> String {
    let row = match row {
        Ok(row) => row,
        Err(error) => return format!("line {}: {}: {}", error.line, error.column, error.message),
    };
    let who = match &row.who {
        Who::Address(mailbox) => mailbox.local_part().to_owned(),
        Who::Key(key) => format!("key {key}"),
    };
    let pieces = row.evidence.iter().map(piece);
    let remarks = row.remarks.iter().map(|remark| format!("({})", remark.as_str()));
    [who].into_iter().chain(pieces).chain(remarks).collect::<Vec<_>>().join(" ")
}

fn piece(piece: &Evidence) -> String {
    let scope = match &piece.fact {
        Fact::Objection { scope, .. } | Fact::ConsentWithdrawn { scope } => match scope {
            Scope::Entity(_) => String::from(":all"),
            Scope::Brand(_, brand) => format!(":{brand}"),
            Scope::Topic(_, topic) => format!(":{topic}"),
        },
        Fact::ConsentGiven(consent) => {
            let topics: Vec<&str> = consent.topics.iter().map(TopicId::as_str).collect();
            format!(":{}", topics.join("+"))
        }
        Fact::Bounce { status } => format!(":{status}"),
        _ => String::new(),
    };
    format!("{}{scope}@{}", piece.fact.kind(), piece.at.date())
}

/// Reads `text`, recognising its format, and compares each row in a few words.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_with(text, Choice::Recognise, terms(), expected);
}

#[track_caller]
fn check_with(text: &str, choice: Choice, terms: Terms, expected: &[&str]) {
    let rows = read(text, choice, terms).unwrap();
    let found: Vec<String> = rows.iter().map(told).collect();
    assert_eq!(found, expected);
}
