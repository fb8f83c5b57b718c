//! The host's own windows, which injected input never acts on: else a technician with control would press *Allow*.
//!
//! [`OwnWindows`] is the list that windows put themselves on; [`Shield`] says whether input would land on one of them.

#[cfg(target_os = "linux")]
mod shield;

#[cfg(target_os = "linux")]
pub use self::shield::Shield;

use std::{
    env,
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// X windows of the host. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct OwnWindows(Arc<Mutex<Vec<Own>>>);

/// One window that is the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// With every other window that the same X client makes: pop-ups, further windows of the toolkit.
    Client(u32),
    /// Alone, because others of that X client are not the host's: a terminal emulator that the host runs in.
    Alone(u32),
}

impl OwnWindows {
    /// This X window is the host's, and with it all that its X client makes. Again is no difference.
    pub fn add(&self, window: u32) {
        self.register(Own::Client(window));
    }

    /// This X window alone is the host's. Again is no difference.
    pub fn add_alone(&self, window: u32) {
        self.register(Own::Alone(window));
    }

    /// The terminal emulator that this program runs in, if the user answers there. Most name their window in
    /// `$WINDOWID`; one that doesn't is not covered.
    pub fn add_terminal(&self) {
        if io::stdin().is_terminal()
            && let Some(window) = env::var("WINDOWID").ok().and_then(|window| window.parse().ok())
        {
            self.add_alone(window);
        }
    }

    /// All of them, in the order of registration.
    pub fn all(&self) -> Vec<Own> {
        self.list().clone()
    }

    fn register(&self, own: Own) {
        let mut list = self.list();
        if !list.contains(&own) {
            list.push(own);
        }
    }

    /// A list is whole even if another thread panicked beside it.
    fn list(&self) -> MutexGuard<'_, Vec<Own>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    /// Its X id.
    pub fn window(self) -> u32 {
        let (Self::Client(window) | Self::Alone(window)) = self;
        window
    }

    /// True if `window` belongs to it. `mask`: the bits of an id that an X client numbers its own resources with.
    pub fn is(self, window: u32, mask: u32) -> bool {
        match self {
            Self::Client(own) => own & !mask == window & !mask,
            Self::Alone(own) => own == window,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_owns_all_its_windows_and_a_lone_window_itself() {
        let mask = 0x001f_ffff;
        for (own, window, expected) in [
            (Own::Client(0x0040_0007), 0x0040_0007, true),
            (Own::Client(0x0040_0007), 0x005f_ffff, true),
            (Own::Client(0x0040_0007), 0x0060_0007, false),
            (Own::Client(0x0040_0007), 0x0000_0123, false), // the root window is the server's
            (Own::Alone(0x0040_0007), 0x0040_0007, true),
            (Own::Alone(0x0040_0007), 0x0040_0008, false),
        ] {
            assert_eq!(own.is(window, mask), expected, "{own:x?} and {window:x}");
        }
    }

    #[test]
    fn clones_share_one_list_without_repeats() {
        let own = OwnWindows::default();
        own.clone().add(1);
        own.add(1);
        own.add_alone(1);
        assert_eq!(own.all(), [Own::Client(1), Own::Alone(1)]);
    }
}
