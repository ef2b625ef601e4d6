//! What stands in a case file about message, recipient and policy.
//!
//! The names are those of the rule tables. What a file leaves open about the form of the message
//! is complete; what it leaves open about the recipient is unknown.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::TAG;
use crate::base::{BrandId, CollectionPointId, EntityId, JurisdictionId, Timestamp, TopicId};
use crate::classify::Element;
use crate::eligibility::case::{Class, Form, MessageFacts, Purpose, Validity};
use crate::eligibility::draft::moment;
use crate::eligibility::evidence::{
    AddressKind, CollectionChannel, Evidence, Fact, Level, Provenance, SubjectKind,
};
use crate::eligibility::policy::{CollectionPoint, Policy};
use crate::eligibility::rules::{Acceptance, Override, date, some_date};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRecipient {
    subject_kind: SubjectKind,
    address_kind: AddressKind,
    pub domain: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub last_marketing_sent_at: Option<Timestamp>,
}

impl RawRecipient {
    /// A fact about the recipient is evidence like any other.
    pub fn described(&self) -> Option<Evidence> {
        let is_known =
            self.subject_kind != SubjectKind::Unknown || self.address_kind != AddressKind::Unknown;
        is_known.then(|| Evidence {
            at: Timestamp::from_millis(0),
            tag: Some(TAG),
            fact: Fact::SubjectDescribed {
                subject_kind: self.subject_kind,
                address_kind: self.address_kind,
                jurisdictions: Vec::new(),
                role: None,
            },
            level: Level::Staff,
            provenance: Provenance::default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMessageFacts {
    elements: Vec<Element>,
    sending_entity: EntityId,
    #[serde(default)]
    class_claimed: Option<Class>,
    #[serde(default)]
    brand: Option<BrandId>,
    #[serde(default)]
    promoted_entities: Vec<EntityId>,
    #[serde(default)]
    topics: Vec<TopicId>,
    #[serde(default)]
    purpose: Purpose,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    ad_identifiable: Option<bool>,
    #[serde(default)]
    identity: RawIdentity,
    #[serde(default)]
    unsubscribe: RawUnsubscribe,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawIdentity {
    legal_name: Option<bool>,
    contact: Option<bool>,
    postal_address: Option<bool>,
    on_behalf_of: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawUnsubscribe {
    present: Option<bool>,
    header: Option<bool>,
    login_required: Option<bool>,
    extra_data_required: Option<bool>,
    fee: Option<bool>,
    steps: Option<u8>,
    valid_days: Option<u16>,
}

impl RawMessageFacts {
    pub fn facts(&self) -> MessageFacts {
        let mut form = Form::complete();
        let (who, offer) = (&self.identity, &self.unsubscribe);
        let says = &mut form.identity;
        says.legal_name = who.legal_name.or(says.legal_name);
        says.contact = who.contact.or(says.contact);
        says.postal_address = who.postal_address.or(says.postal_address);
        says.on_behalf_of = who.on_behalf_of.or(says.on_behalf_of);
        let has = &mut form.unsubscribe;
        has.visible = offer.present.or(has.visible);
        has.header = offer.header.or(has.header);
        has.login_required = offer.login_required.or(has.login_required);
        has.extra_data_required = offer.extra_data_required.or(has.extra_data_required);
        has.fee = offer.fee.or(has.fee);
        has.steps = offer.steps.or(has.steps);
        has.validity = offer.valid_days.map_or(has.validity, Validity::Days);
        form.ad_identifiable = self.ad_identifiable.or(form.ad_identifiable);
        form.label.clone_from(&self.label);
        MessageFacts {
            elements: self.elements.clone(),
            class_claimed: self.class_claimed,
            sending_entity: self.sending_entity.clone(),
            brand: self.brand.clone(),
            promoted_entities: self.promoted_entities.clone(),
            topics: self.topics.clone(),
            purpose: self.purpose,
            form,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPolicy {
    /// Per topic sold, the topics it covers, for the sending entity named in each entry.
    similar: Vec<RawSimilar>,
    /// Per rule set, other values for policy choices.
    overrides: BTreeMap<JurisdictionId, BTreeMap<String, toml::Value>>,
    pub accepted_unverified: Vec<Acceptance>,
    collection_point: Vec<RawCollectionPoint>,
    charities: Vec<EntityId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSimilar {
    entity: EntityId,
    sold: TopicId,
    covers: Vec<TopicId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCollectionPoint {
    id: CollectionPointId,
    entity: EntityId,
    channel: CollectionChannel,
    #[serde(deserialize_with = "date")]
    in_use_from: jiff::civil::Date,
    #[serde(default, deserialize_with = "some_date")]
    in_use_until: Option<jiff::civil::Date>,
    #[serde(default)]
    opt_out_offered: Option<bool>,
    #[serde(default)]
    wording_version: Option<String>,
    attested_by: String,
}

impl RawPolicy {
    pub fn overrides(&self) -> Vec<Override> {
        let of = |(rule_set, fields): (&JurisdictionId, &BTreeMap<String, toml::Value>)| {
            let rule_set = rule_set.clone();
            fields
                .iter()
                .map(move |(field, value)| Override {
                    rule_set: rule_set.clone(),
                    field: field.clone(),
                    value: value.clone(),
                })
                .collect::<Vec<_>>()
        };
        self.overrides.iter().flat_map(of).collect()
    }

    pub fn declarations(&self) -> Policy {
        let mut policy = Policy::default();
        for similar in &self.similar {
            for covered in &similar.covers {
                let (entity, sold) = (similar.entity.clone(), similar.sold.clone());
                policy.similarity.declare(entity, sold, covered.clone());
            }
        }
        for raw in &self.collection_point {
            let point = CollectionPoint {
                entity: raw.entity.clone(),
                channel: raw.channel,
                in_use_from: raw.in_use_from,
                in_use_until: raw.in_use_until,
                opt_out_offered: raw.opt_out_offered,
                wording_version: raw.wording_version.clone(),
                attested_by: raw.attested_by.clone(),
            };
            policy.collection_points.insert(raw.id.clone(), point);
        }
        policy.charities.extend(self.charities.iter().cloned());
        policy
    }
}
