//! Ctrl+C, where there are no Unix signals.

use std::io;

/// Ready at the first Ctrl+C.
pub(super) fn signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await; // it can't be caught: then the system ends the program
        }
    })
}
