//! The legal bases a message can rest on.

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
    /// A legal person in a place that does not protect its addresses.
    B2bLegalPerson,
    /// A legal person's impersonal address in a place that exempts those.
    B2bImpersonal,
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
            Self::B2bLegalPerson => "b2b_legal_person",
            Self::B2bImpersonal => "b2b_impersonal",
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
            Self::B2bLegalPerson => "the address belongs to a company, which may refuse",
            Self::B2bImpersonal => "the address is an impersonal one of a company",
            Self::NotMarketing => "the message is not marketing",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
