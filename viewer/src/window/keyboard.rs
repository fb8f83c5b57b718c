//! The keyboard as the window uses it: the real one ([`Keys`]) where there is a display for it, else the toolkit's own
//! events.

use super::keys::{By, Grab, Keys, KeysError, LocalKey, Mode, Stroke, from_egui};
use crate::messages::Act;
use eframe::egui::{Event, ImeEvent};
use std::task::Waker;

/// The keyboard, and how it is wanted.
#[derive(Default)]
pub(super) struct Keyboard {
    keys: Option<Keys>,
    /// Why there are no real keys.
    pub(super) lost: Option<String>,
    /// What a key means.
    pub(super) by: By,
    /// True if shortcuts of the technician's own desktop are to go to the user.
    pub(super) grab: bool,
}

impl Keyboard {
    /// Reads the keys of this X window from now on.
    pub(super) fn open(&mut self, window: u32, waker: Waker) {
        match Keys::open(window, waker) {
            Ok(keys) => {
                self.keys = Some(keys);
                self.grab = true;
            }
            Err(error) => self.lost = Some(error.to_string()),
        }
    }

    /// True if the keyboard can be taken whole.
    pub(super) fn is_real(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether it is taken.
    pub(super) fn grabbed(&self) -> Grab {
        self.keys.as_ref().map_or(Grab::Off, Keys::grab)
    }

    /// What was typed: of the toolkit's events only those that [`Keys`] wants to hear of. What is held is released
    /// once it is no longer `wanted`.
    pub(super) fn take(&mut self, events: &[Event], wanted: bool) -> Vec<Stroke> {
        if self.grabbed() == Grab::Lost {
            self.keys = None;
            self.lost = Some(KeysError::NoX11("the connection is lost".to_owned()).to_string());
        }
        let mode = Mode { by: self.by, wanted, grab: self.grab };
        let Some(keys) = &mut self.keys else {
            return if wanted { fallback(events) } else { Vec::new() };
        };
        keys.set(mode);
        if wanted {
            for event in events {
                match event {
                    Event::Text(text) | Event::Ime(ImeEvent::Commit(text)) => keys.text(text),
                    Event::Ime(ImeEvent::Preedit { text, .. }) => keys.composing(!text.is_empty()),
                    _ => {}
                }
            }
        }
        keys.take()
    }

    /// A shortcut has been obeyed that ended the grab.
    pub(super) fn left(&mut self) {
        if let Some(keys) = &mut self.keys {
            keys.set(Mode { by: self.by, wanted: false, grab: false });
        }
    }
}

fn fallback(events: &[Event]) -> Vec<Stroke> {
    let mut strokes = Vec::new();
    for event in events {
        match event {
            Event::ModifiersChanged(held) if held.ctrl && held.alt && held.shift => {
                strokes.push(Stroke::Local(LocalKey::Leave));
            }
            event => strokes.extend(from_egui(event).into_iter().map(Stroke::Act)),
        }
    }
    strokes
}

/// What an act is, if it is none of the keyboard's own: for [`Act`]s the order is kept.
pub(super) fn acts(strokes: Vec<Stroke>) -> (Vec<Act>, Vec<LocalKey>) {
    let mut acts = Vec::with_capacity(strokes.len());
    let mut local = Vec::new();
    for stroke in strokes {
        match stroke {
            Stroke::Act(act) => acts.push(act),
            Stroke::Local(key) => local.push(key),
        }
    }
    (acts, local)
}
