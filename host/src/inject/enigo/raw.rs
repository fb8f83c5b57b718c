//! Injected events by the numbers that X has for keys and buttons. Each is announced first, so that the watcher of the
//! user's own hands knows it for ours, and none acts on the host's own windows.

use crate::{
    inject::{InjectError, own::Shield},
    user::echo::{Echo, Echoes},
};
use ::enigo::{
    Button as EnigoButton, Coordinate, Direction, Enigo, InputError, Keyboard as _, Mouse as _, NewConError,
    Settings,
};

/// The first screen's mouse and keyboard.
pub(super) struct Raw {
    enigo: Enigo,
    echoes: Echoes,
    shield: Shield,
}

impl Raw {
    /// Connects to `display` (`None`: `$DISPLAY`).
    pub(super) fn open(display: Option<String>, echoes: Echoes, shield: Shield) -> Result<Self, InjectError> {
        let settings = Settings {
            x11_display: display,
            linux_delay: 0, // ms that the X server would wait at each press and release of a button
            release_keys_when_dropped: false,
            ..Settings::default()
        };
        Ok(Self { enigo: Enigo::new(&settings)?, echoes, shield })
    }

    /// Refuses if the focus is on one of the host's own windows.
    pub(super) fn check_focus(&self) -> Result<(), InjectError> {
        if self.shield.covers_focus()? { Err(InjectError::OwnWindow) } else { Ok(()) }
    }

    /// Refuses if the pointer is over one of the host's own windows.
    pub(super) fn check_pointer(&self) -> Result<(), InjectError> {
        if self.shield.covers_pointer()? { Err(InjectError::OwnWindow) } else { Ok(()) }
    }

    /// Moves the pointer, unless it would rest on one of the host's own windows; `x` and `y` are not negative.
    pub(super) fn pointer(&mut self, x: i16, y: i16) -> Result<(), InjectError> {
        if self.shield.covers_point(x, y)? {
            return Err(InjectError::OwnWindow);
        }
        let (x, y) = (x.into(), y.into());
        self.echoes.expect(Echo::Pointer { x, y });
        Ok(self.enigo.move_mouse(x, y, Coordinate::Abs)?)
    }

    /// Presses or releases a button, a notch of the wheel as well.
    pub(super) fn button(&mut self, button: EnigoButton, down: bool) -> Result<(), InjectError> {
        self.echoes.expect(Echo::Button { number: number(button), down });
        Ok(self.enigo.button(button, direction(down))?)
    }

    /// Presses or releases a key.
    pub(super) fn key(&mut self, keycode: u8, down: bool) -> Result<(), InjectError> {
        self.echoes.expect(Echo::Key { keycode, down });
        Ok(self.enigo.raw(keycode.into(), direction(down))?)
    }
}

fn direction(down: bool) -> Direction {
    if down { Direction::Press } else { Direction::Release }
}

/// As enigo numbers them for X.
fn number(button: EnigoButton) -> u8 {
    match button {
        EnigoButton::Left => 1,
        EnigoButton::Middle => 2,
        EnigoButton::Right => 3,
        EnigoButton::ScrollUp => 4,
        EnigoButton::ScrollDown => 5,
        EnigoButton::ScrollLeft => 6,
        EnigoButton::ScrollRight => 7,
        EnigoButton::Back => 8,
        EnigoButton::Forward => 9,
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
