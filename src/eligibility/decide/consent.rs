//! Express consent: affirmative, specific, informed, and provable (GDPR art. 4(11) and 7(1)).
//!
//! Each consent is heard on its own; the best one is reported. A consent covers the topics and
//! legal persons it names and nothing similar, and a fact nobody recorded is not proven.

use super::hearing::{Hearing, failures, listed, unless};
use super::{relations, suppression};
use crate::base::{EntityId, Timestamp};
use crate::eligibility::calendar::counts_still;
use crate::eligibility::evidence::Level;
use crate::eligibility::fact::{ConsentFact, Fact, Mechanism};
use crate::eligibility::reason::Reason;
use crate::eligibility::record::Entry;
use crate::eligibility::relationship::RelationshipKind;
use crate::eligibility::rules::{DoubleOptIn, Proof};
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
    let mut limbs = vec![limb];
    limbs.extend(held_without_reason(hearing));
    limbs
}

/// An address that is held while nothing tells why: whatever was said then cannot be shown.
fn held_without_reason(hearing: &Hearing<'_>) -> Option<Limb> {
    let mut statements = hearing.statements();
    let is_of_sender = |entry: &&Entry| match &entry.fact {
        Fact::AddressCollected(collection) => hearing.is_senders(&collection.entity, entry.at),
        _ => false,
    };
    let held = statements.find(is_of_sender)?;
    if hearing.statements().any(|entry| entry.fact.dealing().is_some()) {
        return None;
    }
    let fact = "the address is held, but what the person said then is not on record";
    let limb = hearing.unmet("consent.evidence_required", Reason::ConsentUnproven, fact);
    Some(limb.found_in(held))
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
        entities(hearing, entry, consent),
        topics(hearing, consent),
        channel(hearing, consent),
    ];
    let confirmed_at = confirmation(hearing, entry, consent);
    limbs.extend(guardian(hearing, consent));
    limbs.extend(indirect(hearing, entry, consent));
    if consent.pending || is_doi_needed(hearing, entry, consent) {
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

/// Whether a double opt-in must be shown for this very consent.
fn is_doi_needed(hearing: &Hearing<'_>, entry: &Entry, consent: &ConsentFact) -> bool {
    match hearing.rules().consent().doi_required {
        DoubleOptIn::Always => true,
        DoubleOptIn::Never => false,
        // On paper or in a contract the person is known otherwise; on a page anybody can type
        // any address.
        DoubleOptIn::WebSignUp => {
            !matches!(consent.mechanism, Some(Mechanism::Oral | Mechanism::Paper))
                && !is_within_dealing(hearing, entry)
        }
    }
}

/// Whether the consent was given in the course of a sale or contract with the sender.
fn is_within_dealing(hearing: &Hearing<'_>, consent: &Entry) -> bool {
    hearing.statements().any(|other| {
        let known = other.fact.dealing().is_some_and(|(kind, dealing)| {
            matches!(
                kind,
                RelationshipKind::SalePaid
                    | RelationshipKind::ContractOpen
                    | RelationshipKind::ContractEnded
            ) && hearing.is_senders(&dealing.entity, other.at)
        });
        // Of a contract whose end alone is on record, the beginning lies somewhere before.
        let before_end = match &other.fact {
            Fact::ContractEnded(end) => consent.at <= end.ended_at.unwrap_or(other.at),
            _ => false,
        };
        known && (before_end || relations::is_same_occasion(other, consent))
    })
}

/// GDPR art. 8(1): a minor's consent is the guardian's to give.
fn guardian(hearing: &Hearing<'_>, consent: &ConsentFact) -> Option<Limb> {
    let minor = hearing.minor().filter(|_| hearing.rules().consent().guardian_for_minors)?;
    let given = consent.by_guardian == Some(true);
    let fact =
        if given { "a guardian consented" } else { "no guardian is known to have consented" };
    let limb = hearing.check("consent.guardian_for_minors", unless(given, Reason::Minor), fact);
    Some(limb.found_in(minor))
}

/// A consent that came through somebody else ages faster.
fn indirect(hearing: &Hearing<'_>, entry: &Entry, consent: &ConsentFact) -> Option<Limb> {
    if consent.direct != Some(false) {
        return None;
    }
    let limit = hearing.rules().consent().indirect_max_age_months;
    let alive = counts_still(entry.at, limit, hearing.today);
    Some(hearing.check(
        "consent.indirect_max_age_months",
        unless(alive, Reason::ConsentIndirectStale),
        format!("given through somebody else on {}", entry.at.date()),
    ))
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
        Proof::Doi => confirmation(hearing, entry, consent).is_some(),
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
        Proof::Doi => "that it was confirmed by a double opt-in",
    }
}

fn entities(hearing: &Hearing<'_>, entry: &Entry, consent: &ConsentFact) -> Limb {
    let message = hearing.message();
    let is_named = |entity: &EntityId| consent.entities.contains(entity);
    // The sender may be the successor of whom the wording named.
    let sender_named = consent.entities.iter().any(|named| hearing.is_senders(named, entry.at));
    let covers =
        |entity: &EntityId| is_named(entity) || *entity == message.sending_entity && sender_named;
    let others_named =
        !hearing.rules().consent().named_entities || message.promoted_entities.iter().all(covers);
    let all_named = sender_named && others_named;
    hearing.check(
        "consent.named_entities",
        unless(all_named, Reason::ConsentScopeEntity),
        format!("it names {}", listed(&consent.entities)),
    )
}

fn topics(hearing: &Hearing<'_>, consent: &ConsentFact) -> Limb {
    let wanted = &hearing.message().topics;
    let named = !wanted.is_empty() && wanted.iter().all(|t| consent.topics.contains(t));
    let covered = named || !hearing.rules().consent().named_topics && consent.topics.is_empty();
    hearing.check(
        "consent.named_topics",
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
    let is_contested = suppression::is_contested(hearing);
    let later = hearing
        .statements()
        .filter(|other| other.at >= entry.at)
        // Against an objection only the person's own word counts.
        .filter(|other| !is_contested || other.level >= Level::Recipient)
        .filter(|other| match &other.fact {
            Fact::ConsentConfirmed { entity } => hearing.is_senders(entity, other.at),
            _ => false,
        })
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
    let last = [Some(entry.at), confirmed_at, used_at, sign_of_life(hearing, entry)]
        .into_iter()
        .flatten()
        .max();
    let last = last.unwrap_or(entry.at);
    let alive = counts_still(last, limit, hearing.today);
    hearing.check(
        "consent.dormancy_months",
        unless(alive, Reason::ConsentDormant),
        format!("last given, confirmed or used on {}", last.date()),
    )
}

/// The last thing the person did with the sender since the consent: an order, the end of a
/// contract, a click, a log-in. An open is none (CNIL).
fn sign_of_life(hearing: &Hearing<'_>, consent: &Entry) -> Option<Timestamp> {
    let acts = hearing.statements().filter_map(|entry| match (entry.fact.dealing(), &entry.fact) {
        (Some((_, dealing)), _) if hearing.is_senders(&dealing.entity, entry.at) => {
            Some(dealing.ended_at.filter(|&at| at <= hearing.case.at).unwrap_or(entry.at))
        }
        (None, Fact::Activity { entity }) if hearing.is_senders(entity, entry.at) => Some(entry.at),
        (Some(_) | None, _) => None,
    });
    acts.filter(|&at| at >= consent.at).max()
}
