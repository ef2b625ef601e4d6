//! Consent receipts: Kantara Consent Receipt 1.1 and ISO/IEC TS 27560:2023, one per consent.
//!
//! Neither standard knows the exception for own customers, which is no consent: it gets a record
//! of its own in the same envelope. What is not known is left out, never made up.

use serde_json::{Value, json};

use super::dossier::{Dossier, Piece};
use crate::base::{Digest, EntityId, Timestamp, TopicId};
use crate::config::Config;
use crate::eligibility::{ConsentFact, Fact, Mechanism, Scope};

const KANTARA: &str = "KI-CR-v1.1.0";
const ISO: &str = "ISO/IEC TS 27560:2023";

/// All receipts and records that `dossier` gives.
pub(super) fn receipts(config: &Config, dossier: &Dossier) -> Value {
    let writer = Writer { config, dossier };
    let counting = || dossier.evidence.iter().filter(|piece| piece.standing == "counts");
    let consents = counting().filter_map(|piece| match &piece.evidence.fact {
        Fact::ConsentGiven(consent) => Some(writer.consent(piece, consent)),
        _ => None,
    });
    let dealings = counting().filter(|piece| piece.evidence.fact.dealing().is_some());
    json!({
        "pii_principal": dossier.address,
        "as_of": dossier.as_of,
        "consents": consents.collect::<Vec<_>>(),
        "soft_opt_in": dealings.map(|piece| writer.soft_opt_in(piece)).collect::<Vec<_>>(),
    })
}

struct Writer<'a> {
    config: &'a Config,
    dossier: &'a Dossier,
}

impl Writer<'_> {
    fn consent(&self, piece: &Piece, consent: &ConsentFact) -> Value {
        json!({ "kantara": self.kantara(piece, consent), "iso_27560": self.iso(piece, consent) })
    }

    fn kantara(&self, piece: &Piece, consent: &ConsentFact) -> Value {
        let services: Vec<Value> = consent
            .entities
            .iter()
            .map(|entity| {
                json!({
                    "service": self.name(entity),
                    "purposes": [{
                        "purpose": self.purpose(consent),
                        "purposeCategory": ["Marketing"],
                        "consentType": "EXPLICIT",
                        "piiCategory": ["Contact"],
                        "primaryPurpose": true,
                        "termination": "until withdrawn",
                        "thirdPartyDisclosure": false,
                    }],
                })
            })
            .collect();
        json!({
            "version": KANTARA,
            "jurisdiction": self.jurisdiction(consent.entities.first()),
            "consentTimestamp": piece.at.as_millis() / 1000,
            "collectionMethod": collection_method(consent),
            "consentReceiptID": self.number(piece),
            "language": "und",
            "piiPrincipalId": self.dossier.address,
            "piiControllers": self.controllers(&consent.entities),
            "policyUrl": self.config.http.public_url,
            "services": services,
            "sensitive": false,
            "spiCat": [],
        })
    }

    fn iso(&self, piece: &Piece, consent: &ConsentFact) -> Value {
        let mut events = vec![event(piece.at, "given", &consent.entities)];
        if let Some(at) = consent.double_opt_in_at {
            events.push(event(at, "confirmed", &consent.entities));
        }
        events.extend(self.ends(&consent.entities, piece.at));
        json!({
            "header": self.header(piece),
            "pii_processing": {
                "privacy_notice": consent.wording_version,
                "purposes": [{
                    "purpose": self.purpose(consent),
                    "lawful_basis": "consent (GDPR art. 6(1)(a), ePrivacy directive art. 13(1))",
                    "pii_information": ["e-mail address"],
                    "collection_method": collection_method(consent),
                    "jurisdiction": self.jurisdiction(consent.entities.first()),
                    "withdrawal_method": "the link in each message, or one click",
                    "retention_period": "until erased",
                }],
            },
            "party_identification": self.controllers(&consent.entities),
            "events": events,
            "evidence": proof(piece),
        })
    }

    /// A dealing that may serve the exception for own customers.
    fn soft_opt_in(&self, piece: &Piece) -> Value {
        let collected = self.dossier.evidence.iter().find_map(|other| match &other.evidence.fact {
            Fact::AddressCollected(collection)
                if other.standing == "counts" && piece.controllers.contains(&collection.entity) =>
            {
                Some(collection)
            }
            _ => None,
        });
        let mut events = vec![event(piece.at, piece.kind, &piece.controllers)];
        events.extend(self.ends(&piece.controllers, piece.at));
        let topics = piece.evidence.fact.dealing().map(|(_, dealing)| dealing.topics.clone());
        json!({
            "header": self.header(piece),
            "pii_processing": {
                "privacy_notice": collected.and_then(|one| one.notice_version.clone()),
                "purposes": [{
                    "purpose": "direct marketing by e-mail to an own customer",
                    "topics_bought": topics,
                    "lawful_basis": "legitimate interest (GDPR art. 6(1)(f), ePrivacy directive \
                                     art. 13(2)); no consent",
                    "opt_out_offered": collected.and_then(|one| one.opt_out_offered),
                    "collected_directly": collected.and_then(|one| one.direct),
                    "collection_point": collected.and_then(|one| one.collection_point.clone()),
                    "jurisdiction": self.jurisdiction(piece.controllers.first()),
                    "withdrawal_method": "the link in each message, or one click",
                }],
            },
            "party_identification": self.controllers(&piece.controllers),
            "events": events,
            "evidence": proof(piece),
        })
    }

    fn header(&self, piece: &Piece) -> Value {
        json!({
            "schema_version": ISO,
            "record_id": self.number(piece),
            "pii_principal_id": self.dossier.address,
        })
    }

    /// A UUID (RFC 9562, version 8) that is the same for the same piece each time.
    fn number(&self, piece: &Piece) -> String {
        let parts: [&[u8]; 3] =
            [b"receipt v1", self.dossier.address.as_bytes(), piece.id.as_bytes()];
        let mut bytes = Digest::of_parts(&parts).short();
        bytes[6] = 0x80 | bytes[6] & 0x0f;
        bytes[8] = 0x80 | bytes[8] & 0x3f;
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        groups.join("-")
    }

    fn name<'n>(&'n self, entity: &'n EntityId) -> &'n str {
        self.config.entity(entity).map_or(entity.as_str(), |found| found.name.as_str())
    }

    fn jurisdiction(&self, entity: Option<&EntityId>) -> Option<String> {
        let found = entity.and_then(|entity| self.config.entity(entity));
        found.map(|found| found.jurisdiction.as_str().to_uppercase())
    }

    fn controllers(&self, entities: &[EntityId]) -> Vec<Value> {
        let controller = |entity: &EntityId| match self.config.entity(entity) {
            Some(found) => json!({
                "piiController": found.name,
                "id": found.id,
                "address": { "streetAddress": found.postal_address },
            }),
            None => json!({ "piiController": entity }),
        };
        entities.iter().map(controller).collect()
    }

    fn purpose(&self, consent: &ConsentFact) -> String {
        let name = |id: &TopicId| {
            let found = self.config.topics.iter().find(|topic| topic.id == *id);
            found.map_or_else(|| id.to_string(), |topic| topic.name.clone())
        };
        let topics: Vec<String> = consent.topics.iter().map(name).collect();
        match topics.as_slice() {
            [] => String::from("direct marketing by e-mail, without naming a topic"),
            _ => format!("direct marketing by e-mail about: {}", topics.join(", ")),
        }
    }

    /// Withdrawals, objections and erasures towards any of `entities` after `since`.
    fn ends(&self, entities: &[EntityId], since: Timestamp) -> Vec<Value> {
        let ends = self.dossier.evidence.iter().filter_map(|piece| {
            let (scope, state) = match &piece.evidence.fact {
                Fact::ConsentWithdrawn { scope } => (scope.clone(), "withdrawn"),
                Fact::Objection { scope, .. } => (scope.clone(), "objected"),
                Fact::Erasure { entity } => (Scope::Entity(entity.clone()), "erased"),
                _ => return None,
            };
            let concerns = entities.contains(scope.entity())
                && piece.at >= since
                && piece.standing == "counts";
            let mut ended = event(piece.at, state, std::slice::from_ref(scope.entity()));
            ended["scope"] = json!(scope);
            concerns.then_some(ended)
        });
        ends.collect()
    }
}

fn event(at: Timestamp, state: &str, entities: &[EntityId]) -> Value {
    json!({ "event_time": at, "event_type": "explicit", "event_state": state, "entity": entities })
}

fn collection_method(consent: &ConsentFact) -> String {
    let how = match consent.mechanism {
        Some(Mechanism::Tick) => "box ticked by the person",
        Some(Mechanism::Button) => "button pressed for this purpose",
        Some(Mechanism::Oral) => "spoken",
        Some(Mechanism::Paper) => "on paper",
        Some(Mechanism::Preticked) => "box ticked beforehand (no valid consent)",
        Some(Mechanism::Bundled) => "one act for several purposes",
        Some(Mechanism::Import) | None => "unknown, taken over from another system",
    };
    match &consent.collection_point {
        Some(point) => format!("{how}, at {point}"),
        None => how.to_owned(),
    }
}

/// How we know, as far as it helps to find the proof.
fn proof(piece: &Piece) -> Value {
    let known = &piece.evidence.provenance;
    json!({
        "evidence": piece.id,
        "level": piece.level,
        "source": known.source,
        "reference": known.reference,
        "form": known.form,
        "document": known.document,
        "ip": known.ip,
        "recorded_at": known.recorded_at,
    })
}
