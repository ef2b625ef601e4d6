//! Labels of messages and their recipients: class, mode, verdict, reply, footer, stage.

use super::labels;
use crate::classify::MessageClass;
use crate::pipeline::{Enforce, Mode};
use crate::smtp::Reply;

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

    /// How the stream answers when some recipients are denied.
    ModeLabel {
        /// Sends to the permitted and a notice about the others.
        Bounce = "bounce",
        /// Sends to nobody.
        Reject = "reject",
        /// Sends to the permitted and counts the others in the reply.
        Strip = "strip",
    }

    /// How much of the law the stream enforced.
    EnforceLabel {
        /// Nothing.
        Observe = "observe",
        /// Objections and complaints.
        Objections = "objections",
        /// Everything.
        All = "all",
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

    /// Why marketing was put off; written like a reason code, for it stands in its place.
    DeferCause {
        /// The store could not be read or written.
        StoreUnavailable = "STORE_UNAVAILABLE",
        /// An earlier attempt for the same message is still under way.
        AttemptUnderWay = "ATTEMPT_UNDER_WAY",
        /// Somebody's record changed again and again while it was decided on.
        RecordContended = "RECORD_CONTENDED",
        /// The notice about denied recipients could not be handed over now.
        NoticeDeferred = "NOTICE_DEFERRED",
        /// The database is older than this node remembers it.
        HeldRestore = "HELD_RESTORE",
        /// The clock is behind the journal, or before the program was made.
        HeldClock = "HELD_CLOCK",
    }

    /// What became of a body that was to carry a footer.
    FooterOutcome {
        /// One footer in each displayed text part.
        Edited = "edited",
        /// Header fields only.
        HeadersOnly = "headers_only",
        /// Left as it was: the stream only observes.
        Untouched = "untouched",
        /// Not sent for want of a footer.
        Rejected = "rejected",
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
        /// Handing notice and copies to the upstream, and settling outcomes on the way.
        Send = "send",
    }
}

impl ClassLabel {
    /// The label of `class`.
    pub const fn of(class: MessageClass) -> Self {
        match class {
            MessageClass::Service => Self::Service,
            MessageClass::Marketing => Self::Marketing,
            MessageClass::Depends => Self::Depends,
        }
    }
}

impl ModeLabel {
    /// The label of `mode`.
    pub const fn of(mode: Mode) -> Self {
        match mode {
            Mode::Bounce => Self::Bounce,
            Mode::Reject => Self::Reject,
            Mode::Strip => Self::Strip,
        }
    }
}

impl EnforceLabel {
    /// The label of `enforce`.
    pub const fn of(enforce: Enforce) -> Self {
        match enforce {
            Enforce::Observe => Self::Observe,
            Enforce::Objections => Self::Objections,
            Enforce::All => Self::All,
        }
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
