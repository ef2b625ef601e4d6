//! What a copy would look like, for people: nothing an upstream could accept.
//!
//! The link is `example.invalid` (RFC 2606 §2) with a throw-away token, so a preview that leaks
//! unsubscribes nobody and leads nowhere.

use super::policy::{LinkSample, MailtoSample, Policy, PolicyError, ReceivedValue};
use super::prepare::prepare;
use super::prepared::{Footers, FormFacts, Outcome, Slots};
use super::refusal::Rejected;
use crate::base::DecisionId;
use crate::mail::Message;

/// A rendered sample. It is no `MailData`, so nothing sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    bytes: Vec<u8>,
    outcome: Outcome,
    form: FormFacts,
}

impl Preview {
    /// The sample message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was done to the body.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What form the copy has.
    pub const fn form(&self) -> FormFacts {
        self.form
    }

    /// How many footers were added.
    pub const fn footers(&self) -> Footers {
        match &self.outcome {
            Outcome::Edited { footers } => *footers,
            Outcome::HeadersOnly { .. } => Footers { html: 0, text: 0 },
        }
    }

    /// Why the body is as it came, if it is.
    pub const fn reason(&self) -> Option<&'static str> {
        match &self.outcome {
            Outcome::Edited { .. } => None,
            Outcome::HeadersOnly { reason } => Some(reason.as_str()),
        }
    }
}

impl std::fmt::Debug for Preview {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Preview({} bytes, {:?})", self.bytes.len(), self.outcome)
    }
}

/// A sample of what `policy` makes of `message`, with a link that leads nowhere.
///
/// # Errors
/// [`Rejected`] as in [`prepare`].
pub fn preview(message: &Message, policy: &Policy) -> Result<Preview, Rejected> {
    let samples = Samples::of(policy).expect("the built-in preview samples have the right form");
    let policy = Policy { link: samples.link, mailto: samples.mailto, ..policy.clone() };
    let prepared = prepare(message, &policy)?;
    let slots = Slots {
        unsubscribe_url: policy.link.url().to_owned(),
        mailto_subject: policy.mailto.as_ref().map(|mailto| mailto.subject().to_owned()),
        received: samples.received,
        decision: DecisionId::from_bits(0),
    };
    let data = prepared.render_copy(&slots).expect("the samples are the policy's own");
    Ok(Preview { bytes: data.to_vec(), outcome: prepared.outcome().clone(), form: prepared.form() })
}

struct Samples {
    link: LinkSample,
    mailto: Option<MailtoSample>,
    received: ReceivedValue,
}

impl Samples {
    /// Samples with tokens as long as the policy's, within reason.
    fn of(policy: &Policy) -> Result<Self, PolicyError> {
        let token = "x".repeat(policy.link.token().len().min(128));
        let mailto = policy.mailto.as_ref().map(|mailto| {
            let subject = "x".repeat(mailto.subject().len());
            MailtoSample::new("unsubscribe@example.invalid", &subject)
        });
        Ok(Self {
            link: LinkSample::new(&format!("https://example.invalid/u/{token}"))?,
            mailto: mailto.transpose()?,
            received: ReceivedValue::new("from preview by preview; not sent")?,
        })
    }
}
