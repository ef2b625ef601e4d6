//! A text with slots: `Dear {{name}},`. What stands around the slots is fixed to the character.
//!
//! A slot takes what a mail merge puts in: a name, a number, a date; never nothing. It takes
//! nothing that a mail program turns into a link and no line of its own, so that nothing can be
//! sold in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::content::Reading;

/// Characters a slot takes at most.
pub const SLOT_CHARS_MAX: usize = 60;
/// Slots one text has at most.
pub const SLOTS_MAX: usize = 12;
/// Places looked at before a text that could be cut in too many ways is given up.
const STEPS_MAX: usize = 20_000;

/// One piece of a text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Segment {
    /// Stands there as it is, but for white space.
    Fixed(String),
    /// Varies from copy to copy.
    Slot {
        /// Its name; the same name means the same value everywhere in a message.
        slot: String,
    },
}

/// What the slots of a message hold, by name.
pub(super) type Values = BTreeMap<String, String>;

/// Cuts a text at its slots.
///
/// # Errors
/// Says which slot cannot stand there.
pub(super) fn cut(text: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let (before, behind) = rest.split_at(open);
        let Some(close) = behind.find("}}") else {
            return Err(String::from("a `{{` is never closed by `}}`"));
        };
        let name = behind[2..close].trim();
        let is_name = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if !is_name {
            let shown: String = name.chars().take(40).collect();
            return Err(format!("`{{{{{shown}}}}}` is no slot: 1 to 40 letters, digits, _ - ."));
        }
        if before.is_empty() && !segments.is_empty() {
            return Err(format!("`{{{{{name}}}}}` follows another slot; put something between"));
        }
        if !before.is_empty() {
            segments.push(Segment::Fixed(before.to_owned()));
        }
        segments.push(Segment::Slot { slot: name.to_owned() });
        rest = &behind[close + 2..];
    }
    if !rest.is_empty() || segments.is_empty() {
        segments.push(Segment::Fixed(rest.to_owned()));
    }
    let slots = segments.iter().filter(|segment| matches!(segment, Segment::Slot { .. })).count();
    match slots > SLOTS_MAX {
        true => Err(format!("{slots} slots in one text; at most {SLOTS_MAX}")),
        false => Ok(segments),
    }
}

/// Whether `text` is `segments` with something harmless in each slot; adds what the slots hold
/// to `values`, with which it must agree.
pub(super) fn fits(
    segments: &[Segment],
    text: &str,
    reading: Reading,
    values: &mut Values,
) -> bool {
    let mut cutting = Cutting { reading, steps: 0 };
    cutting.fits(segments, text, values) && makes_no_link(segments, values)
}

/// Whether what the slots hold makes no host name together with each other or the text around.
fn makes_no_link(segments: &[Segment], values: &Values) -> bool {
    let filled = |value: &dyn Fn(&str) -> String| -> usize {
        let text: String = segments
            .iter()
            .map(|segment| match segment {
                Segment::Fixed(fixed) => fixed.clone(),
                Segment::Slot { slot } => value(slot),
            })
            .collect();
        let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
        hosts(&folded)
    };
    let held = |slot: &str| values.get(slot).cloned().unwrap_or_default();
    // A digit is as harmless as a value can be.
    filled(&held) == filled(&|_| String::from("1"))
}

struct Cutting {
    reading: Reading,
    steps: usize,
}

impl Cutting {
    /// Tries every end of a slot, the nearest first. As deep as a text has segments.
    fn fits(&mut self, segments: &[Segment], text: &str, values: &mut Values) -> bool {
        let Some((first, rest)) = segments.split_first() else { return text.is_empty() };
        match first {
            Segment::Fixed(fixed) => match strip(text, fixed) {
                Some(behind) => self.fits(rest, behind, values),
                None => false,
            },
            Segment::Slot { slot } => {
                let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                for end in ends.take(SLOT_CHARS_MAX + 1) {
                    self.steps += 1;
                    let (content, behind) = text.split_at(end);
                    if self.steps > STEPS_MAX || content.ends_with(['\n', '<', '>']) {
                        return false;
                    }
                    let follows = match rest.first() {
                        None => behind.is_empty(),
                        Some(Segment::Fixed(fixed)) => strip(behind, fixed).is_some(),
                        Some(Segment::Slot { .. }) => false,
                    };
                    if follows && self.takes(slot, content, (rest, behind), values) {
                        return true;
                    }
                }
                false
            }
        }
    }

    /// Whether `slot` may hold `content` and what follows fits then.
    fn takes(
        &mut self,
        slot: &str,
        content: &str,
        (rest, behind): (&[Segment], &str),
        values: &mut Values,
    ) -> bool {
        let Some(value) = harmless(content, self.reading) else { return false };
        match values.get(slot) {
            Some(known) if *known == value => self.fits(rest, behind, values),
            Some(_) => false,
            None => {
                let before = values.clone();
                values.insert(slot.to_owned(), value);
                let fits = self.fits(rest, behind, values);
                if !fits {
                    *values = before;
                }
                fits
            }
        }
    }
}

/// What follows `fixed` at the start of `text`; a space is as good as a line end.
fn strip<'t>(text: &'t str, fixed: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    for wanted in fixed.chars() {
        let found = rest.next()?;
        let are_spaces = matches!(wanted, ' ' | '\n') && matches!(found, ' ' | '\n');
        if found != wanted && !are_spaces {
            return None;
        }
    }
    Some(rest.as_str())
}

/// What a slot's content means, if it can be nothing but a value.
fn harmless(content: &str, reading: Reading) -> Option<String> {
    let value = match reading {
        Reading::Html => dereference(content)?,
        Reading::Plain | Reading::Fixed | Reading::Bytes => content.to_owned(),
    };
    // What looks like a dot, a slash or an at sign counts as one.
    let folded: String = value.nfkc().flat_map(char::to_lowercase).collect();
    let folded = folded.replace(['\u{3002}', '\u{ff61}'], ".");
    let is_harmless = !value.trim().is_empty()
        && value.chars().count() <= SLOT_CHARS_MAX
        && !folded.contains(['<', '>', '@', '\n', '\r'])
        && !["://", "www.", "mailto:"].iter().any(|mark| folded.contains(mark))
        && !folded.chars().any(is_invisible)
        && !names_host(&folded);
    is_harmless.then(|| value.trim().to_owned())
}

/// Whether a dot stands as in a host name: mail programs make links of `shop.example`.
fn names_host(text: &str) -> bool {
    hosts(text) > 0
}

fn hosts(text: &str) -> usize {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let is_host = |at: usize| {
        let mut behind = text[at + 1..].chars();
        let before = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
        before && is_letter(behind.next()) && is_letter(behind.next())
    };
    text.match_indices('.').filter(|(at, _)| is_host(*at)).count()
}

/// Whether a character shows nothing, or changes the order of others.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// Decodes character references; only a few are taken, and everything numeric that is a letter.
fn dereference(source: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        if behind.is_empty() || behind.starts_with(' ') {
            out.push('&');
            rest = behind;
            continue;
        }
        let end = behind.find(';').filter(|end| *end <= 10)?;
        out.push(referred(&behind[..end])?);
        rest = &behind[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

fn referred(name: &str) -> Option<char> {
    let named = match name {
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            let found = char::from_u32(code)?;
            return (found.is_alphabetic() || matches!(found, '\'' | '"' | '&')).then_some(found);
        }
    };
    Some(named)
}
