//! `[[entity]] [[brand]] [[topic]] [[collection_point]]`: who the organisation is.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::section::Section;
use crate::base::{BrandId, CollectionPointId, DomainName, EntityId, JurisdictionId, TopicId};

/// `[[entity]]`: a legal person.
#[derive(Clone, Debug)]
pub struct EntityConfig {
    /// Its id; never changes, whatever the name does.
    pub id: EntityId,
    /// Its legal name.
    pub name: String,
    /// Where it is established.
    pub jurisdiction: JurisdictionId,
    /// Its postal address, shown in footers.
    pub postal_address: String,
    /// Domains that belong to it.
    pub domains: Vec<DomainName>,
    /// Domains of its staff: mail to them is internal.
    pub staff_domains: Vec<DomainName>,
    /// Whether it is a charity in law.
    pub charity: bool,
}

/// `[[role]]`: what a role at work has to do with.
#[derive(Clone, Debug)]
pub struct RoleConfig {
    /// The role, as evidence names it.
    pub name: String,
    /// The topics mail to it may be about.
    pub topics: Vec<TopicId>,
}

/// `[[brand]]`: a face of an entity.
#[derive(Clone, Debug)]
pub struct BrandConfig {
    /// Its id.
    pub id: BrandId,
    /// The entity behind it.
    pub entity: EntityId,
    /// Its name as recipients know it.
    pub name: String,
    /// Domains its From addresses may have.
    pub from_domains: Vec<DomainName>,
    /// A footer template in HTML that replaces the built-in one.
    pub footer_html: Option<PathBuf>,
    /// A footer template in text that replaces the built-in one.
    pub footer_text: Option<PathBuf>,
}

/// `[[topic]]`: a product category.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// Its id.
    pub id: TopicId,
    /// The entity that sells it.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// Topics a sale of this one also covers; directed, not transitive.
    pub covers: Vec<TopicId>,
}

/// `[[collection_point]]`: attested facts about where addresses are collected.
#[derive(Clone, Debug)]
pub struct CollectionPointConfig {
    /// Its id.
    pub id: CollectionPointId,
    /// The entity that collects there.
    pub entity: EntityId,
    /// The channel, as in the evidence CSV.
    pub channel: Option<String>,
    /// The first day in use.
    pub from: Date,
    /// The last day in use; open if missing.
    pub until: Option<Date>,
    /// Whether a simple refusal was offered there.
    pub opt_out_offered: Option<bool>,
    /// Which notice was shown.
    pub notice_version: Option<String>,
    /// Who attests this.
    pub attested_by: String,
    /// Where the proof lies.
    pub document: Option<String>,
}

/// `[[entity]]`
pub(super) fn read_entities(root: &Section<'_>) -> Vec<EntityConfig> {
    let sections = root.tables("entity");
    if sections.is_empty() && !root.has("entity") {
        root.report("entity", "at least one [[entity]] is needed", "the legal person that sends");
    }
    let mut entities: Vec<EntityConfig> = Vec::new();
    for section in sections {
        let id = section.parsed("id", "such as \"acme-ltd\"", EntityId::parse);
        let name = section.text("name", "the legal name");
        let hint = "where it is established, such as \"uk\"";
        let jurisdiction = section.parsed("jurisdiction", hint, JurisdictionId::parse);
        let postal_address = section.text("postal_address", "shown in every footer");
        let domains = section.list("domains", DomainName::parse);
        let staff_domains = section.list("staff_domains", |text| match DomainName::parse(text) {
            // Everybody could become staff there.
            Ok(domain) if domain.is_free_mail() => Err("is a free mail service".to_owned()),
            parsed => parsed.map_err(|error| error.to_string()),
        });
        let charity = section.flag_opt("charity").unwrap_or(false);
        if entities.iter().any(|other| Some(&other.id) == id.as_ref()) {
            section.report("id", "stands twice", "");
        }
        section.finish();
        // Kept even with errors, so that who refers to it is not reported as well.
        let placeholder = JurisdictionId::parse("eu").ok();
        if let (Some(id), Some(jurisdiction)) = (id, jurisdiction.or(placeholder)) {
            let (name, postal_address) =
                (name.unwrap_or_default(), postal_address.unwrap_or_default());
            entities.push(EntityConfig {
                id,
                name,
                jurisdiction,
                postal_address,
                domains,
                staff_domains,
                charity,
            });
        }
    }
    entities
}

/// `[[role]]`
pub(super) fn read_roles(root: &Section<'_>, topics: &[TopicConfig]) -> Vec<RoleConfig> {
    let mut roles: Vec<RoleConfig> = Vec::new();
    for section in root.tables("role") {
        let name = section.text("name", "as evidence names it, such as \"it manager\"");
        let covered = section.list("topics", |text| match TopicId::parse(text) {
            Ok(topic) if topics.iter().any(|known| known.id == topic) => Ok(topic),
            _ => Err("is not the id of a [[topic]]"),
        });
        if roles.iter().any(|other| Some(&other.name) == name.as_ref()) {
            section.report("name", "stands twice", "name all topics in one table");
        }
        section.finish();
        roles.extend(name.map(|name| RoleConfig { name, topics: covered }));
    }
    roles
}

/// `[[brand]]`
pub(super) fn read_brands(
    root: &Section<'_>,
    base: &Path,
    entities: &[EntityConfig],
) -> Vec<BrandConfig> {
    let mut brands: Vec<BrandConfig> = Vec::new();
    for section in root.tables("brand") {
        let id = section.parsed("id", "such as \"acme\"", BrandId::parse);
        let entity = read_entity(&section, entities);
        let name = section.text("name", "as recipients know it");
        let from_domains = section.list("from_domains", DomainName::parse);
        if from_domains.is_empty() {
            section.report("from_domains", "must name a domain", "such as [\"example.com\"]");
        }
        let footer_html = section.text_opt("footer_html").map(|file| base.join(file));
        let footer_text = section.text_opt("footer_text").map(|file| base.join(file));
        if brands.iter().any(|other| Some(&other.id) == id.as_ref()) {
            section.report("id", "stands twice", "");
        }
        section.finish();
        if let (Some(id), Some(entity), name) = (id, entity, name.unwrap_or_default()) {
            brands.push(BrandConfig { id, entity, name, from_domains, footer_html, footer_text });
        }
    }
    brands
}

/// `[[topic]]`
pub(super) fn read_topics(root: &Section<'_>, entities: &[EntityConfig]) -> Vec<TopicConfig> {
    let mut topics: Vec<TopicConfig> = Vec::new();
    for section in root.tables("topic") {
        let id = section.parsed("id", "such as \"footwear\"", TopicId::parse);
        let entity = read_entity(&section, entities);
        let name = section.text("name", "in plain words");
        let covers = section.list("covers", TopicId::parse);
        if topics.iter().any(|other| Some(&other.id) == id.as_ref()) {
            section.report("id", "stands twice", "");
        }
        section.finish();
        if let (Some(id), Some(entity), name) = (id, entity, name.unwrap_or_default()) {
            topics.push(TopicConfig { id, entity, name, covers });
        }
    }
    for topic in &topics {
        for covered in topic.covers.iter().filter(|id| !topics.iter().any(|t| t.id == **id)) {
            let message = format!("`{}` covers `{covered}`, which is not defined", topic.id);
            root.report("topic", message, "add a [[topic]] with that id");
        }
    }
    topics
}

/// `[[collection_point]]`
pub(super) fn read_collection_points(
    root: &Section<'_>,
    entities: &[EntityConfig],
) -> Vec<CollectionPointConfig> {
    let mut points: Vec<CollectionPointConfig> = Vec::new();
    for section in root.tables("collection_point") {
        let id = section.parsed("id", "such as \"web-checkout\"", CollectionPointId::parse);
        let entity = read_entity(&section, entities);
        let channels = ["web", "phone", "till", "guest_checkout", "platform", "list", "import"];
        let choices: Vec<(&str, &str)> = channels.iter().map(|word| (*word, *word)).collect();
        let channel =
            section.has("channel").then(|| section.choice("channel", &choices, None)).flatten();
        let from = section.date_opt("from");
        if !section.has("from") {
            section.report("from", "is missing", "the first day these facts were true");
        }
        let until = section.date_opt("until");
        let attested_by = section.text("attested_by", "who vouches for these facts");
        let opt_out_offered = section.flag_opt("opt_out_offered");
        let notice_version = section.text_opt("notice_version");
        let document = section.text_opt("document");
        section.finish();
        if let (Some(id), Some(entity), Some(from), Some(attested_by)) =
            (id, entity, from, attested_by)
        {
            points.push(CollectionPointConfig {
                id,
                entity,
                channel: channel.map(str::to_owned),
                from,
                until,
                opt_out_offered,
                notice_version,
                attested_by,
                document,
            });
        }
    }
    points
}

/// The `entity` key, which must name a defined entity.
pub(super) fn read_entity(section: &Section<'_>, entities: &[EntityConfig]) -> Option<EntityId> {
    let id = section.parsed("entity", "the id of an [[entity]]", EntityId::parse)?;
    if !entities.iter().any(|entity| entity.id == id) {
        let known: Vec<&str> = entities.iter().map(|entity| entity.id.as_str()).collect();
        section.report(
            "entity",
            format!("`{id}` is not defined"),
            &format!("defined: {}", known.join(", ")),
        );
    }
    Some(id)
}
