//! The reply table as a table: every mix of standings and outcomes with its course and reply.

use super::{
    Course, Ending, NoticePath, Standing, conclude, conclude_each, course, course_for_each,
};
use crate::base::TransactionId;
use crate::pipeline::dispatch::{Outcome, UpstreamFault};
use crate::pipeline::ledger::Fate;
use crate::pipeline::modes::Mode;
use crate::pipeline::replies;
use crate::smtp::{Reply, ReplyClass};

const YES: Standing = Standing::Allowed;
const NO: Standing = Standing::Denied;
const GONE: Standing = Standing::Settled(Fate::Accepted);
const TOLD: Standing = Standing::Settled(Fate::Notified);
const BUSY: Standing = Standing::Claimed;

#[track_caller]
fn check(mode: Mode, notice: NoticePath, standings: &[Standing], expected: Course) {
    assert_eq!(course(mode, notice, standings), expected, "{mode:?} {notice:?} {standings:?}");
}

#[test]
fn nobody_denied_means_send_in_every_mode() {
    for mode in [Mode::Bounce, Mode::Reject, Mode::Strip] {
        for notice in [NoticePath::Open, NoticePath::Closed, NoticePath::Unwanted] {
            check(mode, notice, &[YES, YES], Course::Send);
            check(mode, notice, &[GONE, YES], Course::Send);
            check(mode, notice, &[GONE, TOLD], Course::Send);
        }
    }
}

#[test]
fn a_live_claim_makes_everybody_wait() {
    for mode in [Mode::Bounce, Mode::Reject, Mode::Strip] {
        check(mode, NoticePath::Open, &[YES, BUSY], Course::Wait);
        check(mode, NoticePath::Open, &[NO, BUSY], Course::Wait);
    }
}

#[test]
fn bounce_notifies_then_sends() {
    check(Mode::Bounce, NoticePath::Open, &[YES, NO], Course::NotifyThenSend);
    check(Mode::Bounce, NoticePath::Open, &[NO, NO], Course::Refuse);
    check(Mode::Bounce, NoticePath::Open, &[GONE, NO], Course::NotifyThenSend);
    check(Mode::Bounce, NoticePath::Open, &[TOLD, NO], Course::NotifyThenSend);
}

#[test]
fn bounce_without_anybody_to_notify_acts_as_reject() {
    check(Mode::Bounce, NoticePath::Closed, &[YES, NO], Course::Refuse);
    check(Mode::Bounce, NoticePath::Closed, &[NO], Course::Refuse);
    check(Mode::Bounce, NoticePath::Closed, &[GONE, NO], Course::Send);
}

#[test]
fn bounce_with_notices_unwanted_acts_as_strip() {
    check(Mode::Bounce, NoticePath::Unwanted, &[YES, NO], Course::Send);
    check(Mode::Bounce, NoticePath::Unwanted, &[NO, NO], Course::Send);
}

#[test]
fn reject_sends_to_nobody_unless_somebody_has_it_already() {
    check(Mode::Reject, NoticePath::Open, &[YES, NO], Course::Refuse);
    check(Mode::Reject, NoticePath::Open, &[NO, NO], Course::Refuse);
    check(Mode::Reject, NoticePath::Open, &[GONE, NO, YES], Course::NotifyThenSend);
}

#[test]
fn strip_sends_to_the_permitted() {
    check(Mode::Strip, NoticePath::Open, &[YES, NO], Course::Send);
    check(Mode::Strip, NoticePath::Open, &[NO, NO], Course::Send);
}

fn sent() -> Ending {
    Ending::Tried(Outcome::Accepted(Reply::new(250, None, "queued as 1")))
}

fn refused() -> Ending {
    Ending::Tried(Outcome::Refused(Reply::new(550, None, "no such user")))
}

fn deferred() -> Ending {
    Ending::Tried(Outcome::Deferred(Reply::new(450, None, "mailbox busy")))
}

#[track_caller]
fn concludes(endings: &[Ending], code: u16, text: &str) {
    let reply = conclude(endings, None, TransactionId::default());
    assert_eq!(reply.code(), code, "{endings:?} → {reply}");
    assert!(reply.text().contains(text), "{endings:?} → {reply}");
}

#[test]
fn p3_250_only_when_every_recipient_has_a_fate() {
    concludes(&[sent(), Ending::Accepted], 250, "relayed");
    concludes(&[sent(), Ending::Notified], 250, "relayed");
    concludes(&[Ending::Notified, Ending::Notified], 250, "relayed");
    concludes(&[sent(), deferred()], 451, "1 of 2");
    concludes(&[Ending::Notified, deferred()], 451, "1 of 2");
    concludes(&[sent(), Ending::Tried(Outcome::InDoubt)], 451, "doubt");
    let lost = Ending::Tried(Outcome::Failed(UpstreamFault::Connect));
    concludes(&[lost], 451, "outbound");
}

#[test]
fn p4_a_recipient_who_got_nothing_is_counted_in_the_reply() {
    concludes(&[sent(), Ending::Denied, Ending::Denied], 250, "relayed to 1 of 3");
    concludes(&[Ending::Denied, Ending::Denied], 250, "relayed to 0 of 2");
    concludes(&[sent(), refused()], 250, "relayed to 1 of 2");
}

#[test]
fn an_upstreams_refusal_of_everybody_is_passed_on() {
    concludes(&[refused()], 550, "no such user");
    concludes(&[refused(), refused()], 550, "no such user");
    concludes(&[deferred()], 450, "mailbox busy");
}

#[test]
fn a_denial_of_everybody_is_told_in_its_own_words() {
    let denial = replies::deferred(1, 1);
    assert_eq!(conclude(&[Ending::Denied], Some(&denial), TransactionId::default()), denial);
}

/// All lists of three made of `kinds`.
fn triples<T: Clone>(kinds: &[T]) -> Vec<[T; 3]> {
    let mut all = Vec::new();
    for first in kinds {
        for second in kinds {
            all.extend(kinds.iter().map(|third| [first.clone(), second.clone(), third.clone()]));
        }
    }
    all
}

#[test]
fn replies_to_each_need_neither_mode_nor_notice() {
    let told = Standing::Settled(Fate::Refused);
    for standings in triples(&[YES, NO, GONE, TOLD, told, BUSY]) {
        let expected = if standings.contains(&BUSY) { Course::Wait } else { Course::Send };
        assert_eq!(course_for_each(&standings), expected, "{standings:?}");
    }
}

/// Every ending there is, with the reply its recipient gets.
fn endings_and_replies() -> Vec<(Ending, u16, &'static str)> {
    let failed = |fault| Ending::Tried(Outcome::Failed(fault));
    let mut all = vec![
        (sent(), 250, "relayed as"),
        (Ending::Accepted, 250, "relayed as"),
        (Ending::Notified, 250, "relayed as"),
        (Ending::Denied, 550, "OBJECTED"),
        (refused(), 550, "no such user"),
        (deferred(), 450, "mailbox busy"),
        (Ending::Tried(Outcome::InDoubt), 451, "outcome in doubt"),
        (failed(UpstreamFault::NotStarted), 451, "not tried yet"),
    ];
    for fault in [
        UpstreamFault::Connect,
        UpstreamFault::Session,
        UpstreamFault::Lost,
        UpstreamFault::Timeout,
        UpstreamFault::Withheld,
    ] {
        all.push((failed(fault), 451, "outbound MTA not available"));
    }
    all
}

#[test]
fn p4_each_recipient_is_told_its_own_fate_whatever_became_of_the_others() {
    let denial = Reply::new(550, None, "OBJECTED decision 1");
    for triple in triples(&endings_and_replies()) {
        let endings = triple.clone().map(|(ending, _, _)| ending);
        let denials = endings.clone().map(|e| (e == Ending::Denied).then(|| denial.clone()));
        let told = conclude_each(&endings, &denials, TransactionId::default());
        assert_eq!(told.len(), 3);
        for (reply, (ending, code, text)) in told.iter().zip(&triple) {
            assert_eq!(reply.code(), *code, "{ending:?} → {reply}");
            assert!(reply.text().contains(text), "{ending:?} → {reply}");
            let is_served = reply.class() == ReplyClass::Positive;
            assert_eq!(is_served, ending.is_served(), "{ending:?} → {reply}");
        }
    }
}

#[test]
fn p4_a_denial_without_words_is_not_passed_over() {
    for denials in [&[][..], &[None]] {
        let told = conclude_each(&[Ending::Denied], denials, TransactionId::default());
        assert_eq!(told[0].code(), 451, "{}", told[0]);
    }
}

#[test]
fn an_upstream_that_refuses_with_another_class_is_not_believed() {
    for code in [250, 354] {
        let odd = Ending::Tried(Outcome::Refused(Reply::new(code, None, "odd")));
        let told = conclude_each(&[odd], &[], TransactionId::default());
        assert_eq!(told[0].code(), 451, "{}", told[0]);
    }
}
