//! The legal bases a message can rest on.
//!
//! An enumeration and its words, nothing else: what each basis asks for is `decide`'s business
//! and the rule sets'. The names are those of verdicts, metrics and case files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a message may be sent. Bases are tried in this order; the first that holds is named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Affirmative, specific, informed, provable consent (GDPR art. 4(11)).
    ConsentExpress,
    /// A charity's own supporters (PECR reg. 22(3A)).
    CharitySoftOptIn,
    /// The existing-customer exception (ePrivacy Directive art. 13(2)).
    SoftOptIn,
    /// Consent implied in an existing business relationship (CASL s. 10(10)).
    ImpliedEbr,
    /// Consent implied in an existing relationship without business (CASL s. 10(13)).
    ImpliedEnbr,
    /// Consent inferred from a relationship (Spam Act 2003 sch. 2).
    InferredRelationship,
    /// Consent implied in the publication of a work address.
    ImpliedPublication,
    /// A legal person in a place that does not protect its addresses.
    B2bLegalPerson,
    /// A legal person's impersonal address in a place that exempts those.
    B2bImpersonal,
    /// A named work address, for a message tied to the role.
    B2bRole,
    /// Mail between organisations that have a relationship.
    OrgRelationship,
    /// No prior basis is needed; a refusal binds.
    OptOutRegime,
    /// The statute does not regulate the message.
    OutOfScope,
    /// Not marketing: nothing has to be shown.
    NotMarketing,
}

impl Basis {
    /// The name, as in verdicts and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConsentExpress => "consent_express",
            Self::CharitySoftOptIn => "charity_soft_opt_in",
            Self::SoftOptIn => "soft_opt_in",
            Self::ImpliedEbr => "implied_ebr",
            Self::ImpliedEnbr => "implied_enbr",
            Self::InferredRelationship => "inferred_relationship",
            Self::ImpliedPublication => "implied_publication",
            Self::B2bLegalPerson => "b2b_legal_person",
            Self::B2bImpersonal => "b2b_impersonal",
            Self::B2bRole => "b2b_role",
            Self::OrgRelationship => "org_relationship",
            Self::OptOutRegime => "opt_out_regime",
            Self::OutOfScope => "out_of_scope",
            Self::NotMarketing => "not_marketing",
        }
    }

    /// The basis in plain words, to follow "because".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::ConsentExpress => "the person consented to it",
            Self::CharitySoftOptIn => "the person supports the charity and was offered a refusal",
            Self::SoftOptIn => {
                "the person is a customer, was offered a refusal, and the topic is similar"
            }
            Self::ImpliedEbr => "the person and the sender have done business recently",
            Self::ImpliedEnbr => "the person supports the sender as a donor, helper or member",
            Self::InferredRelationship => "the person's relation with the sender implies consent",
            Self::ImpliedPublication => {
                "the person published the address for work, and the message is about that work"
            }
            Self::B2bLegalPerson => "the address belongs to a company, which may refuse",
            Self::B2bImpersonal => "the address is an impersonal one of a company",
            Self::B2bRole => "the message is tied to the person's role at work",
            Self::OrgRelationship => "the two organisations have a relationship",
            Self::OptOutRegime => "no consent is needed there, and the person has not refused",
            Self::OutOfScope => "the law there does not regulate such messages",
            Self::NotMarketing => "the message is not marketing",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
