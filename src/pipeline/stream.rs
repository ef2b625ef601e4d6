//! Streams: the operator's sorting of mail, by who sends it and what it says it is.
//!
//! A message has exactly one stream: the first whose matcher fits, in file order. The last one
//! fits everything. Purpose and entity come from the stream, never from a header.

use crate::base::{DomainName, Mailbox};
use crate::smtp::{Peer, ReversePath};

/// What a stream asks of a message; what is left open fits everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Matcher {
    /// The listener it came in by.
    pub listener: Option<String>,
    /// The names of clients it may come from; empty means any.
    pub clients: Vec<String>,
    /// Domains of the reverse-path; empty means any.
    pub reverse_path_domains: Vec<DomainName>,
    /// Domains or whole addresses of From, lower case; empty means any.
    pub from: Vec<String>,
    /// A List-Id, compared without case; `None` means any.
    pub list_id: Option<String>,
    /// A header field and the value it must have, compared without case.
    pub header: Option<(String, String)>,
}

/// What a matcher looks at.
pub struct Sighting<'a> {
    /// The connection.
    pub peer: &'a Peer,
    /// The reverse-path.
    pub reverse_path: &'a ReversePath,
    /// The address in From, if there is exactly one readable.
    pub from: Option<&'a Mailbox>,
    /// Unfolded values of a named header field.
    pub header: &'a dyn Fn(&str) -> Vec<String>,
}

impl Matcher {
    /// Whether the message fits.
    pub fn fits(&self, seen: &Sighting<'_>) -> bool {
        self.listener.as_ref().is_none_or(|name| *name == seen.peer.listener)
            && (self.clients.is_empty() || self.clients.contains(&seen.peer.client))
            && self.fits_reverse_path(seen.reverse_path)
            && self.fits_from(seen.from)
            && self.list_id.as_ref().is_none_or(|id| {
                (seen.header)("List-Id")
                    .iter()
                    .any(|value| list_label(value).eq_ignore_ascii_case(id))
            })
            && self.header.as_ref().is_none_or(|(name, wanted)| {
                (seen.header)(name).iter().any(|value| value.trim().eq_ignore_ascii_case(wanted))
            })
    }

    fn fits_reverse_path(&self, reverse_path: &ReversePath) -> bool {
        if self.reverse_path_domains.is_empty() {
            return true;
        }
        match reverse_path {
            ReversePath::Null => false,
            ReversePath::Path(path) => {
                self.reverse_path_domains.iter().any(|d| path.mailbox().domain().is_within(d))
            }
        }
    }

    fn fits_from(&self, from: Option<&Mailbox>) -> bool {
        if self.from.is_empty() {
            return true;
        }
        let Some(from) = from else { return false };
        self.from.iter().any(|wanted| match wanted.contains('@') {
            true => from.folded() == *wanted,
            false => DomainName::parse(wanted).is_ok_and(|d| from.domain().is_within(&d)),
        })
    }
}

/// RFC 2919 §3: the label stands in the last angle brackets.
fn list_label(value: &str) -> &str {
    let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest);
    inner.split('>').next().unwrap_or(inner).trim()
}

#[cfg(test)]
mod tests {
    use super::{Matcher, Sighting};
    use crate::base::{DomainName, Mailbox};
    use crate::smtp::{Path, Peer, ReversePath, Via};

    #[track_caller]
    fn check(matcher: &Matcher, expected: bool) {
        let peer = Peer {
            ip: "10.0.0.1".parse().unwrap(),
            helo: "shop".to_owned(),
            via: Via::default(),
            listener: "main".to_owned(),
            client: "shop".to_owned(),
        };
        let mailbox = Mailbox::parse("Bounce@mail.shop.example").unwrap();
        let from = Mailbox::parse("news@shop.example").unwrap();
        let header = |name: &str| match name.to_ascii_lowercase().as_str() {
            "list-id" => vec!["Shoes <Shoes.shop.example>".to_owned()],
            "x-kind" => vec![" Campaign ".to_owned()],
            _ => Vec::new(),
        };
        let fits = matcher.fits(&Sighting {
            peer: &peer,
            reverse_path: &ReversePath::Path(Path::new("Bounce@mail.shop.example", mailbox)),
            from: Some(&from),
            header: &header,
        });
        assert_eq!(fits, expected, "{matcher:?}");
    }

    #[test]
    fn an_open_matcher_fits_everything() {
        check(&Matcher::default(), true);
    }

    #[test]
    fn each_limb_can_refuse() {
        let domain = |name: &str| DomainName::parse(name).unwrap();
        for (matcher, expected) in [
            (Matcher { listener: Some("main".to_owned()), ..Matcher::default() }, true),
            (Matcher { listener: Some("other".to_owned()), ..Matcher::default() }, false),
            (
                Matcher {
                    clients: vec!["crm".to_owned(), "shop".to_owned()],
                    ..Matcher::default()
                },
                true,
            ),
            (Matcher { clients: vec!["crm".to_owned()], ..Matcher::default() }, false),
            (
                Matcher {
                    reverse_path_domains: vec![domain("shop.example")],
                    ..Matcher::default()
                },
                true,
            ),
            (
                Matcher { reverse_path_domains: vec![domain("hop.example")], ..Matcher::default() },
                false,
            ),
            (Matcher { from: vec!["news@shop.example".to_owned()], ..Matcher::default() }, true),
            (Matcher { from: vec!["shop.example".to_owned()], ..Matcher::default() }, true),
            (Matcher { from: vec!["bills@shop.example".to_owned()], ..Matcher::default() }, false),
            (
                Matcher { list_id: Some("shoes.shop.example".to_owned()), ..Matcher::default() },
                true,
            ),
            (
                Matcher { list_id: Some("hats.shop.example".to_owned()), ..Matcher::default() },
                false,
            ),
            (
                Matcher {
                    header: Some(("X-Kind".to_owned(), "campaign".to_owned())),
                    ..Matcher::default()
                },
                true,
            ),
            (
                Matcher {
                    header: Some(("X-Kind".to_owned(), "receipt".to_owned())),
                    ..Matcher::default()
                },
                false,
            ),
        ] {
            check(&matcher, expected);
        }
    }
}
