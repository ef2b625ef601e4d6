//! The reply table as a table: every mix of standings and outcomes with its course and reply.

use super::{Course, Ending, NoticePath, Standing, conclude, course};
use crate::pipeline::dispatch::{Outcome, UpstreamFault};
use crate::pipeline::ledger::Fate;
use crate::pipeline::modes::Mode;
use crate::pipeline::replies;
use crate::smtp::Reply;

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
    let reply = conclude(endings, None);
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
    assert_eq!(conclude(&[Ending::Denied], Some(&denial)), denial);
}
