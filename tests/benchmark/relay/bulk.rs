//! Bulk: every pair's host sends as fast as it can on one stream of the session connection, its viewer reads.

use super::{
    pair::Desk,
    sheet::{Section, Sheet},
};
use crate::process::Usage;
use bytes::Bytes;
use quinn::{RecvStream, SendStream};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// Before the first figure: congestion windows grow, path MTU is found.
const WARM_UP: Duration = Duration::from_secs(1);

/// What is written at once, and what is read at once at most, in bytes.
const CHUNKS: (usize, usize) = (64 << 10, 1 << 20);

/// Measures a fresh relay for `seconds` with this many pairs.
///
/// # Errors
/// If the pairs do not come to be, or the relay ends.
pub(super) async fn measure(
    program: &Path,
    pairs: usize,
    seconds: Duration,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    let desk = Desk::open(program).await?;
    let (relay, own) = (desk.process.usage(), Usage::own());
    let (mut sessions, mut work) = (Vec::new(), JoinSet::new());
    for _ in 0..pairs {
        let pair = desk.pair().await?;
        let (host, viewer) = pair.connect().await?;
        sessions.push((pair, host, viewer));
    }
    let before = relay.rss()?;
    let delivered = Arc::new(AtomicU64::new(0));
    for (_, host, viewer) in &sessions {
        work.spawn(send(host.open_uni().await?));
        let (viewer, delivered) = (viewer.clone(), delivered.clone());
        work.spawn(async move {
            if let Ok(stream) = viewer.accept_uni().await {
                receive(stream, &delivered).await;
            }
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let warm = relay.rss()?;
    let count = || delivered.load(Ordering::Relaxed);
    let (from, relay_from, own_from, began) = (count(), relay.cpu()?, own.cpu()?, Instant::now());
    tokio::time::sleep(seconds).await;
    let (bytes, relay_used, own_used) = (count() - from, relay.cpu()? - relay_from, own.cpu()? - own_from);
    let took = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "bytes of a few seconds")]
    let gigabytes = bytes as f64 / 1e9;
    anyhow::ensure!(bytes != 0, "nothing was delivered");
    let mut add = |name, value| sheet.add(Section::Bulk(pairs), name, value);
    add("gbit_s", gigabytes * 8.0 / took);
    add("cpu_s_per_gb", relay_used / gigabytes);
    add("relay_cores", relay_used / took);
    add("clients_cpu_s_per_gb", own_used / gigabytes);
    add("rss_before_kib", before);
    add("rss_growth_kib", relay.rss()? - warm);
    add("peak_rss_kib", relay.peak()?);
    Ok(())
}

async fn send(mut stream: SendStream) {
    let chunk = Bytes::from(vec![0x5a; CHUNKS.0]);
    while stream.write_chunk(chunk.clone()).await.is_ok() {}
}

async fn receive(mut stream: RecvStream, delivered: &AtomicU64) {
    while let Ok(Some(chunk)) = stream.read_chunk(CHUNKS.1, true).await {
        delivered.fetch_add(chunk.bytes.len().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
