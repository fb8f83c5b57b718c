//! A relay in the middle of a pairing: it poses as the host, as the viewer, bridges two pairings, and changes what passes.
//! It has two guesses at each end, is seen, and gets no further.

use nearhand_host::front::{Over, Show};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    control::{Role, Technician, ToEnd, ToRelay},
    ids::{ClaimId, Fingerprint},
    pair::{Answering, Claimant, Context, Death, PairMessage},
    rights::Rights,
    wire,
};
use nearhand_tests::{
    hostile::{
        End, Hostile, desk,
        unharmed::{blind, mistaken, untouched},
    },
    world::consent,
};
use rand_core::OsRng;
use tokio::task::JoinSet;

const CLAIM: ClaimId = ClaimId(7);

/// As the relay vouches for its technician.
fn vera(relay: &Hostile) -> Technician {
    Technician {
        id: relay.technician.identity.public().fingerprint().actor(),
        name: desk::TECHNICIAN.parse().unwrap(),
        desk: desk::DESK.parse().unwrap(),
    }
}

fn context(relay: &Hostile, code: &SessionCode) -> Context {
    Context { relay: relay.string().key, locator: code.locator, technician: vera(relay) }
}

pub(crate) fn pair(claim: ClaimId, message: &PairMessage) -> ToEnd {
    ToEnd::Pair { claim, message: wire::encode(message).into() }
}

/// The next pairing message of an end in this role.
async fn next(relay: &mut Hostile, role: Role) -> PairMessage {
    let pick = |from: &End, message: &ToRelay| match message {
        ToRelay::Pair { message, .. } if from.role == role => wire::decode::<PairMessage>(message).ok(),
        _ => None,
    };
    relay.hear("a pairing message", pick).await
}

/// It answers claims and pairing messages itself.
fn is_on_its_own(relay: &Hostile) {
    relay.hears(|_, message| {
        !matches!(message, ToRelay::Claim(_) | ToRelay::Pair { .. } | ToRelay::Abandon { .. })
    });
}

/// A code that some host's user has read out.
pub(crate) fn read_out() -> SessionCode {
    "384 711 904 253".parse().unwrap()
}

/// What a relay that poses as the host says when the viewer has proved the code.
#[derive(Clone, Copy, Debug)]
enum Last {
    Invented,
    Reflected,
    Mismatch,
    Withdrawn(Close),
    Broken,
}

/// Poses as the host with a guessed code towards the viewer's `n`-th entry.
async fn poses_as_host(relay: &mut Hostile, n: usize, last: Last) -> Close {
    let code = read_out();
    let viewer = relay.viewer(&code);
    let end = relay.end(Role::Viewer, n).await;
    relay.hear("the claim", |_, message| matches!(message, ToRelay::Claim(_)).then_some(())).await;
    relay.tell(&end, ToEnd::Claimed { claim: CLAIM, technician: vera(relay) });
    let start = next(relay, Role::Viewer).await;
    let guess = mistaken(&code).secret;
    let certificate = Fingerprint([0xaa; 32]);
    let answered = Answering::answer(&guess, &context(relay, &code), certificate, start, &mut OsRng);
    let (answering, answer) = answered.ok().unwrap();
    relay.tell(&end, pair(CLAIM, &answer));
    let proof = next(relay, Role::Viewer).await;
    assert!(answering.receive(proof.clone()).is_err(), "the guess was wrong");
    let PairMessage::Proof(own) = proof else { panic!("{proof:?}") };
    relay.tell(
        &end,
        match last {
            Last::Invented => pair(CLAIM, &PairMessage::Proved([9; 32])),
            Last::Reflected => pair(CLAIM, &PairMessage::Proved(own)),
            Last::Mismatch => pair(CLAIM, &PairMessage::Mismatch { left: 255 }),
            Last::Withdrawn(why) => ToEnd::Withdrawn { claim: CLAIM, why },
            Last::Broken => ToEnd::Pair { claim: CLAIM, message: vec![0xff; 400].into() },
        },
    );
    let why = over_blind(viewer).await;
    // A relay that also says "paired" gets nothing by it.
    relay
        .hear("that it has gone", |_, message| matches!(message, ToRelay::Abandon { .. }).then_some(()))
        .await;
    why
}

pub(crate) async fn over_blind(mut viewer: nearhand_tests::Viewer) -> Close {
    let why = viewer.ended().await;
    blind(&viewer);
    why
}

#[tokio::test]
async fn a_relay_that_poses_as_the_host_has_two_guesses_and_the_viewer_refuses_the_code() {
    let rounds = [
        [(Last::Invented, Close::WrongCode), (Last::Reflected, Close::WrongCode)],
        [(Last::Mismatch, Close::WrongCode), (Last::Withdrawn(Close::Busy), Close::Busy)],
        [(Last::Broken, Close::Protocol), (Last::Withdrawn(Close::TechnicianLeft), Close::TechnicianLeft)],
    ];
    let mut stories = JoinSet::new();
    for guesses in rounds {
        stories.spawn(async move {
            let mut relay = Hostile::start().await;
            is_on_its_own(&relay);
            for (n, (last, expected)) in guesses.into_iter().enumerate() {
                assert_eq!(poses_as_host(&mut relay, n, last).await, expected, "{last:?}");
            }
            let third = relay.viewer(&read_out());
            assert_eq!(third.over().await, Close::RefusedTwice);
            let refused = |_: &End, message: &ToRelay| match message {
                ToRelay::Claim(_) => panic!("the code was tried again"),
                message => matches!(message, ToRelay::RefusedTwice).then_some(()),
            };
            relay.hear("that the code is refused", refused).await;
        });
    }
    stories.join_all().await;
}

/// How a relay that poses as the viewer goes on once its start is answered.
#[derive(Clone, Copy, Debug)]
enum Then {
    Proves,
    Withdraws,
    HangsUp,
}

/// One guess at the code that a host shows.
async fn poses_as_viewer(relay: &mut Hostile, host: &End, claim: ClaimId, code: &SessionCode, then: Then) {
    relay.tell(host, ToEnd::Incoming { claim, technician: vera(relay) });
    let guess = mistaken(code).secret;
    let certificate = Fingerprint([0xbb; 32]);
    let (claimant, start) =
        Claimant::start(&guess, context(relay, code), certificate, Rights::all(), &mut OsRng);
    relay.tell(host, pair(claim, &start));
    let answer = next(relay, Role::Host).await;
    let (_, proof) = claimant.receive(answer).ok().unwrap();
    match then {
        Then::Proves => {
            relay.tell(host, pair(claim, &proof));
            let verdict = next(relay, Role::Host).await;
            assert!(matches!(verdict, PairMessage::Mismatch { .. }), "{verdict:?}");
            // Nor does it help to say that all is well.
            let (session, peer) = (nearhand_proto::ids::SessionId([1; 16]), host.rid);
            relay.tell(host, ToEnd::Paired { claim, session, peer });
        }
        Then::Withdraws => drop(relay.tell(host, ToEnd::Withdrawn { claim, why: Close::TechnicianLeft })),
        Then::HangsUp => drop(relay.hang_up(host, Close::RelayStopping)),
    }
}

#[tokio::test]
async fn a_relay_that_poses_as_the_viewer_has_two_guesses_a_code_and_the_user_sees_them() {
    let mut stories = JoinSet::new();
    for then in [Then::Proves, Then::Withdraws, Then::HangsUp] {
        stories.spawn(async move {
            let mut relay = Hostile::start().await;
            is_on_its_own(&relay);
            let mut host = relay.host(|_| {});
            let end = relay.end(Role::Host, 0).await;
            let mut code = host.code().await;
            for claim in 0..4 {
                poses_as_viewer(&mut relay, &end, ClaimId(claim), &code, then).await;
                let left = if claim % 2 == 0 { 1 } else { 0 };
                host.sees(Show::WrongCode { left }).await;
                match claim {
                    3 => host.sees(Show::PressKey).await,
                    1 => {
                        host.sees_code_over(Over::Dead(Death::WrongCodes)).await;
                        code = host.code().await;
                    }
                    // The next code after a lost connection has what was left of this one.
                    _ if matches!(then, Then::HangsUp) => code = host.code().await,
                    _ => {}
                }
            }
            // No code, no guess.
            relay.tell(&end, ToEnd::Incoming { claim: ClaimId(9), technician: vera(&relay) });
            let refused = |_: &End, message: &ToRelay| {
                matches!(message, ToRelay::Abandon { claim: ClaimId(9), .. }).then_some(())
            };
            relay.hear("that no code waits", refused).await;
            untouched(&host);
        });
    }
    stories.join_all().await;
}

#[tokio::test]
async fn a_relay_that_brings_a_technician_to_another_host_is_found_by_both() {
    let mut relay = Hostile::start().await;
    let (mut right, mut wrong) = (relay.host(|_| {}), relay.host(|_| {}));
    let (code, other) = (right.code().await, wrong.code().await);
    // Both of them waited, so both are there; the other host is the one with the other locator.
    let at_wrong = relay
        .heard
        .all()
        .iter()
        .rfind(|heard| matches!(heard.message, ToRelay::Wait))
        .map(|heard| heard.from.clone())
        .unwrap();
    let (at_wrong, hosts) = (at_wrong, [relay.end(Role::Host, 0).await, relay.end(Role::Host, 1).await]);
    let last_is_wrong = code.locator < other.locator;
    let at_wrong = hosts.into_iter().find(|end| (end.rid == at_wrong.rid) == last_is_wrong).unwrap();
    is_on_its_own(&relay);
    let viewer = relay.viewer(&code);
    let at_viewer = relay.end(Role::Viewer, 0).await;
    relay.hear("the claim", |_, message| matches!(message, ToRelay::Claim(_)).then_some(())).await;
    let technician = vera(&relay);
    relay.tell(&at_wrong, ToEnd::Incoming { claim: CLAIM, technician: technician.clone() });
    relay.tell(&at_viewer, ToEnd::Claimed { claim: CLAIM, technician });
    for (from, to) in [
        (Role::Viewer, &at_wrong),
        (Role::Host, &at_viewer),
        (Role::Viewer, &at_wrong),
        (Role::Host, &at_viewer),
    ] {
        let message = next(&mut relay, from).await;
        relay.tell(to, pair(CLAIM, &message));
    }
    assert_eq!(over_blind(viewer).await, Close::WrongCode);
    wrong.sees(Show::WrongCode { left: 1 }).await;
    untouched(&wrong);
    untouched(&right);
    // The code itself is none the worse.
    relay.speak(nearhand_tests::hostile::Tongue::default());
    let mut again = relay.viewer(&code);
    consent(&mut right, &mut again).await;
    assert_eq!(again.end().await, Close::TechnicianLeft);
    untouched(&wrong);
}
