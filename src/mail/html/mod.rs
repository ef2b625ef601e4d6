//! Where a footer goes in an HTML text: before the last `</body>`, else at the end.
//!
//! A plain byte search over markup without comments, scripts or raw text; anything that needs a
//! tokenizer (WHATWG HTML §13.2.5) is refused.

/// Where to insert, and what must be closed first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Insertion {
    /// Offset in the decoded text.
    pub offset: usize,
    /// End tags for elements open at that place, to go before the inserted text.
    pub closers: String,
}

/// Why no place was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// The markup needs a tokenizer.
    TooIntricate,
}

impl Refusal {
    /// A label for metrics and journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooIntricate => "too_intricate",
        }
    }
}

/// The place for a footer in `decoded`, an HTML text in an ASCII-compatible charset.
///
/// # Errors
/// [`Refusal`] where inserted text might not be shown.
pub fn insertion_point(decoded: &[u8]) -> Result<Insertion, Refusal> {
    let lower = decoded.to_ascii_lowercase();
    let has = |needle: &str| memchr::memmem::find(&lower, needle.as_bytes()).is_some();
    if has("<!--") || has("<script") || has("<style") || has("<plaintext") || has("<textarea") {
        return Err(Refusal::TooIntricate);
    }
    let last = |needle: &str| memchr::memmem::rfind(&lower, needle.as_bytes());
    let offset = last("</body").or_else(|| last("</html")).unwrap_or(decoded.len());
    Ok(Insertion { offset, closers: String::new() })
}
