//! What both lanes know about a message: its envelope, ids, ledger keys and who is notified.

use std::sync::Arc;
use std::time::Duration;

use super::dispatch::{Dispatch, Outcome};
use super::house::{House, Stream};
use super::ledger::{FateKey, Fingerprint};
use super::modes::{Disclose, Enforce, Mode, NoticeTo};
use super::notice::{self, Notice, NoticeEntry, NoticeError};
use super::reply_table::{Ending, NoticePath};
use crate::base::{DecisionId, PersonKey, StreamId, Timestamp, TransactionId};
use crate::mail::Message;
use crate::smtp::{Dialect, Path, Replies, Reply, ReversePath, Transaction};

/// A message on its way, before and after its class is known.
#[derive(Clone, Debug)]
pub struct Frame {
    pub(super) house: Arc<House>,
    pub(super) stream: Arc<Stream>,
    pub(super) transaction: Transaction,
    pub(super) message: Arc<Message>,
    fingerprint: Fingerprint,
    fate_keys: Vec<FateKey>,
    decisions: Vec<DecisionId>,
    persons: Vec<Option<PersonKey>>,
    /// For each accepted RCPT, which recipient it named.
    named: Vec<usize>,
}

impl Frame {
    /// The frame of `transaction`, whose message fits `stream`, and whose RCPTs `named` its
    /// recipients.
    pub(super) fn new(
        house: Arc<House>,
        stream: Arc<Stream>,
        transaction: Transaction,
        message: Arc<Message>,
        named: Vec<usize>,
    ) -> Self {
        let submitter = transaction.peer.client.as_str();
        let body = &transaction.content.bytes()[message.leading_trace_end()..];
        let fingerprint = Fingerprint::of(submitter, &transaction.envelope.reverse_path, body);
        let recipients = &transaction.envelope.forward_paths;
        let fate_keys = recipients.iter().map(|path| FateKey::of(&fingerprint, path)).collect();
        let key = house.keyring.decision_key();
        let decisions = (0..recipients.len())
            .map(|index| {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                DecisionId::derive(key, transaction.id, index)
            })
            .collect();
        let persons = vec![None; recipients.len()];
        Self {
            house,
            stream,
            transaction,
            message,
            fingerprint,
            fate_keys,
            decisions,
            persons,
            named,
        }
    }

    /// The same frame, with the persons marketing copies go to.
    pub(super) fn with_persons(mut self, persons: Vec<PersonKey>) -> Self {
        self.persons = persons.into_iter().map(Some).collect();
        self
    }

    /// The protocol the message came by.
    pub const fn dialect(&self) -> Dialect {
        self.transaction.peer.via.dialect
    }

    /// The replies to the recipients as replies to the RCPTs that named them.
    pub fn replies(&self, told: &[Reply]) -> Replies {
        // A recipient named twice has one fate and is told of it twice (RFC 2033 §4.2).
        Replies::Each(self.named.iter().filter_map(|index| told.get(*index)).cloned().collect())
    }

    /// Whether nobody's permission is asked for this message.
    pub fn is_service(&self) -> bool {
        self.persons.iter().all(Option::is_none)
    }

    /// How many recipients the message has.
    pub fn recipients(&self) -> usize {
        self.fate_keys.len()
    }

    /// The transaction's number.
    pub const fn transaction_id(&self) -> TransactionId {
        self.transaction.id
    }

    /// The transaction.
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// How the stream answers a partial denial.
    pub fn mode(&self) -> Mode {
        self.stream.mode
    }

    /// How much of the law the stream enforces for this message.
    pub fn enforcement(&self) -> Enforce {
        self.stream.enforcement(self.transaction.received_at)
    }

    /// The stream's id.
    pub fn stream_id(&self) -> &StreamId {
        &self.stream.id
    }

    /// The message's name across retries.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The ledger keys of all recipients, in order.
    pub fn fate_keys(&self) -> &[FateKey] {
        &self.fate_keys
    }

    /// The ledger key of one recipient.
    pub fn fate_key(&self, index: usize) -> FateKey {
        self.fate_keys[index]
    }

    /// The decision about one recipient.
    pub fn decision(&self, index: usize) -> DecisionId {
        self.decisions[index]
    }

    /// The decisions the journal knows: one per recipient of marketing mail, else one for all.
    pub fn journalled_decisions(&self) -> &[DecisionId] {
        let count = if self.is_service() { 1 } else { self.decisions.len() };
        &self.decisions[..count.min(self.decisions.len())]
    }

    /// The person behind one recipient, for marketing mail.
    pub fn marketing_person(&self, index: usize) -> Option<PersonKey> {
        self.persons[index]
    }

    /// After how long a deferred recipient becomes refused.
    pub fn deferral_max(&self) -> Duration {
        self.house.deferral_max
    }

    /// Whether somebody can be notified about recipients not sent to.
    pub fn notice_path(&self) -> NoticePath {
        match (&self.stream.notice_to, &self.transaction.envelope.reverse_path) {
            (NoticeTo::Nobody, _) => NoticePath::Unwanted,
            // RFC 5321 §6.1: no notice about a message that is itself a notice.
            (_, ReversePath::Null) => NoticePath::Closed,
            (NoticeTo::Address(_), ReversePath::Path(_)) => NoticePath::Open,
            // Reasons about people are for senders of the house only.
            (NoticeTo::ReversePath, ReversePath::Path(_)) => match self.disclosure() {
                Disclose::Reason => NoticePath::Open,
                Disclose::Class => NoticePath::Closed,
            },
        }
    }

    fn notice_recipient(&self) -> Option<&Path> {
        match (&self.stream.notice_to, &self.transaction.envelope.reverse_path) {
            (NoticeTo::Address(path), _) => Some(path),
            (NoticeTo::ReversePath, ReversePath::Path(path)) => Some(path),
            (NoticeTo::ReversePath, ReversePath::Null) | (NoticeTo::Nobody, _) => None,
        }
    }

    /// How much a refusal of this message tells: reasons only to senders of the house.
    pub(super) fn disclosure(&self) -> Disclose {
        let is_own = match (&self.transaction.envelope.reverse_path, &self.stream.sender) {
            (ReversePath::Path(path), Some(sender)) => {
                sender.domains.iter().any(|domain| path.mailbox().domain().is_within(domain))
            }
            _ => false,
        };
        let default = if is_own { Disclose::Reason } else { Disclose::Class };
        self.stream.disclose.unwrap_or(default)
    }

    /// A notice about `entries`, which are named to the operator in full.
    pub(super) fn notice(
        &self,
        entries: &[NoticeEntry],
        at: Timestamp,
    ) -> Result<Option<Dispatch>, NoticeError> {
        let Some(to) = self.notice_recipient().filter(|_| !entries.is_empty()) else {
            return Ok(None);
        };
        notice::dispatch(&Notice {
            transaction: self.transaction.id,
            received_at: self.transaction.received_at,
            at,
            hostname: &self.house.hostname,
            to,
            total: self.recipients(),
            entries,
            headers: self.message.header_block(),
        })
        .map(Some)
    }

    /// A notice about the recipients the upstream refused, if there are any.
    pub fn refusal_notice(&self, endings: &[Ending], at: Timestamp) -> Option<Dispatch> {
        let refused = endings.iter().enumerate().filter_map(|(index, ending)| match ending {
            Ending::Tried(Outcome::Refused(reply)) => Some(self.refusal_entry(index, reply)),
            _ => None,
        });
        let entries: Vec<NoticeEntry> = refused.collect();
        self.notice(&entries, at).ok().flatten()
    }

    fn refusal_entry(&self, index: usize, reply: &Reply) -> NoticeEntry {
        let status = reply.status().map_or_else(
            || "5.0.0".to_owned(),
            |status| format!("5.{}.{}", status.subject, status.detail),
        );
        NoticeEntry {
            recipient: self.transaction.envelope.forward_paths[index].clone(),
            status,
            diagnostic: reply.to_string(),
            explanation: "The outbound MTA refused this recipient for good.".to_owned(),
            decision: self.decisions[index],
        }
    }
}
