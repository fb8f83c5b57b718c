//! Ends that change their address while a session runs: a fresh UDP port of their own, a NAT rebinding that they don't see (F4).

use crate::{
    ends::{Pair, Ways, world},
    waiting::number,
};
use nearhand_proto::session::geometry::{Point, Rect};
use nearhand_tests::{
    Host, Viewer, World, eventually,
    host::FIRST,
    weather::{Link, Shape, Way, seed},
};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

/// A picture comes this often.
const STEP: Duration = Duration::from_millis(40);

/// No longer than this may the picture stand still.
pub(crate) const STALL: Duration = Duration::from_secs(1);

/// A quarter of the round-trip time of 50 ms between the ends.
const LEG: Duration = Duration::from_micros(12_500);

/// Where the picture changes.
const CORNER: Rect = Rect { x: 0, y: 0, width: 16, height: 16 };

/// Paints all the time.
fn painter(host: &Host) -> AbortOnDropHandle<()> {
    let screen = host.screen.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut tick = tokio::time::interval(STEP);
        for number in 0_u64.. {
            tick.tick().await;
            let [.., r, g, b] = number.wrapping_mul(0x9e_37_79).to_be_bytes();
            screen.fill(FIRST, CORNER, [r, g, b]);
        }
    }))
}

/// For how long the picture stood still at most, in the stretch of time that begins now.
pub(crate) async fn longest_stall(viewer: &Viewer, stretch: Duration) -> Duration {
    let mut last = Instant::now();
    let until = last + stretch;
    let mut longest = Duration::ZERO;
    viewer.screen.take_changes();
    while Instant::now() < until {
        tokio::time::sleep(STEP / 4).await;
        for change in viewer.screen.take_changes() {
            longest = longest.max(change.presented.saturating_duration_since(last));
            last = change.presented;
        }
    }
    longest.max(last.elapsed())
}

/// A pair whose picture changes all the time, while the painter is there.
pub(crate) async fn moving_pair(seed: u64) -> (World, Ways, Pair, AbortOnDropHandle<()>) {
    let world = world().await;
    let leg = Link::both(Shape::delayed(LEG));
    let ways = Ways::start(&world, [leg.clone(), leg], seed).await;
    let technician = world.technician("Vera Example").await;
    let ends = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(ends, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    assert!(pair.viewer.screen.watch(Point { x: 0, y: 0 }));
    let painter = painter(&pair.host);
    (world, ways, pair, painter)
}

#[tokio::test]
async fn an_end_that_changes_its_port_or_whose_nat_does_keeps_its_session() {
    let moves = number("NEARHAND_MOVES", 8, 100);
    let mut random = fastrand::Rng::with_seed(seed("moves"));
    let (world, ways, pair, painter) = moving_pair(random.u64(..)).await;
    let mut stalls = Vec::new();
    for at in 0..moves {
        tokio::time::sleep(Duration::from_millis(random.u64(200..700))).await;
        match at % 4 {
            0 => pair.host.moves.tell(),
            1 => pair.viewer.moves.tell(),
            2 => ways.host.rebind(),
            _ => ways.viewer.rebind(),
        }
        let stall = longest_stall(&pair.viewer, Duration::from_millis(1_500)).await;
        stalls.push((stall, at % 4));
    }
    stalls.sort();
    eprintln!(
        "the picture stood still for {stalls:?} (host's port, viewer's port, host's NAT, viewer's NAT)"
    );
    drop(painter);
    pair.works("still here", Duration::from_secs(20)).await.unwrap();
    pair.is_the_same().unwrap();
    assert!(stalls.iter().all(|(stall, _)| *stall <= STALL), "{stalls:?}");
    pair.end().await;
    world.end().await;
}

/// Suspended at both ends within this (F17).
const CONVERGED: Duration = Duration::from_secs(35);

#[tokio::test]
async fn a_path_that_works_in_one_direction_only_suspends_both_ends() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let cuts = [(true, Way::ToRelay), (true, Way::FromRelay), (false, Way::ToRelay), (false, Way::FromRelay)];
    let mut pairs = Vec::new();
    for (of_host, way) in cuts {
        let ways = Ways::start(&world, [Link::default(), Link::default()], 0).await;
        let ends = [world.through(&ways.host), world.through(&ways.viewer)];
        let pair = Pair::begin(ends, &technician).await.unwrap();
        pair.consent(Duration::from_secs(20)).await.unwrap();
        if of_host {
            ways.host.cut_one_way(way, true)
        } else {
            ways.viewer.cut_one_way(way, true)
        }
        pairs.push((Instant::now(), pair, ways));
    }
    for ((since, pair, _), cut) in pairs.iter().zip(cuts) {
        let both = || {
            let host = pair.host.shows.all().contains(&nearhand_host::front::Show::Suspended);
            let viewer = pair.viewer.events.all().contains(&nearhand_viewer::messages::Event::Suspended);
            ((host && viewer) || CONVERGED < since.elapsed()).then_some((host, viewer))
        };
        let suspended = loop {
            match both() {
                Some(suspended) => break suspended,
                None => tokio::time::sleep(STEP).await,
            }
        };
        assert_eq!(suspended, (true, true), "host and viewer, {cut:?} cut");
    }
    for (_, pair, ways) in pairs {
        ways.host.cut(false);
        ways.viewer.cut(false);
        let back = || {
            let events = pair.viewer.events.all();
            events.contains(&nearhand_viewer::messages::Event::Resumed).then_some(())
        };
        eventually("it goes on", back).await;
        pair.works("back again", Duration::from_secs(20)).await.unwrap();
        pair.end().await;
    }
    world.end().await;
}
