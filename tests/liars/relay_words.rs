//! A relay that says what nobody has asked for, in the wrong order, twice, empty, or far too long; and hangs up with every
//! reason there is. Nobody panics, nobody gets a right by it, and it can't speak for the user.

use nearhand_host::front::Show;
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Role, SessionState, Technician, ToEnd, ToRelay},
    ids::{ActorId, ClaimId, SessionId},
    route::Rid,
};
use nearhand_tests::{
    hostile::{
        End, Hostile, desk,
        unharmed::{exact, untouched},
    },
    world::consent,
};
use tokio::task::JoinSet;

/// Pairing bytes that no message holds more of: a control message is 64 KiB at most.
const LONG: usize = 65_000;

/// Whatever can be said that concerns nobody, for an end.
fn stray(rid: Rid) -> Vec<ToEnd> {
    let (claim, session) = (ClaimId(u64::MAX), SessionId([9; 16]));
    let technician = Technician {
        id: ActorId([1; 16]),
        name: "Nobody".parse().unwrap(),
        desk: desk::DESK.parse().unwrap(),
    };
    let bytes = |length: usize| vec![0; length].into();
    let mut words = vec![
        ToEnd::Enrolled(technician.clone()),
        ToEnd::Waiting(Locator::new(0, 8).unwrap()),
        ToEnd::Claimed { claim, technician },
        ToEnd::Paired { claim, session, peer: rid },
        ToEnd::Paired { claim: ClaimId(0), session: SessionId::NONE, peer: rid },
        ToEnd::RouteOpen(session),
        ToEnd::Recorded { session, next: u64::MAX },
        ToEnd::Pong(u64::MAX),
        ToEnd::Pair { claim, message: bytes(0) },
        ToEnd::Pair { claim, message: bytes(512) },
        ToEnd::Pair { claim, message: bytes(LONG) },
    ];
    for why in Close::ALL.iter().copied() {
        words.push(ToEnd::Withdrawn { claim, why });
        words.push(ToEnd::Ended { session, why });
    }
    words
}

/// What is told at registration, told again later.
fn again(rid: Rid) -> ToEnd {
    let lost = SessionState { session: SessionId([8; 16]), peer: rid, next: 3 };
    ToEnd::Registered { desk: "Your Bank".parse().unwrap(), sessions: vec![lost] }
}

/// Waits until the end has taken everything that was said to it: it has answered something that came after.
async fn taken(relay: &mut Hostile, end: &End) {
    let claim = ClaimId(4_711);
    relay.tell(end, ToEnd::Pair { claim, message: Vec::new().into() });
    let answered = |_: &End, message: &ToRelay| {
        matches!(message, ToRelay::Abandon { claim: same, .. } if *same == claim).then_some(())
    };
    relay.hear("the answer to the last word", answered).await;
}

#[tokio::test]
async fn words_that_nobody_asked_for_change_nothing() {
    let mut relay = Hostile::start().await;
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    let at_host = relay.end(Role::Host, 0).await;
    let refused = Close::ALL.iter().map(|why| ToEnd::Refused(*why));
    for word in stray(at_host.rid).into_iter().chain(refused).chain([again(at_host.rid)]) {
        assert!(relay.tell(&at_host, word));
    }
    taken(&mut relay, &at_host).await;
    untouched(&host);
    assert!(!host.shows.all().contains(&Show::RelayLost), "{:#?}", host.shows.all());
    // The code still stands; and a viewer that is spoken to in the same way all along gets in with it, and no further.
    relay.says(|end, message| match (end.role, &message) {
        (Role::Host, _) | (_, ToEnd::Registered { .. }) => vec![message],
        // A claim of somebody else's would end it.
        _ => {
            let harmless = |word: &ToEnd| !matches!(word, ToEnd::Claimed { .. });
            stray(end.rid).into_iter().filter(harmless).chain([message]).collect()
        }
    });
    let mut viewer = relay.viewer(&code);
    consent(&mut host, &mut viewer).await;
    relay.speak(nearhand_tests::hostile::Tongue::default());
    let at_viewer = relay.end(Role::Viewer, 0).await;
    for end in [&at_host, &at_viewer] {
        for word in stray(end.rid).into_iter().chain([again(end.rid)]) {
            assert!(relay.tell(end, word));
        }
    }
    taken(&mut relay, &at_host).await;
    exact(&host, &viewer, 2).await;
    let asked = host.shows.all().into_iter().filter(|show| matches!(show, Show::Ask { .. })).count();
    assert_eq!(asked, 2, "view and control, each once");
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

/// Reasons that only the user, or their computer, can give.
const THE_USERS: [Close; 6] =
    [Close::UserStopped, Close::Declined, Close::NoAnswer, Close::Reported, Close::Blocked, Close::NoScreen];

#[tokio::test]
async fn a_relay_can_end_a_session_but_not_in_the_users_name() {
    let mut stories = JoinSet::new();
    for said in THE_USERS.into_iter().chain([Close::TechnicianRemoved, Close::Lost]) {
        stories.spawn(async move {
            let relay = Hostile::start().await;
            let (mut host, mut viewer) = relay.pair().await;
            let session = viewer.session().await;
            let at_host = relay.end(Role::Host, 0).await;
            assert!(relay.tell(&at_host, ToEnd::Ended { session, why: said }));
            let why = host.session_over().await;
            assert_eq!(why, if THE_USERS.contains(&said) { Close::Protocol } else { said });
            host.code().await;
            let facts = relay.heard.all().into_iter().flat_map(|heard| match heard.message {
                ToRelay::Record { entries, .. } => entries,
                _ => Vec::new(),
            });
            let reported = nearhand_proto::record::Event::SessionReported.code();
            assert!(facts.into_iter().all(|entry| entry.header.code != reported), "{said:?}");
        });
    }
    stories.join_all().await;
}

#[tokio::test]
async fn whatever_a_relay_hangs_up_with_the_host_goes_on_or_says_why_it_ends() {
    let mut stories = JoinSet::new();
    for why in Close::ALL.iter().copied() {
        stories.spawn(async move {
            let relay = Hostile::start().await;
            let mut host = relay.host(|_| {});
            host.code().await;
            relay.hang_up(&relay.end(Role::Host, 0).await, why);
            if why.may_retry() || why == Close::Done {
                host.sees(Show::RelayLost).await;
                host.sees(Show::RelayBack).await;
                host.code().await;
                return;
            }
            let told = if THE_USERS.contains(&why) { Close::Protocol } else { why };
            host.sees(Show::Bye(told)).await;
            assert_eq!(host.over().await.unwrap(), told);
        });
    }
    stories.join_all().await;
}
