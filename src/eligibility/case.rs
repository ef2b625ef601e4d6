//! One question to the law: this message, to this recipient, at this moment.
//!
//! A case borrows what many recipients share, so that deciding for a hundred thousand of them
//! copies nothing. It holds no address: the recipient is a record and a tag.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::record::RecipientRecord;
use super::succession::Successions;
use crate::base::{AddressTag, BrandId, DomainName, EntityId, JurisdictionId, Timestamp, TopicId};
use crate::classify::Element;

/// Everything `decide` looks at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Case<'a> {
    /// The moment of transmission.
    pub at: Timestamp,
    /// Every jurisdiction that applies; all must permit.
    pub jurisdictions: &'a [JurisdictionId],
    /// The message.
    pub message: &'a MessageFacts,
    /// The recipient.
    pub recipient: RecipientFacts<'a>,
    /// What the operator declared.
    pub policy: &'a Policy,
    /// Which legal person became which.
    pub history: &'a Successions,
}

/// What is known about the recipient.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RecipientFacts<'a> {
    /// The fold of the person's evidence.
    pub record: &'a RecipientRecord,
    /// The exact address: permissions count only for it.
    pub tag: AddressTag,
    /// The address's domain, to tell free mail services from companies.
    pub domain: Option<&'a DomainName>,
    /// When the person was last sent marketing, which keeps a consent from going dormant.
    pub last_marketing_sent_at: Option<Timestamp>,
    /// Since when no two of those were more than twelve months apart.
    pub marketing_unbroken_since: Option<Timestamp>,
    /// The fold of the evidence about the address's whole domain.
    pub domain_record: Option<&'a RecipientRecord>,
    /// What the public registers say.
    pub registers: Option<&'a RegisterFacts>,
}

impl<'a> RecipientFacts<'a> {
    /// A recipient known by record and tag alone.
    pub const fn new(record: &'a RecipientRecord, tag: AddressTag) -> Self {
        Self {
            record,
            tag,
            domain: None,
            last_marketing_sent_at: None,
            marketing_unbroken_since: None,
            domain_record: None,
            registers: None,
        }
    }
}

/// What the public registers say about one address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RegisterFacts {
    /// The registers it is found in.
    pub listed: Vec<String>,
    /// The registers that were imported, and as of when.
    pub checked_at: BTreeMap<String, Timestamp>,
}

/// Why a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To sell.
    #[default]
    Commercial,
    /// To raise funds for a charity.
    CharityFundraising,
    /// To further a charity's aims otherwise.
    CharityOther,
    /// To campaign.
    Political,
    /// To fulfil a public task.
    PublicTask,
}

/// What a message is in the eyes of one rule set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Administrative mail a contract or the law asks for.
    Service,
    /// An answer the person asked for.
    Solicited,
    /// Genuine research.
    Research,
    /// One person writing to another.
    Personal,
    /// Direct marketing.
    Marketing,
}

impl Class {
    /// The name, as in verdicts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Solicited => "solicited",
            Self::Research => "research",
            Self::Personal => "personal",
            Self::Marketing => "marketing",
        }
    }
}

/// What is known about the message.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageFacts {
    /// What it is made of; none known counts as marketing.
    pub elements: Vec<Element>,
    /// What the sender says it is; never lowers the class.
    pub class_claimed: Option<Class>,
    /// The legal person that sends.
    pub sending_entity: EntityId,
    /// The face it sends under.
    pub brand: Option<BrandId>,
    /// Every legal person whose products or aims it promotes.
    pub promoted_entities: Vec<EntityId>,
    /// What it is about; none known is similar to nothing.
    pub topics: Vec<TopicId>,
    /// Why it is sent.
    pub purpose: Purpose,
    /// How it reads.
    pub reading: Reading,
    /// How many alike go out.
    pub bulk: BulkCounts,
    /// The roles at work it is tied to, in words.
    pub roles: Vec<String>,
    /// What the copy will look like.
    pub form: Form,
}

impl MessageFacts {
    /// A commercial message of `sender` about nothing known, with nothing in it known.
    pub fn of(sender: EntityId) -> Self {
        Self {
            elements: Vec::new(),
            class_claimed: None,
            sending_entity: sender,
            brand: None,
            promoted_entities: Vec::new(),
            topics: Vec::new(),
            purpose: Purpose::Commercial,
            reading: Reading::default(),
            bulk: BulkCounts::default(),
            roles: Vec::new(),
            form: Form::default(),
        }
    }
}

/// How a message reads, for the rule sets that ask. `None` is unknown, which counts against it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reading {
    /// Whether the subject reads as if the message were commercial (16 CFR 316.3).
    pub subject_reads_commercial: Option<bool>,
    /// Whether what was transacted stands at the beginning of the body.
    pub transactional_content_first: Option<bool>,
    /// Whether its links lead to promotion.
    pub linked_content_promotional: Option<bool>,
    /// Whether it is sexually explicit.
    pub sexually_explicit: bool,
}

/// How many messages alike go out. `None` is unknown, which counts as bulk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BulkCounts {
    /// In 24 hours.
    pub day: Option<u32>,
    /// In 30 days.
    pub month: Option<u32>,
    /// In 365 days.
    pub year: Option<u32>,
}

/// The form of the copy as it will be sent. `None` is unknown, which never counts as yes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// Who it says it is from.
    pub identity: Identity,
    /// How it lets the person unsubscribe.
    pub unsubscribe: UnsubscribeForm,
    /// Whether it can be recognised as advertising at once.
    pub ad_identifiable: Option<bool>,
    /// The label it carries.
    pub label: Option<String>,
    /// Whether the subject misleads, as far as is known.
    pub subject_misleading: bool,
    /// Whether a header gives a false origin, as far as is known.
    pub header_false: bool,
}

impl Form {
    /// A form with nothing to object to: what a copy with our own footer has.
    pub const fn complete() -> Self {
        Self {
            identity: Identity {
                legal_name: Some(true),
                contact: Some(true),
                postal_address: Some(true),
                on_behalf_of: Some(true),
            },
            unsubscribe: UnsubscribeForm {
                visible: Some(true),
                header: Some(true),
                login_required: Some(false),
                extra_data_required: Some(false),
                fee: Some(false),
                steps: Some(1),
                validity: Validity::Unlimited,
            },
            ad_identifiable: Some(true),
            label: None,
            subject_misleading: false,
            header_false: false,
        }
    }
}

/// What the message says about its sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// Whether it names the legal person.
    pub legal_name: Option<bool>,
    /// Whether it gives an address to reach them: mail, phone or web.
    pub contact: Option<bool>,
    /// Whether it gives a postal address.
    pub postal_address: Option<bool>,
    /// Whether it names those on whose behalf it is sent.
    pub on_behalf_of: Option<bool>,
}

/// How long the way to unsubscribe works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Validity {
    /// Not known.
    #[default]
    Unknown,
    /// So many days.
    Days(u16),
    /// For as long as the relay runs.
    Unlimited,
}

/// How the message lets the person unsubscribe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UnsubscribeForm {
    /// Whether the message as displayed offers it.
    pub visible: Option<bool>,
    /// Whether the header fields of RFC 2369 and RFC 8058 offer it.
    pub header: Option<bool>,
    /// Whether it asks for a log-in.
    pub login_required: Option<bool>,
    /// Whether it asks for more than the address.
    pub extra_data_required: Option<bool>,
    /// Whether it costs a fee.
    pub fee: Option<bool>,
    /// In how many steps it is done.
    pub steps: Option<u8>,
    /// How long it works.
    pub validity: Validity,
}
