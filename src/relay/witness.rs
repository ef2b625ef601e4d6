//! Recording what messages tell of, once they were accepted, and never waiting for it.
//!
//! A bounded number of records is under way; what comes beyond, or what the store does not take,
//! is lost and counted. The message itself is none the slower and none the worse.

use std::sync::Arc;

use super::Inner;
use super::ports::{Clock, Journal, Records, Upstream};
use crate::pipeline::{Ending, Frame};
use crate::telemetry::{TestimonyLabel, events};

/// Records under way at once.
pub(super) const WITNESSES_MAX: usize = 256;

impl<S, U, C> Inner<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    /// Records what the message tells of, if it tells of something and was accepted.
    pub(super) fn bear_witness(self: &Arc<Self>, frame: &Frame, endings: &[Ending]) {
        let transaction = frame.transaction_id();
        let tell = |outcome, reason: Option<&str>| {
            events::TestimonyHeard { transaction, outcome, reason }.emit(&self.metrics);
        };
        let (person, pieces) = match frame.testimony(endings) {
            Ok(None) => return,
            Ok(Some(told)) => told,
            Err(error) => {
                return tell(TestimonyLabel::Refused, Some(&error.to_string()));
            }
        };
        let Ok(place) = Arc::clone(&self.witnesses).try_acquire_owned() else {
            return tell(TestimonyLabel::Lost, Some("too many wait to be recorded"));
        };
        let inner = Arc::clone(self);
        self.late.spawn(async move {
            let _place = place;
            for piece in pieces {
                let (outcome, reason) = match inner.store.witness(person, piece).await {
                    Ok(()) => (TestimonyLabel::Recorded, None),
                    Err(error) => (TestimonyLabel::Lost, Some(error.to_string())),
                };
                let reason = reason.as_deref();
                events::TestimonyHeard { transaction, outcome, reason }.emit(&inner.metrics);
            }
        });
    }
}
