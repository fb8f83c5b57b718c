//! Brakes at the relay (the host has its own): wrong codes per technician and address, connections per address,
//! handshakes at once. Pure; time comes in.

use nearhand_proto::ids::Fingerprint;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Keys remembered by one brake, at most; beyond, the least recently used go.
const MAX_KEYS: usize = 100_000;

/// The figures. `config.toml` can change them, section `[limits]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Wrong codes of one technician in an hour. Default 5.
    pub wrong_codes_per_hour: u32,
    /// Wrong codes of one technician in a day. Default 20.
    pub wrong_codes_per_day: u32,
    /// Wrong codes from one address in an hour. Default 50: companies sit behind one address.
    pub wrong_codes_per_address: u32,
    /// Wrong codes at this relay in an hour. Default 1000.
    pub wrong_codes_in_all: u32,
    /// Unpaired connections from one address. Default 50; from a quarter of it on, the address is validated first
    /// (Retry). Four times as many of its locators may rest.
    pub connections_per_address: u32,
    /// Unpaired connections of one technician. Default 20.
    pub connections_per_technician: u32,
    /// Unpaired connections at this relay. Default 4096.
    pub connections_in_all: u32,
    /// Handshakes at once. Default 256; from a quarter of it on, or beyond 100 new ones a second, addresses are
    /// validated first (Retry).
    pub handshakes: u32,
}

/// An address as every brake counts it: IPv4 whole, IPv6 by its /64, since one household or host has that many.
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wrong_codes_per_hour: 5,
            wrong_codes_per_day: 20,
            wrong_codes_per_address: 50,
            wrong_codes_in_all: 1_000,
            connections_per_address: 50,
            connections_per_technician: 20,
            connections_in_all: 4_096,
            handshakes: 256,
        }
    }
}

/// When something happened, per key, within a day.
#[derive(Debug)]
struct Times<K>(HashMap<K, VecDeque<Instant>>);

impl<K: Eq + Hash + Copy> Times<K> {
    fn count(&self, key: &K, within: Duration, now: Instant) -> usize {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < within;
        self.0.get(key).map_or(0, |times| times.iter().rev().take_while(recent).count())
    }

    fn add(&mut self, key: K, keep: usize, now: Instant) {
        if MAX_KEYS <= self.0.len() {
            self.0.retain(|_, times| {
                times.back().is_some_and(|last| now.saturating_duration_since(*last) < HOUR)
            });
        }
        let times = self.0.entry(key).or_default();
        times.push_back(now);
        while keep < times.len() {
            times.pop_front();
        }
        times.shrink_to_fit();
    }
}

impl<K> Default for Times<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// Counts wrong codes: wrong secrets, and locators under which nobody waits.
#[derive(Debug, Default)]
pub struct WrongCodes {
    limits: Limits,
    technicians: Times<Fingerprint>,
    addresses: Times<IpAddr>,
    all: Times<()>,
}

impl WrongCodes {
    /// With these figures.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// True if this technician may try a code now, from this address.
    pub fn may_try(&self, technician: &Fingerprint, address: &IpAddr, now: Instant) -> bool {
        let below = |count: usize, limit: u32| u32::try_from(count).is_ok_and(|count| count < limit);
        below(self.technicians.count(technician, HOUR, now), self.limits.wrong_codes_per_hour)
            && below(self.technicians.count(technician, DAY, now), self.limits.wrong_codes_per_day)
            && below(self.addresses.count(address, HOUR, now), self.limits.wrong_codes_per_address)
            && below(self.all.count(&(), HOUR, now), self.limits.wrong_codes_in_all)
    }

    /// A code was wrong.
    pub fn handle_wrong(&mut self, technician: Fingerprint, address: IpAddr, now: Instant) {
        let keep = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX).max(1);
        let most = self.limits.wrong_codes_per_hour.max(self.limits.wrong_codes_per_day);
        self.technicians.add(technician, keep(most), now);
        self.addresses.add(address, keep(self.limits.wrong_codes_per_address), now);
        self.all.add((), keep(self.limits.wrong_codes_in_all), now);
    }
}

/// Counts connections that are in no session, by address and by account.
#[derive(Debug)]
pub struct Unpaired<K> {
    counts: HashMap<K, u32>,
    all: u32,
}

impl<K> Default for Unpaired<K> {
    fn default() -> Self {
        Self { counts: HashMap::new(), all: 0 }
    }
}

impl<K: Eq + Hash> Unpaired<K> {
    /// One more of `key`; false if there are `limit` already.
    pub fn enter(&mut self, key: K, limit: u32) -> bool {
        if limit <= self.of(&key) {
            return false;
        }
        *self.counts.entry(key).or_default() += 1;
        self.all = self.all.saturating_add(1);
        true
    }

    /// One less.
    pub fn leave(&mut self, key: &K) {
        if let Some(count) = self.counts.get_mut(key) {
            *count = count.saturating_sub(1);
            self.all = self.all.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(key);
            }
        }
    }

    /// How many there are of `key`.
    pub fn of(&self, key: &K) -> u32 {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// How many there are of all keys.
    pub fn all(&self) -> u32 {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn five_an_hour_and_twenty_a_day() {
        let start = Instant::now();
        let mut wrong = WrongCodes::new(Limits::default());
        let one = Fingerprint([1; 32]);
        let mut tried = 0;
        for minute in 0..24 * 60 {
            let now = start + Duration::from_secs(minute * 60);
            if wrong.may_try(&one, &ADDRESS, now) {
                wrong.handle_wrong(one, ADDRESS, now);
                tried += 1;
                assert!(tried <= 5 || 60 <= minute);
            }
        }
        assert_eq!(tried, 20);
        assert!(wrong.may_try(&Fingerprint([2; 32]), &ADDRESS, start + HOUR * 3), "others go on");
    }

    #[test]
    fn an_address_has_a_limit_of_its_own() {
        let now = Instant::now();
        let mut wrong = WrongCodes::new(Limits::default());
        for n in 0..50 {
            wrong.handle_wrong(Fingerprint([n; 32]), ADDRESS, now);
        }
        assert!(!wrong.may_try(&Fingerprint([99; 32]), &ADDRESS, now));
        assert!(wrong.may_try(&Fingerprint([99; 32]), &[10, 0, 0, 1].into(), now));
    }

    #[test]
    fn unpaired_connections_are_counted() {
        let mut unpaired = Unpaired::default();
        assert!(unpaired.enter(ADDRESS, 2) && unpaired.enter(ADDRESS, 2));
        assert!(!unpaired.enter(ADDRESS, 2));
        unpaired.leave(&ADDRESS);
        assert!(unpaired.enter(ADDRESS, 2));
        assert!(unpaired.enter([10, 0, 0, 1].into(), 2));
        assert_eq!((unpaired.of(&ADDRESS), unpaired.all()), (2, 3));
    }

    #[test]
    fn an_ipv6_address_counts_as_its_network_and_a_mapped_ipv4_address_as_itself() {
        let check = |address: &str, expected: &str| {
            assert_eq!(counted(address.parse().unwrap()), expected.parse::<IpAddr>().unwrap());
        };
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
    }
}
