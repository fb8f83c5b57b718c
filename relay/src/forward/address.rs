//! The proof of an address: traffic moves to a new address only after a nonce, sent there as a QUIC datagram over the
//! control connection, has come back from there.
//!
//! ```text
//! Proven --control speaks from elsewhere--> Asked(nonce, address) --echo from that address--> Proven
//!                                                \--address changes again--> Asked(new nonce)
//! ```
//! quinn's `remote_address()` moves before the path is validated (RFC 9000 §9.3); without the nonce a replayed packet
//! with a spoofed source would aim a picture at a victim. A datagram is never retransmitted, so the nonce never
//! reaches an address that it was not meant for; while it stands unanswered it is sent again, the same one.

use std::net::SocketAddr;

/// Bytes of a nonce.
pub(super) const NONCE: usize = 16;

/// The address of one end, and what is being asked of a new one.
#[derive(Clone, Debug)]
pub struct AddressProof {
    proven: SocketAddr,
    asked: Option<([u8; NONCE], SocketAddr)>,
}

impl AddressProof {
    /// The handshake has proved the first address (RFC 9000 §8.1).
    pub fn new(proven: SocketAddr) -> Self {
        Self { proven, asked: None }
    }

    /// The control connection speaks from `now`. Returns the nonce to send there, if it is not proved. `fresh` is
    /// used if a new one is needed.
    pub fn handle_address(&mut self, now: SocketAddr, fresh: [u8; NONCE]) -> Option<[u8; NONCE]> {
        if now == self.proven {
            self.asked = None;
            return None;
        }
        match self.asked {
            Some((nonce, address)) if address == now => Some(nonce),
            _ => {
                self.asked = Some((fresh, now));
                Some(fresh)
            }
        }
    }

    /// True while a nonce is on its way.
    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// A datagram came back while the connection speaks from `now`. Returns the address if it is proved by that.
    pub fn handle_echo(&mut self, datagram: &[u8], now: SocketAddr) -> Option<SocketAddr> {
        let (nonce, address) = self.asked?;
        if address != now || datagram != nonce {
            return None;
        }
        self.asked = None;
        self.proven = now;
        Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn adopted_only_after_the_nonce_came_back() {
        let mut proof = AddressProof::new(address(1));
        assert_eq!(proof.handle_address(address(1), [1; 16]), None);
        assert!(!proof.is_asking());
        assert_eq!(proof.handle_address(address(2), [2; 16]), Some([2; 16]));
        assert!(proof.is_asking());
        assert_eq!(proof.handle_address(address(2), [3; 16]), Some([2; 16]), "one outstanding");
        assert_eq!(proof.handle_echo(&[9; 16], address(2)), None);
        assert_eq!(proof.handle_echo(&[2; 16], address(2)), Some(address(2)));
        assert_eq!(proof.handle_echo(&[2; 16], address(2)), None, "once");
    }

    #[test]
    fn void_once_the_address_has_changed() {
        let mut proof = AddressProof::new(address(1));
        proof.handle_address(address(2), [2; 16]);
        assert_eq!(proof.handle_echo(&[2; 16], address(3)), None);
        assert_eq!(proof.handle_address(address(3), [3; 16]), Some([3; 16]));
        assert_eq!(proof.handle_echo(&[2; 16], address(3)), None, "the old nonce");
        assert_eq!(proof.handle_address(address(1), [4; 16]), None, "back where it was");
        assert_eq!(proof.handle_echo(&[3; 16], address(1)), None);
    }
}
