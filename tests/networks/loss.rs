//! Packets get lost (F5). The loss is on both legs and both ways: what goes from end to end meets it twice.

use crate::{
    ends::{PATIENCE, Pair, Ways, world},
    waiting::{number, seconds},
};
use nearhand_proto::{
    control::Role,
    net::{Identity, Link, LinkConfig, Moves},
};
use nearhand_tests::{
    Technician, Weather, World,
    weather::{self, Loss, Shape, seed},
};
use std::{sync::Arc, time::Duration, time::Instant};
use tokio::{sync::Semaphore, task::JoinSet};

/// Pairs at once.
const AT_ONCE: usize = 20;

fn lossy(percent: u32, burst: f64) -> weather::Link {
    let loss = Loss { share: f64::from(percent) / 100.0, burst };
    weather::Link::both(Shape { loss, ..Shape::default() })
}

/// What is common to the pairs of one story.
struct Common {
    world: World,
    technician: Technician,
    room: Semaphore,
}

impl Common {
    async fn start() -> Arc<Self> {
        let world = world().await;
        let technician = world.technician("Vera Example").await;
        Arc::new(Self { world, technician, room: Semaphore::new(AT_ONCE) })
    }

    async fn pair(&self, link: weather::Link, seed: u64) -> Result<(Pair, Ways), String> {
        let ways = Ways::start(&self.world, [link.clone(), link], seed).await;
        let relays = [self.world.through(&ways.host), self.world.through(&ways.viewer)];
        Ok((Pair::begin(relays, &self.technician).await?, ways))
    }

    async fn end(self: Arc<Self>) {
        Arc::into_inner(self).unwrap().world.end().await;
    }
}

/// So many pairings, half of them with losses in bursts of three; how many succeeded, and the slowest.
async fn pairings(percent: u32, times: usize) -> usize {
    let common = Common::start().await;
    let seed = seed(&format!("pairing at {percent} % loss"));
    let mut pairs = JoinSet::new();
    for at in 0..times {
        let (common, burst) = (common.clone(), if at % 2 == 0 { 1.0 } else { 3.0 });
        pairs.spawn(async move {
            let _permit = common.room.acquire().await.unwrap();
            let own = seed.wrapping_add(u64::try_from(at).unwrap() * 10_000);
            let (pair, _ways) = common.pair(lossy(percent, burst), own).await?;
            Ok::<_, String>(pair.steps.asked)
        });
    }
    let mut took = Vec::new();
    while let Some(tried) = pairs.join_next().await {
        match tried.unwrap() {
            Ok(asked) => took.push(asked),
            Err(why) => eprintln!("no pairing at {percent} %: {why}"),
        }
    }
    took.sort_unstable();
    let [median, slowest] = [took.get(took.len() / 2), took.last()];
    eprintln!("{percent} % loss: {} of {times} paired; median {median:?}, slowest {slowest:?}", took.len());
    common.end().await;
    took.len()
}

#[tokio::test]
async fn fifty_control_handshakes_succeed_at_thirty_percent_loss() {
    let world = world().await;
    let seed = seed("handshakes at 30 % loss");
    let times = number("NEARHAND_TIMES", 4, 50);
    let mut links = JoinSet::new();
    for at in 0..times {
        let own = seed.wrapping_add(u64::try_from(at).unwrap() * 10_000);
        let way = Weather::start(world.address(), lossy(30, [1.0, 3.0][at % 2]), own, false).await;
        let relay = world.through(&way);
        links.spawn(async move {
            let session = Arc::new(Identity::generate(1).unwrap());
            let config = LinkConfig {
                relay,
                role: Role::Host,
                session,
                technician: None,
                patience: PATIENCE,
                moves: Moves::default(),
            };
            let began = Instant::now();
            let link = Link::dial(config, None).await.unwrap();
            let took = began.elapsed();
            drop((link, way));
            took
        });
    }
    let slowest = links.join_all().await.into_iter().max();
    eprintln!("{times} of {times} handshakes at 30 % loss; slowest {slowest:?}");
    world.end().await;
}

#[tokio::test]
async fn pairing_succeeds_at_little_loss() {
    for percent in [1, 2, 5] {
        let times = number("NEARHAND_TIMES", 2, 20);
        assert_eq!(pairings(percent, times).await, times);
    }
}

#[tokio::test]
async fn pairing_succeeds_at_ten_percent_loss() {
    let times = number("NEARHAND_TIMES", 4, 100);
    assert_eq!(pairings(10, times).await, times);
}

#[tokio::test]
async fn pairing_succeeds_at_twenty_percent_loss_but_for_two_of_a_hundred() {
    let times = number("NEARHAND_TIMES", 4, 100);
    assert!(times - times / 50 <= pairings(20, times).await);
}

#[tokio::test]
async fn pairing_succeeds_at_thirty_percent_loss() {
    let times = number("NEARHAND_TIMES", 4, 50);
    assert_eq!(pairings(30, times).await, times);
}

#[tokio::test]
async fn a_session_lives_through_thirty_percent_loss() {
    let common = Common::start().await;
    let seed = seed("a session at 30 % loss");
    let (pair, ways) = common.pair(weather::Link::default(), seed).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    for burst in [1.0, 3.0] {
        ways.set(&lossy(30, burst));
        let until = Instant::now() + seconds(5, 60);
        let mut round = 0;
        while Instant::now() < until {
            round += 1;
            pair.works(&format!("round {round}, bursts of {burst}"), Duration::from_secs(30)).await.unwrap();
        }
        eprintln!("bursts of {burst}: {round} pictures and texts, each exact");
        assert!(0 < round);
    }
    pair.is_the_same().unwrap();
    ways.set(&weather::Link::default());
    pair.works("fair weather again", Duration::from_secs(20)).await.unwrap();
    pair.end().await;
    drop(ways);
    common.end().await;
}
