//! The keyboard of the technician's window: what is typed there becomes [`Act`]s for the user's computer, by layout
//! (characters arrive as typed, whatever the layouts of both sides) or by position (every key as that key).
//!
//! The toolkit's own key events don't do: they never hold the keys that the window manager takes for itself, know no
//! position of modifiers, and know neither AltGr nor lock keys. So [`Keys`] listens on the window by an X11 connection
//! of its own, and takes the whole keyboard (grabs it) where asked to. `layout` is the server's keyboard map,
//! `translate` the machine that makes strokes of keys, `queue` keeps them in order, `x11` is the thread around them.
//!
//! **Input methods.** While the keyboard is not grabbed and an input method runs, characters come from the toolkit
//! ([`Keys::text`]) and everything else from here. While it is grabbed no input method is asked; dead keys and Compose
//! work by our own reading of the Compose table.
//!
//! Elsewhere than on X11 [`Keys::open`] fails; [`from_egui`] then makes the best of the toolkit's events.

#[cfg(target_os = "linux")]
mod compose;
mod egui;
#[cfg(target_os = "linux")]
mod held;
#[cfg(target_os = "linux")]
mod layout;
#[cfg(target_os = "linux")]
mod queue;
#[cfg(target_os = "linux")]
mod symbols;
#[cfg(target_os = "linux")]
mod translate;
mod usages;
#[cfg(target_os = "linux")]
mod x11;
#[cfg(not(target_os = "linux"))]
#[path = "x11_other.rs"]
mod x11;

pub use egui::from_egui;
pub use x11::Keys;

use crate::messages::Act;

/// What a key means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The character that the technician's layout makes of it.
    #[default]
    Layout,
    /// Its place on the keyboard.
    Position,
}

/// How the window wants its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// What a key means.
    pub by: By,
    /// True while the picture has the keyboard. Off releases all that is held.
    pub wanted: bool,
    /// True if keys that the window manager would take are wanted, too: the keyboard is grabbed while it is wanted
    /// and the window has the focus.
    pub grab: bool,
}

/// One stroke, to be sent or obeyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// For the user's computer.
    Act(Act),
    /// For the technician's window.
    Local(LocalKey),
}

/// Keys that the technician's window keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalKey {
    /// Ctrl, Alt and Shift were held together and let go, and no other key with them: out of the picture. A grab has
    /// ended by then, and begins again only after [`Mode::grab`] or [`Mode::wanted`] was off.
    Leave,
    /// Ctrl+Alt+Shift+F: full screen on or off.
    FullScreen,
}

/// Whether the whole keyboard is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grab {
    /// It is not, and need not be.
    #[default]
    Off,
    /// It is.
    Held,
    /// It should be, but another program holds it; tried again a few times a second.
    Refused,
    /// The connection to the display is lost: no more keys come.
    Lost,
}

/// Why the keyboard can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// There is no X server, or this is no system with one.
    #[error("no X11 display for the keyboard ({0}); keys that the window manager takes stay here")]
    NoX11(String),
    /// The X server lacks something, or doesn't take a request. The text says what.
    #[error("the display's keyboard can't be read ({0}); keys that the window manager takes stay here")]
    Refused(String),
}
