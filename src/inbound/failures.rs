//! Failed logins by address: a bucket of tries that fills up again slowly.
//!
//! An IPv6 host owns a /64 and could come from another address each time, so that is what
//! counts there. The table is bounded: a flood of addresses pushes the oldest out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

/// Failures from one address at once.
pub const TRIES_MAX: u32 = 10;

/// One try comes back after this long.
pub const REFILL: Duration = Duration::from_mins(1);

/// Addresses remembered.
const ADDRESSES_MAX: usize = 10_000;

/// Failures by address.
#[derive(Debug, Default)]
pub struct Failures(HashMap<IpAddr, Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When the bucket will be full again: each failure puts it off by one refill.
    full_at: Instant,
}

impl Bucket {
    /// Whether no try is left.
    fn is_empty(self, now: Instant) -> bool {
        self.full_at.saturating_duration_since(now) > REFILL * (TRIES_MAX - 1)
    }
}

impl Failures {
    /// Whether `ip` has failed too often to be listened to.
    pub fn is_exhausted(&self, ip: IpAddr, now: Instant) -> bool {
        self.0.get(&block(ip)).is_some_and(|bucket| bucket.is_empty(now))
    }

    /// Takes one try from `ip`, which failed.
    pub fn add(&mut self, ip: IpAddr, now: Instant) {
        let block = block(ip);
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&block) {
            self.make_room(now);
        }
        let bucket = self.0.entry(block).or_insert(Bucket { full_at: now });
        bucket.full_at = bucket.full_at.max(now) + REFILL;
    }

    /// Gives `ip` back the last try taken: it did not fail after all.
    pub fn give_back(&mut self, ip: IpAddr) {
        if let Some(bucket) = self.0.get_mut(&block(ip)) {
            bucket.full_at = bucket.full_at.checked_sub(REFILL).unwrap_or(bucket.full_at);
        }
    }

    /// Forgets whoever has all tries again, or else who will have them soonest.
    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, bucket| bucket.full_at > now);
        if self.0.len() >= ADDRESSES_MAX {
            let soonest = self.0.iter().min_by_key(|(_, bucket)| bucket.full_at);
            if let Some(block) = soonest.map(|(block, _)| *block) {
                self.0.remove(&block);
            }
        }
    }
}

fn block(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use tokio::time::Instant;

    use super::{ADDRESSES_MAX, Failures, REFILL, TRIES_MAX};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_failures_exhaust_an_address_and_no_other() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for _ in 0..TRIES_MAX {
            assert!(!failures.is_exhausted(ip("192.0.2.1"), now));
            failures.add(ip("192.0.2.1"), now);
        }
        assert!(failures.is_exhausted(ip("192.0.2.1"), now));
        assert!(failures.is_exhausted(ip("::ffff:192.0.2.1"), now));
        assert!(!failures.is_exhausted(ip("192.0.2.2"), now));
    }

    #[test]
    fn a_try_comes_back_every_minute_and_never_more_than_all() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let stranger = ip("192.0.2.1");
        for _ in 0..TRIES_MAX {
            failures.add(stranger, start);
        }
        let later = start + REFILL;
        assert!(!failures.is_exhausted(stranger, later));
        failures.add(stranger, later);
        assert!(failures.is_exhausted(stranger, later));
        let much_later = start + REFILL * 1000;
        for _ in 0..TRIES_MAX {
            assert!(!failures.is_exhausted(stranger, much_later));
            failures.add(stranger, much_later);
        }
        assert!(failures.is_exhausted(stranger, much_later));
    }

    #[test]
    fn a_try_given_back_counts_for_nothing() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for _ in 0..100 {
            failures.add(ip("192.0.2.1"), now);
            failures.give_back(ip("192.0.2.1"));
        }
        assert!(!failures.is_exhausted(ip("192.0.2.1"), now));
    }

    #[test]
    fn an_ipv6_host_is_its_whole_subnet() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for host in 0..TRIES_MAX {
            failures.add(ip(&format!("2001:db8:0:1::{host}")), now);
        }
        assert!(failures.is_exhausted(ip("2001:db8:0:1:ffff::1"), now));
        assert!(!failures.is_exhausted(ip("2001:db8:0:2::1"), now));
    }

    #[test]
    fn a_flood_of_addresses_pushes_the_mildest_out_and_keeps_the_worst() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        for _ in 0..TRIES_MAX {
            failures.add(ip("192.0.2.1"), now);
        }
        for address in 0..u32::try_from(ADDRESSES_MAX).unwrap() + 50 {
            failures.add(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + address)), now);
        }
        assert_eq!(failures.0.len(), ADDRESSES_MAX);
        assert!(failures.is_exhausted(ip("192.0.2.1"), now));
    }
}
