//! The targets of links, as raw bytes.
//!
//! Good for recognising an address of our own in a body. Character references are not decoded
//! and nothing is resolved; links in comments, raw text and templates are not links.

use super::scan::Scan;
use super::token::{Attributes, Token};
use super::tree::{DocumentMode, Reader, Scripting};

/// The `href` of each start tag, in order. Stops where the document cannot be followed.
pub(super) struct Links<'h> {
    html: &'h [u8],
    scan: Scan<'h>,
}

impl<'h> Links<'h> {
    /// The links of `html`.
    pub(super) fn new(html: &'h [u8]) -> Self {
        // `noscript` hides its links from nobody who looks without scripts.
        let reader = Reader { scripting: Scripting::Disabled, mode: DocumentMode::NoQuirks };
        Self { html, scan: Scan::new(html, reader) }
    }
}

impl<'h> Iterator for Links<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<Self::Item> {
        while let Ok(Some(token)) = self.scan.next() {
            let Token::Start(tag) = token else { continue };
            let href = Attributes::of(self.html, tag.attributes)
                .find(|(name, _)| name.eq_ignore_ascii_case(b"href"));
            if let Some((_, value)) = href {
                return Some(value);
            }
        }
        None
    }
}
