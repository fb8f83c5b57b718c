//! Who may be forwarded to whom: a pure table.
//!
//! Only ends registered over a live control connection, only between two that a committed session pairs, only from
//! the address that the control connection has proved. An end may have several peers.

use nearhand_proto::{
    ids::{Fingerprint, SessionId},
    route::Rid,
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What one session has moved, both directions.
#[derive(Debug, Default)]
pub struct Traffic {
    bytes: AtomicU64,
    packets: AtomicU64,
}

impl Traffic {
    /// Adds `bytes` in `packets`.
    fn add(&self, bytes: usize, packets: usize) {
        self.bytes.fetch_add(bytes.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        self.packets.fetch_add(packets.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// UDP payload bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }
}

/// Why an end can't register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another key has the same routing id: 2⁻⁶³ by accident, so no accident.
    #[error("this routing id belongs to another key")]
    OtherKey,
    /// A newer connection of the same end has registered already.
    #[error("a newer connection of this end has registered")]
    Replaced,
}

/// What to do with packets for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send them there.
    Send(SocketAddr),
    /// Nobody is registered under this routing id, or nobody of its peers sends from there.
    Drop,
}

#[derive(Debug)]
struct End {
    key: Fingerprint,
    address: SocketAddr,
    connection: u64,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    rid: Rid,
    session: SessionId,
    traffic: Arc<Traffic>,
}

/// The table.
#[derive(Debug, Default)]
pub struct Routes {
    ends: HashMap<Rid, End>,
    /// The two ends of every open route.
    sessions: HashMap<SessionId, [Rid; 2]>,
}

impl Routes {
    /// An end has registered from `address`, which its control connection `connection` has proved. Connections are
    /// numbered as they came.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn register(
        &mut self,
        key: Fingerprint,
        address: SocketAddr,
        connection: u64,
    ) -> Result<Rid, Refusal> {
        let rid = Rid::of(&key);
        match self.ends.get_mut(&rid) {
            Some(end) if end.key != key => return Err(Refusal::OtherKey),
            Some(end) if connection < end.connection => return Err(Refusal::Replaced),
            Some(end) => {
                end.address = address;
                end.connection = connection;
            }
            None => {
                self.ends.insert(rid, End { key, address, connection, peers: Vec::new() });
            }
        }
        Ok(rid)
    }

    /// The end's control connection is gone, unless a newer one took over. Its routes shut.
    pub fn unregister(&mut self, rid: Rid, connection: u64) {
        if self.ends.get(&rid).is_none_or(|end| end.connection != connection) {
            return;
        }
        let Some(gone) = self.ends.remove(&rid) else { return };
        for peer in gone.peers {
            if let Some(other) = self.ends.get_mut(&peer.rid) {
                other.peers.retain(|back| back.rid != rid);
            }
            self.sessions.remove(&peer.session);
        }
    }

    /// The end has proved a new address.
    pub fn adopt(&mut self, rid: Rid, address: SocketAddr) {
        if let Some(end) = self.ends.get_mut(&rid) {
            end.address = address;
        }
    }

    /// Opens the route of a session between two registered ends; false if one of them isn't.
    pub fn open(&mut self, session: SessionId, a: Rid, b: Rid, traffic: &Arc<Traffic>) -> bool {
        if !self.ends.contains_key(&a) || !self.ends.contains_key(&b) {
            return false;
        }
        self.shut(session);
        self.sessions.insert(session, [a, b]);
        for (rid, other) in [(a, b), (b, a)] {
            if let Some(end) = self.ends.get_mut(&rid) {
                end.peers.push(Peer { rid: other, session, traffic: traffic.clone() });
            }
        }
        true
    }

    /// Shuts the route of a session.
    pub fn shut(&mut self, session: SessionId) {
        for rid in self.sessions.remove(&session).into_iter().flatten() {
            if let Some(end) = self.ends.get_mut(&rid) {
                end.peers.retain(|peer| peer.session != session);
            }
        }
    }

    /// Where packets for `to` that came from `from` go, and counts them.
    pub fn verdict(&self, to: Rid, from: SocketAddr, bytes: usize, packets: usize) -> Verdict {
        let Some(end) = self.ends.get(&to) else { return Verdict::Drop };
        let sent_by = |peer: &&Peer| self.ends.get(&peer.rid).is_some_and(|other| other.address == from);
        match end.peers.iter().find(sent_by) {
            Some(peer) => {
                peer.traffic.add(bytes, packets);
                Verdict::Send(end.address)
            }
            None => Verdict::Drop,
        }
    }

    /// Registered ends.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn key(n: u8) -> Fingerprint {
        Fingerprint([n; 32])
    }

    fn paired() -> (Routes, Rid, Rid, Arc<Traffic>) {
        let mut routes = Routes::default();
        let host = routes.register(key(1), address(1), 10).unwrap();
        let viewer = routes.register(key(2), address(2), 20).unwrap();
        let traffic = Arc::default();
        assert!(routes.open(SessionId([1; 16]), host, viewer, &traffic));
        (routes, host, viewer, traffic)
    }

    #[test]
    fn forwards_between_the_two_of_a_session_and_nobody_else() {
        let (mut routes, host, viewer, traffic) = paired();
        let stranger = routes.register(key(3), address(3), 30).unwrap();
        assert_eq!(routes.verdict(host, address(2), 100, 1), Verdict::Send(address(1)));
        assert_eq!(routes.verdict(viewer, address(1), 50, 1), Verdict::Send(address(2)));
        assert_eq!((traffic.bytes(), traffic.packets()), (150, 2));
        assert_eq!(routes.verdict(host, address(3), 1, 1), Verdict::Drop, "registered, not paired");
        assert_eq!(routes.verdict(stranger, address(1), 1, 1), Verdict::Drop);
        assert_eq!(routes.verdict(host, address(9), 1, 1), Verdict::Drop, "unknown source");
        assert_eq!(routes.verdict(Rid::of(&key(9)), address(1), 1, 1), Verdict::Drop);
    }

    #[test]
    fn a_host_may_have_several_peers() {
        let (mut routes, host, viewer, _) = paired();
        let second = routes.register(key(3), address(3), 30).unwrap();
        assert!(routes.open(SessionId([2; 16]), host, second, &Arc::default()));
        assert_eq!(routes.verdict(host, address(2), 1, 1), Verdict::Send(address(1)));
        assert_eq!(routes.verdict(host, address(3), 1, 1), Verdict::Send(address(1)));
        assert_eq!(routes.verdict(viewer, address(3), 1, 1), Verdict::Drop, "viewers don't reach each other");
        routes.shut(SessionId([1; 16]));
        assert_eq!(routes.verdict(host, address(2), 1, 1), Verdict::Drop);
        assert_eq!(routes.verdict(host, address(3), 1, 1), Verdict::Send(address(1)));
    }

    #[test]
    fn an_address_counts_only_once_adopted() {
        let (mut routes, host, viewer, _) = paired();
        assert_eq!(routes.verdict(host, address(7), 1, 1), Verdict::Drop);
        routes.adopt(viewer, address(7));
        assert_eq!(routes.verdict(host, address(7), 1, 1), Verdict::Send(address(1)));
        assert_eq!(routes.verdict(host, address(2), 1, 1), Verdict::Drop, "the old one no longer");
    }

    #[test]
    fn another_key_can_not_take_a_routing_id() {
        let mut routes = Routes::default();
        routes.register(key(1), address(1), 10).unwrap();
        let mut twin = key(1);
        twin.0[31] ^= 1;
        assert_eq!(routes.register(twin, address(2), 20), Err(Refusal::OtherKey));
    }

    #[test]
    fn an_older_connection_that_registers_late_is_refused() {
        let (mut routes, host, ..) = paired();
        assert_eq!(routes.register(key(1), address(5), 9), Err(Refusal::Replaced));
        assert_eq!(routes.verdict(host, address(2), 1, 1), Verdict::Send(address(1)));
    }

    #[test]
    fn an_older_connection_does_not_unregister_a_newer_one() {
        let (mut routes, host, viewer, _) = paired();
        routes.register(key(1), address(5), 11).unwrap();
        routes.unregister(host, 10);
        assert_eq!(routes.verdict(host, address(2), 1, 1), Verdict::Send(address(5)));
        routes.unregister(host, 11);
        assert_eq!(routes.verdict(host, address(2), 1, 1), Verdict::Drop);
        assert_eq!(routes.verdict(viewer, address(5), 1, 1), Verdict::Drop);
        assert_eq!(routes.len(), 1);
    }
}
