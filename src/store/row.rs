//! Checksums over rows, and the small conversions between our values and SQLite's.
//!
//! A checksum finds a changed byte; it is no proof against somebody who can write the file and
//! recompute it. What must be proven stands in the journal.

use aws_lc_rs::rand;
use rusqlite::types::ValueRef;

use super::fault::Fault;
use crate::base::Digest;

/// The checksum of a row: its table's name and its columns, in their order.
pub(super) fn row_sum(table: &str, columns: &[ValueRef<'_>]) -> [u8; 16] {
    row_digest(table, columns).short()
}

/// The digest of a list of columns under a label.
pub(super) fn row_digest(label: &str, columns: &[ValueRef<'_>]) -> Digest {
    Digest::of(&row_bytes(label, columns))
}

/// A list of columns under a label as bytes; no two different lists have the same. What is hashed
/// or signed is this, so it never changes. Note: the manual's page on proofs describes it.
pub(super) fn row_bytes(label: &str, columns: &[ValueRef<'_>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 * columns.len());
    put(&mut bytes, b'l', label.as_bytes());
    for column in columns {
        match column {
            ValueRef::Null => bytes.push(b'n'),
            ValueRef::Integer(value) => put(&mut bytes, b'i', &value.to_be_bytes()),
            ValueRef::Real(value) => put(&mut bytes, b'r', &value.to_be_bytes()),
            ValueRef::Text(value) => put(&mut bytes, b't', value),
            ValueRef::Blob(value) => put(&mut bytes, b'b', value),
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    bytes.push(kind);
    bytes.extend_from_slice(&(value.len() as u64).to_be_bytes());
    bytes.extend_from_slice(value);
}

/// A nullable column as a value to hash.
pub(super) fn nullable<'a, T>(
    value: Option<T>,
    as_value: impl FnOnce(T) -> ValueRef<'a>,
) -> ValueRef<'a> {
    value.map_or(ValueRef::Null, as_value)
}

/// 16 random bytes.
pub(super) fn fresh_salt() -> Result<[u8; 16], Fault> {
    let mut salt = [0; 16];
    rand::fill(&mut salt)
        .map_err(|_| Fault::row("(random numbers)", "salt", "the system gave none"))?;
    Ok(salt)
}

/// A number of ours as SQLite keeps it. Invariant: no count or sequence reaches 2^63.
pub(super) fn to_sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or sequence number back from SQLite; a negative one can only be damage.
pub(super) fn from_sql_number(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::row("(number)", number, "a count is never below zero"))
}

#[cfg(test)]
mod tests {
    use rusqlite::types::ValueRef;

    use super::row_digest;

    #[test]
    fn no_two_rows_hash_alike() {
        let rows: [&[ValueRef<'_>]; 7] = [
            &[],
            &[ValueRef::Null],
            &[ValueRef::Null, ValueRef::Null],
            &[ValueRef::Blob(b"ab")],
            &[ValueRef::Text(b"ab")],
            &[ValueRef::Blob(b"a"), ValueRef::Blob(b"b")],
            &[ValueRef::Integer(0x6162)],
        ];
        for (i, one) in rows.iter().enumerate() {
            for other in &rows[i + 1..] {
                assert_ne!(row_digest("t", one), row_digest("t", other));
            }
            assert_ne!(row_digest("t", one), row_digest("u", one));
        }
    }
}
