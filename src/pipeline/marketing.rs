//! A marketing message: judged recipient by recipient, rendered copy by copy.

use std::sync::Arc;

use thiserror::Error;

use super::dispatch::{Dispatch, OnDeferredRecipient};
use super::frame::Frame;
use super::house::Sender;
use super::judgement::{Authority, Judgement, Ruling};
use super::ledger::LedgerEntry;
use super::modes::Enforce;
use super::notice::{NoticeEntry, NoticeError};
use super::plan::{Plan, PlannedCopy, PlannedNotice};
use super::record::{Beside, ClassRecord, DecisionRecord, MarketingRecord};
use super::reply_table::{Course, Standing};
use super::trace::received_field;
use crate::base::{AddressKeys, Digest, DomainName, JurisdictionId, PersonKey, Timestamp, TopicId};
use crate::classify::Classification;
use crate::eligibility::{
    self, Case, MessageFacts, Places, RecipientFacts, RecipientRecord, RegisterFacts, Scope,
    Successions, decide,
};
use crate::mail::MailData;
use crate::rewrite::{self, Prepared, Slots};
use crate::smtp::ForwardPath;
use crate::unsubscribe::{self, Purpose};

/// Why a plan could not be made. Nothing was sent or claimed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PlanError {
    /// The notice about denied recipients cannot be written.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// The store has no number for the opt-out scope yet: without it no token can be made,
    /// and without a token no marketing leaves.
    #[error("the opt-out scope has no number yet")]
    NoScope,
    /// The token's link does not have the length the message was prepared for.
    #[error("the unsubscribe link does not fit the prepared message")]
    Slots,
}

/// A record as it was read, with the version a permit must find unchanged.
#[derive(Clone, Copy, Debug)]
pub struct ReadRecord<'a> {
    /// The version; 0 if there is no record.
    pub version: u64,
    /// The fold of the evidence.
    pub record: &'a RecipientRecord,
    /// When the person was last sent marketing.
    pub last_marketing_sent_at: Option<Timestamp>,
    /// The fold of the evidence about the whole domain.
    pub domain: Option<&'a RecipientRecord>,
    /// What the public registers say about the address.
    pub registers: &'a RegisterFacts,
    /// The other rows it was read from.
    pub beside: &'a Beside,
    /// Which legal person became which.
    pub history: &'a Successions,
}

/// One recipient as the store knows people.
#[derive(Clone, Debug)]
pub(super) struct Addressee {
    pub(super) keys: AddressKeys,
    pub(super) domain: DomainName,
}

/// A marketing message that was classified and prepared, and waits for its records.
#[derive(Debug)]
pub struct MarketingDraft {
    /// Envelope, ids and ledger keys.
    pub frame: Arc<Frame>,
    pub(super) sender: Sender,
    pub(super) classification: Classification,
    pub(super) topics: Vec<TopicId>,
    pub(super) prepared: Prepared,
    pub(super) facts: MessageFacts,
    pub(super) addressees: Vec<Addressee>,
    pub(super) enforce: Enforce,
}

impl MarketingDraft {
    /// The persons whose records are wanted, one per recipient.
    pub fn persons(&self) -> Vec<AddressKeys> {
        self.addressees.iter().map(|addressee| addressee.keys.clone()).collect()
    }

    /// What a one-click opt-out from this message covers.
    pub const fn scope(&self) -> &Scope {
        &self.sender.scope
    }

    /// How much of the law is enforced for this message.
    pub const fn enforcement(&self) -> Enforce {
        self.enforce
    }

    /// The person a ruling is about.
    pub fn person_of(&self, ruling: &Ruling) -> Option<PersonKey> {
        let is_this = |index: &usize| self.frame.decision(*index) == ruling.decision;
        (0..self.addressees.len())
            .find(is_this)
            .map(|index| self.addressees[index].keys.newest.person)
    }

    /// What was done to the message, for metrics.
    pub const fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Decides for every recipient without a fate.
    pub fn judge(&self, records: &[ReadRecord<'_>], fates: &[LedgerEntry]) -> Judgement {
        let rulings = (0..self.frame.recipients()).map(|index| {
            let is_settled = fates.get(index).is_some_and(|entry| entry.fate.is_some());
            // A reading that lacks a record is a reading that knows nothing: deny by law.
            let record = records.get(index)?;
            (!is_settled).then(|| self.rule(index, record))
        });
        let mut fates = fates.to_vec();
        fates.resize(self.frame.recipients(), LedgerEntry::default());
        Judgement {
            dialect: self.frame.dialect(),
            mode: self.frame.stream.mode,
            disclose: self.frame.disclosure(),
            unedited: match self.prepared.outcome() {
                rewrite::Outcome::Edited { .. } => None,
                rewrite::Outcome::HeadersOnly { reason } => Some(reason.as_str()),
            },
            rulings: rulings.collect(),
            fates,
        }
    }

    fn rule(&self, index: usize, read: &ReadRecord<'_>) -> Ruling {
        let addressee = &self.addressees[index];
        let jurisdictions = self.jurisdictions(read, &addressee.domain);
        let case = Case {
            at: self.frame.transaction.received_at,
            jurisdictions: &jurisdictions,
            message: &self.facts,
            recipient: RecipientFacts {
                domain: Some(&addressee.domain),
                last_marketing_sent_at: read.last_marketing_sent_at,
                domain_record: read.domain,
                registers: Some(read.registers),
                ..RecipientFacts::new(read.record, addressee.keys.newest.tag)
            },
            policy: &self.frame.house.policy,
            history: read.history,
        };
        let verdict = decide(&case, &self.frame.house.rules);
        let authority = Ruling::authority_for(&verdict, self.enforce);
        Ruling {
            decision: self.frame.decision(index),
            verdict,
            jurisdictions,
            record_version: read.version,
            beside: read.beside.clone(),
            authority,
        }
    }

    fn jurisdictions(&self, read: &ReadRecord<'_>, domain: &DomainName) -> Vec<JurisdictionId> {
        let mut said = read.record.jurisdictions();
        if let (true, Some(firm)) = (said.is_empty(), read.domain) {
            said = firm.jurisdictions();
        }
        let places = Places {
            establishment: &self.sender.establishment,
            record: &said,
            default: &self.frame.stream.jurisdictions,
            domain: Some(domain),
        };
        eligibility::jurisdictions(&places, &self.frame.house.rules)
    }

    /// What the journal keeps about a decision, and about the `copy` that leaves because of it.
    pub fn decision_record(&self, ruling: &Ruling, copy: Option<Digest>) -> DecisionRecord {
        DecisionRecord {
            decision: ruling.decision,
            transaction: self.frame.transaction_id(),
            at: self.frame.transaction.received_at,
            stream: self.frame.stream_id().clone(),
            class: ClassRecord::of(&self.classification),
            marketing: Some(MarketingRecord {
                entity: self.sender.entity.clone(),
                brand: self.sender.brand.clone(),
                topics: self.topics.clone(),
                jurisdictions: ruling.jurisdictions.clone(),
                enforce: self.enforce,
                is_sent: ruling.authority.is_some(),
                footer: match self.enforce {
                    Enforce::Observe => "untouched (the stream only observes)".to_owned(),
                    Enforce::Objections | Enforce::All => footer_in_words(self.prepared.outcome()),
                },
                footer_hash: match self.enforce {
                    Enforce::Observe => None,
                    Enforce::Objections | Enforce::All => Some(self.sender.rewriting.footer.hash()),
                },
                copy,
                record_version: ruling.record_version,
                verdict: ruling.verdict.report(),
            }),
            refused: None,
            config: self.frame.house.config_digest,
        }
    }

    /// Fixes what will be sent.
    ///
    /// # Errors
    /// [`PlanError`]; nothing may then be sent.
    pub fn plan(
        &self,
        judgement: &Judgement,
        course: Course,
        scope_id: Option<u64>,
        at: Timestamp,
    ) -> Result<Plan, PlanError> {
        let mut plan = Plan { course, notice: None, copies: Vec::new(), claims: Vec::new() };
        if matches!(course, Course::Refuse | Course::Wait) {
            return Ok(plan);
        }
        if course == Course::NotifyThenSend {
            plan.notice = self.plan_notice(judgement, at)?;
        }
        for index in judgement.positions(Standing::Allowed) {
            let Some(ruling) = judgement.rulings[index].as_ref() else { continue };
            let Some(authority) = ruling.authority.as_ref() else { continue };
            let data = self.render(index, ruling, authority, scope_id)?;
            let dispatch = self.dispatch(index, data);
            plan.copies.push(PlannedCopy { recipients: vec![index], dispatch });
            plan.claims.push(index);
        }
        let denied = plan.notice.iter().flat_map(|notice| notice.denied.iter().copied());
        plan.claims.extend(denied.collect::<Vec<_>>());
        Ok(plan)
    }

    fn plan_notice(
        &self,
        judgement: &Judgement,
        at: Timestamp,
    ) -> Result<Option<PlannedNotice>, NoticeError> {
        let denied = judgement.positions(Standing::Denied);
        let entries: Vec<NoticeEntry> = denied
            .iter()
            .filter_map(|index| {
                let ruling = judgement.rulings[*index].as_ref()?;
                let remedy = judgement.remedy(ruling.reason());
                Some(self.notice_entry(*index, ruling, &remedy))
            })
            .collect();
        let dispatch = self.frame.notice(&entries, at)?;
        Ok(dispatch.map(|dispatch| PlannedNotice { dispatch, denied }))
    }

    fn notice_entry(&self, index: usize, ruling: &Ruling, remedy: &str) -> NoticeEntry {
        let codes: Vec<&str> = ruling.verdict.reasons().iter().map(|r| r.code()).collect();
        let explanation = ruling
            .reason()
            .map(|reason| format!("{}. {remedy}.", reason.missing()))
            .unwrap_or_default();
        NoticeEntry {
            recipient: self.recipient(index).clone(),
            status: "5.7.1".to_owned(),
            diagnostic: format!("550 5.7.1 {} decision {}", codes.join(" "), ruling.decision),
            explanation,
            decision: ruling.decision,
        }
    }

    fn recipient(&self, index: usize) -> &ForwardPath {
        &self.frame.transaction.envelope.forward_paths[index]
    }

    fn render(
        &self,
        index: usize,
        ruling: &Ruling,
        authority: &Authority,
        scope_id: Option<u64>,
    ) -> Result<MailData, PlanError> {
        let frame = &self.frame;
        let received = received_field(&frame.transaction, &frame.house.hostname, ruling.decision);
        let is_raw = match authority {
            Authority::NotMarketing => true,
            Authority::Observed => self.enforce == Enforce::Observe,
            Authority::Permitted(_) => false,
        };
        if is_raw {
            return Ok(rewrite::relay_copy(&frame.message, &received));
        }
        let number = scope_id.and_then(unsubscribe::ScopeId::new).ok_or(PlanError::NoScope)?;
        let claims = unsubscribe::Claims {
            person: self.addressees[index].keys.newest.person,
            scope_kind: scope_kind(self.scope()),
            scope_id: number,
            decision: ruling.decision,
        };
        let token = unsubscribe::seal(&frame.house.keyring, Purpose::Unsubscribe, &claims);
        let slots = Slots {
            unsubscribe_url: unsubscribe::unsubscribe_url(&frame.house.public_url, &token),
            mailto_subject: frame.house.mailto.as_ref().map(|_| token.as_str().to_owned()),
            received,
            decision: ruling.decision,
        };
        let copy = match authority {
            Authority::Permitted(permit) => rewrite::render(&self.prepared, permit, &slots),
            Authority::Observed | Authority::NotMarketing => self.prepared.render_copy(&slots),
        };
        copy.map_err(|_| PlanError::Slots)
    }

    fn dispatch(&self, index: usize, data: MailData) -> Dispatch {
        let envelope = &self.frame.transaction.envelope;
        Dispatch {
            reverse_path: envelope.reverse_path.clone(),
            forward_paths: vec![self.recipient(index).clone()],
            body: envelope.body,
            smtputf8: envelope.smtputf8,
            data,
            on_deferred: OnDeferredRecipient::SendToOthers,
        }
    }
}

const fn scope_kind(scope: &Scope) -> unsubscribe::ScopeKind {
    match scope {
        Scope::Entity(_) => unsubscribe::ScopeKind::Entity,
        Scope::Brand(..) => unsubscribe::ScopeKind::Brand,
        Scope::Topic(..) => unsubscribe::ScopeKind::Topic,
    }
}

fn footer_in_words(outcome: &rewrite::Outcome) -> String {
    match outcome {
        rewrite::Outcome::Edited { footers } => {
            format!("edited ({} HTML and {} text footers added)", footers.html, footers.text)
        }
        rewrite::Outcome::HeadersOnly { reason } => format!("headers_only ({})", reason.as_str()),
    }
}
