//! Pairings: as many as the machine makes, eight at a time, each of two new ends, each on durable record, each left in
//! order. The relay's own entries say how many there were.

use super::{
    pair::Desk,
    sheet::{Section, Sheet},
};
use crate::percentile;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};

/// Pairings at once, as the peers' drivers have them.
const AT_ONCE: usize = 8;

/// Pairings before the first that counts.
const WARM_UP: usize = 16;

/// Measures a fresh relay for about `seconds`.
///
/// # Errors
/// If a pairing fails, or the record does not have them all.
pub(super) async fn measure(program: &Path, seconds: Duration, sheet: &mut Sheet) -> anyhow::Result<()> {
    let desk = Desk::open(program).await?;
    let relay = desk.process.usage();
    for _ in 0..WARM_UP {
        desk.pair().await?.leave().await?;
    }
    let (from, began) = (relay.cpu()?, Instant::now());
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        workers.spawn(work(desk.clone(), began + seconds));
    }
    let mut times = Vec::new();
    while let Some(worked) = workers.join_next().await {
        times.extend(worked??);
    }
    let (used, took) = (relay.cpu()? - from, began.elapsed().as_secs_f64());
    let record = desk.operator.record().await;
    let (starts, ends) = (record.count("session.start"), record.count("session.end"));
    let made = times.len() + WARM_UP;
    anyhow::ensure!(
        (starts, ends) == (made, made),
        "{made} pairings, but {starts} starts, {ends} ends on record"
    );
    #[expect(clippy::cast_precision_loss, reason = "some thousands of pairings")]
    let (pairings, entries) = (times.len() as f64, record.entries.len() as f64 / made as f64);
    sheet.add(Section::Whole, "pairings_per_s", pairings / took);
    sheet.add(Section::Whole, "cpu_us_per_pairing", used * 1e6 / pairings);
    sheet.add(Section::Whole, "pairing_p50_ms", percentile(&mut times, 0.5));
    sheet.add(Section::Whole, "pairing_p99_ms", percentile(&mut times, 0.99));
    sheet.add(Section::Whole, "entries_per_pairing", entries);
    Ok(())
}

/// Pairs again and again; returns how long each pairing took until its route was open, in ms.
async fn work(desk: Arc<Desk>, until: Instant) -> anyhow::Result<Vec<f64>> {
    let mut times = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let pair = desk.pair().await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        pair.leave().await?;
    }
    Ok(times)
}
