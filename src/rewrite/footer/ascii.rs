//! Making text ASCII: numeric references for HTML, a careful fold for plain text.
//!
//! A footer that is ASCII on the wire fits every ASCII-compatible charset without touching a
//! header. The fold never invents a `?`: what it does not know, it reports.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Escapes a value for HTML text and attributes; everything beyond ASCII becomes `&#N;`.
pub(super) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => push_referenced(&mut out, c),
        }
    }
    out
}

/// Keeps markup as it is; everything beyond ASCII becomes `&#N;`.
pub(super) fn reference_html(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    markup.chars().for_each(|c| push_referenced(&mut out, c));
    out
}

fn push_referenced(out: &mut String, c: char) {
    if c.is_ascii() {
        out.push(c);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, "&#{};", u32::from(c));
    }
}

/// Plain text in ASCII: accents dropped, known letters and marks spelled out.
///
/// # Errors
/// The first character that has no ASCII spelling we are sure of.
pub(super) fn fold(text: &str) -> Result<String, char> {
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd() {
        if c.is_ascii() {
            out.push(c);
        } else if !is_combining_mark(c) {
            out.push_str(spelling(c).ok_or(c)?);
        }
    }
    Ok(out)
}

const fn spelling(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'þ' => "th",
        'Þ' => "Th",
        'ı' => "i",
        '‘' | '’' | '‚' | '‛' | '′' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '−' | '·' | '•' => "-",
        '⁄' => "/",
        '×' => "x",
        '€' => "EUR",
        '£' => "GBP",
        '©' => "(c)",
        '®' => "(R)",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{escape_html, fold, reference_html};

    #[test]
    fn a1_folds_latin_letters_and_marks() {
        assert_eq!(fold("Café Müller – Łódź №5").as_deref(), Ok("Cafe Muller - Lodz No5"));
        assert_eq!(fold("Straße “x” … ½").as_deref(), Ok("Strasse \"x\" ... 1/2"));
        assert_eq!(fold("東京"), Err('東'));
    }

    #[test]
    fn b2_d20_html_is_escaped_and_ascii() {
        assert_eq!(escape_html("a<b>&\"'é"), "a&lt;b&gt;&amp;&quot;&#39;&#233;");
        assert_eq!(reference_html("<b>“é”</b>"), "<b>&#8220;&#233;&#8221;</b>");
    }
}
