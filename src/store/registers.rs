//! Public opt-out registers: what each lists, as keyed hashes, and as of when.
//!
//! An import writes its entries as a new generation, in short transactions, and the register
//! changes over to it in one; the old generation is dropped afterwards. How old a register may be
//! is the decision's business.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};

use super::fault::Fault;
use super::handle::Store;
use super::job::Patience;
use super::journal::{EntryKind, Payload, Writing};
use super::row::{fresh_salt, from_sql_number, row_sum, to_sql_number};
use crate::base::{Digest, ListingKey, Timestamp};
use crate::eligibility::RegisterFacts;
use crate::relay::ports::StoreError;

/// Entries per transaction, so that one stays near 20 ms.
const CHUNK_ENTRIES: usize = 2048;

/// A register to be imported.
#[derive(Clone, Debug)]
pub struct RegisterImport {
    /// Its id, as rule sets name it.
    pub id: String,
    /// As of when it was fetched.
    pub checked_at: Timestamp,
    /// The digest of the file it came in.
    pub file: Digest,
    /// What it lists, in any order.
    pub entries: Vec<ListingKey>,
}

/// One row of `register`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisterRow {
    /// Its id.
    pub id: String,
    /// As of when it was fetched.
    pub checked_at: Timestamp,
    /// When it was imported.
    pub imported_at: Timestamp,
    /// How much it lists.
    pub entries: u64,
    /// The digest of the file it came in.
    pub file: Digest,
    generation: i64,
    digest: Digest,
}

impl RegisterRow {
    /// The payload of the entry that imported it.
    pub(super) fn entry_body(&self) -> String {
        serde_json::json!({
            "register": self.id,
            "checked_at": self.checked_at,
            "imported_at": self.imported_at,
            "entries": self.entries,
            "file": self.file,
            "digest": self.digest,
        })
        .to_string()
    }

    /// Whether it lists what was imported.
    pub(super) fn is_whole(&self, connection: &Connection) -> Result<bool, Fault> {
        let mut statement = connection
            .prepare_cached("SELECT listed FROM listing WHERE generation = ?1 ORDER BY listed")?;
        let keys = statement.query_map([self.generation], |row| row.get::<_, [u8; 16]>(0))?;
        let mut bytes = Vec::new();
        for key in keys {
            bytes.extend_from_slice(&key?);
        }
        Ok(Digest::of(&bytes) == self.digest)
    }

    fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let columns = [
            ValueRef::Text(self.id.as_bytes()),
            ValueRef::Integer(self.generation),
            ValueRef::Integer(self.checked_at.as_millis()),
            ValueRef::Integer(self.imported_at.as_millis()),
            ValueRef::Integer(to_sql_number(self.entries)),
            ValueRef::Blob(self.file.as_bytes()),
            ValueRef::Blob(self.digest.as_bytes()),
        ];
        connection.execute(
            "INSERT OR REPLACE INTO register
             (id, generation, checked_at, imported_at, entries, file, digest, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                &self.id,
                self.generation,
                self.checked_at.as_millis(),
                self.imported_at.as_millis(),
                to_sql_number(self.entries),
                self.file.as_bytes(),
                self.digest.as_bytes(),
                row_sum("register", &columns),
            ),
        )?;
        Ok(())
    }
}

/// All registers that were imported.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers(Vec<RegisterRow>);

impl Registers {
    /// Reads them, by id.
    pub(super) fn read(connection: &Connection) -> Result<Self, Fault> {
        let mut statement = connection.prepare_cached(
            "SELECT id, generation, checked_at, imported_at, entries, file, digest, sum
             FROM register ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut registers = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let columns = (0..7)
                .map(|column| row.get_ref(column))
                .collect::<Result<Vec<ValueRef<'_>>, _>>()?;
            if row.get_ref(7)? != ValueRef::Blob(&row_sum("register", &columns)) {
                return Err(Fault::row("register", id, "its checksum does not match"));
            }
            let digest = |bytes: Vec<u8>| {
                Digest::from_bytes(&bytes)
                    .ok_or_else(|| Fault::row("register", &id, "a digest does not have 32 bytes"))
            };
            registers.push(RegisterRow {
                generation: row.get(1)?,
                checked_at: Timestamp::from_millis(row.get(2)?),
                imported_at: Timestamp::from_millis(row.get(3)?),
                entries: from_sql_number(row.get(4)?)?,
                file: digest(row.get(5)?)?,
                digest: digest(row.get(6)?)?,
                id,
            });
        }
        Ok(Self(registers))
    }

    /// The registers.
    pub(super) fn rows(&self) -> &[RegisterRow] {
        &self.0
    }

    /// What they say about an address that may be listed under `listings`.
    pub(super) fn facts_for(
        &self,
        connection: &Connection,
        listings: &[ListingKey],
    ) -> Result<RegisterFacts, Fault> {
        let mut facts = RegisterFacts::default();
        for register in &self.0 {
            facts.checked_at.insert(register.id.clone(), register.checked_at);
            if register.lists_any(connection, listings)? {
                facts.listed.push(register.id.clone());
            }
        }
        Ok(facts)
    }
}

impl RegisterRow {
    fn lists_any(&self, connection: &Connection, listings: &[ListingKey]) -> Result<bool, Fault> {
        if listings.is_empty() {
            return Ok(false);
        }
        let places = vec!["?"; listings.len()].join(", ");
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM listing WHERE generation = {} AND listed IN ({places}))",
            self.generation
        );
        let keys = params_from_iter(listings.iter().map(ListingKey::as_bytes));
        Ok(connection.prepare_cached(&sql)?.query_row(keys, |row| row.get(0))?)
    }
}

impl Store {
    /// Replaces a register by what `import` lists, all at once; tells what it is now.
    ///
    /// # Errors
    /// [`StoreError`]: the register is then what it was before.
    pub async fn import_register(
        &self,
        mut import: RegisterImport,
        mut watch: impl FnMut(usize) + Send,
    ) -> Result<RegisterRow, StoreError> {
        import.entries.sort_unstable();
        import.entries.dedup();
        let bytes: Vec<u8> =
            import.entries.iter().flat_map(ListingKey::as_bytes).copied().collect();
        let generation = self.write(Patience::Regardless, |_| fresh_generation()).await?;
        let mut row = RegisterRow {
            id: import.id,
            checked_at: import.checked_at,
            imported_at: Timestamp::default(),
            entries: import.entries.len() as u64,
            file: import.file,
            generation,
            digest: Digest::of(&bytes),
        };
        let mut written = 0;
        for chunk in import.entries.chunks(CHUNK_ENTRIES) {
            let keys = chunk.to_vec();
            written += keys.len();
            self.write(Patience::Regardless, move |writing| insert(writing, generation, &keys))
                .await?;
            watch(written);
        }
        row = self.write(Patience::Regardless, move |writing| change_over(writing, row)).await?;
        while self.write(Patience::Regardless, drop_chunk).await? {}
        Ok(row)
    }

    /// The registers that were imported.
    ///
    /// # Errors
    /// [`StoreError`] if they could not be read.
    pub async fn registers(&self) -> Result<Vec<RegisterRow>, StoreError> {
        self.read(|connection| Registers::read(connection).map(|registers| registers.0)).await
    }
}

fn fresh_generation() -> Result<i64, Fault> {
    let mut number = [0; 8];
    number.copy_from_slice(&fresh_salt()?[..8]);
    Ok(i64::from_be_bytes(number) & i64::MAX)
}

fn insert(writing: &Writing<'_>, generation: i64, keys: &[ListingKey]) -> Result<(), Fault> {
    let mut statement = writing
        .connection()
        .prepare_cached("INSERT OR IGNORE INTO listing (generation, listed) VALUES (?1, ?2)")?;
    for key in keys {
        statement.execute((generation, key.as_bytes()))?;
    }
    Ok(())
}

fn change_over(writing: &mut Writing<'_>, row: RegisterRow) -> Result<RegisterRow, Fault> {
    let row = RegisterRow { imported_at: writing.now(), ..row };
    // Another import at the same time may have dropped what it took for leftovers.
    let found: i64 = writing
        .connection()
        .prepare_cached("SELECT count(*) FROM listing WHERE generation = ?1")?
        .query_row([row.generation], |found| found.get(0))?;
    if from_sql_number(found)? != row.entries {
        return Err(Fault::row("register", &row.id, "another import got in the way; repeat it"));
    }
    row.write(writing.connection())?;
    let body = row.entry_body();
    let payload = Payload { body: body.as_bytes(), ..Payload::default() };
    writing.enter_payload(EntryKind::Import, writing.now(), &payload)?;
    Ok(row)
}

/// Drops some entries of a generation no register has; whether there may be more.
fn drop_chunk(writing: &mut Writing<'_>) -> Result<bool, Fault> {
    let connection = writing.connection();
    let mut after = -1;
    loop {
        let next: Option<i64> = connection
            .prepare_cached("SELECT min(generation) FROM listing WHERE generation > ?1")?
            .query_row([after], |row| row.get(0))?;
        let Some(generation) = next else { return Ok(false) };
        let is_current: bool = connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM register WHERE generation = ?1)")?
            .query_row([generation], |row| row.get(0))?;
        if !is_current {
            connection
                .prepare_cached(
                    "DELETE FROM listing WHERE generation = ?1 AND listed IN
                     (SELECT listed FROM listing WHERE generation = ?1 LIMIT ?2)",
                )?
                .execute((generation, to_sql_number(CHUNK_ENTRIES as u64)))?;
            return Ok(true);
        }
        after = generation;
    }
}
