//! The messages of a pairing, viewer to host and back; [`wire`](crate::wire) encodes them, the relay carries them
//! as opaque bytes in `Pair`.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::{control::ToRelay, ids::Fingerprint, rights::Rights, wire::Message};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::fmt;

/// Bytes of a proof: HMAC-SHA-256.
pub const PROOF_LEN: usize = 32;

/// One message of a pairing. At most [`ToRelay::MAX_PAIR`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairMessage {
    /// Viewer: begins. Answered by `Answer`, or by the end of the claim.
    Start(Start),
    /// Host: has counted the start and answers it. Answered by `Proof`.
    Answer(Answer),
    /// Viewer: its MAC over the transcript. Answered by `Proved` or `Mismatch`.
    Proof([u8; PROOF_LEN]),
    /// Host: the viewer's proof was good, and this is the host's. The last message.
    Proved([u8; PROOF_LEN]),
    /// Host: the viewer's proof was not good. The last message. Not authenticated: it may be the relay's.
    Mismatch {
        /// Starts that the code still allows; 0 = the code is dead.
        left: u8,
    },
}

/// How a viewer begins. `version` stays the first field in every version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// [`VERSION`](crate::version::VERSION) of the viewer.
    pub version: u16,
    /// Its SPAKE2 message, side A.
    pub element: Element,
    /// SHA-256 of its session certificate (DER).
    pub certificate: Fingerprint,
    /// The rights that it will ask the user for.
    pub want: Rights,
}

/// How a host answers. `version` stays the first field in every version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// [`VERSION`](crate::version::VERSION) of the host.
    pub version: u16,
    /// Its SPAKE2 message, side B.
    pub element: Element,
    /// SHA-256 of its session certificate (DER).
    pub certificate: Fingerprint,
}

/// A SPAKE2 message: `1 side ('A' or 'B') | 32 compressed Ed25519 point`. Only its length is checked here; whether
/// the point may be used, where it is used.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteBuf", into = "ByteBuf")]
pub struct Element([u8; Element::LEN]);

/// Bytes that are no [`Element`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key share has {expected} bytes, not {0}", expected = Element::LEN)]
pub struct ElementLength(pub usize);

impl Element {
    /// Bytes.
    pub const LEN: usize = 33;

    /// Side and point.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Element {
    type Error = ElementLength;
    fn try_from(bytes: &[u8]) -> Result<Self, ElementLength> {
        bytes.try_into().map(Self).map_err(|_| ElementLength(bytes.len()))
    }
}

impl TryFrom<ByteBuf> for Element {
    type Error = ElementLength;
    fn try_from(bytes: ByteBuf) -> Result<Self, ElementLength> {
        Self::try_from(bytes.as_slice())
    }
}

impl From<Element> for ByteBuf {
    fn from(element: Element) -> Self {
        Self::from(element.0)
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Element(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl PairMessage {
    /// The message's name, for errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "Start",
            Self::Answer(_) => "Answer",
            Self::Proof(_) => "Proof",
            Self::Proved(_) => "Proved",
            Self::Mismatch { .. } => "Mismatch",
        }
    }
}

impl Message for PairMessage {
    const MAX: usize = ToRelay::MAX_PAIR;
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests index what they made")]
mod tests {
    use super::*;
    use crate::wire::{WireError, decode, encode};
    use proptest::prelude::*;

    fn element(side: u8) -> Element {
        let mut bytes = [0x11; Element::LEN];
        bytes[0] = side;
        Element(bytes)
    }

    fn start() -> PairMessage {
        let want = Rights::VIEW | Rights::CONTROL;
        let certificate = Fingerprint([0xc1; 32]);
        PairMessage::Start(Start { version: 1, element: element(b'A'), certificate, want })
    }

    #[test]
    fn golden_bytes() {
        let check = |message: PairMessage, expected: String| {
            assert_eq!(hex::encode(encode(&message)), expected, "{message:?}");
            assert_eq!(decode(&hex::decode(expected).unwrap()), Ok(message));
        };
        let (point, cert) = ("11".repeat(32), "c1".repeat(32));
        check(start(), format!("00012141{point}{cert}03"));
        let answer = Answer { version: 1, element: element(b'B'), certificate: Fingerprint([0xc1; 32]) };
        check(PairMessage::Answer(answer), format!("01012142{point}{cert}"));
        check(PairMessage::Proof([0xaa; 32]), format!("02{}", "aa".repeat(32)));
        check(PairMessage::Proved([0xbb; 32]), format!("03{}", "bb".repeat(32)));
        check(PairMessage::Mismatch { left: 1 }, "0401".to_owned());
    }

    #[test]
    fn a_key_share_of_another_length_is_refused() {
        for length in [0, 32, 34] {
            let bytes = [vec![0, 1, length], vec![0x11; length.into()], vec![0xc1; 32], vec![3]].concat();
            assert!(matches!(decode::<PairMessage>(&bytes), Err(WireError::PeerMalformed(_))), "{length}");
        }
    }

    #[test]
    fn rights_that_nobody_knows_are_refused() {
        let mut bytes = encode(&start());
        *bytes.last_mut().unwrap() = 251; // a u16 follows
        bytes.extend([0, 0x80]);
        assert!(matches!(decode::<PairMessage>(&bytes), Err(WireError::PeerMalformed(_))));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let decoded = decode::<PairMessage>(&bytes);
            prop_assert!(bytes.len() <= PairMessage::MAX || decoded.is_err());
        }

        #[test]
        fn a_changed_byte_never_panics(at in 0usize..100, to in any::<u8>()) {
            let mut bytes = encode(&start());
            let at = at % bytes.len();
            bytes[at] = to;
            if let Ok(message) = decode::<PairMessage>(&bytes) {
                prop_assert_eq!(encode(&message), bytes);
            }
        }
    }
}
