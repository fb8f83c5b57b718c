//! What decides whom an end believes: the proof of a session key, the messages of a pairing in every state, and the
//! life of session codes.

use super::{Input, Target, wire};
use nearhand_proto::{
    code::{Locator, Secret},
    control::{PublicKey, Register, Role, Technician},
    ids::{ActorId, ClaimId, Fingerprint},
    net::verify_proof,
    pair::{Answering, Claimant, Codes, Context, Lifetimes, PairError, PairMessage, STARTS, Step},
    rights::Rights,
    text::Name,
    wire::{decode, encode},
};
use rand_core::{CryptoRng, RngCore};
use serde_bytes::ByteBuf;
use std::time::{Duration, Instant};

/// A registration: `1 form | bytes`.
pub(super) const REGISTER: Target = Target { name: "register", run: register, decode: None, seeds: proofs };
/// `1 end | ( 2 length | message )*`: what a peer says to an end that pairs.
pub(super) const PAIR: Target = Target { name: "pair", run: pair, decode: None, seeds: talks };
/// A list of events in the life of a host's codes.
pub(super) const CODES: Target = Target { name: "codes", run: codes, decode: None, seeds: lives };

/// Numbers that anybody could foresee: runs must be repeatable.
struct Foreseen(u64);

impl RngCore for Foreseen {
    fn next_u32(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.next_u64().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        self.0 ^ self.0 >> 29
    }
    fn fill_bytes(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(8) {
            part.copy_from_slice(&self.next_u64().to_le_bytes()[..part.len()]);
        }
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Foreseen {}

/// The generator of P-256 as a key, with a signature that is none.
pub(super) fn registration() -> Register {
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let digits = format!("04{x}{y}");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    let point: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    let key = PublicKey::try_from(ByteBuf::from(point)).expect("a point's form");
    let signature = [&[0x30, 0x44, 2, 0x20][..], &[0x11; 32], &[2, 0x20], &[0x22; 32]].concat();
    Register { role: Role::Host, key, signature: ByteBuf::from(signature) }
}

/// Nothing proves a key but its holder's signature.
fn register(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else { return };
    let key = match form % 3 {
        0 => PublicKey::from_spki(rest).ok(),
        1 => PublicKey::try_from(ByteBuf::from(&rest[..rest.len().min(65)])).ok(),
        _ => Some(registration().key),
    };
    let Some(key) = key else { return };
    assert_eq!(PublicKey::from_spki(&key.spki()), Ok(key));
    let signature = rest.get(65..).unwrap_or(rest);
    for role in [Role::Host, Role::Viewer] {
        assert!(!verify_proof(&key, role, &[7; 32], signature), "a proof out of nothing");
    }
}

fn proofs() -> Vec<Vec<u8>> {
    let Register { key, signature, .. } = registration();
    vec![
        [&[0][..], &key.spki()].concat(),
        [&[1][..], key.point(), &signature].concat(),
        [&[2][..], &[0; 65], &signature].concat(),
    ]
}

fn context() -> Context {
    let (name, desk) = (Name::lossy("Vera Example"), Name::lossy("Example Desk"));
    Context {
        relay: Fingerprint([7; 32]),
        locator: Locator::new(38_471, 5).expect("five digits"),
        technician: Technician { id: ActorId([2; 16]), name, desk },
    }
}

fn secret(number: u32) -> Secret {
    Secret::draw(number.to_be_bytes()).expect("a small number biases nothing")
}

/// Who knows no code is never believed, whatever it says and in whatever order.
fn pair(data: &[u8]) {
    let mut input = Input::new(data);
    let is_viewer = input.byte() & 1 == 0;
    let mut said = std::iter::from_fn(|| {
        let length = (!input.is_empty()).then(|| input.u16())?;
        decode::<PairMessage>(input.bytes(length.into())).ok()
    });
    let (own, mut rng) = (Fingerprint([9; 32]), Foreseen(1));
    if is_viewer {
        let (claimant, _) = Claimant::start(&secret(904_258), context(), own, Rights::VIEW, &mut rng);
        let Some(Ok((confirming, _))) = said.next().map(|message| claimant.receive(message)) else { return };
        let believed = said.next().map(|message| confirming.receive(message));
        assert!(!matches!(believed, Some(Ok(_))), "a host without the code is believed");
    } else {
        let Some(message) = said.next() else { return };
        let answer = Answering::answer(&secret(904_258), &context(), own, message, &mut rng);
        let Ok((answering, _)) = answer else { return };
        let believed = said.next().map(|message| answering.receive(message));
        assert!(!matches!(believed, Some(Ok(_))), "a viewer without the code is believed");
    }
}

/// Talks of peers that have another code.
fn talks() -> Vec<Vec<u8>> {
    let (own, mut rng) = (Fingerprint([1; 32]), Foreseen(2));
    let talk = |end: u8, messages: &[PairMessage]| {
        let mut bytes = vec![end];
        for message in messages {
            let message = encode(message);
            bytes.extend_from_slice(&u16::try_from(message.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(&message);
        }
        bytes
    };
    let (_, start) = Claimant::start(&secret(1), context(), own, Rights::VIEW, &mut rng);
    let answer = Answering::answer(&secret(1), &context(), own, start.clone(), &mut rng);
    let answer = answer.expect("a good start is answered").1;
    let mut all = vec![
        talk(0, &[answer.clone(), PairMessage::Proved([3; 32])]),
        talk(0, &[answer, PairMessage::Mismatch { left: 200 }]),
        talk(1, &[start, PairMessage::Proof([3; 32])]),
    ];
    all.extend(
        wire::pair_messages()
            .iter()
            .flat_map(|message| [0, 1].map(|end| talk(end, std::slice::from_ref(message)))),
    );
    all
}

/// No sequence of events gives a code a third start, or a host a new code while it is braked.
fn codes(data: &[u8]) {
    let mut input = Input::new(data);
    let has_user = input.byte() & 1 == 0;
    let mut codes = Codes::new(has_user, Lifetimes::default());
    let mut now = Instant::now();
    let mut answered = 0_u8;
    let mut locked = false;
    while !input.is_empty() {
        let (verb, detail) = (input.byte() % 11, input.byte());
        let claim = ClaimId(u64::from(detail % 3));
        match verb {
            0 | 1 => codes.handle_locator(context().locator, secret(detail.into()), now),
            2 => codes.handle_lost(now),
            3 => drop(codes.handle_claim(claim, now)),
            4 | 5 => match codes.handle_start(claim, now, |_| Ok(())) {
                Ok(((), left)) => {
                    answered += 1;
                    assert_eq!(Some(left), STARTS.checked_sub(answered), "starts answered for one code");
                }
                Err(PairError::NoCode | PairError::PeerOrder { .. }) => {}
                Err(other) => panic!("{other}"),
            },
            6 => assert!(codes.handle_mismatch(claim, now) < STARTS),
            7 => answered = if codes.handle_paired(claim, now).is_ok() { 0 } else { answered },
            8 if detail & 4 == 0 => codes.handle_withdrawn(claim, now),
            8 => codes.handle_two_claimants(claim, now),
            9 => {
                codes.handle_key(now);
                locked = false;
            }
            _ => {
                now += Duration::from_secs(u64::from(detail) * 4);
                codes.handle_time(now);
            }
        }
        while let Some(step) = codes.poll() {
            match step {
                Step::Dead(_) | Step::Expired => answered = 0,
                Step::WaitForKey => locked = true,
                Step::RequestLocator | Step::Show { .. } => assert!(!locked, "a code while a key is due"),
                Step::WrongCode { .. } | Step::Abandon { .. } | Step::WaitUntil(_) => {}
            }
        }
        assert!(codes.deadline().is_none_or(|at| now < at), "a deadline in the past");
    }
}

fn lives() -> Vec<Vec<u8>> {
    let wrong = [0, 0, 3, 1, 4, 1, 6, 1].to_vec();
    let dead = [&wrong[..], &[3, 2, 4, 2, 6, 2]].concat();
    let braked = [&[0][..], &dead, &dead, &[9, 0, 10, 20], &dead].concat();
    vec![
        braked.clone(),
        [&[1][..], &braked[1..]].concat(),
        vec![0, 0, 0, 3, 1, 4, 1, 7, 1, 0, 0, 10, 200],
        vec![1, 0, 0, 3, 1, 3, 2, 2, 0, 0, 0, 8, 4, 8, 1],
    ]
}
