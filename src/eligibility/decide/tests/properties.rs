//! Promises of the decision over any evidence at all.
//!
//! It is total, a denial has a reason, and objections only ever narrow what is allowed.

use proptest::prelude::{BoxedStrategy, Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::{
    BOOK, LEVELS, NOW, acme, company, good_collection, good_consent, good_sale, moment, newsletter,
    protective, shoes, tag, verdict,
};
use crate::base::{EvidenceId, JurisdictionId, Timestamp, TopicId};
use crate::classify::Element;
use crate::eligibility::{
    Case, CollectionFact, ConsentFact, DealingFact, Evidence, Fact, Level, MessageFacts, Policy,
    Provenance, RecipientFacts, RecipientRecord, Successions, decide, explain,
};

fn some_fact() -> BoxedStrategy<Fact> {
    let answer = || prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    let topics = || {
        proptest::collection::vec(
            prop_oneof![Just(shoes()), Just(TopicId::parse("hats").unwrap())],
            0..3,
        )
    };
    let dealing = (topics(), answer(), answer(), any::<Option<i64>>(), 0_u8..13).prop_map(
        |(topics, completed, paid, ended, kind)| {
            let ended_at = ended.map(Timestamp::from_millis);
            let dealing = DealingFact { topics, completed, paid, ended_at, ..good_sale() };
            match kind {
                0 | 1 => Fact::Sale(dealing),
                2 => Fact::Negotiation(dealing),
                3 => Fact::ContractOpened(dealing),
                4 => Fact::ContractEnded(dealing),
                5 => Fact::Donation(dealing),
                6 => Fact::QuoteRequest(dealing),
                7 => Fact::Inquiry(dealing),
                8 => Fact::Membership(dealing),
                9 => Fact::Volunteering(dealing),
                10 => Fact::BrowseOnly(dealing),
                11 => Fact::EreceiptOnly(dealing),
                _ => Fact::Competition(dealing),
            }
        },
    );
    let collection = (answer(), answer()).prop_map(|(direct, opt_out_offered)| {
        Fact::AddressCollected(CollectionFact { direct, opt_out_offered, ..good_collection() })
    });
    let consent =
        (topics(), "[a-z ,;]{0,9}", any::<Option<i64>>()).prop_map(|(topics, channel, at)| {
            let double_opt_in_at = at.map(Timestamp::from_millis);
            Fact::ConsentGiven(ConsentFact {
                topics,
                channel: Some(channel),
                double_opt_in_at,
                ..good_consent()
            })
        });
    let published = (answer(), any::<bool>()).prop_map(|(no_spam_notice, named)| {
        let role = named.then(|| String::from("buyer"));
        Fact::AddressPublished { url: None, role, no_spam_notice }
    });
    let activity = Just(Fact::Activity { entity: acme() });
    let protective = (0..8_usize).prop_map(|at| protective(Level::Import).swap_remove(at).0);
    prop_oneof![dealing, collection, consent, published, activity, protective, Just(company())]
        .boxed()
}

fn some_evidence() -> impl Strategy<Value = Evidence> {
    let at = prop_oneof![any::<i64>(), 1_700_000_000_000_i64..1_790_000_000_000];
    (at, proptest::option::of(Just(tag())), some_fact(), 0..5_usize).prop_map(
        |(at, tag, fact, level)| Evidence {
            at: Timestamp::from_millis(at),
            tag,
            fact,
            level: LEVELS[level],
            provenance: Provenance::default(),
        },
    )
}

/// Every place a rule set speaks for.
fn every_place() -> Vec<JurisdictionId> {
    let mut places: Vec<JurisdictionId> = BOOK.sets().map(|set| set.id().clone()).collect();
    places.dedup();
    places
}

/// Which places permit `message` on `evidence` at `at`.
fn permitting(message: &MessageFacts, evidence: &[Evidence], at: Timestamp) -> Vec<JurisdictionId> {
    let mut record = RecipientRecord::default();
    for (id, piece) in (1..).zip(evidence) {
        record.apply(EvidenceId(id), piece);
    }
    let permits = |place: &JurisdictionId| {
        let case = Case {
            at,
            jurisdictions: std::slice::from_ref(place),
            message,
            recipient: RecipientFacts::new(&record, tag()),
            policy: &Policy::default(),
            history: &Successions::default(),
        };
        decide(&case, &BOOK).is_permit()
    };
    every_place().into_iter().filter(permits).collect()
}

/// Whether a piece can only help the sender.
fn is_permission(piece: &Evidence) -> bool {
    !piece.fact.is_protective()
        && !matches!(piece.fact, Fact::SubjectDescribed { .. } | Fact::ContractEnded(_))
        && piece.fact.dealing().is_none_or(|(_, dealing)| dealing.ended_at.is_none())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn p7_any_case_gets_a_verdict_and_a_denial_has_a_reason(
        evidence in proptest::collection::vec(some_evidence(), 0..10),
        at in any::<i64>(),
        elements in proptest::collection::vec(0..Element::ALL.len(), 0..4),
    ) {
        let mut record = RecipientRecord::default();
        for (id, piece) in (1..).zip(&evidence) {
            record.apply(EvidenceId(id), piece);
        }
        let elements = elements.into_iter().map(|at| Element::ALL[at]).collect();
        let message = MessageFacts { elements, ..newsletter() };
        let places = every_place();
        for at in [Timestamp::from_millis(at), moment(NOW)] {
            for jurisdictions in [places.as_slice(), &places[..1]] {
                let case = Case {
                    at,
                    jurisdictions,
                    message: &message,
                    recipient: RecipientFacts::new(&record, tag()),
                    policy: &Policy::default(),
                    history: &Successions::default(),
                };
                let verdict = decide(&case, &BOOK);
                assert_eq!(verdict.is_denial(), !verdict.reasons().is_empty());
                assert_eq!(verdict.is_denial(), verdict.basis().is_none());
                assert!(!explain(&verdict.report()).is_empty());
            }
        }
    }

    #[test]
    fn p2_more_objections_never_turn_a_denial_into_a_permit(
        evidence in proptest::collection::vec(some_evidence(), 0..8),
        extra in 0..8_usize,
        day in 0..900_i64,
    ) {
        let before = verdict(&evidence);
        let fact = protective(Level::Staff).swap_remove(extra).0;
        let at = Timestamp::from_millis(1_700_000_000_000 + day * 86_400_000);
        let (level, provenance) = (Level::Staff, Provenance::default());
        let piece = Evidence { at, tag: None, fact, level, provenance };
        let after = verdict(&[evidence, vec![piece]].concat());
        if before.is_denial() {
            assert!(after.is_denial());
        }
    }

    #[test]
    fn p7_taking_evidence_of_permission_away_never_permits(
        evidence in proptest::collection::vec(some_evidence(), 1..8),
        taken in 0..8_usize,
    ) {
        let message = newsletter();
        let before = permitting(&message, &evidence, moment(NOW));
        let mut fewer = evidence;
        let taken = taken % fewer.len();
        if is_permission(&fewer[taken]) {
            // The numbers of the others stay what they were.
            fewer[taken].tag = None;
            let after = permitting(&message, &fewer, moment(NOW));
            assert!(after.iter().all(|place| before.contains(place)), "{after:?} but {before:?}");
        }
    }

    #[test]
    fn p7_time_alone_never_revives_a_basis(
        evidence in proptest::collection::vec(some_evidence(), 0..8),
        days in 1..900_u64,
    ) {
        // What is dated later is new evidence.
        let now = moment(NOW);
        let is_told = |piece: &Evidence| {
            let ended = piece.fact.dealing().and_then(|(_, dealing)| dealing.ended_at);
            let confirmed = match &piece.fact {
                Fact::ConsentGiven(consent) => consent.double_opt_in_at,
                _ => None,
            };
            [Some(piece.at), ended, confirmed].into_iter().flatten().all(|at| at <= now)
        };
        let evidence: Vec<Evidence> = evidence.into_iter().filter(is_told).collect();
        let message = newsletter();
        let before = permitting(&message, &evidence, now);
        let later = now.after(std::time::Duration::from_hours(24 * days));
        let after = permitting(&message, &evidence, later);
        assert!(after.iter().all(|place| before.contains(place)), "{after:?} but {before:?}");
    }

    #[test]
    fn p2_objections_only_narrow_everywhere(
        evidence in proptest::collection::vec(some_evidence(), 0..6),
        extra in 0..8_usize,
        day in 0..900_i64,
    ) {
        let message = newsletter();
        let before = permitting(&message, &evidence, moment(NOW));
        let fact = protective(Level::Staff).swap_remove(extra).0;
        let at = Timestamp::from_millis(1_700_000_000_000 + day * 86_400_000);
        let (level, provenance) = (Level::Staff, Provenance::default());
        let piece = Evidence { at, tag: None, fact, level, provenance };
        let after = permitting(&message, &[evidence, vec![piece]].concat(), moment(NOW));
        assert!(after.iter().all(|place| before.contains(place)), "{after:?} but {before:?}");
    }
}
