//! Long ways (F6): satellites, other continents.

use crate::ends::{Pair, Steps, Ways, world};
use nearhand_tests::weather::{Link, Shape, seed};
use std::time::Duration;

/// Attempts of which one must be quick enough: other tests run on the same processors.
const ATTEMPTS: usize = 3;

/// Pairs over two legs, each this long one way.
async fn pair_over(leg: Duration) -> Steps {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let link = Link::both(Shape::delayed(leg));
    let ways = Ways::start(&world, [link.clone(), link], seed("a long way")).await;
    let pair =
        Pair::begin([world.through(&ways.host), world.through(&ways.viewer)], &technician).await.unwrap();
    let steps = pair.steps;
    eprintln!("{leg:?} a leg: {steps:?}");
    pair.consent(Duration::from_secs(60)).await.unwrap();
    pair.works("far away", Duration::from_secs(30)).await.unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
    steps
}

#[tokio::test]
async fn pairing_takes_two_seconds_at_most_when_a_round_trip_takes_300_ms() {
    let mut best = Duration::MAX;
    for _ in 0..ATTEMPTS {
        best = best.min(pair_over(Duration::from_millis(75)).await.asked);
        if best <= Duration::from_secs(2) {
            return;
        }
    }
    panic!("pairing took {best:?}");
}

#[tokio::test]
async fn pairing_succeeds_when_every_packet_takes_750_ms() {
    // As long a way on each leg alone as F6 asks of both together.
    pair_over(Duration::from_millis(750)).await;
}
