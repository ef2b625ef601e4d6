//! Express consent: affirmative, specific, informed, and provable (GDPR art. 4(11) and 7(1)).
//!
//! Each consent is heard on its own; the best one is reported. A consent covers the topics and
//! legal persons it names and nothing similar, and a fact nobody recorded is not proven.

use super::hearing::{Hearing, failures, listed, unless};
use super::suppression;
use crate::base::{EntityId, Timestamp};
use crate::eligibility::calendar::counts_still;
use crate::eligibility::evidence::{ConsentFact, Fact, Mechanism};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::Entry;
use crate::eligibility::rules::Proof;
use crate::eligibility::verdict::Limb;

/// A consent and how it fares.
pub(super) struct Heard {
    pub limbs: Vec<Limb>,
}

impl Heard {
    /// Whether every condition is met.
    pub fn holds(&self) -> bool {
        failures(&self.limbs) == 0
    }
}

/// The conditions of the best consent on record, or why there is none.
pub(super) fn limbs(hearing: &Hearing<'_>) -> Vec<Limb> {
    if let Some(found) = best(hearing) {
        return found.limbs;
    }
    let record = hearing.case.recipient.record;
    let overtaken = consents(hearing).last();
    let limb = match overtaken {
        Some((entry, _)) => hearing
            .unmet(
                "consent.evidence_required",
                Reason::ConsentWithdrawn,
                format!("the consent of {} ended with a later objection", entry.at.date()),
            )
            .found_in(entry),
        None if record.has_near_miss(hearing.case.recipient.tag) => hearing.unmet(
            "consent.evidence_required",
            Reason::ConsentMissing,
            "no consent for exactly this address, though there is evidence for another sub-address",
        ),
        None => hearing.unmet(
            "consent.evidence_required",
            Reason::ConsentMissing,
            "no consent for this address is on record",
        ),
    };
    vec![limb]
}

/// The consent with the fewest unmet conditions, the latest of several, among those no
/// objection has overtaken.
pub(super) fn best(hearing: &Hearing<'_>) -> Option<Heard> {
    consents(hearing)
        .filter(|(entry, _)| suppression::survives(hearing, entry))
        .map(|(entry, consent)| (entry.at, hear(hearing, entry, consent)))
        .min_by_key(|(at, limbs)| (failures(limbs), std::cmp::Reverse(*at)))
        .map(|(_, limbs)| Heard { limbs })
}

fn consents<'c>(hearing: &Hearing<'c>) -> impl Iterator<Item = (&'c Entry, &'c ConsentFact)> {
    hearing.statements().filter_map(|entry| match &entry.fact {
        Fact::ConsentGiven(consent) => Some((entry, consent)),
        _ => None,
    })
}

fn hear(hearing: &Hearing<'_>, entry: &Entry, consent: &ConsentFact) -> Vec<Limb> {
    let given =
        hearing.met("consent.evidence_required", format!("consent given on {}", entry.at.date()));
    let mut limbs = vec![
        given,
        act(hearing, consent),
        proof(hearing, entry, consent),
        entities(hearing, consent),
        topics(hearing, consent),
        channel(hearing, consent),
    ];
    let confirmed_at = confirmation(hearing, entry, consent);
    if hearing.rules().consent().doi_required {
        let fact = match confirmed_at {
            Some(at) => format!("double opt-in completed on {}", at.date()),
            None => String::from("no completed double opt-in is on record"),
        };
        let failure = unless(confirmed_at.is_some(), Reason::ConsentUnconfirmed);
        limbs.push(hearing.check("consent.doi_required", failure, fact));
    }
    limbs.push(dormancy(hearing, entry, confirmed_at));
    limbs.into_iter().map(|limb| limb.found_in(entry)).collect()
}

fn act(hearing: &Hearing<'_>, consent: &ConsentFact) -> Limb {
    // C-673/17 (Planet49): a box ticked beforehand is no consent.
    let (failure, fact) = match consent.mechanism {
        Some(Mechanism::Preticked) => (Some(Reason::ConsentInvalidForm), "a box ticked beforehand"),
        Some(Mechanism::Bundled) => (Some(Reason::ConsentBundled), "one act for several purposes"),
        Some(Mechanism::Tick) => (None, "a box the person ticked"),
        Some(Mechanism::Button) => (None, "a button pressed for this alone"),
        Some(Mechanism::Oral) => (None, "spoken words"),
        Some(Mechanism::Paper) => (None, "a paper form"),
        // Whether that is enough is a question of proof, below.
        Some(Mechanism::Import) | None => (None, "an act that was not recorded"),
    };
    hearing.check("consent.evidence_required", failure, format!("expressed by {fact}"))
}

fn proof(hearing: &Hearing<'_>, entry: &Entry, consent: &ConsentFact) -> Limb {
    let policy = hearing.case.policy;
    let point = policy.attested(consent.collection_point.as_ref(), entry.at).map(|(_, p)| p);
    let has_wording = consent.wording_version.is_some()
        || point.is_some_and(|point| point.wording_version.is_some());
    let is_shown = |proof: Proof| match proof {
        Proof::Who => entry.tag.is_some(),
        Proof::When => true,
        Proof::How => !matches!(consent.mechanism, None | Some(Mechanism::Import)),
        Proof::TextVersion => has_wording,
        Proof::Entity => !consent.entities.is_empty(),
        Proof::Channel => consent.channel.is_some(),
        Proof::SourceIpOrForm => entry.traceable,
    };
    let missing: Vec<&str> = hearing
        .rules()
        .consent()
        .evidence_required
        .iter()
        .filter(|&&proof| !is_shown(proof))
        .map(|&proof| in_words(proof))
        .collect();
    let attested = match point {
        Some(point) if consent.wording_version.is_none() => {
            format!(" (wording attested by {})", point.attested_by)
        }
        Some(_) | None => String::new(),
    };
    let fact = if missing.is_empty() {
        format!("the proof asked for is on record{attested}")
    } else {
        format!("the record does not show {}{attested}", missing.join(", "))
    };
    let failure = unless(missing.is_empty(), Reason::ConsentUnproven);
    hearing.check("consent.evidence_required", failure, fact)
}

const fn in_words(proof: Proof) -> &'static str {
    match proof {
        Proof::Who => "who consented",
        Proof::When => "when",
        Proof::How => "by which act",
        Proof::TextVersion => "to which wording",
        Proof::Entity => "to whom",
        Proof::Channel => "for which channel",
        Proof::SourceIpOrForm => "from which form or address",
    }
}

fn entities(hearing: &Hearing<'_>, consent: &ConsentFact) -> Limb {
    let message = hearing.message();
    let is_named = |entity: &EntityId| consent.entities.contains(entity);
    let all_named =
        is_named(&message.sending_entity) && message.promoted_entities.iter().all(is_named);
    hearing.check(
        "consent.named_entities",
        unless(all_named, Reason::ConsentScopeEntity),
        format!("it names {}", listed(&consent.entities)),
    )
}

fn topics(hearing: &Hearing<'_>, consent: &ConsentFact) -> Limb {
    let wanted = &hearing.message().topics;
    let covered = !wanted.is_empty() && wanted.iter().all(|t| consent.topics.contains(t));
    hearing.check(
        "consent.evidence_required",
        unless(covered, Reason::ConsentScopeTopic),
        format!(
            "it names the topics {}; the message is about {}",
            listed(&consent.topics),
            listed(wanted)
        ),
    )
}

fn channel(hearing: &Hearing<'_>, consent: &ConsentFact) -> Limb {
    let named = consent.channel.as_deref().unwrap_or_default();
    let is_mail = |word: &str| {
        ["email", "e-mail", "mail"].iter().any(|name| word.trim().eq_ignore_ascii_case(name))
    };
    let words: Vec<&str> = named.split([',', ';', ' ']).filter(|word| !word.is_empty()).collect();
    let covers_mail = words.iter().any(|word| is_mail(word));
    // PECR and RD 2003: one consent per channel; several in one act prove none of them.
    let is_single = words.iter().all(|word| is_mail(word));
    let holds = covers_mail && (is_single || !hearing.rules().consent().per_channel);
    let fact = match words.as_slice() {
        [] => String::from("no channel is on record"),
        words => format!("it names the channel {}", words.join(", ")),
    };
    hearing.check("consent.per_channel", unless(holds, Reason::ConsentScopeChannel), fact)
}

/// When the double opt-in of this consent was completed.
fn confirmation(hearing: &Hearing<'_>, entry: &Entry, consent: &ConsentFact) -> Option<Timestamp> {
    let sender = &hearing.message().sending_entity;
    let later = hearing
        .statements()
        .filter(|other| other.at >= entry.at)
        .filter(|o| matches!(&o.fact, Fact::ConsentConfirmed { entity } if entity == sender))
        .map(|other| other.at);
    later.chain(consent.double_opt_in_at.filter(|&at| at <= hearing.case.at)).max()
}

fn dormancy(hearing: &Hearing<'_>, entry: &Entry, confirmed_at: Option<Timestamp>) -> Limb {
    let limit = hearing.rules().consent().dormancy_months;
    // Whatever was sent since the grant was itself sent while the consent was alive.
    let used_at = hearing
        .case
        .recipient
        .last_marketing_sent_at
        .filter(|&used| entry.at <= used && used <= hearing.case.at);
    let last = [Some(entry.at), confirmed_at, used_at].into_iter().flatten().max();
    let last = last.unwrap_or(entry.at);
    let alive = counts_still(last, limit, hearing.today);
    hearing.check(
        "consent.dormancy_months",
        unless(alive, Reason::ConsentDormant),
        format!("last given, confirmed or used on {}", last.date()),
    )
}
