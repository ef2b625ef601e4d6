//! What the operator declares: which topics are similar, and what collection points offered.
//!
//! Declarations can widen what is allowed, so they are explicit, dated and attributed. They
//! never replace evidence about a person; a collection point lends facts only to rows that name
//! it and a date on which it was in use.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::fact::{CollectionChannel, CollectionFact};
use crate::base::{CollectionPointId, DomainName, EntityId, Timestamp, TopicId};

/// The operator's declarations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Similar topics.
    pub similarity: Similarities,
    /// Places where addresses were and are collected.
    pub collection_points: BTreeMap<CollectionPointId, CollectionPoint>,
    /// The legal persons that are charities in law.
    pub charities: BTreeSet<EntityId>,
    /// The domains of each legal person's own staff.
    pub staff_domains: BTreeSet<(EntityId, DomainName)>,
    /// Which topics a role at work has to do with, in lower case.
    pub role_topics: BTreeMap<String, BTreeSet<TopicId>>,
}

impl Policy {
    /// What the collection point `id` lends to something that happened at `at`.
    pub(super) fn attested(
        &self,
        id: Option<&CollectionPointId>,
        at: Timestamp,
    ) -> Option<(&CollectionPointId, &CollectionPoint)> {
        let (id, point) = self.collection_points.get_key_value(id?)?;
        point.was_in_use(at.date()).then_some((id, point))
    }
}

/// Which topics are similar to which: directed, not transitive, per legal person.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Similarities(BTreeMap<(EntityId, TopicId), BTreeSet<TopicId>>);

impl Similarities {
    /// Declares that who bought `sold` from `entity` expects mail about `covered`.
    pub fn declare(&mut self, entity: EntityId, sold: TopicId, covered: TopicId) {
        self.0.entry((entity, sold)).or_default().insert(covered);
    }

    /// Whether a dealing about `sold` with `entity` covers a message about `wanted`.
    pub fn covers(&self, entity: &EntityId, sold: &TopicId, wanted: &TopicId) -> bool {
        sold == wanted
            || self
                .0
                .get(&(entity.clone(), sold.clone()))
                .is_some_and(|covered| covered.contains(wanted))
    }
}

/// A place where addresses are collected, and what somebody attests about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectionPoint {
    /// The legal person that collects there.
    pub entity: EntityId,
    /// What kind of place it is.
    pub channel: CollectionChannel,
    /// The first day of use.
    pub in_use_from: Date,
    /// The last day of use, if it is over.
    pub in_use_until: Option<Date>,
    /// Whether its form offered a simple refusal.
    pub opt_out_offered: Option<bool>,
    /// Which notice or wording it showed (by version or hash).
    pub wording_version: Option<String>,
    /// Who attests all this.
    pub attested_by: String,
}

impl CollectionPoint {
    /// Whether it was in use on `day`.
    pub fn was_in_use(&self, day: Date) -> bool {
        self.in_use_from <= day && self.in_use_until.is_none_or(|last| day <= last)
    }

    /// Whether a person who used it gave their address to the entity itself.
    pub const fn is_direct(&self) -> Option<bool> {
        match self.channel {
            CollectionChannel::Web
            | CollectionChannel::Phone
            | CollectionChannel::Till
            | CollectionChannel::Card
            | CollectionChannel::GuestCheckout => Some(true),
            CollectionChannel::Platform | CollectionChannel::List => Some(false),
            CollectionChannel::Import => None,
        }
    }

    /// The collection a row that names this point and nothing else stands for.
    pub(super) fn as_collection(&self, id: &CollectionPointId) -> CollectionFact {
        CollectionFact {
            entity: self.entity.clone(),
            direct: self.is_direct(),
            channel: Some(self.channel),
            opt_out_offered: self.opt_out_offered,
            notice_version: self.wording_version.clone(),
            collection_point: Some(id.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Similarities;
    use crate::base::{EntityId, TopicId};

    #[test]
    fn similarity_is_directed_and_not_transitive() {
        let entity = |name| EntityId::parse(name).unwrap();
        let topic = |name| TopicId::parse(name).unwrap();
        let mut map = Similarities::default();
        map.declare(entity("acme"), topic("shoes"), topic("socks"));
        map.declare(entity("acme"), topic("socks"), topic("hats"));
        let covers = |e, a, b| map.covers(&entity(e), &topic(a), &topic(b));
        assert!(covers("acme", "shoes", "shoes"));
        assert!(covers("acme", "shoes", "socks"));
        assert!(!covers("acme", "socks", "shoes"), "directed");
        assert!(!covers("acme", "shoes", "hats"), "not transitive");
        assert!(!covers("other", "shoes", "socks"), "per legal person");
    }
}
