//! What really changed: the frame against the encoder's own copy of what the viewer has, tile by tile, refined to
//! 16×16 blocks.

use super::{
    damage::{Marks, TILE},
    pixels::{Pixels, differ},
};
use nearhand_proto::session::geometry::{Rect, Size};
use std::ops::Range;

/// Side of a block, in pixels. Divides [`TILE`].
pub(super) const BLOCK: u16 = 16;

/// What is to be sent of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing: the viewer has it.
    #[default]
    Same,
    /// Its pixels.
    Coded,
    /// One colour (R, G, B). Only given to whole tiles: single empty blocks between letters would cut text into
    /// many small rectangles and save nothing.
    Solid([u8; 3]),
    /// The viewer has its pixels elsewhere: which of the update's displacements leads there.
    Moved(u8),
}

/// One [`Cell`] a block, row by row.
#[derive(Debug)]
pub(super) struct Cells {
    size: Size,
    columns: usize,
    cells: Vec<Cell>,
}

impl Cells {
    /// All [`Cell::Same`], for a picture of `size`.
    pub(super) fn new(size: Size) -> Self {
        let columns = usize::from(size.width.div_ceil(BLOCK));
        Self { size, columns, cells: vec![Cell::Same; columns * usize::from(size.height.div_ceil(BLOCK))] }
    }

    /// The picture's size.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The rows of blocks, from the top.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        self.cells.chunks(self.columns)
    }

    /// Sets the block whose left top pixel is (x, y).
    pub(super) fn set(&mut self, x: u16, y: u16, cell: Cell) {
        self.cells[usize::from(y / BLOCK) * self.columns + usize::from(x / BLOCK)] = cell;
    }

    /// How many blocks are not [`Cell::Same`].
    pub(super) fn changed(&self) -> usize {
        self.cells.iter().filter(|cell| **cell != Cell::Same).count()
    }

    /// The smallest rectangle with every block that is not [`Cell::Same`], cut at the picture's edges.
    pub(super) fn hull(&self) -> Option<Rect> {
        self.blocks().filter(|(_, cell)| *cell != Cell::Same).map(|(rect, _)| rect).reduce(Rect::hull)
    }

    /// The blocks that are [`Cell::Coded`], cut at the picture's edges.
    pub(super) fn coded(&self) -> impl Iterator<Item = Rect> {
        self.blocks().filter(|(_, cell)| *cell == Cell::Coded).map(|(rect, _)| rect)
    }

    /// The blocks that have changed and have not moved, cut at the picture's edges.
    pub(super) fn changed_blocks(&self) -> impl Iterator<Item = Rect> {
        let is_open = |cell: &Cell| matches!(cell, Cell::Coded | Cell::Solid(_));
        self.blocks().filter(move |(_, cell)| is_open(cell)).map(|(rect, _)| rect)
    }

    fn blocks(&self) -> impl Iterator<Item = (Rect, Cell)> {
        let cells = self.cells.iter().copied().enumerate();
        cells.map(|(number, cell)| (block(self.size, self.columns, number), cell))
    }

    fn clear(&mut self) {
        self.cells.fill(Cell::Same);
    }
}

/// A block of a picture of `size`, with `columns` blocks in a row, cut at the picture's edges.
fn block(size: Size, columns: usize, number: usize) -> Rect {
    // There are at most 1,024 blocks in a row or a column.
    let at = |blocks: usize| u16::try_from(blocks).unwrap_or(u16::MAX).saturating_mul(BLOCK);
    let (x, y) = (at(number % columns), at(number / columns));
    let left = |whole: u16, before: u16| BLOCK.min(whole.saturating_sub(before));
    Rect { x, y, width: left(size.width, x), height: left(size.height, y) }
}

/// The encoder's copy of what the viewer has: BGRX rows without padding.
#[derive(Debug)]
pub(super) struct Copied {
    size: Size,
    pixels: Vec<u8>,
}

impl Copied {
    /// A black picture, as the viewer's is at first.
    pub(super) fn black(size: Size) -> Self {
        Self { size, pixels: vec![0; 4 * usize::from(size.width) * usize::from(size.height)] }
    }

    /// Compares the marked tiles of `frame` with the copy and leaves in `cells` which blocks differ. `frame`, `marks`
    /// and `cells` are of the copy's size.
    pub(super) fn compare(&self, frame: &Pixels<'_>, marks: &Marks, cells: &mut Cells) {
        cells.clear();
        for tile in marks.tiles() {
            if !self.compare_tile(frame, tile, cells) {
                continue;
            }
            if let Some(colour) = frame.solid(tile) {
                blocks(tile).for_each(|(x, y)| cells.set(x, y, Cell::Solid(colour)));
            }
        }
    }

    /// True if every block of the tile has changed.
    fn compare_tile(&self, frame: &Pixels<'_>, tile: Rect, cells: &mut Cells) -> bool {
        let mut every = true;
        for top in (tile.y..tile.y + tile.height).step_by(usize::from(BLOCK)) {
            let mut changed = [false; (TILE / BLOCK) as usize];
            for y in top..(top + BLOCK).min(tile.y + tile.height) {
                let (new, old) = (frame.row(tile, y), self.row(tile, y));
                if new == old {
                    continue;
                }
                let pieces = new.chunks(4 * usize::from(BLOCK)).zip(old.chunks(4 * usize::from(BLOCK)));
                for ((new, old), changed) in pieces.zip(&mut changed) {
                    *changed = *changed || differ(new, old);
                }
            }
            for (x, changed) in (tile.x..tile.x + tile.width).step_by(usize::from(BLOCK)).zip(changed) {
                every &= changed;
                if changed {
                    cells.set(x, top, Cell::Coded);
                }
            }
        }
        every
    }

    /// Takes `rect` over from `frame`.
    pub(super) fn accept(&mut self, frame: &Pixels<'_>, rect: Rect) {
        for y in rect.y..rect.y + rect.height {
            let place = self.place(rect, y);
            self.pixels[place].copy_from_slice(frame.row(rect, y));
        }
    }

    /// Row `y` of the copy, cut to the columns of `rect`: 4 × width bytes.
    pub(super) fn row(&self, rect: Rect, y: u16) -> &[u8] {
        &self.pixels[self.place(rect, y)]
    }

    fn place(&self, rect: Rect, y: u16) -> Range<usize> {
        let start = 4 * (usize::from(y) * usize::from(self.size.width) + usize::from(rect.x));
        start..start + 4 * usize::from(rect.width)
    }
}

/// The left top pixels of a tile's blocks.
fn blocks(tile: Rect) -> impl Iterator<Item = (u16, u16)> {
    let columns = move || (tile.x..tile.x + tile.width).step_by(usize::from(BLOCK));
    let rows = (tile.y..tile.y + tile.height).step_by(usize::from(BLOCK));
    rows.flat_map(move |y| columns().map(move |x| (x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 100, height: 70 };

    fn changed(copied: &mut Copied, bytes: &[u8], marks: &Marks) -> Vec<(usize, Cell)> {
        let (mut cells, frame) = (Cells::new(SIZE), Pixels::new(bytes, 400, SIZE).unwrap());
        copied.compare(&frame, marks, &mut cells);
        if let Some(hull) = cells.hull() {
            copied.accept(&frame, hull);
        }
        cells.cells.iter().copied().enumerate().filter(|(_, cell)| *cell != Cell::Same).collect()
    }

    #[test]
    fn only_blocks_with_another_colour_change() {
        let (mut copied, all) = (Copied::black(SIZE), Marks::all(SIZE));
        let mut bytes = vec![0; 400 * 70];
        assert_eq!(changed(&mut copied, &bytes, &all), []);
        bytes[400 * 17 + 4 * 99] = 1; // blue of (99, 17): block row 1, column 6
        bytes[400 * 69 + 3] = 1; // the fourth byte of (0, 69)
        assert_eq!(changed(&mut copied, &bytes, &all), [(7 + 6, Cell::Coded)]);
        assert_eq!(changed(&mut copied, &bytes, &all), [], "the copy is up to date");
        assert_eq!(copied.pixels[..400 * 69], bytes[..400 * 69]);
    }

    #[test]
    fn whole_tiles_of_one_colour_are_solid() {
        let (mut copied, mut marks) = (Copied::black(SIZE), Marks::none(SIZE));
        marks.mark(Rect { x: 64, y: 64, width: 1, height: 1 });
        let bytes = [3, 2, 1, 0].repeat(100 * 70);
        let solid = Cell::Solid([1, 2, 3]);
        let last_row = 4 * 7;
        let expected: Vec<_> = (4..7).map(|column| (last_row + column, solid)).collect();
        assert_eq!(changed(&mut copied, &bytes, &marks), expected, "unmarked tiles are not looked at");
        assert_eq!(changed(&mut copied, &bytes, &Marks::all(SIZE)).len(), 35 - 3);
    }
}
