//! Promises of the decision over any evidence at all.
//!
//! It is total, a denial has a reason, and objections only ever narrow what is allowed.

use proptest::prelude::{BoxedStrategy, Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use super::{
    LEVELS, NOW, company, good_collection, good_consent, good_sale, moment, newsletter, protective,
    shoes, tag, verdict,
};
use crate::base::{EvidenceId, JurisdictionId, Timestamp, TopicId};
use crate::classify::Element;
use crate::eligibility::{
    Case, CollectionFact, ConsentFact, DealingFact, Evidence, Fact, Level, MessageFacts, Policy,
    Provenance, RecipientFacts, RecipientRecord, RuleBook, Successions, decide, explain,
};

fn some_fact() -> BoxedStrategy<Fact> {
    let answer = || prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    let topics = || {
        proptest::collection::vec(
            prop_oneof![Just(shoes()), Just(TopicId::parse("hats").unwrap())],
            0..3,
        )
    };
    let dealing = (topics(), answer(), answer(), any::<Option<i64>>(), 0_u8..6).prop_map(
        |(topics, completed, paid, ended, kind)| {
            let ended_at = ended.map(Timestamp::from_millis);
            let dealing = DealingFact { topics, completed, paid, ended_at, ..good_sale() };
            match kind {
                0 | 1 => Fact::Sale(dealing),
                2 => Fact::Negotiation(dealing),
                3 => Fact::ContractOpened(dealing),
                4 => Fact::ContractEnded(dealing),
                _ => Fact::Donation(dealing),
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
    let protective = (0..8_usize).prop_map(|at| protective(Level::Import).swap_remove(at).0);
    prop_oneof![dealing, collection, consent, protective, Just(company())].boxed()
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
        let places: Vec<JurisdictionId> =
            ["uk", "be", "eu", "world"].iter().map(|p| JurisdictionId::parse(p).unwrap()).collect();
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
                let verdict = decide(&case, &RuleBook::builtin());
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
}
