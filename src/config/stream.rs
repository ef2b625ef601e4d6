//! `[[stream]]`: kinds of mail and what is done with each.

use jiff::civil::Date;

use super::client::ClientConfig;
use super::house::{BrandConfig, EntityConfig, TopicConfig, read_entity};
use super::listener::ListenerConfig;
use super::operator::{OperatorConfig, Right};
use super::section::Section;
use crate::base::{BrandId, DomainName, EntityId, JurisdictionId, Mailbox, StreamId, TopicId};
use crate::pipeline::{Disclose, Enforce, Matcher, Mode, Purpose};

/// The last stream, which fits everything.
const UNMATCHED: &str = "unmatched";

/// Whom notices go to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoticeToConfig {
    /// The sender of the message.
    ReversePath,
    /// One mailbox.
    Address(Mailbox),
    /// Nobody: denied recipients are counted in the reply.
    Nobody,
}

/// What to do when no footer can be placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FallbackConfig {
    /// Add the header pair only.
    HeadersOnly,
    /// Refuse the message.
    Reject,
}

/// What a one-click opt-out covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeConfig {
    /// All marketing of the entity.
    Entity,
    /// Marketing under the stream's brand.
    Brand,
}

/// `[[stream]]`
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// Its id.
    pub id: StreamId,
    /// What fits it.
    pub matcher: Matcher,
    /// The legal person that sends; needed unless the class is locked to service.
    pub entity: Option<EntityId>,
    /// The brand it sends under.
    pub brand: Option<BrandId>,
    /// What it is about if the message does not say.
    pub topics: Vec<TopicId>,
    /// Why it is sent; never taken from a header.
    pub purpose: Purpose,
    /// The roles at work its messages are tied to.
    pub roles: Vec<String>,
    /// Where its recipients are if their record does not say.
    pub jurisdictions: Vec<JurisdictionId>,
    /// The fixed class: `Some(true)` marketing, `Some(false)` service.
    pub is_marketing: Option<bool>,
    /// Whether content and structure are not asked at all.
    pub is_locked: bool,
    /// How partial denial is answered.
    pub mode: Mode,
    /// How much of the law is enforced.
    pub enforce: Enforce,
    /// Until when `enforce` may stay below `all`.
    pub until: Option<Date>,
    /// Who answers for a stream that observes, and a second one where four eyes are asked for.
    pub approved_by: Vec<String>,
    /// Whom notices go to.
    pub notice_to: NoticeToConfig,
    /// How much a refusal tells.
    pub disclose: Option<Disclose>,
    /// What to do when no footer can be placed.
    pub fallback: FallbackConfig,
    /// What a one-click opt-out covers.
    pub one_click_scope: ScopeConfig,
    /// Whether the sender's own List-Unsubscribe is kept.
    pub keeps_list_unsubscribe: bool,
    /// Whether the upstream signs (DKIM), so that signed mail may be edited.
    pub upstream_signs: bool,
}

/// What streams may refer to.
pub(super) struct Names<'a> {
    /// Listeners by name.
    pub(super) listeners: &'a [ListenerConfig],
    /// Clients by name.
    pub(super) clients: &'a [ClientConfig],
    /// Entities by id.
    pub(super) entities: &'a [EntityConfig],
    /// Brands by id.
    pub(super) brands: &'a [BrandConfig],
    /// Topics by id.
    pub(super) topics: &'a [TopicConfig],
    /// Operators by name.
    pub(super) operators: &'a [OperatorConfig],
}

/// `[[stream]]`, in file order, closed by `unmatched`.
pub(super) fn read_streams(root: &Section<'_>, names: &Names<'_>) -> Vec<StreamConfig> {
    let sections = root.tables("stream");
    let mut streams: Vec<StreamConfig> = Vec::new();
    let mut last_id = None;
    for section in sections {
        last_id = section.text_opt("id");
        let Some(stream) = read_stream(&section, names) else {
            section.finish();
            continue;
        };
        if streams.iter().any(|other| other.id == stream.id) {
            section.report("id", "stands twice", "");
        }
        if streams.last().is_some_and(|last| last.id.as_str() == UNMATCHED) {
            section.report("id", "stands after `unmatched`, so nothing reaches it", "move it up");
        }
        check_stream(&section, &stream);
        check_observing(&section, &stream, names.operators);
        section.finish();
        streams.push(stream);
    }
    if last_id.as_deref() != Some(UNMATCHED) {
        let hint = "close the list with [[stream]] id = \"unmatched\", which fits everything";
        root.report("stream", "the last stream must be `unmatched`", hint);
    }
    streams
}

fn read_stream(section: &Section<'_>, names: &Names<'_>) -> Option<StreamConfig> {
    let id = section.parsed("id", "such as \"newsletter\"", StreamId::parse);
    let matcher = read_matcher(section, names);
    let entity = section.has("entity").then(|| read_entity(section, names.entities)).flatten();
    let brand = section.parsed_opt("brand", BrandId::parse);
    let topics = section.list("topics", TopicId::parse);
    let jurisdictions = section.list("jurisdictions", JurisdictionId::parse);
    let purposes = [
        ("commercial", Purpose::Commercial),
        ("charity_fundraising", Purpose::CharityFundraising),
        ("charity_other", Purpose::CharityOther),
        ("political", Purpose::Political),
        ("public_task", Purpose::PublicTask),
    ];
    let purpose = section.choice("purpose", &purposes, Some(Purpose::Commercial));
    let roles = section.list("roles", |name| Ok::<_, String>(name.to_owned()));
    let classes = [("marketing", true), ("service", false)];
    let is_marketing =
        section.has("class").then(|| section.choice("class", &classes, None)).flatten();
    let is_locked = section.flag_opt("locked").unwrap_or(false);
    let modes = [("bounce", Mode::Bounce), ("reject", Mode::Reject), ("strip", Mode::Strip)];
    let mode = section.choice("mode", &modes, Some(Mode::Bounce));
    let levels =
        [("observe", Enforce::Observe), ("objections", Enforce::Objections), ("all", Enforce::All)];
    let enforce = section.choice("enforce", &levels, Some(Enforce::All));
    let until = section.date_opt("until");
    let approved_by = ["approved_by", "approved_second"];
    let approved_by = approved_by.iter().filter_map(|key| section.text_opt(key)).collect();
    let notice_to = read_notice_to(section);
    let disclosures = [("reason", Disclose::Reason), ("class", Disclose::Class)];
    let disclose =
        section.has("disclose").then(|| section.choice("disclose", &disclosures, None)).flatten();
    let fallbacks =
        [("headers_only", FallbackConfig::HeadersOnly), ("reject", FallbackConfig::Reject)];
    let fallback = section.choice("fallback", &fallbacks, Some(FallbackConfig::HeadersOnly));
    let scopes = [("entity", ScopeConfig::Entity), ("brand", ScopeConfig::Brand)];
    let one_click_scope = section.choice("one_click_scope", &scopes, Some(ScopeConfig::Entity));
    let lists = [("replace", false), ("keep", true)];
    let keeps_list_unsubscribe = section.choice("list_unsubscribe", &lists, Some(false));
    let upstream_signs = section.flag_opt("upstream_signs").unwrap_or(false);
    check_names(section, names, brand.as_ref(), &topics);
    Some(StreamConfig {
        id: id?,
        matcher,
        entity,
        brand,
        topics,
        purpose: purpose?,
        roles,
        jurisdictions,
        is_marketing,
        is_locked,
        mode: mode?,
        enforce: enforce?,
        until,
        approved_by,
        notice_to: notice_to?,
        disclose,
        fallback: fallback?,
        one_click_scope: one_click_scope?,
        keeps_list_unsubscribe: keeps_list_unsubscribe?,
        upstream_signs,
    })
}

fn read_matcher(section: &Section<'_>, names: &Names<'_>) -> Matcher {
    let listener = section.parsed_opt("listener", |name| {
        let is_known = names.listeners.iter().any(|listener| listener.name == name);
        is_known.then(|| name.to_owned()).ok_or("is not the name of a [[listener]]")
    });
    let clients = section.list("clients", |name| {
        let is_known = names.clients.iter().any(|client| client.name == name);
        is_known.then(|| name.to_owned()).ok_or("is not the name of a [[client]]")
    });
    let header = section.table_opt("header").and_then(|header| {
        let name = header.text("name", "a header field name");
        let value = header.text("value", "the value it must have");
        header.finish();
        Some((name?, value?))
    });
    Matcher {
        listener,
        clients,
        reverse_path_domains: section.list("reverse_path_domains", DomainName::parse),
        from: section.list("from", |text| {
            let is_address = Mailbox::parse(text).is_ok() || DomainName::parse(text).is_ok();
            is_address.then(|| text.to_lowercase()).ok_or("is neither an address nor a domain")
        }),
        list_id: section.text_opt("list_id"),
        header,
    }
}

fn read_notice_to(section: &Section<'_>) -> Option<NoticeToConfig> {
    if !section.has("notice_to") {
        // A failed notice to a person can make a CRM give the address up: no silent default.
        section.report(
            "notice_to",
            "is missing",
            "a mailbox of yours (recommended), \"reverse_path\" or \"none\"",
        );
        return None;
    }
    section.parsed_opt("notice_to", |text| match text {
        "reverse_path" => Ok(NoticeToConfig::ReversePath),
        "none" => Ok(NoticeToConfig::Nobody),
        address => Mailbox::parse(address).map(NoticeToConfig::Address),
    })
}

fn check_names(
    section: &Section<'_>,
    names: &Names<'_>,
    brand: Option<&BrandId>,
    topics: &[TopicId],
) {
    if let Some(brand) = brand.filter(|id| !names.brands.iter().any(|b| b.id == **id)) {
        section.report("brand", format!("`{brand}` is not defined"), "add a [[brand]]");
    }
    for topic in topics.iter().filter(|id| !names.topics.iter().any(|t| t.id == **id)) {
        section.report("topics", format!("`{topic}` is not defined"), "add a [[topic]]");
    }
}

fn check_stream(section: &Section<'_>, stream: &StreamConfig) {
    let is_last = stream.id.as_str() == UNMATCHED;
    if !is_last && stream.matcher == Matcher::default() {
        let hint = "name a listener, clients, reverse_path_domains, from, list_id or header";
        section.report("id", "fits everything, so no later stream is reached", hint);
    }
    if is_last && stream.is_marketing == Some(false) {
        let hint = "leave class out: unclear mail counts as marketing";
        section.report("class", "would let every unknown mail pass as service", hint);
    }
    let is_service_only = stream.is_marketing == Some(false) && stream.is_locked;
    if stream.is_locked && stream.is_marketing.is_none() {
        section.report("locked", "needs a class to lock", "class = \"service\" or \"marketing\"");
    }
    if !is_service_only {
        for (key, is_given, hint) in [
            ("entity", stream.entity.is_some(), "the legal person that sends"),
            ("brand", stream.brand.is_some(), "the brand it sends under"),
            ("jurisdictions", !stream.jurisdictions.is_empty(), "where recipients are: [\"uk\"]"),
        ] {
            if !is_given && !section.has(key) {
                let message = "is missing: the stream may carry marketing mail";
                section.report(key, message, hint);
            }
        }
    }
    match (stream.enforce, stream.until) {
        (Enforce::All, Some(_)) => {
            section.report("until", "has no meaning with enforce = \"all\"", "remove it");
        }
        (Enforce::Observe | Enforce::Objections, None) => {
            let hint = "the last day, at most 180 days ahead, such as 2026-12-31";
            section.report("until", "is missing: enforce below `all` must end", hint);
        }
        (Enforce::All, None) | (Enforce::Observe | Enforce::Objections, Some(_)) => {}
    }
}

/// Where operators are named, somebody with the right answers for a stream that only observes.
fn check_observing(section: &Section<'_>, stream: &StreamConfig, operators: &[OperatorConfig]) {
    if operators.is_empty() || stream.enforce != Enforce::Observe {
        return;
    }
    let right = Right::StartObserve;
    let hint = "the name of an [[operator]] whose rights hold \"start_observe\"";
    if !section.has("approved_by") {
        let message = "is missing: somebody must answer for a stream that sends to everybody";
        section.report("approved_by", message, hint);
        return;
    }
    let holder = |name: &String| {
        operators.iter().find(|one| one.name == *name && one.rights.contains(&right))
    };
    for (key, name) in ["approved_by", "approved_second"].iter().zip(&stream.approved_by) {
        if holder(name).is_none() {
            section.report(key, format!("`{name}` may not start observing"), hint);
        }
    }
    let first = stream.approved_by.first().and_then(holder);
    let is_alone = match stream.approved_by.as_slice() {
        [first, second] => first == second,
        _ => true,
    };
    if is_alone && first.is_some_and(|one| one.four_eyes.contains(&right)) {
        let message = "is missing, or the same: this operator may not start observing alone";
        section.report("approved_second", message, "another operator with the same right");
    }
}
