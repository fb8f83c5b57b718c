//! Ping: 100 bytes from the viewer to the host and back on a stream of the session connection, one at a time.

use super::{
    pair::Desk,
    sheet::{Section, Sheet},
};
use crate::percentile;
use quinn::{RecvStream, SendStream};
use std::{path::Path, time::Instant};
use tokio::task::JoinSet;

/// Bytes of a ping.
const SIZE: usize = 100;

/// Pings before the first that counts.
const WARM_UP: usize = 200;

/// Measures a fresh relay with `count` pings.
///
/// # Errors
/// If the pair does not come to be, or loses its connection.
pub(super) async fn measure(program: &Path, count: usize, sheet: &mut Sheet) -> anyhow::Result<()> {
    let desk = Desk::open(program).await?;
    let relay = desk.process.usage();
    let pair = desk.pair().await?;
    let (host, viewer) = pair.connect().await?;
    let mut echo = JoinSet::new();
    echo.spawn(async move {
        if let Ok((send, receive)) = host.accept_bi().await {
            answer(send, receive).await;
        }
    });
    let (mut send, mut receive) = viewer.open_bi().await?;
    let (mut times, mut from, mut answer) = (Vec::with_capacity(count), 0.0, [0; SIZE]);
    for number in 0..WARM_UP + count {
        if number == WARM_UP {
            from = relay.cpu()?;
        }
        let began = Instant::now();
        send.write_all(&[7; SIZE]).await?;
        receive.read_exact(&mut answer).await?;
        if WARM_UP <= number {
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand pings")]
    let each = (relay.cpu()? - from) * 1e6 / count as f64;
    sheet.add(Section::Whole, "ping_p50_us", percentile(&mut times, 0.5));
    sheet.add(Section::Whole, "ping_p99_us", percentile(&mut times, 0.99));
    sheet.add(Section::Whole, "cpu_us_per_ping", each);
    Ok(())
}

async fn answer(mut send: SendStream, mut receive: RecvStream) {
    let mut ping = [0; SIZE];
    while receive.read_exact(&mut ping).await.is_ok() && send.write_all(&ping).await.is_ok() {}
}
