//! The proof of an address: traffic moves to a new address only after a nonce, sent there as a QUIC datagram over the
//! control connection, has come back from there.
//!
//! ```text
//! Proven --control speaks from elsewhere--> Asked(nonce, address) --echo from that address--> Proven
//!                                                \--path may have changed--> Asked(new nonce)
//! ```
//! quinn's `remote_address()` moves before the path is validated (RFC 9000 §9.3); without the nonce a replayed packet
//! with a spoofed source would aim a picture at a victim. A datagram is never retransmitted; while it stands unanswered
//! it is sent again, the same one.
//!
//! A datagram is queued, though, and leaves along the path that the connection has *then*. An end that speaks with a false
//! source, from its own address, and with the false source again could so be handed the nonce that was meant for a victim.
//! Therefore a nonce is void once another PATH_CHALLENGE (RFC 9000 §8.2.1) was sent than had been when it was made: quinn
//! sends one in each packet on a path that is not validated, and one along a validated path that it leaves, before anybody
//! else sees the connection. So a nonce that is still good has left along a validated path or not at all, and that path
//! was never left since. (The socket must take what quinn sends: a packet that waits would not be counted yet.)

use std::net::SocketAddr;

/// Bytes of a nonce.
pub(super) const NONCE: usize = 16;

/// Where the control connection speaks from, as quinn has it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The address.
    pub address: SocketAddr,
    /// PATH_CHALLENGE frames sent so far on the connection. INVARIANT: read after the address. So none was sent between the
    /// moment when a nonce was asked for and the one when the connection spoke from where the echo is judged; read before,
    /// the connection could get there in between.
    pub challenges: u64,
}

/// The address of one end, and what is being asked of a new one.
#[derive(Clone, Debug)]
pub struct AddressProof {
    proven: SocketAddr,
    asked: Option<([u8; NONCE], Seen)>,
}

impl AddressProof {
    /// The handshake has proved the first address (RFC 9000 §8.1).
    pub fn new(proven: SocketAddr) -> Self {
        Self { proven, asked: None }
    }

    /// The connection speaks from there. Returns the nonce to send, if the address is not proved; a new one is made by
    /// `fresh`, if that still gives any.
    pub fn handle_address(
        &mut self,
        now: Seen,
        fresh: impl FnOnce() -> Option<[u8; NONCE]>,
    ) -> Option<[u8; NONCE]> {
        if now.address == self.proven {
            self.asked = None;
        } else if self.asked.is_none_or(|(_, seen)| seen != now) {
            self.asked = fresh().map(|nonce| (nonce, now));
        }
        self.asked.map(|(nonce, _)| nonce)
    }

    /// A datagram came back, and the connection speaks from there. Returns the address if it is proved by that.
    pub fn handle_echo(&mut self, datagram: &[u8], now: Seen) -> Option<SocketAddr> {
        let (nonce, seen) = self.asked?;
        if seen != now || datagram != nonce {
            return None;
        }
        self.asked = None;
        self.proven = now.address;
        Some(now.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(port: u16, challenges: u64) -> Seen {
        Seen { address: ([127, 0, 0, 1], port).into(), challenges }
    }

    fn first() -> AddressProof {
        AddressProof::new(seen(1, 0).address)
    }

    #[test]
    fn adopted_only_after_the_nonce_came_back() {
        let mut proof = first();
        assert_eq!(proof.handle_address(seen(1, 0), || Some([1; 16])), None);
        assert_eq!(proof.handle_address(seen(2, 2), || Some([2; 16])), Some([2; 16]));
        assert_eq!(proof.handle_address(seen(2, 2), || Some([3; 16])), Some([2; 16]), "one outstanding");
        assert_eq!(proof.handle_echo(&[9; 16], seen(2, 2)), None);
        assert_eq!(proof.handle_echo(&[2; 16], seen(2, 2)), Some(seen(2, 2).address));
        assert_eq!(proof.handle_echo(&[2; 16], seen(2, 2)), None, "once");
        assert_eq!(proof.handle_address(seen(2, 3), || Some([4; 16])), None, "proved");
    }

    #[test]
    fn void_once_the_address_has_changed() {
        let mut proof = first();
        proof.handle_address(seen(2, 2), || Some([2; 16]));
        assert_eq!(proof.handle_echo(&[2; 16], seen(3, 2)), None);
        assert_eq!(proof.handle_address(seen(3, 2), || Some([3; 16])), Some([3; 16]));
        assert_eq!(proof.handle_echo(&[2; 16], seen(3, 2)), None, "the old nonce");
        assert_eq!(proof.handle_address(seen(1, 2), || Some([4; 16])), None, "back where it was");
        assert_eq!(proof.handle_echo(&[3; 16], seen(1, 2)), None);
        assert_eq!(proof.handle_echo(&[3; 16], seen(3, 2)), None, "it was there in between");
    }

    #[test]
    fn void_once_the_path_may_have_changed() {
        let mut proof = first();
        proof.handle_address(seen(2, 2), || Some([2; 16]));
        assert_eq!(proof.handle_echo(&[2; 16], seen(2, 3)), None, "elsewhere in between, maybe");
        assert_eq!(proof.handle_address(seen(2, 3), || Some([3; 16])), Some([3; 16]), "asked anew");
        assert_eq!(proof.handle_echo(&[2; 16], seen(2, 3)), None);
        assert_eq!(proof.handle_echo(&[3; 16], seen(2, 3)), Some(seen(2, 3).address));
    }

    #[test]
    fn an_end_that_moves_too_often_is_asked_later() {
        let mut proof = first();
        proof.handle_address(seen(2, 2), || Some([2; 16]));
        assert_eq!(proof.handle_address(seen(3, 4), || None), None);
        assert_eq!(proof.handle_echo(&[2; 16], seen(2, 2)), None, "the old nonce is void all the same");
        assert_eq!(proof.handle_address(seen(3, 4), || Some([3; 16])), Some([3; 16]));
    }
}
