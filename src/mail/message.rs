//! A scanned message: the received bytes and the spans within them.
//!
//! Scanning never fails. What readers may take differently is in [`Message::anomalies`]; it
//! forbids body edits, nothing else.

use super::RawMessage;
use super::anomaly::{Anomalies, Anomaly};
use super::entity::{Entity, EntityIndex};
use super::field::{Field, FieldSpan};
use super::opinion;
use super::scan::{Scanned, scan};

/// The bytes of a message and their structure.
#[derive(Clone)]
pub struct Message {
    raw: RawMessage,
    entities: Vec<Entity>,
    fields: Vec<FieldSpan>,
    anomalies: Anomalies,
    depth: usize,
    longest_line: usize,
}

impl Message {
    /// Scans a message from end to end, in linear time and without recursion.
    pub fn scan(raw: RawMessage) -> Self {
        let Scanned { entities, fields, mut anomalies, depth } = scan(raw.bytes());
        let longest_line = check_lines(raw.bytes(), &mut anomalies);
        Self { raw, entities, fields, anomalies, depth, longest_line }
    }

    /// The received message.
    pub const fn raw(&self) -> &RawMessage {
        &self.raw
    }

    /// The received bytes.
    pub fn bytes(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// The entities in the order of their header blocks; the first is the message itself.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// The message as an entity.
    pub fn root(&self) -> &Entity {
        &self.entities[0]
    }

    /// One entity.
    pub fn entity(&self, index: EntityIndex) -> &Entity {
        &self.entities[index]
    }

    /// The header fields of the message itself, in order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields_of(self.root())
    }

    /// The header fields of one entity, in order.
    pub fn fields_of(&self, entity: &Entity) -> impl Iterator<Item = Field<'_>> {
        let spans = self.fields[entity.fields.clone()].iter();
        spans.map(|&span| Field::new(self.raw.bytes(), span))
    }

    /// The fields of the message itself called `name`, in any case, in order.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Field<'a>> {
        self.fields().filter(move |field| field.is(name))
    }

    /// Whether the message itself has a field called `name`.
    pub fn has_header(&self, name: &str) -> bool {
        self.header(name).next().is_some()
    }

    /// All addresses of all From fields, as written; more than one leaves open who sends.
    pub fn from_addresses(&self) -> Vec<String> {
        self.header("From").flat_map(|f| opinion::addresses(&self.bytes()[f.range()])).collect()
    }

    /// The subject, its encoded words decoded; `None` unless there is exactly one.
    pub fn subject(&self) -> Option<String> {
        opinion::subject(&self.bytes()[self.only("Subject")?.range()])
    }

    /// The only mailbox in the only From field: what is shown for it, decoded, and its address.
    pub fn sole_from(&self) -> Option<(String, String)> {
        opinion::sole_mailbox(&self.bytes()[self.only("From")?.range()])
    }

    fn only<'a>(&'a self, name: &'a str) -> Option<Field<'a>> {
        let mut all = self.header(name);
        all.next().filter(|_| all.next().is_none())
    }

    /// Where the leading run of Received and Return-Path fields ends: new fields go here, so
    /// that trace blocks stay in one piece (RFC 5321 §4.4, RFC 5322 §3.6).
    pub fn leading_trace_end(&self) -> usize {
        self.fields()
            .take_while(|field| field.is("Received") || field.is("Return-Path"))
            .take_while(|field| field.raw_value().ends_with(b"\n"))
            .last()
            .map_or(0, |field| field.range().end)
    }

    /// The header block as received, without the blank line that ends it.
    pub fn header_block(&self) -> &[u8] {
        let end = self.fields().last().map_or(0, |field| field.range().end);
        &self.bytes()[..end]
    }

    /// Everything that readers may take differently, over all entities.
    pub const fn anomalies(&self) -> Anomalies {
        self.anomalies
    }

    /// How many multiparts stand within each other at most.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// Octets of the longest line, without its CRLF.
    pub const fn longest_line(&self) -> usize {
        self.longest_line
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("bytes", &self.raw.len())
            .field("entities", &self.entities.len())
            .field("anomalies", &self.anomalies)
            .finish_non_exhaustive()
    }
}

/// The longest line; bare CR, bare LF and NUL go to `anomalies` (RFC 5321 §2.3.8).
fn check_lines(bytes: &[u8], anomalies: &mut Anomalies) -> usize {
    let (mut start, mut longest, mut skip) = (0, 0, None);
    for at in memchr::memchr3_iter(b'\r', b'\n', 0, bytes) {
        match bytes[at] {
            0 => anomalies.insert(Anomaly::Nul),
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => {
                skip = Some(at + 1);
                longest = longest.max(at - start);
                start = at + 2;
            }
            _ if skip == Some(at) => {}
            _ => anomalies.insert(Anomaly::BareLineEnd),
        }
    }
    longest.max(bytes.len().saturating_sub(start))
}
