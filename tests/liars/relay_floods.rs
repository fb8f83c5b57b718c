//! A relay that sends more than anybody can want: messages, lists, lengths, datagrams. Memory stays bounded, the relay is
//! hung up, and the user's word still counts at once.

use nearhand_host::front::{Press, Show};
use nearhand_proto::{
    close::Close,
    control::{Role, SessionState, ToEnd},
    ids::SessionId,
    net::random,
    rights::Rights,
};
use nearhand_tests::{
    hostile::{
        Hostile, Tongue,
        packets::Packet,
        unharmed::{exact, untouched},
    },
    liar::memory::Memory,
};
use nearhand_viewer::messages::Command;
use std::time::{Duration, Instant};

/// What this process may grow by under a flood: the windows of a handful of connections, the test's own copies included.
const GROWTH_KIB: u64 = 48 << 10;

/// Bytes of a 64-KiB message full of sessions that nobody knows.
const SESSIONS: usize = 2_400;

fn strangers() -> Vec<SessionState> {
    let peer = nearhand_proto::route::Rid::of(&nearhand_proto::ids::Fingerprint([1; 32]));
    (0..SESSIONS).map(|_| SessionState { session: SessionId(random()), peer, next: 0 }).collect()
}

#[tokio::test]
async fn a_frame_of_4_gib_ends_the_connection_with_a_reason() {
    let relay = Hostile::start().await;
    let mut waiting = relay.host(|_| {});
    waiting.code().await;
    assert!(relay.babble(&relay.end(Role::Host, 0).await, vec![0xff; 64]));
    waiting.sees(Show::Bye(Close::Protocol)).await;
    assert_eq!(waiting.over().await.unwrap(), Close::Protocol);
    let (mut host, viewer) = relay.pair().await;
    // One byte more than any message may have.
    assert!(relay.babble(&relay.end(Role::Viewer, 0).await, vec![0, 1, 0, 1]));
    assert_eq!(viewer.over().await, Close::Protocol);
    assert_eq!(host.session_over().await, Close::Protocol);
}

#[tokio::test]
async fn a_flood_of_messages_costs_no_memory() {
    let relay = Hostile::start().await;
    let (host, mut viewer) = relay.pair().await;
    let session = viewer.session().await;
    let ends = [relay.end(Role::Host, 0).await, relay.end(Role::Viewer, 0).await];
    let memory = Memory::watch(std::process::id());
    for _ in 0..5 {
        for end in &ends {
            for _ in 0..2_000 {
                relay.tell(end, ToEnd::RouteOpen(session));
            }
        }
        // What they can't take they hang up on, and dial anew; what they can, they take.
        exact(&host, &viewer, 2).await;
    }
    assert!(memory.peak() < GROWTH_KIB, "grown by {} KiB", memory.peak());
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

#[tokio::test]
async fn a_list_of_thousands_of_sessions_is_survived() {
    let relay = Hostile::start().await;
    relay.says(|_, message| match message {
        ToEnd::Registered { desk, .. } => vec![ToEnd::Registered { desk, sessions: strangers() }],
        message => vec![message],
    });
    let mut host = relay.host(|_| {});
    let memory = Memory::watch(std::process::id());
    for _ in 0..3 {
        host.sees(Show::RelayLost).await;
        host.sees(Show::RelayBack).await;
    }
    relay.speak(Tongue::default());
    host.code().await;
    untouched(&host);
    assert!(memory.peak() < GROWTH_KIB, "grown by {} KiB", memory.peak());
}

#[tokio::test]
async fn datagrams_of_all_kinds_are_dropped_and_the_session_goes_on() {
    let relay = Hostile::start().await;
    let (host, viewer) = relay.pair().await;
    let ends = [relay.end(Role::Host, 0).await, relay.end(Role::Viewer, 0).await];
    let memory = Memory::watch(std::process::id());
    let mut seeds = fastrand::Rng::with_seed(nearhand_tests::weather::seed("hostile datagrams"));
    for round in 0..4_000_usize {
        for end in &ends {
            // On the control connection: what looks like an address proof, and what doesn't.
            relay.throw(end, vec![7; if round % 2 == 0 { 16 } else { 1_000 }]);
            // From the relay's address: an end's id and noise, a first flight of nobody's, and nothing at all.
            let mut bytes: Vec<u8> = (0..1_200).map(|_| seeds.u8(..)).collect();
            let head = match round % 3 {
                0 => [&[0x40][..], &end.rid.connection_id(random())].concat(),
                1 => [&[0xc0, 0, 0, 0, 1, 16][..], &end.rid.connection_id(random()), &[0, 0]].concat(),
                _ => Vec::new(),
            };
            bytes.splice(..head.len(), head);
            relay.inject(&Packet { from: None, to: end.rid, bytes });
        }
        if round % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    exact(&host, &viewer, 2).await;
    assert!(memory.peak() < GROWTH_KIB, "grown by {} KiB", memory.peak());
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
}

/// How long the user's or the technician's word may take while the relay floods. Alone it takes some ms; the rest is for a
/// busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn while_the_relay_floods_the_users_word_counts_at_once() {
    let relay = Hostile::start().await;
    let (mut host, mut viewer) = relay.pair().await;
    let session = viewer.session().await;
    let (at_host, at_viewer) = (relay.end(Role::Host, 0).await, relay.end(Role::Viewer, 0).await);
    let flood = async {
        loop {
            // Fewer than an end's link holds, so that it is not hung up.
            for _ in 0..100 {
                relay.tell(&at_host, ToEnd::RouteOpen(session));
                relay.tell(&at_viewer, ToEnd::RouteOpen(session));
            }
            tokio::task::yield_now().await;
        }
    };
    let users = async {
        viewer.types("before").await;
        let pressed = Instant::now();
        host.press(Press::Revoke(Rights::CONTROL)).await;
        let taken =
            |show: &Show| matches!(show, Show::Rights { held, .. } if *held == Rights::VIEW).then_some(());
        host.shows.next("control is taken back", taken).await;
        let took = pressed.elapsed();
        let typed = host.input.injected().len();
        viewer.types("after").await;
        let left = Instant::now();
        viewer.send(Command::End).await;
        viewer.ended().await;
        assert!(took <= AT_ONCE, "control was taken back after {took:?}");
        assert!(
            left.elapsed() <= AT_ONCE + Duration::from_secs(4),
            "the technician left after {:?}",
            left.elapsed()
        );
        assert_eq!(host.input.injected().len(), typed, "typed without the right");
    };
    tokio::select! {
        () = flood => {}
        () = users => {}
    }
}
