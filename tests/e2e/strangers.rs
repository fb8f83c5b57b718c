//! What nobody may do who is not party to it.

use nearhand_proto::{
    close::Close,
    control::{Role, ToEnd, ToRelay},
    ids::{ActorId, SessionId},
    net::Identity,
    record::{Entry, Event, Origin, Stamp},
    relay_string::RelayString,
    route::Rid,
};
use nearhand_tests::{
    World, eventually,
    host::{FIRST, SIZE},
    liar::{Liar, Raw},
    weather::Way,
    world::consent,
};
use std::{net::UdpSocket, sync::atomic::Ordering};

#[tokio::test]
async fn datagrams_from_a_strangers_address_are_not_forwarded() {
    let world = World::start().await;
    let (near_host, near_viewer) = (world.tap().await, world.tap().await);
    let technician = world.technician("Vera Example").await;
    let mut host =
        nearhand_tests::Host::start(RelayString { port: near_host.port(), ..world.relay() }, |_| {});
    let code = host.code().await;
    let relay = RelayString { port: near_viewer.port(), ..world.relay() };
    let mut viewer = nearhand_tests::Viewer::start(technician.config(relay, &code));
    consent(&mut host, &mut viewer).await;
    let to_the_host = |datagram: &nearhand_tests::weather::Datagram| {
        datagram.way == Way::ToRelay && Rid::in_packet(&datagram.bytes).is_some()
    };
    let packets: Vec<_> = near_viewer.kept().into_iter().filter(to_the_host).collect();
    assert!(!packets.is_empty(), "the viewer's packets name the host");
    let socket = world.inside().socket();
    let dropped = || socket.stats().dropped.load(Ordering::Relaxed);
    let (before, sent) = (dropped(), u64::try_from(packets.len()).unwrap());
    let stranger = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    for packet in &packets {
        stranger.send_to(&packet.bytes, world.address()).unwrap();
    }
    eventually("all of them are dropped", || (before + sent <= dropped()).then_some(())).await;
    assert_eq!(dropped(), before + sent);
    for packet in &packets {
        let arrived = near_host.kept().iter().filter(|kept| kept.bytes == packet.bytes).count();
        assert!(arrived <= 1, "a stranger's copy of a packet went on to the host");
    }
    host.screen.fill(FIRST, SIZE.rect(), [1, 1, 2]);
    viewer.shows(&host, FIRST).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_registration_is_worth_nothing_on_another_connection() {
    let world = World::start().await;
    let identity = Identity::generate(1).unwrap();
    let first = Raw::dial(&world.relay(), &identity).await.unwrap();
    let second = Raw::dial(&world.relay(), &identity).await.unwrap();
    let registration = first.registration(Role::Host, &identity).unwrap();
    assert_eq!(second.register(registration.clone()).await, Err(Some(Close::Protocol)));
    let other_role = nearhand_proto::control::Register { role: Role::Viewer, ..registration.clone() };
    let third = Raw::dial(&world.relay(), &identity).await.unwrap();
    assert_eq!(third.register(other_role).await, Err(Some(Close::Protocol)));
    assert!(matches!(first.register(registration).await, Ok(ToEnd::Registered { .. })));
    assert_eq!(world.operator.record().await.count("host.registered"), 1);
    world.end().await;
}

#[tokio::test]
async fn a_host_records_nothing_in_a_session_that_is_not_its_own() {
    let world = World::start().await;
    let (_host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    let next = viewer.note("the last word").await + 1;
    let mut liar = Liar::register(world.relay(), Role::Host, None).await;
    let stamp = Stamp {
        origin: Origin::Host,
        session,
        seq: next,
        wall_ms: 1,
        monotonic_ns: 1,
        actor: ActorId([1; 16]),
    };
    let entries = vec![Entry::new(&Event::ControlTaken, stamp, [1; 32])];
    liar.says(ToRelay::Record { session, entries }).await;
    let over = |message| if let ToEnd::Ended { session, .. } = message { Some(session) } else { None };
    assert_eq!(liar.hears("that it has no such session", over).await, session);
    liar.says(ToRelay::End { session, why: Close::UserStopped }).await;
    assert_eq!(liar.hears("the same", over).await, session);
    assert_eq!(viewer.note("another one").await, next, "the session goes on, nothing was put into it");
    let record = world.operator.record().await;
    assert_eq!((record.count("control.taken"), record.count("session.end")), (0, 0));
    liar.leave().await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_viewer_that_speaks_as_a_host_is_hung_up() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    for message in [ToRelay::Wait, ToRelay::Record { session: SessionId([1; 16]), entries: Vec::new() }] {
        let liar = Liar::register(world.relay(), Role::Viewer, Some(technician.identity.clone())).await;
        liar.says(message).await;
        assert_eq!(liar.is_hung_up().await, Close::Protocol);
    }
    assert_eq!(world.operator.record().await.count("host.waiting"), 0);
    world.end().await;
}
