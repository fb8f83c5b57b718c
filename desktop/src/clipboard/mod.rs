//! The desktop's clipboard, text only: puts a text on it, and tells of the texts that other programs put there. Used by
//! the host for its user and by the viewer's window for the technician; which text may go where is their business.
//!
//! Five promises, which `docs/decisions/0008-clipboard.md` gives the reasons for:
//! - What was on the clipboard before [`Clipboard::listen`] was switched on is never read, let alone told.
//! - What [`Clipboard::set`] put there is never told, so that two ends that forward everything never form a loop.
//! - A text longer than the limit is never read into memory; it is told as [`Heard::TooLong`].
//! - What a password manager marks as secret is not read.
//! - What is set can be pasted into a terminal without driving it: of its control characters only tabs and line ends stay.
//!
//! The real one is [`system`]; stories have [`scripted`] ones, and `nearhand_tests::clipboard` says what both must do.

#[cfg(not(target_os = "linux"))]
mod other;
pub mod scripted;
#[cfg(target_os = "linux")]
pub mod x11;

#[cfg(not(target_os = "linux"))]
use other as backend;
use std::{fmt, sync::Arc, time::Duration};
#[cfg(target_os = "linux")]
use x11 as backend;

/// Between two texts that are told, at least; of several meanwhile the newest is told.
pub const PACE: Duration = Duration::from_millis(200);

/// A clipboard in use. Dropping it ends the telling at once and drops a text that is not set yet. A text that is set
/// stays on the clipboard until another takes its place or this program ends.
pub trait Clipboard: fmt::Debug + Send + Sync {
    /// Puts `text` on the clipboard, without its control characters. Never waits; [`Heard::Set`] follows. Of several that
    /// are not set yet the newest wins.
    fn set(&self, text: String);

    /// Tells of new texts from now on, or no longer. At first nothing is told. Never waits.
    fn listen(&self, on: bool);
}

/// News of a clipboard.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// Another program has put this text on the clipboard: not empty, at most the limit.
    Text(String),
    /// Another program has put a text on the clipboard that is longer than the limit.
    TooLong,
    /// The text that was set last is on the clipboard.
    Set {
        /// Its length in bytes of UTF-8.
        bytes: usize,
    },
    /// The clipboard can't be used, or no longer. Nothing follows.
    Lost(ClipboardError),
}

/// Takes news, on a thread of the clipboard's: must not block.
pub type Hear = Box<dyn FnMut(Heard) + Send>;

/// Opens a clipboard that tells of texts of at most so many bytes of UTF-8. Never waits: a clipboard that turns out to be
/// of no use says [`Heard::Lost`].
pub type Open = Arc<dyn Fn(usize, Hear) -> Box<dyn Clipboard> + Send + Sync>;

/// Why there is no clipboard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClipboardError {
    /// The desktop does not let us.
    #[error("the clipboard can't be used: {0}")]
    Desktop(String),
    /// Not on this system.
    #[error("the clipboard can't be used on this system yet")]
    Unsupported,
}

/// This desktop's clipboard.
pub fn system() -> Open {
    backend::open(None)
}

/// `text` without what is nothing to paste: an escape sequence could end a terminal's bracketed paste, so that what
/// follows it would run.
fn pasteable(mut text: String) -> String {
    text.retain(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    text
}

impl fmt::Debug for Heard {
    /// What is on a clipboard never stands in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::TooLong => f.write_str("TooLong"),
            Self::Set { bytes } => write!(f, "Set({bytes} bytes)"),
            Self::Lost(error) => write!(f, "Lost({error})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_log_shows_a_text() {
        let heard = Heard::Text("secret".to_owned());
        assert_eq!(format!("{heard:?}"), "Text(6 bytes)");
    }

    #[test]
    fn no_text_drives_a_terminal() {
        let text = "a\u{1b}[201~rm\r\n\0\tä\u{9b}b\u{7f}".to_owned();
        assert_eq!(pasteable(text), "a[201~rm\r\n\täb");
    }
}
