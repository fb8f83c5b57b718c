//! How packets find their way: the routing id, and the connection-ID layout (RFC 9000 §5.1) that carries it.
//!
//! ```text
//! an end's connection IDs:        8 routing id (top bit 1) | 8 random
//! the relay's own connection IDs: 8 random     (top bit 0)
//! ```
//! Every packet is routable by its destination connection ID alone; the relay understands nothing else of it.

use crate::ids::Fingerprint;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bytes of a connection ID that an end issues.
pub const END_CID_LEN: usize = 16;

/// Bytes of a connection ID that the relay issues for its control connections.
pub const RELAY_CID_LEN: usize = 8;

/// Routing id of one endpoint: the first 8 bytes of the SHA-256 of its session key's SPKI, top bit set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rid(u64);

impl Rid {
    const TOP: u64 = 1 << 63;

    /// The routing id that belongs to a key.
    pub fn of(key: &Fingerprint) -> Self {
        let mut head = [0; 8];
        head.copy_from_slice(&key.0[..8]);
        Self(u64::from_be_bytes(head) | Self::TOP)
    }

    /// The routing id in a packet's destination connection ID, if it names an end; `None` for the relay's own.
    pub fn in_packet(packet: &[u8]) -> Option<Self> {
        let head: [u8; 8] = destination(packet)?.get(..8)?.try_into().ok()?;
        let id = u64::from_be_bytes(head);
        (id & Self::TOP != 0).then_some(Self(id))
    }

    /// A fresh connection ID of this end: `8 rid | 8 random`.
    pub fn connection_id(self, random: [u8; 8]) -> [u8; END_CID_LEN] {
        let mut id = [0; END_CID_LEN];
        id[..8].copy_from_slice(&self.0.to_be_bytes());
        id[8..].copy_from_slice(&random);
        id
    }

    /// True if `cid` was issued by this end.
    pub fn issued(self, cid: &[u8]) -> bool {
        cid.len() == END_CID_LEN && cid.starts_with(&self.0.to_be_bytes())
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A connection ID of the relay's own: `random` with the top bit clear.
pub fn relay_connection_id(mut random: [u8; RELAY_CID_LEN]) -> [u8; RELAY_CID_LEN] {
    random[0] &= 0x7f;
    random
}

/// The destination connection ID of a packet, or what of it is needed: all of it in a long header (RFC 9000 §17.2),
/// its first 8 bytes in a short one (§17.3), whose length only its issuer knows.
pub fn destination(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    if first & 0x80 == 0 {
        return packet.get(1..9);
    }
    let length = usize::from(*packet.get(5)?);
    packet.get(6..)?.get(..length)
}

/// True for a short-header packet (RFC 9000 §17.3).
pub fn is_short(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first & 0x80 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn found_in_both_header_forms() {
        let rid = Rid::of(&Fingerprint([0x12; 32]));
        assert_eq!(rid.to_string(), "9212121212121212");
        let cid = rid.connection_id([7; 8]);
        assert!(rid.issued(&cid));
        let short = [&[0x40][..], &cid, b"payload"].concat();
        assert_eq!(Rid::in_packet(&short), Some(rid));
        let long = [&[0xc3, 0, 0, 0, 1, 16][..], &cid, &[0]].concat();
        assert_eq!(Rid::in_packet(&long), Some(rid));
        assert_eq!(destination(&long), Some(&cid[..]));
        let own = relay_connection_id([0xff; 8]);
        assert_eq!(Rid::in_packet(&[&[0x40][..], &own].concat()), None);
    }

    proptest! {
        #[test]
        fn never_panics(packet in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Rid::in_packet(&packet);
            let _ = is_short(&packet);
        }
    }
}
