//! The fold: order does not matter, objections stay, erasures take what they cover.
//!
//! Equality is tested on the serialised bytes, because the journal is verified on them.

use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};

use super::RecipientRecord;
use crate::base::{AddressTag, EntityId, EvidenceId, JurisdictionId, Timestamp};
use crate::eligibility::evidence::{Evidence, Level, Provenance};
use crate::eligibility::fact::{
    AddressKind, ConsentFact, Fact, ObjectionChannel, Scope, SubjectKind,
};
use crate::eligibility::relationship::DealingFact;

fn entity(name: &str) -> EntityId {
    EntityId::parse(name).unwrap()
}

fn tag(byte: u8) -> AddressTag {
    AddressTag::from_bytes([byte; 16])
}

fn piece(day: u8, level: Level, fact: Fact) -> Evidence {
    let at = Timestamp::from_millis(i64::from(day) * 86_400_000);
    Evidence { at, tag: Some(tag(1)), fact, level, provenance: Provenance::default() }
}

fn consent(names: &[&str]) -> Fact {
    Fact::ConsentGiven(ConsentFact {
        entities: names.iter().map(|name| entity(name)).collect(),
        topics: Vec::new(),
        mechanism: None,
        wording_version: None,
        channel: None,
        ..ConsentFact::default()
    })
}

fn sale(name: &str) -> Fact {
    Fact::Sale(DealingFact {
        entity: entity(name),
        topics: Vec::new(),
        completed: Some(true),
        paid: None,
        ended_at: None,
        collection_point: None,
    })
}

fn objection(name: &str) -> Fact {
    Fact::Objection { scope: Scope::Entity(entity(name)), channel: ObjectionChannel::Link }
}

fn erasure(name: &str) -> Fact {
    Fact::Erasure { entity: entity(name) }
}

fn fold(pieces: &[(u64, Evidence)]) -> RecipientRecord {
    let mut record = RecipientRecord::default();
    for (id, evidence) in pieces {
        record.apply(EvidenceId(*id), evidence);
    }
    record
}

#[track_caller]
fn check_kinds(pieces: &[Fact], kept: &[&str]) {
    let numbered: Vec<(u64, Evidence)> = (1..)
        .zip(pieces)
        .map(|(id, fact)| (id, piece(u8::try_from(id).unwrap(), Level::Import, fact.clone())))
        .collect();
    let record = fold(&numbered);
    let kinds: Vec<&str> = record.entries().iter().map(|entry| entry.fact.kind()).collect();
    assert_eq!(kinds, kept);
}

#[test]
fn an_erasure_takes_earlier_permissions_of_its_entity_and_keeps_objections() {
    check_kinds(
        &[
            sale("acme"),
            consent(&["acme"]),
            objection("acme"),
            sale("other"),
            erasure("acme"),
            sale("acme"),
        ],
        &["objection", "sale", "erasure", "sale"],
    );
}

#[test]
fn evidence_from_before_an_erasure_stays_away_when_it_comes_late() {
    let late =
        [(9, piece(5, Level::Staff, erasure("acme"))), (10, piece(4, Level::Staff, sale("acme")))];
    assert_eq!(fold(&late).entries().len(), 1);
}

#[test]
fn a_consent_naming_others_too_survives_for_them() {
    let record = fold(&[
        (1, piece(1, Level::Staff, consent(&["acme", "other"]))),
        (2, piece(2, Level::Staff, erasure("acme"))),
    ]);
    let Fact::ConsentGiven(left) = &record.entries()[0].fact else { panic!("a consent") };
    assert_eq!(left.entities, [entity("other")]);
}

#[test]
fn applying_the_same_piece_twice_changes_nothing() {
    let one = (3, piece(1, Level::Staff, sale("acme")));
    assert_eq!(fold(&[one.clone(), one.clone()]), fold(&[one]));
}

#[test]
fn p7_only_dated_statements_about_the_very_address_can_widen() {
    let mut later = piece(9, Level::Import, sale("acme"));
    later.tag = Some(tag(1));
    let mut other = piece(1, Level::Import, sale("acme"));
    other.tag = Some(tag(2));
    let mut untagged = piece(1, Level::Import, sale("acme"));
    untagged.tag = None;
    let inferred = piece(1, Level::Inferred, sale("acme"));
    let record = fold(&[(1, later), (2, other), (3, untagged), (4, inferred)]);
    let now = Timestamp::from_millis(2 * 86_400_000);
    assert_eq!(record.statements(tag(1), now).count(), 0);
    assert!(record.has_near_miss(tag(1)));
}

#[test]
fn the_strongest_and_latest_statement_says_where_the_person_is() {
    let place = |names: &[&str]| Fact::SubjectDescribed {
        subject_kind: SubjectKind::Unknown,
        address_kind: AddressKind::Unknown,
        jurisdictions: names.iter().map(|name| JurisdictionId::parse(name).unwrap()).collect(),
        role: None,
        minor: None,
    };
    let check = |pieces: &[(u8, Level, &[&str])], expected: &[&str]| {
        let numbered: Vec<(u64, Evidence)> = (1..)
            .zip(pieces)
            .map(|(id, (day, level, names))| (id, piece(*day, *level, place(names))))
            .collect();
        let found = fold(&numbered).jurisdictions();
        let names: Vec<&str> = found.iter().map(JurisdictionId::as_str).collect();
        assert_eq!(names, expected);
    };
    check(&[], &[]);
    check(&[(1, Level::Import, &["be"]), (2, Level::Import, &["uk"])], &["uk"]);
    check(&[(1, Level::Staff, &["be"]), (2, Level::Import, &["uk"])], &["be"]);
    check(&[(1, Level::Import, &["be"]), (1, Level::Import, &["uk"])], &["be", "uk"]);
    check(&[(1, Level::Import, &["be"]), (2, Level::Import, &[])], &["be"]);
    check(&[(2, Level::Inferred, &["uk"])], &[]);
}

#[test]
fn survives_its_own_text() {
    let record = fold(&[
        (1, piece(1, Level::Staff, sale("acme"))),
        (2, piece(2, Level::Staff, objection("acme"))),
    ]);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<RecipientRecord>(&text).unwrap(), record);
}

fn some_fact() -> impl Strategy<Value = Fact> {
    let name = prop_oneof![Just("acme"), Just("other")];
    (name, 0_u8..5).prop_map(|(name, kind)| match kind {
        0 => sale(name),
        1 => consent(&["acme", name]),
        2 => objection(name),
        3 => erasure(name),
        _ => Fact::ConsentConfirmed { entity: entity(name) },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_of_folding_does_not_matter(
        facts in proptest::collection::vec((some_fact(), 0_u8..6), 0..8),
        seed in proptest::num::u64::ANY,
    ) {
        let pieces: Vec<(u64, Evidence)> =
            (1..)
                .zip(facts)
                .map(|(id, (fact, day))| (id, piece(day, Level::Import, fact)))
                .collect();
        let mut shuffled = pieces.clone();
        shuffled.sort_by_key(|(id, _)| id.wrapping_mul(seed | 1).rotate_left(17));
        let bytes = |pieces: &[(u64, Evidence)]| serde_json::to_vec(&fold(pieces)).unwrap();
        assert_eq!(bytes(&pieces), bytes(&shuffled));
    }
}
