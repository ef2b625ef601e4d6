//! What a rule set can say, as typed values.
//!
//! Every value has a strictest form, and a value nobody set has it (promise P7). The names are
//! those of the TOML files in `config/jurisdictions/`; `fields.rs` ties the two together.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }
    )*};
}

choices! {
    /// Whom the consent rule protects.
    Protected {
        /// Natural persons.
        Natural,
        /// Natural and legal persons.
        NaturalAndLegal,
    }
    /// How neutral and promotional elements in one message weigh together.
    MixedRule {
        /// One promotional element makes the message marketing.
        AnyPromoTaints,
    }
    /// What an element of disputed nature counts as.
    ElementRule {
        /// Marketing.
        Marketing,
        /// A service message.
        Service,
        /// Research, which is not marketing.
        ResearchExempt,
    }
    /// A fact that must be shown for a consent.
    Proof {
        /// Who consented: the exact address.
        Who,
        /// When.
        When,
        /// By which act.
        How,
        /// To which wording.
        TextVersion,
        /// To whom.
        Entity,
        /// For which channel.
        Channel,
        /// From which IP address or form.
        SourceIpOrForm,
    }
    /// A kind of relation between a person and a legal person.
    RelationshipKind {
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
        /// A question.
        Inquiry,
        /// A donation.
        Donation,
        /// A membership.
        Membership,
        /// A sign of interest.
        Interest,
    }
    /// From when the age of a relation counts.
    AgeAnchor {
        /// The sale itself, even if a contract ran on.
        LastSale,
        /// The end of the contract, where there was one.
        ContractEnd,
    }
    /// What a court would call similar; the operator's map has to follow it.
    Similarity {
        /// The very same category.
        SameCategory,
        /// The same product group.
        SameProductGroup,
        /// What a customer would reasonably expect.
        ReasonableExpectation,
    }
    /// What mail to a business needs.
    BusinessRule {
        /// Consent or another basis, like mail to a person.
        Consent,
        /// No prior basis; a refusal binds.
        OptOut,
        /// The address is exempt.
        Exempt,
    }
    /// What mail without a commercial purpose needs.
    NoncommercialRule {
        /// Consent.
        Consent,
        /// The charity's own exception, or consent.
        CharitySoft,
        /// The same as commercial mail.
        Same,
    }
    /// When the label is needed.
    LabelWhen {
        /// On every marketing message.
        Always,
        /// If the message is not obviously advertising.
        NotObvious,
        /// Never.
        Never,
    }
    /// Where the way to unsubscribe must be found.
    UnsubscribeIn {
        /// Visible in the message as displayed.
        Body,
        /// The header fields of RFC 2369 and RFC 8058 are enough.
        Headers,
    }
    /// A duty that stays for messages which are not marketing.
    Duty {
        /// Say who sends.
        Identity,
        /// Offer a way to unsubscribe.
        Unsubscribe,
        /// Keep the headers honest.
        HonestHeaders,
    }
    /// The unit of a deadline.
    DeadlineUnit {
        /// At once.
        Immediate,
        /// Within a reasonable time.
        Reasonable,
    }
}

/// A length in calendar months, or no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MonthLimit {
    /// At most this many months.
    Months(u16),
    /// No limit.
    Unlimited,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawMonthLimit {
    Months(u16),
    Word(String),
}

impl Serialize for MonthLimit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Months(months) => serializer.serialize_u16(*months),
            Self::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

impl<'de> Deserialize<'de> for MonthLimit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "expected a number of months from 0 to 65535, or \"unlimited\"";
        match RawMonthLimit::deserialize(deserializer) {
            Ok(RawMonthLimit::Months(months)) => Ok(Self::Months(months)),
            Ok(RawMonthLimit::Word(word)) if word == "unlimited" => Ok(Self::Unlimited),
            Ok(RawMonthLimit::Word(_)) | Err(_) => Err(serde::de::Error::custom(EXPECTED)),
        }
    }
}

/// A civil date; an unset one lies at the end of time, so that nothing comes after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StartDate(pub Date);

impl Serialize for StartDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for StartDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::read::date(deserializer).map(Self)
    }
}

/// Within which time an opt-out has to take effect: reporting only, here it takes effect at
/// once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// How many units.
    pub n: u8,
    /// Of what.
    pub unit: DeadlineUnit,
}
