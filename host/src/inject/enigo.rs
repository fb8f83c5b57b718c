//! Injection by the enigo crate, on X11 through XTEST.
//!
//! Keys go by position ([`super::hid`]). Text goes by the keys that type it on the user's own layout, with Shift where it's
//! needed; only characters that the layout lacks are lent a spare key by enigo. So ordinary text causes no change of
//! the keyboard map, which each program would have to follow before the next character.

use super::{
    Inject, InjectError, MAX_NOTCHES, Open, check_text,
    keyboard::{Keyboard, Stroke},
    known,
};
use ::enigo::{
    Axis, Button as EnigoButton, Coordinate, Direction, Enigo, InputError, Key, Keyboard as _, Mouse as _,
    NewConError, Settings,
};
use nearhand_proto::session::input::{Button, Holdable, Usage};

/// X keycodes are evdev codes and eight (`xkeyboard-config`'s `keycodes/evdev`).
const X_OFFSET: u8 = 8;

/// The mouse and keyboard of this X display; `None`: of `$DISPLAY`.
pub fn open(display: Option<String>) -> Open {
    Box::new(move || Ok(Box::new(Device::open(display)?) as Box<dyn Inject>))
}

struct Device {
    enigo: Enigo,
    display: Option<String>,
    keyboard: Keyboard,
    /// Down now, in the order of pressing. enigo remembers keys only, and would release them at a change of layout.
    held: Vec<Holdable>,
}

impl Device {
    fn open(display: Option<String>) -> Result<Self, InjectError> {
        let keyboard = Keyboard::open(display.as_deref())?;
        Ok(Self { enigo: connect(display.clone())?, display, keyboard, held: Vec::new() })
    }

    /// Learns the layout as it is now. enigo reads it once for ever, so it is made anew when the layout changed:
    /// twice, because the first one still sees the keys that the old one lent, and takes them for the user's own.
    fn follow_layout(&mut self) -> Result<(), InjectError> {
        if self.keyboard.refresh()? {
            self.enigo = connect(self.display.clone())?;
            self.enigo = connect(self.display.clone())?;
            self.keyboard.refresh()?;
        }
        Ok(())
    }

    fn press(&mut self, what: Holdable, down: bool) -> Result<(), InjectError> {
        match what {
            Holdable::Key(usage) => {
                let keycode = known(usage)? + X_OFFSET; // evdev codes end at 194
                self.enigo.raw(keycode.into(), direction(down))?;
            }
            Holdable::Button(button) => self.enigo.button(named(button), direction(down))?,
        }
        self.held.retain(|held| *held != what);
        self.held.extend(down.then_some(what));
        Ok(())
    }

    fn type_all(&mut self, text: &str) -> Result<(), InjectError> {
        let caps = self.keyboard.caps_lock()?;
        let mut shift = Shift { keycode: self.keyboard.shift(), down: false };
        let typed = text.chars().try_for_each(|c| match self.keyboard.stroke(c) {
            Some(Stroke { keycode, shift: wanted, letter }) => {
                shift.set(wanted != (caps && letter), &mut self.enigo)?;
                Ok(self.enigo.raw(keycode.into(), Direction::Click)?)
            }
            None => {
                shift.set(false, &mut self.enigo)?;
                Ok(self.enigo.key(Key::Unicode(c), Direction::Click)?)
            }
        });
        shift.set(false, &mut self.enigo).and(typed)
    }
}

/// The Shift key while text is typed.
struct Shift {
    keycode: Option<u8>,
    down: bool,
}

impl Shift {
    fn set(&mut self, down: bool, enigo: &mut Enigo) -> Result<(), InjectError> {
        if self.down == down {
            return Ok(());
        }
        let none =
            || InjectError::Unsupported("this keyboard has no Shift key; choose another layout".to_owned());
        let keycode = self.keycode.ok_or_else(none)?;
        enigo.raw(keycode.into(), direction(down))?;
        self.down = down;
        Ok(())
    }
}

impl Inject for Device {
    fn pointer(&mut self, x: i32, y: i32) -> Result<(), InjectError> {
        let within = |at: i32| at.clamp(0, i16::MAX.into());
        Ok(self.enigo.move_mouse(within(x), within(y), Coordinate::Abs)?)
    }

    fn button(&mut self, button: Button, down: bool) -> Result<(), InjectError> {
        self.press(Holdable::Button(button), down)
    }

    fn wheel(&mut self, x: i16, y: i16) -> Result<(), InjectError> {
        let within = |notches: i16| i32::from(notches.clamp(-MAX_NOTCHES, MAX_NOTCHES));
        self.enigo.scroll(within(x), Axis::Horizontal)?;
        Ok(self.enigo.scroll(within(y), Axis::Vertical)?)
    }

    fn key(&mut self, usage: Usage, down: bool) -> Result<(), InjectError> {
        self.press(Holdable::Key(usage), down)
    }

    fn text(&mut self, text: &str) -> Result<(), InjectError> {
        check_text(text)?;
        self.follow_layout()?;
        let before = self.keyboard.lock_first_group()?;
        let typed = self.type_all(text);
        let back = before.map_or(Ok(()), |group| self.keyboard.lock_group(group));
        typed.and(back)
    }
}

impl Drop for Device {
    /// Lets go of everything; enigo's own drop then takes back the keys that it lent.
    fn drop(&mut self) {
        for what in std::mem::take(&mut self.held).into_iter().rev() {
            if let Err(error) = self.press(what, false) {
                tracing::warn!(%error, "a key or mouse button may still be pressed");
            }
        }
    }
}

fn connect(display: Option<String>) -> Result<Enigo, InjectError> {
    let settings = Settings {
        x11_display: display,
        linux_delay: 0, // ms that the X server would wait at each press and release of a button
        release_keys_when_dropped: false,
        ..Settings::default()
    };
    Ok(Enigo::new(&settings)?)
}

fn direction(down: bool) -> Direction {
    if down { Direction::Press } else { Direction::Release }
}

fn named(button: Button) -> EnigoButton {
    match button {
        Button::Left => EnigoButton::Left,
        Button::Middle => EnigoButton::Middle,
        Button::Right => EnigoButton::Right,
    }
}

impl From<InputError> for InjectError {
    fn from(error: InputError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<NewConError> for InjectError {
    fn from(error: NewConError) -> Self {
        match error {
            NewConError::NoEmptyKeycodes => {
                Self::Unsupported("this keyboard layout has no spare key; choose another layout".to_owned())
            }
            other => Self::NoDesktop(other.to_string()),
        }
    }
}
