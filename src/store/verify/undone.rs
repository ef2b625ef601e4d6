//! What was undone: only by an act that is journalled, and only evidence there is.

use rusqlite::{Connection, OptionalExtension};

use super::VerifyError;

/// Checks that each change of what counts belongs to evidence of that person, and that whatever
/// was undone was undone by a journalled act.
pub(super) fn check_recounts(connection: &Connection) -> Result<(), VerifyError> {
    for (odd, what) in [
        (
            "SELECT lower(hex(recount.person)) FROM recount
             LEFT JOIN evidence ON evidence.id = recount.evidence
             WHERE evidence.person IS NOT recount.person LIMIT 1",
            "it speaks of evidence that is not this person's",
        ),
        (
            "SELECT lower(hex(person)) FROM recount WHERE counts = 0 AND batch IS NOT NULL
             AND batch NOT IN (
                 SELECT CAST(body AS TEXT) ->> 'batch' FROM journal JOIN payload USING (chain, seq)
                 WHERE kind = 'undo' AND CAST(body AS TEXT) ->> 'batch' IS NOT NULL) LIMIT 1",
            "no journal entry says that this import was undone",
        ),
        (
            "SELECT lower(hex(person)) FROM recount WHERE counts = 0 AND batch IS NULL
             AND evidence NOT IN (
                 SELECT CAST(body AS TEXT) ->> 'lifts' FROM journal JOIN payload USING (chain, seq)
                 WHERE kind = 'undo' AND CAST(body AS TEXT) ->> 'lifts' IS NOT NULL) LIMIT 1",
            "something was undone that no import told and no officer lifted",
        ),
    ] {
        let found: Option<String> = connection.query_row(odd, [], |row| row.get(0)).optional()?;
        if let Some(person) = found {
            return Err(VerifyError::at("recount", person, what));
        }
    }
    Ok(())
}
