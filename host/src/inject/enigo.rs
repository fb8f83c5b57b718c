//! Injection by the enigo crate, on X11 through XTEST.
//!
//! Keys go by position ([`super::hid`]). Text goes by the keys that type it on the user's own layout, with Shift and
//! AltGr where they are needed; characters that the layout lacks are lent a spare key (`keyboard.rs`). So ordinary
//! text causes no change of the keyboard map, which each program would have to follow before the next character.
//! enigo is only given numbers of keys: its own way with characters reads the map once for ever and knows neither groups
//! nor lock keys.

mod raw;
mod typing;

use self::raw::Raw;
use super::{
    Inject, InjectError, MAX_NOTCHES, Open, check_text,
    keyboard::{Keyboard, X_OFFSET},
    known,
    own::{OwnWindows, Shield},
};
use crate::user::echo::Echoes;
use ::enigo::Button as EnigoButton;
use nearhand_proto::session::input::{Button, Holdable, Locks, Usage};

/// The mouse and keyboard of this X display; `None`: of `$DISPLAY`. Each event is announced in `echoes`; none acts on
/// `own`.
pub fn open(display: Option<String>, echoes: Echoes, own: OwnWindows) -> Open {
    Box::new(move || Ok(Box::new(Device::open(display, echoes, own)?) as Box<dyn Inject>))
}

struct Device {
    raw: Raw,
    keyboard: Keyboard,
    /// Down now, in the order of pressing.
    held: Vec<Holdable>,
}

impl Device {
    fn open(display: Option<String>, echoes: Echoes, own: OwnWindows) -> Result<Self, InjectError> {
        // The keyboard first: it takes back keys that a killed run lent, without which enigo finds none to spare.
        let keyboard = Keyboard::open(display.as_deref())?;
        let shield = Shield::open(display.as_deref(), own)?;
        Ok(Self { raw: Raw::open(display, echoes, shield)?, keyboard, held: Vec::new() })
    }

    /// A release always passes.
    fn press(&mut self, what: Holdable, down: bool) -> Result<(), InjectError> {
        match what {
            Holdable::Key(usage) => {
                let keycode = keycode(usage)?;
                if down {
                    self.raw.check_focus()?;
                    if self.keyboard.is_lent(keycode)? {
                        return Ok(()); // to the user's layout it means nothing
                    }
                }
                self.raw.key(keycode, down)?;
            }
            Holdable::Button(button) => {
                if down {
                    self.raw.check_pointer()?;
                }
                self.raw.button(named(button), down)?;
            }
        }
        self.held.retain(|held| *held != what);
        self.held.extend(down.then_some(what));
        Ok(())
    }

    fn turn(&mut self, notches: i16, [less, more]: [EnigoButton; 2]) -> Result<(), InjectError> {
        let button = if notches < 0 { less } else { more };
        for _ in 0..notches.unsigned_abs().min(MAX_NOTCHES.unsigned_abs()) {
            self.raw.check_pointer()?;
            self.raw.button(button, true)?;
            self.raw.button(button, false)?;
        }
        Ok(())
    }
}

impl Inject for Device {
    fn pointer(&mut self, x: i32, y: i32) -> Result<(), InjectError> {
        let within = |at: i32| i16::try_from(at.max(0)).unwrap_or(i16::MAX);
        self.raw.pointer(within(x), within(y))
    }

    fn button(&mut self, button: Button, down: bool) -> Result<(), InjectError> {
        self.press(Holdable::Button(button), down)
    }

    fn wheel(&mut self, x: i16, y: i16) -> Result<(), InjectError> {
        self.turn(x, [EnigoButton::ScrollLeft, EnigoButton::ScrollRight])?;
        self.turn(y, [EnigoButton::ScrollUp, EnigoButton::ScrollDown])
    }

    fn key(&mut self, usage: Usage, down: bool) -> Result<(), InjectError> {
        self.press(Holdable::Key(usage), down)
    }

    fn ready(&mut self, text: &str) -> Result<bool, InjectError> {
        self.keyboard.ready(text)
    }

    fn text(&mut self, text: &str) -> Result<(), InjectError> {
        check_text(text)?;
        self.raw.check_focus()?;
        let held: Vec<u8> = self.held.iter().filter_map(held_key).collect();
        typing::type_text(&mut self.raw, &mut self.keyboard, &held, text)
    }

    fn locks(&mut self, locks: Locks) -> Result<(), InjectError> {
        self.keyboard.lock_keys(locks)
    }
}

impl Drop for Device {
    /// Lets go of everything; the keyboard's own drop then takes back the keys that it lent.
    fn drop(&mut self) {
        for what in std::mem::take(&mut self.held).into_iter().rev() {
            if let Err(error) = self.press(what, false) {
                tracing::warn!(%error, "a key or mouse button may still be pressed");
            }
        }
    }
}

fn keycode(usage: Usage) -> Result<u8, InjectError> {
    Ok(known(usage)? + X_OFFSET) // evdev codes end at 194
}

fn held_key(held: &Holdable) -> Option<u8> {
    match held {
        Holdable::Key(usage) => keycode(*usage).ok(),
        Holdable::Button(_) => None,
    }
}

fn named(button: Button) -> EnigoButton {
    match button {
        Button::Left => EnigoButton::Left,
        Button::Middle => EnigoButton::Middle,
        Button::Right => EnigoButton::Right,
    }
}
