//! What stands in a case file about message, recipient and policy.
//!
//! The names are those of the rule tables. What a file leaves open about the form of the message
//! is complete; what it leaves open about the recipient is unknown.

use std::collections::BTreeMap;
use std::mem;

use serde::Deserialize;

use super::TAG;
use crate::base::{
    BrandId, CollectionPointId, DomainName, EntityId, JurisdictionId, Timestamp, TopicId,
};
use crate::classify::Element;
use crate::eligibility::case::{
    BulkCounts, Class, Form, MessageFacts, Purpose, Reading, RegisterFacts, Validity,
};
use crate::eligibility::draft::{EvidenceDraft, moment};
use crate::eligibility::evidence::{Evidence, Level, Provenance};
use crate::eligibility::fact::{AddressKind, CollectionChannel, Fact, SubjectKind};
use crate::eligibility::policy::{CollectionPoint, Policy};
use crate::eligibility::rules::{Acceptance, Override, RuleBook, date, some_date};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRecipient {
    subject_kind: SubjectKind,
    address_kind: AddressKind,
    #[serde(alias = "work_role")]
    role: Option<String>,
    minor: Option<bool>,
    published_by_subject: Option<RawPublication>,
    /// Evidence may stand with the recipient as well, in the words of the rule tables.
    relationships: Vec<EvidenceDraft>,
    collection: Option<EvidenceDraft>,
    consents: Vec<EvidenceDraft>,
    objections: Vec<EvidenceDraft>,
    register_hits: Vec<EvidenceDraft>,
    pub jurisdictions: Vec<JurisdictionId>,
    pub domain: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub last_marketing_sent_at: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    pub marketing_unbroken_since: Option<Timestamp>,
    #[serde(deserialize_with = "moment")]
    last_active_at: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPublication {
    url: Option<String>,
    #[serde(deserialize_with = "moment")]
    at: Option<Timestamp>,
    role: Option<String>,
    no_spam_notice: Option<bool>,
}

impl RawRecipient {
    /// The evidence that stands with the recipient, each with its kind.
    pub fn take_evidence(&mut self) -> Vec<EvidenceDraft> {
        let named = |kind: &str, drafts: Vec<EvidenceDraft>| -> Vec<EvidenceDraft> {
            let of = |draft| EvidenceDraft { kind: kind.to_owned(), ..draft };
            drafts.into_iter().map(of).collect()
        };
        [
            mem::take(&mut self.relationships),
            named("address_collected", self.collection.take().into_iter().collect()),
            named("consent_given", mem::take(&mut self.consents)),
            named("objection", mem::take(&mut self.objections)),
            named("register_hit", mem::take(&mut self.register_hits)),
        ]
        .concat()
    }

    /// Facts about the recipient are evidence like any other.
    pub fn facts(&self, message: &RawMessageFacts) -> Vec<Evidence> {
        let said = |at, fact| Evidence {
            at,
            tag: Some(TAG),
            fact,
            level: Level::Staff,
            provenance: Provenance::default(),
        };
        let is_described = self.subject_kind != SubjectKind::Unknown
            || self.address_kind != AddressKind::Unknown
            || self.role.is_some()
            || self.minor.is_some();
        let described = is_described.then(|| Fact::SubjectDescribed {
            subject_kind: self.subject_kind,
            address_kind: self.address_kind,
            jurisdictions: Vec::new(),
            role: self.role.clone(),
            minor: self.minor,
        });
        let mut facts: Vec<Evidence> =
            described.map(|fact| said(Timestamp::default(), fact)).into_iter().collect();
        if let Some(published) = &self.published_by_subject {
            let fact = Fact::AddressPublished {
                url: published.url.clone(),
                role: published.role.clone(),
                no_spam_notice: published.no_spam_notice,
            };
            facts.push(said(published.at.unwrap_or_default(), fact));
        }
        if let Some(at) = self.last_active_at {
            facts.push(said(at, Fact::Activity { entity: message.sending_entity.clone() }));
        }
        facts
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMessageFacts {
    elements: Vec<Element>,
    pub sending_entity: EntityId,
    #[serde(default)]
    class_claimed: Option<Class>,
    #[serde(default)]
    brand: Option<BrandId>,
    #[serde(default)]
    promoted_entities: Vec<EntityId>,
    #[serde(default, alias = "product_categories")]
    topics: Vec<TopicId>,
    #[serde(default)]
    purpose: Purpose,
    #[serde(default)]
    subject_reads_commercial: Option<bool>,
    #[serde(default)]
    transactional_content_first: Option<bool>,
    #[serde(default)]
    linked_content_promotional: Option<bool>,
    #[serde(default)]
    sexually_explicit: bool,
    #[serde(default)]
    bulk_counts: RawBulkCounts,
    /// The roles at work the message is tied to.
    #[serde(default)]
    roles: Vec<String>,
    /// Whether it is tied to the recipient's role.
    #[serde(default)]
    role_relevant: bool,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    ad_identifiable: Option<bool>,
    #[serde(default)]
    subject_misleading: bool,
    #[serde(default)]
    header_false: bool,
    #[serde(default)]
    identity: RawIdentity,
    #[serde(default)]
    unsubscribe: RawUnsubscribe,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBulkCounts {
    #[serde(rename = "24h", alias = "day")]
    day: Option<u32>,
    #[serde(rename = "30d", alias = "month")]
    month: Option<u32>,
    #[serde(rename = "365d", alias = "year")]
    year: Option<u32>,
}

/// Whether something is there: `true`, `false`, or the very text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Shown {
    Answer(bool),
    Text(String),
}

impl Shown {
    fn is_there(&self) -> bool {
        match self {
            Self::Answer(answer) => *answer,
            Self::Text(text) => !text.trim().is_empty(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawIdentity {
    legal_name: Option<Shown>,
    contact: Option<Shown>,
    email: Option<Shown>,
    phone: Option<Shown>,
    url: Option<Shown>,
    postal_address: Option<Shown>,
    on_behalf_of: Option<Shown>,
}

impl RawIdentity {
    /// Any way to reach the sender; a file that names one speaks of all.
    fn contact(&self) -> Option<bool> {
        let ways = [&self.contact, &self.email, &self.phone, &self.url];
        let told: Vec<bool> = ways.into_iter().flatten().map(Shown::is_there).collect();
        if told.is_empty() { None } else { Some(told.contains(&true)) }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawUnsubscribe {
    #[serde(alias = "visible")]
    present: Option<bool>,
    header: Option<bool>,
    /// How it is done; for readers.
    #[serde(rename = "method")]
    _method: Option<String>,
    login_required: Option<bool>,
    extra_data_required: Option<bool>,
    fee: Option<bool>,
    steps: Option<u8>,
    valid_days: Option<u16>,
    #[serde(deserialize_with = "moment")]
    valid_until: Option<Timestamp>,
}

impl RawMessageFacts {
    pub fn facts(&self, recipient: &RawRecipient, at: Timestamp) -> MessageFacts {
        let mut roles = self.roles.clone();
        if self.role_relevant {
            let published = recipient.published_by_subject.as_ref().and_then(|p| p.role.clone());
            roles.extend(recipient.role.clone().or(published));
        }
        MessageFacts {
            elements: self.elements.clone(),
            class_claimed: self.class_claimed,
            brand: self.brand.clone(),
            promoted_entities: self.promoted_entities.clone(),
            topics: self.topics.clone(),
            purpose: self.purpose,
            reading: Reading {
                subject_reads_commercial: self.subject_reads_commercial,
                transactional_content_first: self.transactional_content_first,
                linked_content_promotional: self.linked_content_promotional,
                sexually_explicit: self.sexually_explicit,
            },
            bulk: BulkCounts {
                day: self.bulk_counts.day,
                month: self.bulk_counts.month,
                year: self.bulk_counts.year,
            },
            roles,
            form: self.form(at),
            ..MessageFacts::of(self.sending_entity.clone())
        }
    }

    fn form(&self, at: Timestamp) -> Form {
        let mut form = Form::complete();
        let (who, offer) = (&self.identity, &self.unsubscribe);
        let answer = |shown: &Option<Shown>| shown.as_ref().map(Shown::is_there);
        let says = &mut form.identity;
        says.legal_name = answer(&who.legal_name).or(says.legal_name);
        says.contact = who.contact().or(says.contact);
        says.postal_address = answer(&who.postal_address).or(says.postal_address);
        says.on_behalf_of = answer(&who.on_behalf_of).or(says.on_behalf_of);
        let has = &mut form.unsubscribe;
        has.visible = offer.present.or(has.visible);
        has.header = offer.header.or(offer.present).or(has.header);
        has.login_required = offer.login_required.or(has.login_required);
        has.extra_data_required = offer.extra_data_required.or(has.extra_data_required);
        has.fee = offer.fee.or(has.fee);
        has.steps = offer.steps.or(has.steps);
        let until = offer.valid_until.map(|until| whole_days(at, until));
        has.validity = offer.valid_days.or(until).map_or(has.validity, Validity::Days);
        form.ad_identifiable = self.ad_identifiable.or(form.ad_identifiable);
        form.label.clone_from(&self.label);
        form.subject_misleading = self.subject_misleading;
        form.header_false = self.header_false;
        form
    }
}

fn whole_days(from: Timestamp, until: Timestamp) -> u16 {
    let days = until.as_millis().saturating_sub(from.as_millis()) / 86_400_000;
    u16::try_from(days.max(0)).unwrap_or(u16::MAX)
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
    /// The domains of the sending entity's staff.
    staff_domains: Vec<String>,
    /// Per role at work, the topics it has to do with.
    roles: BTreeMap<String, Vec<TopicId>>,
    /// Per register, when it was last imported; what is not named was, a moment ago.
    registers: BTreeMap<String, toml::Value>,
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

    pub fn declarations(&self, sender: &EntityId) -> Policy {
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
        let staff = self.staff_domains.iter().filter_map(|domain| DomainName::parse(domain).ok());
        let staff = staff.map(|domain| (sender.clone(), domain));
        policy.staff_domains.extend(staff);
        for (role, topics) in &self.roles {
            let topics = topics.iter().cloned().collect();
            policy.role_topics.insert(role.trim().to_lowercase(), topics);
        }
        policy
    }

    /// What the file says about the registers that the rule sets of `book` consult.
    pub fn registers(&self, book: &RuleBook, at: Timestamp) -> RegisterFacts {
        let mut facts = RegisterFacts::default();
        for rule in book.sets().flat_map(|set| &set.rules().registers.consulted) {
            facts.checked_at.insert(rule.id.clone(), at);
        }
        for (register, told) in &self.registers {
            let text = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
            match Timestamp::parse(&text) {
                Some(checked) => facts.checked_at.insert(register.clone(), checked),
                // What cannot be read as a moment was never imported.
                None => facts.checked_at.remove(register),
            };
        }
        facts
    }
}
