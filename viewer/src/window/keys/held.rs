//! What each key that is down stands for, so that its release, its repeats and the modifiers among them come out right.

use super::symbols::Modifier;
use nearhand_proto::session::input::Usage;

/// What a key that is down has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Nothing, and its repeats do nothing.
    Nothing,
    /// It was text; a repeat is the text again.
    Text,
    /// A modifier that is not pressed on the user's computer until a key needs it.
    Asleep(Usage),
    /// It is pressed there as this key.
    Pressed(Usage),
}

/// All keys that are down, in the order of pressing.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    keys: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    keycode: u8,
    modifier: Option<Modifier>,
    done: Done,
}

impl Held {
    /// What this key has done; `None` if it isn't down.
    pub(super) fn done(&self, keycode: u8) -> Option<Done> {
        self.keys.iter().find(|key| key.keycode == keycode).map(|key| key.done)
    }

    /// The key is down, and this is what it has done.
    pub(super) fn press(&mut self, keycode: u8, modifier: Option<Modifier>, done: Done) {
        match self.keys.iter_mut().find(|key| key.keycode == keycode) {
            Some(key) => key.done = done,
            None => self.keys.push(Key { keycode, modifier, done }),
        }
    }

    /// The key is up: what must be released on the user's computer, unless another key holds that, too.
    pub(super) fn release(&mut self, keycode: u8) -> Option<Usage> {
        let at = self.keys.iter().position(|key| key.keycode == keycode)?;
        let Done::Pressed(usage) = self.keys.remove(at).done else { return None };
        (!self.is_pressed(usage)).then_some(usage)
    }

    /// True if that is pressed on the user's computer.
    pub(super) fn is_pressed(&self, usage: Usage) -> bool {
        self.keys.iter().any(|key| key.done == Done::Pressed(usage))
    }

    /// True while a key of this kind is down.
    pub(super) fn has(&self, modifier: Modifier) -> bool {
        self.keys.iter().any(|key| key.modifier == Some(modifier))
    }

    /// True if this key is down as a modifier.
    pub(super) fn is_modifier(&self, keycode: u8) -> bool {
        self.keys.iter().any(|key| key.keycode == keycode && key.modifier.is_some())
    }

    /// True if no modifier is down.
    pub(super) fn is_plain(&self) -> bool {
        self.keys.iter().all(|key| key.modifier.is_none())
    }

    /// Wakes the modifiers that sleep, [`Modifier::Level`] only if `level` says so: what must be pressed now.
    pub(super) fn wake(&mut self, level: bool) -> Vec<Usage> {
        let mut woken = Vec::new();
        for at in 0..self.keys.len() {
            let Key { modifier, done: Done::Asleep(usage), .. } = self.keys[at] else { continue };
            if level || modifier != Some(Modifier::Level) {
                if !self.is_pressed(usage) {
                    woken.push(usage);
                }
                self.keys[at].done = Done::Pressed(usage);
            }
        }
        woken
    }

    /// Lets go of everything, though the keys stay down: modifiers sleep, others do nothing more. What must be
    /// released, in the reverse order of pressing.
    pub(super) fn let_go(&mut self) -> Vec<Usage> {
        let mut released = Vec::new();
        for key in self.keys.iter_mut().rev() {
            if let Done::Pressed(usage) = key.done
                && !released.contains(&usage)
            {
                released.push(usage);
            }
            key.done = match (key.modifier, key.done) {
                (Some(_), Done::Pressed(usage) | Done::Asleep(usage)) => Done::Asleep(usage),
                _ => Done::Nothing,
            };
        }
        released
    }

    /// No key is down any more.
    pub(super) fn forget(&mut self) {
        self.keys.clear();
    }

    /// The keycodes that are down.
    pub(super) fn keycodes(&self) -> Vec<u8> {
        self.keys.iter().map(|key| key.keycode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALT: Usage = Usage(0xe2);
    const ALT_GR: Usage = Usage(0xe6);
    const LEFT: Usage = Usage(0x50);

    #[test]
    fn two_keys_that_mean_the_same_release_it_once() {
        let mut held = Held::default();
        held.press(64, Some(Modifier::Alt), Done::Pressed(ALT));
        held.press(108, Some(Modifier::Alt), Done::Pressed(ALT));
        assert_eq!(held.release(64), None);
        assert_eq!(held.release(108), Some(ALT));
        assert_eq!(held.release(108), None);
    }

    #[test]
    fn modifiers_sleep_until_a_key_needs_them() {
        let mut held = Held::default();
        held.press(108, Some(Modifier::Level), Done::Asleep(ALT_GR));
        held.press(64, Some(Modifier::Alt), Done::Asleep(ALT));
        assert_eq!(held.wake(false), [ALT]);
        assert_eq!(held.wake(true), [ALT_GR]);
        assert!(held.wake(true).is_empty());
        held.press(113, None, Done::Pressed(LEFT));
        assert_eq!(held.let_go(), [LEFT, ALT, ALT_GR]);
        assert_eq!(held.done(113), Some(Done::Nothing));
        assert_eq!(held.done(64), Some(Done::Asleep(ALT)));
        assert_eq!(held.release(113), None);
        assert!(held.has(Modifier::Alt) && !held.is_plain());
    }
}
