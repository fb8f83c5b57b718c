//! A relay that changes one thing in a pairing on its way: both ends find it, and nobody gets further.

use crate::relay_middle::{over_blind, pair, read_out};
use nearhand_host::front::Show;
use nearhand_proto::{
    close::Close,
    control::{Technician, ToEnd},
    ids::{ActorId, Fingerprint},
    pair::{Claimant, Context, Element, PairMessage},
    rights::Rights,
    wire,
};
use nearhand_tests::hostile::{Hostile, unharmed::untouched};
use rand_core::OsRng;
use tokio::task::JoinSet;

/// What the relay does to a message: nothing to most.
type Change = fn(&mut PairMessage);

/// Changes one message of a pairing on its way; both ends find it.
async fn changed_on_the_way(what: &'static str, change: Change, at_host: Option<Show>) {
    let relay = Hostile::start().await;
    relay.says(move |_, message| match message {
        ToEnd::Pair { claim, message } => {
            let mut changed = wire::decode::<PairMessage>(&message).unwrap();
            change(&mut changed);
            vec![pair(claim, &changed)]
        }
        message => vec![message],
    });
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    let why = over_blind(relay.viewer(&code)).await;
    assert_eq!(why, Close::WrongCode, "{what}");
    match at_host {
        Some(show) => host.sees(show).await,
        // It has believed the viewer, whose last word takes it back: a new code.
        None => drop(host.code().await),
    }
    untouched(&host);
}

#[tokio::test]
async fn a_relay_that_changes_keys_certificates_rights_or_proofs_is_found() {
    let seen = Some(Show::WrongCode { left: 1 });
    let changes: [(&str, Change, Option<Show>); 6] = [
        (
            "the viewer's certificate",
            |message| {
                if let PairMessage::Start(start) = message {
                    start.certificate = Fingerprint([1; 32])
                }
            },
            seen.clone(),
        ),
        (
            "the wanted rights",
            |message| {
                if let PairMessage::Start(start) = message {
                    start.want = Rights::all()
                }
            },
            seen.clone(),
        ),
        (
            "the viewer's key",
            |message| {
                if let PairMessage::Start(start) = message {
                    start.element = own_element()
                }
            },
            seen.clone(),
        ),
        (
            "the host's certificate",
            |message| {
                if let PairMessage::Answer(answer) = message {
                    answer.certificate = Fingerprint([1; 32])
                }
            },
            seen.clone(),
        ),
        (
            "the viewer's proof",
            |message| {
                if let PairMessage::Proof(proof) = message {
                    proof[31] ^= 1
                }
            },
            seen,
        ),
        (
            "the host's proof",
            |message| {
                if let PairMessage::Proved(proof) = message {
                    proof[0] ^= 1
                }
            },
            None,
        ),
    ];
    let mut stories = JoinSet::new();
    for (what, change, at_host) in changes {
        stories.spawn(changed_on_the_way(what, change, at_host));
    }
    stories.join_all().await;
}

/// A viewer's key share that the relay has made itself.
fn own_element() -> Element {
    let technician =
        Technician { id: ActorId([1; 16]), name: "x".parse().unwrap(), desk: "x".parse().unwrap() };
    let code = read_out();
    let context = Context { relay: Fingerprint([1; 32]), locator: code.locator, technician };
    let (_, start) = Claimant::start(&code.secret, context, Fingerprint([1; 32]), Rights::VIEW, &mut OsRng);
    let PairMessage::Start(start) = start else { unreachable!("that is how it begins") };
    start.element
}
