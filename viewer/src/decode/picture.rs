//! A picture in memory, and which parts of it were painted since somebody last looked.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use nearhand_proto::session::{
    geometry::{Point, Rect, Size},
    screen::MAX_COLOURS,
};

/// Rectangles remembered one by one, at most; then they become their common bounding box.
const MAX_CHANGED: usize = 1_024;

/// Colours by number, as pixels of a [`Picture`].
pub type Palette = [[u8; 4]; MAX_COLOURS];

/// A rectangle or its pixels don't fit; nothing was painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// RGBA8, row by row without padding: 4 × width × height bytes. The fourth byte of every pixel is 255.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    pixels: Vec<u8>,
    /// INVARIANT: at most [`MAX_CHANGED`], all inside the picture.
    changed: Vec<Rect>,
}

impl Picture {
    /// Black, nothing changed. Costs 4 bytes a pixel: check [`Size::is_allowed`] before.
    pub fn black(size: Size) -> Self {
        let mut pixels =
            vec![0; usize::from(size.width).saturating_mul(usize::from(size.height)).saturating_mul(4)];
        pixels.as_chunks_mut::<4>().0.fill([0, 0, 0, 255]);
        Self { size, pixels, changed: Vec::new() }
    }

    /// Columns and rows.
    pub fn size(&self) -> Size {
        self.size
    }

    /// All pixels, RGBA8.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Paints `rect` in one colour (R, G, B).
    ///
    /// # Errors
    /// [`Misfit`] for a rectangle that is empty or not wholly inside.
    pub fn fill(&mut self, rect: Rect, [red, green, blue]: [u8; 3]) -> Result<(), Misfit> {
        if !rect.fits(self.size) {
            return Err(Misfit);
        }
        for y in rect.y..rect.y.saturating_add(rect.height) {
            let row = self.row(rect, y).and_then(|row| self.pixels.get_mut(row)).ok_or(Misfit)?;
            row.as_chunks_mut::<4>().0.fill([red, green, blue, 255]);
        }
        self.note(rect);
        Ok(())
    }

    /// Paints `rect` with `rgb`, row by row: exactly 3 bytes for each of its pixels.
    ///
    /// # Errors
    /// [`Misfit`] for a rectangle that is empty or not wholly inside, or another number of bytes.
    pub fn write(&mut self, rect: Rect, rgb: &[u8]) -> Result<(), Misfit> {
        let source_row = usize::from(rect.width).saturating_mul(3);
        if !rect.fits(self.size) || rgb.len() != source_row.saturating_mul(usize::from(rect.height)) {
            return Err(Misfit);
        }
        for (y, source) in (rect.y..rect.y.saturating_add(rect.height)).zip(rgb.chunks_exact(source_row)) {
            let row = self.row(rect, y).and_then(|row| self.pixels.get_mut(row)).ok_or(Misfit)?;
            for (pixel, rgb) in row.as_chunks_mut::<4>().0.iter_mut().zip(source.as_chunks::<3>().0) {
                let [red, green, blue] = *rgb;
                *pixel = [red, green, blue, 255];
            }
        }
        self.note(rect);
        Ok(())
    }

    /// Paints `rect` with colours by number, row by row: exactly a byte for each of its pixels.
    ///
    /// # Errors
    /// [`Misfit`] for a rectangle that is empty or not wholly inside, or another number of bytes.
    pub fn write_indexed(&mut self, rect: Rect, numbers: &[u8], palette: &Palette) -> Result<(), Misfit> {
        let width = usize::from(rect.width);
        if !rect.fits(self.size) || numbers.len() != width.saturating_mul(usize::from(rect.height)) {
            return Err(Misfit);
        }
        for (y, source) in (rect.y..rect.y.saturating_add(rect.height)).zip(numbers.chunks_exact(width)) {
            let row = self.row(rect, y).and_then(|row| self.pixels.get_mut(row)).ok_or(Misfit)?;
            for (pixel, number) in row.as_chunks_mut::<4>().0.iter_mut().zip(source) {
                if let Some(colour) = palette.get(usize::from(*number)) {
                    *pixel = *colour;
                }
            }
        }
        self.note(rect);
        Ok(())
    }

    /// Copies what stands at `from` to the rectangle `to`. They may overlap.
    ///
    /// # Errors
    /// [`Misfit`] if one of them is empty or not wholly inside.
    pub fn shift(&mut self, to: Rect, from: Point) -> Result<(), Misfit> {
        let from = Rect { x: from.x, y: from.y, ..to };
        if !to.fits(self.size) || !from.fits(self.size) {
            return Err(Misfit);
        }
        for step in 0..to.height {
            // The lines that are overwritten last, last.
            let line = if from.y < to.y { to.height.saturating_sub(step).saturating_sub(1) } else { step };
            let (source, target) =
                (self.row(from, from.y.saturating_add(line)), self.row(to, to.y.saturating_add(line)));
            let (Some(source), Some(target)) = (source, target) else { return Err(Misfit) };
            self.pixels.copy_within(source, target.start);
        }
        self.note(to);
        Ok(())
    }

    /// What was painted since the last call: at most 1,024 rectangles, which may overlap and, when there would be
    /// more, take in unpainted pixels as well.
    pub fn take_changed(&mut self) -> Vec<Rect> {
        std::mem::take(&mut self.changed)
    }

    fn note(&mut self, rect: Rect) {
        if self.changed.len() < MAX_CHANGED {
            self.changed.push(rect);
        } else {
            let hull = self.changed.drain(..).fold(rect, Rect::hull);
            self.changed.push(hull);
        }
    }

    /// Where row `y` of `rect` lies in `pixels`; `None` if it isn't in the picture.
    fn row(&self, rect: Rect, y: u16) -> Option<std::ops::Range<usize>> {
        if !rect.fits(self.size) {
            return None;
        }
        let pixel =
            usize::from(y).checked_mul(usize::from(self.size.width))?.checked_add(usize::from(rect.x))?;
        let start = pixel.checked_mul(4)?;
        Some(start..start.checked_add(usize::from(rect.width).checked_mul(4)?)?)
    }
}

#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that miscounts fails, as it should"
)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Picture {
        /// One pixel (R, G, B); `None` outside the picture.
        pub(in crate::decode) fn pixel(&self, at: Point) -> Option<[u8; 3]> {
            let row = self.row(Rect { x: at.x, y: at.y, width: 1, height: 1 }, at.y)?;
            self.pixels.get(row)?.first_chunk().copied()
        }
    }

    const SIZE: Size = Size { width: 4, height: 3 };

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn it_is_painted_inside_its_rectangles_only() {
        let mut picture = Picture::black(SIZE);
        picture.fill(rect(2, 0, 2, 2), [1, 2, 3]).unwrap();
        picture.write(rect(1, 1, 2, 2), &[10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42]).unwrap();
        let black = [0; 3];
        let (solid, a, b, c, d) = ([1, 2, 3], [10, 11, 12], [20, 21, 22], [30, 31, 32], [40, 41, 42]);
        let expected = [black, black, solid, solid, black, a, b, solid, black, c, d, black];
        let rgb: Vec<u8> = picture.pixels().chunks(4).flat_map(|pixel| &pixel[..3]).copied().collect();
        assert_eq!(rgb, expected.concat());
        assert!(picture.pixels().chunks(4).all(|pixel| pixel[3] == 255));
        assert_eq!(picture.pixel(Point { x: 3, y: 1 }), Some(solid));
        assert_eq!(picture.pixel(Point { x: 4, y: 0 }), None);
        assert_eq!(picture.pixel(Point { x: 0, y: 3 }), None);
        assert_eq!(picture.take_changed(), [rect(2, 0, 2, 2), rect(1, 1, 2, 2)]);
        assert_eq!(picture.take_changed(), []);
    }

    #[test]
    fn what_does_not_fit_paints_nothing() {
        let mut picture = Picture::black(SIZE);
        for wrong in [
            rect(0, 0, 5, 1),
            rect(0, 2, 1, 2),
            rect(4, 0, 1, 1),
            rect(0, 0, 0, 1),
            rect(65_535, 0, 65_535, 1),
        ] {
            assert_eq!(picture.fill(wrong, [9; 3]), Err(Misfit), "{wrong:?}");
            let bytes = 3 * usize::from(wrong.width) * usize::from(wrong.height);
            assert_eq!(picture.write(wrong, &vec![9; bytes]), Err(Misfit), "{wrong:?}");
            assert_eq!(picture.shift(wrong, Point { x: 0, y: 0 }), Err(Misfit), "{wrong:?}");
        }
        assert_eq!(picture.shift(rect(0, 0, 4, 1), Point { x: 1, y: 0 }), Err(Misfit));
        assert_eq!(picture.shift(rect(0, 0, 1, 1), Point { x: 0, y: u16::MAX }), Err(Misfit));
        for bytes in [0, 5, 7] {
            assert_eq!(picture.write(rect(0, 0, 2, 1), &vec![9; bytes]), Err(Misfit));
        }
        assert_eq!(picture, Picture::black(SIZE));
    }

    proptest! {
        #[test]
        fn a_move_is_a_copy_of_what_stood_there(
            (width, height) in (1_u16..9, 1_u16..9), at in any::<[u16; 4]>(),
        ) {
            let size = Size { width: 9, height: 9 };
            let mut picture = Picture::black(size);
            for (y, x) in (0..9_u8).flat_map(|y| (0..9_u8).map(move |x| (y, x))) {
                picture.fill(rect(x.into(), y.into(), 1, 1), [x, y, 7]).unwrap();
            }
            picture.take_changed();
            let [x, from_x] = [at[0], at[1]].map(|at| at % (10 - width));
            let [y, from_y] = [at[2], at[3]].map(|at| at % (10 - height));
            let (to, before) = (rect(x, y, width, height), picture.clone());
            picture.shift(to, Point { x: from_x, y: from_y }).unwrap();
            for (py, px) in (0..9_u16).flat_map(|y| (0..9_u16).map(move |x| (y, x))) {
                let inside = to.meets(rect(px, py, 1, 1));
                let source = if inside { (px - x + from_x, py - y + from_y) } else { (px, py) };
                let expected = before.pixel(Point { x: source.0, y: source.1 });
                prop_assert_eq!(picture.pixel(Point { x: px, y: py }), expected);
            }
            prop_assert_eq!(picture.take_changed(), [to]);
        }
    }

    #[test]
    fn the_list_of_changes_stays_short_and_covers_everything() {
        let mut picture = Picture::black(Size { width: 100, height: 100 });
        for step in 0..5_000_u16 {
            picture.fill(rect(10 + step % 50, 20 + step % 70, 1, 1), [1; 3]).unwrap();
        }
        let changed = picture.take_changed();
        assert!(changed.len() <= MAX_CHANGED);
        assert!(changed.contains(&rect(10, 20, 50, 70)));
    }
}
