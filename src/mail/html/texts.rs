//! Where characters stand that a reader sees as text.
//!
//! Not in tags, comments, scripts, style sheets, titles or templates: what is put into such a
//! text can hide or link nothing unless it brings a `<` itself.

use std::ops::Range;

use super::scan::Scan;
use super::token::Token;
use super::tree::{DocumentMode, Reader, Scripting};

/// The texts of `html` in order; `None` if the document cannot be followed to its end, or ends
/// within something.
pub(super) fn texts(html: &[u8]) -> Option<Vec<Range<usize>>> {
    let reader = Reader { scripting: Scripting::Disabled, mode: DocumentMode::NoQuirks };
    let mut scan = Scan::new(html, reader);
    let mut found: Vec<Range<usize>> = Vec::new();
    while let Some(token) = scan.next().ok()? {
        let Token::Text(span) = token else { continue };
        match found.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => found.push(span.start..span.end),
        }
    }
    scan.open_end().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[track_caller]
    fn check(html: &str, expected: &[&str]) {
        let found = texts(html.as_bytes()).unwrap();
        let found: Vec<&str> = found.into_iter().map(|range| &html[range]).collect();
        assert_eq!(found, expected, "{html}");
    }

    #[test]
    fn texts_stand_between_tags_and_nowhere_else() {
        check("<p title='a'>one<b>two</b> three</p>", &["one", "two", " three"]);
        check("<style>p { color: red }</style>x<!-- y -->z", &["x", "z"]);
        check("<title>t</title><script>s</script>2 < 3", &["2 < 3"]);
    }

    #[test]
    fn a_document_that_ends_within_something_has_no_texts() {
        for html in ["a<!-- b", "a<p title=\"b", "a<style>b"] {
            assert_eq!(texts(html.as_bytes()), None, "{html}");
        }
    }
}
