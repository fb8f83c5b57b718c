//! Wayland, where nobody sees the screen without the compositor's consent. Capture by the desktop portal and
//! PipeWire is a backend of its own, still to come; here stands what we say until then.

use super::CaptureError;
use std::{env, ffi::OsStr};

/// What works and what doesn't, and what to do.
pub const SENTENCE: &str = "this desktop runs on Wayland, where neither its screen nor its mouse and keyboard can be \
    shared yet; log out, choose a session named 'X11' or 'Xorg' on the login screen and start the host again: there \
    both work";

/// The reason why no X server could be reached, if Wayland is it.
pub(super) fn unsupported() -> Option<CaptureError> {
    let is_wayland =
        is_wayland(env::var_os("XDG_SESSION_TYPE").as_deref(), env::var_os("WAYLAND_DISPLAY").as_deref());
    is_wayland.then(|| CaptureError::Unsupported(SENTENCE.to_owned()))
}

/// True if these variables speak of a Wayland session.
fn is_wayland(session: Option<&OsStr>, display: Option<&OsStr>) -> bool {
    session.is_some_and(|kind| kind == "wayland") || display.is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wayland_session_is_known_by_its_variables() {
        let check = |session: Option<&str>, display: Option<&str>, expected| {
            assert_eq!(is_wayland(session.map(OsStr::new), display.map(OsStr::new)), expected);
        };
        check(Some("wayland"), None, true);
        check(None, Some("wayland-0"), true);
        check(Some("x11"), None, false);
        check(Some("tty"), Some(""), false);
        check(None, None, false);
    }
}
