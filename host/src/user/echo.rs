//! What the host has injected and the X server has not shown yet: each injected event comes back as a raw event, in
//! order; an event that is not expected is the user's own.
//!
//! The order holds for the pointer and for the keyboard, each by itself: a window manager that looks at a click first
//! holds up the pointer's events meanwhile (X11 protocol, GrabModeSync), and later keys overtake them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Events expected at once, at most; with more the oldest is forgotten.
const MOST: usize = 4_096;

/// How long an event is expected. Longer than an X server stalls while some program has it to itself; what still has
/// not come by then never will.
const PATIENCE: Duration = Duration::from_secs(5);

/// One injected event, as the X server will show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The pointer moves there, in desktop pixels.
    Pointer {
        /// From the left edge.
        x: i32,
        /// From the top edge.
        y: i32,
    },
    /// A button, by its X number, goes down or up.
    Button {
        /// Which.
        number: u8,
        /// Down or up.
        down: bool,
    },
    /// A key, by its X keycode, goes down or up.
    Key {
        /// Which.
        keycode: u8,
        /// Down or up.
        down: bool,
    },
}

/// The events that are expected. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Echoes(Arc<Mutex<Expected>>);

/// The oldest first, with the time since when it is expected.
type Queue = VecDeque<(Echo, Instant)>;

#[derive(Debug, Default)]
struct Expected {
    pointer: Queue,
    keyboard: Queue,
}

impl Expected {
    /// Of the device that such an event comes from.
    fn of(&mut self, echo: Echo) -> &mut Queue {
        match echo {
            Echo::Pointer { .. } | Echo::Button { .. } => &mut self.pointer,
            Echo::Key { .. } => &mut self.keyboard,
        }
    }
}

impl Echoes {
    /// This is about to be injected.
    pub fn expect(&self, echo: Echo) {
        self.expect_at(echo, Instant::now());
    }

    /// True if what the X server shows was expected. Whatever was expected of the same device before it is not expected
    /// any longer: it was lost, such as the press of a key that was down already.
    pub fn is_ours(&self, seen: Echo) -> bool {
        self.is_ours_at(seen, Instant::now())
    }

    fn expect_at(&self, echo: Echo, now: Instant) {
        let mut expected = self.lock();
        let expected = expected.of(echo);
        if MOST <= expected.len() {
            expected.pop_front();
        }
        expected.push_back((echo, now));
    }

    fn is_ours_at(&self, seen: Echo, now: Instant) -> bool {
        let mut expected = self.lock();
        let expected = expected.of(seen);
        while expected.pop_front_if(|(_, since)| *since + PATIENCE < now).is_some() {}
        let exact = expected.iter().position(|(echo, _)| *echo == seen);
        // Moves are counted rather than compared: should a server show other numbers than it was given, a technician's
        // drag must not stop itself; and a move too many still is one too many.
        let counted = || {
            let is_move = |echo: &Echo| matches!(echo, Echo::Pointer { .. });
            expected.iter().position(|(echo, _)| is_move(echo)).filter(|_| is_move(&seen))
        };
        let Some(at) = exact.or_else(counted) else { return false };
        expected.drain(..=at);
        true
    }

    /// The lists are whole even if another thread panicked beside them.
    fn lock(&self) -> MutexGuard<'_, Expected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Echo = Echo::Key { keycode: 38, down: true };
    const A_UP: Echo = Echo::Key { keycode: 38, down: false };
    const CLICK: Echo = Echo::Button { number: 1, down: true };

    fn at(x: i32) -> Echo {
        Echo::Pointer { x, y: 7 }
    }

    #[test]
    fn what_was_injected_is_ours_and_everything_else_is_the_users() {
        for (expected, seen) in [
            (&[][..], &[(A, false)][..]),
            (&[A, A_UP], &[(A, true), (A_UP, true), (A, false)]),
            (&[A, A_UP], &[(CLICK, false), (A, true), (A_UP, true)]),
            // the second press of a key that is down may be shown or not
            (&[A, A, A_UP], &[(A, true), (A_UP, true), (A_UP, false)]),
            (&[A, A, A_UP], &[(A, true), (A, true), (A_UP, true)]),
            // a click that the window manager holds up is overtaken by keys
            (&[CLICK, at(1), A, A_UP], &[(A, true), (A_UP, true), (CLICK, true), (at(1), true), (A, false)]),
            (&[CLICK, at(1)], &[(at(1), true), (CLICK, false)]),
            (&[at(1), at(2)], &[(at(1), true), (at(2), true), (at(2), false)]),
            // one lost
            (&[at(1), at(2)], &[(at(2), true), (at(2), false)]),
            // the user's move among ours, and one that the server shows otherwise
            (&[at(1), at(2)], &[(at(9), true), (at(1), true), (at(2), false)]),
            (&[at(1)], &[(A, false), (at(9), true), (at(1), false)]),
        ] {
            let echoes = Echoes::default();
            expected.iter().for_each(|echo| echoes.expect(*echo));
            for (echo, ours) in seen {
                assert_eq!(echoes.is_ours(*echo), *ours, "{echo:?} of {seen:?} after {expected:?}");
            }
        }
    }

    #[test]
    fn what_does_not_come_is_forgotten() {
        let (echoes, now) = (Echoes::default(), Instant::now());
        echoes.expect_at(A, now);
        assert!(echoes.is_ours_at(A, now + PATIENCE));
        echoes.expect_at(A, now);
        assert!(!echoes.is_ours_at(A, now + PATIENCE + Duration::from_millis(1)));
        for _ in 0..2 * MOST {
            echoes.expect(A);
        }
        assert_eq!(echoes.lock().keyboard.len(), MOST);
    }
}
