//! The numbers tokens carry for scopes: given once, journalled, never reused.

use rusqlite::{Connection, OptionalExtension};

use super::fault::Fault;
use super::journal::{EntryKind, Payload, Writing};
use super::row::{from_sql_number, to_sql_number};
use crate::base::{BrandId, EntityId, TopicId};
use crate::eligibility::Scope;

/// The columns that name a scope: kind, entity, and the brand's or topic's name.
fn columns(scope: &Scope) -> (&'static str, &str, &str) {
    match scope {
        Scope::Entity(entity) => ("entity", entity.as_str(), ""),
        Scope::Brand(entity, brand) => ("brand", entity.as_str(), brand.as_str()),
        Scope::Topic(entity, topic) => ("topic", entity.as_str(), topic.as_str()),
    }
}

/// The scope three columns name; `None` if they are damaged.
pub(super) fn from_columns(kind: &str, entity: &str, name: &str) -> Option<Scope> {
    let entity = EntityId::parse(entity).ok()?;
    match kind {
        "entity" if name.is_empty() => Some(Scope::Entity(entity)),
        "brand" => Some(Scope::Brand(entity, BrandId::parse(name).ok()?)),
        "topic" => Some(Scope::Topic(entity, TopicId::parse(name).ok()?)),
        _ => None,
    }
}

/// The payload of the entry that gave `scope` its number.
pub(super) fn entry_body(id: i64, scope: &Scope) -> String {
    serde_json::json!({ "id": id, "scope": scope }).to_string()
}

/// The number of `scope`.
pub(super) fn find(connection: &Connection, scope: &Scope) -> Result<Option<u64>, Fault> {
    let id: Option<i64> = connection
        .prepare_cached("SELECT id FROM scope WHERE kind = ?1 AND entity = ?2 AND name = ?3")?
        .query_row(columns(scope), |row| row.get(0))
        .optional()?;
    id.map(from_sql_number).transpose()
}

/// The scope numbered `id`.
pub(super) fn name(connection: &Connection, id: u64) -> Result<Option<Scope>, Fault> {
    let found: Option<(String, String, String)> = connection
        .prepare_cached("SELECT kind, entity, name FROM scope WHERE id = ?1")?
        .query_row([to_sql_number(id)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((kind, entity, name)) = found else { return Ok(None) };
    match from_columns(&kind, &entity, &name) {
        Some(scope) => Ok(Some(scope)),
        None => Err(Fault::row("scope", id, format!("`{kind} {entity} {name}` is no scope"))),
    }
}

/// The number of `scope`, given now if it had none.
pub(super) fn ensure(writing: &mut Writing<'_>, scope: &Scope) -> Result<u64, Fault> {
    let connection = writing.connection();
    if let Some(id) = find(connection, scope)? {
        return Ok(id);
    }
    let id: i64 = connection
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM scope")?
        .query_row([], |row| row.get(0))?;
    let body = entry_body(id, scope);
    let payload = Payload { body: body.as_bytes(), ..Payload::default() };
    let seq = writing.enter_payload(EntryKind::Scope, writing.now(), &payload)?;
    let (kind, entity, name) = columns(scope);
    connection
        .prepare_cached(
            "INSERT INTO scope (id, kind, entity, name, chain, seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((id, kind, entity, name, writing.writer().node.as_str(), seq))?;
    from_sql_number(id)
}
