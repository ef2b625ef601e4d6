//! What officers recorded and erased: nothing without its journal entry, and no entry without it.

use rusqlite::{Connection, OptionalExtension};

use super::VerifyError;

/// Checks each row about legal persons against the entry it came with, that none is missing, and
/// that what was erased is gone.
pub(super) fn check_officers(connection: &Connection) -> Result<(), VerifyError> {
    for (table, odd, what) in [
        (
            "succession",
            "SELECT succession.id FROM succession LEFT JOIN payload USING (chain, seq)
             LEFT JOIN journal USING (chain, seq) WHERE kind IS NOT 'operator'
             OR CAST(payload.body AS TEXT) -> 'succession' IS NOT succession.body LIMIT 1",
            "it is not what its journal entry says",
        ),
        (
            "succession",
            "SELECT journal.seq FROM journal JOIN payload USING (chain, seq)
             LEFT JOIN succession USING (chain, seq) WHERE kind = 'operator'
             AND succession.id IS NULL
             AND CAST(payload.body AS TEXT) ->> 'act' = 'succession' LIMIT 1",
            "a row that the journal tells of is missing",
        ),
        (
            "erased",
            "SELECT evidence.id FROM erased JOIN evidence ON evidence.id = erased.evidence LIMIT 1",
            "evidence that was erased is still there",
        ),
    ] {
        let found: Option<i64> = connection.query_row(odd, [], |row| row.get(0)).optional()?;
        if let Some(key) = found {
            return Err(VerifyError::at(table, key, what));
        }
    }
    Ok(())
}
