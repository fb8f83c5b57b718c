//! What somebody between the two ends, or at one of them without the code, may try. Here the relay is the liar.

use super::{Answering, Claimant, Confirming, Context, Element, PairError, PairMessage, PinnedPeer};
use crate::{
    code::{Locator, Secret},
    control::Technician,
    ids::{ActorId, Fingerprint},
    rights::Rights,
    version::VERSION,
    wire,
};
use rand_core::OsRng;

const VIEWER: Fingerprint = Fingerprint([0xca; 32]);
const HOST: Fingerprint = Fingerprint([0xcb; 32]);
const WANT: Rights = Rights::VIEW;

fn secret(digits: u32) -> Secret {
    Secret::draw(digits.to_be_bytes()).unwrap()
}

fn context() -> Context {
    let technician =
        Technician { id: ActorId([1; 16]), name: "Vera".parse().unwrap(), desk: "Desk".parse().unwrap() };
    Context { relay: Fingerprint([7; 32]), locator: Locator::new(38_471, 5).unwrap(), technician }
}

fn claim(digits: u32) -> (Claimant, PairMessage) {
    Claimant::start(&secret(digits), context(), VIEWER, WANT, &mut OsRng)
}

fn answer(digits: u32, context: &Context, start: PairMessage) -> Result<(Answering, PairMessage), PairError> {
    Answering::answer(&secret(digits), context, HOST, start, &mut OsRng)
}

/// Both ends up to the point where the viewer's proof is on its way.
fn until_proof(digits: [u32; 2]) -> (Confirming, Answering, PairMessage) {
    let (claimant, start) = claim(digits[0]);
    let (answering, reply) = answer(digits[1], &context(), start).ok().unwrap();
    let (confirming, proof) = claimant.receive(reply).ok().unwrap();
    (confirming, answering, proof)
}

/// A whole pairing in which the relay changes what each end is told and every message; the host's verdict.
fn host_says(context_of_host: &Context, change: impl Fn(&mut PairMessage)) -> Result<PinnedPeer, PairError> {
    let through = |mut message: PairMessage| {
        change(&mut message);
        message
    };
    let (claimant, start) = claim(1);
    let (answering, reply) = answer(1, context_of_host, through(start))?;
    let (_, proof) = claimant.receive(through(reply))?;
    answering.receive(through(proof)).map(|(peer, _)| peer)
}

#[test]
fn the_right_code_pins_both_certificates_and_the_rights() {
    let (confirming, answering, proof) = until_proof([904_258, 904_258]);
    let proof = wire::decode(&wire::encode(&proof)).unwrap();
    let (viewer, proved) = answering.receive(proof).ok().unwrap();
    assert_eq!(viewer, PinnedPeer { certificate: VIEWER, want: WANT });
    assert_eq!(confirming.receive(proved), Ok(PinnedPeer { certificate: HOST, want: WANT }));
}

#[test]
fn a_wrong_code_is_found_at_both_ends() {
    for wrong in [904_257, 4_258, 0] {
        let (confirming, answering, proof) = until_proof([wrong, 904_258]);
        assert_eq!(answering.receive(proof).err(), Some(PairError::WrongCode));
        let mismatch = PairMessage::Mismatch { left: 1 };
        assert_eq!(confirming.receive(mismatch), Err(PairError::Mismatch { left: 1 }));
    }
}

#[test]
fn a_relay_that_tells_the_ends_different_things_is_found() {
    let check = |change: fn(&mut Context)| {
        let mut context = context();
        change(&mut context);
        assert_eq!(host_says(&context, |_| {}), Err(PairError::WrongCode), "{context:?}");
    };
    assert!(host_says(&context(), |_| {}).is_ok());
    check(|context| context.relay = Fingerprint([8; 32]));
    check(|context| context.locator = Locator::new(38_472, 5).unwrap());
    check(|context| context.technician.id = ActorId([2; 16]));
    check(|context| context.technician.name = "Boss".parse().unwrap());
    check(|context| context.technician.desk = "Your bank".parse().unwrap());
}

#[test]
fn a_relay_that_changes_a_message_is_found() {
    let check = |what: &str, change: fn(&mut PairMessage)| {
        assert_eq!(host_says(&context(), change), Err(PairError::WrongCode), "{what}");
    };
    check("the viewer's certificate", |message| {
        if let PairMessage::Start(start) = message {
            start.certificate = Fingerprint([9; 32]);
        }
    });
    check("the host's certificate", |message| {
        if let PairMessage::Answer(answer) = message {
            answer.certificate = Fingerprint([9; 32]);
        }
    });
    check("the wanted rights", |message| {
        if let PairMessage::Start(start) = message {
            start.want = Rights::all();
        }
    });
    check("the viewer's element", |message| {
        if let PairMessage::Start(start) = message {
            let (_, PairMessage::Start(other)) = claim(1) else { unreachable!() };
            start.element = other.element;
        }
    });
    check("the proof", |message| {
        if let PairMessage::Proof(proof) = message {
            proof[31] ^= 1;
        }
    });
}

#[test]
fn another_version_is_refused_before_anything_else() {
    let expected = PairError::PeerVersion { got: VERSION + 1, own: VERSION };
    // the element is of the wrong side as well: the version is named first
    let wrong_side = Element::try_from([b'S'; Element::LEN].as_slice()).unwrap();
    let (claimant, start) = claim(1);
    let PairMessage::Start(mut start) = start else { unreachable!() };
    let (_, PairMessage::Answer(mut reply)) =
        answer(1, &context(), PairMessage::Start(start.clone())).ok().unwrap()
    else {
        unreachable!()
    };
    (start.version, start.element) = (VERSION + 1, wrong_side);
    assert_eq!(answer(1, &context(), PairMessage::Start(start)).err(), Some(expected.clone()));
    (reply.version, reply.element) = (VERSION + 1, wrong_side);
    assert_eq!(claimant.receive(PairMessage::Answer(reply)).err(), Some(expected));
}

/// A relay without the code sends the viewer's own element back: refused as it is; re-labelled, it leads to a key that
/// the relay doesn't know, and the viewer's own proof doesn't pass for the host's.
#[test]
fn a_reflected_start_proves_nothing() {
    let reflect = |relabel: bool| {
        let (claimant, start) = claim(1);
        let PairMessage::Start(start) = start else { unreachable!() };
        let mut bytes = *start.element.as_bytes();
        if relabel {
            bytes[0] = b'B';
        }
        let element = Element::try_from(bytes.as_slice()).unwrap();
        let reply = super::Answer { version: VERSION, element, certificate: HOST };
        claimant.receive(PairMessage::Answer(reply))
    };
    assert!(matches!(reflect(false).err(), Some(PairError::PeerElement(_))));
    let (confirming, PairMessage::Proof(own)) = reflect(true).ok().unwrap() else { unreachable!() };
    assert_eq!(confirming.receive(PairMessage::Proved(own)), Err(PairError::PeerUnproved));
}

#[test]
fn a_proof_of_another_run_is_refused() {
    let (_, first, recorded) = until_proof([1, 1]);
    let (_, proved) = first.receive(recorded.clone()).ok().unwrap();
    let (confirming, second, fresh) = until_proof([1, 1]);
    assert_ne!(recorded, fresh);
    assert_eq!(second.receive(recorded).err(), Some(PairError::WrongCode));
    assert_eq!(confirming.receive(proved), Err(PairError::PeerUnproved));
}

#[test]
fn messages_out_of_order_are_refused() {
    let order = |error: Option<PairError>| matches!(error, Some(PairError::PeerOrder { .. }));
    let stray = || PairMessage::Proved([0; 32]);
    assert!(order(answer(1, &context(), stray()).err()));
    assert!(order(claim(1).0.receive(stray()).err()));
    assert!(order(until_proof([1, 1]).1.receive(stray()).err()));
    assert!(order(until_proof([1, 1]).0.receive(PairMessage::Proof([0; 32])).err()));
}

/// The number of tries left comes unauthenticated: it is not believed beyond what a code allows.
#[test]
fn a_boastful_mismatch_is_cut_down() {
    let (confirming, ..) = until_proof([1, 1]);
    assert_eq!(confirming.receive(PairMessage::Mismatch { left: 255 }), Err(PairError::Mismatch { left: 1 }));
}

/// A cracker who has every byte on the wire and tries codes offline needs a scalar: runs with fresh scalars of the
/// right and of a wrong code over the recorded messages all fail to reproduce the recorded proof alike.
#[test]
fn a_recorded_run_verifies_no_guess() {
    let (claimant, start) = claim(904_258);
    let (_, reply) = answer(904_258, &context(), start.clone()).ok().unwrap();
    let (_, recorded) = claimant.receive(reply.clone()).ok().unwrap();
    for guess in [904_258, 904_257, 0] {
        // as the viewer, against the recorded answer
        let (own, _) = claim(guess);
        let (_, made) = own.receive(reply.clone()).ok().unwrap();
        assert_ne!(made, recorded, "{guess}");
        // as the host, against the recorded start and proof
        let (own, _) = answer(guess, &context(), start.clone()).ok().unwrap();
        assert_eq!(own.receive(recorded.clone()).err(), Some(PairError::WrongCode), "{guess}");
    }
}
