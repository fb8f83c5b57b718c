//! What the two ends must agree on, and the proofs over it.
//!
//! ```text
//! transcript = SHA-256( field* ), field = 4 length (big endian) | bytes, in this order:
//!   "nearhand pair v1" · viewer's version (2) · host's version (2) · relay's SPKI hash (32) · locator (digits)
//!   · technician id (16) · technician's name · desk · viewer's certificate hash (32) · host's certificate hash (32)
//!   · wanted rights (4) · viewer's element (33) · host's element (33)
//! key(side)  = HKDF-SHA-256(salt "nearhand pair v1", PAKE key, info "viewer confirms" | "host confirms"), 32 bytes
//! proof      = HMAC-SHA-256(key(side), transcript)
//! ```
//! Numbers are big endian. Relay and technician are bound as each end saw them, so a relay that tells the two ends
//! different things gets a mismatch.

use super::{
    message::{Answer, PROOF_LEN, Start},
    spake::{SharedKey, Side},
};
use crate::{code::Locator, control::Technician, ids::Fingerprint};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const LABEL: &[u8] = b"nearhand pair v1";

/// What an end knows of a claim before the first message of its pairing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// SHA-256 of the SPKI of the relay that this end is connected to.
    pub relay: Fingerprint,
    /// The code's public half.
    pub locator: Locator,
    /// Who calls, as the relay told this end.
    pub technician: Technician,
}

/// Hash of everything that both ends must have seen alike.
pub(super) struct Transcript([u8; 32]);

impl Transcript {
    pub(super) fn of(context: &Context, start: &Start, answer: &Answer) -> Self {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).expect("every field is shorter than 100 bytes");
            hash.update(length.to_be_bytes());
            hash.update(bytes);
        };
        field(LABEL);
        field(&start.version.to_be_bytes());
        field(&answer.version.to_be_bytes());
        field(&context.relay.0);
        field(context.locator.to_string().as_bytes());
        field(&context.technician.id.0);
        field(context.technician.name.as_str().as_bytes());
        field(context.technician.desk.as_str().as_bytes());
        field(&start.certificate.0);
        field(&answer.certificate.0);
        field(&start.want.bits().to_be_bytes());
        field(start.element.as_bytes());
        field(answer.element.as_bytes());
        Self(hash.finalize().into())
    }

    /// The proof that `side` makes.
    pub(super) fn proof(&self, key: &SharedKey, side: Side) -> [u8; PROOF_LEN] {
        let info: &[u8] = match side {
            Side::Viewer => b"viewer confirms",
            Side::Host => b"host confirms",
        };
        let mut confirm = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(LABEL), key.as_bytes())
            .expand(info, confirm.as_mut_slice())
            .expect("32 bytes are within HKDF's limit of 255 hashes");
        let mut mac =
            Hmac::<Sha256>::new_from_slice(confirm.as_slice()).expect("HMAC takes a key of any length");
        mac.update(&self.0);
        mac.finalize().into_bytes().into()
    }

    /// True if `proof` is what `side` would have made, in constant time.
    pub(super) fn proves(&self, key: &SharedKey, side: Side, proof: &[u8; PROOF_LEN]) -> bool {
        self.proof(key, side).ct_eq(proof).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::ActorId, pair::message::Element, rights::Rights};

    fn element(side: u8, point: u8) -> Element {
        let bytes = [&[side][..], &[point; 32]].concat();
        Element::try_from(bytes.as_slice()).unwrap()
    }

    fn parts() -> (Context, Start, Answer) {
        let technician = Technician {
            id: ActorId([0x1d; 16]),
            name: "Vera Müller".parse().unwrap(),
            desk: "Desk".parse().unwrap(),
        };
        let locator = Locator::new(42, 5).unwrap();
        let want = Rights::VIEW | Rights::CONTROL;
        (
            Context { relay: Fingerprint([7; 32]), locator, technician },
            Start { version: 1, element: element(b'A', 0x0a), certificate: Fingerprint([0xca; 32]), want },
            Answer { version: 1, element: element(b'B', 0x0b), certificate: Fingerprint([0xcb; 32]) },
        )
    }

    /// The expected values come from a few lines of Python (hashlib, hmac) after the layout above.
    #[test]
    fn golden_transcript_and_proofs() {
        let (context, start, answer) = parts();
        let transcript = Transcript::of(&context, &start, &answer);
        let key = SharedKey::of_bytes([0x4b; 32]);
        let check = |bytes: [u8; 32], expected: &str| assert_eq!(hex::encode(bytes), expected);
        check(transcript.0, "20510084b73277840cf9865578b2e2c1eea7bf17f975d51d209453d3d611f7c8");
        check(
            transcript.proof(&key, Side::Viewer),
            "12dfd382305cc2ed67ffc119327bc8559131ded69f13c771e72aced1e15795e4",
        );
        check(
            transcript.proof(&key, Side::Host),
            "9b092f5b0f4a39b83214223a9ec1f4e557c4daff8fd8e97237eb70411fccc9fb",
        );
        assert!(transcript.proves(&key, Side::Host, &transcript.proof(&key, Side::Host)));
        assert!(!transcript.proves(&key, Side::Host, &transcript.proof(&key, Side::Viewer)));
        let other = SharedKey::of_bytes([0x4c; 32]);
        assert!(!transcript.proves(&other, Side::Host, &transcript.proof(&key, Side::Host)));
    }

    #[test]
    fn every_field_counts() {
        let (context, start, answer) = parts();
        let whole = Transcript::of(&context, &start, &answer).0;
        let changes: [fn(&mut Context, &mut Start, &mut Answer); 13] = [
            |_, start, _| start.version = 2,
            |_, _, answer| answer.version = 2,
            |context, _, _| context.relay = Fingerprint([8; 32]),
            |context, _, _| context.locator = Locator::new(43, 5).unwrap(),
            |context, _, _| context.locator = Locator::new(42, 6).unwrap(),
            |context, _, _| context.technician.id = ActorId([0x1e; 16]),
            |context, _, _| context.technician.name = "Vera".parse().unwrap(),
            |context, _, _| {
                // the same letters, cut elsewhere
                context.technician.name = "Vera MüllerD".parse().unwrap();
                context.technician.desk = "esk".parse().unwrap();
            },
            |_, start, _| start.certificate = Fingerprint([0xcb; 32]),
            |_, _, answer| answer.certificate = Fingerprint([0xca; 32]),
            |_, start, _| start.want = Rights::VIEW,
            |_, start, _| start.element = element(b'A', 0x0b),
            |_, _, answer| answer.element = element(b'B', 0x0a),
        ];
        for (at, change) in changes.iter().enumerate() {
            let (mut context, mut start, mut answer) = parts();
            change(&mut context, &mut start, &mut answer);
            assert_ne!(Transcript::of(&context, &start, &answer).0, whole, "change {at}");
        }
    }
}
