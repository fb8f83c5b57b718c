//! How old the picture gets on bad links: the decision for our own congestion control, kept. The figures themselves are
//! `tests/bench congestion`'s.

use nearhand_tests::{
    ages,
    weather::{Link, Loss, Shape, seed},
};
use std::time::Duration;

/// Attempts of which one must be good enough: other tests run on the same processors.
const ATTEMPTS: usize = 3;
/// How long each is watched.
const WATCHED: Duration = Duration::from_secs(5);
/// The 95th percentile of the age that is allowed. The goal is 250 ms for release programs on a quiet machine; Cubic has
/// more than 350 ms at stray loss, and more than a second beside bulk.
const AGE: Duration = Duration::from_millis(350);

/// With this network at the viewer, updates of so many bytes are young enough and come at least so often.
async fn check(what: &str, shape: Shape, bytes: usize, rate: f64) {
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let ages = ages::measure(Link::both(shape.clone()), seed(what), bytes, WATCHED).await;
        if ages.percentile(95) <= AGE && rate <= ages.rate() {
            return;
        }
        seen.push(format!("{:?} at {:.1}/s of {}", ages.percentile(95), ages.rate(), ages.painted));
    }
    panic!("{what}: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_of_60_kb_stay_young_on_10_mbit_s() {
    let shape = Shape {
        delay: Duration::from_millis(20),
        rate: Some(10_000_000),
        queue: Duration::from_secs(1),
        ..Shape::default()
    };
    check("60 kB on 10 Mbit/s", shape, 60_000, 10.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_of_20_kb_stay_young_and_many_at_1_percent_loss_and_100_ms() {
    let shape = Shape {
        delay: Duration::from_millis(50),
        loss: Loss { share: 0.01, burst: 1.0 },
        ..Shape::default()
    };
    check("20 kB at 1 % loss", shape, 20_000, 12.0).await;
}
