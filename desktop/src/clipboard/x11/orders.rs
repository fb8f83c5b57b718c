//! What the clipboard's user wants of its thread: one slot, in which the newest wants stand, and what wakes the thread
//! from its wait for the X server.

use crate::wake::Wake;
use std::{
    io,
    os::fd::BorrowedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The slot. Clones are the same.
#[derive(Clone)]
pub(super) struct Orders {
    wanted: Arc<Mutex<Wanted>>,
    wake: Wake,
}

/// What is wanted now.
#[derive(Clone, Default)]
pub(super) struct Wanted {
    /// Which listening, counted from 1; `None` while nothing is to be told.
    pub(super) listening: Option<u32>,
    listenings: u32,
    /// Put this on the clipboard.
    pub(super) set: Option<String>,
    /// The user has gone.
    pub(super) closed: bool,
}

impl Orders {
    /// # Errors
    /// If the process has no file descriptor left.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { wanted: Arc::default(), wake: Wake::new()? })
    }

    pub(super) fn set(&self, text: String) {
        self.change(|wanted| wanted.set = Some(text));
    }

    pub(super) fn listen(&self, on: bool) {
        self.change(|wanted| {
            if on && wanted.listening.is_none() {
                wanted.listenings = wanted.listenings.wrapping_add(1);
                wanted.listening = Some(wanted.listenings);
            } else if !on {
                wanted.listening = None;
            }
        });
    }

    pub(super) fn close(&self) {
        self.change(|wanted| *wanted = Wanted { closed: true, ..Wanted::default() });
    }

    fn change(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.lock());
        self.wake.wake();
    }

    /// What is wanted; the text to set is taken.
    pub(super) fn take(&self) -> Wanted {
        // A wake that comes after this and before the look into the slot costs one turn, no more.
        self.wake.take();
        let mut wanted = self.lock();
        let set = wanted.set.take();
        Wanted { set, ..wanted.clone() }
    }

    /// Sleeps until something is wanted, until `other` is readable or until the time is up. May return early.
    pub(super) fn sleep(&self, other: BorrowedFd<'_>, time: Option<Duration>) -> io::Result<()> {
        self.wake.sleep(Some(other), time)
    }

    /// A slot is whole even if another thread panicked beside it.
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_anew_is_another_listening() {
        let orders = Orders::new().unwrap();
        orders.listen(true);
        let first = orders.take().listening;
        orders.listen(true);
        assert_eq!(orders.take().listening, first);
        orders.listen(false);
        orders.listen(true);
        let second = orders.take().listening;
        assert!(second.is_some() && second != first);
    }

    #[test]
    fn the_newest_text_wins_and_is_taken_once() {
        let orders = Orders::new().unwrap();
        orders.set("old".to_owned());
        orders.set("new".to_owned());
        assert_eq!(orders.take().set.as_deref(), Some("new"));
        assert_eq!(orders.take().set, None);
    }

    #[test]
    fn what_was_wanted_before_the_close_is_not_wanted_after_it() {
        let orders = Orders::new().unwrap();
        orders.listen(true);
        orders.set("text".to_owned());
        orders.close();
        let wanted = orders.take();
        assert!(wanted.closed && wanted.set.is_none() && wanted.listening.is_none());
    }
}
