//! Whether a text shows our footer already: a second pass adds nothing.
//!
//! A link of ours alone proves nothing; whoever writes the mail can write it, hidden or broken.
//! Only the footer exactly as we would write it for that link counts. Links in quotations are
//! somebody else's footer and do not count at all. The work is linear in the text.

use super::footer::LeafKind;
use super::policy::LinkSample;
use crate::mail::html;

/// Links that are looked at; a second pass finds one.
const LINKS_MAX: usize = 4;

/// What is in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// No link of ours.
    Nothing,
    /// Our footer, as we write it.
    Whole,
    /// A link of ours, but not our footer around it.
    Altered,
}

/// Looks for a footer that `expected` writes for a link found in `text`.
pub(super) fn find(
    kind: LeafKind,
    text: &[u8],
    link: &LinkSample,
    expected: impl Fn(&str) -> Vec<u8>,
) -> Found {
    let is_whole = |(at, url): &(usize, &str)| {
        let footer = expected(url);
        let from = at.saturating_sub(footer.len());
        let to = text.len().min(at + footer.len());
        memchr::memmem::find(&text[from..to], &footer).is_some()
    };
    // Cheap first: most texts hold no link of ours.
    if memchr::memmem::find(text, link.prefix().as_bytes()).is_none() {
        return Found::Nothing;
    }
    let links = match kind {
        LeafKind::Html => in_html(text, link),
        LeafKind::Text => in_text(text, link),
    };
    match links.as_slice() {
        [] => Found::Nothing,
        links if links.iter().any(is_whole) => Found::Whole,
        _ => Found::Altered,
    }
}

/// Our links in real start tags outside quotations.
fn in_html<'t>(text: &'t [u8], link: &LinkSample) -> Vec<(usize, &'t str)> {
    let start = text.as_ptr().addr();
    let ours = html::links(text)
        .filter_map(|href| Some((href.as_ptr().addr() - start, std::str::from_utf8(href).ok()?)))
        .filter(|(_, href)| link.fits(href));
    let (mut seen, mut open) = (0, 0_usize);
    let is_unquoted = |&(at, _): &(usize, &str)| {
        open = open_quotes(&text[seen..at], open);
        seen = at;
        open == 0
    };
    ours.filter(is_unquoted).take(LINKS_MAX).collect()
}

/// How many `blockquote` elements are open after `markup`, with `open` before it.
fn open_quotes(markup: &[u8], open: usize) -> usize {
    let begins = |at: usize, name: &[u8]| {
        markup.get(at..at + name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    memchr::memchr_iter(b'<', markup).fold(open, |open, at| {
        if begins(at, b"<blockquote") {
            open + 1
        } else if begins(at, b"</blockquote") {
            open.saturating_sub(1)
        } else {
            open
        }
    })
}

/// Our links in lines that quote nobody.
fn in_text<'t>(text: &'t [u8], link: &LinkSample) -> Vec<(usize, &'t str)> {
    let prefix = memchr::memmem::Finder::new(link.prefix());
    let mut out = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if !line.trim_ascii_start().starts_with(b">") {
            let found = prefix.find_iter(line).filter_map(|at| {
                let url = std::str::from_utf8(line.get(at..at + link.url().len())?).ok()?;
                link.fits(url).then_some((start + at, url))
            });
            out.extend(found.take(LINKS_MAX - out.len()));
        }
        if out.len() == LINKS_MAX {
            break;
        }
        start += line.len();
    }
    out
}
