//! 20 s of scripted work on real programs: typing, paging, dragging a window, switching between windows.

use super::{desk::Desk, seat::Seat, sheet::Sheet};
use crate::process::Usage;
use anyhow::Context as _;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{process::Command, time::sleep};

/// How soon the picture must be exact after the last change.
const SETTLES: Duration = Duration::from_millis(500);

/// Does the work.
///
/// # Errors
/// If the script fails.
pub(super) async fn measure(desk: &Desk, seat: &mut Seat, sheet: &mut Sheet) -> anyhow::Result<()> {
    script(desk, &["setup"]).await?;
    sleep(Duration::from_secs(1)).await;
    let (host, relay, viewer, server) = (seat.host(), seat.relay(), Usage::own(), Usage::of(desk.server()));
    let before =
        (host.cpu()?, relay.cpu()?, viewer.cpu()?, server.cpu()?, seat.viewer.stats().bytes_received);
    let began = Instant::now();
    script(desk, &["run"]).await?;
    let lasted = began.elapsed();
    sleep(SETTLES).await;
    let exact = seat.viewer.snapshot().rgb == desk.screenshot()?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let received = (seat.viewer.stats().bytes_received - before.4) as f64;
    let mut add = |name, value| sheet.add("work", name, value);
    add("mb", received / 1e6);
    add("host_cpu_s", host.cpu()? - before.0);
    add("relay_cpu_s", relay.cpu()? - before.1);
    add("viewer_cpu_s", viewer.cpu()? - before.2);
    add("x_server_cpu_s", server.cpu()? - before.3);
    add("seconds", lasted.as_secs_f64());
    add("exact_after_500_ms", f64::from(u8::from(exact)));
    script(desk, &["teardown"]).await?;
    sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// Runs a step of the script, as it explains.
///
/// # Errors
/// If it fails.
pub(crate) async fn script(desk: &Desk, step: &[&str]) -> anyhow::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benchmark/screen/work.sh");
    let mut command: Command = desk.command("bash");
    let status = command
        .arg(file)
        .args(step)
        .env("FOLDER", desk.path("work"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .context("bash")?;
    anyhow::ensure!(
        status.success(),
        "the script of the work failed at {step:?}; tests/setup.sh installs what it needs"
    );
    Ok(())
}
