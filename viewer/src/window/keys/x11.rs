//! [`Keys`] on X11: the window's side of the keyboard thread ([`keyboard`]). Both share one small state, never locked
//! for longer than it takes to move strokes in or out.

mod keyboard;
mod map;
mod method;

use super::{Grab, KeysError, Mode, Stroke, queue::Queue};
use keyboard::Keyboard;
use nearhand_desktop::wake::Wake;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    thread::{self, JoinHandle},
    time::Instant,
};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError};

/// The keyboard of one window. When it is dropped a grab ends.
#[derive(Debug)]
pub struct Keys {
    shared: Arc<Mutex<Shared>>,
    wake: Wake,
    /// `None` only while it is dropped.
    thread: Option<JoinHandle<()>>,
}

/// What the window and the thread share.
#[derive(Debug, Default)]
struct Shared {
    mode: Mode,
    /// True while an input method composes.
    composing: bool,
    /// True while characters come from the toolkit; set by the thread.
    method: bool,
    queue: Queue,
    grab: Grab,
    /// The technician has left by [`LocalKey::Leave`](super::LocalKey): no grab until the window has wanted none.
    left: bool,
    /// The thread is to end.
    stop: bool,
}

impl Keys {
    /// Listens to that window of `$DISPLAY`. `waker` is woken when [`Keys::take`] has something and when
    /// [`Keys::grab`] changes, from another thread.
    ///
    /// # Errors
    /// [`KeysError`]: no display, no such window, or a server without XKEYBOARD.
    pub fn open(window: u32, waker: Waker) -> Result<Self, KeysError> {
        Self::open_on(None, window, waker)
    }

    /// The same on another display than `$DISPLAY`.
    ///
    /// # Errors
    /// As [`Keys::open`].
    pub fn open_on(display: Option<&str>, window: u32, waker: Waker) -> Result<Self, KeysError> {
        let wake = Wake::new().map_err(|error| KeysError::Refused(error.to_string()))?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let keyboard = Keyboard::open(display, window, (Arc::clone(&shared), wake.clone(), waker))?;
        let thread = thread::Builder::new().name("keyboard".to_owned()).spawn(move || keyboard.run());
        let thread = thread.map_err(|error| KeysError::Refused(error.to_string()))?;
        Ok(Self { shared, wake, thread: Some(thread) })
    }

    /// How keys are wanted from now on. The same mode again changes nothing.
    pub fn set(&self, mode: Mode) {
        let mut shared = lock(&self.shared);
        if shared.mode != mode {
            shared.mode = mode;
            shared.composing &= mode.wanted;
            shared.left &= mode.wanted && mode.grab;
            drop(shared);
            self.wake.wake();
        }
    }

    /// What was typed, in order. To be sent, or obeyed, also while keys are not wanted: the releases are among it.
    pub fn take(&mut self) -> Vec<Stroke> {
        lock(&self.shared).queue.take(Instant::now())
    }

    /// Characters that the toolkit has, or that an input method gives, while the picture has the keyboard. They come
    /// out of [`Keys::take`] in their place, unless they were made here already.
    pub fn text(&mut self, text: &str) {
        let mut shared = lock(&self.shared);
        if shared.method {
            shared.queue.text(text);
        }
    }

    /// Whether an input method is composing, so that keys are its own.
    pub fn composing(&mut self, composing: bool) {
        let mut shared = lock(&self.shared);
        if composing && !shared.composing {
            shared.queue.compose();
        }
        shared.composing = composing;
    }

    /// Whether the whole keyboard is ours.
    pub fn grab(&self) -> Grab {
        lock(&self.shared).grab
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        lock(&self.shared).stop = true;
        self.wake.wake();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has lost its connection, and its grab with it.
            let _ = thread.join();
        }
    }
}

/// What is shared holds together whoever panics: no invariant spans two of its fields.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<ConnectError> for KeysError {
    fn from(error: ConnectError) -> Self {
        Self::NoX11(error.to_string())
    }
}

impl From<ConnectionError> for KeysError {
    fn from(error: ConnectionError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<ReplyError> for KeysError {
    fn from(error: ReplyError) -> Self {
        Self::Refused(error.to_string())
    }
}
