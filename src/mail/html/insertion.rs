//! Where a footer goes, and what must be closed before it.
//!
//! The place is before the last real `</body>`, else before the last `</html>`, else the end;
//! the end too where closing something earlier would move what follows.
//! There the open elements are closed, innermost first, until none is left that could hide or
//! restyle a footer; the end tags are tried on the same rules that found the place, so what is
//! promised is what was simulated. Whatever stays unsure is a refusal, never a guess.

use super::scan::Scan;
use super::stack::Element;
use super::tags::Tag;
use super::token::{Span, TagToken, Token};
use super::tree::{DocumentMode, Mode, Reader, Scripting, Tree};
use super::{Insertion, Refusal};

/// More end tags than this mean a document beyond help.
const CLOSERS_MAX: usize = 64;

/// All kinds of reader a mail may meet; the first decides unless the document can tell them
/// apart.
const READERS: [Reader; 4] = [
    Reader { scripting: Scripting::Enabled, mode: DocumentMode::NoQuirks },
    Reader { scripting: Scripting::Disabled, mode: DocumentMode::NoQuirks },
    Reader { scripting: Scripting::Enabled, mode: DocumentMode::Quirks },
    Reader { scripting: Scripting::Disabled, mode: DocumentMode::Quirks },
];

/// The place all readers agree on.
pub(super) fn find(html: &[u8]) -> Result<Insertion, Refusal> {
    if memchr::memchr(0, html).is_some() {
        return Err(Refusal::Nul);
    }
    let [first, others @ ..] = READERS;
    let Survey { insertion, readers_differ } = survey(html, first)?;
    if readers_differ {
        for reader in others {
            if survey(html, reader)?.insertion != insertion {
                return Err(Refusal::ReadersDisagree);
            }
        }
    }
    Ok(insertion)
}

struct Survey {
    insertion: Insertion,
    readers_differ: bool,
}

fn survey(html: &[u8], reader: Reader) -> Result<Survey, Refusal> {
    let Ends { body, end } = ends(html, reader)?;
    let (readers_differ, open_end) = (end.tree.readers_differ, end.open_end());
    let insertion = match (body.map(|body| place_at(body.scan()?)), open_end) {
        // Behind everything there is nothing left that could move.
        (None | Some(Err(Refusal::TailMoves)), None) => place_at(end)?,
        (Some(placed), _) => placed?,
        (None, Some(refusal)) => return Err(refusal),
    };
    Ok(Survey { insertion, readers_differ })
}

/// End tags of the body or the root at which a walk is kept; more of them mean a document
/// that is walked through once more instead.
const KEPT_MAX: usize = 4;

/// A place found on the way.
struct Place<'h> {
    at: usize,
    reader: Reader,
    html: &'h [u8],
    /// The walk as it was there.
    kept: Option<Scan<'h>>,
}

impl<'h> Place<'h> {
    /// A walk that stops there.
    fn scan(self) -> Result<Scan<'h>, Refusal> {
        match self.kept {
            Some(scan) => Ok(scan),
            None => walk_to(self.html, self.reader, self.at),
        }
    }
}

struct Ends<'h> {
    /// The last `</body>`, else the last `</html>`.
    body: Option<Place<'h>>,
    /// The walk at the end of everything.
    end: Scan<'h>,
}

fn ends(html: &[u8], reader: Reader) -> Result<Ends<'_>, Refusal> {
    let mut scan = Scan::new(html, reader);
    let (mut body, mut root) = (None, None);
    let mut kept = 0;
    loop {
        let at = scan.at();
        let before = may_end_document(&html[at..]).then(|| {
            kept += 1;
            (kept <= KEPT_MAX).then(|| scan.clone())
        });
        let Some(token) = scan.next()? else { break };
        let place = || Place { at, reader, html, kept: before.flatten() };
        match token {
            Token::End(tag) if tag.tag == Tag::Body => body = Some(place()),
            Token::End(tag) if tag.tag == Tag::Html => root = Some(place()),
            _ => {}
        }
    }
    Ok(Ends { body: body.or(root), end: scan })
}

/// Whether an end tag of the body or the root could stand at the start of `markup`.
fn may_end_document(markup: &[u8]) -> bool {
    [&b"</body"[..], b"</html"]
        .iter()
        .any(|tag| markup.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

fn walk_to(html: &[u8], reader: Reader, offset: usize) -> Result<Scan<'_>, Refusal> {
    let mut scan = Scan::new(html, reader);
    scan.advance_to(offset)?;
    Ok(scan)
}

/// The insertion where `scan` stands, or before the conditional comment that is in.
fn place_at(mut scan: Scan<'_>) -> Result<Insertion, Refusal> {
    let offset = scan.at();
    // Its place is known now: whatever comes next is not text.
    scan.tree.place_table_text();
    let Some(conditional) = scan.conditional() else {
        let (closed, closers) = close(&scan)?;
        return insertion(offset, scan, closed, closers);
    };
    if scan.tree.placed != conditional.placed {
        return Err(Refusal::Conditional);
    }
    let mut before = walk_to(scan.tree.html, scan.tree.reader, conditional.at)?;
    before.tree.place_table_text();
    let (closed, closers) = close(&before)?;
    // Elsewhere the comment itself would hang from another node than before.
    if closed.tree.mode != Mode::InBody {
        return Err(Refusal::Conditional);
    }
    insertion(conditional.at, before, closed, closers)
}

fn insertion(
    offset: usize,
    scan: Scan<'_>,
    closed: Scan<'_>,
    closers: String,
) -> Result<Insertion, Refusal> {
    if !closers.is_empty() {
        check_tail(scan)?;
        check_tail(closed)?;
    }
    Ok(Insertion { offset, closers })
}

/// Closes what could hide or restyle a footer, and tells the end tags that do it.
fn close<'h>(scan: &Scan<'h>) -> Result<(Scan<'h>, String), Refusal> {
    let mut closed = scan.clone();
    let mut closers = String::new();
    for _ in 0..=CLOSERS_MAX {
        let Some(element) = next_to_close(&mut closed.tree) else {
            return shows(closed.tree.mode).then_some((closed, closers)).ok_or(Refusal::Unclosable);
        };
        let (was_open, was_placed) = measure(&closed.tree);
        let tag = end_tag(&element);
        closed.tree.take(&Token::End(tag));
        // An end tag that is ignored, or that moves or makes things, is no way out.
        let (is_open, is_placed) = measure(&closed.tree);
        if is_open >= was_open || is_placed != was_placed || closed.tree.refusal.is_some() {
            return Err(Refusal::Unclosable);
        }
        write_end_tag(&mut closers, closed.tree.html, &tag)?;
    }
    Err(Refusal::Unclosable)
}

fn measure(tree: &Tree<'_>) -> (usize, usize) {
    (tree.stack.len() + tree.formatting.len(), tree.placed)
}

/// The element whose end tag is needed next; `None` if a footer would show as it is.
fn next_to_close(tree: &mut Tree<'_>) -> Option<Element> {
    let is_root = |e: &Element| e.is_html(|tag| matches!(tag, Tag::Html | Tag::Head | Tag::Body));
    let html = tree.html;
    let inside = tree.stack.elements();
    if inside.iter().all(|element| is_root(element) || element.is_plain(html)) {
        // Closed already, but opened again by the footer's first word.
        return tree.formatting.newest();
    }
    let current = tree.stack.current().copied()?;
    if tree.mode == Mode::InSelect {
        return Some(current);
    }
    // The end of a table ends everything within, whatever it is.
    let table = tree.stack.rfind(|element| element.is(Tag::Table));
    Some(table.map_or(current, |place| tree.stack.elements()[place]))
}

/// Whether a block written in this mode becomes a visible child of the body.
const fn shows(mode: Mode) -> bool {
    use Mode::{AfterAfterBody, AfterBody, AfterHead, BeforeHead, BeforeHtml, InBody, InHead};
    matches!(
        mode,
        BeforeHtml | BeforeHead | InHead | AfterHead | InBody | AfterBody | AfterAfterBody
    )
}

const fn end_tag(element: &Element) -> TagToken {
    let Element { tag, name, .. } = *element;
    TagToken { at: 0, tag, name, attributes: Span { start: 0, end: 0 }, is_self_closing: false }
}

fn write_end_tag(closers: &mut String, html: &[u8], tag: &TagToken) -> Result<(), Refusal> {
    let written = tag.tag.name().map_or_else(|| tag.name.of(html), str::as_bytes);
    let is_safe = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_' | b'.');
    let name = std::str::from_utf8(written).map_err(|_| Refusal::Unclosable)?;
    if !written.iter().all(is_safe) {
        return Err(Refusal::Unclosable);
    }
    closers.push_str("</");
    closers.push_str(name);
    closers.push('>');
    Ok(())
}

/// Whatever follows must not depend on what is closed, or not closed, before it.
fn check_tail(mut scan: Scan<'_>) -> Result<(), Refusal> {
    let placed = scan.tree.placed;
    scan.finish()?;
    if scan.tree.placed == placed { Ok(()) } else { Err(Refusal::TailMoves) }
}
