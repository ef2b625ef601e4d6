//! Whose address a request came from, behind proxies the operator trusts.
//!
//! `X-Forwarded-For` is believed only as far as trusted proxies wrote it: read from the right,
//! up to the first address that is not one of theirs. It is evidence of where a person acted
//! from, never an authorisation.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address nearest to the person that `trusted` proxies vouch for; `peer` if none does.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    let fields = headers.get_all(X_FORWARDED_FOR).iter().rev();
    for hop in fields.flat_map(|field| field.to_str().unwrap_or("?").rsplit(',')) {
        if !is_trusted(&nearest) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
    }
    nearest
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderValue};

    use super::{X_FORWARDED_FOR, client_address};

    #[track_caller]
    fn check(peer: &str, fields: &[&str], expected: &str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(field).unwrap());
        }
        let found = client_address(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {fields:?}");
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        check("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        check("10.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &["198.51.100.1", "203.0.113.7"], "203.0.113.7");
    }

    #[test]
    fn trusted_proxies_are_read_through() {
        check("10.0.0.1", &["203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &["203.0.113.7, 10.9.9.9"], "203.0.113.7");
        check("::1", &["2001:db8::7,10.9.9.9"], "2001:db8::7");
        check("::ffff:10.0.0.1", &["203.0.113.7"], "203.0.113.7");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn nonsense_ends_the_reading() {
        check("10.0.0.1", &["203.0.113.7, unknown"], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.7, unknown, 10.2.2.2"], "10.2.2.2");
        check("10.0.0.1", &[""], "10.0.0.1");
    }
}
