//! What the person at this computer does with mouse and keyboard while a session runs: any input that the host did not
//! inject is theirs. It stops the technician's input, and one key ends the session.
//!
//! [`channel`] joins a watcher ([`Touches`], on the desktop's side) to the session ([`User`]). The real watcher is
//! [`x11`]; stories have [`scripted`] hands.

pub mod echo;
pub mod scripted;
#[cfg(target_os = "linux")]
pub mod x11;

use nearhand_proto::close::Close;
use std::{any::Any, sync::Arc, time::Instant};
use tokio::sync::watch;

/// The key that ends the session whatever window has the focus, as it is written for people.
pub const STOP_KEY: &str = "Ctrl+Alt+End";

/// The watcher's side. Clones say the same.
#[derive(Clone, Debug)]
pub struct Touches {
    touched: Arc<watch::Sender<Option<Instant>>>,
    over: Arc<watch::Sender<Option<Close>>>,
}

/// The session's side.
#[derive(Debug)]
pub struct User {
    /// When the user last moved the mouse, clicked or typed; `None` before the first time.
    pub touched: watch::Receiver<Option<Instant>>,
    over: watch::Receiver<Option<Close>>,
}

/// Something that watches the user for as long as it lives.
pub type Watcher = Box<dyn Any + Send>;

/// Starts a watcher. May wait for the display server.
///
/// # Errors
/// [`WatchError`]
pub type Watch = Arc<dyn Fn(Touches) -> Result<Watcher, WatchError> + Send + Sync>;

/// Why the user can't be watched; without that no session may run.
#[derive(Debug, thiserror::Error)]
#[error("the user's own mouse and keyboard can't be watched ({0}), so nobody may be given control")]
pub struct WatchError(pub String);

/// Both sides.
pub fn channel() -> (Touches, User) {
    let (to_session, touched) = watch::channel(None);
    let (to_end, over) = watch::channel(None);
    (Touches { touched: Arc::new(to_session), over: Arc::new(to_end) }, User { touched, over })
}

impl Touches {
    /// The user has touched mouse or keyboard just now.
    pub fn touch(&self) {
        // A session that is over is not interested.
        let _ = self.touched.send(Some(Instant::now()));
    }

    /// The user has pressed the key that ends the session.
    pub fn stop(&self) {
        self.end(Close::UserStopped);
    }

    /// The user can no longer be watched, most likely because the desktop is gone: the session must not go on.
    pub fn lost(&self) {
        self.end(Close::NoScreen);
    }

    fn end(&self, why: Close) {
        // The first reason counts.
        self.over.send_if_modified(|over| over.is_none().then(|| *over = Some(why)).is_some());
    }
}

impl User {
    /// Waits until the session must end: the user has pressed [`STOP_KEY`], or can't be watched any longer.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn over(&mut self) -> Close {
        match self.over.wait_for(Option::is_some).await.map(|over| *over) {
            Ok(Some(why)) => why,
            // No watcher any more, so nothing comes from there.
            _ => std::future::pending().await,
        }
    }
}
