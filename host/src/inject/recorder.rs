//! The mouse and keyboard that tests read: what would have been injected, in order. It refuses what the real one
//! refuses.

use super::{Inject, InjectError, MAX_NOTCHES, Open, check_text, known};
use nearhand_proto::session::input::{Button, Locks, Usage};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One thing that was injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injected {
    /// The pointer went there, in desktop pixels.
    Pointer(i32, i32),
    /// A button went down.
    ButtonDown(Button),
    /// A button went up.
    ButtonUp(Button),
    /// The wheel turned, right and down.
    Wheel(i16, i16),
    /// A key went down.
    KeyDown(Usage),
    /// A key went up.
    KeyUp(Usage),
    /// Text was typed.
    Text(String),
    /// The lock keys were brought into this state.
    Locks(Locks),
}

/// Keeps what is injected. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<Vec<Injected>>>);

impl Recorder {
    /// A mouse and keyboard that this recorder listens to.
    pub fn open(&self) -> Open {
        let device = Device { recorder: self.clone(), held: Vec::new() };
        Box::new(move || Ok(Box::new(device) as Box<dyn Inject>))
    }

    /// Everything so far.
    pub fn injected(&self) -> Vec<Injected> {
        self.list().clone()
    }

    /// Everything since the last time; forgets it.
    pub fn take(&self) -> Vec<Injected> {
        std::mem::take(&mut *self.list())
    }

    /// A list is whole even if another test thread panicked beside it.
    fn list(&self) -> MutexGuard<'_, Vec<Injected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Device {
    recorder: Recorder,
    /// How each thing that is down would come up.
    held: Vec<Injected>,
}

impl Device {
    fn note(&mut self, what: Injected) -> Result<(), InjectError> {
        match &what {
            Injected::ButtonDown(button) => self.held.push(Injected::ButtonUp(*button)),
            Injected::KeyDown(usage) => self.held.push(Injected::KeyUp(*usage)),
            up => self.held.retain(|held| held != up),
        }
        self.recorder.list().push(what);
        Ok(())
    }
}

impl Inject for Device {
    fn pointer(&mut self, x: i32, y: i32) -> Result<(), InjectError> {
        self.note(Injected::Pointer(x, y))
    }

    fn button(&mut self, button: Button, down: bool) -> Result<(), InjectError> {
        self.note(if down { Injected::ButtonDown(button) } else { Injected::ButtonUp(button) })
    }

    fn wheel(&mut self, x: i16, y: i16) -> Result<(), InjectError> {
        let within = -MAX_NOTCHES..=MAX_NOTCHES;
        self.note(Injected::Wheel(
            x.clamp(*within.start(), *within.end()),
            y.clamp(*within.start(), *within.end()),
        ))
    }

    fn key(&mut self, usage: Usage, down: bool) -> Result<(), InjectError> {
        known(usage)?;
        self.note(if down { Injected::KeyDown(usage) } else { Injected::KeyUp(usage) })
    }

    fn text(&mut self, text: &str) -> Result<(), InjectError> {
        check_text(text)?;
        self.note(Injected::Text(text.to_owned()))
    }

    fn locks(&mut self, locks: Locks) -> Result<(), InjectError> {
        self.note(Injected::Locks(locks))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        held.dedup();
        self.recorder.list().extend(held.into_iter().rev());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_in_order_and_lets_go_at_the_end() {
        let recorder = Recorder::default();
        let mut device = recorder.open()().unwrap();
        device.pointer(-3, 9).unwrap();
        device.button(Button::Left, true).unwrap();
        device.key(Usage(4), true).unwrap();
        device.key(Usage(4), true).unwrap();
        device.key(Usage(5), true).unwrap();
        device.key(Usage(5), false).unwrap();
        device.wheel(0, i16::MIN).unwrap();
        device.text("ü").unwrap();
        assert_eq!(device.key(Usage(0), true), Err(InjectError::UnknownKey(Usage(0))));
        assert_eq!(device.text("\0"), Err(InjectError::ControlCharacter('\0')));
        assert_eq!(recorder.take().len(), 8);
        drop(device);
        assert_eq!(recorder.injected(), [Injected::KeyUp(Usage(4)), Injected::ButtonUp(Button::Left)]);
    }
}
