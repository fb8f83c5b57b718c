//! Pairing: how a host and a viewer that share a session code become sure of each other's certificate, over a relay
//! that neither of them has to trust. Design: `docs/protocol.md`.
//!
//! ```text
//! viewer (A)                          relay                          host (B)
//!   | Start(version, element, certificate, want) --------------------> |   counts once it is answered
//!   | <-------------------------- Answer(version, element, certificate) |
//!   | Proof(MAC) -----------------------------------------------------> |   the viewer confirms first
//!   | <------------------------------------------- Proved(MAC)          |   or Mismatch(left)
//! ```
//! SPAKE2 yields a key on both sides even for a wrong code, so both ends prove their key before either believes
//! anything: HMAC over a transcript of everything that the two must agree on. The relay carries these messages
//! unread; it can refuse service, and guess once per start, no more.

#[cfg(test)]
mod attacks;
mod claimant;
mod codes;
mod keeper;
mod message;
mod spake;
mod transcript;

pub use claimant::{Claimant, Confirming};
pub use codes::{Codes, Death, Lifetimes, STARTS, Step};
pub use keeper::Answering;
pub use message::{Answer, Element, ElementLength, PROOF_LEN, PairMessage, Start};
pub use spake::ElementError;
pub use transcript::Context;

use crate::{close::Close, ids::Fingerprint, rights::Rights};

/// The other end, after it has proved that it knows the code. Only the pairing makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinnedPeer {
    /// SHA-256 of the peer's session certificate (DER): the only one that the session connection may see.
    pub certificate: Fingerprint,
    /// The rights that the viewer asked for, as both ends saw it.
    pub want: Rights,
}

/// Why a pairing failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// At the viewer: the host says that the keys differ: a mistyped code, or somebody between the two.
    #[error("session code does not match, {left} attempts left; ask the user to read it out again")]
    Mismatch {
        /// Starts that the code still allows; 0 = the code is dead.
        left: u8,
    },
    /// At the host: the viewer's proof does not fit. Tell [`Codes::handle_mismatch`].
    #[error("someone entered a wrong code")]
    WrongCode,
    /// At the viewer: the host's proof does not fit, although it took ours. Whoever answered has had one guess.
    #[error("whoever answered does not know the session code; ask the user for a new one")]
    PeerUnproved,
    /// The other end speaks another version of the pairing.
    #[error("the other side pairs by version {got}, this program by version {own}; update the older one")]
    PeerVersion {
        /// The peer's.
        got: u16,
        /// Ours.
        own: u16,
    },
    /// The peer's key share is no element of the group that we may use.
    #[error("peer sent an unusable key share")]
    PeerElement(#[from] ElementError),
    /// A message that is not the one due now.
    #[error("peer sent '{got}' where '{due}' was due")]
    PeerOrder {
        /// What came.
        got: &'static str,
        /// What was due.
        due: &'static str,
    },
    /// At the host: no code is shown, or not for this claim (any more).
    #[error("no code waits for this claim")]
    NoCode,
    /// At the host: a second claim while another was under way; the code is dead.
    #[error("two people entered this code at the same time")]
    TwoClaimants,
}

impl PairError {
    /// What the other end is told.
    pub fn close(&self) -> Close {
        match self {
            Self::Mismatch { left: 0 } => Close::CodeDead,
            Self::Mismatch { .. } | Self::WrongCode | Self::PeerUnproved => Close::WrongCode,
            Self::PeerVersion { .. } => Close::Version,
            Self::PeerElement(_) | Self::PeerOrder { .. } => Close::Protocol,
            Self::NoCode => Close::NoSuchCode,
            Self::TwoClaimants => Close::TwoClaimants,
        }
    }
}
