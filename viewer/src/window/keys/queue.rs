//! Strokes in the order of typing, although two hands bring them: the keyboard thread, and the toolkit with the text
//! of an input method. Where the thread leaves a key to the input method it keeps a hole open; what is typed after it
//! waits until the text is there, or until the input method has had its time.

use super::Stroke;
use crate::messages::Act;
use nearhand_proto::session::input::MAX_TEXT;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How long a hole waits for its text. Input methods answer within a few ms, or swallow the key.
const PATIENCE: Duration = Duration::from_millis(250);

/// Strokes that may wait; when full, [`Queue::has_room`] says so and no more keys are pressed.
const CAPACITY: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Item>,
}

#[derive(Debug)]
enum Item {
    Stroke(Stroke),
    /// Text that is still to come, if it does by then.
    Hole(Instant),
}

impl Queue {
    /// False while too much waits.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < CAPACITY
    }

    /// The thread has made a stroke.
    pub(super) fn push(&mut self, stroke: Stroke) {
        self.waiting.push_back(Item::Stroke(stroke));
    }

    /// The thread has left a key to the input method.
    pub(super) fn hole(&mut self, now: Instant) {
        self.waiting.push_back(Item::Hole(now + PATIENCE));
    }

    /// The input method's text: it belongs into the first hole, or at the end. Control characters are left out.
    pub(super) fn text(&mut self, text: &str) {
        let hole = self.waiting.iter().position(|item| matches!(item, Item::Hole(_)));
        let at = hole.unwrap_or(self.waiting.len());
        if hole.is_some() {
            self.waiting.remove(at);
        }
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        for (piece, act) in pieces(&text).enumerate() {
            self.waiting.insert(at + piece, Item::Stroke(Stroke::Act(act)));
        }
    }

    /// The input method composes: keys that were left to it are its own, and so is what was pressed after them.
    pub(super) fn compose(&mut self) {
        let mut its_own = false;
        self.waiting.retain(|item| match item {
            Item::Hole(_) => {
                its_own = true;
                false
            }
            Item::Stroke(Stroke::Act(Act::Text(_) | Act::Key { down: true, .. })) => !its_own,
            Item::Stroke(_) => true,
        });
    }

    /// What has its turn.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Stroke> {
        let mut due = Vec::new();
        while let Some(item) = self.waiting.pop_front() {
            match item {
                Item::Stroke(stroke) => due.push(stroke),
                Item::Hole(until) if until <= now => {}
                hole @ Item::Hole(_) => {
                    self.waiting.push_front(hole);
                    break;
                }
            }
        }
        due
    }

    /// True if [`Queue::take`] has something.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let open = |item: &&Item| !matches!(item, Item::Hole(until) if *until <= now);
        matches!(self.waiting.iter().find(open), Some(Item::Stroke(_)))
    }

    /// When that may change without anybody's doing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().find_map(|item| match item {
            Item::Hole(until) => Some(*until),
            Item::Stroke(_) => None,
        })
    }
}

/// Text in acts, none longer than one may be.
fn pieces(mut text: &str) -> impl Iterator<Item = Act> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_TEXT));
        text = rest;
        (!piece.is_empty()).then(|| Act::Text(piece.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::keys::LocalKey;
    use nearhand_proto::session::input::Usage;

    fn text(text: &str) -> Stroke {
        Stroke::Act(Act::Text(text.to_owned()))
    }

    const KEY: Stroke = Stroke::Local(LocalKey::Leave);

    #[test]
    fn what_is_typed_after_a_hole_waits_for_its_text() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.push(KEY);
        queue.hole(now);
        queue.hole(now);
        queue.push(KEY);
        assert_eq!(queue.take(now), [KEY]);
        assert!(!queue.is_due(now));
        queue.text("a");
        assert!(queue.is_due(now));
        assert_eq!(queue.take(now), [text("a")]);
        queue.text("b");
        assert_eq!(queue.take(now), [text("b"), KEY]);
        queue.text("like that");
        assert_eq!(queue.take(now), [text("like that")]);
    }

    #[test]
    fn a_hole_that_nothing_comes_for_closes() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.hole(now);
        queue.push(KEY);
        assert_eq!(queue.deadline(), Some(now + PATIENCE));
        assert!(queue.is_due(now + PATIENCE));
        assert_eq!(queue.take(now + PATIENCE), [KEY]);
    }

    #[test]
    fn an_input_method_keeps_what_is_pressed_after_its_first_key() {
        let now = Instant::now();
        let key = |down| Stroke::Act(Act::Key { usage: Usage(0x28), down });
        let mut queue = Queue::default();
        queue.push(key(true));
        queue.hole(now);
        for stroke in [key(false), key(true), text("x"), KEY] {
            queue.push(stroke);
        }
        queue.hole(now);
        queue.compose();
        assert_eq!((queue.deadline(), queue.take(now)), (None, vec![key(true), key(false), KEY]));
    }

    #[test]
    fn long_text_comes_in_pieces_and_without_control_characters() {
        let mut queue = Queue::default();
        queue.text(&"ü".repeat(MAX_TEXT / 2 + 1));
        queue.text("a\u{1b}b");
        let taken = queue.take(Instant::now());
        assert_eq!(taken, [text(&"ü".repeat(MAX_TEXT / 2)), text("ü"), text("ab")]);
    }

    #[test]
    fn it_is_full_at_some_time() {
        let mut queue = Queue::default();
        while queue.has_room() {
            queue.push(KEY);
        }
        assert_eq!(queue.take(Instant::now()).len(), CAPACITY);
        assert!(queue.has_room());
    }
}
