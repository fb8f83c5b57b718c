//! Networks that carry only short datagrams (F8): IPv6's least MTU of 1280 bytes leaves 1252 for UDP's payload over IPv4.

use crate::{
    ends::{Pair, Ways, world},
    waiting::is_exact,
};
use nearhand_tests::{
    host::{FIRST, SIZE},
    weather::{Link, Shape, Way, seed},
};
use std::time::{Duration, Instant};

/// Bytes of UDP payload that pass.
const SHORT: usize = 1_252;

fn short() -> Link {
    Link::both(Shape { mtu: Some(SHORT), ..Shape::default() })
}

/// Pixels that don't compress: a picture of many datagrams.
fn noise(random: &mut fastrand::Rng) -> Vec<u8> {
    (0..SIZE.pixels() * 4).map(|_| random.u8(..)).collect()
}

#[tokio::test]
async fn a_path_of_1280_bytes_pairs_and_shows_every_picture() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let seed = seed("a path of 1280 bytes");
    let ways = Ways::start(&world, [short(), short()], seed).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..5 {
        pair.host.screen.put(FIRST, SIZE.rect(), &noise(&mut random));
        pair.exact(Duration::from_secs(10)).await.unwrap();
    }
    let tried = ways.host.counts(Way::ToRelay).too_long;
    assert!(0 < tried, "nobody tried longer datagrams");
    pair.is_the_same().unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
}

#[tokio::test]
async fn a_path_that_begins_to_swallow_long_datagrams_is_found_out_within_five_seconds() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let seed = seed("a black hole");
    let ways = Ways::start(&world, [Link::default(), Link::default()], seed).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    // Long enough for longer datagrams to be tried and taken.
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        pair.host.screen.put(FIRST, SIZE.rect(), &noise(&mut random));
        pair.exact(Duration::from_secs(10)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ways.set(&short());
    let began = Instant::now();
    pair.host.screen.put(FIRST, SIZE.rect(), &noise(&mut random));
    pair.exact(Duration::from_secs(20)).await.unwrap();
    let took = began.elapsed();
    eprintln!("a picture came {took:?} after the path had begun to swallow");
    assert!(0 < ways.host.counts(Way::ToRelay).too_long, "no datagram was longer");
    assert!(took <= Duration::from_secs(5), "{took:?}");
    pair.works("goes on", Duration::from_secs(10)).await.unwrap();
    assert!(is_exact(&pair.host, &pair.viewer));
    pair.is_the_same().unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
}
