//! From drafts to facts: what each kind of row says, and what it must not leave out.
//!
//! Permissions leave nothing to guessing; objections read whatever can be read and cover more
//! where something is missing.

use super::{DraftError, DraftScope, EvidenceDraft, bounded, word_as};
use crate::base::{EntityId, Timestamp, TopicId};
use crate::eligibility::evidence::{Evidence, Level, Provenance};
use crate::eligibility::fact::{
    CollectionChannel, CollectionFact, ConsentFact, Fact, Mechanism, ObjectionChannel,
    ReferralFact, Scope,
};
use crate::eligibility::relationship::DealingFact;

impl EvidenceDraft {
    /// The pieces of evidence, without tag and without the moment of recording.
    ///
    /// # Errors
    /// The first column that keeps the row from being evidence.
    pub fn into_evidence(self) -> Result<Vec<Evidence>, DraftError> {
        let kind = self.kind()?;
        let at = self.at.or(self.listed_at).or(self.checked_at).ok_or_else(|| {
            DraftError::new("at", "the moment is missing", "a date such as 2026-02-05")
        })?;
        let level = self.level.unwrap_or(Level::Import);
        let provenance = Provenance {
            recorded_at: Timestamp::default(),
            source: self.source.clone(),
            actor: None,
            reference: self.reference.clone(),
            ip: self.ip.clone(),
            form: self.form.clone(),
            document: self.document.clone(),
            batch: None,
        };
        let make = |at, fact| {
            // Who somebody is outlives the dealing it was told with; what proves the dealing not.
            let is_beside =
                kind != "subject_described" && matches!(fact, Fact::SubjectDescribed { .. });
            let source = provenance.source.clone();
            let provenance = match is_beside {
                true => Provenance { source, ..Provenance::default() },
                false => provenance.clone(),
            };
            Evidence { at, tag: None, fact, level, provenance }
        };
        let mut pieces: Vec<Evidence> =
            self.facts(kind, at)?.into_iter().map(|fact| make(at, fact)).collect();
        if let Some(withdrawn_at) = self.withdrawn_at.filter(|_| kind == "consent_given") {
            let scopes = self.scopes()?.into_iter();
            pieces.extend(scopes.map(|scope| make(withdrawn_at, Fact::ConsentWithdrawn { scope })));
        }
        Ok(pieces)
    }

    fn facts(&self, kind: &str, at: Timestamp) -> Result<Vec<Fact>, DraftError> {
        let one = |fact| Ok(vec![fact]);
        match kind {
            "consent_given" => {
                let consent = Fact::ConsentGiven(self.consent());
                Ok([consent].into_iter().chain(self.description()).collect())
            }
            "consent_confirmed" => one(Fact::ConsentConfirmed { entity: self.entity()? }),
            "consent_withdrawn" => self
                .scopes()
                .map(|s| s.into_iter().map(|scope| Fact::ConsentWithdrawn { scope }).collect()),
            "objection" => {
                let channel = self.objection_channel();
                let make = |scope| Fact::Objection { scope, channel };
                self.scopes().map(|scopes| scopes.into_iter().map(make).collect())
            }
            "complaint" => one(Fact::Complaint { entity: self.entity()? }),
            "erasure" => one(Fact::Erasure { entity: self.entity()? }),
            "bounce" => one(Fact::Bounce { status: self.reference.clone().unwrap_or_default() }),
            "address_collected" => one(Fact::AddressCollected(self.collection()?)),
            "subject_described" => one(Fact::SubjectDescribed {
                subject_kind: self.subject_kind.unwrap_or_default(),
                address_kind: self.address_kind.unwrap_or_default(),
                jurisdictions: self.jurisdictions.clone(),
                role: self.role.clone(),
                minor: self.minor,
            }),
            "register_hit" => {
                let hint = "name the register in the column `source`";
                let register = self.source.clone();
                let register =
                    register.ok_or_else(|| DraftError::new("source", "no register", hint))?;
                one(Fact::RegisterHit { register, checked_at: self.checked_at.unwrap_or(at) })
            }
            "activity" => one(Fact::Activity { entity: self.entity()? }),
            "address_published" => one(Fact::AddressPublished {
                url: self.url.clone(),
                role: self.role.clone(),
                no_spam_notice: self.no_spam_notice,
            }),
            "referral" => one(Fact::Referral(self.referral()?)),
            dealing => self.dealing_facts(dealing),
        }
    }

    fn dealing_facts(&self, kind: &str) -> Result<Vec<Fact>, DraftError> {
        let dealing = DealingFact {
            entity: self.entity()?,
            topics: self.topics.clone(),
            completed: self.completed.or(self.cancelled.map(|cancelled| !cancelled)),
            paid: self.paid.or(self.paid_by_kind()),
            ended_at: self.ended_at,
            collection_point: self.collection_point.clone(),
        };
        let fact = match kind {
            "sale" => Fact::Sale(dealing),
            "negotiation" => Fact::Negotiation(dealing),
            "inquiry" => Fact::Inquiry(dealing),
            "contract_opened" => Fact::ContractOpened(dealing),
            "contract_ended" => Fact::ContractEnded(dealing),
            "quote_request" => Fact::QuoteRequest(dealing),
            "browse_only" => Fact::BrowseOnly(dealing),
            "donation" => Fact::Donation(dealing),
            "volunteering" => Fact::Volunteering(dealing),
            "membership" => Fact::Membership(dealing),
            "ereceipt_only" => Fact::EreceiptOnly(dealing),
            "competition" => Fact::Competition(dealing),
            _ => Fact::InterestClick(dealing),
        };
        let tells_of_collection =
            self.opt_out_offered.is_some() || self.direct.is_some() || self.channel.is_some();
        let mut facts = vec![fact];
        if tells_of_collection {
            facts.push(Fact::AddressCollected(self.collection()?));
        }
        facts.extend(self.description());
        Ok(facts)
    }

    /// What the row says about who is behind the address, if it says something.
    fn description(&self) -> Option<Fact> {
        let says = !self.jurisdictions.is_empty()
            || self.subject_kind.is_some()
            || self.address_kind.is_some()
            || self.role.is_some()
            || self.minor.is_some();
        says.then(|| Fact::SubjectDescribed {
            subject_kind: self.subject_kind.unwrap_or_default(),
            address_kind: self.address_kind.unwrap_or_default(),
            jurisdictions: self.jurisdictions.clone(),
            role: self.role.clone(),
            minor: self.minor,
        })
    }

    fn entity(&self) -> Result<EntityId, DraftError> {
        match self.entity.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(no_entity()),
            [_, ..] => {
                Err(DraftError::new("entity", "several legal persons", "write one row for each"))
            }
        }
    }

    /// What the kind's own word says about payment.
    fn paid_by_kind(&self) -> Option<bool> {
        match self.kind.trim().to_ascii_lowercase().as_str() {
            "sale_paid" => Some(true),
            "sale_free_account" => Some(false),
            _ => None,
        }
    }

    fn referral(&self) -> Result<ReferralFact, DraftError> {
        Ok(ReferralFact {
            entity: self.entity()?,
            own_initiative: self.own_initiative,
            rewarded: self.rewarded,
            initiator_shown: self.initiator_shown,
            text_seen: self.text_seen,
            used_once: self.used_once,
        })
    }

    fn mechanism(&self) -> Option<Mechanism> {
        match (self.preticked, self.bundled) {
            (Some(true), _) => Some(Mechanism::Preticked),
            (_, Some(true)) => Some(Mechanism::Bundled),
            _ => self.mechanism,
        }
    }

    fn consent(&self) -> ConsentFact {
        ConsentFact {
            entities: [self.entity.as_slice(), &self.promoted_entities].concat(),
            topics: self.topics.clone(),
            mechanism: self.mechanism(),
            wording_version: self.wording_version.clone(),
            double_opt_in_at: self.double_opt_in_at,
            channel: self.channel.clone(),
            collection_point: self.collection_point.clone(),
            pending: self.pending == Some(true),
            direct: self.direct,
            by_guardian: self.by_guardian,
        }
    }

    fn collection(&self) -> Result<CollectionFact, DraftError> {
        let channel = self.channel.as_deref().map(|word| {
            word_as::<CollectionChannel>(word).ok_or_else(|| {
                let hint = "web, phone, till, guest_checkout, platform, list or import";
                DraftError::new("channel", format!("unknown channel `{}`", bounded(word)), hint)
            })
        });
        Ok(CollectionFact {
            entity: self.entity()?,
            direct: self.direct,
            channel: channel.transpose()?,
            opt_out_offered: self.opt_out_offered,
            notice_version: self.wording_version.clone(),
            collection_point: self.collection_point.clone(),
        })
    }

    /// Through which door it came; a list, if nobody says.
    fn objection_channel(&self) -> ObjectionChannel {
        let Some(word) = self.channel.as_deref() else {
            return match self.kind.trim().to_ascii_lowercase().as_str() {
                "unsubscribe" | "unsubscribed" => ObjectionChannel::Link,
                "objected" => ObjectionChannel::Direct,
                _ => ObjectionChannel::Import,
            };
        };
        let door = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        match door.as_str() {
            "link" | "unsubscribe_link" | "web" | "form" => ObjectionChannel::Link,
            "one_click" | "list_unsubscribe" | "header" => ObjectionChannel::OneClick,
            "preference" | "preferences" | "preference_page" => ObjectionChannel::Preference,
            "import" | "list" | "csv" | "suppression_list" => ObjectionChannel::Import,
            // A letter, a call, a reply: whatever it was, the person spoke for themselves.
            _ => ObjectionChannel::Direct,
        }
    }

    /// What an objection covers. A narrowing that names nothing narrows nothing.
    fn scopes(&self) -> Result<Vec<Scope>, DraftError> {
        if self.entity.is_empty() {
            return Err(no_entity());
        }
        let of = |entity: &EntityId| match (self.scope.unwrap_or_default(), &self.brand) {
            (DraftScope::Brand, Some(brand)) => vec![Scope::Brand(entity.clone(), brand.clone())],
            (DraftScope::Topic, _) if !self.topics.is_empty() => {
                let about = |topic: &TopicId| Scope::Topic(entity.clone(), topic.clone());
                self.topics.iter().map(about).collect()
            }
            (DraftScope::Brand | DraftScope::Topic | DraftScope::Entity, _) => {
                vec![Scope::Entity(entity.clone())]
            }
        };
        Ok(self.entity.iter().flat_map(of).collect())
    }
}

fn no_entity() -> DraftError {
    DraftError::new("entity", "no legal person", "name the one it concerns")
}
