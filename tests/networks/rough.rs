//! Datagrams that overtake each other, come twice, or come with a flipped bit (F7): the picture is exact all the same, and
//! nobody hears of it.

use crate::{
    ends::{Pair, Ways, world},
    waiting::told,
};
use nearhand_proto::net::{IDLE, Identity, Pins, session_client, session_server};
use nearhand_tests::{
    Weather,
    host::{FIRST, SIZE},
    weather::{Link, Reorder, Shape, Way, seed},
};
use nearhand_viewer::messages::Event;
use quinn::Endpoint;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::timeout_at;
use tokio_util::task::AbortOnDropHandle;

/// For how long the speed is measured.
const STRETCH: Duration = Duration::from_secs(4);

/// Pictures, of some 90 kB each.
const PICTURES: u32 = 20;

/// Bits a second of the way, few enough that the way is the bottleneck and not the test.
const RATE: u64 = 20_000_000;

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

/// One picture after the other, each exact.
async fn pictures(pair: &Pair, random: &mut fastrand::Rng) {
    for _ in 0..PICTURES {
        let noise: Vec<u8> = (0..SIZE.pixels() * 4).map(|_| random.u8(..)).collect();
        pair.host.screen.put(FIRST, SIZE.rect(), &noise);
        pair.exact(Duration::from_secs(20)).await.unwrap();
    }
}

/// Bytes that one stream of a session connection brings over this network in a [`STRETCH`].
async fn bulk(link: Link, seed: u64) -> u64 {
    let (host, viewer) = (Identity::generate(1).unwrap(), Identity::generate(1).unwrap());
    let pins = Pins::default();
    pins.insert(viewer.certificate_fingerprint());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Endpoint::server(session_server(&host, pins, IDLE).unwrap(), any).unwrap();
    let way = Weather::start(server.local_addr().unwrap(), link, seed, false).await;
    let config = session_client(&viewer, host.certificate_fingerprint(), host.public().rid()).unwrap();
    let client = Endpoint::client(any).unwrap();
    let connecting = client.connect_with(config, way.address(), "nearhand").unwrap();
    let accepting = async { server.accept().await.unwrap().await };
    let (viewer, host) = tokio::join!(connecting, accepting);
    let (viewer, host) = (viewer.unwrap(), host.unwrap());
    let mut stream = host.open_uni().await.unwrap();
    let sending = AbortOnDropHandle::new(tokio::spawn(async move {
        while stream.write_all(&[7; 64 << 10]).await.is_ok() {}
    }));
    let mut received = viewer.accept_uni().await.unwrap();
    let (mut bytes, until) = (0, Instant::now() + STRETCH);
    while let Ok(chunk) = timeout_at(until.into(), received.read_chunk(usize::MAX, true)).await {
        let chunk = chunk.unwrap().unwrap().bytes;
        assert!(chunk.iter().all(|byte| *byte == 7), "a byte has changed");
        bytes += u64::try_from(chunk.len()).unwrap();
    }
    drop(sending);
    bytes
}

#[tokio::test]
async fn a_rough_path_brings_six_tenths_of_the_bytes_of_a_smooth_one() {
    let seed = seed("bulk on a rough path");
    let queue = Duration::from_millis(100);
    let rated = |link: Link| Link::both(Shape { rate: Some(RATE), queue, ..link.up });
    let smooth = bulk(rated(Link::both(Shape::delayed(DELAY))), seed).await;
    let reordered = bulk(rated(rough(0.0)), seed).await;
    let corrupted = bulk(rated(rough(0.02)), seed).await;
    eprintln!(
        "bytes in {STRETCH:?}: smooth {smooth}, reordered and doubled {reordered}, corrupt besides {corrupted}"
    );
    assert!(smooth * 6 / 10 <= reordered && smooth * 6 / 10 <= corrupted);
}

#[tokio::test]
async fn a_rough_path_changes_no_byte_of_a_picture() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let seed = seed("a rough path");
    let clean = Link::both(Shape::delayed(DELAY));
    let ways = Ways::start(&world, [Link::default(), clean], seed).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    pictures(&pair, &mut random).await;
    ways.viewer.set(rough(0.02));
    pictures(&pair, &mut random).await;
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
