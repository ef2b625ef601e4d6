//! The policy of the house: everything the configuration says, in the form decisions use it.

use std::sync::Arc;
use std::time::Duration;

use super::modes::{Disclose, Enforce, Lease, Mode, NoticeTo};
use super::stream::Matcher;
use crate::base::{
    BrandId, Digest, DomainName, EntityId, JurisdictionId, Keyring, StreamId, Timestamp, TopicId,
};
use crate::classify::{Approvals, Claims, StreamClass};
use crate::eligibility::{self, RuleBook, Scope};
use crate::rewrite;

/// What a client may claim.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name: the submitter in fingerprints.
    pub name: String,
    /// The streams its mail may take; empty means any.
    pub streams: Vec<StreamId>,
    /// What it may claim about its messages.
    pub claims: Claims,
    /// Whether it may tell of sales in its messages.
    pub may_record: bool,
}

/// The legal person a stream sends for, and the face it shows.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The legal person.
    pub entity: EntityId,
    /// Where it is established.
    pub establishment: JurisdictionId,
    /// Its own domains: senders elsewhere are not told reasons.
    pub domains: Vec<DomainName>,
    /// The brand.
    pub brand: BrandId,
    /// Domains a marketing From may have.
    pub from_domains: Vec<DomainName>,
    /// How copies are edited.
    pub rewriting: Arc<rewrite::Policy>,
    /// What a one-click opt-out covers.
    pub scope: Scope,
}

/// One stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// What fits it.
    pub matcher: Matcher,
    /// What it says about the class of its messages.
    pub class: StreamClass,
    /// Who sends; `None` only for streams locked to service.
    pub sender: Option<Sender>,
    /// The entity's other faces, for messages that name one in `X-Consentry-Brand`.
    pub other_senders: Vec<Sender>,
    /// What its messages are about if they do not say.
    pub topics: Vec<TopicId>,
    /// Why they are sent.
    pub purpose: eligibility::Purpose,
    /// The roles at work they are tied to.
    pub roles: Vec<String>,
    /// Where its recipients are if their record does not say.
    pub jurisdictions: Vec<JurisdictionId>,
    /// How partial denial is answered.
    pub mode: Mode,
    /// How much of the law is enforced.
    pub enforce: Enforce,
    /// Until when `enforce` may stay below `all`.
    pub until: Option<Timestamp>,
    /// Whom notices go to.
    pub notice_to: NoticeTo,
    /// How much a refusal tells, if the operator says so.
    pub disclose: Option<Disclose>,
}

impl Stream {
    /// Who sends a message that names `brand`, or names none. The entity is the stream's in
    /// every case: whoever could pick it could pick the permission.
    pub fn sender_for(&self, brand: Option<&BrandId>) -> Option<&Sender> {
        let Some(brand) = brand else { return self.sender.as_ref() };
        self.sender.iter().chain(&self.other_senders).find(|sender| sender.brand == *brand)
    }

    /// The enforcement at `now`: below `all` only while its lease lasts.
    pub fn enforcement(&self, now: Timestamp) -> Enforce {
        match self.until {
            Some(until) if now <= until => self.enforce,
            _ => Enforce::All,
        }
    }

    /// The lease under which somebody without a permit is sent to.
    pub fn lease(&self) -> Lease {
        Lease { stream: self.id.clone(), until: self.until.unwrap_or_default() }
    }
}

/// Everything a decision needs that does not come with the message or from the store.
#[derive(Clone, Debug)]
pub struct House {
    /// Our host name.
    pub hostname: String,
    /// The keyring.
    pub keyring: Keyring,
    /// The rule sets.
    pub rules: RuleBook,
    /// Similarity, collection points, overrides.
    pub policy: eligibility::Policy,
    /// Contents an officer approved for everybody.
    pub approvals: Approvals,
    /// Clients; what left the configuration is not served.
    pub clients: Vec<Client>,
    /// Streams in the order they are tried; the last fits everything.
    pub streams: Vec<Arc<Stream>>,
    /// The https address mail carries.
    pub public_url: String,
    /// A mailbox for mailto opt-outs.
    pub mailto: Option<String>,
    /// After how long a deferred recipient becomes refused.
    pub deferral_max: Duration,
    /// SHA-256 of the configuration, for the journal.
    pub config_digest: Digest,
    /// How many configurations this process has served under, this one included.
    pub generation: u64,
}

impl House {
    /// The client of this name, if it is still configured.
    pub fn client(&self, name: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.name == name)
    }
}
