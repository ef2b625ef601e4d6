//! Tests of the closed sets of label values: distinct words, and the right one for each thing.

use std::collections::BTreeSet;

use crate::pipeline::{Outcome, UpstreamFault};
use crate::smtp::server::LoginRefusal;
use crate::smtp::{Reply, Status};
use crate::telemetry::{
    ClassLabel, DeferCause, EnforceLabel, FaultLabel, FooterOutcome, HoldCause, Label, LoginLabel,
    ModeLabel, OutcomeLabel, RefusalLabel, ReloadResult, ReplyLabel, Stage, StoreFile,
    StoreOperation, StoreState, SubjectLabel, UnsubscribeResult, UpstreamConnectionFault,
    UpstreamReplyLabel, VerdictLabel,
};

#[test]
fn label_values_are_distinct_words_in_their_positions() {
    #[track_caller]
    fn check<L: Label>() {
        let texts: BTreeSet<&str> = L::ALL.iter().map(|&label| label.as_str()).collect();
        assert_eq!(texts.len(), L::ALL.len());
        for text in texts {
            let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            assert!(text.bytes().all(is_word), "{text}");
        }
        for (position, label) in L::ALL.iter().enumerate() {
            assert_eq!(label.position(), position);
        }
    }
    check::<ClassLabel>();
    check::<ModeLabel>();
    check::<EnforceLabel>();
    check::<ReplyLabel>();
    check::<VerdictLabel>();
    check::<DeferCause>();
    check::<FooterOutcome>();
    check::<Stage>();
    check::<OutcomeLabel>();
    check::<UpstreamReplyLabel>();
    check::<SubjectLabel>();
    check::<FaultLabel>();
    check::<UpstreamConnectionFault>();
    check::<RefusalLabel>();
    check::<LoginLabel>();
    check::<UnsubscribeResult>();
    check::<StoreOperation>();
    check::<StoreState>();
    check::<StoreFile>();
    check::<HoldCause>();
    check::<ReloadResult>();
}

#[test]
fn replies_are_labelled_by_code_or_first_digit() {
    for (code, ours, upstreams) in [
        (250, "250", "2xx"),
        (251, "2xx", "2xx"),
        (354, "4xx", "4xx"),
        (421, "421", "421"),
        (450, "4xx", "450"),
        (451, "451", "451"),
        (452, "452", "452"),
        (455, "4xx", "4xx"),
        (550, "550", "550"),
        (551, "5xx", "551"),
        (552, "552", "552"),
        (553, "5xx", "553"),
        (554, "554", "554"),
        (571, "5xx", "5xx"),
    ] {
        let reply = Reply::new(code, None, "x");
        assert_eq!(ReplyLabel::of(&reply).as_str(), ours, "{code}");
        assert_eq!(UpstreamReplyLabel::of(&reply).as_str(), upstreams, "{code}");
    }
}

#[test]
fn subjects_are_those_of_rfc_3463() {
    for (subject, label) in
        [(0, "other"), (1, "address"), (4, "network"), (7, "policy"), (9, "other")]
    {
        let reply = Reply::new(550, Some(Status { subject, detail: 1 }), "x");
        assert_eq!(SubjectLabel::of(&reply).as_str(), label, "{subject}");
    }
    assert_eq!(SubjectLabel::of(&Reply::new(550, None, "x")).as_str(), "absent");
}

#[test]
fn outcomes_are_labelled_by_kind() {
    let reply = || Reply::new(250, None, "x");
    for (outcome, label) in [
        (Outcome::Accepted(reply()), "accepted"),
        (Outcome::Refused(reply()), "refused"),
        (Outcome::Deferred(reply()), "deferred"),
        (Outcome::Failed(UpstreamFault::Lost), "failed"),
        (Outcome::InDoubt, "in_doubt"),
    ] {
        assert_eq!(OutcomeLabel::of(&outcome).as_str(), label);
    }
}

#[test]
fn faults_and_logins_are_labelled_as_the_core_calls_them() {
    for fault in [
        UpstreamFault::Connect,
        UpstreamFault::Session,
        UpstreamFault::Lost,
        UpstreamFault::Timeout,
        UpstreamFault::NotStarted,
        UpstreamFault::Withheld,
    ] {
        assert_eq!(FaultLabel::of(fault).as_str(), fault.as_str());
    }
    for (result, label) in [
        (Ok(()), "accepted"),
        (Err(LoginRefusal::Invalid), "invalid"),
        (Err(LoginRefusal::TooMany), "too_many"),
        (Err(LoginRefusal::Unavailable), "unavailable"),
    ] {
        assert_eq!(LoginLabel::of(result).as_str(), label);
    }
}
