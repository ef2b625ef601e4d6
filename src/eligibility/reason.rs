//! Every reason for which a message may not be sent, with what is missing and who can help.
//!
//! One table feeds replies, notices and explanations, so that they never tell different
//! stories. Codes are stable: they stand in replies, metrics and the journal. Sentences name no
//! recipient and no entity; the explanation adds the facts of the case.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($name:ident $code:literal: $missing:literal, $remedy:literal;)*) => {
        /// Why a message may not be sent to a recipient, or what else there is to know.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
        )]
        pub enum Reason {
            $(
                #[doc = $missing]
                #[serde(rename = $code)]
                $name,
            )*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What is missing or in the way, as a sentence without a full stop.
            pub const fn missing(self) -> &'static str {
                match self { $(Self::$name => $missing,)* }
            }

            /// Who does what about it, as a sentence without a full stop.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }

            /// The reason with this code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    Objected "OBJECTED":
        "The person objected to this marketing",
        "Nobody may lift this but the person, by a new consent of their own; take the address \
         off the list";
    Unsubscribed "UNSUBSCRIBED":
        "The person unsubscribed from this marketing",
        "Nobody may lift this but the person, by a new consent of their own; take the address \
         off the list";
    ConsentWithdrawn "CONSENT_WITHDRAWN":
        "A consent was given once and has been taken back",
        "Nobody may lift this but the person, by a new consent of their own; take the address \
         off the list";
    Complained "COMPLAINED":
        "The person reported earlier mail as spam",
        "Nobody may lift this but the person, by a new consent of their own; take the address \
         off the list";
    RegisterListed "REGISTER_LISTED":
        "The address stands in a public opt-out register",
        "The sender takes the address off the list until the register drops it";
    RegisterStale "REGISTER_STALE":
        "The public opt-out register was not consulted recently enough",
        "The operator has the register checked again before sending";
    NoBasis "NO_BASIS":
        "No legal basis allows this marketing to this person",
        "The sender records the evidence that one of the bases asks for, or asks the person for \
         consent on a form, never by mail";
    ConsentMissing "CONSENT_MISSING":
        "No consent is on record",
        "The sender asks for consent on a form the operator knows, or imports the proof of one \
         given";
    ConsentUnproven "CONSENT_UNPROVEN":
        "A consent is on record, but the proof the rules ask for is not",
        "The sender records who consented, when, how and to which wording";
    ConsentInvalidForm "CONSENT_INVALID_FORM":
        "The consent was not given by a clear act, for example by a box already ticked",
        "The sender asks again with an unticked box";
    ConsentBundled "CONSENT_BUNDLED":
        "One act was taken as consent for several purposes",
        "The sender asks again, with one choice per purpose";
    ConsentScopeEntity "CONSENT_SCOPE_ENTITY":
        "The consent does not name every legal person this message promotes",
        "The sender leaves out the others, or asks for a consent that names them";
    ConsentScopeTopic "CONSENT_SCOPE_TOPIC":
        "The consent does not cover every topic of this message",
        "The sender keeps to the topics consented to, or asks for a consent that names these";
    ConsentScopeChannel "CONSENT_SCOPE_CHANNEL":
        "The consent is not known to cover e-mail",
        "The sender records the channel the wording named, or asks for consent to e-mail";
    ConsentDormant "CONSENT_DORMANT":
        "The consent has not been used for too long",
        "The sender asks the person again when they next get in touch";
    ConsentUnconfirmed "CONSENT_UNCONFIRMED":
        "The double opt-in was not completed",
        "The person opens the confirmation mail and confirms; the sender may not remind them";
    ConsentIndirectStale "CONSENT_INDIRECT_STALE":
        "The consent came through somebody else and has grown too old",
        "The sender asks for a consent of its own";
    RelNone "REL_NONE":
        "No sale or other relation between the person and the sender is on record",
        "The sender imports the sale, with where the address was collected and whether an \
         opt-out was offered";
    RelKindInsufficient "REL_KIND_INSUFFICIENT":
        "The relation on record is of a kind that does not count here",
        "The sender asks for consent; browsing, inquiries and competitions make nobody a \
         customer here";
    RelSaleNotCompleted "REL_SALE_NOT_COMPLETED":
        "The sale is not known to have been carried through",
        "The sender records the sale as completed once it is";
    RelSaleNotPaid "REL_SALE_NOT_PAID":
        "The sale is not known to have been for money",
        "The sender records the payment, or asks for consent";
    RelNotOngoing "REL_NOT_ONGOING":
        "The relation is no longer running",
        "The sender asks for consent";
    RelTooOld "REL_TOO_OLD":
        "The relation is older than the rules allow",
        "The sender asks for consent; a new sale starts the time again";
    RelPredatesRule "REL_PREDATES_RULE":
        "The address was collected before the rule that would allow this began",
        "The sender asks for consent, or waits for new support given after that date";
    CollectedByOtherEntity "COLLECTED_BY_OTHER_ENTITY":
        "The address was collected by another legal person, even if of the same group",
        "The legal person that collected it may send, or the sender asks for consent of its own";
    CollectedIndirectly "COLLECTED_INDIRECTLY":
        "The address is not shown to have come from the person in that very dealing",
        "The sender records where the address was collected, or asks for consent";
    OptoutNotOffered "OPTOUT_NOT_OFFERED_AT_COLLECTION":
        "No way to refuse was offered when the address was collected",
        "The operator has the form offer a refusal from now on; for past collections the sender \
         asks for consent";
    OptoutOfferUnproven "OPTOUT_OFFER_UNPROVEN":
        "Nothing shows that a way to refuse was offered when the address was collected",
        "The operator names the collection point and attests what its form offered";
    NotSimilar "NOT_SIMILAR":
        "A topic of this message is not similar to what the person bought",
        "The sender keeps to similar topics, or the operator maps them as similar if a buyer \
         would expect it";
    NotOwnProduct "NOT_OWN_PRODUCT":
        "The message promotes somebody else's products",
        "The sender leaves them out, or asks for consent that names them";
    NotACharity "NOT_A_CHARITY":
        "The sender is not known to be a charity in law",
        "The operator records the charity's registration if there is one";
    PurposeNotCharitable "PURPOSE_NOT_CHARITABLE":
        "The message does not serve charitable purposes alone",
        "The sender takes trading and other purposes out of it, or asks for consent";
    NoncommercialNeedsConsent "NONCOMMERCIAL_NEEDS_CONSENT":
        "Campaigning and fundraising need consent; the customer exception is for selling only",
        "The sender asks for consent";
    ProtectedNamedAddress "PROTECTED_NAMED_ADDRESS":
        "A named work address is protected like a person's",
        "The sender writes to an impersonal address of the company, or asks for consent";
    ProtectedLegalPerson "PROTECTED_LEGAL_PERSON":
        "Companies and public bodies are protected here too",
        "The sender asks for consent";
    RoleNotRelevant "ROLE_NOT_RELEVANT":
        "The message is not tied to the person's role at work",
        "The sender records the role and keeps to it, or asks for consent";
    SubjectKindUnknown "SUBJECT_KIND_UNKNOWN":
        "Nothing shows that the address belongs to a company, so it counts as a person's",
        "The sender imports what kind of subject it is, if it is a company";
    ConsentRequestIsMarketing "CONSENT_REQUEST_IS_MARKETING":
        "A mail that asks for consent is itself marketing",
        "The sender asks on its pages or at the till, not by mail";
    MixedContent "MIXED_CONTENT":
        "Promotional parts make the whole message marketing",
        "The sender takes the promotion out and sends the notice alone";
    Minor "MINOR":
        "The person is a minor: the customer exception does not extend to them, and a consent \
         must be their guardian's",
        "The sender asks the guardian for consent, or leaves minors out";
    AddressRecycled "ADDRESS_RECYCLED":
        "The address was unknown to its provider once, so older permissions may be a stranger's",
        "The sender asks whoever has the address now for consent of their own";
    ClassClaimRejected "CLASS_CLAIM_REJECTED":
        "The message calls itself a service message, but its content is marketing",
        "The sender takes the promotion out, or sends it as marketing";
    RulesetUnknown "RULESET_UNKNOWN":
        "No rule set is known for a jurisdiction that applies",
        "The operator corrects the jurisdiction or adds its rule set";
    RulesetNotInForce "RULESET_NOT_IN_FORCE":
        "No version of the rule set is in force on this date",
        "The operator adds the version that is in force";
    UnverifiedRule "UNVERIFIED_RULE":
        "The permission would rest on a rule nobody has verified",
        "The operator has counsel check the rule and lists it under `accepted_unverified`";
    PolicyDefaultApplied "POLICY_DEFAULT_APPLIED":
        "A policy choice decided where the law is silent",
        "The operator may set another value under `overrides`, with counsel's advice";
    MsgNoIdentity "MSG_NO_IDENTITY":
        "The message does not say who sends it and how to reach them",
        "The operator adds name and contact to the brand's footer";
    MsgNoPostalAddress "MSG_NO_POSTAL_ADDRESS":
        "The message carries no postal address",
        "The operator adds the address to the brand's footer";
    MsgNoUnsubscribe "MSG_NO_UNSUBSCRIBE":
        "The message offers no visible way to unsubscribe",
        "The operator lets the footer be added; the sender uses a body it can be added to";
    MsgUnsubscribeFriction "MSG_UNSUBSCRIBE_FRICTION":
        "Unsubscribing is harder than it may be: a log-in, extra data, a fee or too many steps",
        "The operator lets the link open a page that needs one confirmation only";
    MsgUnsubscribeExpires "MSG_UNSUBSCRIBE_EXPIRES":
        "The way to unsubscribe stops working too soon",
        "The operator keeps links alive for as long as the rules ask";
    MsgLabelMissing "MSG_LABEL_MISSING":
        "The message lacks the word that marks it as advertising",
        "The sender adds the label the rules name";
    MsgSubjectMisleading "MSG_SUBJECT_MISLEADING":
        "The subject misleads about the content",
        "The sender writes a true subject";
    MsgHeaderFalse "MSG_HEADER_FALSE":
        "A header gives a false origin",
        "The sender corrects the header";
    MsgOnBehalfMissing "MSG_ON_BEHALF_MISSING":
        "The message does not say on whose behalf it is sent",
        "The sender names everybody on whose behalf it writes";
    MsgNotIdentifiableAsAd "MSG_NOT_IDENTIFIABLE_AS_AD":
        "The message cannot be recognised as advertising at once",
        "The sender makes it plain, or adds the label the rules name";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn every_reason_says_what_is_missing_and_who_can_help() {
        for reason in Reason::ALL {
            for text in [reason.missing(), reason.remedy()] {
                assert!(text.len() > 20 && !text.ends_with('.'), "{reason}: {text}");
                assert!(text.starts_with(|c: char| c.is_ascii_uppercase()), "{reason}: {text}");
            }
        }
    }

    #[test]
    fn codes_are_stable_screaming_snake_and_unique() {
        for (at, reason) in Reason::ALL.iter().enumerate() {
            let code = reason.code();
            assert!(code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{code}");
            assert_eq!(serde_json::to_value(reason).unwrap(), code);
            assert_eq!(Reason::parse(code), Some(*reason));
            assert!(Reason::ALL[at + 1..].iter().all(|other| other.code() != code), "{code}");
        }
        assert_eq!(Reason::parse("nonsense"), None);
    }
}
