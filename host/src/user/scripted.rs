//! A user whose hands a story moves.

use super::{Touches, WatchError, Watcher};
use std::sync::{Arc, Mutex, PoisonError};

/// The user's hands. Clones are the same user's.
#[derive(Clone, Debug, Default)]
pub struct Hands(Arc<Mutex<Option<Touches>>>);

impl Hands {
    /// Watched by this session from now on.
    ///
    /// # Errors
    /// Never; the real watcher's signature.
    pub fn watch(&self, touches: Touches) -> Result<Watcher, WatchError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(touches);
        Ok(Box::new(()))
    }

    /// Moves the mouse.
    pub fn touch(&self) {
        self.watched(Touches::touch);
    }

    /// Presses the key that ends the session.
    pub fn stop(&self) {
        self.watched(Touches::stop);
    }

    fn watched(&self, act: impl FnOnce(&Touches)) {
        // Nobody watches outside a session.
        if let Some(touches) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            act(touches);
        }
    }
}
