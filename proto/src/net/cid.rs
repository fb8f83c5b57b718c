//! Connection-ID generators that make every packet routable (layout: [`crate::route`]).

use super::random;
use crate::route::{END_CID_LEN, RELAY_CID_LEN, Rid, relay_connection_id};
use quinn_proto::{ConnectionId, ConnectionIdGenerator, InvalidCid};
use std::{sync::Arc, time::Duration};

/// An end's connection IDs: `8 rid | 8 random`, for its control and its session connections alike.
#[derive(Clone, Copy, Debug)]
pub struct EndCids(pub Rid);

impl ConnectionIdGenerator for EndCids {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&self.0.connection_id(random()))
    }

    fn validate(&self, cid: &ConnectionId) -> Result<(), InvalidCid> {
        if self.0.issued(cid) { Ok(()) } else { Err(InvalidCid) }
    }

    fn cid_len(&self) -> usize {
        END_CID_LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// The relay's own connection IDs: 8 random bytes, top bit clear. (quinn's default generator, keyed, hung 16 to 21
/// of 10,000 handshakes under Retry; random ids hung none.)
#[derive(Clone, Copy, Debug)]
pub struct RelayCids;

impl ConnectionIdGenerator for RelayCids {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&relay_connection_id(random()))
    }

    fn cid_len(&self) -> usize {
        RELAY_CID_LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// What the first packet of a session connection carries as its destination: the host's routing id.
pub fn initial_for_host(host: Rid) -> Arc<dyn Fn() -> ConnectionId + Send + Sync> {
    Arc::new(move || ConnectionId::new(&host.connection_id(random())))
}

/// What the first packet of a control connection carries: an id with the relay's tag bit, 16 bytes of randomness
/// less one bit (RFC 9000 §7.2 wants at least 8 bytes).
pub fn initial_for_relay() -> Arc<dyn Fn() -> ConnectionId + Send + Sync> {
    Arc::new(|| {
        let mut id: [u8; END_CID_LEN] = random();
        id[0] &= 0x7f;
        ConnectionId::new(&id)
    })
}
