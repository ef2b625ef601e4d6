//! Once per message: plan the edits, verify a sample, or say why the body stays as it came.
//!
//! Pure: the same message and policy always give the same plan. Neither stack nor time of
//! the caller is at risk: what would cost more than a bounded amount is refused before the
//! second opinion is asked, so an ordinary thread will do.

use std::borrow::Cow;

use super::fields::{self, HeaderPlan};
use super::footer::{Footer, LeafKind};
use super::insert::Insert;
use super::leaves::{self, Leaf};
use super::place::{Placement, place};
use super::policy::{Fallback, Policy, Resigning};
use super::prepared::{Footers, FormFacts, Outcome, Prepared};
use super::refusal::{BodyRefusal, Check, Rejected};
use super::thin::thin;
use super::verify::verify;
use crate::mail::{Anomaly, Message, is_safe_to_ask};

/// Prepares `message` for marketing copies.
///
/// # Errors
/// [`Rejected`] when no copy may leave: the header block is broken, or no footer can be placed
/// and the policy wants one.
pub fn prepare(message: &Message, policy: &Policy) -> Result<Prepared, Rejected> {
    let header = fields::plan(message, policy)?;
    let reason = match edited(message, policy, &header) {
        Ok(prepared) => return Ok(prepared),
        Err(reason) => reason,
    };
    if policy.fallback == Fallback::Reject {
        return Err(Rejected::Body(reason));
    }
    let result = (Outcome::HeadersOnly { reason }, FormFacts::default());
    Prepared::new(message, policy, &header, Vec::new(), result)
        // Fields do not overlap; should they ever, the header is what is broken.
        .map_err(|_| Rejected::Header(Anomaly::BadHeaderLine))
}

fn edited(
    message: &Message,
    policy: &Policy,
    header: &HeaderPlan,
) -> Result<Prepared, BodyRefusal> {
    let chosen = leaves::choose(message)?;
    if message.has_header("ARC-Seal") {
        return Err(BodyRefusal::ArcSealed);
    }
    let is_signed = message.has_header("DKIM-Signature");
    if is_signed && policy.resigning == Resigning::Nobody {
        return Err(BodyRefusal::DkimSigned);
    }
    let thinned = thin(message, &chosen);
    let judged = thinned.as_ref().map_or(message, |thinned| &thinned.message);
    if !is_safe_to_ask(judged) {
        return Err(BodyRefusal::BeyondVerification);
    }
    let plan = planned(message, policy, header, chosen)?;
    let verified = match &thinned {
        None => verify(message, &plan),
        Some(thinned) => {
            let small = &thinned.message;
            let header = fields::plan(small, policy)
                .map_err(|_| BodyRefusal::Unverified(Check::Structure))?;
            let small_plan = planned(small, policy, &header, leaves::choose(small)?)?;
            match thinned.agrees(&plan.prepared, &small_plan.prepared) {
                true => verify(small, &small_plan),
                false => Err(Check::Structure),
            }
        }
    };
    verified.map_err(BodyRefusal::Unverified)?;
    Ok(plan.prepared)
}

/// A plan, not yet verified.
pub(super) struct Plan<'m> {
    pub(super) prepared: Prepared,
    /// The decoded texts of the leaves that get a footer, in the order of the inserts.
    pub(super) texts: Vec<Cow<'m, [u8]>>,
}

/// Plans the copies of `message` with footers in the `chosen` leaves.
///
/// # Errors
/// [`BodyRefusal`] when one of them cannot take one.
pub(super) fn planned<'m>(
    message: &'m Message,
    policy: &Policy,
    header: &HeaderPlan,
    chosen: Vec<Leaf>,
) -> Result<Plan<'m>, BodyRefusal> {
    let mut body = Body::new(&policy.footer);
    let mut texts = Vec::new();
    for leaf in chosen {
        match place(message, leaf, &policy.footer, &policy.link)? {
            Placement::Insert(insert, text) => {
                body.add(insert, policy.link.url());
                texts.push(text);
            }
            Placement::Present(text) => body.judge(leaf.kind, &text),
        }
    }
    let result = (Outcome::Edited { footers: body.footers }, body.form);
    let prepared = Prepared::new(message, policy, header, body.inserts, result)
        .map_err(|_| BodyRefusal::Unverified(Check::Bytes))?;
    Ok(Plan { prepared, texts })
}

/// What is gathered leaf by leaf.
struct Body<'a> {
    footer: &'a Footer,
    inserts: Vec<Insert>,
    footers: Footers,
    form: FormFacts,
}

impl<'a> Body<'a> {
    fn new(footer: &'a Footer) -> Self {
        let form = FormFacts {
            visible_unsubscribe: true,
            header_unsubscribe: false,
            postal_address: true,
            identity: true,
        };
        Self { footer, inserts: Vec::new(), footers: Footers::default(), form }
    }

    fn add(&mut self, insert: Insert, url: &str) {
        match insert.leaf.kind {
            LeafKind::Html => self.footers.html += 1,
            LeafKind::Text => self.footers.text += 1,
        }
        self.judge(insert.leaf.kind, &insert.text(url));
        self.inserts.push(insert);
    }

    /// The form of all copies is that of the leaf that shows least.
    fn judge(&mut self, kind: LeafKind, text: &[u8]) {
        self.form.postal_address &= self.footer.shows_postal_address(kind, text);
        self.form.identity &= self.footer.shows_entity(kind, text);
    }
}
