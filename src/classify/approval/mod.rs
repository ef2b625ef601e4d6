//! Approved notices: one content that an officer lets reach everybody, objectors too.
//!
//! A data breach, a recall or a change of prices must be told to people who want no advertising.
//! An approval names what is shown to the character, with slots for what differs from person to
//! person; it never covers a message that shows anything else. It is no class of mail and no
//! way around an objection: it is one text, for a while, under somebody's name.

mod content;
mod template;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use content::{Reading, Unclear};
pub use template::{SLOT_CHARS_MAX, SLOTS_MAX, Segment};

use super::{Classification, Effect, MessageClass, Signal, SignalSource};
use crate::base::{Digest, EntityId, Timestamp};
use crate::mail::{Message, html};
use template::Values;

/// How long an approval lasts at most.
pub const APPROVAL_DAYS_MAX: i32 = 90;

/// Characters of text that must stand around each slot.
const FIXED_CHARS_PER_SLOT: usize = 10;

/// Why an approval cannot be made or used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ApprovalError {
    /// Nobody can say for sure what the message shows.
    #[error(transparent)]
    Unclear(#[from] Unclear),
    /// A slot where none may stand.
    #[error("{label}: {why}")]
    Slot {
        /// The part.
        label: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file is no approval.
    #[error("it is no approval: {0}")]
    File(String),
    /// The content is not the one that was approved.
    #[error("its content was changed: the digest is {found}, approved was {named}")]
    Changed {
        /// What the file says.
        named: Digest,
        /// What its content hashes to.
        found: Digest,
    },
    /// It lasts too long.
    #[error("`until` lies more than {APPROVAL_DAYS_MAX} days after `at`")]
    TooLong,
}

/// One part of a content, as approved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovedPart {
    /// What it is and how it is shown.
    label: String,
    /// How it is read.
    reading: Reading,
    /// Its text, cut at the slots; for bytes, their SHA-256.
    segments: Vec<Segment>,
}

/// Who approved a content, for whom, why and until when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApprovalTerms {
    /// The legal person on whose streams it may go out.
    pub entity: EntityId,
    /// The operator who answers for it.
    pub by: String,
    /// The second operator, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// Why everybody must be told.
    pub reason: String,
    /// When it was approved.
    pub at: Timestamp,
    /// The last day, in UTC.
    pub until: Date,
}

/// An approved content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Approval {
    /// SHA-256 over the content.
    digest: Digest,
    /// Always `service`: what the message goes out as.
    #[serde(rename = "as")]
    class: ApprovedClass,
    /// Who, for whom, why, until when.
    #[serde(flatten)]
    terms: ApprovalTerms,
    /// What is seen, in order.
    #[serde(rename = "part")]
    parts: Vec<ApprovedPart>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApprovedClass {
    Service,
}

impl Approval {
    /// The approval of what `message` shows, its `{{slots}}` left open.
    ///
    /// # Errors
    /// [`ApprovalError`] if that is not clear to the character, a slot stands where it could
    /// carry more than a value, or it would last too long.
    pub fn of(message: &Message, terms: ApprovalTerms) -> Result<Self, ApprovalError> {
        let seen = content::all(message)?;
        let parts = seen.into_iter().map(approve_part).collect::<Result<Vec<_>, _>>()?;
        let approval =
            Self { digest: digest_of(&parts), class: ApprovedClass::Service, terms, parts };
        approval.check_length()?;
        Ok(approval)
    }

    /// Reads the file [`Approval::to_toml`] wrote.
    ///
    /// # Errors
    /// [`ApprovalError`] if it is none, or no longer says what was approved.
    pub fn parse(text: &str) -> Result<Self, ApprovalError> {
        let approval: Self =
            toml::from_str(text).map_err(|error| ApprovalError::File(error.to_string()))?;
        let found = digest_of(&approval.parts);
        if found != approval.digest {
            return Err(ApprovalError::Changed { named: approval.digest, found });
        }
        approval.check_length()?;
        Ok(approval)
    }

    /// The file that keeps it.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).expect("texts, dates and digests have a TOML form");
        format!("# Written by `consentry approve`. A changed content no longer counts.\n{text}")
    }

    fn check_length(&self) -> Result<(), ApprovalError> {
        let days = self.terms.at.date().until(self.terms.until).map_or(i32::MAX, |s| s.get_days());
        if days > APPROVAL_DAYS_MAX { Err(ApprovalError::TooLong) } else { Ok(()) }
    }

    /// SHA-256 over the content.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Who, for whom, why, until when.
    pub const fn terms(&self) -> &ApprovalTerms {
        &self.terms
    }

    /// The names of its slots, in alphabetical order.
    pub fn slots(&self) -> Vec<&str> {
        let segments = self.parts.iter().flat_map(|part| &part.segments);
        let mut names: Vec<&str> = segments
            .filter_map(|segment| match segment {
                Segment::Slot { slot } => Some(slot.as_str()),
                Segment::Fixed(_) => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The subject as approved.
    pub fn subject(&self) -> String {
        let shown = |segment: &Segment| match segment {
            Segment::Fixed(text) => text.clone(),
            Segment::Slot { slot } => format!("{{{{{slot}}}}}"),
        };
        self.parts
            .first()
            .map_or_else(String::new, |part| part.segments.iter().map(shown).collect())
    }

    /// Whether it counts for mail of `entity` received at `at`.
    pub fn is_in_force(&self, entity: &EntityId, at: Timestamp) -> bool {
        self.terms.entity == *entity && self.terms.at <= at && at.date() <= self.terms.until
    }

    /// Whether `message` shows what was approved and nothing else.
    pub fn covers(&self, message: &Message) -> bool {
        let fits_subject = content::subject(message).is_ok_and(|subject| {
            let mut values = Values::new();
            self.parts.first().is_some_and(|part| part.fits(&subject, &mut values))
        });
        fits_subject && content::all(message).is_ok_and(|seen| self.fits(&seen))
    }

    fn fits(&self, seen: &[content::Seen]) -> bool {
        let mut values = Values::new();
        self.parts.len() == seen.len()
            && self.parts.iter().zip(seen).all(|(part, seen)| part.fits(seen, &mut values))
    }
}

impl ApprovedPart {
    fn fits(&self, seen: &content::Seen, values: &mut Values) -> bool {
        self.label == seen.label
            && self.reading == seen.reading
            && template::fits(&self.segments, &seen.text, self.reading, values)
    }
}

/// The approvals of a house.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Approvals(Vec<Approval>);

impl Approvals {
    /// These approvals.
    pub const fn new(all: Vec<Approval>) -> Self {
        Self(all)
    }

    /// All of them, whether in force or not.
    pub fn iter(&self) -> impl Iterator<Item = &Approval> {
        self.0.iter()
    }

    /// The approval that covers a message of `entity` received at `at`.
    pub fn covering(
        &self,
        message: &Message,
        entity: &EntityId,
        at: Timestamp,
    ) -> Option<&Approval> {
        self.0.iter().find(|one| one.is_in_force(entity, at) && one.covers(message))
    }
}

impl Classification {
    /// The same message as `approval` lets it go out: as service mail, for this reason.
    #[must_use]
    pub fn approved(mut self, approval: &Approval) -> Self {
        for signal in &mut self.signals {
            signal.is_deciding = false;
        }
        let text = format!(
            "{} approved this content for everybody until {} (digest {})",
            approval.terms.by, approval.terms.until, approval.digest
        );
        let signal =
            Signal::new("approved_notice", SignalSource::Stream, Effect::Lowers, text).deciding();
        self.signals.insert(0, signal);
        Self { class: MessageClass::Service, elements: Vec::new(), ..self }
    }
}

fn approve_part(seen: content::Seen) -> Result<ApprovedPart, ApprovalError> {
    let content::Seen { label, reading, text } = seen;
    let wrong = |why: String| ApprovalError::Slot { label: label.clone(), why };
    let segments = match reading {
        Reading::Bytes => vec![Segment::Fixed(text.clone())],
        Reading::Fixed if text.contains("{{") => {
            return Err(wrong(String::from("no slot may stand here; write it out")));
        }
        Reading::Fixed => vec![Segment::Fixed(text.clone())],
        Reading::Plain | Reading::Html => template::cut(&text).map_err(&wrong)?,
    };
    if reading == Reading::Html {
        check_places(&text).map_err(&wrong)?;
    }
    check_proportion(&segments).map_err(&wrong)?;
    Ok(ApprovedPart { label, reading, segments })
}

/// In HTML, slots stand in texts only: in a tag, a style sheet or a comment they could make,
/// hide or uncover something.
fn check_places(source: &str) -> Result<(), String> {
    let mut slots = source.match_indices("{{").peekable();
    if slots.peek().is_none() {
        return Ok(());
    }
    let texts = html::texts(source.as_bytes())
        .ok_or("the HTML ends within a tag or a comment; slots need a document that is whole")?;
    for (at, _) in slots {
        if !texts.iter().any(|text| text.contains(&at)) {
            let shown: String = source[at..].chars().take(40).collect();
            return Err(format!("`{shown}`: a slot may stand in texts only, never in a tag"));
        }
    }
    Ok(())
}

/// A text that is mostly slots would approve nearly anything.
fn check_proportion(segments: &[Segment]) -> Result<(), String> {
    let (mut fixed, mut slots) = (0, 0);
    for segment in segments {
        match segment {
            Segment::Fixed(text) => fixed += text.chars().count(),
            Segment::Slot { .. } => slots += 1,
        }
    }
    match fixed < slots * FIXED_CHARS_PER_SLOT {
        true => Err(format!(
            "{slots} slots in {fixed} characters; each needs {FIXED_CHARS_PER_SLOT} that are fixed"
        )),
        false => Ok(()),
    }
}

fn digest_of(parts: &[ApprovedPart]) -> Digest {
    let text = serde_json::to_vec(parts).expect("texts and names always have a JSON form");
    Digest::of_parts(&[b"approved content v1", &text])
}
