//! Relations between a person and a legal person, by kind.
//!
//! Which of them make a customer differs from country to country, so that the kinds are finer
//! than any one law needs: a sale is not a free account, a quote not a look at a page.

use serde::{Deserialize, Serialize};

use crate::base::{CollectionPointId, EntityId, Timestamp, TopicId};

/// A kind of relation between a person and a legal person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationshipKind {
    /// A sale for money.
    SalePaid,
    /// A free account, paid for indirectly.
    SaleFreeAccount,
    /// A running contract.
    ContractOpen,
    /// A contract that has ended.
    ContractEnded,
    /// Negotiations for a sale.
    Negotiation,
    /// A quote asked for.
    QuoteRequest,
    /// A question.
    Inquiry,
    /// A look at pages.
    BrowseOnly,
    /// A donation.
    Donation,
    /// Work for a charity without pay.
    Volunteer,
    /// A membership.
    Membership,
    /// A sign of interest.
    #[serde(alias = "interest_in_charity")]
    Interest,
    /// An address given for a receipt only.
    EreceiptOnly,
    /// An entry in a competition.
    Competition,
}

impl RelationshipKind {
    /// The kind in words, with its article.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::SalePaid => "a sale",
            Self::SaleFreeAccount => "a free account",
            Self::ContractOpen => "a running contract",
            Self::ContractEnded => "a contract that has ended",
            Self::Negotiation => "negotiations",
            Self::QuoteRequest => "a request for a quote",
            Self::Inquiry => "an inquiry",
            Self::BrowseOnly => "a look at pages",
            Self::Donation => "a donation",
            Self::Volunteer => "voluntary work",
            Self::Membership => "a membership",
            Self::Interest => "a sign of interest",
            Self::EreceiptOnly => "a receipt by mail",
            Self::Competition => "an entry in a competition",
        }
    }
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
