//! From changed blocks to few rectangles: runs of equal blocks in a row, joined downwards where the run below is
//! the same.

use super::changes::{BLOCK, Cell, Cells};
use nearhand_proto::session::geometry::Rect;

/// A rectangle of blocks that are sent alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// In monitor pixels, inside the picture.
    pub(super) rect: Rect,
    /// Never [`Cell::Same`].
    pub(super) cell: Cell,
}

/// Covers every block that isn't [`Cell::Same`] exactly once.
pub(super) fn areas(cells: &Cells) -> Vec<Area> {
    let mut closed = Vec::new();
    let mut open: Vec<Area> = Vec::new();
    for (top, row) in (0..).step_by(usize::from(BLOCK)).zip(cells.rows()) {
        if row.iter().all(|cell| *cell == Cell::Same) {
            closed.append(&mut open);
            continue;
        }
        open = join(open, runs(row, top), &mut closed);
    }
    closed.append(&mut open);
    for area in &mut closed {
        // Blocks at the edges reach beyond the picture; none begins there, so this cuts and never fails.
        area.rect = area.rect.clipped(cells.size()).unwrap_or(area.rect);
    }
    closed
}

/// The runs of equal blocks in one row, from the left.
fn runs(row: &[Cell], top: u16) -> Vec<Area> {
    let mut runs: Vec<Area> = Vec::new();
    for (x, cell) in (0..).step_by(usize::from(BLOCK)).zip(row.iter().copied()) {
        match runs.last_mut() {
            _ if cell == Cell::Same => {}
            Some(last) if last.cell == cell && last.rect.right() == u32::from(x) => last.rect.width += BLOCK,
            _ => runs.push(Area { rect: Rect { x, y: top, width: BLOCK, height: BLOCK }, cell }),
        }
    }
    runs
}

/// Lengthens each open area that has the same run below it, closes the others. Both lists are ordered from the left.
fn join(open: Vec<Area>, mut runs: Vec<Area>, closed: &mut Vec<Area>) -> Vec<Area> {
    let mut next = 0;
    for area in open {
        while next < runs.len() && runs[next].rect.x < area.rect.x {
            next += 1;
        }
        match runs.get_mut(next) {
            Some(run) if same_columns(run, &area) => {
                run.rect.y = area.rect.y;
                run.rect.height += area.rect.height;
            }
            _ => closed.push(area),
        }
    }
    runs
}

fn same_columns(one: &Area, other: &Area) -> bool {
    one.cell == other.cell && one.rect.x == other.rect.x && one.rect.width == other.rect.width
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::geometry::Size;
    use proptest::prelude::*;

    const SIZE: Size = Size { width: 5 * 16 - 3, height: 4 * 16 - 5 };

    /// `.` same, `#` coded, a letter is a colour.
    fn check(drawing: [&str; 4], expected: &[(u16, u16, u16, u16)]) {
        let mut cells = Cells::new(SIZE);
        for (y, line) in (0..).zip(drawing) {
            for (x, letter) in (0..).zip(line.bytes()) {
                let cell = match letter {
                    b'.' => Cell::Same,
                    b'#' => Cell::Coded,
                    colour => Cell::Solid([colour; 3]),
                };
                cells.set(x * BLOCK, y * BLOCK, cell);
            }
        }
        let mut found: Vec<_> =
            areas(&cells).iter().map(|a| (a.rect.x, a.rect.y, a.rect.width, a.rect.height)).collect();
        found.sort_by_key(|(x, y, ..)| (*y, *x));
        assert_eq!(found, expected, "{drawing:?}");
    }

    #[test]
    fn equal_runs_grow_downwards() {
        check([".....", ".....", ".....", "....."], &[]);
        check(["#####", "#####", "#####", "#####"], &[(0, 0, 77, 59)]);
        check([".##..", ".##..", ".....", "....#"], &[(16, 0, 32, 32), (64, 48, 13, 11)]);
        check(["##...", "###..", "###..", "....."], &[(0, 0, 32, 16), (0, 16, 48, 32)]);
        check(
            ["#aab#", "#aa..", ".....", "....."],
            &[(0, 0, 16, 32), (16, 0, 32, 32), (48, 0, 16, 16), (64, 0, 13, 16)],
        );
        check(["##.##", "...##", "##.##", "....."], &[(0, 0, 32, 16), (48, 0, 29, 48), (0, 32, 32, 16)]);
    }

    proptest! {
        #[test]
        fn every_changed_block_is_covered_once(kinds in proptest::collection::vec(0_u8..4, 20)) {
            let mut cells = Cells::new(SIZE);
            let places = || (0_u16..4).flat_map(|y| (0_u16..5).map(move |x| (x * BLOCK, y * BLOCK)));
            let cell = |kind| match kind { 0 => Cell::Same, 1 => Cell::Coded, other => Cell::Solid([other; 3]) };
            for ((x, y), kind) in places().zip(&kinds) {
                cells.set(x, y, cell(*kind));
            }
            let areas = areas(&cells);
            prop_assert!(areas.iter().all(|area| area.rect.fits(SIZE)));
            for ((x, y), kind) in places().zip(&kinds) {
                let over = |area: &&Area| {
                    let columns = u32::from(area.rect.x)..area.rect.right();
                    let rows = u32::from(area.rect.y)..area.rect.bottom();
                    columns.contains(&x.into()) && rows.contains(&y.into())
                };
                let covering: Vec<_> = areas.iter().filter(over).map(|area| area.cell).collect();
                let expected = if *kind == 0 { vec![] } else { vec![cell(*kind)] };
                prop_assert_eq!(covering, expected);
            }
        }
    }
}
