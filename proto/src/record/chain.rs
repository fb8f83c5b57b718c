//! The chain of one session: head 0 = SHA-256(session id), head n = SHA-256(0x02 ‖ head n-1 ‖ canonical bytes). Both
//! ends chain the host's one list, so their heads can be equal; who compares them comes with signatures.

use super::{canonical::Header, tree::Hash};
use crate::ids::SessionId;
use sha2::{Digest as _, Sha256};

/// The head of a session's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    head: Hash,
}

impl Chain {
    /// The chain before the first event.
    pub fn new(session: SessionId) -> Self {
        Self { head: Sha256::digest(session.0).into() }
    }

    /// Chains one more event.
    pub fn push(&mut self, header: &Header) {
        let next = Sha256::new().chain_update([2]).chain_update(self.head).chain_update(header.to_bytes());
        self.head = next.finalize().into();
    }

    /// The head after everything pushed.
    pub fn head(&self) -> Hash {
        self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::ActorId,
        record::{Entry, Event, Origin, Stamp},
    };

    #[test]
    fn each_head_holds_all_before() {
        let session = SessionId([1; 16]);
        let stamp = Stamp {
            origin: Origin::Host,
            session,
            seq: 0,
            wall_ms: 0,
            monotonic_ns: 0,
            actor: ActorId([2; 16]),
        };
        let header = Entry::new(&Event::ControlTaken, stamp, [3; 32]).header;
        let mut chain = Chain::new(session);
        let first: Hash = Sha256::digest([1; 16]).into();
        assert_eq!(chain.head(), first);
        chain.push(&header);
        let text = [&[2][..], &first, &header.to_bytes()].concat();
        let second: Hash = Sha256::digest(text).into();
        assert_eq!(chain.head(), second);
        let mut other = Chain::new(session);
        other.push(&Header { code: 1, ..header });
        assert_ne!(other.head(), chain.head());
    }
}
