//! [`Keys`] where there is no X11: it never opens. Never compiled by us so far; see `super::from_egui`.

use super::{Grab, KeysError, Mode, Stroke};
use std::{convert::Infallible, task::Waker};

/// Nothing: there is no such value.
#[derive(Debug)]
pub struct Keys(Infallible);

impl Keys {
    /// # Errors
    /// Always [`KeysError::NoX11`].
    pub fn open(_window: u32, _waker: Waker) -> Result<Self, KeysError> {
        Err(KeysError::NoX11("this system has none".to_owned()))
    }

    /// Never called.
    pub fn set(&self, _mode: Mode) {
        match self.0 {}
    }

    /// Never called.
    pub fn take(&mut self) -> Vec<Stroke> {
        match self.0 {}
    }

    /// Never called.
    pub fn text(&mut self, _text: &str) {
        match self.0 {}
    }

    /// Never called.
    pub fn composing(&mut self, _composing: bool) {
        match self.0 {}
    }

    /// Never called.
    pub fn grab(&self) -> Grab {
        match self.0 {}
    }
}
