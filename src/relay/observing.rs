//! Streams that only observe: decisions are journalled if the store answers in time, and the
//! message goes to everybody as it came. Silence of the store means send, and a counted gap.

use std::sync::Arc;

use super::marketing::{read_records, row};
use super::ports::{Answer, Clock, Journal, Query, Records, Upstream};
use super::report::{self, Trail};
use super::sending::Schedule;
use super::{Inner, service};
use crate::pipeline::{MarketingDraft, replies};
use crate::telemetry::StoreOperation;

impl<S, U, C> Inner<S, U, C>
where
    S: Records + Journal,
    U: Upstream,
    C: Clock,
{
    /// Journals what would have been decided, then relays unchanged.
    pub(super) async fn relay_observed(
        self: &Arc<Self>,
        draft: MarketingDraft,
        schedule: Schedule,
        trail: &mut Trail<'_>,
    ) -> Answer {
        let query = Query { persons: draft.persons(), fates: Vec::new(), scope: None };
        let snapshot = self.guard.brief(self.store.load(query)).await;
        let is_judged = snapshot.is_some();
        match snapshot {
            Some(snapshot) => {
                let judgement = draft.judge(&read_records(&snapshot), &[]);
                for ruling in judgement.rulings().iter().flatten() {
                    self.store.note(row(&draft, ruling, None));
                }
                trail.observed(&draft, &judgement);
            }
            None => report::store_skipped(&self.metrics, StoreOperation::Load),
        }
        match draft.into_observed() {
            Some(draft) => {
                if !is_judged {
                    // What nobody was asked about stands in the journal all the same, or is a
                    // counted gap in it.
                    self.store.note(service::row(&draft.frame, &draft.decision_record()));
                }
                self.relay_service(draft, schedule, trail).await
            }
            None => Answer::open(replies::contended()),
        }
    }
}
