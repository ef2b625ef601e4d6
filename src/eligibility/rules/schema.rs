//! What a rule set can say, as typed values.
//!
//! Every value has a strictest form, and a value nobody set has it (promise P7). The names are
//! those of the TOML files in `config/jurisdictions/`; `fields.rs` ties the two together.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::eligibility::basis::Basis;

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
        /// Whoever gets unsolicited messages in bulk.
        BulkUnsolicited,
    }
    /// What a sender needs before the first message.
    Regime {
        /// A basis.
        OptIn,
        /// None; a refusal binds.
        OptOut,
    }
    /// A purpose that the statute regulates.
    RegulatedPurpose {
        /// To sell.
        Commercial,
        /// To further a charity.
        Charity,
        /// To campaign.
        Political,
    }
    /// How neutral and promotional elements in one message weigh together.
    MixedRule {
        /// One promotional element makes the message marketing.
        AnyPromoTaints,
        /// So does one purpose among several.
        OneOfPurposes,
        /// What the subject and the beginning of the body are about (16 CFR 316.3).
        PrimaryPurposeUs,
    }
    /// What an element of disputed nature counts as.
    ElementRule {
        /// Marketing.
        Marketing,
        /// A service message.
        Service,
        /// Research, which is not marketing.
        ResearchExempt,
        /// Not marketing if the conditions of the set's table `referral` hold.
        Conditional,
    }
    /// What must be shown of a recommendation by a friend.
    ReferralCondition {
        /// The friend acted of their own accord.
        OwnInitiative,
        /// Nothing was promised for it.
        NoReward,
        /// The recipient sees who recommends.
        InitiatorShown,
        /// The friend saw the whole text.
        TextSeen,
        /// The address is used once and not kept.
        UsedOnce,
    }
    /// What a relationship must be for consent to be inferred from it.
    InferredRule {
        /// Nothing is inferred.
        Never,
        /// It must be running.
        Ongoing,
        /// It may be over, for as long as the age limit says.
        Relationship,
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
        /// That a double opt-in was completed.
        Doi,
    }
    /// From when the age of a relation counts.
    AgeAnchor {
        /// The sale itself, even if a contract ran on.
        LastSale,
        /// The end of the contract, where there was one.
        ContractEnd,
        /// The sale, or the last marketing since, as long as no gap was longer than the limit.
        #[serde(rename = "max(last_sale,last_marketing_unbroken)", alias = "unbroken")]
        Unbroken,
        /// The last thing the person did: an order, a click, a log-in; an open is none.
        LastActivity,
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
        /// No prior basis if the message is tied to the person's role.
        RoleOptOut,
        /// Only if the address was published for it; the table `implied` says how.
        PublishedOnly,
    }
    /// What mail without a commercial purpose needs.
    NoncommercialRule {
        /// Consent.
        Consent,
        /// The charity's own exception, or consent.
        CharitySoft,
        /// The same as commercial mail.
        Same,
        /// No prior basis; a refusal binds.
        OptOut,
        /// The statute does not regulate it.
        OutOfScope,
    }
    /// When the label is needed.
    LabelWhen {
        /// On every marketing message.
        Always,
        /// If the message is not obviously advertising.
        NotObvious,
        /// If it is one of many and nobody consented to it.
        UnsolicitedBulk,
        /// If nobody consented to it.
        NoConsent,
        /// If it is sexually explicit.
        SexuallyExplicit,
        /// Never.
        Never,
    }
    /// Where the way to unsubscribe must be found.
    UnsubscribeIn {
        /// Visible in the message as displayed.
        Body,
        /// The header fields of RFC 2369 and RFC 8058 are enough.
        Headers,
        /// Nowhere by statute.
        Nowhere,
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
    /// Whom a register can list.
    RegisterSubjects {
        /// Anybody.
        All,
        /// Natural persons.
        Natural,
        /// Legal persons.
        LegalPerson,
    }
    /// The unit of a deadline.
    DeadlineUnit {
        /// At once.
        Immediate,
        /// Within a reasonable time.
        Reasonable,
        /// Within so many business days.
        BusinessDays,
        /// Within so many working days.
        WorkingDays,
    }
}

/// When a double opt-in must be completed; in the file `true`, `false` or `"web_sign_up"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoubleOptIn {
    /// For every consent.
    Always,
    /// For a sign-up on a page where anybody could type any address.
    WebSignUp,
    /// Never.
    Never,
}

impl Serialize for DoubleOptIn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Always => serializer.serialize_bool(true),
            Self::WebSignUp => serializer.serialize_str("web_sign_up"),
            Self::Never => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for DoubleOptIn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer) {
            Ok(toml::Value::Boolean(true)) => Ok(Self::Always),
            Ok(toml::Value::Boolean(false)) => Ok(Self::Never),
            Ok(toml::Value::String(word)) if word == "web_sign_up" => Ok(Self::WebSignUp),
            Ok(_) | Err(_) => {
                Err(serde::de::Error::custom("expected true, false or \"web_sign_up\""))
            }
        }
    }
}

/// A public register that has to be consulted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterRule {
    /// Its id; `*` stands for every register the address is found in.
    pub id: String,
    /// The bases it blocks; none named means all.
    #[serde(default)]
    pub blocks: Vec<Basis>,
    /// Whom it can list.
    #[serde(default = "anybody")]
    pub subjects: RegisterSubjects,
    /// The purposes it blocks; none named means all.
    #[serde(default)]
    pub purposes: Vec<RegulatedPurpose>,
    /// How many days ago it may have been imported; none means it need not be consulted before,
    /// only heeded if the address is found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stale_days: Option<u16>,
}

const fn anybody() -> RegisterSubjects {
    RegisterSubjects::All
}

impl RegisterRule {
    /// Every hit in every register blocks everything.
    pub fn strictest() -> Self {
        Self {
            id: String::from("*"),
            blocks: Vec::new(),
            subjects: RegisterSubjects::All,
            purposes: Vec::new(),
            max_stale_days: None,
        }
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
