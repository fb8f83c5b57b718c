//! Idle: how much memory each paired session holds at the relay while nothing happens in it but keep-alives.

use super::{
    pair::{Desk, Pair},
    sheet::{Section, Sheet},
};
use anyhow::Context as _;
use quinn::Connection;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Pairs that are made at once.
const AT_ONCE: usize = 8;

/// Between the last pair and the figure.
const REST: Duration = Duration::from_secs(3);

/// How long the idle relay's processor time is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// Measures a fresh relay with this many pairs.
///
/// # Errors
/// If the pairs do not come to be, or are lost.
pub(super) async fn measure(program: &Path, pairs: usize, sheet: &mut Sheet) -> anyhow::Result<()> {
    let desk = Desk::open(program).await?;
    let relay = desk.process.usage();
    let mut resting = JoinSet::new();
    // What is allocated with the first pair belongs to none.
    rest(&mut resting, session(desk.clone()).await?);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = relay.rss()?;
    let mut making = JoinSet::new();
    let (mut left, mut made) = (pairs, 0);
    while made < pairs {
        while making.len() < AT_ONCE && left != 0 {
            making.spawn(session(desk.clone()));
            left -= 1;
        }
        rest(&mut resting, making.join_next().await.context("pairs are being made")???);
        made += 1;
    }
    tokio::time::sleep(REST).await;
    let growth = relay.rss()? - before;
    let from = relay.cpu()?;
    tokio::time::sleep(WATCHED).await;
    let used = relay.cpu()? - from;
    anyhow::ensure!(resting.try_join_next().is_none(), "a pair was lost while it rested");
    #[expect(clippy::cast_precision_loss, reason = "some hundreds of pairs")]
    let all = pairs as f64;
    sheet.add(Section::Whole, "idle_pairs", all);
    sheet.add(Section::Whole, "kib_per_idle_pair", growth / all);
    sheet.add(Section::Whole, "idle_cpu_us_per_pair_s", used * 1e6 / all / WATCHED.as_secs_f64());
    Ok(())
}

type Session = (Pair, Connection, Connection);

async fn session(desk: Arc<Desk>) -> anyhow::Result<Session> {
    let pair = desk.pair().await?;
    let (host, viewer) = pair.connect().await?;
    Ok((pair, host, viewer))
}

/// The pair does what paired ends do: it pings.
fn rest(resting: &mut JoinSet<anyhow::Result<()>>, (mut pair, host, viewer): Session) {
    resting.spawn(async move {
        let _session = (host, viewer);
        tokio::try_join!(pair.host.rest(), pair.viewer.rest())?;
        Ok(())
    });
}
