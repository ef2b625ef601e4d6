//! The closed sets of label values, so that no text of a stranger becomes a time series.
//!
//! Streams are the one open label: their names come from the configuration. Reasons are the
//! fixed codes of the decision and travel as `&'static str`.

use crate::pipeline::Outcome;
use crate::smtp::Reply;

macro_rules! labels {
    ($(
        $(#[$doc:meta])* $name:ident {
            $($(#[$value_doc:meta])* $value:ident = $text:literal,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name {
            $($(#[$value_doc])* $value,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];

            /// The value as metrics and logs write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)*
                }
            }
        }
    )*};
}

labels! {
    /// The class of a message as a whole.
    ClassLabel {
        /// No marketing.
        Service = "service",
        /// Marketing for everybody.
        Marketing = "marketing",
        /// Marketing for some recipients, by their jurisdiction.
        Depends = "depends",
    }

    /// The code of a reply after end-of-data; what is rare is summed up by its first digit.
    ReplyLabel {
        /// Taken over.
        Code250 = "250",
        /// Another positive reply.
        Positive = "2xx",
        /// Service going away.
        Code421 = "421",
        /// Local error: try again.
        Code451 = "451",
        /// Too much at present.
        Code452 = "452",
        /// Another transient reply.
        Transient = "4xx",
        /// Refused.
        Code550 = "550",
        /// Too large.
        Code552 = "552",
        /// Transaction failed.
        Code554 = "554",
        /// Another permanent reply.
        Permanent = "5xx",
    }

    /// What was decided about one recipient.
    VerdictLabel {
        /// May be sent to.
        Permit = "permit",
        /// Must not be sent to.
        Deny = "deny",
        /// Cannot be known now.
        Defer = "defer",
        /// No marketing: nothing to decide.
        Service = "service",
        /// Sent without enforcement, would have been permitted.
        ObservedPermit = "observed_permit",
        /// Sent without enforcement, would have been denied.
        ObservedDeny = "observed_deny",
    }

    /// What became of a body that was to carry a footer.
    FooterOutcome {
        /// One footer in each displayed text part.
        Edited = "edited",
        /// Header fields only.
        HeadersOnly = "headers_only",
        /// Left as it was.
        Untouched = "untouched",
        /// Not sent for want of a footer.
        Rejected = "rejected",
    }

    /// What became of one recipient at the upstream.
    OutcomeLabel {
        /// Taken.
        Accepted = "accepted",
        /// Refused for good.
        Refused = "refused",
        /// Refused for now.
        Deferred = "deferred",
        /// Not tried to the end.
        Failed = "failed",
        /// Unknown.
        InDoubt = "in_doubt",
    }

    /// What was asked of the store.
    StoreOperation {
        /// Reading records and fates.
        Load = "load",
        /// Making decisions durable.
        Record = "record",
        /// Making outcomes durable.
        Settle = "settle",
        /// Reading what a scope's number means.
        Scope = "scope",
        /// Making evidence durable.
        Append = "append",
    }

    /// Whether the store answers.
    StoreState {
        /// It does.
        Usable = "usable",
        /// It does not.
        Unusable = "unusable",
    }

    /// What became of an unsubscribe request.
    UnsubscribeResult {
        /// The objection is durable.
        Recorded = "recorded",
        /// The seal did not hold: answered neutrally, nothing recorded.
        BadSeal = "bad_seal",
        /// Not a token.
        Malformed = "malformed",
        /// A token for another page.
        WrongPurpose = "wrong_purpose",
        /// The body was larger than any such request.
        TooLarge = "too_large",
        /// The body broke off or was malformed.
        Incomplete = "incomplete",
        /// The keyring lacks the token's key.
        UnknownKey = "unknown_key",
        /// The program is too old for the token.
        UnknownVersion = "unknown_version",
        /// The store does not know the scope the token names.
        UnknownScope = "unknown_scope",
        /// The store failed.
        StoreFailed = "store_failed",
        /// The store had not answered when the requester's patience ended.
        StoreTimeout = "store_timeout",
    }

    /// A stage of one transaction.
    Stage {
        /// Finding stream and class, and preparing the edits.
        Prepare = "prepare",
        /// Reading records.
        Load = "load",
        /// Deciding.
        Decide = "decide",
        /// Making copies.
        Render = "render",
        /// Making decisions durable.
        Record = "record",
        /// Handing copies to the upstream, and settling their outcomes on the way.
        Send = "send",
    }
}

impl ReplyLabel {
    /// The label of `reply`; an intermediate reply never ends a transaction and counts as
    /// transient.
    pub const fn of(reply: &Reply) -> Self {
        match reply.code() {
            250 => Self::Code250,
            200..=299 => Self::Positive,
            421 => Self::Code421,
            451 => Self::Code451,
            452 => Self::Code452,
            300..=499 => Self::Transient,
            550 => Self::Code550,
            552 => Self::Code552,
            554 => Self::Code554,
            _ => Self::Permanent,
        }
    }
}

impl OutcomeLabel {
    /// The label of `outcome`.
    pub const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted(_) => Self::Accepted,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Deferred(_) => Self::Deferred,
            Outcome::Failed(_) => Self::Failed,
            Outcome::InDoubt => Self::InDoubt,
        }
    }
}
