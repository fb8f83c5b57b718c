//! The canonical bytes of an event: what is hashed, chained and one day signed. Fixed fields, big endian, never the
//! wire codec's encoding. Personal text stands in the body alone, behind a salted hash, so that erasing a body (and
//! its salt) leaves every hash as it was.
//!
//! ```text
//! 1 version | 2 code | 1 severity | 1 origin | 16 session | 8 seq | 8 wall ms | 8 monotonic ns | 16 actor | 32 body hash
//! ```
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::event::Event;
use crate::ids::{ActorId, SessionId};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha256};

/// Bytes of a body, at most.
pub const MAX_BODY: usize = 8 << 10;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Severity {
    /// The ordinary course.
    Info = 1,
    /// Someone should look.
    Warning = 2,
    /// Someone must look.
    Alarm = 3,
}

/// Who witnessed an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Origin {
    /// The relay.
    Relay = 1,
    /// The user's end.
    Host = 2,
    /// The technician's end.
    Viewer = 3,
}

impl Severity {
    /// The stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

impl Origin {
    /// The stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Host => "host",
            Self::Viewer => "viewer",
        }
    }
}

/// When, where and by whom: everything of a header but the event itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Who witnessed it.
    pub origin: Origin,
    /// The session, or [`SessionId::NONE`].
    pub session: SessionId,
    /// Host and viewer facts: number in the session's list, from 0. Relay facts: number of the leaf.
    pub seq: u64,
    /// Milliseconds since the Unix epoch, by the witness's wall clock.
    pub wall_ms: u64,
    /// Nanoseconds since the witness's start (the relay's, or the session's), by its monotonic clock.
    pub monotonic_ns: u64,
    /// Who did it.
    pub actor: ActorId,
}

/// The header of an event; [`Header::to_bytes`] are its canonical bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteBuf", into = "ByteBuf")]
pub struct Header {
    /// Which event.
    pub code: u16,
    /// How much it matters.
    pub severity: Severity,
    /// When, where and by whom.
    pub stamp: Stamp,
    /// [`body_hash`] of salt and body.
    pub body_hash: [u8; 32],
}

/// What is wrong with the bytes of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Too few or too many bytes.
    #[error("an event's header has 93 bytes, not {0}")]
    Length(usize),
    /// A layout that this program does not know.
    #[error("unknown version {0} of an event's header")]
    Version(u8),
    /// No such severity.
    #[error("unknown severity {0} in an event's header")]
    Severity(u8),
    /// No such witness.
    #[error("unknown origin {0} in an event's header")]
    Origin(u8),
}

/// SHA-256(salt ‖ body): hides the body from whoever only sees the header.
pub fn body_hash(salt: &[u8; 32], body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(body).finalize().into()
}

impl Header {
    /// Bytes of a header.
    pub const LEN: usize = 93;
    /// The first byte of every header.
    pub const VERSION: u8 = 1;

    /// The canonical bytes.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let stamp = &self.stamp;
        let mut out = Vec::with_capacity(Self::LEN);
        out.push(Self::VERSION);
        out.extend_from_slice(&self.code.to_be_bytes());
        out.push(self.severity as u8);
        out.push(stamp.origin as u8);
        out.extend_from_slice(&stamp.session.0);
        out.extend_from_slice(&stamp.seq.to_be_bytes());
        out.extend_from_slice(&stamp.wall_ms.to_be_bytes());
        out.extend_from_slice(&stamp.monotonic_ns.to_be_bytes());
        out.extend_from_slice(&stamp.actor.0);
        out.extend_from_slice(&self.body_hash);
        out.try_into().expect("the fields above are 93 bytes")
    }

    /// Reads a header back.
    ///
    /// # Errors
    /// [`HeaderError`] for any other length, version, severity or origin.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeaderError> {
        let whole: [u8; Self::LEN] = bytes.try_into().map_err(|_| HeaderError::Length(bytes.len()))?;
        let mut rest = Reader(&whole);
        let [version] = rest.take();
        if version != Self::VERSION {
            return Err(HeaderError::Version(version));
        }
        let code = u16::from_be_bytes(rest.take());
        let severity = match rest.take() {
            [1] => Severity::Info,
            [2] => Severity::Warning,
            [3] => Severity::Alarm,
            [other] => return Err(HeaderError::Severity(other)),
        };
        let origin = match rest.take() {
            [1] => Origin::Relay,
            [2] => Origin::Host,
            [3] => Origin::Viewer,
            [other] => return Err(HeaderError::Origin(other)),
        };
        let stamp = Stamp {
            origin,
            session: SessionId(rest.take()),
            seq: u64::from_be_bytes(rest.take()),
            wall_ms: u64::from_be_bytes(rest.take()),
            monotonic_ns: u64::from_be_bytes(rest.take()),
            actor: ActorId(rest.take()),
        };
        Ok(Self { code, severity, stamp, body_hash: rest.take() })
    }
}

/// Hands out the parts of a header whose length has been checked.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (part, rest) = self.0.split_first_chunk().expect("the parts of a header are 93 bytes");
        self.0 = rest;
        *part
    }
}

impl TryFrom<ByteBuf> for Header {
    type Error = HeaderError;
    fn try_from(bytes: ByteBuf) -> Result<Self, HeaderError> {
        Self::from_bytes(&bytes)
    }
}

impl From<Header> for ByteBuf {
    fn from(header: Header) -> Self {
        Self::from(header.to_bytes())
    }
}

/// One event as it is sent and stored.
///
/// INVARIANT: the body is at most [`MAX_BODY`] bytes and matches the header's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEntry")]
#[non_exhaustive]
pub struct Entry {
    /// When, where, by whom, and the body's hash.
    pub header: Header,
    /// 32 random bytes.
    pub salt: [u8; 32],
    /// The event's fields: [`Event::encode_body`].
    pub body: ByteBuf,
}

/// What is wrong with an entry that a peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// More than [`MAX_BODY`] bytes.
    #[error("peer sent an event of {0} bytes, at most 8192 are allowed")]
    PeerTooLong(usize),
    /// Body or salt are not those that the header was made for.
    #[error("peer sent an event whose body does not match its hash")]
    PeerBody,
}

impl Entry {
    /// Seals an event. `salt` must be fresh random bytes.
    pub fn new(event: &Event, stamp: Stamp, salt: [u8; 32]) -> Self {
        let body = event.encode_body();
        let body_hash = body_hash(&salt, &body);
        let header = Header { code: event.code(), severity: event.severity(), stamp, body_hash };
        Self { header, salt, body: body.into() }
    }

    /// Puts an entry together again.
    ///
    /// # Errors
    /// [`EntryError`] if the body is too long or does not match the header.
    pub fn from_parts(header: Header, salt: [u8; 32], body: ByteBuf) -> Result<Self, EntryError> {
        if MAX_BODY < body.len() {
            return Err(EntryError::PeerTooLong(body.len()));
        }
        if body_hash(&salt, &body) != header.body_hash {
            return Err(EntryError::PeerBody);
        }
        Ok(Self { header, salt, body })
    }
}

#[derive(Deserialize)]
struct RawEntry {
    header: Header,
    salt: [u8; 32],
    body: ByteBuf,
}

impl TryFrom<RawEntry> for Entry {
    type Error = EntryError;
    fn try_from(raw: RawEntry) -> Result<Self, EntryError> {
        Self::from_parts(raw.header, raw.salt, raw.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{self, Message};
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Envelope(Entry);
    impl Message for Envelope {
        const MAX: usize = 64 << 10;
    }

    fn entry() -> Entry {
        let stamp = Stamp {
            origin: Origin::Host,
            session: SessionId([0x11; 16]),
            seq: 7,
            wall_ms: 1_760_000_000_000,
            monotonic_ns: 5_000_000_001,
            actor: ActorId([0x22; 16]),
        };
        let rights = crate::rights::Rights::VIEW;
        Entry::new(&Event::ConsentGiven { rights }, stamp, [0x33; 32])
    }

    #[test]
    fn golden_bytes() {
        let header = entry().header;
        assert_eq!(
            hex::encode(header.to_bytes()),
            "01\
             03e9\
             01\
             02\
             11111111111111111111111111111111\
             0000000000000007\
             00000199c82cc000\
             000000012a05f201\
             22222222222222222222222222222222\
             77991c877b6d5f9c6032078a2b7f1a0ee42501aa09215cdc6c192783e2ec5eb9"
        );
        assert_eq!(Header::from_bytes(&header.to_bytes()), Ok(header));
    }

    #[test]
    fn says_what_is_wrong_with_a_header() {
        let check = |at: usize, byte: u8, error| {
            let mut bytes = entry().header.to_bytes();
            bytes[at] = byte;
            assert_eq!(Header::from_bytes(&bytes), Err(error));
        };
        check(0, 2, HeaderError::Version(2));
        check(3, 0, HeaderError::Severity(0));
        check(4, 4, HeaderError::Origin(4));
        assert_eq!(Header::from_bytes(&[1; 92]), Err(HeaderError::Length(92)));
    }

    #[test]
    fn a_peer_can_send_no_entry_that_is_not_whole() {
        let whole = Envelope(entry());
        assert_eq!(wire::decode(&wire::encode(&whole)), Ok(whole));
        let mut other = entry();
        other.body[3] ^= 1;
        assert!(wire::decode::<Envelope>(&wire::encode(&Envelope(other))).is_err());
        let mut long = entry();
        long.body = ByteBuf::from(vec![0; MAX_BODY + 1]);
        long.header.body_hash = body_hash(&long.salt, &long.body);
        assert!(wire::decode::<Envelope>(&wire::encode(&Envelope(long))).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), Header::LEN)) {
            let mut bytes = bytes;
            bytes[0] = 1;
            bytes[3] = bytes[3] % 3 + 1;
            bytes[4] = bytes[4] % 3 + 1;
            let header = Header::from_bytes(&bytes).unwrap();
            prop_assert_eq!(header.to_bytes().to_vec(), bytes);
        }
    }
}
