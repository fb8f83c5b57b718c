//! Asks the X server whether input would land on one of the host's own windows.
//!
//! A window manager puts a top-level window into a frame of its own (title bar, close button): a frame that holds an own
//! window is covered as a whole. Between the answer and the input a window may still come up; what must not be
//! clicked by accident therefore also waits a moment before it takes clicks.

use super::{Own, OwnWindows};
use crate::inject::InjectError;
use x11rb::{
    connection::Connection as _,
    errors::ReplyError,
    protocol::xproto::{ConnectionExt as _, QueryTreeReply, Window},
    rust_connection::RustConnection,
};

/// Levels below a child of the root window in which a window manager's frame may hold a top-level window: a frame, a wrapper.
const FRAME_LEVELS: usize = 2;

/// Windows looked at on one level, at most: a frame has few.
const MOST: usize = 256;

/// How deep windows are nested, at most, as far as we look.
const DEPTH: usize = 64;

/// `None` and `PointerRoot` (X11 protocol, SetInputFocus).
const NO_FOCUS: [Window; 2] = [0, 1];

/// Looks where input would land, over a connection of its own.
pub struct Shield {
    connection: RustConnection,
    root: Window,
    own: OwnWindows,
}

impl Shield {
    /// Connects to `display` (`None`: `$DISPLAY`).
    ///
    /// # Errors
    /// [`InjectError::NoDesktop`]
    pub fn open(display: Option<&str>, own: OwnWindows) -> Result<Self, InjectError> {
        let connected = RustConnection::connect(display);
        let (connection, number) = connected.map_err(|error| InjectError::NoDesktop(error.to_string()))?;
        let screen = connection.setup().roots.get(number);
        let root =
            screen.ok_or_else(|| InjectError::NoDesktop("the display has no such screen".into()))?.root;
        Ok(Self { connection, root, own })
    }

    /// True if the pointer is over an own window or the frame around one: a click or a turn of the wheel would land
    /// there.
    ///
    /// # Errors
    /// [`InjectError::Refused`] if the X server does not answer; then nothing may be injected.
    pub fn covers_pointer(&self) -> Result<bool, InjectError> {
        let own = self.own.all();
        Ok(!own.is_empty() && self.pointer_is_over(&own)?)
    }

    /// True if the pointer, moved to this desktop pixel, would rest on an own window or the frame around one: there the
    /// user's next click would land. Beyond the desktop's edges the pointer stops at them, and is looked for there.
    ///
    /// # Errors
    /// [`InjectError::Refused`] if the X server does not answer; then nothing may be injected.
    pub fn covers_point(&self, x: i16, y: i16) -> Result<bool, InjectError> {
        let own = self.own.all();
        if own.is_empty() {
            return Ok(false);
        }
        let size = self.connection.get_geometry(self.root)?;
        let at = self.connection.translate_coordinates(self.root, self.root, x, y)?;
        let (size, mut at) = (size.reply()?, at.reply()?);
        let within = |at: i16, size: u16| at.clamp(0, i16::try_from(size).unwrap_or(i16::MAX).max(1) - 1);
        let stopped = (within(x, size.width), within(y, size.height));
        if stopped != (x, y) {
            at =
                self.connection.translate_coordinates(self.root, self.root, stopped.0, stopped.1)?.reply()?;
        }
        self.is_over(at.child, &own)
    }

    /// True if an own window has the keyboard's focus, or the frame around one: keys and text would land there.
    ///
    /// # Errors
    /// [`InjectError::Refused`] if the X server does not answer; then nothing may be injected.
    pub fn covers_focus(&self) -> Result<bool, InjectError> {
        let own = self.own.all();
        if own.is_empty() {
            return Ok(false);
        }
        let focus = self.connection.get_input_focus()?.reply()?.focus;
        if NO_FOCUS.contains(&focus) {
            return self.pointer_is_over(&own); // keys go to the window under the pointer
        }
        let path = self.path(focus)?;
        if path.iter().any(|window| self.is_own(*window, &own)) {
            return Ok(true);
        }
        path.last().map_or(Ok(false), |top| self.holds_own(*top, &own))
    }

    fn pointer_is_over(&self, own: &[Own]) -> Result<bool, InjectError> {
        let mut at = self.connection.query_pointer(self.root)?.reply()?;
        if !at.same_screen {
            at = self.connection.query_pointer(at.root)?.reply()?;
        }
        self.is_over(at.child, own)
    }

    /// `top`: a child of the root window, or none.
    fn is_over(&self, top: Window, own: &[Own]) -> Result<bool, InjectError> {
        Ok(top != x11rb::NONE && (self.is_own(top, own) || self.holds_own(top, own)?))
    }

    fn is_own(&self, window: Window, own: &[Own]) -> bool {
        own.iter().any(|own| own.is(window, self.connection.setup().resource_id_mask))
    }

    /// True if `top`, a child of the root window, holds an own window: a registered one at any depth, or another
    /// top-level window of its client.
    fn holds_own(&self, top: Window, own: &[Own]) -> Result<bool, InjectError> {
        for registered in own {
            if self.path(registered.window())?.last() == Some(&top) {
                return Ok(true);
            }
        }
        let mut level = vec![top];
        for _ in 0..FRAME_LEVELS {
            level = self.children(&level)?;
            if level.iter().any(|window| self.is_own(*window, own)) {
                return Ok(true);
            }
            level.truncate(MOST);
        }
        Ok(false)
    }

    /// The window, its parent, and so on up to the child of the root window. Empty if the window is none any more, or
    /// the root window.
    fn path(&self, window: Window) -> Result<Vec<Window>, InjectError> {
        let mut path = Vec::new();
        let mut at = window;
        while path.len() < DEPTH {
            let Some(tree) = if_there_is(self.connection.query_tree(at)?.reply())? else { break };
            if tree.parent == x11rb::NONE {
                break;
            }
            path.push(at);
            if tree.parent == tree.root {
                break;
            }
            at = tree.parent;
        }
        Ok(path)
    }

    /// All children of these; asked for at once.
    fn children(&self, windows: &[Window]) -> Result<Vec<Window>, InjectError> {
        let asked = windows.iter().map(|window| self.connection.query_tree(*window));
        let asked: Vec<_> = asked.collect::<Result<_, _>>()?;
        let mut children = Vec::new();
        for answer in asked {
            children.extend(if_there_is(answer.reply())?.into_iter().flat_map(|tree| tree.children));
        }
        Ok(children)
    }
}

/// A window may end between two looks.
fn if_there_is(answer: Result<QueryTreeReply, ReplyError>) -> Result<Option<QueryTreeReply>, InjectError> {
    match answer {
        Ok(tree) => Ok(Some(tree)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
