//! The pointer: where it is and what it looks like, asked for only after the X server told of a change.

use super::desktop::Desktop;
use crate::capture::{CaptureError, Cursor, shape};
use nearhand_proto::session::{cursor::ShapeId, geometry::Size};
use x11rb::protocol::{xfixes::ConnectionExt as _, xproto::ConnectionExt as _};

/// What was told of the pointer, and what of it may be out of date.
#[derive(Default)]
pub(super) enum Pointer {
    /// Nothing told yet.
    #[default]
    Unknown,
    /// Told, and nothing has happened since.
    Still(Told),
    /// Told; it has moved since.
    Moved(Told),
    /// Told; it may look different now.
    Changed(Told),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    x: i32,
    y: i32,
    shape: ShapeId,
}

impl Pointer {
    /// It moved, or may have.
    pub(super) fn handle_motion(&mut self) {
        if let Self::Still(told) = self {
            *self = Self::Moved(*told);
        }
    }

    /// It looks different.
    pub(super) fn handle_shape(&mut self) {
        if let Self::Still(told) | Self::Moved(told) = self {
            *self = Self::Changed(*told);
        }
    }

    /// What is new about it, for a monitor at `origin`.
    pub(super) fn poll(
        &mut self,
        desktop: &Desktop,
        origin: (i32, i32),
    ) -> Result<Option<Cursor>, CaptureError> {
        let (before, cursor) = match *self {
            Self::Still(_) => return Ok(None),
            Self::Moved(told) => (Some(told), moved(desktop, origin, told.shape)?),
            Self::Changed(told) => (Some(told), whole(desktop, origin)?),
            Self::Unknown => (None, whole(desktop, origin)?),
        };
        let now = Told { x: cursor.x, y: cursor.y, shape: cursor.shape };
        *self = Self::Still(now);
        if before == Some(now) {
            return Ok(None);
        }
        let image = cursor.image.filter(|_| before.map(|told| told.shape) != Some(now.shape));
        Ok(Some(Cursor { image, ..cursor }))
    }
}

fn moved(desktop: &Desktop, origin: (i32, i32), shape: ShapeId) -> Result<Cursor, CaptureError> {
    let at = desktop.connection.query_pointer(desktop.root)?.reply()?;
    let (x, y) = (i32::from(at.root_x) - origin.0, i32::from(at.root_y) - origin.1);
    Ok(Cursor { x, y, shape, image: None })
}

fn whole(desktop: &Desktop, origin: (i32, i32)) -> Result<Cursor, CaptureError> {
    let now = desktop.connection.xfixes_get_cursor_image()?.reply()?;
    let size = Size { width: now.width, height: now.height };
    let shape = shape::from_argb(size, (now.xhot, now.yhot), &now.cursor_image);
    let (x, y) = (i32::from(now.x) - origin.0, i32::from(now.y) - origin.1);
    Ok(Cursor { x, y, shape: shape.id, image: Some(shape) })
}
