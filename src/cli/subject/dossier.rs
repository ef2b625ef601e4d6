//! Everything held about one person, in the form people and machines get it.
//!
//! The database knows no addresses: the one in it is the one that was asked for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::{AddressKeys, BrandId, EntityId, StreamId, Timestamp, TopicId};
use crate::config::Config;
use crate::daemon::SystemClock;
use crate::eligibility::{Evidence, Fact, Level, Report};
use crate::pipeline::{DecisionRecord, OutcomeRecord};
use crate::relay::ports::{Clock as _, Query, Records as _, StoreError};
use crate::store::{PieceStanding, Store, StoredDecision, SubjectPiece};

/// Everything held.
#[derive(Serialize, Debug)]
pub(super) struct Dossier {
    /// The address that was asked for; it is not stored.
    pub(super) address: String,
    /// Whose part this is; none for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entity: Option<EntityId>,
    /// When this was read.
    pub(super) as_of: Timestamp,
    /// Evidence, oldest first.
    pub(super) evidence: Vec<Piece>,
    /// Decisions about mail, oldest first.
    pub(super) decisions: Vec<Decision>,
    /// When marketing was last sent, by any of the legal persons.
    pub(super) last_marketing_sent_at: Option<Timestamp>,
    /// How many other addresses are linked with it, in as many rows.
    pub(super) linked_rows: usize,
    /// Whether something is held about everybody in the address's domain.
    pub(super) domain_entries: usize,
    /// The public registers it stands in.
    pub(super) registers_listed: Vec<String>,
    /// The registers that were looked into, and as of when.
    pub(super) registers_checked: BTreeMap<String, Timestamp>,
    /// What is kept how long.
    pub(super) kept: BTreeMap<&'static str, String>,
}

/// One piece of evidence.
#[derive(Serialize, Debug)]
pub(super) struct Piece {
    /// Its number.
    pub(super) id: String,
    /// Its kind.
    pub(super) kind: &'static str,
    /// When it happened.
    pub(super) at: Timestamp,
    /// The legal persons it is held for; none for what is held for all.
    pub(super) controllers: Vec<EntityId>,
    /// `counts`, `waits for its import` or `undone`.
    pub(super) standing: &'static str,
    /// The weight of its source.
    pub(super) level: Level,
    /// Whether it was given for exactly this spelling of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) for_this_spelling: Option<bool>,
    /// Which wording was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wording: Option<String>,
    /// What it says and how we know.
    #[serde(flatten)]
    pub(super) evidence: Told,
}

/// What a piece says and how we know.
#[derive(Serialize, Debug)]
pub(super) struct Told {
    /// What was said or done.
    pub(super) fact: Fact,
    /// How we know.
    pub(super) provenance: crate::eligibility::Provenance,
}

/// One decision.
#[derive(Serialize, Debug)]
pub(super) struct Decision {
    /// Its id.
    pub(super) id: String,
    /// When it was recorded.
    pub(super) at: Timestamp,
    /// The journal's entry.
    pub(super) entry: String,
    /// The stream.
    pub(super) stream: StreamId,
    /// The legal person that wanted to write.
    pub(super) entity: EntityId,
    /// Under which brand.
    pub(super) brand: BrandId,
    /// About what.
    pub(super) topics: Vec<TopicId>,
    /// Whether a copy was to be sent.
    pub(super) is_sent: bool,
    /// What the law said.
    pub(super) verdict: Report,
    /// What became of it.
    pub(super) outcomes: Vec<String>,
}

impl Dossier {
    /// Reads everything about `keys`; for one legal person only, if `entity` names it.
    pub(super) async fn read(
        store: &Store,
        keys: &AddressKeys,
        entity: Option<&EntityId>,
    ) -> Result<Self, StoreError> {
        let rows = keys.person();
        let query = Query { persons: vec![keys.clone()], fates: Vec::new(), scope: None };
        let read = store.load(query).await?.records.into_iter().next().unwrap_or_default();
        let pieces = store.subject_pieces(rows.clone()).await?;
        let linked_rows = store.linked_rows(rows.clone()).await?.len();
        let decisions = store.decisions_about(rows.iter().collect()).await?;
        let is_asked = |named: &[EntityId]| {
            entity.is_none_or(|entity| named.is_empty() || named.contains(entity))
        };
        let evidence = pieces.into_iter().map(|told| piece(told, keys, entity));
        let decisions = decisions.into_iter().filter_map(decision);
        Ok(Self {
            address: String::new(),
            entity: entity.cloned(),
            as_of: SystemClock.now(),
            evidence: evidence.filter(|piece| is_asked(&piece.controllers)).collect(),
            decisions: decisions
                .filter(|decision| is_asked(std::slice::from_ref(&decision.entity)))
                .collect(),
            last_marketing_sent_at: read.last_marketing_sent_at,
            linked_rows,
            domain_entries: read.domain.map_or(0, |record| record.entries().len()),
            registers_listed: read.registers.listed,
            registers_checked: read.registers.checked_at,
            kept: BTreeMap::new(),
        })
    }
}

/// How long what is kept, as configured.
pub(super) fn kept(config: &Config) -> BTreeMap<&'static str, String> {
    let terms = &config.store.retention;
    let erased = "until it is erased; objections as long as the database";
    BTreeMap::from([
        ("decisions", terms.decisions.to_string()),
        ("outcomes", terms.outcomes.to_string()),
        ("refusals without evidence", terms.strangers.to_string()),
        ("evidence", erased.to_owned()),
    ])
}

fn piece(told: SubjectPiece, keys: &AddressKeys, entity: Option<&EntityId>) -> Piece {
    let Evidence { at, tag, mut fact, level, provenance } = told.evidence;
    let mut controllers: Vec<EntityId> = fact.entities().into_iter().cloned().collect();
    if let Some(entity) = entity.filter(|entity| controllers.contains(entity)) {
        // Whom else a consent names is not this controller's to tell.
        controllers.retain(|named| named == entity);
        if let Fact::ConsentGiven(consent) = &mut fact {
            consent.entities.retain(|named| named == entity);
        }
    }
    let wording = match &fact {
        Fact::ConsentGiven(consent) => consent.wording_version.clone(),
        Fact::AddressCollected(collection) => collection.notice_version.clone(),
        _ => None,
    };
    let pairs = std::iter::once(&keys.newest).chain(&keys.older);
    Piece {
        id: told.id.to_string(),
        kind: fact.kind(),
        at,
        controllers,
        standing: match told.standing {
            PieceStanding::Counts => "counts",
            PieceStanding::Waits => "waits for its import",
            PieceStanding::Undone => "undone",
        },
        level,
        for_this_spelling: tag.map(|tag| pairs.into_iter().any(|pair| pair.tag == tag)),
        wording,
        evidence: Told { fact, provenance },
    }
}

/// `None` for what is about no legal person's marketing.
fn decision(stored: StoredDecision) -> Option<Decision> {
    let record: DecisionRecord = serde_json::from_slice(&stored.payload).ok()?;
    let marketing = record.marketing?;
    let outcome = |payload: &[u8]| {
        serde_json::from_slice::<OutcomeRecord>(payload)
            .map_or_else(|_| "unreadable".to_owned(), |outcome| outcome.in_words())
    };
    Some(Decision {
        id: stored.id.to_string(),
        at: stored.at,
        entry: format!("{} {}", stored.node, stored.seq),
        stream: record.stream,
        entity: marketing.entity,
        brand: marketing.brand,
        topics: marketing.topics,
        is_sent: marketing.is_sent,
        verdict: marketing.verdict,
        outcomes: stored.outcomes.iter().map(|told| outcome(&told.payload)).collect(),
    })
}
