//! What the event at a transaction's end will say, gathered while the transaction goes its way.
//!
//! Counts and codes only; whoever gathers decides nothing. Lists are bounded, so that a message
//! to a hundred recipients still makes one readable line.

use std::fmt;
use std::time::Duration;

use super::labels::{DeferCause, Label, Stage, VerdictLabel};
use super::metrics::Metrics;
use super::queue_id::queue_id;
use crate::pipeline::Outcome;
use crate::smtp::{Reply, Status};

/// Items of a list that stand in a line; the rest is counted.
pub(super) const LISTED_MAX: usize = 20;

/// One transaction's account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub(super) generation: u64,
    verdicts: [u64; VerdictLabel::ALL.len()],
    pub(super) reasons: Tally<&'static str>,
    pub(super) upstream: Tally<Word>,
    queue_ids: Vec<Box<str>>,
    queue_ids_more: u64,
    stages: [Option<Duration>; Stage::ALL.len()],
}

impl Account {
    /// An empty account of a transaction that begins under the present configuration.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            generation: metrics.config_generation(),
            verdicts: [0; VerdictLabel::ALL.len()],
            reasons: Tally::default(),
            upstream: Tally::default(),
            queue_ids: Vec::new(),
            queue_ids_more: 0,
            stages: [None; Stage::ALL.len()],
        }
    }

    /// One recipient was decided on.
    pub fn decided(&mut self, verdict: VerdictLabel, reason: Option<&'static str>) {
        self.verdicts[verdict.position()] += 1;
        if let Some(reason) = reason {
            self.reasons.add(reason);
        }
    }

    /// All `recipients` are put off, whatever was decided before.
    pub fn deferred(&mut self, recipients: u64, cause: DeferCause) {
        self.verdicts = [0; VerdictLabel::ALL.len()];
        self.verdicts[VerdictLabel::Defer.position()] = recipients;
        self.reasons = Tally(vec![(cause.as_str(), recipients)]);
    }

    /// A stage took so long, in addition to what it took before.
    pub fn spent(&mut self, stage: Stage, took: Duration) {
        *self.stages[stage.position()].get_or_insert_default() += took;
    }

    /// The upstream's answer about one recipient is known.
    pub fn answered(&mut self, outcome: &Outcome) {
        self.upstream.add(Word::of(outcome));
        let Outcome::Accepted(reply) = outcome else { return };
        let Some(id) = queue_id(reply) else { return };
        // One copy for several recipients has one reply, told once for each of them.
        if self.queue_ids.last().is_some_and(|last| **last == *id) {
            return;
        }
        match self.queue_ids.len() < LISTED_MAX {
            true => self.queue_ids.push(id.into()),
            false => self.queue_ids_more += 1,
        }
    }

    /// How many recipients got this verdict; `None` for none.
    pub(super) fn count(&self, verdict: VerdictLabel) -> Option<u64> {
        Some(self.verdicts[verdict.position()]).filter(|count| *count > 0)
    }

    pub(super) fn queue_ids(&self) -> Option<String> {
        (!self.queue_ids.is_empty()).then(|| self.queue_ids.join(","))
    }

    pub(super) fn queue_ids_more(&self) -> Option<u64> {
        Some(self.queue_ids_more).filter(|more| *more > 0)
    }

    pub(super) const fn stages(&self) -> Stages<'_> {
        Stages(&self.stages)
    }
}

/// One answer of the upstream, as a tally counts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Reply(u16, Option<Status>),
    Fault(&'static str),
}

impl Word {
    fn of(outcome: &Outcome) -> Self {
        let word = |reply: &Reply| Self::Reply(reply.code(), reply.status());
        match outcome {
            Outcome::Accepted(reply) | Outcome::Refused(reply) | Outcome::Deferred(reply) => {
                word(reply)
            }
            Outcome::Failed(fault) => Self::Fault(fault.as_str()),
            Outcome::InDoubt => Self::Fault("in_doubt"),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(code, None) => write!(f, "{code}"),
            Self::Reply(code, Some(Status { subject, detail })) => {
                write!(f, "{code} {}.{subject}.{detail}", code / 100)
            }
            Self::Fault(fault) => f.write_str(fault),
        }
    }
}

/// How often each of a few things came, in the order they first came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tally<T>(Vec<(T, u64)>);

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Tally<T> {
    fn add(&mut self, thing: T) {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == thing) {
            *count += 1;
        } else if self.0.len() < LISTED_MAX {
            // Codes and reasons are few; a peer that invents them is not worth a longer line.
            self.0.push((thing, 1));
        }
    }

    /// The tally, unless it is empty.
    pub(super) fn counted(&self) -> Option<&Self> {
        (!self.0.is_empty()).then_some(self)
    }
}

impl<T: fmt::Display> fmt::Display for Tally<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (thing, count)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{thing}:{count}")?;
        }
        Ok(())
    }
}

/// The first items of a list, with commas between them.
pub(super) struct List<I>(I);

impl<I: ExactSizeIterator + Clone> List<I> {
    /// A list of `items`, which are looked at only if it is written.
    pub(super) const fn new(items: I) -> Self {
        Self(items)
    }

    /// How many items are not shown.
    pub(super) fn more(&self) -> Option<u64> {
        let more = self.0.len().saturating_sub(LISTED_MAX);
        u64::try_from(more).ok().filter(|more| *more > 0)
    }
}

impl<I: Iterator<Item: fmt::Display> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.clone().take(LISTED_MAX).enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}

/// Stages gone through, with their milliseconds.
pub(super) struct Stages<'a>(&'a [Option<Duration>]);

impl fmt::Display for Stages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gone_through =
            Stage::ALL.iter().zip(self.0).filter_map(|(stage, took)| Some((stage, (*took)?)));
        for (index, (stage, took)) in gone_through.enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}:{:.2}", stage.as_str(), milliseconds(took))?;
        }
        Ok(())
    }
}

/// A span in milliseconds, exact to a microsecond.
pub(super) fn milliseconds(span: Duration) -> f64 {
    f64::from(u32::try_from(span.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}
