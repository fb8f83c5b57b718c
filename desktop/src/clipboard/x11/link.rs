//! The connection to the X server, with a window of our own that is never shown: it owns the clipboard when we do, and
//! takes what its owners send us.

use crate::clipboard::ClipboardError;
use std::fmt::Display;
use x11rb::{
    COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT,
    connection::Connection as _,
    protocol::{
        xfixes::{ConnectionExt as _, SelectionEventMask},
        xproto::{Atom, ConnectionExt as _, CreateWindowAux, EventMask, Window, WindowClass},
    },
    rust_connection::RustConnection,
};

x11rb::atom_manager! {
    /// The atoms of ICCCM §2 and of the conventions around it.
    pub(super) Atoms: AtomsCookie {
        CLIPBOARD,
        CLIPBOARD_MANAGER,
        TARGETS,
        TIMESTAMP,
        INCR,
        TEXT,
        UTF8_STRING,
        PLAIN: b"text/plain",
        PLAIN_UTF8: b"text/plain;charset=utf-8",
        SECRET_HINT: b"x-kde-passwordManagerHint",
        STAMP: b"NEARHAND_STAMP",
        PLACE_0: b"NEARHAND_CLIPBOARD_0",
        PLACE_1: b"NEARHAND_CLIPBOARD_1",
        PLACE_2: b"NEARHAND_CLIPBOARD_2",
        PLACE_3: b"NEARHAND_CLIPBOARD_3",
    }
}

impl Atoms {
    /// Properties that take what owners send, in turn: what a slow owner sends too late lies in a place of its own.
    pub(super) fn places(&self) -> [Atom; 4] {
        [self.PLACE_0, self.PLACE_1, self.PLACE_2, self.PLACE_3]
    }
}

/// The X server.
pub(super) struct Link {
    pub(super) connection: RustConnection,
    pub(super) window: Window,
    pub(super) atoms: Atoms,
}

/// The X server can't be used, or no longer.
pub(super) fn lost(error: impl Display) -> ClipboardError {
    ClipboardError::Desktop(error.to_string())
}

impl Link {
    /// Connects.
    pub(super) fn open(display: Option<&str>) -> Result<Self, ClipboardError> {
        let (connection, screen) = x11rb::connect(display).map_err(lost)?;
        let atoms = Atoms::new(&connection).map_err(lost)?.reply().map_err(lost)?;
        let root = connection.setup().roots.get(screen).ok_or_else(|| lost("there is no screen"))?.root;
        connection.xfixes_query_version(2, 0).map_err(lost)?.reply().map_err(lost)?;
        let window = connection.generate_id().map_err(lost)?;
        let aux = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let (depth, class) = (COPY_DEPTH_FROM_PARENT, WindowClass::INPUT_OUTPUT);
        let made =
            connection.create_window(depth, window, root, 0, 0, 1, 1, 0, class, COPY_FROM_PARENT, &aux);
        made.map_err(lost)?.check().map_err(lost)?;
        Ok(Self { connection, window, atoms })
    }

    /// Has the server tell of the clipboard's new owners, or no longer; done when this returns.
    pub(super) fn watch(&self, on: bool) -> Result<(), ClipboardError> {
        let mask = if on { SelectionEventMask::SET_SELECTION_OWNER } else { SelectionEventMask::from(0_u8) };
        let asked = self.connection.xfixes_select_selection_input(self.window, self.atoms.CLIPBOARD, mask);
        asked.map_err(lost)?.check().map_err(lost)
    }

    /// True if this owner is a clipboard manager (freedesktop.org's clipboard-manager specification), which takes over
    /// what some program had there, maybe long ago, when that program ends.
    pub(super) fn is_managers(&self, owner: Window) -> Result<bool, ClipboardError> {
        let manager = self.connection.get_selection_owner(self.atoms.CLIPBOARD_MANAGER).map_err(lost)?;
        let manager = manager.reply().map_err(lost)?.owner;
        let mask = !self.connection.setup().resource_id_mask;
        Ok(manager != x11rb::NONE && manager & mask == owner & mask)
    }
}
