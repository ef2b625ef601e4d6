//! Durations and sizes as operators write them, and how far apart two words are.

use std::time::Duration;

/// `500ms`, `50s`, `5min`, `4h`, `10d`; a space before the unit is allowed.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(millis)?))
}

/// `512`, `64KiB`, `50MiB`, `1GiB` and the decimal `kB`, `MB`; in bytes.
pub(super) fn parse_size(text: &str) -> Option<usize> {
    let (number, unit) = split(text)?;
    let bytes: u64 = match unit {
        "" | "B" => 1,
        "kB" => 1000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    usize::try_from(number.checked_mul(bytes)?).ok()
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

/// How many letters must change to turn one word into the other (Levenshtein).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let change = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{distance, parse_duration, parse_size};

    #[test]
    fn reads_what_operators_write() {
        assert_eq!(parse_duration("50s"), Some(Duration::from_secs(50)));
        assert_eq!(parse_duration("5 min"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_size("50MiB"), Some(52_428_800));
        assert_eq!(parse_size("2 MB"), Some(2_000_000));
        assert_eq!(parse_size("7"), Some(7));
        for bad in ["", "s", "5 parsecs", "-1s", "99999999999999999999d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(parse_size("99999999999999GiB"), None);
    }

    #[test]
    fn measures_how_far_words_are_apart() {
        assert_eq!(distance("mode", "mode"), 0);
        assert_eq!(distance("mode", "moed"), 2);
        assert_eq!(distance("", "abc"), 3);
    }
}
