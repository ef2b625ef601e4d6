//! Messages that came by LMTP: each recipient is told its own fate, and only those told to come
//! again are still owed anything.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::fakes::{self, Event, Script};
use super::{CONSENTER, OTHER, STRANGER, Scene, mails};
use crate::base::Mailbox;
use crate::relay::ports::{Answer, RecordError, ReplyDelivery, StoreError, Submissions};
use crate::smtp::{Dialect, Path, Replies, Reply, ReversePath, Transaction};

fn by_lmtp(mut transaction: Transaction) -> Transaction {
    transaction.peer.via.dialect = Dialect::Lmtp;
    transaction
}

impl Scene {
    async fn lmtp(&self, transaction: Transaction) -> Answer {
        self.relay.submit(by_lmtp(transaction), CancellationToken::new()).await
    }
}

#[track_caller]
fn each(answer: &Answer) -> &[Reply] {
    match &answer.replies {
        Replies::Each(each) => each,
        Replies::All(reply) => panic!("one reply for all: {reply}"),
    }
}

#[track_caller]
fn check(answer: &Answer, codes: &[u16]) {
    let found: Vec<u16> = each(answer).iter().map(Reply::code).collect();
    assert_eq!(found, codes, "{:?}", answer.replies);
}

/// One reply that stands for every recipient.
#[track_caller]
fn check_all(answer: &Answer, code: u16) {
    match &answer.replies {
        Replies::All(reply) => assert_eq!(reply.code(), code, "{reply}"),
        Replies::Each(each) => panic!("one reply was expected: {each:?}"),
    }
}

#[tokio::test]
async fn p4_who_is_denied_is_told_alone_in_every_mode_and_nobody_is_notified() {
    for mode in ["bounce", "reject", "strip"] {
        let scene = Scene::set(mode);
        let answer = scene.lmtp(mails::newsletter(&[CONSENTER, STRANGER, OTHER])).await;
        check(&answer, &[250, 550, 250]);
        let denial = each(&answer)[1].text();
        assert!(denial.starts_with("NO_BASIS decision "), "{mode}: {denial}");
        for recipient in [CONSENTER, OTHER] {
            assert_eq!(scene.upstream.copies_to(recipient), 1, "{mode} {recipient}");
        }
        for recipient in [STRANGER, fakes::NOTICES] {
            assert_eq!(scene.upstream.attempts_for(recipient), 0, "{mode} {recipient}");
        }
    }
}

#[tokio::test]
async fn p4_denied_to_the_last_each_is_told_a_decision_of_its_own() {
    let scene = Scene::set("strip");
    let answer = scene.lmtp(mails::newsletter(&[STRANGER, "nobody@example.org"])).await;
    check(&answer, &[550, 550]);
    assert_ne!(each(&answer)[0], each(&answer)[1], "decisions differ");
    assert!(answer.closing.is_none(), "nothing stands in the ledger");
    assert_eq!(scene.store.claims(), 0);
    assert_eq!(scene.store.events(), [Event::Recorded], "journalled, and nobody sent to");
}

#[tokio::test]
async fn p4_the_reason_is_for_senders_of_the_house_only() {
    let scene = Scene::set("bounce");
    let mut message = mails::newsletter(&[STRANGER, CONSENTER]);
    let foreign = "bounce@stranger.example";
    let mailbox = Mailbox::parse(foreign).unwrap();
    message.envelope.reverse_path = ReversePath::Path(Path::new(foreign, mailbox));
    let answer = scene.lmtp(message).await;
    check(&answer, &[550, 250]);
    let denial = each(&answer)[0].text();
    assert!(denial.starts_with("marketing mail not permitted, decision "), "{denial}");
}

#[tokio::test]
async fn p1_no_copy_leaves_before_its_permit_is_recorded() {
    let scene = Scene::set("bounce");
    check(&scene.lmtp(mails::newsletter(&[CONSENTER, STRANGER, OTHER])).await, &[250, 550, 250]);
    let events = scene.store.events();
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(events[0], Event::Recorded, "{events:?}");
}

#[tokio::test]
async fn p2_an_objection_between_reading_and_recording_denies_that_recipient() {
    let scene = Scene::set("bounce");
    scene.store.change_after_load(fakes::objection());
    let answer = scene.lmtp(mails::newsletter(&[CONSENTER, OTHER])).await;
    check(&answer, &[550, 250]);
    assert_eq!(scene.upstream.attempts_for(CONSENTER), 0);
}

#[tokio::test]
async fn p3_only_the_deferred_come_again_and_nobody_gets_a_second_copy() {
    for delivery in [ReplyDelivery::Written, ReplyDelivery::Lost] {
        let scene = Scene::set("bounce");
        scene.upstream.script(OTHER, Script::Defer);
        let answer = scene.lmtp(mails::newsletter(&[CONSENTER, OTHER, STRANGER])).await;
        check(&answer, &[250, 450, 550]);
        assert_eq!(each(&answer)[1].text(), "later", "the upstream's own words");
        assert_eq!(scene.store.claims(), 0, "the retry may try");
        scene.finish(answer, delivery).await;
        scene.upstream.script(OTHER, Script::Accept);
        let (again, codes): (&[&str], &[u16]) = match delivery {
            ReplyDelivery::Written => (&[OTHER], &[250]),
            // A client that heard nothing sends everything again.
            ReplyDelivery::Lost => (&[CONSENTER, OTHER, STRANGER], &[250, 250, 550]),
        };
        let open = if delivery == ReplyDelivery::Written { 1 } else { 2 };
        assert_eq!(scene.store.open_fates(), open, "{delivery:?}");
        let answer = scene.lmtp(mails::newsletter(again)).await;
        check(&answer, codes);
        for recipient in [CONSENTER, OTHER] {
            assert_eq!(scene.upstream.copies_to(recipient), 1, "{delivery:?} {recipient}");
        }
        scene.finish(answer, ReplyDelivery::Written).await;
        assert_eq!(scene.store.open_fates(), 0, "{delivery:?}");
    }
}

#[tokio::test]
async fn p3_what_was_accepted_is_durable_before_the_replies_unless_all_were() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Refuse);
    let mixed = scene.lmtp(mails::newsletter(&[CONSENTER, OTHER])).await;
    check(&mixed, &[250, 550]);
    assert_eq!(scene.store.open_fates(), 2, "settled before the reply, closed after it");
    assert_eq!(scene.store.claims(), 0);
    scene.finish(mixed, ReplyDelivery::Written).await;
    assert_eq!(scene.store.open_fates(), 0);
    scene.upstream.script(OTHER, Script::Accept);
    let served = scene.lmtp(mails::newsletter(&[CONSENTER, OTHER])).await;
    check(&served, &[250, 250]);
    assert_eq!(scene.store.claims(), 2, "nothing stands between the last 250 and ours");
    scene.finish(served, ReplyDelivery::Written).await;
    assert_eq!(scene.store.open_fates(), 0);
}

#[tokio::test]
async fn what_the_upstream_refuses_is_passed_on_and_makes_no_notice() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Refuse);
    scene.upstream.script(CONSENTER, Script::Doubt);
    let answer = scene.lmtp(mails::newsletter(&[OTHER, CONSENTER])).await;
    check(&answer, &[550, 451]);
    assert_eq!(each(&answer)[0].text(), "never");
    assert_eq!(scene.upstream.attempts_for(fakes::NOTICES), 0);
}

#[tokio::test]
async fn p8_a_recipient_named_twice_gets_one_copy_and_two_replies() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    let to = [STRANGER, CONSENTER, STRANGER, OTHER, "consenter@EXAMPLE.org", OTHER];
    let answer = scene.lmtp(mails::newsletter(&to)).await;
    check(&answer, &[550, 250, 550, 450, 250, 450]);
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1);
    assert_eq!(scene.upstream.attempts_for(OTHER), 1);
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Refuse);
    let to = [CONSENTER, OTHER, CONSENTER];
    check(&scene.lmtp(mails::receipt(&to)).await, &[250, 550, 250]);
}

#[tokio::test]
async fn p5_without_a_store_marketing_waits_and_service_mail_flows() {
    for failure in [StoreError::Timeout, StoreError::Overloaded] {
        let scene = Scene::set("strip");
        scene.store.refuse_records(RecordError::Store(failure.clone()));
        check_all(&scene.lmtp(mails::newsletter(&[CONSENTER, STRANGER])).await, 451);
        scene.store.refuse_loads(failure);
        check_all(&scene.lmtp(mails::newsletter(&[CONSENTER, STRANGER])).await, 451);
        assert_eq!(scene.upstream.attempts_for(CONSENTER), 0);
        scene.upstream.script(OTHER, Script::Defer);
        let answer = scene.lmtp(mails::receipt(&[CONSENTER, OTHER])).await;
        // Replies of their own need no memory of who got it: nobody waits for another.
        check(&answer, &[250, 450]);
        let once = scene.relay.submit(mails::receipt(&[STRANGER, OTHER]), CancellationToken::new());
        assert_eq!(once.await.reply().code(), 451, "with one reply it is all or nobody");
        assert_eq!(scene.upstream.attempts_for(STRANGER), 0);
    }
}

#[tokio::test]
async fn p4_service_mail_is_answered_recipient_by_recipient() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    scene.upstream.script(STRANGER, Script::Refuse);
    let answer = scene.lmtp(mails::receipt(&[CONSENTER, OTHER, STRANGER])).await;
    check(&answer, &[250, 450, 550]);
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.upstream.attempts_for(fakes::NOTICES), 0);
    scene.upstream.script(OTHER, Script::Accept);
    let answer = scene.lmtp(mails::receipt(&[OTHER])).await;
    assert_eq!(answer.reply().code(), 250);
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.upstream.copies_to(CONSENTER), 1);
    assert_eq!(scene.upstream.copies_to(OTHER), 1);
    assert_eq!(scene.store.open_fates(), 0);
}

#[tokio::test]
async fn a_stream_that_only_observes_answers_recipient_by_recipient_too() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Refuse);
    let message = mails::message_from("someone@example.com", &[STRANGER, OTHER]);
    check(&scene.lmtp(message).await, &[250, 550]);
}

#[tokio::test]
async fn a_message_refused_as_a_whole_is_refused_to_all() {
    let scene = Scene::set("bounce");
    let foreign = mails::claiming("X-Consentry-Topic: cars", &[CONSENTER, STRANGER]);
    let answer = scene.lmtp(foreign).await;
    check_all(&answer, 550);
    assert_eq!(scene.upstream.attempts_for(CONSENTER), 0);
}

#[tokio::test]
async fn a_recipient_deferred_for_too_long_is_refused_alone() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Defer);
    let answer = scene.lmtp(mails::newsletter(&[CONSENTER, OTHER])).await;
    check(&answer, &[250, 450]);
    scene.finish(answer, ReplyDelivery::Written).await;
    scene.store.age_deferrals("2026-11-23T05:00:00Z");
    let answer = scene.lmtp(mails::newsletter(&[OTHER])).await;
    check(&answer, &[554]);
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.upstream.attempts_for(fakes::NOTICES), 0);
    assert_eq!(scene.store.open_fates(), 0);
}

#[tokio::test]
async fn an_objection_after_a_deferral_closes_the_ledger_entry() {
    let scene = Scene::set("bounce");
    scene.upstream.script(CONSENTER, Script::Defer);
    let answer = scene.lmtp(mails::newsletter(&[CONSENTER])).await;
    check(&answer, &[450]);
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.store.open_fates(), 1);
    scene.store.change_after_load(fakes::objection());
    let answer = scene.lmtp(mails::newsletter(&[CONSENTER])).await;
    check(&answer, &[550]);
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.store.open_fates(), 0);
}

#[tokio::test(start_paused = true)]
async fn p3_who_is_still_under_way_comes_again_and_finds_its_fate() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::AcceptAfter(Duration::from_secs(90)));
    let answer = scene.lmtp(mails::newsletter(&[CONSENTER, OTHER])).await;
    check(&answer, &[250, 451]);
    scene.finish(answer, ReplyDelivery::Written).await;
    check_all(&scene.lmtp(mails::newsletter(&[OTHER])).await, 451);
    scene.late.close();
    scene.late.wait().await;
    let answer = scene.lmtp(mails::newsletter(&[OTHER])).await;
    check(&answer, &[250]);
    assert_eq!(scene.upstream.attempts_for(OTHER), 1);
    scene.finish(answer, ReplyDelivery::Written).await;
    assert_eq!(scene.store.open_fates(), 0);
}
