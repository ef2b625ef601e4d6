//! What a person said or did, as far as the law of direct marketing asks.
//!
//! A field left open (`None`) is unknown: neither yes nor no. Kinds and fields follow ePrivacy
//! Directive art. 13 and the national rules that implement it. Who recorded it and how it can be
//! shown stands in the evidence around it.

use serde::{Deserialize, Serialize};

use super::relationship::{DealingFact, RelationshipKind};
use crate::base::{BrandId, CollectionPointId, EntityId, JurisdictionId, Timestamp, TopicId};

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
    /// A business card or another writing handed over.
    Card,
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
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
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
    /// Whether a double opt-in was begun for it that nobody has completed yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pending: bool,
    /// Whether the person gave it to the legal person itself; `None` means so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<bool>,
    /// Whether a guardian gave it for a minor (GDPR art. 8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_guardian: Option<bool>,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
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

/// A recommendation a friend sent on to the person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReferralFact {
    /// The legal person recommended.
    pub entity: EntityId,
    /// Whether the friend acted of their own accord.
    pub own_initiative: Option<bool>,
    /// Whether a reward was promised for it.
    pub rewarded: Option<bool>,
    /// Whether the recipient sees who recommends.
    pub initiator_shown: Option<bool>,
    /// Whether the friend saw the whole text.
    pub text_seen: Option<bool>,
    /// Whether the address is used once and not kept.
    pub used_once: Option<bool>,
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
    /// A quote asked for: an active, express interest as well.
    QuoteRequest(DealingFact),
    /// A look at pages, logged in or not.
    BrowseOnly(DealingFact),
    /// Work done for a charity without pay.
    Volunteering(DealingFact),
    /// An address given for a receipt by mail and nothing else.
    EreceiptOnly(DealingFact),
    /// An entry in a competition.
    Competition(DealingFact),
    /// A click, a log-in or an order: a sign of life by the person. An open is none.
    Activity {
        /// The legal person whose mail or pages it was about.
        entity: EntityId,
    },
    /// The person published the address themselves.
    AddressPublished {
        /// Where.
        url: Option<String>,
        /// The role it was published for, in words.
        role: Option<String>,
        /// Whether a refusal of advertising stood beside it.
        no_spam_notice: Option<bool>,
    },
    /// A friend recommended the entity to the person.
    Referral(ReferralFact),
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
        /// Whether the person is a minor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minor: Option<bool>,
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
            Self::QuoteRequest(_) => "quote_request",
            Self::BrowseOnly(_) => "browse_only",
            Self::Volunteering(_) => "volunteering",
            Self::EreceiptOnly(_) => "ereceipt_only",
            Self::Competition(_) => "competition",
            Self::Activity { .. } => "activity",
            Self::AddressPublished { .. } => "address_published",
            Self::Referral(_) => "referral",
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

    /// The dealing it tells of and its kind, if it tells of one.
    pub const fn dealing(&self) -> Option<(RelationshipKind, &DealingFact)> {
        match self {
            Self::Sale(dealing) => match dealing.paid {
                Some(false) => Some((RelationshipKind::SaleFreeAccount, dealing)),
                Some(true) | None => Some((RelationshipKind::SalePaid, dealing)),
            },
            Self::Negotiation(dealing) => Some((RelationshipKind::Negotiation, dealing)),
            Self::QuoteRequest(dealing) => Some((RelationshipKind::QuoteRequest, dealing)),
            Self::Inquiry(dealing) => Some((RelationshipKind::Inquiry, dealing)),
            Self::BrowseOnly(dealing) => Some((RelationshipKind::BrowseOnly, dealing)),
            Self::ContractOpened(dealing) => Some((RelationshipKind::ContractOpen, dealing)),
            Self::ContractEnded(dealing) => Some((RelationshipKind::ContractEnded, dealing)),
            Self::Donation(dealing) => Some((RelationshipKind::Donation, dealing)),
            Self::Volunteering(dealing) => Some((RelationshipKind::Volunteer, dealing)),
            Self::Membership(dealing) => Some((RelationshipKind::Membership, dealing)),
            Self::InterestClick(dealing) => Some((RelationshipKind::Interest, dealing)),
            Self::EreceiptOnly(dealing) => Some((RelationshipKind::EreceiptOnly, dealing)),
            Self::Competition(dealing) => Some((RelationshipKind::Competition, dealing)),
            Self::ConsentGiven(_)
            | Self::ConsentConfirmed { .. }
            | Self::ConsentWithdrawn { .. }
            | Self::Objection { .. }
            | Self::Complaint { .. }
            | Self::Bounce { .. }
            | Self::AddressCollected(_)
            | Self::Activity { .. }
            | Self::AddressPublished { .. }
            | Self::Referral(_)
            | Self::SubjectDescribed { .. }
            | Self::RegisterHit { .. }
            | Self::Erasure { .. } => None,
        }
    }

    /// The legal persons the piece speaks of.
    pub fn entities(&self) -> Vec<&EntityId> {
        if let Some((_, dealing)) = self.dealing() {
            return vec![&dealing.entity];
        }
        match self {
            Self::ConsentGiven(consent) => consent.entities.iter().collect(),
            Self::ConsentConfirmed { entity }
            | Self::Complaint { entity }
            | Self::Activity { entity }
            | Self::Erasure { entity } => vec![entity],
            Self::ConsentWithdrawn { scope } | Self::Objection { scope, .. } => {
                vec![scope.entity()]
            }
            Self::AddressCollected(collection) => vec![&collection.entity],
            Self::Referral(referral) => vec![&referral.entity],
            // Dealings are told above; the others speak of nobody.
            _ => Vec::new(),
        }
    }
}
