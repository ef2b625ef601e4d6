//! What a reader sees of a message: subject, sender, and each part in order.
//!
//! Two parsers must agree on all of it, and nothing in it may be read in two ways: what is in
//! doubt has no content here, so that it matches no approval (promise P7). White space is
//! collapsed, for mailers wrap lines as they like; everything else counts.

use thiserror::Error;

use crate::base::Digest;
use crate::mail::{
    Anomaly, Entity, EntityIndex, Message, Opinion, Parameter, PartView, decode,
    is_ascii_compatible, is_safe_to_ask,
};

/// Why nobody can say for sure what a message shows.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Unclear {
    /// Its structure can be read in two ways.
    #[error("the message is not well-formed ({})", .0.as_str())]
    Anomaly(Anomaly),
    /// There is no Subject, or several, or it cannot be read.
    #[error("the message needs exactly one readable Subject")]
    Subject,
    /// There is no From, or several, or it cannot be read.
    #[error("the message needs exactly one From with exactly one address")]
    From,
    /// It is larger or deeper than is looked into.
    #[error("the message is larger than 5 MiB, or nested too deeply")]
    TooLarge,
    /// A part cannot be decoded in one way only.
    #[error("part {0} cannot be decoded for sure; use UTF-8, quoted-printable or base64")]
    Part(usize),
}

/// How a part is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// As plain text; slots may stand anywhere.
    Plain,
    /// As HTML source; slots may stand in its texts.
    Html,
    /// As text in which nothing varies.
    Fixed,
    /// Not at all: its bytes count.
    Bytes,
}

/// One thing a reader sees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    /// What it is and how it is shown.
    pub(super) label: String,
    /// How it is read.
    pub(super) reading: Reading,
    /// Its text with collapsed white space, or the digest of its bytes.
    pub(super) text: String,
}

/// The subject alone, which is cheap to read.
pub(super) fn subject(message: &Message) -> Result<Seen, Unclear> {
    let text = message.subject().filter(|text| is_plain(text)).ok_or(Unclear::Subject)?;
    let text = collapse(&text);
    Ok(Seen { label: String::from("subject"), reading: Reading::Plain, text })
}

/// Everything that is seen of `message`, the subject first.
pub(super) fn all(message: &Message) -> Result<Vec<Seen>, Unclear> {
    if let Some(anomaly) = message.anomalies().iter().next() {
        return Err(Unclear::Anomaly(anomaly));
    }
    let mut seen = vec![subject(message)?, from(message)?];
    if !is_safe_to_ask(message) {
        return Err(Unclear::TooLarge);
    }
    let opinion = Opinion::of(message.bytes()).ok_or(Unclear::TooLarge)?;
    let views: Vec<PartView<'_>> = opinion.parts().collect();
    for (index, entity) in message.entities().iter().enumerate() {
        if !entity.media().is_multipart() {
            seen.push(part(message, index, entity, &views).ok_or(Unclear::Part(index))?);
        }
    }
    Ok(seen)
}

fn from(message: &Message) -> Result<Seen, Unclear> {
    let (shown, address) = message.sole_from().ok_or(Unclear::From)?;
    if !is_plain(&shown) || !is_plain(&address) {
        return Err(Unclear::From);
    }
    let text = collapse(&format!("{shown} <{}>", address.to_lowercase()));
    Ok(Seen { label: String::from("from"), reading: Reading::Fixed, text })
}

fn part(
    message: &Message,
    index: EntityIndex,
    entity: &Entity,
    views: &[PartView<'_>],
) -> Option<Seen> {
    let decoded = decode(message.bytes(), entity.body().clone(), entity.encoding()).ok()?;
    let label = label(message, index)?;
    if entity.media().kind() != "text" {
        let text = Digest::of(decoded.text()).to_string();
        return Some(Seen { label, reading: Reading::Bytes, text });
    }
    let is_understood = match entity.media().parameter("charset") {
        Parameter::Absent => decoded.text().is_ascii(),
        Parameter::Value(charset) if is_ascii_charset(charset) => decoded.text().is_ascii(),
        Parameter::Value(charset) => is_ascii_compatible(charset),
        Parameter::Unclear => false,
    };
    let view = views.iter().find(|view| view.body == *entity.body())?;
    if !is_understood || !view.is_read_like(entity) {
        return None;
    }
    let text = std::str::from_utf8(view.content).ok().filter(|text| is_clean(text))?;
    let reading = match entity.media().essence() {
        _ if entity.is_attachment() => Reading::Fixed,
        "text/plain" => Reading::Plain,
        "text/html" => Reading::Html,
        _ => Reading::Fixed,
    };
    Some(Seen { label, reading, text: collapse(text) })
}

/// The media types from the message down to the part, and what else is shown of it or decides
/// how it is shown; `None` if that is unclear.
fn label(message: &Message, index: EntityIndex) -> Option<String> {
    let entity = message.entity(index);
    let mut types = vec![entity.media().essence()];
    let mut above = entity.parent();
    while let Some(parent) = above {
        types.push(message.entity(parent).media().essence());
        above = message.entity(parent).parent();
    }
    types.reverse();
    let mut label = types.join(" ");
    match entity.media().parameter("name") {
        Parameter::Absent => {}
        Parameter::Value(name) => label.push_str(&format!("; name {name}")),
        Parameter::Unclear => return None,
    }
    for field in ["Content-Disposition", "Content-Description"] {
        for found in message.fields_of(entity).filter(|found| found.is(field)) {
            label.push_str(&format!("; {}", collapse(&found.unfolded())));
        }
    }
    Some(label)
}

fn is_ascii_charset(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("us-ascii") || charset.eq_ignore_ascii_case("ascii")
}

/// Whether a header text was decoded to its end.
fn is_plain(text: &str) -> bool {
    is_clean(text) && !text.contains("=?")
}

/// Whether nothing in it was lost in decoding or moves the cursor.
fn is_clean(text: &str) -> bool {
    text.chars().all(|c| c != '\u{fffd}' && (!c.is_control() || matches!(c, '\t' | '\r' | '\n')))
}

/// Collapses white space: a run with a line end in it becomes one line end, another one space.
pub(super) fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = None;
    for c in text.chars() {
        if c.is_whitespace() {
            let ends_line = matches!(c, '\r' | '\n') || gap == Some('\n');
            gap = Some(if ends_line { '\n' } else { ' ' });
            continue;
        }
        if let Some(space) = gap.take().filter(|_| !out.is_empty()) {
            out.push(space);
        }
        out.push(c);
    }
    out
}
