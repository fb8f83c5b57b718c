//! Datagrams that overtake each other, come twice, or come with a flipped bit (F7): the picture is exact all the same, and
//! nobody hears of it.

use crate::{
    ends::{Pair, Ways, world},
    waiting::told,
};
use nearhand_tests::{
    host::{FIRST, SIZE},
    weather::{Link, Reorder, Shape, Way, seed},
};
use nearhand_viewer::messages::Event;
use std::time::{Duration, Instant};

/// For how long the speed is measured.
const STRETCH: Duration = Duration::from_secs(4);

/// A way with what is to be expected of it, so that overtaking by 50 ms is not overtaking by many round trips.
const DELAY: Duration = Duration::from_millis(20);

fn rough(corrupt: f64) -> Link {
    let by = Duration::from_millis(3)..Duration::from_millis(50);
    Link::both(Shape {
        reorder: Reorder { share: 0.1, by },
        duplicate: 0.05,
        corrupt,
        ..Shape::delayed(DELAY)
    })
}

/// Bytes that arrive in a [`STRETCH`] while the screen never stands still, then the picture exact.
async fn bytes(pair: &Pair, random: &mut fastrand::Rng) -> u64 {
    let (before, until) = (pair.viewer.stats().bytes_received, Instant::now() + STRETCH);
    while Instant::now() < until {
        let noise: Vec<u8> = (0..SIZE.pixels() * 4).map(|_| random.u8(..)).collect();
        pair.host.screen.put(FIRST, SIZE.rect(), &noise);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let came = pair.viewer.stats().bytes_received - before;
    pair.exact(Duration::from_secs(20)).await.unwrap();
    came
}

#[tokio::test]
async fn a_rough_path_changes_no_byte_and_costs_less_than_half_of_the_speed() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let seed = seed("a rough path");
    let clean = Link::both(Shape::delayed(DELAY));
    let ways = Ways::start(&world, [Link::default(), clean], seed).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    let smooth = bytes(&pair, &mut random).await;
    ways.viewer.set(rough(0.0));
    let reordered = bytes(&pair, &mut random).await;
    ways.viewer.set(rough(0.02));
    let corrupted = bytes(&pair, &mut random).await;
    eprintln!(
        "bytes in {STRETCH:?}: smooth {smooth}, reordered and doubled {reordered}, corrupt besides {corrupted}"
    );
    let counts = ways.viewer.counts(Way::FromRelay);
    assert!(0 < counts.reordered && 0 < counts.doubled && 0 < counts.corrupted, "{counts:?}");
    pair.works("not a bit changed", Duration::from_secs(10)).await.unwrap();
    assert_eq!(told(&pair.viewer, |event| matches!(event, Event::Suspended)), 0);
    pair.is_the_same().unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
}

#[tokio::test]
async fn handshakes_succeed_when_three_datagrams_of_ten_are_corrupt() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let corrupt = Link::both(Shape { corrupt: 0.3, ..Shape::default() });
    let ways = Ways::start(&world, [corrupt.clone(), corrupt], seed("corrupt handshakes")).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    eprintln!("paired in {:?}", pair.steps);
    ways.set(&rough(0.02));
    pair.consent(Duration::from_secs(60)).await.unwrap();
    pair.works("not a bit changed", Duration::from_secs(30)).await.unwrap();
    pair.is_the_same().unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
}
