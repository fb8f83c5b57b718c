//! The whole screen changes all the time.

use super::{desk::Desk, seat::Seat, sheet::Sheet};
use crate::process::Usage;
use nearhand_proto::session::geometry::Point;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Frames a second that are painted.
const RATE: u32 = 60;

/// Watches for so long.
///
/// # Errors
/// If nothing is to be seen.
pub(super) async fn measure(
    desk: &Desk,
    seat: &mut Seat,
    watched: Duration,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    let seconds = (watched + Duration::from_secs(4)).as_secs();
    let painter = desk.paint(&["move".to_owned(), RATE.to_string(), seconds.to_string()]).await?;
    anyhow::ensure!(seat.viewer.screen.watch(Point { x: 32, y: 32 }), "too many pixels are watched");
    sleep(Duration::from_secs(1)).await;
    let (host, relay, viewer) = (seat.host(), seat.relay(), Usage::own());
    let before = (host.cpu()?, relay.cpu()?, viewer.cpu()?, seat.viewer.stats().bytes_received);
    seat.viewer.screen.take_changes();
    let began = Instant::now();
    sleep(watched).await;
    let (changes, lasted) = (seat.viewer.screen.take_changes(), began.elapsed().as_secs_f64());
    anyhow::ensure!(!changes.is_empty(), "no frame came");
    let frames = f64::from(u32::try_from(changes.len())?);
    let gaps = changes.windows(2).map(|pair| pair[1].presented - pair[0].presented);
    let gap = gaps.max().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let received = (seat.viewer.stats().bytes_received - before.3) as f64;
    let mut add = |name, value| sheet.add("motion", name, value);
    add("frames_per_s", frames / lasted);
    add("mbit_s", received * 8.0 / 1e6 / lasted);
    add("host_cpu_ms_per_frame", (host.cpu()? - before.0) * 1e3 / frames);
    add("relay_cpu_ms_per_frame", (relay.cpu()? - before.1) * 1e3 / frames);
    add("viewer_cpu_ms_per_frame", (viewer.cpu()? - before.2) * 1e3 / frames);
    add("longest_gap_ms", gap.as_secs_f64() * 1e3);
    drop(painter);
    sleep(Duration::from_millis(300)).await;
    Ok(())
}
