//! Promises of the decision that no single case file can show.
//!
//! Objections beat every basis, unknown facts never help, several rule sets must agree.

mod properties;

use std::sync::LazyLock;

use super::hearing::Hearing;
use super::{decide, evaluate};
use crate::base::{AddressTag, EntityId, EvidenceId, JurisdictionId, Timestamp, TopicId};
use crate::classify::Element;
use crate::eligibility::rules::{FIELDS, TablesRead};
use crate::eligibility::{
    AddressKind, Basis, Case, CollectionChannel, CollectionFact, ConsentFact, DealingFact,
    Evidence, Fact, Form, Level, Mechanism, MessageFacts, ObjectionChannel, Policy, Provenance,
    Reason, RecipientFacts, RecipientRecord, RuleBook, Scope, SubjectKind, Successions, Verdict,
};

/// Read once: there are many sets and many cases.
static BOOK: LazyLock<RuleBook> = LazyLock::new(RuleBook::builtin);

const NOW: &str = "2026-06-01T12:00:00Z";

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn acme() -> EntityId {
    EntityId::parse("acme").unwrap()
}

fn shoes() -> TopicId {
    TopicId::parse("shoes").unwrap()
}

fn tag() -> AddressTag {
    AddressTag::from_bytes([1; 16])
}

fn said(at: &str, level: Level, fact: Fact) -> Evidence {
    Evidence { at: moment(at), tag: Some(tag()), fact, level, provenance: Provenance::default() }
}

fn newsletter() -> MessageFacts {
    MessageFacts {
        elements: vec![Element::Offer],
        topics: vec![shoes()],
        form: Form::complete(),
        ..MessageFacts::of(acme())
    }
}

fn good_consent() -> ConsentFact {
    ConsentFact {
        entities: vec![acme()],
        topics: vec![shoes()],
        mechanism: Some(Mechanism::Tick),
        wording_version: Some(String::from("w1")),
        channel: Some(String::from("email")),
        ..ConsentFact::default()
    }
}

fn good_sale() -> DealingFact {
    DealingFact {
        entity: acme(),
        topics: vec![shoes()],
        completed: Some(true),
        paid: Some(true),
        ended_at: None,
        collection_point: None,
    }
}

fn good_collection() -> CollectionFact {
    CollectionFact {
        entity: acme(),
        direct: Some(true),
        channel: Some(CollectionChannel::Web),
        opt_out_offered: Some(true),
        notice_version: None,
        collection_point: None,
    }
}

/// A customer who consented as well, and whose address belongs to a company.
fn everything_permits() -> Vec<Evidence> {
    vec![
        said("2026-03-01", Level::RecipientConfirmed, Fact::ConsentGiven(good_consent())),
        said("2026-03-01", Level::Staff, Fact::Sale(good_sale())),
        said("2026-03-01", Level::Staff, Fact::AddressCollected(good_collection())),
        said("2026-03-01", Level::Staff, company()),
    ]
}

fn company() -> Fact {
    Fact::SubjectDescribed {
        subject_kind: SubjectKind::LegalPerson,
        address_kind: AddressKind::WorkImpersonal,
        jurisdictions: Vec::new(),
        role: None,
        minor: None,
    }
}

fn verdict_in(places: &[&str], message: &MessageFacts, evidence: &[Evidence]) -> Verdict {
    let mut record = RecipientRecord::default();
    for (id, piece) in (1..).zip(evidence) {
        record.apply(EvidenceId(id), piece);
    }
    let jurisdictions: Vec<JurisdictionId> =
        places.iter().map(|place| JurisdictionId::parse(place).unwrap()).collect();
    let case = Case {
        at: moment(NOW),
        jurisdictions: &jurisdictions,
        message,
        recipient: RecipientFacts::new(&record, tag()),
        policy: &Policy::default(),
        history: &Successions::default(),
    };
    decide(&case, &BOOK)
}

fn verdict(evidence: &[Evidence]) -> Verdict {
    verdict_in(&["uk"], &newsletter(), evidence)
}

/// Every combination of what could permit, and an objection.
fn all_records() -> Vec<Vec<Evidence>> {
    let scope = Scope::Entity(acme());
    let objection = Fact::Objection { scope, channel: ObjectionChannel::Link };
    let register = Fact::RegisterHit { register: String::from("list"), checked_at: moment(NOW) };
    let mut pieces = everything_permits();
    pieces.push(said("2026-02-01", Level::Recipient, objection));
    pieces.push(said("2026-02-01", Level::Staff, register));
    (0..1_u32 << pieces.len())
        .map(|chosen| {
            let of_choice = pieces.iter().enumerate().filter(|(bit, _)| chosen & 1 << bit != 0);
            of_choice.map(|(_, piece)| piece.clone()).collect()
        })
        .collect()
}

#[test]
fn p7_no_value_of_a_table_that_was_not_read_changes_a_verdict() {
    let book = &*BOOK;
    let (message, policy) = (newsletter(), Policy::default());
    let mut unread = 0;
    for evidence in all_records() {
        let mut record = RecipientRecord::default();
        for (id, piece) in (1..).zip(&evidence) {
            record.apply(EvidenceId(id), piece);
        }
        let case = Case {
            at: moment(NOW),
            jurisdictions: &[],
            message: &message,
            recipient: RecipientFacts::new(&record, tag()),
            policy: &policy,
            history: &Successions::default(),
        };
        for set in book.sets() {
            let read = TablesRead::default();
            let verdict = evaluate(&Hearing::open(&case, set, set.rules(), &read));
            for field in FIELDS.iter().filter(|field| !read.holds(field.table)) {
                unread += 1;
                let (rules, read) = (set.tightened(&[field]), TablesRead::default());
                let other = evaluate(&Hearing::open(&case, set, &rules, &read));
                assert_eq!(other, verdict, "{} {}", set.id(), field.path);
            }
        }
    }
    assert!(unread > 1000, "only {unread} fields were left unread");
}

fn protective(level: Level) -> Vec<(Fact, Level, Reason)> {
    let scope = || Scope::Entity(acme());
    let objection = |channel| Fact::Objection { scope: scope(), channel };
    vec![
        (objection(ObjectionChannel::Link), level, Reason::Unsubscribed),
        (objection(ObjectionChannel::OneClick), level, Reason::Unsubscribed),
        (objection(ObjectionChannel::Preference), level, Reason::Unsubscribed),
        (objection(ObjectionChannel::Import), level, Reason::Unsubscribed),
        (objection(ObjectionChannel::Direct), level, Reason::Objected),
        (Fact::Complaint { entity: acme() }, level, Reason::Complained),
        (Fact::ConsentWithdrawn { scope: scope() }, level, Reason::ConsentWithdrawn),
        (Fact::Erasure { entity: acme() }, level, Reason::Objected),
    ]
}

const LEVELS: [Level; 5] =
    [Level::Inferred, Level::Import, Level::Staff, Level::Recipient, Level::RecipientConfirmed];

#[test]
fn p2_an_objection_beats_every_basis_in_every_rule_set_at_every_level() {
    for place in ["uk", "be", "eu", "world"] {
        for level in LEVELS {
            for (fact, level, reason) in protective(level) {
                let mut evidence = everything_permits();
                assert!(verdict_in(&[place], &newsletter(), &evidence).is_permit(), "{place}");
                evidence.push(said("2026-05-01", level, fact));
                let verdict = verdict_in(&[place], &newsletter(), &evidence);
                assert!(verdict.is_denial(), "{place} {level:?} {reason}");
                assert!(verdict.reasons().contains(&reason), "{place} {level:?} {reason}");
                assert!(verdict.permit().is_none());
            }
        }
    }
}

#[track_caller]
fn check_consent_after_objection(consent: (&str, Level), objection: Level, lifted: bool) {
    let fact = Fact::Objection { scope: Scope::Entity(acme()), channel: ObjectionChannel::Link };
    let evidence = [
        said("2026-02-01", objection, fact),
        said(consent.0, consent.1, Fact::ConsentGiven(good_consent())),
    ];
    assert_eq!(verdict(&evidence).is_permit(), lifted, "{consent:?} after {objection:?}");
}

#[test]
fn p2_only_a_later_own_consent_of_at_least_its_level_lifts_an_objection() {
    let later = "2026-03-01";
    check_consent_after_objection((later, Level::Recipient), Level::Recipient, true);
    check_consent_after_objection((later, Level::RecipientConfirmed), Level::Recipient, true);
    check_consent_after_objection((later, Level::Recipient), Level::RecipientConfirmed, false);
    // Whoever reports it, an objection counts as the person's own act.
    check_consent_after_objection((later, Level::Recipient), Level::Import, true);
    check_consent_after_objection((later, Level::Staff), Level::Import, false);
    check_consent_after_objection((later, Level::Import), Level::Inferred, false);
    // Ties go to the objection, and an earlier consent is taken back by it.
    check_consent_after_objection(("2026-02-01", Level::RecipientConfirmed), Level::Import, false);
    check_consent_after_objection(("2026-01-01", Level::RecipientConfirmed), Level::Import, false);
}

#[test]
fn p2_a_later_sale_or_an_unproven_consent_lifts_nothing() {
    let fact = Fact::Objection { scope: Scope::Entity(acme()), channel: ObjectionChannel::Link };
    let objection = said("2026-02-01", Level::Import, fact);
    let unproven = ConsentFact { wording_version: None, ..good_consent() };
    for later in [
        vec![
            said("2026-05-01", Level::RecipientConfirmed, Fact::Sale(good_sale())),
            said(
                "2026-05-01",
                Level::RecipientConfirmed,
                Fact::AddressCollected(good_collection()),
            ),
        ],
        vec![said("2026-05-01", Level::RecipientConfirmed, Fact::ConsentGiven(unproven))],
    ] {
        let evidence: Vec<Evidence> = [vec![objection.clone()], later].concat();
        assert!(verdict(&evidence).reasons().contains(&Reason::Unsubscribed));
    }
}

#[test]
fn p2_an_objection_covers_every_address_of_the_person_and_doubt_about_its_scope() {
    let mut other_address = said(
        "2026-05-01",
        Level::Recipient,
        Fact::Objection { scope: Scope::Entity(acme()), channel: ObjectionChannel::OneClick },
    );
    other_address.tag = None;
    let with = |extra: Evidence| [everything_permits(), vec![extra]].concat();
    assert!(verdict(&with(other_address)).is_denial());

    let about = |topic: &str| {
        let scope = Scope::Topic(acme(), TopicId::parse(topic).unwrap());
        let fact = Fact::Objection { scope, channel: ObjectionChannel::Preference };
        said("2026-05-01", Level::Recipient, fact)
    };
    assert!(verdict(&with(about("shoes"))).is_denial());
    assert!(verdict(&with(about("hats"))).is_permit(), "a narrower choice stays narrow");
    let untold = MessageFacts { topics: Vec::new(), ..newsletter() };
    let verdict = verdict_in(&["uk"], &untold, &with(about("hats")));
    assert!(verdict.reasons().contains(&Reason::Unsubscribed), "an untold topic may be that one");
}

#[track_caller]
fn check_unknown(evidence: &[Evidence], reason: Reason) {
    let verdict = verdict(evidence);
    assert!(verdict.is_denial(), "{reason}");
    assert!(verdict.reasons().contains(&reason), "{reason} not in {:?}", verdict.reasons());
}

#[test]
fn p7_unknown_never_counts_as_yes() {
    let customer = |sale: DealingFact, collection: CollectionFact| {
        [
            said("2026-03-01", Level::Staff, Fact::Sale(sale)),
            said("2026-03-01", Level::Staff, Fact::AddressCollected(collection)),
        ]
    };
    assert!(verdict(&customer(good_sale(), good_collection())).is_permit(), "the control");
    let sale = DealingFact { completed: None, ..good_sale() };
    check_unknown(&customer(sale, good_collection()), Reason::RelSaleNotCompleted);
    let collection = CollectionFact { direct: None, ..good_collection() };
    check_unknown(&customer(good_sale(), collection), Reason::CollectedIndirectly);
    let collection = CollectionFact { opt_out_offered: None, ..good_collection() };
    check_unknown(&customer(good_sale(), collection), Reason::OptoutOfferUnproven);
    let sale = DealingFact { topics: Vec::new(), ..good_sale() };
    check_unknown(&customer(sale, good_collection()), Reason::NotSimilar);

    let consenter = |consent| [said("2026-03-01", Level::Recipient, Fact::ConsentGiven(consent))];
    assert!(verdict(&consenter(good_consent())).is_permit(), "the control");
    let consent = ConsentFact { channel: None, ..good_consent() };
    check_unknown(&consenter(consent), Reason::ConsentScopeChannel);
    let consent = ConsentFact { topics: Vec::new(), ..good_consent() };
    check_unknown(&consenter(consent), Reason::ConsentScopeTopic);
    let consent = ConsentFact { entities: Vec::new(), ..good_consent() };
    check_unknown(&consenter(consent), Reason::ConsentScopeEntity);
    let consent = ConsentFact { mechanism: None, ..good_consent() };
    check_unknown(&consenter(consent), Reason::ConsentUnproven);
    let consent = ConsentFact { wording_version: None, ..good_consent() };
    check_unknown(&consenter(consent), Reason::ConsentUnproven);
}

#[test]
fn p7_an_unknown_form_or_class_never_counts_in_the_messages_favour() {
    let blank = MessageFacts { form: Form::default(), ..newsletter() };
    let verdict = verdict_in(&["uk", "be"], &blank, &everything_permits());
    for reason in [Reason::MsgNoIdentity, Reason::MsgNoUnsubscribe, Reason::MsgNotIdentifiableAsAd]
    {
        assert!(verdict.reasons().contains(&reason), "{reason}");
    }
    for elements in [vec![], vec![Element::Unclassified], vec![Element::Invoice, Element::Offer]] {
        let message = MessageFacts { elements, ..newsletter() };
        assert!(verdict_in(&["uk"], &message, &[]).is_denial());
    }
}

#[test]
fn p7_no_jurisdiction_or_no_rule_set_is_no_permission() {
    let evidence = everything_permits();
    let reasons = |places: &[&str]| verdict_in(places, &newsletter(), &evidence).reasons().to_vec();
    assert_eq!(reasons(&[]), [Reason::RulesetUnknown]);
    assert_eq!(reasons(&["atlantis"]), [Reason::RulesetUnknown]);
    assert_eq!(reasons(&["uk", "atlantis"]), [Reason::RulesetUnknown]);
}

#[test]
fn several_rule_sets_must_all_permit_and_the_denying_one_stands_on_top() {
    let evidence = [
        said("2024-12-01", Level::Staff, Fact::Sale(good_sale())),
        said("2024-12-01", Level::Staff, Fact::AddressCollected(good_collection())),
    ];
    assert!(verdict_in(&["uk"], &newsletter(), &evidence).is_permit());
    let both = verdict_in(&["uk", "be"], &newsletter(), &evidence);
    assert!(both.reasons().contains(&Reason::RelTooOld));
    let report = both.report();
    assert_eq!(report.rule_set.unwrap().as_str(), "be");
    assert_eq!(report.by_rule_set.len(), 2);
    assert!(report.citations.iter().any(|c| c.contains("Royal Decree")), "{:?}", report.citations);
}

#[test]
fn several_sales_cover_several_topics_together_but_not_what_none_covers() {
    let hats = TopicId::parse("hats").unwrap();
    let sold = |topic: TopicId| DealingFact { topics: vec![topic], ..good_sale() };
    let message = MessageFacts { topics: vec![shoes(), hats.clone()], ..newsletter() };
    let one = vec![
        said("2026-03-01", Level::Staff, Fact::Sale(sold(shoes()))),
        said("2026-03-01", Level::Staff, Fact::AddressCollected(good_collection())),
    ];
    assert_eq!(
        verdict_in(&["eu"], &message, &one).reasons(),
        [Reason::NoBasis, Reason::ConsentMissing, Reason::NotSimilar]
    );
    // The address is known from the first sale; the second adds its topic.
    let two = [one, vec![said("2026-04-01", Level::Staff, Fact::Sale(sold(hats)))]].concat();
    assert_eq!(verdict_in(&["eu"], &message, &two).basis(), Some(Basis::SoftOptIn));
}

#[test]
fn a_permit_names_its_address_its_rules_and_its_evidence() {
    let verdict = verdict(&everything_permits());
    let permit = verdict.permit().unwrap();
    assert_eq!((permit.tag(), permit.basis()), (tag(), Basis::ConsentExpress));
    assert_eq!(permit.evidence(), [EvidenceId(1)]);
    assert_eq!(permit.rule_sets().len(), 1);
}

#[test]
fn the_report_survives_its_own_text() {
    for evidence in [everything_permits(), Vec::new()] {
        let verdict = verdict_in(&["uk", "be"], &newsletter(), &evidence);
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(
            serde_json::from_str::<crate::eligibility::Report>(&text).unwrap(),
            verdict.report()
        );
    }
}
