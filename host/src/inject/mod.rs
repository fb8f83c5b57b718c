//! Where the technician's mouse and keyboard become the user's: one device of each kind, no questions asked.
//!
//! [`Inject`] is the seam; [`enigo`] is the real backend, [`recorder`] the one that tests read. Whether input may be
//! injected at all, and what is still held down, is the session's business (`proto::session::input::Held`).

#[cfg(target_os = "linux")]
pub mod enigo;
pub mod hid;
#[cfg(target_os = "linux")]
mod keyboard;
pub mod own;
pub mod recorder;

use nearhand_proto::session::input::{Button, Locks, Usage};

/// Notches of one [`Inject::wheel`] each way, at most; what is beyond is dropped.
pub const MAX_NOTCHES: i16 = 64;

/// A mouse and a keyboard that can be used. A press, a turn of the wheel or text that would land on one of the host's
/// own windows is not injected ([`InjectError::OwnWindow`]): else a technician with control could press *Allow*. Nor does
/// the pointer go there: the user, who clicks without moving, would press it.
/// Lives on one thread from [`Open`] to drop; each method returns once the
/// display server has taken the input. When it is dropped, what it holds down is let go.
pub trait Inject {
    /// Moves the pointer to a desktop pixel; beyond the desktop's edges it stops at them.
    ///
    /// # Errors
    /// [`InjectError::Refused`], here as with the other methods.
    fn pointer(&mut self, x: i32, y: i32) -> Result<(), InjectError>;

    /// Presses or releases a button.
    fn button(&mut self, button: Button, down: bool) -> Result<(), InjectError>;

    /// Turns the wheel by so many notches: positive is right and down.
    fn wheel(&mut self, x: i16, y: i16) -> Result<(), InjectError>;

    /// Presses or releases a key by its position, whatever the layout makes of it.
    ///
    /// # Errors
    /// [`InjectError::UnknownKey`] as well.
    fn key(&mut self, usage: Usage, down: bool) -> Result<(), InjectError>;

    /// True if `text` can be typed at once. Else the program that gets it is behind with what was typed before, and
    /// would misread it: waits for that for up to 20 ms, and wants to be asked again.
    fn ready(&mut self, _text: &str) -> Result<bool, InjectError> {
        Ok(true)
    }

    /// Types characters so that they arrive as they are, whatever the layout and Caps Lock; `\n` is Return, `\t` is
    /// Tab. Modifiers that are held down stay so, and act.
    ///
    /// # Errors
    /// [`InjectError::ControlCharacter`] as well; then nothing was typed.
    fn text(&mut self, text: &str) -> Result<(), InjectError>;

    /// Brings the lock keys into this state.
    fn locks(&mut self, locks: Locks) -> Result<(), InjectError>;
}

/// Sent to the injecting thread and called there.
pub type Open = Box<dyn FnOnce() -> Result<Box<dyn Inject>, InjectError> + Send>;

/// Why input was not injected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InjectError {
    /// Nothing to connect to. The text is the reason.
    #[error("no desktop to control ({0}); start the host inside the desktop's own session, or set DISPLAY")]
    NoDesktop(String),
    /// This backend can't do that here. The text says what and what to do.
    #[error("{0}")]
    Unsupported(String),
    /// The viewer named a key that no keyboard here has.
    #[error("there is no key with the USB usage {:#04x}", .0.0)]
    UnknownKey(Usage),
    /// The viewer sent text with a control character other than `\n` and `\t`.
    #[error("text holds a control character (U+{:04X}), which is nothing to type", u32::from(*.0))]
    ControlCharacter(char),
    /// It was aimed at one of the host's own windows.
    #[error("input on the host's own windows is for the user alone")]
    OwnWindow,
    /// The display server did not take it.
    #[error("the display server did not take the input ({0})")]
    Refused(String),
}

/// Text must be all characters.
fn check_text(text: &str) -> Result<(), InjectError> {
    let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    control.map_or(Ok(()), |c| Err(InjectError::ControlCharacter(c)))
}

/// The key's evdev code, if it is one.
fn known(usage: Usage) -> Result<u8, InjectError> {
    hid::evdev(usage).ok_or(InjectError::UnknownKey(usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sentences() {
        assert_eq!(
            known(Usage(0xffff)).unwrap_err().to_string(),
            "there is no key with the USB usage 0xffff"
        );
        let sentence = "text holds a control character (U+001B), which is nothing to type";
        assert_eq!(check_text("a\u{1b}b").unwrap_err().to_string(), sentence);
        assert_eq!(check_text("a\tb\nü€"), Ok(()));
    }
}
