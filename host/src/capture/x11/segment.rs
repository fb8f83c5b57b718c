//! The shared memory through which the X server hands over pixels (MIT-SHM 1.2).
//!
//! It is a memfd(2), passed over the connection: nobody else can name it, and it goes away with us. We read it like
//! a file, straight into the rows of the picture: one copy, no mapping, so no `unsafe` here and no SIGBUS.

use super::desktop::Desktop;
use crate::capture::CaptureError;
use nearhand_proto::session::geometry::{Rect, Size};
use rustix::{
    fd::OwnedFd,
    fs::{MemfdFlags, ftruncate, memfd_create},
    io::preadv,
};
use std::io::{Error, ErrorKind, IoSliceMut};
use x11rb::{
    connection::Connection,
    protocol::{
        shm::{ConnectionExt as _, Seg},
        xproto::ImageFormat,
    },
};

/// Rows read by one system call: Linux's `IOV_MAX`.
const ROWS: usize = 1_024;

/// A segment as large as one picture. The X server lets go of its side at [`Segment::detach`], or when the
/// connection ends.
pub(super) struct Segment {
    id: Seg,
    file: OwnedFd,
    /// Bytes.
    length: u32,
}

impl Segment {
    /// Makes a segment for pictures of this size and attaches it to the X server.
    pub(super) fn new(desktop: &Desktop, size: Size) -> Result<Self, CaptureError> {
        let length = size.pixels() * 4; // at most 256 MiB: `Size::is_allowed`
        let file = memory(length).map_err(CaptureError::Lost)?;
        let theirs = file.try_clone().map_err(CaptureError::Lost)?;
        let id = desktop.connection.generate_id()?;
        let attached = desktop.connection.shm_attach_fd(id, theirs, false)?.check();
        attached.map_err(|error| {
            let reason =
                format!("the X server takes no shared memory from here ({error:?}); run the host beside it");
            CaptureError::Unsupported(reason)
        })?;
        Ok(Self { id, file, length })
    }

    /// Lets the X server forget the segment.
    pub(super) fn detach(&self, desktop: &Desktop) -> Result<(), CaptureError> {
        desktop.connection.shm_detach(self.id)?.ignore_error();
        Ok(())
    }

    /// Fetches these areas of the monitor at `origin` into `pixels`. All requests go out before the first answer is
    /// waited for.
    pub(super) fn fetch(
        &self,
        desktop: &Desktop,
        origin: (i32, i32),
        areas: &[Rect],
        pixels: &mut [u8],
        stride: usize,
    ) -> Result<(), CaptureError> {
        let mut offset = 0;
        let mut answers = Vec::with_capacity(areas.len());
        for area in areas {
            let bytes = area.pixels() * 4;
            if self.length - offset < bytes {
                // Areas never overlap, so together they fit: X regions are disjoint, and so are a grid's cells.
                return Err(CaptureError::Refused("areas overlap".to_owned()));
            }
            answers.push((*area, offset, self.request(desktop, origin, *area, offset)?));
            offset += bytes;
        }
        for (area, offset, answer) in answers {
            answer.reply()?;
            self.read(area, offset.into(), pixels, stride).map_err(CaptureError::Lost)?;
        }
        Ok(())
    }

    fn request<'a>(
        &self,
        desktop: &'a Desktop,
        origin: (i32, i32),
        area: Rect,
        offset: u32,
    ) -> Result<Answer<'a>, CaptureError> {
        // Both lie on the root window, whose sides fit 15 bits.
        let place = |origin: i32, at: u16| i16::try_from(origin + i32::from(at)).unwrap_or(i16::MAX);
        let (x, y) = (place(origin.0, area.x), place(origin.1, area.y));
        let format = ImageFormat::Z_PIXMAP.into();
        let Desktop { connection, root, .. } = desktop;
        Ok(connection.shm_get_image(*root, x, y, area.width, area.height, !0, format, self.id, offset)?)
    }

    /// Reads one area, packed at `offset`, into its rows of the picture.
    fn read(&self, area: Rect, mut offset: u64, pixels: &mut [u8], stride: usize) -> Result<(), Error> {
        let (left, width) = (usize::from(area.x) * 4, usize::from(area.width) * 4);
        let rows = pixels.chunks_mut(stride).skip(area.y.into()).take(area.height.into());
        let mut rows: Vec<_> =
            rows.filter_map(|row| row.get_mut(left..left + width)).map(IoSliceMut::new).collect();
        for batch in rows.chunks_mut(ROWS) {
            let wanted = batch.len() * width;
            if preadv(&self.file, batch, offset)? != wanted {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            offset += u64::try_from(wanted).unwrap_or(u64::MAX);
        }
        Ok(())
    }
}

/// The X server's answer under way.
type Answer<'a> =
    x11rb::cookie::Cookie<'a, x11rb::rust_connection::RustConnection, x11rb::protocol::shm::GetImageReply>;

/// Anonymous memory of `length` bytes behind a file descriptor.
fn memory(length: u32) -> Result<OwnedFd, Error> {
    let file = memfd_create("nearhand-capture", MemfdFlags::CLOEXEC)?;
    ftruncate(&file, length.into())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_land_in_their_places() {
        let file = memory(1 << 20).unwrap();
        let packed: Vec<u8> = (0..4_000 * 8).map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        rustix::io::pwrite(&file, &packed, 64).unwrap();
        let segment = Segment { id: 0, file, length: 1 << 20 };
        // a picture of 5 x 4,001 pixels
        let mut pixels = vec![9; 20 * 4_001];
        let area = Rect { x: 2, y: 1, width: 2, height: 4_000 };
        segment.read(area, 64, &mut pixels, 20).unwrap();
        for (number, row) in pixels.chunks(20).enumerate() {
            let expected = number.checked_sub(1).map_or(&[9; 8][..], |row| &packed[row * 8..row * 8 + 8]);
            assert_eq!(row, [&[9; 8][..], expected, &[9; 4][..]].concat(), "row {number}");
        }
    }
}
