//! Charsets in which an ASCII byte always means its ASCII character.
//!
//! Our own list, not a label table of the web: there `iso-8859-1` is an alias of another set,
//! and a name on a table does not say that `<` cannot be half of a character. Shift encodings
//! (iso-2022-jp, hz), UTF-7 and UTF-16 are not on the list; neither is what we do not know.

/// Whether ASCII text may be put between the characters of a text in `label`.
///
/// The multi-byte sets named here never use `<`, `/`, `>`, `"`, `=`, CR or LF as a trail byte.
pub fn is_ascii_compatible(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    if let Some(part) = label.strip_prefix("iso-8859-") {
        return matches!(part, "8-i" | "8-e")
            || part.parse::<u8>().is_ok_and(|n| (1..=16).contains(&n) && n != 12);
    }
    if let Some(page) = label.strip_prefix("windows-").or_else(|| label.strip_prefix("cp")) {
        return matches!(
            page,
            "874"
                | "932"
                | "936"
                | "949"
                | "950"
                | "1250"
                | "1251"
                | "1252"
                | "1253"
                | "1254"
                | "1255"
                | "1256"
                | "1257"
                | "1258"
                | "31j"
        );
    }
    matches!(
        label.as_str(),
        "us-ascii"
            | "ascii"
            | "ansi_x3.4-1968"
            | "utf-8"
            | "utf8"
            | "latin1"
            | "iso8859-1"
            | "koi8-r"
            | "koi8-u"
            | "macintosh"
            | "tis-620"
            | "gb2312"
            | "gbk"
            | "gb18030"
            | "big5"
            | "big5-hkscs"
            | "euc-jp"
            | "euc-kr"
            | "ks_c_5601-1987"
            | "shift_jis"
            | "shift-jis"
            | "sjis"
            | "x-sjis"
    )
}

#[cfg(test)]
mod tests {
    use super::is_ascii_compatible;

    #[test]
    fn b1_knows_the_charsets_of_ordinary_mail() {
        for label in ["UTF-8", "us-ascii", "ISO-8859-1", "iso-8859-15", "Windows-1252", "cp1251"] {
            assert!(is_ascii_compatible(label), "{label}");
        }
    }

    #[test]
    fn b5_knows_multi_byte_sets_that_keep_ascii_apart() {
        for label in ["gb2312", "GBK", "gb18030", "big5", "euc-jp", "euc-kr", "Shift_JIS"] {
            assert!(is_ascii_compatible(label), "{label}");
        }
    }

    #[test]
    fn b7_to_b16_refuses_shift_sets_wide_sets_and_the_unknown() {
        let refused = [
            "iso-2022-jp",
            "utf-16",
            "utf-16le",
            "utf-7",
            "hz-gb-2312",
            "iso-2022-kr",
            "cp037",
            "x-user-defined",
            "x-foo",
            "default",
            "_iso-2022-jp$ESC",
            "",
            "iso-8859-12",
            "iso-8859-",
            "utf-8 ",
            "windows-",
        ];
        for label in refused {
            assert!(!is_ascii_compatible(label), "{label}");
        }
    }
}
