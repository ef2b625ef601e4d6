//! The closed sets of label values, so that no text of a stranger becomes a time series.
//!
//! Streams, listeners and certificates' roles are the open labels: their names come from the
//! configuration. Reasons are the fixed codes of the decision and travel as `&'static str`.

mod doors;
mod house;
mod mail;
mod store;
mod upstream;

pub use doors::{LoginLabel, RefusalLabel, UnsubscribeResult};
pub use house::ReloadResult;
pub use mail::{
    ClassLabel, DeferCause, EnforceLabel, FooterOutcome, ModeLabel, ReplyLabel, Stage, VerdictLabel,
};
pub use store::{HoldCause, StoreFile, StoreOperation, StoreState, TestimonyLabel};
pub use upstream::{
    FaultLabel, OutcomeLabel, SubjectLabel, UpstreamConnectionFault, UpstreamReplyLabel,
};

/// A closed set of label values.
pub trait Label: Copy + 'static {
    /// Every value.
    const ALL: &'static [Self];

    /// The value as metrics and logs write it.
    fn as_str(self) -> &'static str;

    /// Where the value stands in [`Label::ALL`].
    fn position(self) -> usize;
}

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

        impl $crate::telemetry::labels::Label for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn as_str(self) -> &'static str {
                self.as_str()
            }

            fn position(self) -> usize {
                self as usize
            }
        }
    )*};
}
use labels;
