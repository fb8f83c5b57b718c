//! What changed on the screen and wasn't sent to one viewer yet. While frames are in flight damage only gathers
//! here, so that what is sent next is always the newest picture.

use nearhand_proto::session::geometry::{Rect, Size};
use std::time::Instant;

/// Side of a tile, in pixels.
pub const TILE: u16 = 64;

/// A set of 64×64 tiles of one picture. Marked tiles *may* have changed, all others have not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    size: Size,
    /// Tiles of a row.
    columns: usize,
    /// One bit a tile, row by row.
    words: Vec<u64>,
}

impl Marks {
    /// No tile of a picture of `size`.
    pub fn none(size: Size) -> Self {
        let columns = usize::from(size.width.div_ceil(TILE));
        let tiles = columns * usize::from(size.height.div_ceil(TILE));
        Self { size, columns, words: vec![0; tiles.div_ceil(64)] }
    }

    /// Every tile of a picture of `size`.
    pub fn all(size: Size) -> Self {
        let mut marks = Self::none(size);
        marks.mark(size.rect());
        marks
    }

    /// The picture's size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Marks the tiles that `area` (monitor pixels) touches; what lies outside the picture is cut off.
    pub fn mark(&mut self, area: Rect) {
        let Some(area) = area.clipped(self.size) else { return };
        let last = |start: u16, length: u16| (start + (length - 1)) / TILE;
        for row in area.y / TILE..=last(area.y, area.height) {
            for column in area.x / TILE..=last(area.x, area.width) {
                let (word, bit) = self.place(column, row);
                self.words[word] |= bit;
            }
        }
    }

    /// True if no tile is marked.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The marked tiles in monitor pixels, row by row, cut at the picture's edges.
    pub fn tiles(&self) -> impl Iterator<Item = Rect> + '_ {
        let rows = 0..self.size.height.div_ceil(TILE);
        let places =
            rows.flat_map(|row| (0..self.size.width.div_ceil(TILE)).map(move |column| (column, row)));
        places.filter_map(|(column, row)| {
            let (word, bit) = self.place(column, row);
            let tile = Rect { x: column * TILE, y: row * TILE, width: TILE, height: TILE };
            if self.words[word] & bit == 0 { None } else { tile.clipped(self.size) }
        })
    }

    fn place(&self, column: u16, row: u16) -> (usize, u64) {
        let tile = usize::from(row) * self.columns + usize::from(column);
        (tile / 64, 1 << (tile % 64))
    }
}

/// Damage that is taken to be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Where.
    pub marks: Marks,
    /// When the first of it happened.
    pub since: Instant,
}

/// The damage of one viewer's picture.
#[derive(Clone, Debug)]
pub struct Damage {
    size: Size,
    pending: Option<Pending>,
}

impl Damage {
    /// Nothing has changed yet on a picture of `size`.
    pub fn new(size: Size) -> Self {
        Self { size, pending: None }
    }

    /// The screen changed here (monitor pixels) at `now`.
    pub fn handle_change(&mut self, area: Rect, now: Instant) {
        if area.clipped(self.size).is_none() {
            return;
        }
        let size = self.size;
        self.pending.get_or_insert_with(|| Pending { marks: Marks::none(size), since: now }).marks.mark(area);
    }

    /// True if there is nothing to encode.
    pub fn is_empty(&self) -> bool {
        self.pending.is_none()
    }

    /// All damage since the last call, or `None` if there was none. Ask only when [`Credit`](super::Credit) allows
    /// an update: what is taken must be encoded.
    pub fn take(&mut self) -> Option<Pending> {
        self.pending.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const SIZE: Size = Size { width: 130, height: 65 };

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect { x, y, width, height }
    }

    fn check(area: Rect, expected: &[Rect]) {
        let mut marks = Marks::none(SIZE);
        marks.mark(area);
        assert_eq!(marks.tiles().collect::<Vec<_>>(), expected, "{area:?}");
        assert_eq!(marks.is_empty(), expected.is_empty());
    }

    #[test]
    fn touched_tiles_are_marked_and_cut_at_the_edges() {
        check(rect(0, 0, 64, 64), &[rect(0, 0, 64, 64)]);
        check(rect(63, 0, 2, 1), &[rect(0, 0, 64, 64), rect(64, 0, 64, 64)]);
        check(rect(128, 64, 9, 9), &[rect(128, 64, 2, 1)]);
        check(rect(129, 63, 1, 2), &[rect(128, 0, 2, 64), rect(128, 64, 2, 1)]);
        check(rect(130, 0, 5, 5), &[]);
        check(rect(5, 5, 0, 5), &[]);
        check(rect(u16::MAX, u16::MAX, u16::MAX, u16::MAX), &[]);
        assert_eq!(Marks::all(SIZE).tiles().count(), 6);
    }

    #[test]
    fn damage_gathers_and_remembers_when_it_began() {
        let start = Instant::now();
        let later = start + Duration::from_millis(5);
        let mut damage = Damage::new(SIZE);
        damage.handle_change(rect(200, 0, 1, 1), start);
        assert!(damage.is_empty(), "damage outside the picture is none");
        damage.handle_change(rect(0, 0, 1, 1), start);
        damage.handle_change(rect(129, 64, 1, 1), later);
        let pending = damage.take().unwrap();
        assert_eq!(pending.since, start);
        assert_eq!(pending.marks.tiles().count(), 2);
        assert_eq!(damage.take(), None);
    }

    proptest! {
        #[test]
        fn every_damaged_pixel_lies_in_a_marked_tile(
            (width, height) in (1_u16..300, 1_u16..300),
            (x, y, w, h) in (0_u16..320, 0_u16..320, 0_u16..320, 0_u16..320),
        ) {
            let size = Size { width, height };
            let mut marks = Marks::none(size);
            marks.mark(rect(x, y, w, h));
            let covered = |px: u16, py: u16| marks.tiles().any(|tile| {
                tile.x <= px && u32::from(px) < tile.right() && tile.y <= py && u32::from(py) < tile.bottom()
            });
            if let Some(area) = rect(x, y, w, h).clipped(size) {
                let (right, bottom) = (area.x + area.width - 1, area.y + area.height - 1);
                for (px, py) in [(area.x, area.y), (right, area.y), (area.x, bottom), (right, bottom)] {
                    prop_assert!(covered(px, py));
                }
            }
            prop_assert!(marks.tiles().all(|tile| tile.fits(size)));
        }
    }
}
