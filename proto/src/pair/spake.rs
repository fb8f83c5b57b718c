//! The password-authenticated key exchange behind one small trait: today SPAKE2 over Ed25519 by crate `spake2`,
//! the form that python-spake2 and magic-wormhole speak (Abdalla and Pointcheval 2005; not RFC 9382's encoding).
//!
//! The crate is unaudited, says of itself that it is probably not constant-time, and doesn't wipe its copy of the
//! password: `docs/threats.md` names it. It takes any point that decompresses; we take only canonical encodings of
//! non-trivial points of the prime-order group, so that a peer can't learn anything of our scalar modulo 8.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::message::Element;
use crate::{code::Secret, ids::Fingerprint};
use rand_core::{CryptoRng, RngCore};
use spake2::{Ed25519Group, Group as _, Identity, Password, Spake2};
use zeroize::{Zeroize as _, Zeroizing};

/// Which end of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A.
    Viewer,
    /// B.
    Host,
}

/// What both ends derive from the same secret, and different ones from different secrets. Unconfirmed.
pub(super) struct SharedKey(Zeroizing<[u8; 32]>);

impl SharedKey {
    #[cfg(test)]
    pub(super) fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Why a peer's key share can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElementError {
    /// Made for our side, such as our own sent back.
    #[error("it was made for the other side")]
    Side,
    /// Not the canonical encoding of a point on the curve.
    #[error("it is no point of the curve")]
    NotAPoint,
    /// The identity or another point outside of the prime-order group.
    #[error("it lies outside of the prime-order group")]
    LowOrder,
}

/// One run of a password-authenticated key exchange, one message each way.
pub(super) trait Pake: Sized {
    /// Begins. `relay` is bound into the key, so that a run can't be carried over to another relay.
    fn start(
        side: Side,
        secret: &Secret,
        relay: &Fingerprint,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> (Self, Element);

    /// Takes the peer's message. A key comes out for a wrong secret as well; it is another one then.
    ///
    /// # Errors
    /// [`ElementError`] for a message that no honest peer makes.
    fn finish(self, peer: &Element) -> Result<SharedKey, ElementError>;
}

/// The exchange in use.
pub(super) type Exchange = Spake2Ed25519;

/// SPAKE2 over Ed25519: A is the viewer, B the host.
pub(super) struct Spake2Ed25519 {
    side: Side,
    run: Spake2<Ed25519Group>,
}

impl Pake for Spake2Ed25519 {
    fn start(
        side: Side,
        secret: &Secret,
        relay: &Fingerprint,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> (Self, Element) {
        let viewer = identity(b"nearhand viewer\0", relay);
        let host = identity(b"nearhand host\0", relay);
        Self::start_with(side, &Password::new(secret.as_bytes()), [&viewer, &host], rng)
    }

    fn finish(self, peer: &Element) -> Result<SharedKey, ElementError> {
        let [side, point @ ..] = peer.as_bytes();
        let expected = match self.side {
            Side::Viewer => b'B',
            Side::Host => b'A',
        };
        if *side != expected {
            return Err(ElementError::Side);
        }
        check_point(point)?;
        let mut key = self.run.finish(peer.as_bytes()).map_err(|_| ElementError::NotAPoint)?;
        let mut shared = Zeroizing::new([0; 32]);
        shared.copy_from_slice(&key);
        key.zeroize();
        Ok(SharedKey(shared))
    }
}

impl Spake2Ed25519 {
    fn start_with(
        side: Side,
        password: &Password,
        [viewer, host]: [&Identity; 2],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> (Self, Element) {
        let (run, message) = match side {
            Side::Viewer => Spake2::start_a_with_rng(password, viewer, host, rng),
            Side::Host => Spake2::start_b_with_rng(password, viewer, host, rng),
        };
        let element = Element::try_from(message.as_slice()).expect("spake2 makes 1 + 32 bytes");
        (Self { side, run }, element)
    }
}

fn identity(role: &[u8], relay: &Fingerprint) -> Identity {
    Identity::new(&[role, &relay.0].concat())
}

fn check_point(bytes: &[u8; 32]) -> Result<(), ElementError> {
    let point = Ed25519Group::bytes_to_element(bytes).ok_or(ElementError::NotAPoint)?;
    if Ed25519Group::element_to_bytes(&point) != bytes {
        return Err(ElementError::NotAPoint);
    }
    if point.is_small_order() || !point.is_torsion_free() {
        return Err(ElementError::LowOrder);
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests index what they made")]
mod tests {
    use super::*;
    use rand_core::OsRng;

    /// Yields one scalar: the crate reduces 64 little-endian bytes.
    struct Fixed(&'static str);
    impl RngCore for Fixed {
        fn next_u32(&mut self) -> u32 {
            unreachable!("the crate draws scalars by fill_bytes")
        }
        fn next_u64(&mut self) -> u64 {
            unreachable!("the crate draws scalars by fill_bytes")
        }
        fn fill_bytes(&mut self, out: &mut [u8]) {
            assert_eq!(out.len(), 64);
            out.fill(0);
            hex::decode_to_slice(self.0, &mut out[..32]).unwrap();
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
            self.fill_bytes(out);
            Ok(())
        }
    }
    impl CryptoRng for Fixed {}

    /// The scalars of python-spake2's own vector (its test_compat.py), little endian.
    const SCALAR_A: &str = "25184061a70b1142f1a9f043a52cf7033dc308b5a0a32e42b003ecd59c2ac605";
    const SCALAR_B: &str = "9fb5e845084e0cbe27ac8b4d3af139b33f3f8a047d4234e2d45d33c5cd367b0f";
    const RELAY: Fingerprint = Fingerprint([7; 32]);

    fn secret(digits: u32) -> Secret {
        Secret::draw(digits.to_be_bytes()).unwrap()
    }

    fn element(text: &str) -> Element {
        Element::try_from(hex::decode(text).unwrap().as_slice()).unwrap()
    }

    fn check_run(starts: [(Spake2Ed25519, Element); 2], messages: [&str; 2], key: &str) {
        let [(viewer, to_host), (host, to_viewer)] = starts;
        assert_eq!([to_host, to_viewer], messages.map(element));
        for shared in [viewer.finish(&to_viewer), host.finish(&to_host)] {
            assert_eq!(hex::encode(shared.ok().unwrap().as_bytes()), key);
        }
    }

    #[test]
    fn the_vector_that_python_spake2_publishes() {
        let (a, b) = (Identity::new(b"idA"), Identity::new(b"idB"));
        let start = |side, scalar| {
            Spake2Ed25519::start_with(side, &Password::new(b"password"), [&a, &b], &mut Fixed(scalar))
        };
        check_run(
            [start(Side::Viewer, SCALAR_A), start(Side::Host, SCALAR_B)],
            [
                "416fc960df73c9cf8ed7198b0c9534e2e96a5984bfc5edc023fd24dacf371f2af9",
                "42354e97b88406922b1df4bea1d7870f17aed3dba7c720b313edae315b00959309",
            ],
            "712295de7219c675ddd31942184aa26e0a957cf216bc230d165b215047b520c1",
        );
    }

    /// Computed with python-spake2 0.9, our identities and codes.
    #[test]
    fn vectors_computed_with_python_spake2() {
        let start = |side, digits, scalar| Exchange::start(side, &secret(digits), &RELAY, &mut Fixed(scalar));
        check_run(
            [start(Side::Viewer, 904_258, SCALAR_A), start(Side::Host, 904_258, SCALAR_B)],
            [
                "41b38147049f8186f5b70c385a0b42c8b69f9ab9696b22cf484188bd822feb2502",
                "423cceae76e0e92ca7267f77478306013ea426a7006b248c3ac9febffb4b58e77d",
            ],
            "6f3e3553e5390ad7f22af2821854ac7cf7845d620cdf925616f0d55b1684ac6b",
        );
        check_run(
            [start(Side::Viewer, 0, SCALAR_B), start(Side::Host, 0, SCALAR_A)],
            [
                "41af48bd9eb599cf8e448dd7149faa426d709bee14747a5e6c5e4d57d5267437f4",
                "42c4fae596f5d67464494cba33720f2ec9a656124dd0377c05d06fd31918f58b7d",
            ],
            "d8a08540ff274f53f344f753c9a4da0489e8994d87c1ae516d699289e9f8a4bb",
        );
    }

    fn finish_with(side: Side, peer: &Element) -> Option<ElementError> {
        Exchange::start(side, &secret(1), &RELAY, &mut OsRng).0.finish(peer).err()
    }

    fn encoding(side: u8, point: &[u8]) -> Element {
        Element::try_from([&[side], point].concat().as_slice()).unwrap()
    }

    #[test]
    fn an_own_message_sent_back_is_refused() {
        for side in [Side::Viewer, Side::Host] {
            let (run, own) = Exchange::start(side, &secret(1), &RELAY, &mut OsRng);
            assert_eq!(run.finish(&own).err(), Some(ElementError::Side));
        }
        let (_, viewer) = Exchange::start(Side::Viewer, &secret(1), &RELAY, &mut OsRng);
        let symmetric = encoding(b'S', &viewer.as_bytes()[1..]);
        assert_eq!(finish_with(Side::Host, &symmetric), Some(ElementError::Side));
        assert_eq!(finish_with(Side::Host, &viewer), None);
    }

    #[test]
    fn low_order_points_are_refused() {
        let torsion = [
            "0100000000000000000000000000000000000000000000000000000000000000", // the identity
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ];
        let (_, honest) = Exchange::start(Side::Host, &secret(1), &RELAY, &mut OsRng);
        let honest = Ed25519Group::bytes_to_element(&honest.as_bytes()[1..]).unwrap();
        for (at, text) in torsion.iter().enumerate() {
            let bytes = hex::decode(text).unwrap();
            assert_eq!(
                finish_with(Side::Viewer, &encoding(b'B', &bytes)),
                Some(ElementError::LowOrder),
                "{text}"
            );
            // an honest point shifted by it: right order times cofactor
            let point = Ed25519Group::bytes_to_element(&bytes).unwrap();
            let mixed = Ed25519Group::element_to_bytes(&Ed25519Group::add(&honest, &point));
            let expected = (at != 0).then_some(ElementError::LowOrder);
            assert_eq!(finish_with(Side::Viewer, &encoding(b'B', &mixed)), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_canonical_point_is_refused() {
        let check = |bytes: [u8; 32]| {
            assert_eq!(
                finish_with(Side::Host, &encoding(b'A', &bytes)),
                Some(ElementError::NotAPoint),
                "{bytes:?}"
            );
        };
        check([0xff; 32]);
        let mut two = [0; 32];
        two[0] = 2; // y = 2 is not on the curve
        check(two);
        // p + y for every y that still fits in 255 bits: never canonical, on the curve or not
        for y in 0..19 {
            let mut bytes = [0xff; 32];
            bytes[0] = 0xed + y;
            bytes[31] = 0x7f;
            check(bytes);
        }
    }

    /// Every secret explains what was sent: with the mask of any guess taken off, a point of the same group remains,
    /// so that a recorded run rules out no guess.
    #[test]
    fn a_message_fits_every_secret() {
        let (_, message) = Exchange::start(Side::Viewer, &secret(904_258), &RELAY, &mut OsRng);
        let point = Ed25519Group::bytes_to_element(&message.as_bytes()[1..]).unwrap();
        for guess in (0..1_000_000).step_by(9_973).chain([904_258]) {
            let scalar = Ed25519Group::hash_to_scalar(secret(guess).as_bytes());
            let mask = Ed25519Group::scalarmult(&Ed25519Group::const_m(), &Ed25519Group::scalar_neg(&scalar));
            let rest = Ed25519Group::add(&point, &mask);
            assert!(rest.is_torsion_free() && !rest.is_small_order(), "{guess}");
        }
    }

    #[test]
    fn another_relay_or_secret_is_another_key() {
        let keys = |relay, digits| {
            let (viewer, to_host) = Exchange::start(Side::Viewer, &secret(1), &RELAY, &mut OsRng);
            let (host, to_viewer) = Exchange::start(Side::Host, &secret(digits), &relay, &mut OsRng);
            let keys = [viewer.finish(&to_viewer), host.finish(&to_host)];
            keys.map(|key| *key.ok().unwrap().as_bytes())
        };
        let check = |relay, digits, same| {
            let [viewer, host] = keys(relay, digits);
            assert_eq!(viewer == host, same);
        };
        check(RELAY, 1, true);
        check(RELAY, 2, false);
        check(Fingerprint([8; 32]), 1, false);
    }
}
