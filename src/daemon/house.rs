//! From the checked configuration to the policy of the house.
//!
//! What can still be wrong here is outside the file: templates and rule sets it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};

use super::SystemClock;
use crate::base::{BrandId, DecisionId, Keyring, PersonKey, Timestamp};
use crate::classify::{Claims, StreamClass};
use crate::config::{
    BrandConfig, ClientConfig, Config, FallbackConfig, NoticeToConfig, Right, ScopeConfig,
    StreamConfig,
};
use crate::eligibility::rules::Text;
use crate::eligibility::{self, CollectionPoint, RuleBook, RuleError, RuleSet, Scope};
use crate::pipeline::{Client, House, NoticeTo, Sender, Stream};
use crate::relay::ports::Clock as _;
use crate::rewrite::{self, BrandVoice, Footer, FooterTemplates, LinkSample, MailtoSample};
use crate::smtp;
use crate::unsubscribe::{self, Purpose, ScopeId, ScopeKind};

/// How long a stream may enforce less than everything: until this far ahead.
const LEASE_MAX: Duration = Duration::from_hours(180 * 24);

/// Builds the policy of the house.
///
/// # Errors
/// A template or rule set named in the configuration cannot be read or used.
pub fn house(config: &Config, keyring: Keyring) -> anyhow::Result<House> {
    let rules = rule_book(config)?;
    let url = sample_url(config, &keyring);
    let mut footers = BTreeMap::new();
    for brand in &config.brands {
        let footer =
            footer(config, brand).with_context(|| format!("the footer of brand `{}`", brand.id))?;
        footers.insert(brand.id.clone(), footer);
    }
    let builder = Builder { config, rules: &rules, footers, url };
    let streams = config.streams.iter().map(|s| builder.stream(s).map(Arc::new));
    let streams = streams.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(House {
        hostname: config.node.hostname.to_string(),
        policy: policy(config)?,
        approvals: super::approvals::load(config)?,
        clients: config.clients.iter().map(client).collect(),
        streams,
        public_url: config.http.public_url.clone(),
        mailto: config.http.mailto.clone(),
        deferral_max: config.node.deferral_max,
        config_digest: config.digest,
        generation: 1,
        rules,
        keyring,
    })
}

/// The rule sets of this installation, with what its operator chose.
///
/// # Errors
/// A file cannot be read, or something in it is wrong.
pub fn rule_book(config: &Config) -> anyhow::Result<RuleBook> {
    let book = match &config.rules.dir {
        None => RuleBook::builtin(),
        Some(folder) => {
            let own = rule_texts(folder)?;
            let texts: Vec<Text<'_>> =
                own.iter().map(|(file, content)| Text { file, content }).collect();
            RuleBook::builtin_with(&texts).map_err(|errors| listed(&errors))?
        }
    };
    let Some(path) = &config.rules.choices else { return Ok(book) };
    let (file, content) = (path.display().to_string(), read(path)?);
    let text = Text { file: &file, content: &content };
    let book = book.with_choices_in(&text).map_err(|errors| listed(&errors))?;
    check_acceptances(config, &book)?;
    Ok(book)
}

/// Every rule set in `folder`.
fn rule_texts(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut own = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            own.push((path.display().to_string(), read(&path)?));
        }
    }
    own.sort();
    Ok(own)
}

/// Where operators are named, only one with the right accepts what nobody has verified.
fn check_acceptances(config: &Config, book: &RuleBook) -> anyhow::Result<()> {
    let may = |name: &str| {
        config.operators.is_empty()
            || config.operators.iter().any(|operator| {
                operator.name == name && operator.rights.contains(&Right::AcceptUnverified)
            })
    };
    for acceptance in book.sets().flat_map(RuleSet::acceptances) {
        if !may(&acceptance.by) {
            bail!(
                "`{}` may not accept `{}` of `{}`: no [[operator]] of this name has the right \
                 `accept_unverified`",
                acceptance.by,
                acceptance.field,
                acceptance.rule_set
            );
        }
    }
    Ok(())
}

fn listed(errors: &[RuleError]) -> anyhow::Error {
    let list: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow!("{}", list.join("\n"))
}

/// A link of the length all links have: tokens are of constant length.
fn sample_url(config: &Config, keyring: &Keyring) -> String {
    let claims = unsubscribe::Claims {
        person: PersonKey::default(),
        scope_kind: ScopeKind::Entity,
        scope_id: ScopeId::new(0).expect("zero fits 40 bits"),
        decision: DecisionId::default(),
    };
    let token = unsubscribe::seal(keyring, Purpose::Unsubscribe, &claims);
    unsubscribe::unsubscribe_url(&config.http.public_url, &token)
}

/// The compiled footer of a brand.
///
/// # Errors
/// A template cannot be read or would harm a message.
pub(crate) fn footer(config: &Config, brand: &BrandConfig) -> anyhow::Result<Footer> {
    let entity = config.entity(&brand.entity).context("its entity is not defined")?;
    let mut templates = FooterTemplates::english();
    if let Some(path) = &brand.footer_html {
        templates.html = read(path)?;
    }
    if let Some(path) = &brand.footer_text {
        templates.text = read(path)?;
    }
    let voice = BrandVoice {
        name: brand.name.as_str().into(),
        entity: entity.name.as_str().into(),
        postal_address: entity.postal_address.as_str().into(),
        contact: "".into(),
    };
    Ok(Footer::compile(&templates, &voice)?)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn policy(config: &Config) -> anyhow::Result<eligibility::Policy> {
    let mut policy = eligibility::Policy::default();
    for topic in &config.topics {
        for covered in &topic.covers {
            policy.similarity.declare(topic.entity.clone(), topic.id.clone(), covered.clone());
        }
    }
    for point in &config.collection_points {
        let channel = point.channel.as_deref().unwrap_or("web");
        let value = serde_json::Value::String(channel.to_owned());
        policy.collection_points.insert(
            point.id.clone(),
            CollectionPoint {
                entity: point.entity.clone(),
                channel: serde_json::from_value(value)
                    .with_context(|| format!("collection point `{}`", point.id))?,
                in_use_from: point.from,
                in_use_until: point.until,
                opt_out_offered: point.opt_out_offered,
                wording_version: point.notice_version.clone(),
                attested_by: point.attested_by.clone(),
            },
        );
    }
    for entity in &config.entities {
        if entity.charity {
            policy.charities.insert(entity.id.clone());
        }
        let staff = entity.staff_domains.iter();
        policy.staff_domains.extend(staff.map(|domain| (entity.id.clone(), domain.clone())));
    }
    for role in &config.roles {
        let name = role.name.trim().to_lowercase();
        policy.role_topics.insert(name, role.topics.iter().cloned().collect());
    }
    Ok(policy)
}

fn client(config: &ClientConfig) -> Client {
    Client {
        name: config.name.clone(),
        streams: config.streams.clone(),
        may_record: config.may_record,
        claims: Claims {
            may_claim_service: config.may_claim_service,
            brands: config.brands.clone(),
            topics: config.topics.clone(),
        },
    }
}

struct Builder<'a> {
    config: &'a Config,
    rules: &'a RuleBook,
    footers: BTreeMap<BrandId, Footer>,
    url: String,
}

impl Builder<'_> {
    fn stream(&self, stream: &StreamConfig) -> anyhow::Result<Stream> {
        let (mut sender, mut other_senders) = (None, Vec::new());
        if let (Some(entity), Some(brand)) = (&stream.entity, &stream.brand) {
            sender = Some(self.sender(stream, brand)?);
            let siblings = self.config.brands.iter();
            let siblings = siblings.filter(|other| other.entity == *entity && other.id != *brand);
            for sibling in siblings {
                other_senders.push(self.sender(stream, &sibling.id)?);
            }
        }
        let defaults = self.config.rules.jurisdiction_default.iter().cloned();
        let jurisdictions = match stream.jurisdictions.is_empty() {
            true => defaults.collect(),
            false => stream.jurisdictions.clone(),
        };
        for id in &jurisdictions {
            if !self.rules.knows(&eligibility::governing(id, self.rules)) {
                bail!("stream `{}`: no rule set speaks for `{id}`", stream.id);
            }
        }
        if let Some(until) = stream.until.map(end_of_day)
            && until > SystemClock.now().after(LEASE_MAX)
        {
            bail!("stream `{}`: `until` lies more than 180 days ahead", stream.id);
        }
        Ok(Stream {
            id: stream.id.clone(),
            matcher: stream.matcher.clone(),
            class: stream_class(stream),
            sender,
            other_senders,
            topics: stream.topics.clone(),
            purpose: stream.purpose,
            roles: stream.roles.clone(),
            jurisdictions,
            mode: stream.mode,
            enforce: stream.enforce,
            until: stream.until.map(end_of_day),
            notice_to: notice_to(&stream.notice_to),
            disclose: stream.disclose,
        })
    }

    fn sender(&self, stream: &StreamConfig, brand: &BrandId) -> anyhow::Result<Sender> {
        let brand = self.config.brand(brand).context("a stream's brand is not defined")?;
        let entity =
            self.config.entity(&brand.entity).context("a brand's entity is not defined")?;
        if stream.entity.as_ref() != Some(&entity.id) {
            bail!("stream `{}`: brand `{}` belongs to `{}`", stream.id, brand.id, entity.id);
        }
        let scope = match stream.one_click_scope {
            ScopeConfig::Entity => Scope::Entity(entity.id.clone()),
            ScopeConfig::Brand => Scope::Brand(entity.id.clone(), brand.id.clone()),
        };
        Ok(Sender {
            entity: entity.id.clone(),
            establishment: entity.jurisdiction.clone(),
            domains: entity.domains.clone(),
            brand: brand.id.clone(),
            from_domains: brand.from_domains.clone(),
            rewriting: Arc::new(self.rewriting(stream, brand)?),
            scope,
        })
    }

    fn rewriting(
        &self,
        stream: &StreamConfig,
        brand: &BrandConfig,
    ) -> anyhow::Result<rewrite::Policy> {
        let token = self.url.rsplit('/').next().unwrap_or_default();
        let mailto = self.config.http.mailto.as_ref();
        let mailto = mailto.map(|address| MailtoSample::new(address, token)).transpose()?;
        Ok(rewrite::Policy {
            footer: self.footers.get(&brand.id).context("a brand has no footer")?.clone(),
            list_unsubscribe: match stream.keeps_list_unsubscribe {
                true => rewrite::IncomingListUnsubscribe::Keep,
                false => rewrite::IncomingListUnsubscribe::Replace,
            },
            fallback: match stream.fallback {
                FallbackConfig::HeadersOnly => rewrite::Fallback::HeadersOnly,
                FallbackConfig::Reject => rewrite::Fallback::Reject,
            },
            link: LinkSample::new(&self.url)?,
            mailto,
            resigning: match stream.upstream_signs {
                true => rewrite::Resigning::Upstream,
                false => rewrite::Resigning::Nobody,
            },
        })
    }
}

fn stream_class(stream: &StreamConfig) -> StreamClass {
    match (stream.is_marketing, stream.is_locked) {
        (Some(false), true) => StreamClass::LockedService,
        (Some(true), true) => StreamClass::LockedMarketing,
        (Some(false), false) => StreamClass::Service,
        (Some(true), false) => StreamClass::Marketing,
        (None, _) => StreamClass::Open,
    }
}

fn notice_to(notice_to: &NoticeToConfig) -> NoticeTo {
    match notice_to {
        NoticeToConfig::ReversePath => NoticeTo::ReversePath,
        NoticeToConfig::Nobody => NoticeTo::Nobody,
        NoticeToConfig::Address(mailbox) => {
            NoticeTo::Address(smtp::Path::new(mailbox.to_string(), mailbox.clone()))
        }
    }
}

/// A lease named by its last day holds until that day is over, in UTC.
fn end_of_day(date: jiff::civil::Date) -> Timestamp {
    Timestamp::from_date(date).after(Duration::from_millis(86_399_999))
}
