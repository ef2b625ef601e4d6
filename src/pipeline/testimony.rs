//! Evidence a message brings along: `X-Consentry-Evidence: sale; topic=footwear; point=web-7`.
//!
//! A shop knows of a sale when it confirms the order, and no import could be fresher. Only a
//! client with `may_record` is believed, for one recipient, about topics it may name; the legal
//! person comes from the stream or the collection point, never from the field. It only tells of
//! dealings: nobody consents on somebody else's word.

use thiserror::Error;

use super::frame::Frame;
use super::house::Client;
use super::reply_table::Ending;
use crate::base::{CollectionPointId, EntityId, PersonKey, TopicId};
use crate::eligibility::{Evidence, EvidenceDraft, Level};

/// The field.
const FIELD: &str = "X-Consentry-Evidence";

/// The kinds a message may tell of.
const KINDS: &[&str] = &[
    "sale",
    "contract_opened",
    "contract_ended",
    "negotiation",
    "quote_request",
    "inquiry",
    "donation",
    "membership",
    "volunteering",
];

/// Why a field is not believed. Repeats nothing of it: an address may stand where a word should.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TestimonyError {
    /// The client may not record.
    #[error("the client has no `may_record`")]
    NoRight,
    /// Several recipients, or several fields: nobody knows whose sale it was.
    #[error("it needs exactly one recipient and one field")]
    Ambiguous,
    /// The kind is not one a message may tell of.
    #[error("its kind is none a message may tell of")]
    Kind,
    /// A word is not understood.
    #[error("a word of it is not topic=, point=, completed=yes|no, paid=yes|no or reference=")]
    Word,
    /// The topic is not one the client may name.
    #[error("its topic is not among those the client may name")]
    Topic,
    /// The collection point is not in the configuration, or not in use.
    #[error("its collection point is not in use")]
    Point,
    /// The collection point is another legal person's than the client writes for.
    #[error("its collection point belongs to a legal person the client does not write for")]
    Foreign,
    /// Neither the stream nor a collection point tells the legal person.
    #[error("neither the stream nor a collection point names the legal person")]
    NoEntity,
}

impl Frame {
    /// The evidence the message brings along, if its one recipient was served.
    ///
    /// # Errors
    /// Why a field is there and not believed.
    pub fn testimony(
        &self,
        endings: &[Ending],
    ) -> Result<Option<(PersonKey, Vec<Evidence>)>, TestimonyError> {
        let mut fields = self.message.header(FIELD);
        let Some(field) = fields.next() else { return Ok(None) };
        let client = self.house.client(&self.transaction.peer.client);
        let client = client.filter(|client| client.may_record).ok_or(TestimonyError::NoRight)?;
        let ([ending], [path], None) =
            (endings, self.transaction.envelope.forward_paths.as_slice(), fields.next())
        else {
            return Err(TestimonyError::Ambiguous);
        };
        let Some(mailbox) = path.mailbox().filter(|_| ending.is_served()) else { return Ok(None) };
        let told = Told::parse(&field.unfolded(), &client.claims.topics)?;
        let draft = EvidenceDraft {
            kind: told.kind.to_owned(),
            at: Some(self.transaction.received_at),
            entity: vec![self.entity_of(client, told.point.as_ref())?],
            topics: told.topics,
            collection_point: told.point,
            completed: told.completed,
            paid: told.paid,
            source: Some(format!("mail:{}", client.name)),
            reference: told.reference,
            level: Some(Level::Import),
            ..EvidenceDraft::default()
        };
        let pieces = draft.into_evidence().map_err(|_| TestimonyError::Word)?;
        let tag = Some(self.house.keyring.address_tag(mailbox));
        let recorded_at = self.transaction.received_at;
        let stamped = pieces.into_iter().map(|mut piece| {
            piece.provenance.recorded_at = recorded_at;
            Evidence { tag, ..piece }
        });
        Ok(Some((self.house.keyring.person_key(mailbox), stamped.collect())))
    }

    fn entity_of(
        &self,
        client: &Client,
        point: Option<&CollectionPointId>,
    ) -> Result<EntityId, TestimonyError> {
        let own = self.stream.sender.as_ref().map(|sender| &sender.entity);
        let Some(id) = point else {
            return own.cloned().ok_or(TestimonyError::NoEntity);
        };
        let day = self.transaction.received_at.date();
        let known = self.house.policy.collection_points.get(id);
        let known = known.filter(|point| point.was_in_use(day)).ok_or(TestimonyError::Point)?;
        // Whoever could pick the legal person could pick the permission.
        let mut senders = self.house.streams.iter().filter_map(|stream| stream.sender.as_ref());
        let is_own = own == Some(&known.entity)
            || senders.any(|sender| {
                sender.entity == known.entity && client.claims.brands.contains(&sender.brand)
            });
        match is_own {
            true => Ok(known.entity.clone()),
            false => Err(TestimonyError::Foreign),
        }
    }
}

/// What a field says.
#[derive(Debug)]
struct Told {
    kind: &'static str,
    topics: Vec<TopicId>,
    point: Option<CollectionPointId>,
    completed: Option<bool>,
    paid: Option<bool>,
    reference: Option<String>,
}

impl Told {
    fn parse(value: &str, topics: &[TopicId]) -> Result<Self, TestimonyError> {
        let mut parts = value.split(';').map(str::trim);
        let word = parts.next().unwrap_or_default();
        let kind = KINDS.iter().copied().find(|kind| *kind == word);
        let mut told = Self {
            kind: kind.ok_or(TestimonyError::Kind)?,
            topics: Vec::new(),
            point: None,
            completed: None,
            paid: None,
            reference: None,
        };
        for part in parts.filter(|part| !part.is_empty()) {
            told.add(part, topics)?;
        }
        Ok(told)
    }

    fn add(&mut self, part: &str, topics: &[TopicId]) -> Result<(), TestimonyError> {
        let odd = || TestimonyError::Word;
        let (name, value) = part.split_once('=').ok_or_else(odd)?;
        let value = value.trim();
        match name.trim() {
            "topic" | "topics" => {
                for word in value.split(',').map(str::trim) {
                    let known = topics.iter().find(|topic| topic.as_str() == word);
                    let known = known.ok_or(TestimonyError::Topic)?;
                    self.topics.push(known.clone());
                }
            }
            "point" => self.point = Some(CollectionPointId::parse(value).map_err(|_| odd())?),
            "completed" => self.completed = Some(answer(value).ok_or_else(odd)?),
            "paid" => self.paid = Some(answer(value).ok_or_else(odd)?),
            "reference" => {
                let printable = value.chars().filter(|c| !c.is_control());
                self.reference = Some(printable.take(200).collect());
            }
            _ => return Err(odd()),
        }
        Ok(())
    }
}

fn answer(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::Told;
    use crate::base::TopicId;

    fn topics() -> Vec<TopicId> {
        vec![TopicId::parse("footwear").unwrap()]
    }

    #[track_caller]
    fn refused(value: &str, because: &str) {
        let error = Told::parse(value, &topics()).unwrap_err();
        assert!(error.to_string().contains(because), "{error}");
    }

    #[test]
    fn a_field_tells_kind_topics_point_and_answers() {
        let value = "sale; topic=footwear; point=web-7; completed=yes; paid=no; reference=A 12";
        let told = Told::parse(value, &topics()).unwrap();
        assert_eq!((told.kind, told.topics), ("sale", topics()));
        assert_eq!(told.point.unwrap().as_str(), "web-7");
        assert_eq!((told.completed, told.paid), (Some(true), Some(false)));
        assert_eq!(told.reference.as_deref(), Some("A 12"));
        let bare = Told::parse("inquiry", &topics()).unwrap();
        assert_eq!((bare.completed, bare.paid), (None, None), "what is not said is not known");
    }

    #[test]
    fn what_is_not_understood_is_not_believed() {
        refused("consent_given; topic=footwear", "its kind is none");
        refused("", "its kind is none");
        refused("sale; topic=insurance", "its topic is not");
        refused("sale; colour=red", "a word of it");
        refused("sale; paid=perhaps", "a word of it");
        refused("sale; entity=other", "a word of it");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(value in ".{0,80}") {
            let _ = Told::parse(&value, &topics());
        }
    }
}
