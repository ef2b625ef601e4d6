//! One row of our own columns as evidence, whichever file or format it came from.
//!
//! The evidence CSV, JSON lines, `record` and every other system's export end here, so that a
//! fact means the same in all of them. Rows that can only narrow what is allowed are read in the
//! person's favour; what is unclear in any other row refuses it.

use crate::base::{
    BrandId, CollectionPointId, EntityId, JurisdictionId, Mailbox, Timestamp, TopicId,
};
use crate::eligibility::csv::{Defaults, RowError};
use crate::eligibility::draft::{DraftError, DraftScope, EvidenceDraft, bounded, word_as};
use crate::eligibility::evidence::Evidence;

use super::Remark;

/// A row as a look-up by column name.
pub(in crate::eligibility) struct OwnRow<'a> {
    /// The line it begins on.
    pub(in crate::eligibility) line: u64,
    /// The value of a column, if it has one.
    pub(in crate::eligibility) value: &'a dyn Fn(&str) -> Option<&'a str>,
    /// What is taken for granted.
    pub(in crate::eligibility) defaults: &'a Defaults,
}

impl<'a> OwnRow<'a> {
    fn field(&self, name: &str) -> Option<&'a str> {
        (self.value)(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The address it is about.
    pub(in crate::eligibility) fn mailbox(&self) -> Result<Mailbox, RowError> {
        Mailbox::parse(self.field("address").unwrap_or_default()).map_err(|error| {
            let hint = "one address, such as a@example.com";
            self.place(DraftError::new("address", error.to_string(), hint))
        })
    }

    fn is_protective(&self) -> bool {
        self.draft().is_protective()
    }

    fn draft(&self) -> EvidenceDraft {
        let kind = self.field("kind").unwrap_or_default().to_owned();
        EvidenceDraft { kind, ..EvidenceDraft::default() }
    }

    fn place(&self, error: DraftError) -> RowError {
        RowError {
            line: self.line,
            column: error.column.to_owned(),
            message: error.message,
            hint: error.hint,
            is_protective: self.is_protective(),
        }
    }

    /// Its pieces, and what had to be supposed about them.
    pub(in crate::eligibility) fn evidence(
        &self,
    ) -> Result<(Vec<Evidence>, Vec<Remark>), RowError> {
        let mut draft = self.draft();
        let is_protective = draft.is_protective();
        let place = |error| self.place(error);
        draft.kind().map_err(place)?;
        draft.entity = self.entities().map_err(place)?;
        let mut remarks = Vec::new();
        match self.fill(&mut draft) {
            Ok(()) => {}
            Err(_) if is_protective => self.fill_protective(&mut draft, &mut remarks),
            Err(error) => return Err(place(error)),
        }
        if is_protective && draft.at.is_none() {
            draft.at = Some(self.defaults.imported_at);
            remarks.push(Remark::Undated);
        } else if !is_protective && draft.at.is_some_and(|at| at > self.defaults.imported_at) {
            let hint = "a permission cannot be dated after the import";
            return Err(place(DraftError::new("at", "the date lies in the future", hint)));
        }
        Ok((draft.into_evidence().map_err(place)?, remarks))
    }

    fn entities(&self) -> Result<Vec<EntityId>, DraftError> {
        let named = self.names("entity", EntityId::parse)?;
        if named.is_empty() {
            Ok(self.defaults.entity.clone().into_iter().collect())
        } else {
            Ok(named)
        }
    }

    /// Every column, strictly.
    fn fill(&self, draft: &mut EvidenceDraft) -> Result<(), DraftError> {
        draft.at = self.moment("at")?;
        draft.brand = self.names("brand", BrandId::parse)?.into_iter().next();
        draft.topics = self.names("topics", TopicId::parse)?;
        draft.collection_point =
            self.names("collection_point", CollectionPointId::parse)?.into_iter().next();
        draft.opt_out_offered = self.answer("opt_out_offered")?;
        draft.completed = self.answer("completed")?;
        draft.paid = self.answer("paid")?;
        draft.direct = self.answer("direct")?;
        draft.ended_at = self.moment("ended_at")?;
        draft.double_opt_in_at = self.moment("double_opt_in_at")?;
        let acts = "tick, button, oral, paper, import, preticked or bundled";
        draft.mechanism = self.word("mechanism", acts)?;
        draft.scope = self.word("scope", "entity, brand or topic")?;
        draft.jurisdictions = self.names("jurisdictions", JurisdictionId::parse)?;
        let subjects =
            "natural, sole_trader, partnership_unincorporated, legal_person or public_body";
        draft.subject_kind = self.word("subject_kind", subjects)?;
        draft.address_kind =
            self.word("address_kind", "personal, work_named or work_impersonal")?;
        self.fill_texts(draft);
        Ok(())
    }

    fn fill_texts(&self, draft: &mut EvidenceDraft) {
        let text = |name| self.field(name).map(|text| text.chars().take(200).collect());
        draft.wording_version = text("wording_version");
        draft.channel = text("channel");
        draft.source = text("source");
        draft.reference = text("reference");
        draft.ip = text("ip");
    }

    /// What can be read of a row that protects the person; the rest is left open, which covers
    /// more, not less.
    fn fill_protective(&self, draft: &mut EvidenceDraft, remarks: &mut Vec<Remark>) {
        draft.at = self.moment("at").ok().flatten();
        draft.brand = self.names("brand", BrandId::parse).ok().and_then(|n| n.into_iter().next());
        let topics = self.names("topics", TopicId::parse);
        let scope = self.word::<DraftScope>("scope", "");
        // A list of topics that cannot be read whole would narrow the objection by mistake.
        if topics.is_err() || scope.is_err() {
            remarks.push(Remark::Widened);
        }
        draft.scope = if topics.is_ok() { scope.ok().flatten() } else { None };
        draft.topics = topics.unwrap_or_default();
        self.fill_texts(draft);
    }

    fn names<T, E>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, DraftError> {
        let hint = "lower-case letters, digits, `-`, `_`, `.`; several parted by `;`";
        let words = self.field(column).unwrap_or_default();
        words
            .split([';', ',', ' ', '|'])
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| {
                let wrong =
                    || DraftError::new(column, format!("`{}` is not a name", bounded(word)), hint);
                parse(word).map_err(|_| wrong())
            })
            .collect()
    }

    fn moment(&self, column: &'static str) -> Result<Option<Timestamp>, DraftError> {
        let Some(text) = self.field(column) else { return Ok(None) };
        let wrong = || {
            let hint = "a date such as 2026-02-05, or a moment such as 2026-02-05T09:30:00Z";
            DraftError::new(column, format!("`{}` is not a date", bounded(text)), hint)
        };
        Timestamp::parse(text).map(Some).ok_or_else(wrong)
    }

    fn answer(&self, column: &'static str) -> Result<Option<bool>, DraftError> {
        let Some(text) = self.field(column) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" | "y" => Ok(Some(true)),
            "no" | "false" | "0" | "n" => Ok(Some(false)),
            "unknown" => Ok(None),
            other => {
                let message = format!("`{}` is neither yes nor no", bounded(other));
                Err(DraftError::new(column, message, "yes, no, or empty for unknown"))
            }
        }
    }

    fn word<T: for<'de> serde::Deserialize<'de>>(
        &self,
        column: &'static str,
        allowed: &'static str,
    ) -> Result<Option<T>, DraftError> {
        let Some(text) = self.field(column) else { return Ok(None) };
        let wrong =
            || DraftError::new(column, format!("unknown word `{}`", bounded(text)), allowed);
        word_as(text).map(Some).ok_or_else(wrong)
    }
}
