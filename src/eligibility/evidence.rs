//! Evidence: who said or did what, when, and how we know.
//!
//! Evidence is append-only. A fact left open (`None`) is unknown: neither yes nor no. Kinds and
//! fields follow ePrivacy Directive art. 13 and the national rules that implement it.

use serde::{Deserialize, Serialize};

use crate::base::{
    AddressTag, BatchId, BrandId, CollectionPointId, EntityId, JurisdictionId, Timestamp, TopicId,
};

/// One piece of evidence about one person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// When it happened, as the source tells it.
    pub at: Timestamp,
    /// The exact address it was given for; `None` where only the person is known (one-click).
    pub tag: Option<AddressTag>,
    /// What was said or done.
    pub fact: Fact,
    /// How much weight the source has against later, contrary evidence.
    pub level: Level,
    /// How we know.
    pub provenance: Provenance,
}

/// Who tells us, weakest first: a lower level never lifts a higher objection.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Concluded from other facts.
    #[default]
    Inferred,
    /// Taken over from another system.
    Import,
    /// Entered by staff.
    Staff,
    /// The person acted through a channel that names them.
    Recipient,
    /// The person confirmed on our own page (only that page gives this level).
    RecipientConfirmed,
}

/// Where a piece of evidence comes from. Empty means unknown.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// When we wrote it down.
    pub recorded_at: Timestamp,
    /// The system or page it came from (`import`, `one_click`, `cli`, a CRM's name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The person or program that recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The source's own number for it (order, form entry, ticket).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The IP address the person acted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The form it was given on, by name or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// SHA-256 of the document that proves it, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The import it was part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
}

/// What an objection covers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All marketing of one legal person.
    Entity(EntityId),
    /// Marketing of one legal person under one brand.
    Brand(EntityId, BrandId),
    /// Marketing of one legal person about one topic.
    Topic(EntityId, TopicId),
}

impl Scope {
    /// The legal person whose marketing the scope speaks of.
    pub const fn entity(&self) -> &EntityId {
        match self {
            Self::Entity(entity) | Self::Brand(entity, _) | Self::Topic(entity, _) => entity,
        }
    }
}

/// Through which door an objection came; decides its reason code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectionChannel {
    /// An unsubscribe link opened by the person.
    Link,
    /// A mailbox provider's one-click POST (RFC 8058).
    OneClick,
    /// A preference page.
    Preference,
    /// Another system's opt-out list.
    Import,
    /// A letter, a call, an e-mail, a visit.
    Direct,
}

/// How a person's agreement was expressed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// An unticked box the person ticked.
    Tick,
    /// A button pressed for this purpose alone.
    Button,
    /// Spoken.
    Oral,
    /// On paper.
    Paper,
    /// Known only from an import.
    Import,
    /// A box that was ticked already: no consent (C-673/17).
    Preticked,
    /// One act for several purposes.
    Bundled,
}

/// Where an address was collected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionChannel {
    /// A web form or shop account.
    Web,
    /// A call.
    Phone,
    /// A till.
    Till,
    /// A guest checkout.
    GuestCheckout,
    /// Somebody else's platform.
    Platform,
    /// A list bought or shared.
    List,
    /// Taken over from another system.
    Import,
}

/// Who the law sees behind an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A natural person.
    Natural,
    /// A sole trader.
    SoleTrader,
    /// An unincorporated partnership.
    PartnershipUnincorporated,
    /// A company or other legal person.
    LegalPerson,
    /// A public body.
    PublicBody,
    /// Not known: treated as a natural person.
    #[default]
    Unknown,
}

/// What kind of address it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressKind {
    /// A private address.
    Personal,
    /// A named address at work.
    WorkNamed,
    /// `info@`, `sales@` and the like.
    WorkImpersonal,
    /// Not known: treated as named.
    #[default]
    Unknown,
}

/// A consent, as given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConsentFact {
    /// The legal persons named in the wording.
    pub entities: Vec<EntityId>,
    /// The topics named; a consent without topics covers none.
    pub topics: Vec<TopicId>,
    /// How it was expressed.
    pub mechanism: Option<Mechanism>,
    /// Which wording was shown.
    pub wording_version: Option<String>,
    /// When a double opt-in was completed.
    pub double_opt_in_at: Option<Timestamp>,
    /// For which channel it was given; `None` means e-mail is not proven.
    pub channel: Option<String>,
    /// Where it was given.
    pub collection_point: Option<CollectionPointId>,
}

/// How an address came to us.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CollectionFact {
    /// The legal person that collected it.
    pub entity: EntityId,
    /// Whether the person gave it to that entity itself.
    pub direct: Option<bool>,
    /// Where.
    pub channel: Option<CollectionChannel>,
    /// Whether a simple refusal was offered then and there.
    pub opt_out_offered: Option<bool>,
    /// Which notice was shown.
    pub notice_version: Option<String>,
    /// The collection point that attests what the row leaves open.
    pub collection_point: Option<CollectionPointId>,
}

/// A dealing between a person and an entity about some topics.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DealingFact {
    /// The legal person dealt with.
    pub entity: EntityId,
    /// What it was about.
    pub topics: Vec<TopicId>,
    /// Whether a sale was carried through (not cancelled).
    pub completed: Option<bool>,
    /// Whether money was paid.
    pub paid: Option<bool>,
    /// When a contract ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// The collection point the dealing went through.
    pub collection_point: Option<CollectionPointId>,
}

/// What was said or done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// Express consent (GDPR art. 4(11)).
    ConsentGiven(ConsentFact),
    /// The double opt-in of an earlier consent to this entity was completed.
    ConsentConfirmed {
        /// The legal person whose consent was confirmed.
        entity: EntityId,
    },
    /// Consent taken back (GDPR art. 7(3)).
    ConsentWithdrawn {
        /// What the withdrawal covers.
        scope: Scope,
    },
    /// An objection to direct marketing (GDPR art. 21(2)), through whichever door.
    Objection {
        /// What it covers.
        scope: Scope,
        /// Through which door it came.
        channel: ObjectionChannel,
    },
    /// A spam complaint.
    Complaint {
        /// The legal person complained about.
        entity: EntityId,
    },
    /// A permanent delivery failure.
    Bounce {
        /// The enhanced status code as text (`5.1.1`).
        status: String,
    },
    /// The address was collected.
    AddressCollected(CollectionFact),
    /// A sale of a product or service.
    Sale(DealingFact),
    /// Negotiations for a sale: an active, express interest (PECR reg. 22(3)).
    Negotiation(DealingFact),
    /// A question.
    Inquiry(DealingFact),
    /// A running contract began.
    ContractOpened(DealingFact),
    /// A running contract ended.
    ContractEnded(DealingFact),
    /// A donation.
    Donation(DealingFact),
    /// A membership.
    Membership(DealingFact),
    /// The person asked for more by a click confirmed with POST.
    InterestClick(DealingFact),
    /// Who the law sees behind the address.
    SubjectDescribed {
        /// The kind of subject.
        subject_kind: SubjectKind,
        /// The kind of address.
        address_kind: AddressKind,
        /// Where the person is; empty means unknown.
        jurisdictions: Vec<JurisdictionId>,
        /// The work role, in words.
        role: Option<String>,
    },
    /// The address was found in a public opt-out register.
    RegisterHit {
        /// The register's id.
        register: String,
        /// When it was checked.
        checked_at: Timestamp,
    },
    /// Data were erased on request (GDPR art. 17); also an objection to everything.
    Erasure {
        /// The legal person that erased.
        entity: EntityId,
    },
}

impl Fact {
    /// The name of the kind, as in the evidence CSV.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ConsentGiven(_) => "consent_given",
            Self::ConsentConfirmed { .. } => "consent_confirmed",
            Self::ConsentWithdrawn { .. } => "consent_withdrawn",
            Self::Objection { .. } => "objection",
            Self::Complaint { .. } => "complaint",
            Self::Bounce { .. } => "bounce",
            Self::AddressCollected(_) => "address_collected",
            Self::Sale(_) => "sale",
            Self::Negotiation(_) => "negotiation",
            Self::Inquiry(_) => "inquiry",
            Self::ContractOpened(_) => "contract_opened",
            Self::ContractEnded(_) => "contract_ended",
            Self::Donation(_) => "donation",
            Self::Membership(_) => "membership",
            Self::InterestClick(_) => "interest_click",
            Self::SubjectDescribed { .. } => "subject_described",
            Self::RegisterHit { .. } => "register_hit",
            Self::Erasure { .. } => "erasure",
        }
    }

    /// Whether the piece can only narrow what is allowed, never widen it.
    pub const fn is_protective(&self) -> bool {
        matches!(
            self,
            Self::ConsentWithdrawn { .. }
                | Self::Objection { .. }
                | Self::Complaint { .. }
                | Self::Bounce { .. }
                | Self::RegisterHit { .. }
                | Self::Erasure { .. }
        )
    }

    /// The legal persons the piece speaks of.
    pub fn entities(&self) -> Vec<&EntityId> {
        match self {
            Self::ConsentGiven(consent) => consent.entities.iter().collect(),
            Self::ConsentConfirmed { entity }
            | Self::Complaint { entity }
            | Self::Erasure { entity } => vec![entity],
            Self::ConsentWithdrawn { scope } | Self::Objection { scope, .. } => {
                vec![scope.entity()]
            }
            Self::AddressCollected(collection) => vec![&collection.entity],
            Self::Sale(dealing)
            | Self::Negotiation(dealing)
            | Self::Inquiry(dealing)
            | Self::ContractOpened(dealing)
            | Self::ContractEnded(dealing)
            | Self::Donation(dealing)
            | Self::Membership(dealing)
            | Self::InterestClick(dealing) => vec![&dealing.entity],
            Self::Bounce { .. } | Self::SubjectDescribed { .. } | Self::RegisterHit { .. } => {
                Vec::new()
            }
        }
    }
}
