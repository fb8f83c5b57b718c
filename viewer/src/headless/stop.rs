//! Ctrl+C and what else asks a program to end: the run then ends its session instead of vanishing.

#[cfg_attr(unix, path = "signals_unix.rs")]
#[cfg_attr(not(unix), path = "signals_other.rs")]
mod signals;

use std::io;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Cancelled by the first signal; listens until it is dropped.
pub struct OnSignal {
    token: CancellationToken,
    _listener: AbortOnDropHandle<()>,
}

impl OnSignal {
    /// Listens from now on. Called inside a Tokio runtime.
    ///
    /// # Errors
    /// If the system takes no handler.
    pub fn listen() -> io::Result<Self> {
        let token = CancellationToken::new();
        let (signal, cancelled) = (signals::signal()?, token.clone());
        let listener = tokio::spawn(async move {
            signal.await;
            cancelled.cancel();
        });
        Ok(Self { token, _listener: AbortOnDropHandle::new(listener) })
    }

    /// What the first signal cancels.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }
}
