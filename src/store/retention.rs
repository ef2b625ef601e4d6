//! Retention: payloads that were kept long enough are deleted, a section of the chain at a time.
//!
//! How long is long enough is the operator's policy; here it has become a moment. Each step is a
//! short transaction that enters what it deletes, so that the relay's commits pass in between.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::erasure::{self, Erasure};
use super::fault::Fault;
use super::journal::Writing;
use super::locator::SECTION;
use super::row::row_sum;
use crate::base::Timestamp;

/// What is deleted: what is older than its moment; nothing where there is none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cutoffs {
    /// Decisions.
    pub decisions: Option<Timestamp>,
    /// What became of copies.
    pub outcomes: Option<Timestamp>,
    /// Service messages.
    pub service: Option<Timestamp>,
    /// Refusals of people about whom there is no evidence.
    pub strangers: Option<Timestamp>,
    /// The policy in the operator's words, for the journal.
    pub terms: BTreeMap<String, String>,
}

/// How many payloads were or would be deleted, by rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retained {
    /// Decisions.
    pub decisions: u64,
    /// What became of copies.
    pub outcomes: u64,
    /// Service messages.
    pub service: u64,
    /// Refusals of strangers.
    pub strangers: u64,
}

impl Retained {
    /// All together.
    pub const fn total(&self) -> u64 {
        self.decisions + self.outcomes + self.service + self.strangers
    }

    /// This and `other`.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            decisions: self.decisions + other.decisions,
            outcomes: self.outcomes + other.outcomes,
            service: self.service + other.service,
            strangers: self.strangers + other.strangers,
        }
    }

    fn count(&mut self, rule: Rule) {
        match rule {
            Rule::Decisions => self.decisions += 1,
            Rule::Outcomes => self.outcomes += 1,
            Rule::Service => self.service += 1,
            Rule::Strangers => self.strangers += 1,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    Decisions,
    Outcomes,
    Service,
    Strangers,
}

impl Rule {
    const ALL: [Self; 4] = [Self::Decisions, Self::Outcomes, Self::Service, Self::Strangers];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Outcomes => "outcomes",
            Self::Service => "service",
            Self::Strangers => "strangers",
        }
    }

    const fn cutoff(self, cutoffs: &Cutoffs) -> Option<Timestamp> {
        match self {
            Self::Decisions => cutoffs.decisions,
            Self::Outcomes => cutoffs.outcomes,
            Self::Service => cutoffs.service,
            Self::Strangers => cutoffs.strangers,
        }
    }

    /// What of a span of entries it deletes. A stranger is somebody who was never permitted
    /// anything and about whom there is no evidence.
    const fn condition(self) -> &'static str {
        match self {
            Self::Decisions => "kind = 'decision'",
            Self::Outcomes => "kind = 'outcome'",
            Self::Service => "kind = 'service'",
            Self::Strangers => {
                "kind = 'decision' AND version IS NULL AND person IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM evidence WHERE evidence.person = payload.person)
                 AND NOT EXISTS (SELECT 1 FROM sent WHERE sent.person = payload.person)"
            }
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    rule: usize,
    through: i64,
}

impl Place {
    /// The beginning of the first rule.
    pub(super) const START: Self = Self { rule: 0, through: 0 };
}

/// A span of entries that one rule has come to, and what in it is to be deleted.
struct Step {
    rule: Rule,
    through: i64,
    seqs: Vec<i64>,
}

/// Takes the next step of a run behind `place`: counts, and with `writing` deletes.
///
/// Tells where it stands then; `None` when all rules are done.
pub(super) fn advance(
    writing: &mut Writing<'_>,
    cutoffs: &Cutoffs,
    run: Timestamp,
    place: Place,
) -> Result<(Option<Place>, Retained), Fault> {
    let chain = writing.writer().node.to_string();
    let (step, next) = look(writing.connection(), &chain, cutoffs, place)?;
    let mut retained = Retained::default();
    let Some(step) = step else { return Ok((next, retained)) };
    let terms = cutoffs.terms.clone();
    let mut erasure = Erasure { why: "retention".to_owned(), terms, run, ..Erasure::default() };
    for seq in &step.seqs {
        erasure.add(&chain, *seq);
        retained.count(step.rule);
    }
    if !step.seqs.is_empty() {
        erasure::enter(writing, &erasure)?;
    }
    remember(writing.connection(), &chain, step.rule, step.through)?;
    Ok((next, retained))
}

/// The same without deleting anything.
pub(super) fn rehearse(
    connection: &Connection,
    chain: &str,
    cutoffs: &Cutoffs,
    place: Place,
) -> Result<(Option<Place>, Retained), Fault> {
    let (step, next) = look(connection, chain, cutoffs, place)?;
    let mut retained = Retained::default();
    if let Some(Step { rule, seqs, .. }) = step {
        seqs.iter().for_each(|_| retained.count(rule));
    }
    Ok((next, retained))
}

/// What lies behind `place`, at most one section of the chain, and where to look next.
fn look(
    connection: &Connection,
    chain: &str,
    cutoffs: &Cutoffs,
    place: Place,
) -> Result<(Option<Step>, Option<Place>), Fault> {
    let Some(rule) = Rule::ALL.get(place.rule).copied() else { return Ok((None, None)) };
    let next_rule = Some(Place { rule: place.rule + 1, through: 0 });
    let Some(cutoff) = rule.cutoff(cutoffs) else { return Ok((None, next_rule)) };
    let known = through(connection, chain, rule)?;
    let first = place.through.max(known) + 1;
    let section_end = ((first - 1) / SECTION + 1) * SECTION;
    // Time does not run backwards in a chain, but for resets of a wrong clock: the first entry
    // that is young enough ends the run.
    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT max(seq) FROM journal WHERE chain = ?1 AND seq BETWEEN ?2 AND ?3
             AND seq < coalesce((SELECT min(seq) FROM journal
                 WHERE chain = ?1 AND seq BETWEEN ?2 AND ?3 AND at >= ?4), ?3 + 1)",
        )?
        .query_row((chain, first, section_end, cutoff.as_millis()), |row| row.get(0))?;
    let Some(last) = last else { return Ok((None, next_rule)) };
    let sql = format!(
        "SELECT payload.seq FROM payload JOIN journal USING (chain, seq)
         WHERE payload.chain = ?1 AND payload.seq BETWEEN ?2 AND ?3 AND {} ORDER BY payload.seq",
        rule.condition()
    );
    let seqs = connection
        .prepare_cached(&sql)?
        .query_map((chain, first, last), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let next = match last == section_end {
        true => Some(Place { rule: place.rule, through: last }),
        false => next_rule,
    };
    Ok((Some(Step { rule, through: last, seqs }), next))
}

/// How far `rule` has come in `chain`.
fn through(connection: &Connection, chain: &str, rule: Rule) -> Result<i64, Fault> {
    let sql = "SELECT through FROM retained WHERE chain = ?1 AND rule = ?2";
    let found = connection
        .prepare_cached(sql)?
        .query_row((chain, rule.as_str()), |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

fn remember(connection: &Connection, chain: &str, rule: Rule, through: i64) -> Result<(), Fault> {
    let sum = row_sum(
        "retained",
        &[
            ValueRef::Text(chain.as_bytes()),
            ValueRef::Text(rule.as_str().as_bytes()),
            ValueRef::Integer(through),
        ],
    );
    connection
        .prepare_cached(
            "INSERT INTO retained (chain, rule, through, sum) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (chain, rule) DO UPDATE
             SET through = excluded.through, sum = excluded.sum",
        )?
        .execute((chain, rule.as_str(), through, sum))?;
    Ok(())
}
