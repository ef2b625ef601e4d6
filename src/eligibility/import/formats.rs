//! The table of built-in formats: name and column map, in the order they are tried.
//!
//! A system with several exports has several maps under one name; `known_by` keeps them apart.

use super::map::ColumnMap;

/// A built-in map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Built {
    /// The name given to `--format`.
    pub format: &'static str,
    /// The map as TOML, to be copied and changed.
    pub text: &'static str,
}

macro_rules! table {
    ($($format:literal: $file:literal,)*) => {
        const TABLE: &[Built] = &[
            $(Built { format: $format, text: include_str!(concat!("maps/", $file, ".toml")) },)*
        ];
    };
}

table! {
    "netsuite": "netsuite",
    "hubspot": "hubspot_opt_outs",
    "hubspot": "hubspot_contacts",
    "hubspot": "hubspot_statuses",
    "mailchimp": "mailchimp_unsubscribed",
    "mailchimp": "mailchimp_cleaned",
    "mailchimp": "mailchimp_subscribed",
    "sendgrid": "sendgrid_bounces",
    "sendgrid": "sendgrid_complaints",
    "sendgrid": "sendgrid_groups",
    "sendgrid": "sendgrid",
    "ses": "ses_contacts",
    "ses": "ses_suppressions",
    "mailgun": "mailgun_bounces",
    "mailgun": "mailgun",
    "postmark": "postmark",
    "list": "list",
}

/// Every built-in map.
pub const fn built_in() -> &'static [Built] {
    TABLE
}

/// The maps of the formats called `name`, or of all.
pub(super) fn maps(name: Option<&str>) -> Vec<ColumnMap> {
    let wanted = |built: &&Built| name.is_none_or(|name| name == built.format);
    // The table is fixed, and a test reads every map of it.
    TABLE.iter().filter(wanted).filter_map(|built| ColumnMap::parse(built.text).ok()).collect()
}

/// The names of the formats, each once.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = TABLE.iter().map(|built| built.format).collect();
    names.dedup();
    names
}
