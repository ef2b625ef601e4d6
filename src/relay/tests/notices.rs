//! Notices: they keep to the reply's deadline, hold nothing up, and tell strangers nothing.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::fakes::{self, Script};
use super::{CONSENTER, OTHER, STRANGER, Scene, mails};
use crate::base::Mailbox;
use crate::relay::ports::Submissions;
use crate::smtp::{Path, ReversePath};

#[tokio::test(start_paused = true)]
async fn a_notice_that_takes_its_time_does_not_make_the_client_wait() {
    let scene = Scene::set("bounce");
    scene.upstream.script(fakes::NOTICES, Script::AcceptAfter(Duration::from_secs(500)));
    let before = tokio::time::Instant::now();
    let answer = scene.newsletter(&[CONSENTER, STRANGER]).await;
    assert_eq!(answer.reply().code(), 451, "{}", answer.reply());
    assert!(before.elapsed() <= Duration::from_secs(51), "{:?}", before.elapsed());
    assert_eq!(scene.upstream.attempts_for(CONSENTER), 0, "no copy before its notice");
    assert_eq!(scene.store.claims(), 0, "the retry may try");
}

#[tokio::test(start_paused = true)]
async fn p3_accepted_copies_are_settled_before_a_refusal_notice_is_tried() {
    let scene = Scene::set("bounce");
    scene.upstream.script(OTHER, Script::Refuse);
    scene.upstream.script(fakes::NOTICES, Script::AcceptAfter(Duration::from_secs(20)));
    let relay = scene.relay.clone();
    let message = mails::newsletter(&[CONSENTER, OTHER]);
    let submitted =
        tokio::spawn(async move { relay.submit(message, CancellationToken::new()).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.upstream.attempts_for(fakes::NOTICES), 1, "the notice is under way");
    assert_eq!(scene.store.claims(), 0, "what became of the copies is durable already");
    let answer = submitted.await.unwrap();
    assert_eq!(answer.reply().code(), 250, "{}", answer.reply());
}

#[tokio::test]
async fn reasons_about_people_do_not_go_to_foreign_senders() {
    for (sender, code) in [("bounce@example.com", 250), ("bounce@stranger.example", 550)] {
        let scene = Scene::of(fakes::house_notifying_senders());
        let mut message = mails::newsletter(&[CONSENTER, STRANGER]);
        let mailbox = Mailbox::parse(sender).unwrap();
        message.envelope.reverse_path = ReversePath::Path(Path::new(sender, mailbox));
        let answer = scene.relay.submit(message, CancellationToken::new()).await;
        assert_eq!(answer.reply().code(), code, "{sender}: {}", answer.reply());
        assert_eq!(scene.upstream.copies_to(sender), usize::from(code == 250), "{sender}");
        assert!(code == 250 || !answer.reply().text().contains("NO_BASIS"), "{}", answer.reply());
    }
}
