//! The wire codec: the only file that names bincode (see `docs/decisions/0001-bincode.md` for why and the way out).
//!
//! A message is decoded from a slice whose length is checked first; trailing bytes are an error, and no length
//! that a peer claims is believed beyond [`MAX_MESSAGE`].
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
};
use std::{fmt, marker::PhantomData};

/// No message of any stream is larger, in bytes: 1 MiB of clipboard text, and what is around it. Bounds what the codec
/// may allocate.
pub const MAX_MESSAGE: usize = (1 << 20) + 64;

/// A type that travels as one message, with its own limit.
pub trait Message: Serialize + DeserializeOwned {
    /// Largest encoding that is accepted, in bytes; at most [`MAX_MESSAGE`].
    const MAX: usize;
}

/// What is wrong with bytes that came over a wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Longer than the stream allows; nothing was parsed.
    #[error("peer sent a message of {got} bytes, at most {max} are allowed")]
    PeerTooLong {
        /// Bytes claimed or received.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not an encoding of the expected type.
    #[error("peer sent a malformed message: {0}")]
    PeerMalformed(String),
    /// A whole message, and then some.
    #[error("peer sent {0} bytes after the end of a message")]
    PeerTrailing(usize),
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_MESSAGE>()
}

/// Encodes one message: bincode 2 "standard" (little endian, variable-length integers).
///
/// # Panics
/// If our own message exceeds [`MAX_MESSAGE`]: a bug, its parts are bounded where they are made.
pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    bincode::serde::encode_to_vec(message, config()).expect("our own messages encode within the limit")
}

/// Decodes exactly one message that fills `bytes`.
///
/// # Errors
/// [`WireError`]; nothing is allocated for a slice longer than `M::MAX`.
pub fn decode<M: Message>(bytes: &[u8]) -> Result<M, WireError> {
    if M::MAX < bytes.len() {
        return Err(WireError::PeerTooLong { got: bytes.len(), max: M::MAX });
    }
    let (message, used) = bincode::serde::decode_from_slice(bytes, config())
        .map_err(|error| WireError::PeerMalformed(error.to_string()))?;
    match bytes.len().saturating_sub(used) {
        0 => Ok(message),
        trailing => Err(WireError::PeerTrailing(trailing)),
    }
}

/// Reads a list of at most `MAX` items, for `#[serde(deserialize_with)]`. Its memory grows with what has come: serde's own
/// would make room for 1 MiB of items on the strength of a claimed length.
///
/// # Errors
/// Those of the items, and a length beyond `MAX`.
pub fn list<'de, const MAX: usize, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(List::<MAX, T>(PhantomData))
}

struct List<const MAX: usize, T>(PhantomData<T>);

impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for List<MAX, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if MAX <= list.len() {
                return Err(A::Error::custom(format_args!("more than {MAX} items")));
            }
            list.push(item);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Probe {
        number: u32,
        bytes: serde_bytes::ByteBuf,
        #[serde(deserialize_with = "list::<3, _, _>")]
        list: Vec<u64>,
    }
    impl Message for Probe {
        const MAX: usize = 64;
    }

    fn probe() -> Probe {
        Probe { number: 300, bytes: serde_bytes::ByteBuf::from(*b"abc"), list: vec![1, 2] }
    }

    #[test]
    fn golden_bytes() {
        assert_eq!(hex::encode(encode(&probe())), "fb2c0103616263020102");
        assert_eq!(decode::<Probe>(&encode(&probe())), Ok(probe()));
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = encode(&probe());
        bytes.push(0);
        assert_eq!(decode::<Probe>(&bytes), Err(WireError::PeerTrailing(1)));
    }

    #[test]
    fn a_list_is_bounded() {
        let probe = |items: u64| Probe { list: (0..items).collect(), ..probe() };
        assert_eq!(decode(&encode(&probe(3))), Ok(probe(3)));
        assert!(matches!(decode::<Probe>(&encode(&probe(4))), Err(WireError::PeerMalformed(_))));
    }

    #[test]
    fn a_claimed_length_is_not_believed() {
        // bytes: a length of 2^40, then nothing
        let bytes = hex::decode("00fd0000000000010000").unwrap();
        assert!(matches!(decode::<Probe>(&bytes), Err(WireError::PeerMalformed(_))));
        assert_eq!(decode::<Probe>(&[0; 65]), Err(WireError::PeerTooLong { got: 65, max: 64 }));
    }
}
