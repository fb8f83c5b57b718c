//! Registration: an end proves that it holds the session key that its routing id is made of.

use crate::{ids::Fingerprint, route::Rid};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// DER of a P-256 SubjectPublicKeyInfo up to the point (RFC 5480 §2).
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 public key: the uncompressed point, `4 | 32 x | 32 y` (SEC 1 §2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteBuf", into = "ByteBuf")]
pub struct PublicKey([u8; 65]);

/// Bytes that are no uncompressed P-256 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an uncompressed P-256 public key")]
pub struct PublicKeyError;

impl PublicKey {
    /// Takes the key out of a SubjectPublicKeyInfo (DER, 91 bytes).
    ///
    /// # Errors
    /// [`PublicKeyError`] for any other algorithm, curve or form.
    pub fn from_spki(spki: &[u8]) -> Result<Self, PublicKeyError> {
        let point = spki.strip_prefix(&SPKI_HEAD).ok_or(PublicKeyError)?;
        Self::try_from(ByteBuf::from(point))
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> [u8; 91] {
        let mut spki = [0; 91];
        spki[..26].copy_from_slice(&SPKI_HEAD);
        spki[26..].copy_from_slice(&self.0);
        spki
    }

    /// The point.
    pub fn point(&self) -> &[u8; 65] {
        &self.0
    }

    /// SHA-256 of the SPKI.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.spki())
    }

    /// The routing id of this key's holder.
    pub fn rid(&self) -> Rid {
        Rid::of(&self.fingerprint())
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

impl TryFrom<ByteBuf> for PublicKey {
    type Error = PublicKeyError;
    fn try_from(bytes: ByteBuf) -> Result<Self, PublicKeyError> {
        let point: [u8; 65] = bytes.into_vec().try_into().map_err(|_| PublicKeyError)?;
        if point[0] == 4 { Ok(Self(point)) } else { Err(PublicKeyError) }
    }
}

impl From<PublicKey> for ByteBuf {
    fn from(key: PublicKey) -> Self {
        Self::from(key.0)
    }
}

/// What the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Shares a screen.
    Host,
    /// Looks at one.
    Viewer,
}

/// First message of a control connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// What the end is.
    pub role: Role,
    /// Its session key.
    pub key: PublicKey,
    /// ECDSA P-256 SHA-256, ASN.1 DER, over [`proof_message`]: fresh for every connection, so that a routing id seen
    /// on the wire is worth nothing.
    pub signature: ByteBuf,
}

/// Label of the TLS exporter (RFC 8446 §7.5) whose 32 bytes are signed.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-nearhand-register";

/// What is signed: a fixed context, the role, the exporter's bytes.
pub fn proof_message(role: Role, exporter: &[u8; 32]) -> Vec<u8> {
    let mut message = b"nearhand register v1\0".to_vec();
    message.push(match role {
        Role::Host => 0,
        Role::Viewer => 1,
    });
    message.extend_from_slice(exporter);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spki_round_trip() {
        let mut point = [7; 65];
        point[0] = 4;
        let key = PublicKey::try_from(ByteBuf::from(point)).unwrap();
        assert_eq!(PublicKey::from_spki(&key.spki()), Ok(key));
        assert!(PublicKey::from_spki(&key.spki()[1..]).is_err());
        assert!(PublicKey::try_from(ByteBuf::from([7; 65])).is_err());
    }
}
