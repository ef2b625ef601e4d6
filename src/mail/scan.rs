//! The strict scanner: one pass, no recursion, linear in the message (RFC 2046 §5.1).
//!
//! It follows only what all readers must see alike: a delimiter stands at a line start and is
//! exact but for trailing white space; outer boundaries hold at any depth. Everything else is
//! noted as an anomaly and scanned on. Nested messages are opaque leaves.

use std::ops::Range;

use super::anomaly::{Anomalies, Anomaly};
use super::entity::{Entity, EntityIndex};
use super::field::{Field, FieldSpan};
use super::mime_field::{Disposition, MediaType, TransferEncoding};

/// Multiparts within multiparts that are followed.
pub(super) const DEPTH_MAX: usize = 64;
/// Entities that are followed.
pub(super) const ENTITIES_MAX: usize = 1000;
/// Header fields that are kept, over all entities.
pub(super) const FIELDS_MAX: usize = 10_000;

/// What a scan finds.
pub(super) struct Scanned {
    pub(super) entities: Vec<Entity>,
    pub(super) fields: Vec<FieldSpan>,
    pub(super) anomalies: Anomalies,
    pub(super) depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preamble,
    Parts,
    Epilogue,
}

struct Open {
    entity: EntityIndex,
    boundary: Range<usize>,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Place {
    /// In the header block of an entity.
    Header(EntityIndex),
    /// In the body of a leaf.
    Leaf(EntityIndex),
    /// In the preamble or epilogue of the innermost open multipart.
    Between,
}

#[derive(Clone, Copy)]
struct Line {
    start: usize,
    /// Where the text ends, before CRLF.
    end: usize,
    /// Where the next line starts.
    next: usize,
}

struct Hit {
    open: usize,
    is_close: bool,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    entities: Vec<Entity>,
    fields: Vec<FieldSpan>,
    stack: Vec<Open>,
    /// The boundaries of all open multiparts, one after the other; [`Open::boundary`] cuts it.
    boundaries: Vec<u8>,
    place: Place,
    depth: usize,
}

/// Scans `bytes` from end to end.
pub(super) fn scan(bytes: &[u8]) -> Scanned {
    let mut scanner = Scanner {
        bytes,
        entities: vec![Entity::opening_at(0, None, 0)],
        fields: Vec::new(),
        stack: Vec::new(),
        boundaries: Vec::new(),
        place: Place::Header(0),
        depth: 0,
    };
    scanner.run();
    let mut anomalies = Anomalies::default();
    for entity in &scanner.entities {
        anomalies.extend(entity.anomalies);
    }
    let Scanner { entities, fields, depth, .. } = scanner;
    Scanned { entities, fields, anomalies, depth }
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            if !matches!(self.place, Place::Header(_)) {
                let Some(start) = self.next_dashes(at) else { break };
                at = start;
            }
            let line = self.line(at);
            at = line.next;
            if let Some(hit) = self.delimiter(line) {
                if !self.cross(&hit, line) {
                    break;
                }
            } else if let Place::Header(entity) = self.place {
                self.header_line(entity, line);
            }
        }
        self.finish();
    }

    fn line(&self, start: usize) -> Line {
        match memchr::memchr(b'\n', &self.bytes[start..]) {
            Some(length) => {
                let end = start + length;
                let has_cr = end > start && self.bytes[end - 1] == b'\r';
                Line { start, end: end - usize::from(has_cr), next: end + 1 }
            }
            None => Line { start, end: self.bytes.len(), next: self.bytes.len() },
        }
    }

    /// The next line start at or after `from` (a line start) that begins with `--`.
    fn next_dashes(&self, from: usize) -> Option<usize> {
        if self.stack.is_empty() {
            return None;
        }
        let rest = &self.bytes[from..];
        if rest.starts_with(b"--") {
            return Some(from);
        }
        memchr::memmem::find(rest, b"\n--").map(|at| from + at + 1)
    }

    /// Whether `line` is a delimiter of an open multipart; the outermost wins
    /// (RFC 2046 §5.1.2).
    fn delimiter(&mut self, line: Line) -> Option<Hit> {
        let text = self.bytes[line.start..line.end].strip_prefix(b"--")?;
        for (index, open) in self.stack.iter().enumerate() {
            let Some(tail) = text.strip_prefix(&self.boundaries[open.boundary.clone()]) else {
                continue;
            };
            let is_delimiter = is_blank(tail);
            let is_close = tail.strip_prefix(b"--").is_some_and(is_blank);
            let anomalies = &mut self.entities[open.entity].anomalies;
            if !is_delimiter && !is_close {
                // RFC 2046 §5.1.1 compares only the beginning of the line; readers differ.
                anomalies.insert(Anomaly::PrefixCollision);
            } else if open.stage == Stage::Epilogue {
                anomalies.insert(Anomaly::DelimiterAfterClose);
            } else {
                return Some(Hit { open: index, is_close });
            }
        }
        None
    }

    /// Ends what `hit` ends and begins what it begins; `false` when no more is followed.
    fn cross(&mut self, hit: &Hit, line: Line) -> bool {
        let end = self.before_line_end(line.start);
        if let Place::Header(entity) = self.place {
            let has_lines = self.entities[entity].header.start < line.start;
            self.entities[entity].anomalies.insert(if has_lines {
                Anomaly::HeaderUnterminated
            } else {
                Anomaly::DoubleDelimiter
            });
            self.interpret(entity);
            self.entities[entity].body = line.start..line.start;
        } else if let Place::Leaf(entity) = self.place {
            self.end_body(entity, end);
        }
        while self.stack.len() > hit.open + 1 {
            self.pop(end);
        }
        let parent = self.stack[hit.open].entity;
        if hit.is_close {
            if self.stack[hit.open].stage == Stage::Preamble {
                self.entities[parent].anomalies.insert(Anomaly::NoDelimiter);
            }
            self.stack[hit.open].stage = Stage::Epilogue;
            self.place = Place::Between;
            return true;
        }
        self.stack[hit.open].stage = Stage::Parts;
        if self.entities.len() >= ENTITIES_MAX {
            self.entities[parent].anomalies.insert(Anomaly::TooManyParts);
            self.place = Place::Between;
            return false;
        }
        let child = self.entities.len();
        self.entities.push(Entity::opening_at(line.next, Some(parent), self.fields.len()));
        self.entities[parent].children.push(child);
        self.place = Place::Header(child);
        true
    }

    fn before_line_end(&self, line_start: usize) -> usize {
        let before = &self.bytes[..line_start];
        before.strip_suffix(b"\r\n").or_else(|| before.strip_suffix(b"\n")).unwrap_or(before).len()
    }

    fn end_body(&mut self, entity: EntityIndex, end: usize) {
        let entity = &mut self.entities[entity];
        entity.shares_blank_line = end < entity.body.start;
        entity.body.end = end.max(entity.body.start);
    }

    fn pop(&mut self, end: usize) {
        let Some(open) = self.stack.pop() else { return };
        self.boundaries.truncate(open.boundary.start);
        let anomalies = &mut self.entities[open.entity].anomalies;
        match open.stage {
            Stage::Preamble => {
                anomalies.insert(Anomaly::NoDelimiter);
                anomalies.insert(Anomaly::NoClose);
            }
            Stage::Parts => anomalies.insert(Anomaly::NoClose),
            Stage::Epilogue => {}
        }
        self.end_body(open.entity, end);
    }

    fn finish(&mut self) {
        let end = self.bytes.len();
        match self.place {
            Place::Header(entity) => {
                self.entities[entity].anomalies.insert(Anomaly::HeaderUnterminated);
                self.interpret(entity);
                self.entities[entity].body = end..end;
            }
            Place::Leaf(entity) => self.entities[entity].body.end = end,
            Place::Between => {}
        }
        while !self.stack.is_empty() {
            self.pop(end);
        }
    }

    fn header_line(&mut self, entity: EntityIndex, line: Line) {
        let text = &self.bytes[line.start..line.end];
        if text.is_empty() {
            self.begin_body(entity, line.next);
            return;
        }
        let first = self.entities[entity].fields.start;
        self.entities[entity].header.end = line.next;
        if matches!(text[0], b' ' | b'\t') {
            match self.fields[first..].last_mut() {
                Some(field) if field.end == line.start => field.end = line.next,
                _ => self.entities[entity].anomalies.insert(Anomaly::BadHeaderLine),
            }
            return;
        }
        match FieldSpan::parse(text, line.start, line.next) {
            Some(_) if self.fields.len() >= FIELDS_MAX => {
                self.entities[entity].anomalies.insert(Anomaly::TooManyFields);
            }
            Some(field) => {
                self.fields.push(field);
                self.entities[entity].fields.end = self.fields.len();
            }
            None => self.entities[entity].anomalies.insert(Anomaly::BadHeaderLine),
        }
    }

    fn begin_body(&mut self, entity: EntityIndex, start: usize) {
        self.interpret(entity);
        let depth = self.stack.len();
        let this = &mut self.entities[entity];
        this.body = start..start;
        self.place = Place::Leaf(entity);
        if !this.media.is_multipart() {
            return;
        }
        if !this.encoding.is_identity() {
            this.anomalies.insert(Anomaly::EncodingOnComposite);
            return;
        }
        let Some(boundary) = this.media.boundary() else {
            this.anomalies.insert(Anomaly::BadBoundary);
            return;
        };
        if depth >= DEPTH_MAX {
            this.anomalies.insert(Anomaly::TooDeep);
            return;
        }
        let clashes = self.stack.iter().any(|open| {
            let other = &self.boundaries[open.boundary.clone()];
            other.starts_with(boundary) || boundary.starts_with(other)
        });
        if clashes {
            this.anomalies.insert(Anomaly::PrefixCollision);
        }
        let from = self.boundaries.len();
        self.boundaries.extend_from_slice(boundary);
        let boundary = from..self.boundaries.len();
        self.stack.push(Open { entity, boundary, stage: Stage::Preamble });
        self.depth = self.depth.max(self.stack.len());
        self.place = Place::Between;
    }

    /// Reads the MIME fields of an entity whose header block has ended.
    fn interpret(&mut self, index: EntityIndex) {
        let parent = self.entities[index].parent.map(|parent| &self.entities[parent].media);
        let silent = MediaType::of_silence(parent);
        let entity = &mut self.entities[index];
        let spans = &self.fields[entity.fields.clone()];
        if index == 0 && spans.is_empty() {
            entity.anomalies.insert(Anomaly::BadHeaderLine);
        }
        let all = |name: &'static str| {
            let fields = spans.iter().map(|&span| Field::new(self.bytes, span));
            fields.filter(move |field| field.is(name))
        };
        let one = |name: &'static str, anomalies: &mut Anomalies| {
            let mut found = all(name);
            let first = found.next().map(|field| field.raw_value());
            if found.next().is_some() {
                anomalies.insert(Anomaly::DuplicateMimeField);
            }
            first
        };
        let anomalies = &mut entity.anomalies;
        entity.media = one("Content-Type", anomalies).map_or(silent, MediaType::parse);
        if !entity.media.is_well_formed() {
            anomalies.insert(Anomaly::BadContentType);
        }
        entity.encoding = one("Content-Transfer-Encoding", anomalies)
            .map_or(TransferEncoding::SevenBit, TransferEncoding::parse);
        entity.disposition =
            one("Content-Disposition", anomalies).map_or(Disposition::Absent, Disposition::parse);
        entity.content_id = all("Content-ID")
            .next()
            .map(|field| field.unfolded().trim_start_matches('<').trim_end_matches('>').to_owned());
        if all("Content-MD5").next().is_some() {
            anomalies.insert(Anomaly::ContentMd5);
        }
        if all("Content-Length").next().is_some() {
            anomalies.insert(Anomaly::ContentLength);
        }
    }
}

fn is_blank(tail: &[u8]) -> bool {
    tail.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}
