//! The machine that makes strokes of keys: what the X server says goes in, [`Out`]s come out. No X, no threads.
//!
//! **By layout.** A key with a character is that character, by [`Act::Text`]: Shift and AltGr are part of it. With
//! Ctrl, Alt or Super down it is the same, while those are pressed on the user's computer, so Ctrl+Z is the user's
//! Ctrl+Z wherever either layout has the z; Caps Lock doesn't act then, and a letter of no Latin alphabet stands for
//! the Latin one on its key. Keys without a character are keys, by their meaning. Modifiers are pressed when they are
//! (a click may need them) but for AltGr, which is pressed only once such a key follows.
//!
//! **By position.** Every key is that key, and the user's lock keys are brought in step before.

use super::{
    By, LocalKey, Stroke,
    compose::{Compose, Composed},
    held::{Done, Held},
    layout::{Layout, Press},
    symbols::{self, Modifier},
    usages,
};
use crate::messages::Act;
use nearhand_proto::session::input::{Locks, Usage};

/// Who makes characters of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Texts {
    /// This machine.
    #[default]
    Here,
    /// An input method, through the toolkit.
    Method,
    /// The same, and it is composing: every key is its own.
    Composing,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// A stroke.
    Stroke(Stroke),
    /// Here the input method's text belongs.
    Hole,
}

/// Ctrl, Alt and Shift, held together with nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chord {
    /// Nothing but these has been pressed since the first of them.
    Clean,
    /// Something else has.
    Spoiled,
}

/// See the module.
pub(super) struct Translate {
    layout: Layout,
    compose: Compose,
    by: By,
    /// False while keys are not for the user's computer; they are followed all the same.
    engaged: bool,
    held: Held,
    chord: Chord,
    /// The technician's lock keys. Few X servers keep a state of Scroll Lock, so it is counted here.
    locks: Locks,
    /// As the user's computer was told.
    told: Option<Locks>,
    out: Vec<Out>,
}

impl Translate {
    /// Nothing is down, and keys are for somebody else.
    pub(super) fn new(layout: Layout, compose: Compose) -> Self {
        Self {
            layout,
            compose,
            by: By::Layout,
            engaged: false,
            held: Held::default(),
            chord: Chord::Spoiled,
            locks: Locks::default(),
            told: None,
            out: Vec::new(),
        }
    }

    /// What came out since the last time.
    pub(super) fn drain(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    /// The keyboard map is another one.
    pub(super) fn handle_layout(&mut self, layout: Layout) {
        self.layout = layout;
        self.compose.reset();
    }

    /// These modifiers are locked.
    pub(super) fn handle_locked(&mut self, mods: u8) {
        let (caps, num) = self.layout.locks(mods);
        let locks = Locks { caps, num, ..self.locks };
        if locks != self.locks {
            self.locks = locks;
            if self.engaged {
                self.tell_locks();
            }
        }
    }

    /// From now on keys are for the user's computer, or not, and mean this. A change lets go of everything.
    pub(super) fn engage(&mut self, engaged: bool, by: By) {
        if (engaged, by) != (self.engaged, self.by) {
            self.let_go();
            (self.engaged, self.by, self.told) = (engaged, by, None);
        }
    }

    /// The window has lost the focus: what happens to its keys is unknown from now on.
    pub(super) fn handle_focus_lost(&mut self) {
        self.let_go();
        self.held.forget();
    }

    /// These keys are down, whatever was heard of them.
    pub(super) fn handle_keymap(&mut self, down: impl Fn(u8) -> bool) {
        for keycode in self.held.keycodes().into_iter().filter(|keycode| !down(*keycode)) {
            self.release(keycode);
        }
        for keycode in (8..=u8::MAX).filter(|keycode| down(*keycode)) {
            if self.held.done(keycode).is_none() {
                let modifier = symbols::modifier(self.base(keycode), keycode);
                let done = modifier.map_or(Done::Nothing, |(_, usage)| Done::Asleep(usage));
                self.held.press(keycode, modifier.map(|modifier| modifier.0), done);
            }
        }
    }

    /// A key was pressed, or repeats.
    pub(super) fn press(&mut self, press: Press, texts: Texts) {
        let (keycode, symbol) = (press.keycode, self.layout.symbol(press));
        // Keys that switch the layout together with a modifier are modifiers by themselves.
        let meant = if symbols::switches_group(symbol) { self.base(keycode) } else { symbol };
        if let Some((modifier, usage)) = symbols::modifier(meant, keycode) {
            let asleep = !self.engaged
                || texts == Texts::Composing
                || (self.by == By::Layout && (modifier == Modifier::Level || meant != symbol));
            return self.press_modifier(keycode, modifier, usage, asleep);
        }
        self.chord = Chord::Spoiled;
        if !self.engaged || (texts == Texts::Composing && self.by == By::Layout) {
            return self.held.press(keycode, None, Done::Nothing);
        }
        match self.held.done(keycode) {
            Some(Done::Nothing | Done::Asleep(_)) => {}
            Some(Done::Pressed(usage)) => self.key(usage, true),
            Some(Done::Text) | None if self.is_full_screen(press) => {
                self.held.press(keycode, None, Done::Nothing);
                self.out.push(Out::Stroke(Stroke::Local(LocalKey::FullScreen)));
            }
            Some(Done::Text) | None => match self.by {
                By::Position => self.press_position(keycode, symbol),
                By::Layout if self.is_shortcut() => self.press_shortcut(press),
                By::Layout => self.press_character(keycode, symbol, texts),
            },
        }
    }

    /// A key was released.
    pub(super) fn release(&mut self, keycode: u8) {
        let all = [Modifier::Control, Modifier::Alt, Modifier::Shift];
        let leave = self.chord == Chord::Clean
            && self.held.is_modifier(keycode)
            && all.into_iter().all(|modifier| self.held.has(modifier));
        if let Some(usage) = self.held.release(keycode) {
            self.key(usage, false);
        }
        if leave {
            self.chord = Chord::Spoiled;
            if self.engaged {
                self.out.push(Out::Stroke(Stroke::Local(LocalKey::Leave)));
            }
        }
    }

    fn press_modifier(&mut self, keycode: u8, modifier: Modifier, usage: Usage, asleep: bool) {
        if self.held.done(keycode).is_some() {
            return; // its repeat
        }
        match modifier {
            Modifier::Super | Modifier::Level => self.chord = Chord::Spoiled,
            _ if self.held.is_plain() => self.chord = Chord::Clean,
            _ => {}
        }
        let own = usages::of_keycode(keycode).filter(|_| self.by == By::Position);
        let usage = own.unwrap_or(usage);
        if asleep {
            self.held.press(keycode, Some(modifier), Done::Asleep(usage));
        } else {
            self.locks_in_step();
            if !self.held.is_pressed(usage) {
                self.key(usage, true);
            }
            self.held.press(keycode, Some(modifier), Done::Pressed(usage));
        }
    }

    fn press_position(&mut self, keycode: u8, symbol: u32) {
        let Some(usage) = usages::of_keycode(keycode).or_else(|| usages::of_symbol(symbol)) else { return };
        self.press_key(keycode, usage);
        if matches!(symbol, symbols::CAPS_LOCK | symbols::SHIFT_LOCK | symbols::NUM_LOCK) {
            self.told = None; // it has its own effect there
        }
        self.count_scroll_lock(symbol);
    }

    /// A key without Ctrl, Alt or Super.
    fn press_character(&mut self, keycode: u8, symbol: u32, texts: Texts) {
        let waits = symbols::is_dead(symbol) || symbol == symbols::MULTI_KEY;
        let composed = match texts {
            Texts::Here => self.compose.feed(symbol),
            _ if waits => Composed::Waiting,
            _ => Composed::Passed,
        };
        match composed {
            Composed::Waiting => self.held.press(keycode, None, Done::Nothing),
            Composed::Text(text) => self.text(keycode, text),
            Composed::Cancelled => match usages::of_symbol(symbol) {
                Some(usage) if !matches!(symbol, symbols::BACKSPACE | symbols::ESCAPE) => {
                    self.press_key(keycode, usage);
                }
                _ => self.held.press(keycode, None, Done::Nothing),
            },
            Composed::Passed => match (usages::of_symbol(symbol), symbols::character(symbol)) {
                (Some(usage), _) => {
                    self.press_key(keycode, usage);
                    self.count_scroll_lock(symbol);
                }
                (None, Some(_)) if texts == Texts::Method => {
                    self.held.press(keycode, None, Done::Text);
                    self.out.push(Out::Hole);
                }
                (None, Some(character)) => self.text(keycode, character.to_string()),
                (None, None) => self.press_other(keycode, symbol),
            },
        }
    }

    /// A key with Ctrl, Alt or Super.
    fn press_shortcut(&mut self, press: Press) {
        self.compose.reset();
        let press = press.without_caps();
        let symbol = self.layout.symbol(press);
        if let Some(usage) = usages::of_symbol(symbol) {
            self.press_key(press.keycode, usage);
            return self.count_scroll_lock(symbol);
        }
        let character = match symbols::character(symbol) {
            Some(c) if is_foreign(c) => self.layout.ascii(press),
            character => character,
        };
        let Some(character) = character else { return self.press_other(press.keycode, symbol) };
        for usage in self.held.wake(false) {
            self.key(usage, true);
        }
        self.text(press.keycode, character.to_string());
    }

    /// A key that makes neither a character nor anything that has a name here: it goes by its place, but for those
    /// that are the technician's own affair.
    fn press_other(&mut self, keycode: u8, symbol: u32) {
        let own = matches!(
            symbol,
            symbols::CAPS_LOCK | symbols::SHIFT_LOCK | symbols::NUM_LOCK | symbols::MULTI_KEY
        ) || symbols::switches_group(symbol);
        match usages::of_keycode(keycode) {
            Some(usage) if !own => self.press_key(keycode, usage),
            _ => self.held.press(keycode, None, Done::Nothing),
        }
    }

    fn press_key(&mut self, keycode: u8, usage: Usage) {
        self.locks_in_step();
        for usage in self.held.wake(true) {
            self.key(usage, true);
        }
        self.key(usage, true);
        self.held.press(keycode, None, Done::Pressed(usage));
    }

    fn text(&mut self, keycode: u8, text: String) {
        self.held.press(keycode, None, Done::Text);
        if !text.is_empty() {
            self.out.push(Out::Stroke(Stroke::Act(Act::Text(text))));
        }
    }

    fn key(&mut self, usage: Usage, down: bool) {
        self.out.push(Out::Stroke(Stroke::Act(Act::Key { usage, down })));
    }

    fn locks_in_step(&mut self) {
        if self.by == By::Position && self.told != Some(self.locks) {
            self.tell_locks();
        }
    }

    fn tell_locks(&mut self) {
        self.told = Some(self.locks);
        self.out.push(Out::Stroke(Stroke::Act(Act::Locks(self.locks))));
    }

    /// Scroll Lock itself is sent as a key, so the user's computer has turned as well.
    fn count_scroll_lock(&mut self, symbol: u32) {
        if symbol == symbols::SCROLL_LOCK {
            self.locks.scroll = !self.locks.scroll;
            self.told = None;
        }
    }

    fn let_go(&mut self) {
        self.compose.reset();
        self.chord = Chord::Spoiled;
        for usage in self.held.let_go() {
            self.key(usage, false);
        }
    }

    fn is_shortcut(&self) -> bool {
        [Modifier::Control, Modifier::Alt, Modifier::Super].into_iter().any(|kind| self.held.has(kind))
    }

    fn is_full_screen(&self, press: Press) -> bool {
        [Modifier::Control, Modifier::Alt, Modifier::Shift].into_iter().all(|kind| self.held.has(kind))
            && matches!(self.layout.ascii(press), Some('f' | 'F'))
    }

    /// The symbol of a key alone.
    fn base(&self, keycode: u8) -> u32 {
        self.layout.symbol(Press { keycode, mods: 0, group: 0 })
    }
}

/// True for letters of no Latin alphabet: Greek, Cyrillic and all after them.
fn is_foreign(c: char) -> bool {
    '\u{370}' <= c && c.is_alphabetic() && !('\u{1e00}'..'\u{1f00}').contains(&c)
}

#[cfg(test)]
mod tests;
