//! Many at once: nothing is shared that should not be.

use crate::session::injected;
use nearhand_host::inject::recorder::Injected;
use nearhand_proto::{close::Close, session::geometry::Point};
use nearhand_tests::{
    Host, Viewer, World,
    host::{FIRST, SIZE},
    world::consent,
};
use tokio::task::JoinSet;

/// The session shows its own colour and takes its own text.
async fn is_its_own(number: u8, host: &Host, viewer: &Viewer) {
    let colour = [number, 100, 255 - number];
    host.screen.fill(FIRST, SIZE.rect(), colour);
    viewer.shows(host, FIRST).await;
    assert_eq!(viewer.screen.pixel(Point { x: 100, y: 100 }), Some(colour));
    viewer.types(&format!("for {number}")).await;
    injected(host, &[Injected::Text(format!("for {number}"))]).await;
}

#[tokio::test]
async fn ten_worlds_live_in_one_process() {
    let mut worlds = JoinSet::new();
    for number in 0..10 {
        worlds.spawn(async move {
            let world = World::start().await;
            let (mut host, viewer) = world.pair().await;
            is_its_own(number, &host, &viewer).await;
            assert_eq!(viewer.end().await, Close::TechnicianLeft);
            host.session_over().await;
            world.operator.recorded("the end", |entry| entry.event == "session.end").await;
            assert_eq!(world.operator.record().await.count("session.start"), 1);
            world.end().await;
        });
    }
    worlds.join_all().await;
}

#[tokio::test]
async fn ten_hosts_at_one_relay_do_not_mix() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut pairs = Vec::new();
    for _ in 0..10 {
        let mut host = world.host();
        let code = host.code().await;
        pairs.push((host, code));
    }
    let mut sessions = Vec::new();
    // Claims in the other order than the codes came.
    for (mut host, code) in pairs.into_iter().rev() {
        let mut viewer = world.viewer(&technician, &code);
        consent(&mut host, &mut viewer).await;
        sessions.push((host, viewer));
    }
    assert_eq!(world.inside().live_sessions(), 10);
    for (number, (host, viewer)) in (0..).zip(&sessions) {
        is_its_own(number, host, viewer).await;
    }
    for (number, (host, _)) in (0..).zip(&sessions) {
        injected(host, &[Injected::Text(format!("for {number}"))]).await;
    }
    for (mut host, mut viewer) in sessions {
        let session = viewer.session().await;
        assert_eq!(viewer.end().await, Close::TechnicianLeft);
        host.session_over().await;
        world.operator.recorded("its end", |entry| entry.of(session) && entry.event == "session.end").await;
    }
    world.end().await;
}
