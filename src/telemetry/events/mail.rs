//! Events of messages and their recipients.

use std::time::Duration;

use prometheus::IntGauge;
use tracing::{debug, info, trace};

use crate::base::{DecisionId, StreamId, Timestamp, TransactionId};
use crate::smtp::{Reply, Transaction};
use crate::telemetry::account::{Account, List, milliseconds};
use crate::telemetry::labels::{
    ClassLabel, EnforceLabel, FooterOutcome, ModeLabel, ReplyLabel, Stage, VerdictLabel,
};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::personal::{Address, ClientIp, PersonalData};

/// The label for the absence of a reason.
const NO_REASON: &str = "none";

/// The mail data of a transaction have arrived.
#[derive(Clone, Copy, Debug)]
pub struct MessageArrived {
    /// Their bytes.
    pub bytes: usize,
}

impl MessageArrived {
    /// Counts it; the bytes count as in flight until what is returned is dropped.
    pub fn emit(&self, metrics: &Metrics) -> HeldBytes {
        metrics.mail.received_bytes.inc_by(u64::try_from(self.bytes).unwrap_or(u64::MAX));
        let bytes = i64::try_from(self.bytes).unwrap_or(i64::MAX);
        let gauge = metrics.mail.in_flight_bytes.clone();
        gauge.add(bytes);
        HeldBytes { gauge, bytes }
    }
}

/// Bytes of a message that is being handled.
#[derive(Debug)]
pub struct HeldBytes {
    gauge: IntGauge,
    bytes: i64,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.gauge.sub(self.bytes);
    }
}

/// A client is about to be answered after end-of-data: the one line of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct TransactionFinished<'a> {
    /// The transaction.
    pub transaction: &'a Transaction,
    /// Its stream.
    pub stream: &'a StreamId,
    /// Its class.
    pub class: ClassLabel,
    /// The stream's mode.
    pub mode: ModeLabel,
    /// How much of the law the stream enforced.
    pub enforce: EnforceLabel,
    /// The decisions journalled for it.
    pub decisions: &'a [DecisionId],
    /// The reply.
    pub reply: &'a Reply,
    /// The time from end-of-data.
    pub took: Duration,
    /// What was gathered on the way.
    pub account: &'a Account,
}

impl TransactionFinished<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (class, reply) = (self.class.as_str(), ReplyLabel::of(self.reply).as_str());
        let labels = [self.stream.as_str(), class, reply];
        metrics.mail.transactions.with_label_values(&labels).inc();
        metrics.mail.transaction_seconds.of(self.class).observe(self.took.as_secs_f64());
        self.log(PersonalData::current());
    }

    fn log(&self, personal_data: PersonalData) {
        let (account, peer) = (self.account, &self.transaction.peer);
        let envelope = &self.transaction.envelope;
        let paths =
            envelope.forward_paths.iter().map(|to| Address::of_recipient(to, personal_data));
        let recipients = List::new(paths);
        let decisions = List::new(self.decisions.iter());
        info!(
            transaction = %self.transaction.id,
            reply = self.reply.code(),
            listener = peer.listener,
            client = peer.client,
            client_ip = %ClientIp { ip: peer.ip, personal_data },
            tls = peer.via.is_encrypted,
            auth = peer.via.is_authenticated,
            from = %Address::of_sender(&envelope.reverse_path, personal_data),
            recipients = envelope.forward_paths.len(),
            to = %recipients,
            bytes = self.transaction.content.bytes().len(),
            stream = self.stream.as_str(),
            class = self.class.as_str(),
            mode = self.mode.as_str(),
            enforce = self.enforce.as_str(),
            permit = account.count(VerdictLabel::Permit),
            deny = account.count(VerdictLabel::Deny),
            defer = account.count(VerdictLabel::Defer),
            service = account.count(VerdictLabel::Service),
            observed_permit = account.count(VerdictLabel::ObservedPermit),
            observed_deny = account.count(VerdictLabel::ObservedDeny),
            reasons = account.reasons.counted().map(|tally| tally.to_string()),
            decisions = %decisions,
            decisions_more = decisions.more(),
            upstream = account.upstream.counted().map(|tally| tally.to_string()),
            queue_ids = account.queue_ids(),
            queue_ids_more = account.queue_ids_more(),
            took_ms = milliseconds(self.took),
            stages_ms = %account.stages(),
            generation = account.generation,
            "transaction finished"
        );
    }
}

/// One recipient was decided on.
#[derive(Clone, Copy, Debug)]
pub struct RecipientDecided<'a> {
    /// The decision.
    pub decision: DecisionId,
    /// The stream of the message.
    pub stream: &'a StreamId,
    /// The class of the message.
    pub class: ClassLabel,
    /// The stream's mode.
    pub mode: ModeLabel,
    /// The verdict.
    pub verdict: VerdictLabel,
    /// The first reason code, if there is one.
    pub reason: Option<&'static str>,
}

impl RecipientDecided<'_> {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (class, mode) = (self.class.as_str(), self.mode.as_str());
        let (verdict, reason) = (self.verdict.as_str(), self.reason.unwrap_or(NO_REASON));
        let labels = [self.stream.as_str(), class, mode, verdict, reason];
        metrics.mail.recipients.with_label_values(&labels).inc();
        debug!(
            decision = %self.decision, stream = self.stream.as_str(), class, verdict, reason,
            "recipient decided"
        );
    }
}

/// A message was prepared for its footers.
#[derive(Clone, Copy, Debug)]
pub struct FooterPlaced {
    /// The transaction.
    pub transaction: TransactionId,
    /// What was done.
    pub outcome: FooterOutcome,
    /// Why no more was done.
    pub reason: Option<&'static str>,
}

impl FooterPlaced {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let (outcome, reason) = (self.outcome.as_str(), self.reason.unwrap_or(NO_REASON));
        metrics.mail.footers.with_label_values(&[outcome, reason]).inc();
        debug!(transaction = %self.transaction, outcome, reason, "footer placed");
    }
}

/// A stage of a transaction ended.
#[derive(Clone, Copy, Debug)]
pub struct StageFinished {
    /// The transaction.
    pub transaction: TransactionId,
    /// The stage.
    pub stage: Stage,
    /// How long it took.
    pub took: Duration,
}

impl StageFinished {
    /// Counts and logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.mail.stage_seconds.of(self.stage).observe(self.took.as_secs_f64());
        let stage = self.stage.as_str();
        trace!(transaction = %self.transaction, stage, took = ?self.took, "stage finished");
    }
}

/// Somebody looked which streams do not enforce everything yet.
#[derive(Clone, Copy, Debug)]
pub struct LeasesObserved<'a> {
    /// Those streams, and until when they need not.
    pub leases: &'a [(StreamId, Timestamp)],
    /// When it was looked.
    pub at: Timestamp,
}

impl LeasesObserved<'_> {
    /// Shows them; streams not named are no longer shown.
    pub fn emit(&self, metrics: &Metrics) {
        let left = self.leases.iter().map(|(stream, until)| {
            let seconds = until.since(self.at).as_secs();
            (stream, i64::try_from(seconds).unwrap_or(i64::MAX))
        });
        metrics.mail.show_leases(left);
        trace!(streams = self.leases.len(), "leases observed");
    }
}
