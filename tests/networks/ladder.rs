//! The ladder of ever worse links (F10), on the viewer's leg: rungs 0 to 6 work, 7 works or ends cleanly, 8 never hangs.

use crate::ends::{Pair, Ways, world};
use nearhand_proto::close::Close;
use nearhand_tests::{
    World,
    journal::in_time,
    weather::{Link, seed},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// The last rung on which everything must work.
const WORKS: usize = 6;

/// For how long an end tries to reach its relay, as the programs do by default.
const DIAL: Duration = Duration::from_secs(60);

/// How long the worst rung may take for all of it, or to say that it doesn't: the dial, and six steps that may each take
/// [`STEP`](nearhand_proto::net::STEP).
const BOUND: Duration = Duration::from_secs(240);

/// Pairs over a rung, sees a picture, types. What it took, for the table.
async fn climb(world: &World, rung: usize, link: Link) -> Result<String, String> {
    let technician = world.technician(&format!("Technician {rung}")).await;
    let ways = Ways::start(world, [Link::default(), link], seed(&format!("rung {rung}"))).await;
    let relays = [world.through(&ways.host), world.through(&ways.viewer)];
    let pair = Pair::dial(relays, &technician, DIAL).await?;
    let began = Instant::now();
    pair.consent(BOUND).await?;
    let first = began.elapsed();
    let began = Instant::now();
    pair.works(&format!("rung {rung}"), BOUND).await?;
    let works = began.elapsed();
    let row = format!(
        "rung {rung}: {:?}, picture {first:?} after the user's yes, change and text {works:?}",
        pair.steps
    );
    let same = pair.is_the_same();
    // Nobody waits longer for the end of what is past any real link.
    ways.viewer.set(Link::default());
    let why = in_time("a clean end", pair.viewer.end()).await;
    if why == Close::TechnicianLeft && rung <= WORKS {
        same.map(|()| row)
    } else {
        Ok(format!("{row}; {why:?}"))
    }
}

/// Climbs these rungs, all at once.
async fn all_of(rungs: std::ops::RangeInclusive<usize>) -> Vec<(usize, Result<String, String>)> {
    let world = Arc::new(world().await);
    let mut climbers = JoinSet::new();
    for (rung, link) in Link::ladder().filter(|(rung, _)| rungs.contains(rung)) {
        let world = world.clone();
        climbers.spawn(async move {
            let climbed = timeout(BOUND, climb(&world, rung, link)).await;
            (rung, climbed.unwrap_or_else(|_| Err(format!("rung {rung} hung"))))
        });
    }
    let table = climbers.join_all().await;
    for (_, climbed) in &table {
        eprintln!("{}", climbed.as_deref().unwrap_or_else(|why| why));
    }
    Arc::into_inner(world).unwrap().end().await;
    table
}

#[tokio::test]
async fn the_first_seven_rungs_of_the_ladder_work() {
    for (rung, climbed) in all_of(0..=WORKS).await {
        climbed.unwrap_or_else(|why| panic!("rung {rung}: {why}"));
    }
}

#[tokio::test]
async fn the_last_two_rungs_work_or_end_cleanly() {
    for (rung, climbed) in all_of(7..=8).await {
        match climbed {
            Ok(row) => drop(row),
            // The viewer has said why, and ended.
            Err(why) => assert!(why.starts_with("over before"), "rung {rung}: {why}"),
        }
    }
}
