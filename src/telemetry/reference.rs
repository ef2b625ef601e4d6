//! The reference page of the manual: every metric, what it says, what to do about it.
//!
//! Made from the catalogue, so that it never lies; a test compares the page that is kept in the
//! repository and writes it anew when `CONSENTRY_BLESS` is set.

use std::fmt::Write as _;

use super::catalogue::{CATALOGUE, Entry};

const INTRODUCTION: &str = "\
# Metrics

The operations listener shows these at `/metrics`, in Prometheus exposition format. Labels take
their values from closed sets, reason codes or names of the configuration, never from a message,
so their number is bounded; series whose labels are closed sets start at zero. A histogram shows
`_bucket`, `_sum` and `_count`.

Alert rules are in `config/prometheus/alerts.yml`, a dashboard is in
`config/grafana/consentry.json`. An alert names the metric whose entry below says what to do.
";

/// The page, in Markdown.
pub fn reference_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for group in CATALOGUE {
        section(&mut page, 2, group.title);
        for entry in group.entries {
            section(&mut page, 3, entry.name);
            write_entry(&mut page, entry);
        }
    }
    page
}

fn section(page: &mut String, depth: usize, title: &str) {
    let written = writeln!(page, "\n{} {title}", "#".repeat(depth));
    written.expect("a string takes any length");
}

fn write_entry(page: &mut String, entry: &Entry) {
    let labels: Vec<String> = entry.labels.iter().map(|label| format!("`{label}`")).collect();
    let labels = match labels.as_slice() {
        [] => "no labels".to_owned(),
        [one] => format!("label {one}"),
        many => format!("labels {}", many.join(", ")),
    };
    let (kind, help, action) = (entry.kind.as_str(), plain(entry.help), plain(entry.action));
    let written = writeln!(page, "\nA {kind}, {labels}. {help}\n\nWhat to do: {action}");
    written.expect("a string takes any length");
}

/// Brackets are TOML tables here, never links.
fn plain(text: &str) -> String {
    text.replace('[', "\\[").replace(']', "\\]")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::reference_page;

    #[test]
    fn the_page_in_the_manual_is_made_from_the_catalogue() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/metrics.md");
        if std::env::var_os("CONSENTRY_BLESS").is_some() {
            fs::write(&file, reference_page()).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == reference_page(),
            "src/manual/metrics.md is not what the catalogue says; write it anew with\n  \
             CONSENTRY_BLESS=1 cargo test --lib the_page_in_the_manual"
        );
    }
}
