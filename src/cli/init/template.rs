//! The first configuration: short, complete, and observing.

use std::path::Path;
use std::time::Duration;

use toml::Value;

use super::questions::Answers;
use crate::base::Timestamp;

/// How long the first streams may observe.
const OBSERVE_FOR: Duration = Duration::from_hours(90 * 24);

/// The configuration for `answers`, with the database in `folder`, written at `now`.
pub(super) fn fill(answers: &Answers, folder: &Path, now: Timestamp) -> String {
    let quoted = |text: &str| Value::String(text.to_owned()).to_string();
    let mailers: Vec<String> = answers.mailers.iter().map(|network| quoted(network)).collect();
    let until = now.after(OBSERVE_FOR).date();
    let mut text = include_str!("template.toml").to_owned();
    text = text.replace("{HIGH_WATER}\n", &high_water(folder));
    for (word, value) in [
        ("HOSTNAME", quoted(&answers.hostname)),
        ("STORE", quoted(&folder.join("consentry.db").display().to_string())),
        ("PUBLIC_URL", quoted(&answers.public_url)),
        ("JURISDICTION", quoted(&answers.jurisdiction)),
        ("MAILERS", mailers.join(", ")),
        ("UPSTREAM", quoted(&answers.upstream)),
        ("ENTITY_NAME", quoted(&answers.entity)),
        ("POSTAL_ADDRESS", quoted(&answers.postal_address)),
        ("BRAND_NAME", quoted(&answers.brand)),
        ("DOMAIN", quoted(&answers.domain)),
        ("NOTICES", quoted(&answers.notices)),
        ("UNTIL", until.to_string()),
    ] {
        text = text.replace(&format!("{{{word}}}"), &value);
    }
    text
}

/// Where the package keeps what remembers how far the database had come; elsewhere it is the
/// operator's choice, and stands beside the database until then.
fn high_water(folder: &Path) -> String {
    match folder == Path::new("/var/lib/consentry") {
        true => "high_water = \"/var/lib/consentry-marks/gate-1.json\"\n".to_owned(),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::questions::Answers;
    use super::fill;
    use crate::base::Timestamp;
    use crate::config::Config;
    use crate::pipeline::Enforce;

    #[test]
    fn the_first_configuration_is_right_whatever_the_names_hold_and_observes() {
        let answers = Answers {
            jurisdiction: "be".to_owned(),
            entity: "L'\"Atelier\" \\ Fils".to_owned(),
            postal_address: "Rue de l'Été 1, 1000 Bruxelles".to_owned(),
            brand: "Été {UNTIL}".to_owned(),
            domain: "example.com".to_owned(),
            hostname: "gate.example.com".to_owned(),
            public_url: "https://preferences.example.com".to_owned(),
            upstream: "127.0.0.1:25".to_owned(),
            mailers: vec!["127.0.0.0/8".to_owned(), "10.1.0.0/16".to_owned()],
            notices: "ops@example.com".to_owned(),
        };
        let now = Timestamp::parse("2026-11-23T10:00:00Z").unwrap();
        let text = fill(&answers, Path::new("/var/lib/consentry"), now);
        let config = Config::parse("new", &text, Path::new("/etc/consentry"))
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(config.entities[0].name, answers.entity);
        assert_eq!(config.clients[0].networks.len(), 2);
        let observing = config.streams.iter().filter(|stream| stream.entity.is_some());
        assert!(observing.clone().count() > 0);
        assert!(observing.clone().all(|stream| stream.enforce == Enforce::Observe));
        assert!(observing.clone().all(|s| s.until.unwrap().to_string() == "2027-02-21"));
    }
}
