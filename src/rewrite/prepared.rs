//! A message made ready for marketing copies: edits planned and verified, values left open.
//!
//! A `Prepared` sends nothing by itself. A copy needs the recipient's values, and the room
//! above wraps its making with the permit that allows it (promise P1).

use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use super::fields::{self, ListFields};
use super::insert::Insert;
use super::policy::{LinkSample, MailtoSample, Policy, ReceivedValue};
use super::refusal::BodyRefusal;
use crate::base::DecisionId;
use crate::mail::{Edit, Edits, EditsError, MailData, Message};

/// How many footers were placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Footers {
    /// In text/html leaves.
    pub html: usize,
    /// In text/plain leaves.
    pub text: usize,
}

/// What was done to the body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every displayed text shows our footer: these were added, the others had it (none added:
    /// a second pass).
    Edited {
        /// How many were added.
        footers: Footers,
    },
    /// The body is as it came.
    HeadersOnly {
        /// Why.
        reason: BodyRefusal,
    },
}

/// What form the copies have, judged on what is really in them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FormFacts {
    /// Every displayed text shows a link of ours.
    pub visible_unsubscribe: bool,
    /// The header offers a way to unsubscribe.
    pub header_unsubscribe: bool,
    /// Every displayed text shows the postal address.
    pub postal_address: bool,
    /// Every displayed text names the legal person.
    pub identity: bool,
}

/// The values of one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slots {
    /// The one-click URL.
    pub unsubscribe_url: String,
    /// The subject for unsubscribing by mail; needed where the policy names a mailbox.
    pub mailto_subject: Option<String>,
    /// Our Received field.
    pub received: ReceivedValue,
    /// The decision that allows the copy.
    pub decision: DecisionId,
}

/// Why a recipient's values do not fit the message they were prepared for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SlotsError {
    /// The link differs from the sample in length, prefix or alphabet.
    #[error("the unsubscribe link does not have the form of the sample it was prepared with")]
    Link,
    /// The mailto subject is missing, superfluous, or of another length.
    #[error("the mailto subject does not have the form of the sample it was prepared with")]
    MailtoSubject,
}

/// What an edit puts in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    /// Nothing: a removed field.
    Removed,
    /// Our Received.
    Received,
    /// Our other fields.
    Fields,
    /// A footer, by its position among the inserts.
    Footer(usize),
}

/// A message ready for copies.
#[derive(Clone, Debug)]
pub struct Prepared {
    raw: Bytes,
    edits: Edits<Slot>,
    inserts: Vec<Insert>,
    list_fields: ListFields,
    link: LinkSample,
    mailto: Option<MailtoSample>,
    outcome: Outcome,
    form: FormFacts,
}

impl Prepared {
    /// Puts header and body edits together.
    pub(super) fn new(
        message: &Message,
        policy: &Policy,
        header: &fields::HeaderPlan,
        inserts: Vec<Insert>,
        result: (Outcome, FormFacts),
    ) -> Result<Self, EditsError> {
        let removed = header.removed.iter().cloned().map(|range| (range, Slot::Removed));
        let added = [(0..0, Slot::Received), (header.at..header.at, Slot::Fields)];
        let footers = inserts.iter().enumerate();
        let footers = footers.map(|(index, insert)| (insert.range.clone(), Slot::Footer(index)));
        let edits = added.into_iter().chain(removed).chain(footers);
        let edits = edits.map(|(range, with): (Range<usize>, _)| Edit { range, with }).collect();
        let (outcome, mut form) = result;
        form.header_unsubscribe =
            !matches!(header.list_fields, ListFields::Kept { is_usable: false });
        Ok(Self {
            raw: message.raw().bytes().clone(),
            edits: Edits::new(edits, message.raw().len())?,
            inserts,
            list_fields: header.list_fields,
            link: policy.link.clone(),
            mailto: policy.mailto.clone(),
            outcome,
            form,
        })
    }

    /// What was done to the body.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What form the copies have.
    pub const fn form(&self) -> FormFacts {
        self.form
    }

    pub(super) const fn edits(&self) -> &Edits<Slot> {
        &self.edits
    }

    pub(super) fn inserts(&self) -> &[Insert] {
        &self.inserts
    }

    /// The copy for one recipient: slices of the received bytes and this recipient's values.
    ///
    /// Note: a copy is for a recipient with a permit; the caller holds it.
    ///
    /// # Errors
    /// [`SlotsError`] when a value has another form than the verified sample.
    pub(crate) fn render_copy(&self, slots: &Slots) -> Result<MailData, SlotsError> {
        if !self.link.fits(&slots.unsubscribe_url) {
            return Err(SlotsError::Link);
        }
        let has_subject = match (&self.mailto, &slots.mailto_subject) {
            (None, None) => true,
            (Some(mailto), Some(subject)) => mailto.fits(subject),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !has_subject {
            return Err(SlotsError::MailtoSubject);
        }
        Ok(self.edits.apply(&self.raw, |slot| self.fill(*slot, slots)))
    }

    /// The bytes of one slot.
    pub(super) fn fill(&self, slot: Slot, slots: &Slots) -> Bytes {
        let url = slots.unsubscribe_url.as_str();
        match slot {
            Slot::Removed => Bytes::new(),
            Slot::Received => Bytes::from(slots.received.field()),
            Slot::Fields => {
                let mailto = self.mailto.as_ref().zip(slots.mailto_subject.as_deref());
                Bytes::from(fields::marketing(slots.decision, self.list_fields, url, mailto))
            }
            Slot::Footer(index) => self.inserts[index].encode(url),
        }
    }

    /// Values with the form of every recipient's, for verification and size checks.
    pub(super) fn sample_slots(&self) -> Slots {
        Slots {
            unsubscribe_url: self.link.url().to_owned(),
            mailto_subject: self.mailto.as_ref().map(|mailto| mailto.subject().to_owned()),
            received: ReceivedValue::sample(),
            decision: DecisionId::from_bits(0),
        }
    }
}
