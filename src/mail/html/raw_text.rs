//! Where raw text ends: title, textarea, style, script and their kin.
//!
//! HTML Standard §13.2.5.9 to §13.2.5.31. Only the "appropriate end tag" ends raw text; in
//! scripts, `<!--` and a nested `<script` can hide even that one.

use memchr::memchr;

use super::tags::Tag;
use super::token::is_space;
use super::tokenizer::{next_mark, tag_end_after};

/// How the text of an element is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RawText {
    /// RCDATA and RAWTEXT: up to the end tag.
    Text,
    /// Script data, with its escaped states.
    Script,
    /// `plaintext`: never ends.
    PlainText,
}

/// Where the text behind the end tag of `name` starts; `None` if the document ends first.
pub(super) fn end(html: &[u8], from: usize, kind: RawText, name: Tag) -> Option<usize> {
    let name = name.name()?;
    match kind {
        RawText::PlainText => None,
        RawText::Text => text_end(html, from, name),
        RawText::Script => script_end(html, from),
    }
}

fn text_end(html: &[u8], from: usize, name: &str) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(b'<', html.get(at..)?)?;
        if let Some(behind_name) = appropriate_end_tag(html, at, name) {
            return tag_end_after(html, behind_name);
        }
        at += 1;
    }
}

/// The place behind the name if an end tag of `name` stands at `at`.
fn appropriate_end_tag(html: &[u8], at: usize, name: &str) -> Option<usize> {
    let rest = html[at..].strip_prefix(b"</")?;
    named(rest, name).then(|| at + 2 + name.len())
}

/// Whether `text` starts with `name` in any letter case and something that ends a tag name.
fn named(text: &[u8], name: &str) -> bool {
    text.len() > name.len()
        && text[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        && (is_space(text[name.len()]) || matches!(text[name.len()], b'/' | b'>'))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Data,
    Escaped,
    DoubleEscaped,
}

fn script_end(html: &[u8], from: usize) -> Option<usize> {
    let mut state = Script::Data;
    let mut at = from;
    loop {
        at = next_mark(html, at)?;
        let rest = &html[at..];
        if rest.starts_with(b"<!--") && state == Script::Data {
            state = Script::Escaped;
            // The two dashes may already be those of `-->`: `<!-->` opens and closes.
            at += 2;
        } else if rest.starts_with(b"-->") {
            state = Script::Data;
            at += 3;
        } else if let Some(after) = appropriate_end_tag(html, at, "script") {
            if state != Script::DoubleEscaped {
                return tag_end_after(html, after);
            }
            state = Script::Escaped;
            at = after + 1;
        } else if state == Script::Escaped && rest[0] == b'<' && named(&rest[1..], "script") {
            state = Script::DoubleEscaped;
            at += "<script".len() + 1;
        } else {
            at += 1;
        }
    }
}
