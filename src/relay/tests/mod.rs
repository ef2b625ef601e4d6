//! The relay over fakes: the order of things under conflict, outage, deferral and delay.

mod fakes;
mod lmtp;
mod mails;
mod notices;
mod telling;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ports::{Answer, RecordError, ReplyDelivery, StoreError, Submissions};
use super::{Deadlines, Parts, Relay};
use crate::telemetry::Metrics;
use fakes::{Event, FakeClock, FakeStore, FakeUpstream, Script};

struct Scene {
    store: Arc<FakeStore>,
    upstream: Arc<FakeUpstream>,
    relay: Relay<FakeStore, FakeUpstream, FakeClock>,
    late: TaskTracker,
    metrics: Arc<Metrics>,
}

impl Scene {
    fn set(mode: &str) -> Self {
        Self::of(fakes::house(mode))
    }

    fn of(house: crate::pipeline::House) -> Self {
        let store = Arc::new(FakeStore::new());
        let upstream = Arc::new(FakeUpstream::new(Arc::clone(&store)));
        let late = TaskTracker::new();
        let metrics = Arc::new(Metrics::new("test"));
        let relay = Relay::new(Parts {
            house: watch::channel(Arc::new(house)).1,
            store: Arc::clone(&store),
            upstream: Arc::clone(&upstream),
            clock: FakeClock,
            metrics: Arc::clone(&metrics),
            deadlines: Deadlines::default(),
            late: late.clone(),
        });
        Self { store, upstream, relay, late, metrics }
    }

    /// The same scene with another bound on copies under way.
    fn with_copies_at_once(
        &self,
        copies_at_once: usize,
    ) -> Relay<FakeStore, FakeUpstream, FakeClock> {
        Relay::new(Parts {
            house: watch::channel(Arc::new(fakes::house("bounce"))).1,
            store: Arc::clone(&self.store),
            upstream: Arc::clone(&self.upstream),
            clock: FakeClock,
            metrics: Arc::new(Metrics::new("test")),
            deadlines: Deadlines { copies_at_once, ..Deadlines::default() },
            late: self.late.clone(),
        })
    }

    async fn newsletter(&self, to: &[&str]) -> Answer {
        self.relay.submit(mails::newsletter(to), CancellationToken::new()).await
    }

    async fn finish(&self, answer: Answer, delivery: ReplyDelivery) {
        if let Some(closing) = answer.closing {
            self.relay.answered(closing, delivery).await;
            // It is settled in the background; the fake store never makes it wait.
            for _ in 0..16 {
                tokio::task::yield_now().await;
            }
        }
    }
}

const CONSENTER: &str = "consenter@example.org";
const OTHER: &str = "other@example.org";
const STRANGER: &str = "stranger@example.org";

#[tokio::test]
async fn p1_no_copy_leaves_before_its_permit_is_recorded() {
    let scene = Scene::set("bounce");
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    let events = scene.store.events();
    let recorded = events.iter().position(|e| *e == Event::Recorded).unwrap();
    let first_copy = events.iter().position(|e| matches!(e, Event::Sent(_))).unwrap();
    assert!(recorded < first_copy, "{events:?}");
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1);
}

#[tokio::test]
async fn p2_a_record_that_changes_is_decided_on_again() {
    let scene = Scene::set("bounce");
    // The objection arrives between reading and recording: the new reading denies.
    scene.store.refuse_record_once(RecordError::Conflict, fakes::objection);
    let answer = scene.newsletter(&[CONSENTER]).await;
    assert_eq!(answer.reply().code(), 550, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
}

#[tokio::test]
async fn p2_a_record_that_keeps_changing_puts_the_message_off() {
    let scene = Scene::set("bounce");
    scene.store.refuse_records(RecordError::Conflict);
    let answer = scene.newsletter(&[CONSENTER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
}

#[tokio::test]
async fn p7_a_store_that_fails_means_451_and_nothing_sent() {
    for failure in [StoreError::Timeout, StoreError::Overloaded] {
        let scene = Scene::set("bounce");
        scene.store.refuse_loads(failure.clone());
        let answer = scene.newsletter(&[CONSENTER]).await;
        assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
        let scene = Scene::set("bounce");
        scene.store.refuse_records(RecordError::Store(failure));
        let answer = scene.newsletter(&[CONSENTER]).await;
        assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
        assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
    }
}

#[tokio::test]
async fn p3_what_was_sent_is_settled_before_a_451_and_not_sent_again() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    let answer = scene.newsletter(&[CONSENTER, OTHER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert!(answer.closing.is_none(), "a deferred message stays open");
    scene.upstream.script(OTHER, Script::Accept);
    let answer = scene.newsletter(&[CONSENTER, OTHER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    for recipient in [CONSENTER, OTHER, fakes::NOTICES] {
        assert_eq!(scene.upstream.copies_to(recipient), 1, "{recipient}");
    }
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.store.open_fates(), 0, "the message is closed");
}

#[tokio::test]
async fn p3_a_lost_reply_leaves_the_message_open_for_the_retry() {
    let scene = Scene::set("bounce");
    let answer = scene.newsletter(&[CONSENTER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    scene.finish(answer, ReplyDelivery::Lost).await;
    let answer = scene.newsletter(&[CONSENTER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1, "the retry is answered from the ledger");
}

#[tokio::test]
async fn p4_a_notice_nobody_takes_now_sends_nothing() {
    let scene = Scene::set("bounce");
    scene.upstream.script(fakes::NOTICES, Script::Defer);
    let answer = scene.newsletter(&[CONSENTER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
}

#[tokio::test]
async fn a_notice_refused_for_good_acts_as_reject() {
    let scene = Scene::set("bounce");
    scene.upstream.script(fakes::NOTICES, Script::Refuse);
    let answer = scene.newsletter(&[CONSENTER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 550, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
}

#[tokio::test]
async fn a_live_claim_of_another_attempt_means_wait() {
    let scene = Scene::set("bounce");
    scene.store.refuse_records(RecordError::Claimed);
    let answer = scene.newsletter(&[CONSENTER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
}

#[tokio::test]
async fn an_outcome_in_doubt_is_451_and_never_retried_by_us() {
    let scene = Scene::set("bounce");
    scene.upstream.script(CONSENTER, Script::Doubt);
    let answer = scene.newsletter(&[CONSENTER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert_eq!(scene.upstream.attempts_for(CONSENTER), 1);
}

#[tokio::test]
async fn a_client_that_left_starts_no_copy() {
    let scene = Scene::set("bounce");
    let gone = CancellationToken::new();
    gone.cancel();
    let answer = scene.relay.submit(mails::newsletter(&[CONSENTER]), gone).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert_eq!(scene.upstream.attempts_for(CONSENTER), 0);
}

#[tokio::test(start_paused = true)]
async fn p3_copies_under_way_at_the_deadline_are_settled_late() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::AcceptAfter(Duration::from_secs(90)));
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    scene.late.close();
    scene.late.wait().await;
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    for recipient in [CONSENTER, OTHER] {
        assert_eq!(scene.upstream.copies_to(recipient), 1, "{recipient}");
    }
}

#[tokio::test]
async fn p5_service_mail_asks_the_store_nothing_it_must_wait_for() {
    let scene = Scene::set("bounce");
    scene.store.refuse_loads(StoreError::Timeout);
    scene.store.refuse_records(RecordError::Store(StoreError::Timeout));
    let to = [CONSENTER, STRANGER];
    let answer = scene.relay.submit(mails::receipt(&to), CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(STRANGER), 1);
}

#[tokio::test]
async fn claims_that_are_not_allowed_reach_nobody() {
    let scene = Scene::set("bounce");
    let foreign = mails::claiming("X-Consentry-Topic: cars", &[CONSENTER]);
    let answer = scene.relay.submit(foreign, CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 550, "{}", answer.reply());
    assert!(answer.reply().text().starts_with("CLAIM_NOT_ALLOWED"), "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 0);
}

#[tokio::test]
async fn a_stream_that_only_observes_sends_to_everybody() {
    let scene = Scene::set("bounce");
    for from in ["someone@example.com", "news@elsewhere.example"] {
        let message = mails::message_from(from, &[CONSENTER, STRANGER]);
        let answer = scene.relay.submit(message, CancellationToken::new()).await;
        assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    }
    assert_eq!(scene.upstream.copies_to(STRANGER), 2);
    let mut claiming = mails::claiming("X-Consentry-Topic: cars", &[STRANGER]);
    let elsewhere = mails::message_from("someone@example.com", &[STRANGER]);
    let bytes = [b"X-Consentry-Topic: cars\r\n", elsewhere.content.bytes().as_ref()].concat();
    claiming.content = crate::mail::RawMessage::new(bytes.into());
    let answer = scene.relay.submit(claiming, CancellationToken::new()).await;
    assert_eq!(
        answer.reply().code(),
        250,
        "a claim is not honoured, not refused: {}",
        answer.reply()
    );
    scene.store.refuse_loads(StoreError::Timeout);
    let message = mails::message_from("someone@example.com", &[STRANGER]);
    let answer = scene.relay.submit(message, CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 250, "silence means send: {}", answer.reply());
}

#[tokio::test]
async fn closing_one_transaction_leaves_its_siblings_fates() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    let split = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(split.reply().code(), 451, "{}", split.reply());
    let sibling = scene.newsletter(&["stranger@example.org"]).await;
    assert_eq!(sibling.reply().code(), 550, "{}", sibling.reply());
    scene.finish(sibling, ReplyDelivery::Written).await;
    scene.upstream.script(OTHER, Script::Accept);
    let retry = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(retry.reply().code(), 250, "{}", retry.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1, "not sent again");
}

#[tokio::test(start_paused = true)]
async fn p3_copies_never_started_release_their_claims() {
    let scene = Scene::set("bounce");
    scene.upstream.script(CONSENTER, Script::AcceptAfter(Duration::from_secs(120)));
    scene.upstream.script(OTHER, Script::AcceptAfter(Duration::from_secs(120)));
    let relay = scene.with_copies_at_once(1);
    let message = mails::newsletter(&[CONSENTER, OTHER]);
    let answer = relay.submit(message, CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    scene.late.close();
    scene.late.wait().await;
    assert_eq!(scene.store.claims(), 0);
}

#[tokio::test(start_paused = true)]
async fn service_mail_in_flight_is_not_sent_a_second_time() {
    let scene = Scene::set("bounce");
    scene.upstream.script(STRANGER, Script::AcceptAfter(Duration::from_secs(90)));
    let send = || scene.relay.submit(mails::receipt(&[STRANGER]), CancellationToken::new());
    assert_eq!(send().await.reply().code(), 451, "slow");
    assert_eq!(send().await.reply().code(), 451, "still under way");
    scene.late.close();
    scene.late.wait().await;
    assert_eq!(send().await.reply().code(), 250, "it had arrived");
    assert_eq!(scene.upstream.attempts_for(STRANGER), 1);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_the_store_did_not_take_is_made_up_for() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    scene.store.fail_settlements(2);
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    scene.late.close();
    scene.late.wait().await;
    scene.upstream.script(OTHER, Script::Accept);
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1);
}

#[tokio::test]
async fn a_recipient_named_twice_gets_one_copy() {
    let scene = Scene::set("bounce");
    let answer = scene.newsletter(&[CONSENTER, CONSENTER, "consenter@EXAMPLE.org"]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1);
    assert_eq!(scene.upstream.attempts_for("consenter@EXAMPLE.org"), 0);
}

#[tokio::test(start_paused = true)]
async fn p5_a_store_that_hangs_does_not_hold_up_mixed_service_mail() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    scene.store.hang_settlements();
    let before = tokio::time::Instant::now();
    let to = [CONSENTER, OTHER];
    let answer = scene.relay.submit(mails::receipt(&to), CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert!(before.elapsed() < Duration::from_millis(150), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_recipient_deferred_for_too_long_is_refused_with_a_notice() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    scene.store.age_deferrals("2026-11-23T05:00:00Z");
    let answer = scene.newsletter(&[CONSENTER, OTHER]).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    assert_eq!(scene.upstream.copies_to(fakes::NOTICES), 1);
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1);
}

#[tokio::test]
async fn a_brand_the_client_may_name_speaks_in_the_footer() {
    let scene = Scene::set("bounce");
    let message = mails::claiming("X-Consentry-Brand: outlet", &[CONSENTER]);
    let answer = scene.relay.submit(message, CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
    let data = scene.upstream.last_data();
    assert!(data.contains("from Acme Outlet, a brand of Acme Shoes Ltd"), "{data}");
    assert!(!data.contains("X-Consentry-Brand"), "{data}");
    let message = mails::claiming("X-Consentry-Brand: elsewhere", &[CONSENTER]);
    let answer = scene.relay.submit(message, CancellationToken::new()).await;
    assert_eq!(answer.reply().code(), 550, "{}", answer.reply());
}

const OBJECTIONS: &str = "enforce = \"objections\"\nuntil = 2027-02-28";

#[tokio::test]
async fn objections_level_sends_without_a_basis_and_honours_an_objection() {
    let scene = Scene::of(fakes::house_enforcing(OBJECTIONS));
    let (person, objection) = fakes::objection_of(OTHER);
    scene.store.change_after_load((person, objection));
    let answer = scene.newsletter(&[STRANGER]).await;
    assert_eq!(answer.reply().code(), 250, "no basis is only journalled: {}", answer.reply());
    let data = scene.upstream.last_data();
    assert!(data.contains("List-Unsubscribe: <https://"), "link and footer are added: {data}");
    let answer = scene.newsletter(&[OTHER]).await;
    assert_eq!(answer.reply().code(), 550, "{}", answer.reply());
    assert!(answer.reply().text().contains("UNSUBSCRIBED"), "{}", answer.reply());
}

#[tokio::test]
async fn p2_an_objection_between_reading_and_recording_counts_at_every_level_that_enforces() {
    for enforce in ["enforce = \"all\"", OBJECTIONS] {
        for address in [CONSENTER, STRANGER] {
            let scene = Scene::of(fakes::house_enforcing(enforce));
            scene.store.change_after_load(fakes::objection_of(address));
            let answer = scene.newsletter(&[address]).await;
            assert_eq!(answer.reply().code(), 550, "{enforce} {address}: {}", answer.reply());
            assert_eq!(scene.upstream.copies_to(address), 0, "{enforce} {address}");
        }
    }
}
