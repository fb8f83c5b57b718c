//! Mouse and keyboard, viewer to host, on a stream of their own so that pixels never delay them.
//!
//! Keys travel by position (USB HID usage of page 0x07, HID Usage Tables 1.5 §10) or as text. While anything is
//! held down the viewer sends a heartbeat each [`HEARTBEAT`]; the host lets go of everything [`PATIENCE`] after the
//! last one, so that a viewer that dies never leaves a key pressed.

use super::{geometry::Point, screen::Epoch};
use crate::wire::Message;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How often the viewer says that what is held is held on purpose.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long the host believes it.
pub const PATIENCE: Duration = Duration::from_millis(1_500);

/// Bytes of UTF-8 in one [`Input::Text`], at most.
pub const MAX_TEXT: usize = 1_024;

/// Keys and buttons held at once, at most; further presses are ignored.
pub const MAX_HELD: usize = 32;

/// A key by its position: HID usage of page 0x07.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Usage(pub u16);

/// A mouse button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Button {
    /// The primary one.
    Left,
    /// The wheel.
    Middle,
    /// The one that opens menus.
    Right,
}

/// Viewer to host, on the input stream. All of it but `Mark` needs [`crate::rights::Rights::CONTROL`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The pointer is here, in pixels of the picture of `epoch`; dropped if another monitor is shown by now.
    Pointer {
        /// Which picture.
        epoch: Epoch,
        /// Where.
        at: Point,
    },
    /// A button went down or up.
    Button {
        /// Which.
        button: Button,
        /// Down or up.
        down: bool,
    },
    /// The wheel turned by this many notches: positive is down and right.
    Wheel {
        /// Sideways.
        x: i16,
        /// Up and down.
        y: i16,
    },
    /// A key went down or up.
    Key {
        /// Which.
        usage: Usage,
        /// Down or up.
        down: bool,
    },
    /// Characters, to arrive as they are whatever the layout. At most [`MAX_TEXT`] bytes.
    Text(String),
    /// What is held is still held.
    Heartbeat,
    /// Answered by `ToViewer::Acted` with the same number once everything before it has been injected (or dropped).
    Mark(u32),
    /// The lock keys are to be in this state, so that keys by position mean the same on both sides.
    Locks(Locks),
}

/// Which lock keys are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locks {
    /// Caps Lock.
    pub caps: bool,
    /// Num Lock.
    pub num: bool,
    /// Scroll Lock.
    pub scroll: bool,
}

impl Message for Input {
    const MAX: usize = MAX_TEXT + 16;
}

/// One thing that is held down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holdable {
    /// A key.
    Key(Usage),
    /// A mouse button.
    Button(Button),
}

/// What the viewer holds down on the host, and until when that is believed.
#[derive(Clone, Debug, Default)]
pub struct Held {
    down: Vec<Holdable>,
    believed_until: Option<Instant>,
}

impl Held {
    /// Takes one message. False if it must not be injected: a release of what is not down, or a press beyond
    /// [`MAX_HELD`].
    pub fn handle(&mut self, input: &Input, now: Instant) -> bool {
        let (what, down) = match *input {
            Input::Key { usage, down } => (Holdable::Key(usage), down),
            Input::Button { button, down } => (Holdable::Button(button), down),
            Input::Pointer { .. }
            | Input::Wheel { .. }
            | Input::Text(_)
            | Input::Heartbeat
            | Input::Mark(_)
            | Input::Locks(_) => {
                self.believe(now);
                return true;
            }
        };
        let known = self.down.iter().position(|held| *held == what);
        let inject = match (down, known) {
            (true, None) if self.down.len() < MAX_HELD => {
                self.down.push(what);
                true
            }
            (true, None) | (false, None) => false,
            (true, Some(_)) => true, // the viewer's own key repeat
            (false, Some(at)) => {
                self.down.remove(at);
                true
            }
        };
        self.believe(now);
        inject
    }

    /// What was taken as pressed was not injected after all.
    pub fn forget(&mut self, what: Holdable) {
        self.down.retain(|held| *held != what);
        if self.down.is_empty() {
            self.believed_until = None;
        }
    }

    /// When everything must be let go if nothing more is heard; `None` while nothing is held.
    pub fn deadline(&self) -> Option<Instant> {
        self.believed_until
    }

    /// Lets go of everything: what to release, in the reverse order of pressing.
    pub fn release_all(&mut self) -> Vec<Holdable> {
        self.believed_until = None;
        let mut down = std::mem::take(&mut self.down);
        down.reverse();
        down
    }

    fn believe(&mut self, now: Instant) {
        self.believed_until = (!self.down.is_empty()).then(|| now + PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(usage: u16, down: bool) -> Input {
        Input::Key { usage: Usage(usage), down }
    }

    #[test]
    fn everything_is_let_go_when_the_heartbeat_stops() {
        let now = Instant::now();
        let mut held = Held::default();
        assert!(held.handle(&key(0xe0, true), now));
        assert!(held.handle(&key(0xe2, true), now));
        assert_eq!(held.deadline(), Some(now + PATIENCE));
        let later = now + HEARTBEAT;
        held.handle(&Input::Heartbeat, later);
        assert_eq!(held.deadline(), Some(later + PATIENCE));
        assert_eq!(held.release_all(), [Holdable::Key(Usage(0xe2)), Holdable::Key(Usage(0xe0))]);
        assert_eq!(held.deadline(), None);
    }

    #[test]
    fn a_release_of_what_is_not_down_is_dropped() {
        let now = Instant::now();
        let mut held = Held::default();
        assert!(!held.handle(&key(4, false), now));
        for usage in 0..40 {
            assert_eq!(held.handle(&key(usage, true), now), usage < 32);
        }
        assert_eq!(held.release_all().len(), MAX_HELD);
    }
}
