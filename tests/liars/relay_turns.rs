//! A relay that says pairing messages out of turn: empty, too long, twice, reflected, of an earlier pairing. Whatever it is,
//! no session comes of it.

use nearhand_host::front::Show;
use nearhand_proto::{
    close::Close,
    control::{Role, Technician, ToEnd, ToRelay},
    ids::{ActorId, ClaimId, SessionId},
    pair::{PairMessage, Start},
    rights::Rights,
    wire,
};
use nearhand_tests::hostile::{
    End, Hostile, desk,
    unharmed::{blind, mistaken, untouched},
};
use tokio::task::JoinSet;

/// Bytes of a message that is as long as a control message may carry.
const LONG: usize = 65_000;

/// Pairing messages as they go out.
type Messages = Vec<Vec<u8>>;

/// Makes them of what passed earlier.
type OfEarlier = fn(&Said) -> Messages;

/// Makes them of the one that is due.
type Instead = fn(PairMessage) -> Messages;

/// Says these pairing messages to a host, in one claim; whatever they are, no session comes of it.
async fn says_to_host(what: &'static str, make: OfEarlier) {
    let mut relay = Hostile::start().await;
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    // An honest start, and the host's own answer to it, of an entry with a wrong code.
    let wrong = relay.viewer(&mistaken(&code));
    let mut said = Said::default();
    while said.proof.is_empty() {
        let (role, message) = relay
            .hear("a pairing message", |from, message| match message {
                ToRelay::Pair { message, .. } => Some((from.role, message.to_vec())),
                _ => None,
            })
            .await;
        match wire::decode::<PairMessage>(&message).unwrap() {
            PairMessage::Start(_) => said.start = message,
            PairMessage::Answer(_) => said.answer = message,
            PairMessage::Proof(_) => said.proof = message,
            other => panic!("{other:?} of {role:?}"),
        }
    }
    assert_eq!(wrong.over().await, Close::WrongCode);
    host.sees(Show::WrongCode { left: 1 }).await;
    let end = relay.end(Role::Host, 0).await;
    let (claim, session) = (ClaimId(77), SessionId([7; 16]));
    let technician = Technician {
        id: ActorId([1; 16]),
        name: desk::TECHNICIAN.parse().unwrap(),
        desk: desk::DESK.parse().unwrap(),
    };
    relay.tell(&end, ToEnd::Incoming { claim, technician });
    for message in make(&said) {
        relay.tell(&end, ToEnd::Pair { claim, message: message.into() });
    }
    relay.tell(&end, ToEnd::Paired { claim, session, peer: end.rid });
    let given_up = |_: &End, message: &ToRelay| match message {
        ToRelay::Confirmed(_) => panic!("{what}: the host believes it"),
        ToRelay::Abandon { claim: same, .. } => (*same == claim).then_some(()),
        _ => None,
    };
    relay.hear(what, given_up).await;
    untouched(&host);
}

/// What passed in an earlier pairing.
#[derive(Default)]
struct Said {
    start: Vec<u8>,
    answer: Vec<u8>,
    proof: Vec<u8>,
}

#[tokio::test]
async fn a_host_takes_no_pairing_message_that_is_not_due() {
    let cases: [(&str, OfEarlier); 10] = [
        ("an empty message", |_| vec![Vec::new()]),
        ("64 KiB", |_| vec![vec![0; LONG]]),
        ("noise", |_| vec![vec![0xff; 300]]),
        ("a proof before the start", |said| vec![said.proof.clone()]),
        ("a verdict before the start", |_| vec![wire::encode(&PairMessage::Proved([0; 32]))]),
        ("two starts", |said| vec![said.start.clone(), said.start.clone()]),
        ("its own answer", |said| vec![said.answer.clone()]),
        ("its own answer to a start", |said| vec![said.start.clone(), said.answer.clone()]),
        ("an earlier pairing again", |said| vec![said.start.clone(), said.proof.clone()]),
        ("its proof twice", |said| vec![said.start.clone(), said.proof.clone(), said.proof.clone()]),
    ];
    let mut stories = JoinSet::new();
    for (what, make) in cases {
        stories.spawn(says_to_host(what, make));
    }
    stories.join_all().await;
}

/// Answers everything that a viewer says in its pairing with what `make` makes of it.
async fn says_to_viewer(what: &'static str, make: Instead) {
    let relay = Hostile::start().await;
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    relay.says(move |end, message| match message {
        ToEnd::Pair { claim, message } if end.role == Role::Viewer => {
            let messages = make(wire::decode(&message).unwrap());
            messages.into_iter().map(|message| ToEnd::Pair { claim, message: message.into() }).collect()
        }
        message => vec![message],
    });
    let mut viewer = relay.viewer(&code);
    assert_eq!(viewer.ended().await, Close::Protocol, "{what}");
    blind(&viewer);
    untouched(&host);
}

#[tokio::test]
async fn a_viewer_takes_no_pairing_message_that_is_not_due() {
    let cases: [(&str, Instead); 6] = [
        ("an empty message", |_| vec![Vec::new()]),
        ("64 KiB", |_| vec![vec![0; LONG]]),
        ("noise", |_| vec![vec![0xff; 300]]),
        ("a verdict before the answer", |_| vec![wire::encode(&PairMessage::Proved([0; 32]))]),
        ("two answers", |message| vec![wire::encode(&message), wire::encode(&message)]),
        ("its own start", |message| match message {
            PairMessage::Answer(answer) => {
                let want = Rights::VIEW;
                let start = Start {
                    version: answer.version,
                    element: answer.element,
                    certificate: answer.certificate,
                    want,
                };
                vec![wire::encode(&PairMessage::Start(start))]
            }
            other => vec![wire::encode(&other)],
        }),
    ];
    let mut stories = JoinSet::new();
    for (what, make) in cases {
        stories.spawn(says_to_viewer(what, make));
    }
    stories.join_all().await;
}
