//! Rectangles of damage: from the desktop's pixels to a monitor's, and few enough to be worth a request each.

use nearhand_proto::session::geometry::{Rect, Size};

/// Rectangles of one frame, at most.
pub const MAX_AREAS: usize = 64;

/// Side of the first grid onto which too many rectangles are gathered, in pixels.
const FIRST_SIDE: u32 = 32;

/// The part of a desktop rectangle (left, top, width, height) that lies on a monitor, in the monitor's own pixels.
pub fn on_monitor(area: (i32, i32, u32, u32), origin: (i32, i32), size: Size) -> Option<Rect> {
    let (x, width) = overlap(area.0, area.2, origin.0, size.width)?;
    let (y, height) = overlap(area.1, area.3, origin.1, size.height)?;
    Some(Rect { x, y, width, height })
}

/// Where `start .. start + length` meets `origin .. origin + side`: the offset from `origin`, and the length.
fn overlap(start: i32, length: u32, origin: i32, side: u16) -> Option<(u16, u16)> {
    let from = i64::from(start) - i64::from(origin);
    let to = (from + i64::from(length)).min(side.into());
    let from = from.max(0);
    let length = u16::try_from(to - from).ok().filter(|length| *length != 0)?;
    Some((u16::try_from(from).ok()?, length))
}

/// At most [`MAX_AREAS`] rectangles that cover all of `areas` and fit `size`. Up to that many stay as they are.
pub fn few(areas: Vec<Rect>, size: Size) -> Vec<Rect> {
    let mut few = areas;
    let mut side = FIRST_SIDE;
    while MAX_AREAS < few.len() {
        let mut grid = Grid::new(size, side);
        few.iter().for_each(|area| grid.mark(*area));
        few = grid.rects();
        side *= 2; // ends at one cell for the whole picture
    }
    few
}

/// Marks on a picture, one for each square cell.
#[derive(Clone, Debug)]
pub struct Grid {
    size: Size,
    /// Pixels.
    side: u32,
    columns: usize,
    cells: Vec<bool>,
}

impl Grid {
    /// A grid without marks; `side` is that of a cell in pixels, at least 1.
    pub fn new(size: Size, side: u32) -> Self {
        let columns = index(u32::from(size.width).div_ceil(side));
        let rows = index(u32::from(size.height).div_ceil(side));
        Self { size, side, columns, cells: vec![false; columns * rows] }
    }

    /// Marks every cell that the area touches.
    pub fn mark(&mut self, area: Rect) {
        let Some(area) = area.clipped(self.size) else { return };
        let columns = index(u32::from(area.x) / self.side)..index(area.right().div_ceil(self.side));
        let rows = index(u32::from(area.y) / self.side)..index(area.bottom().div_ceil(self.side));
        for row in rows {
            let start = row * self.columns;
            self.cells[start + columns.start..start + columns.end].fill(true);
        }
    }

    /// The marked cells as disjoint rectangles: runs along a row, joined downwards where they are equally wide.
    pub fn rects(&self) -> Vec<Rect> {
        let mut done = Vec::new();
        let mut open: Vec<(Run, u32, u32)> = Vec::new(); // run, first row, rows
        for (row, cells) in (0..).zip(self.cells.chunks(self.columns.max(1))) {
            let runs = runs(cells);
            let (going, ended): (Vec<_>, Vec<_>) = open.drain(..).partition(|(run, ..)| runs.contains(run));
            done.extend(ended);
            open.extend(runs.into_iter().map(|run| {
                let above = going.iter().find(|(other, ..)| *other == run);
                above.map_or((run, row, 1), |(_, first, rows)| (run, *first, rows + 1))
            }));
        }
        done.extend(open);
        done.into_iter().filter_map(|(run, first, rows)| self.rect(run, first, rows)).collect()
    }

    fn rect(&self, (from, to): Run, first: u32, rows: u32) -> Option<Rect> {
        let pixels = |cells: u32| i32::try_from(cells * self.side).unwrap_or(i32::MAX);
        let area = (pixels(from), pixels(first), (to - from) * self.side, rows * self.side);
        on_monitor(area, (0, 0), self.size)
    }
}

/// Marked cells of one row: the first, and one past the last.
type Run = (u32, u32);

fn runs(cells: &[bool]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (column, _) in (0_u32..).zip(cells).filter(|(_, marked)| **marked) {
        match runs.last_mut() {
            Some(run) if run.1 == column => run.1 = column + 1,
            _ => runs.push((column, column + 1)),
        }
    }
    runs
}

fn index(cells: u32) -> usize {
    usize::try_from(cells).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn clips_to_the_monitor() {
        let size = Size { width: 100, height: 50 };
        let check = |area, expected| assert_eq!(on_monitor(area, (200, -10), size), expected, "{area:?}");
        check((200, -10, 100, 50), Some(rect(0, 0, 100, 50)));
        check((0, -500, 5_000, 5_000), Some(rect(0, 0, 100, 50)));
        check((190, 0, 20, 10), Some(rect(0, 10, 10, 10)));
        check((295, 35, 20, 20), Some(rect(95, 45, 5, 5)));
        check((300, 0, 10, 10), None);
        check((190, 0, 10, 10), None);
        check((i32::MIN, i32::MIN, u32::MAX, u32::MAX), Some(rect(0, 0, 100, 50)));
    }

    #[test]
    fn marks_become_joined_rectangles() {
        let mut grid = Grid::new(Size { width: 100, height: 50 }, 16);
        grid.mark(rect(0, 0, 17, 40));
        grid.mark(rect(99, 49, 1, 1));
        assert_eq!(grid.rects(), [rect(0, 0, 32, 48), rect(96, 48, 4, 2)]);
    }

    fn areas() -> impl Strategy<Value = (Size, Vec<Rect>)> {
        let size = (1..700_u16, 1..500_u16).prop_map(|(width, height)| Size { width, height });
        size.prop_flat_map(|size| {
            let one = (0..size.width, 0..size.height, 1..40_u16, 1..40_u16)
                .prop_filter_map("outside", move |(x, y, w, h)| rect(x, y, w, h).clipped(size));
            proptest::collection::vec(one, 0..200).prop_map(move |areas| (size, areas))
        })
    }

    proptest! {
        #[test]
        fn few_rectangles_cover_all((size, areas) in areas(), pick in any::<proptest::sample::Index>()) {
            let few = few(areas.clone(), size);
            prop_assert!(few.len() <= MAX_AREAS);
            prop_assert!(few.iter().all(|area| area.fits(size)));
            if areas.len() <= MAX_AREAS {
                prop_assert_eq!(&few, &areas);
            } else {
                let area = areas[pick.index(areas.len())];
                let inside = |x: u32, y: u32| few.iter().any(|f| {
                    (u32::from(f.x)..f.right()).contains(&x) && (u32::from(f.y)..f.bottom()).contains(&y)
                });
                prop_assert!(inside(area.x.into(), area.y.into()));
                prop_assert!(inside(area.right() - 1, area.bottom() - 1));
            }
        }
    }
}
