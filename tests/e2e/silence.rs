//! A viewer that falls silent: what it holds is let go at once, the session waits for it, but not for ever.

use crate::session::injected;
use nearhand_host::{front::Show, inject::recorder::Injected};
use nearhand_proto::{close::Close, relay_string::RelayString, session::input::Usage};
use nearhand_tests::{
    Host, Viewer, Weather, World,
    host::{FIRST, SIZE},
    world::consent,
};
use nearhand_viewer::messages::Event;
use std::time::{Duration, Instant};

const CONTROL: Usage = Usage(0xe0);
const ALT: Usage = Usage(0xe2);

/// A pair whose viewer reaches the relay through the tap.
async fn pair_behind(world: &World, tap: &Weather, mut host: Host) -> (Host, Viewer) {
    let technician = world.technician("Vera Example").await;
    let code = host.code().await;
    let relay = RelayString { port: tap.port(), ..world.relay() };
    let mut viewer = Viewer::start(technician.config(relay, &code));
    consent(&mut host, &mut viewer).await;
    (host, viewer)
}

#[tokio::test]
async fn what_a_vanished_viewer_holds_is_let_go_within_two_seconds() {
    let world = World::start().await;
    let tap = world.tap().await;
    let (host, viewer) = pair_behind(&world, &tap, world.host()).await;
    viewer.key(CONTROL.0, true).await;
    viewer.key(ALT.0, true).await;
    let held = [Injected::KeyDown(CONTROL), Injected::KeyDown(ALT)];
    injected(&host, &held).await;
    tap.cut(true);
    let gone = Instant::now();
    drop(viewer);
    let released = [held[0].clone(), held[1].clone(), Injected::KeyUp(ALT), Injected::KeyUp(CONTROL)];
    injected(&host, &released).await;
    let took = gone.elapsed();
    assert!(took <= Duration::from_secs(2), "{took:?}");
    world.end().await;
}

#[tokio::test]
async fn what_a_living_viewer_holds_stays_held() {
    let world = World::start().await;
    let (host, viewer) = world.pair().await;
    let held = Instant::now();
    viewer.key(CONTROL.0, true).await;
    injected(&host, &[Injected::KeyDown(CONTROL)]).await;
    // Longer than the host believes it without heartbeats.
    tokio::time::sleep_until((held + Duration::from_millis(2_000)).into()).await;
    viewer.types("c").await;
    injected(&host, &[Injected::KeyDown(CONTROL), Injected::Text("c".into())]).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    injected(&host, &[Injected::KeyDown(CONTROL), Injected::Text("c".into()), Injected::KeyUp(CONTROL)])
        .await;
    world.end().await;
}

#[tokio::test]
async fn a_silent_session_is_suspended_and_goes_on_when_the_viewer_is_back() {
    let world = World::start().await;
    let tap = world.tap().await;
    let host = world.host_with(|config| config.idle = Duration::from_millis(600));
    let (mut host, mut viewer) = pair_behind(&world, &tap, host).await;
    let session = viewer.session().await;
    tap.cut(true);
    host.sees(Show::Suspended).await;
    viewer.hears(Event::Suspended).await;
    host.screen.fill(FIRST, SIZE.rect(), [7, 77, 177]);
    tap.cut(false);
    host.sees(Show::Resumed).await;
    viewer.hears(Event::Resumed).await;
    viewer.shows(&host, FIRST).await;
    viewer.types("back").await;
    injected(&host, &[Injected::Text("back".into())]).await;
    let stats = viewer.stats();
    assert_eq!((stats.session, stats.quic_handshakes), (Some(session), 2), "the same session, dialled anew");
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let end = |entry: &nearhand_tests::Entry| entry.of(session) && entry.event == "session.end";
    world.operator.recorded("the end", end).await;
    let record = world.operator.record().await;
    assert_eq!((record.count("session.suspended"), record.count("session.resumed")), (1, 1));
    world.end().await;
}

#[tokio::test]
async fn a_session_whose_viewer_stays_away_is_lost() {
    let world = World::start().await;
    let tap = world.tap().await;
    let host = world.host_with(|config| {
        config.idle = Duration::from_millis(600);
        config.absence = Duration::from_millis(300);
    });
    let (mut host, mut viewer) = pair_behind(&world, &tap, host).await;
    let session = viewer.session().await;
    tap.cut(true);
    host.sees(Show::Suspended).await;
    assert_eq!(host.session_over().await, Close::Lost);
    host.code().await;
    let ended = |entry: &nearhand_tests::Entry| entry.of(session) && entry.is("host.ended", Close::Lost);
    world.operator.recorded("the host's last word", ended).await;
    let lost = |entry: &nearhand_tests::Entry| entry.of(session) && entry.is("session.lost", Close::Lost);
    world.operator.recorded("the loss", lost).await;
    assert_eq!(Close::Lost.exit_code(), 12);
    world.end().await;
}

#[tokio::test]
async fn a_session_whose_host_stays_away_is_lost_and_no_end_is_invented() {
    let mut world = World::start_with(|config| config.absence = Duration::from_millis(1_500)).await;
    let (host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    // The host goes while the relay is away, so nobody hears its good-bye.
    world.stop_relay().await;
    drop(host);
    world.start_relay().await;
    let why = viewer.over().await;
    assert_eq!((why, why.exit_code()), (Close::Lost, 12));
    let lost = |entry: &nearhand_tests::Entry| entry.of(session) && entry.is("session.lost", Close::Lost);
    world.operator.recorded("the loss", lost).await;
    let record = world.operator.record().await;
    assert_eq!((record.count("session.lost"), record.count("session.end")), (1, 0));
    world.end().await;
}
