//! The relay's one read: records, domains, registers, fates and scope from one snapshot.
//!
//! Per recipient it is one statement for the person, one for the domain, one for the last
//! marketing and one per register; each further live key adds as many.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::fault::Fault;
use super::journal::Writer;
use super::record::{self, RecordRow};
use super::registers::Registers;
use super::row::from_sql_number;
use super::{ledger, scopes, succession};
use crate::base::{AddressKeys, AddressTag, PersonKey, Timestamp};
use crate::eligibility::{RecipientRecord, Successions};
use crate::pipeline::RowVersion;
use crate::relay::ports::{Query, Snapshot, VersionedRecord};

/// Answers `query`.
pub(super) fn answer(
    connection: &Connection,
    query: &Query,
    writer: &Writer,
    now: Timestamp,
) -> Result<Snapshot, Fault> {
    let registers = match query.persons.is_empty() {
        true => Registers::default(),
        false => Registers::read(connection)?,
    };
    let common = match query.persons.is_empty() {
        true => (0, 0),
        false => common(connection)?,
    };
    let mut reading = Reading { connection, registers, common, domains: BTreeMap::new() };
    let records = query.persons.iter().map(|keys| reading.record(keys));
    let records = records.collect::<Result<_, _>>()?;
    let fates = query.fates.iter().map(|key| ledger::entry(connection, key, writer, now));
    Ok(Snapshot {
        records,
        fates: fates.collect::<Result<_, _>>()?,
        scope_id: match &query.scope {
            Some(scope) => scopes::find(connection, scope)?,
            None => None,
        },
        history: match query.persons.is_empty() {
            true => Successions::default(),
            false => succession::history(connection)?,
        },
    })
}

/// The newest generation of any register, and the newest row of the history of legal persons: what
/// concerns everybody has changed if they have.
pub(super) fn common(connection: &Connection) -> Result<(i64, i64), Fault> {
    let sql = "SELECT (SELECT coalesce(max(generation), 0) FROM register),
                      (SELECT coalesce(max(id), 0) FROM succession)";
    let read =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(read)
}

/// One reading of many people, of whom several may share a domain.
struct Reading<'c> {
    connection: &'c Connection,
    registers: Registers,
    common: (i64, i64),
    domains: BTreeMap<PersonKey, (u64, Option<RecipientRecord>)>,
}

impl Reading<'_> {
    fn record(&mut self, keys: &AddressKeys) -> Result<VersionedRecord, Fault> {
        let mut read = self.person(keys.newest.person)?;
        for pair in &keys.older {
            let older = self.person(pair.person)?;
            read.beside.siblings.push(RowVersion { row: pair.person, version: older.version });
            read.record.absorb(&older.record, (pair.tag, keys.newest.tag));
            read.last_marketing_sent_at =
                read.last_marketing_sent_at.max(older.last_marketing_sent_at);
        }
        for row in keys.domains() {
            let (version, record) = self.domain(row)?;
            read.beside.domains.push(RowVersion { row, version });
            let Some(record) = record else { continue };
            // What is said of a domain is said for no address in particular.
            let tags = (AddressTag::default(), AddressTag::default());
            read.domain.get_or_insert_default().absorb(&record, tags);
        }
        read.beside.common = self.common;
        read.registers = self.registers.facts_for(self.connection, &keys.listings)?;
        Ok(read)
    }

    fn person(&self, person: PersonKey) -> Result<VersionedRecord, Fault> {
        let mut read = VersionedRecord {
            last_marketing_sent_at: record::last_sent_at(self.connection, &person)?,
            ..VersionedRecord::default()
        };
        if let Some(row) = RecordRow::find(self.connection, &person)? {
            read.version = from_sql_number(row.version)?;
            read.record = row.record(&person)?;
        }
        Ok(read)
    }

    fn domain(&mut self, row: PersonKey) -> Result<(u64, Option<RecipientRecord>), Fault> {
        if let Some(known) = self.domains.get(&row) {
            return Ok(known.clone());
        }
        let read = match RecordRow::find(self.connection, &row)? {
            Some(found) => (from_sql_number(found.version)?, Some(found.record(&row)?)),
            None => (0, None),
        };
        self.domains.insert(row, read.clone());
        Ok(read)
    }
}
