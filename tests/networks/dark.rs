//! Nothing passes for a while (F9). The session goes on over the same connection; what is held is let go meanwhile.

use crate::{
    ends::{Pair, Ways, world},
    waiting::within,
};
use nearhand_host::inject::recorder::Injected;
use nearhand_proto::session::input::Usage;
use nearhand_tests::weather::{Blackout, Link, Shape, seed};
use std::time::{Duration, Instant};

const CONTROL: Usage = Usage(0xe0);

fn dark(blackout: Blackout) -> Link {
    Link::both(Shape { blackout: Some(blackout), ..Shape::default() })
}

/// What the viewer holds is let go within two seconds of the darkness; a little more for a busy machine.
async fn is_released(pair: &Pair) {
    let up = Injected::KeyUp(CONTROL);
    let released = || pair.host.input.injected().contains(&up).then_some(());
    within(Duration::from_secs(3), "what is held is let go", released).await.unwrap();
}

async fn holds(pair: &Pair) {
    pair.host.input.take();
    pair.viewer.key(CONTROL.0, true).await;
    let down = || pair.host.input.injected().contains(&Injected::KeyDown(CONTROL)).then_some(());
    within(Duration::from_secs(10), "a key is down", down).await.unwrap();
}

#[tokio::test]
async fn a_session_survives_two_dark_seconds_of_every_seven() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let second = Duration::from_secs;
    let blackout = Blackout { after: second(7), lasts: second(2), every: Some(second(7)) };
    let seed = seed("two dark seconds of every seven");
    // The viewer's way goes dark; the host's stays as it is.
    let ways = Ways::start(&world, [Link::default(), dark(blackout)], seed).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    let (until, mut round, mut slowest) = (Instant::now() + second(25), 0, Duration::ZERO);
    while Instant::now() < until {
        round += 1;
        let began = Instant::now();
        pair.works(&format!("round {round}"), second(10)).await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    eprintln!("{round} pictures and texts; slowest {slowest:?}");
    assert!(second(1) < slowest, "it never was dark");
    pair.is_the_same().unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
}

#[tokio::test]
async fn a_session_survives_twenty_dark_seconds_and_holds_no_key_meanwhile() {
    let world = world().await;
    let technician = world.technician("Vera Example").await;
    let ways = Ways::start(&world, [Link::default(), Link::default()], seed("twenty dark seconds")).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::begin(relays, &technician).await.unwrap();
    pair.consent(Duration::from_secs(20)).await.unwrap();
    holds(&pair).await;
    ways.viewer.cut(true);
    let until = Instant::now() + Duration::from_secs(20);
    is_released(&pair).await;
    // The blackout that the story is about.
    tokio::time::sleep_until(until.into()).await;
    ways.viewer.cut(false);
    let light = Instant::now();
    pair.works("light again", Duration::from_secs(15)).await.unwrap();
    eprintln!("goes on {:?} after twenty dark seconds", light.elapsed());
    pair.is_the_same().unwrap();
    pair.end().await;
    drop(ways);
    world.end().await;
}
