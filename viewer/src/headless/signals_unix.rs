//! SIGINT, SIGTERM and SIGHUP.

use std::io;
use tokio::signal::unix::{SignalKind, signal as listen};

/// Ready at the first of them. They are caught from this call on.
pub(super) fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
