//! Identifiers that cross the wire and stand in the record. All opaque, all fixed size.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// A text that is not an id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct IdError {
    /// How many digits the id has.
    pub expected: usize,
}

macro_rules! id16 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = IdError { expected: 32 };
                if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(wrong);
                }
                let number = u128::from_str_radix(text, 16).map_err(|_| wrong)?;
                Ok(Self(number.to_be_bytes()))
            }
        }
    };
}

id16! {
    /// One session, from pairing to end, made by the relay. 16 random bytes, shown as 32 hexadecimal digits.
    SessionId
}
id16! {
    /// Whoever did something, as the record names them: a technician, a host run, the relay. Says nothing about
    /// the person; names stand in event bodies. 16 bytes, shown as 32 hexadecimal digits.
    ActorId
}

impl SessionId {
    /// No session: what relay facts carry that concern none.
    pub const NONE: Self = Self([0; 16]);
}

/// One attempt of one viewer at one waiting host, numbered by the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimId(pub u64);

/// SHA-256 of a public key (its SubjectPublicKeyInfo, DER) or of a certificate (DER). 32 bytes, shown as
/// 43 characters of base64url without padding (RFC 4648 §5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The id under which the record names the holder of this key: its first 16 bytes.
    pub fn actor(&self) -> ActorId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[..16]);
        ActorId(id)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| FingerprintError)?;
        Ok(Self(bytes.try_into().map_err(|_| FingerprintError)?))
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 43 characters of A-Z a-z 0-9 - _")]
pub struct FingerprintError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_fingerprints_survive_their_text() {
        let id = SessionId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("ab".parse::<SessionId>().is_err());
        assert!("+0000000000000000000000000000000".parse::<SessionId>().is_err());
        let print = Fingerprint::of(b"key");
        assert_eq!(print.to_string().len(), 43);
        assert_eq!(print.to_string().parse(), Ok(print));
        assert!("short".parse::<Fingerprint>().is_err());
    }
}
