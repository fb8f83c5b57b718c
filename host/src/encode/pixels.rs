//! A frame as capture hands it over: borrowed BGRX rows. Reading only; the X byte never counts.

use super::EncodeError;
use nearhand_proto::session::geometry::{Rect, Size};

/// The colour bits of one BGRX pixel in native order; X servers leave anything in the fourth byte.
const COLOUR: u32 = u32::from_ne_bytes([0xff, 0xff, 0xff, 0]);

/// One whole monitor: rows of BGRX8 (4 bytes a pixel), `stride` bytes apart.
///
/// INVARIANT: `pixels` holds every row of `size`; the size is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    pixels: &'a [u8],
    stride: usize,
    size: Size,
}

impl<'a> Pixels<'a> {
    /// A frame of `size` whose row y begins at byte `y * stride`. Further bytes are ignored.
    ///
    /// # Errors
    /// [`EncodeError::Size`] for a size that the protocol refuses, [`EncodeError::FrameLength`] if rows overlap
    /// or bytes are missing.
    pub fn new(pixels: &'a [u8], stride: usize, size: Size) -> Result<Self, EncodeError> {
        if !size.is_allowed() {
            return Err(EncodeError::Size(size));
        }
        let row = 4 * usize::from(size.width);
        let needed = stride.max(row).saturating_mul(usize::from(size.height) - 1).saturating_add(row);
        if stride < row || pixels.len() < needed {
            return Err(EncodeError::FrameLength { got: pixels.len(), needed });
        }
        Ok(Self { pixels, stride, size })
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Row `y` of the picture, cut to the columns of `rect`: 4 × width bytes.
    pub(super) fn row(&self, rect: Rect, y: u16) -> &'a [u8] {
        let start = usize::from(y) * self.stride + 4 * usize::from(rect.x);
        &self.pixels[start..start + 4 * usize::from(rect.width)]
    }

    /// The one colour (R, G, B) of every pixel of `rect`; `None` if there are several.
    pub(super) fn solid(&self, rect: Rect) -> Option<[u8; 3]> {
        let first = *self.row(rect, rect.y).first_chunk::<4>()?;
        let uniform = |y| {
            let differences = self.row(rect, y).as_chunks::<4>().0.iter();
            differences.fold(0, |sum, pixel| sum | difference(*pixel, first)) == 0
        };
        (rect.y..rect.y + rect.height).all(uniform).then_some([first[2], first[1], first[0]])
    }

    /// Appends `rect` to `out` as RGB8, row by row: 3 bytes a pixel.
    pub(super) fn append_rgb(&self, rect: Rect, out: &mut Vec<u8>) {
        for y in rect.y..rect.y + rect.height {
            let row = self.row(rect, y).as_chunks::<4>().0;
            let start = out.len();
            out.resize(start + 3 * row.len(), 0);
            for (rgb, bgrx) in out[start..].as_chunks_mut::<3>().0.iter_mut().zip(row) {
                *rgb = [bgrx[2], bgrx[1], bgrx[0]];
            }
        }
    }
}

/// True if two runs of BGRX pixels differ in a colour.
pub(super) fn differ(new: &[u8], old: &[u8]) -> bool {
    let pairs = new.as_chunks::<4>().0.iter().zip(old.as_chunks::<4>().0);
    // No early exit: over a block's 16 pixels the plain fold becomes vector code.
    pairs.fold(0, |sum, (new, old)| sum | difference(*new, *old)) != 0
}

/// The colours of BGRX pixels, as numbers of no further meaning.
pub(super) fn colours(run: &[u8]) -> impl Iterator<Item = u32> {
    run.as_chunks::<4>().0.iter().map(|pixel| u32::from_ne_bytes(*pixel) & COLOUR)
}

fn difference(one: [u8; 4], other: [u8; 4]) -> u32 {
    (u32::from_ne_bytes(one) ^ u32::from_ne_bytes(other)) & COLOUR
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 2, height: 2 };

    #[test]
    fn a_frame_must_hold_every_row() {
        assert!(Pixels::new(&[0; 8 + 8], 8, SIZE).is_ok());
        assert!(Pixels::new(&[0; 12 + 8], 12, SIZE).is_ok(), "the last row needs no padding");
        assert!(Pixels::new(&[0; 12 + 7], 12, SIZE).is_err());
        assert!(Pixels::new(&[0; 64], 7, SIZE).is_err());
        assert!(Pixels::new(&[0; 64], usize::MAX, SIZE).is_err());
        assert!(Pixels::new(&[0; 64], 8, Size { width: 0, height: 1 }).is_err());
    }

    #[test]
    fn colours_are_read_without_the_fourth_byte() {
        let bytes = [3, 2, 1, 0, 3, 2, 1, 9, 3, 2, 1, 7, 6, 5, 4, 0];
        let pixels = Pixels::new(&bytes, 8, SIZE).unwrap();
        let top = Rect { x: 0, y: 0, width: 2, height: 1 };
        assert_eq!(pixels.solid(top), Some([1, 2, 3]));
        assert_eq!(pixels.solid(SIZE.rect()), None);
        assert_eq!(pixels.solid(Rect { x: 0, y: 0, width: 1, height: 2 }), Some([1, 2, 3]));
        let mut rgb = vec![9];
        pixels.append_rgb(SIZE.rect(), &mut rgb);
        assert_eq!(rgb, [9, 1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 5, 6]);
        assert!(!differ(&bytes[..4], &bytes[4..8]));
        assert!(differ(&bytes[8..], &bytes[4..12]));
    }
}
