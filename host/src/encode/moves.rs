//! Moves: what has changed only because something that the viewer has stands elsewhere now, as after scrolling or
//! dragging a window. Few runs of pixels of the new picture are looked for in the old one by a rolling hash (Karp and
//! Rabin 1987); the displacements found most often are then verified block by block.

use super::{
    changes::{BLOCK, Cell, Cells, Copied},
    pixels::{Pixels, colours, differ},
};
use nearhand_proto::session::geometry::{Point, Rect, Size};

/// Blocks that must have changed before it is worth looking: below, pixels are cheap.
const WORTHWHILE: usize = 48;

/// Pixels of a run that is looked for: a block's.
const RUN: usize = BLOCK as usize;

/// Changes of colour within a run, at least: plain background is found everywhere.
const STEPS: usize = 5;

/// Of so many lines of the old picture one is searched, since each block has runs on so many lines.
const LINES: u16 = 8;

/// Runs that are looked for, at most.
const RUNS: usize = 6_000;

/// The same run in more places than this tells nothing.
const PLACES: usize = 3;

/// Places where one run is found, at most; further ones don't count.
const FOUND: u8 = 8;

/// Runs that must agree on a displacement.
const AGREE: usize = 4;

/// A displacement explains one in so many changed blocks, at least: single blocks that happen to look alike are cheaper sent
/// together with what is around them.
const SHARE: usize = 8;

/// Displacements of one update, at most.
const DISPLACEMENTS: usize = 3;

/// Bits of a hash that are looked at first: so many that hardly anything that is not sought gets past them.
const FILTER: u32 = 20;

/// Factor of the polynomial hash; odd, otherwise arbitrary (2⁶⁴ / the golden ratio).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// [`FACTOR`] to the power of [`RUN`], modulo 2⁶⁴: the weight of the pixel that leaves a run.
const LEAVING: u64 = power(FACTOR, RUN);

/// From where a block stands to where it stood, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Displacement {
    x: i32,
    y: i32,
}

impl Displacement {
    /// Where the pixels of `rect` stood; `None` if that is not wholly inside a picture of `size`.
    pub(super) fn source(self, rect: Rect, size: Size) -> Option<Rect> {
        let x = u16::try_from(i32::from(rect.x) + self.x).ok()?;
        let y = u16::try_from(i32::from(rect.y) + self.y).ok()?;
        let source = Rect { x, y, ..rect };
        source.fits(size).then_some(source)
    }

    /// In which order rectangles that move like this are to be copied, so that none lands on what another one still
    /// has to be copied from: those that lie farthest in the direction of the move first.
    pub(super) fn order(self, rect: Rect) -> (i32, i32) {
        let along =
            |displacement: i32, at: u16| if displacement < 0 { -i32::from(at) } else { i32::from(at) };
        (along(self.y, rect.y), along(self.x, rect.x))
    }
}

/// The displacements by which changed blocks of `cells` can be explained; those blocks become [`Cell::Moved`], with
/// the index of their displacement.
pub(super) fn find(frame: &Pixels<'_>, old: &Copied, cells: &mut Cells) -> Vec<Displacement> {
    let Some(hull) = cells.hull().filter(|_| WORTHWHILE <= cells.changed()) else { return Vec::new() };
    let sought = Sought::in_blocks(frame, cells);
    if sought.runs.len() < AGREE {
        return Vec::new();
    }
    let displacements = agreed(sought.find_in(old, hull));
    let (mut proved, least) = (Vec::new(), cells.changed() / SHARE);
    for displacement in displacements {
        let number = u8::try_from(proved.len()).unwrap_or(u8::MAX);
        let moved: Vec<_> = cells
            .changed_blocks()
            .filter(|rect| {
                let stood = displacement.source(*rect, frame.size());
                stood.is_some_and(|stood| same(frame, *rect, old, stood))
            })
            .collect();
        if least <= moved.len() && !moved.is_empty() {
            moved.into_iter().for_each(|rect| cells.set(rect.x, rect.y, Cell::Moved(number)));
            proved.push(displacement);
        }
    }
    proved
}

fn same(frame: &Pixels<'_>, rect: Rect, old: &Copied, stood: Rect) -> bool {
    (0..rect.height).all(|line| {
        let (new, old) = (frame.row(rect, rect.y + line), old.row(stood, stood.y + line));
        new == old || !differ(new, old)
    })
}

/// The displacements that most places agree on.
fn agreed(mut all: Vec<Displacement>) -> Vec<Displacement> {
    all.sort_unstable();
    let mut counted: Vec<_> = all
        .chunk_by(|one, other| one == other)
        .filter(|same| AGREE <= same.len())
        .map(|same| (same.len(), same[0]))
        .collect();
    counted.sort_unstable_by_key(|(count, _)| usize::MAX - count);
    counted.into_iter().take(DISPLACEMENTS).map(|(_, displacement)| displacement).collect()
}

/// Runs of the new picture that are looked for in the old one.
struct Sought {
    /// Ordered by hash.
    runs: Vec<(u64, Point)>,
    /// One bit for each value of a hash's upper [`FILTER`] bits that occurs.
    filter: Vec<u64>,
}

impl Sought {
    /// From the changed blocks, evenly spread if there are many.
    fn in_blocks(frame: &Pixels<'_>, cells: &Cells) -> Self {
        let most = RUNS / usize::from(LINES);
        let every = cells.changed().div_ceil(most);
        let mut runs = Vec::with_capacity(RUNS);
        for (number, rect) in cells.coded().enumerate() {
            // Another line in each block: text has the same line everywhere, the one below its letters.
            let room = BLOCK - LINES + 1;
            let first = rect.y + u16::try_from(number / every).unwrap_or(u16::MAX).wrapping_mul(7) % room;
            if number % every != 0 || rect.width != BLOCK || rect.height != BLOCK {
                continue;
            }
            for y in first..first + LINES {
                let run = frame.row(rect, y);
                if STEPS <= steps(run) {
                    runs.push((hash(run), Point { x: rect.x, y }));
                }
            }
        }
        runs.sort_unstable_by_key(|(hash, _)| *hash);
        let runs: Vec<_> = runs
            .chunk_by(|(one, _), (other, _)| one == other)
            .filter(|same| same.len() <= PLACES)
            .flatten()
            .copied()
            .collect();
        let mut filter = vec![0; (1 << FILTER) / 64];
        for (hash, _) in &runs {
            let (word, bit) = place(*hash);
            filter[word] |= bit;
        }
        Self { runs, filter }
    }

    /// Every place within `hull` of the old picture where one of the runs stands, as the displacement to there.
    fn find_in(&self, old: &Copied, hull: Rect) -> Vec<Displacement> {
        let (mut found, mut times) = (Vec::new(), vec![0_u8; self.runs.len()]);
        for y in (hull.y..hull.y + hull.height).filter(|y| y % LINES == 0) {
            let line = old.row(hull, y);
            let Some((first, _)) = line.split_at_checked(4 * RUN) else { continue };
            let mut rolling = hash(first);
            let pairs = colours(line).zip(colours(&line[4 * RUN..]).chain([0]));
            for (x, (leaves, comes)) in (hull.x..).zip(pairs).take(line.len() / 4 - RUN + 1) {
                let (word, bit) = place(rolling);
                if self.filter[word] & bit != 0 {
                    self.note(rolling, (x, y), &mut times, &mut found);
                }
                rolling = roll(rolling, leaves, comes);
            }
        }
        found
    }

    fn note(&self, hash: u64, (x, y): (u16, u16), times: &mut [u8], found: &mut Vec<Displacement>) {
        let first = self.runs.partition_point(|(run, _)| *run < hash);
        for ((run, at), times) in self.runs[first..].iter().zip(&mut times[first..]) {
            if *run != hash || FOUND <= *times {
                return;
            }
            *times += 1;
            let displacement =
                Displacement { x: i32::from(x) - i32::from(at.x), y: i32::from(y) - i32::from(at.y) };
            if displacement != (Displacement { x: 0, y: 0 }) {
                found.push(displacement);
            }
        }
    }
}

/// Changes of colour along a run of BGRX pixels.
fn steps(run: &[u8]) -> usize {
    colours(run).zip(colours(run).skip(1)).filter(|(one, next)| one != next).count()
}

fn hash(run: &[u8]) -> u64 {
    colours(run).take(RUN).fold(0, |hash, colour| hash.wrapping_mul(FACTOR).wrapping_add(colour.into()))
}

/// The hash of the run one pixel further on.
fn roll(hash: u64, leaves: u32, comes: u32) -> u64 {
    hash.wrapping_mul(FACTOR).wrapping_add(comes.into()).wrapping_sub(LEAVING.wrapping_mul(leaves.into()))
}

/// Word and bit of a hash in the filter.
fn place(hash: u64) -> (usize, u64) {
    let upper = usize::try_from(hash >> (64 - FILTER)).unwrap_or_default();
    (upper / 64, 1 << (upper % 64))
}

const fn power(base: u64, exponent: usize) -> u64 {
    let (mut power, mut left) = (1_u64, exponent);
    while left != 0 {
        power = power.wrapping_mul(base);
        left -= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rolling_hash_is_the_hash_of_its_run() {
        let line: Vec<u8> = (0..400_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
        let mut rolling = hash(&line);
        for start in 1..=(400 - RUN) {
            let (leaves, comes) =
                (colours(&line[4 * (start - 1)..]), colours(&line[4 * (start + RUN - 1)..]));
            for (leaves, comes) in leaves.zip(comes).take(1) {
                rolling = roll(rolling, leaves, comes);
            }
            assert_eq!(rolling, hash(&line[4 * start..]), "{start}");
        }
    }

    #[test]
    fn copies_are_ordered_against_their_direction() {
        let at = |x, y| Rect { x, y, width: 9, height: 9 };
        let order = |x, y| {
            let mut rects = [at(0, 0), at(16, 0), at(0, 16)];
            rects.sort_by_key(|rect| Displacement { x, y }.order(*rect));
            rects.map(|rect| (rect.x, rect.y))
        };
        // What stood below goes up: from the top, since what lies above is copied over first.
        assert_eq!(order(0, 5), [(0, 0), (16, 0), (0, 16)]);
        assert_eq!(order(0, -5), [(0, 16), (0, 0), (16, 0)]);
        assert_eq!(order(5, 0), [(0, 0), (16, 0), (0, 16)]);
        assert_eq!(order(-5, 0), [(16, 0), (0, 0), (0, 16)]);
    }

    #[test]
    fn a_source_lies_inside_the_picture() {
        let (size, rect) = (Size { width: 50, height: 40 }, Rect { x: 16, y: 16, width: 16, height: 16 });
        let source = |x, y| Displacement { x, y }.source(rect, size).map(|rect| (rect.x, rect.y));
        assert_eq!(source(18, 8), Some((34, 24)));
        assert_eq!(source(-16, -16), Some((0, 0)));
        for (x, y) in [(19, 0), (0, 9), (-17, 0), (0, -17), (i32::MAX - 16, 0)] {
            assert_eq!(source(x, y), None, "{x}, {y}");
        }
    }

    #[test]
    fn what_most_places_agree_on_comes_first() {
        let at = |x, y| Displacement { x, y };
        let mut all = vec![at(0, 16); 9];
        all.extend(
            [vec![at(3, 3); AGREE - 1], vec![at(-5, 0); 20], vec![at(1, 1); AGREE], vec![at(2, 2); 5]]
                .concat(),
        );
        assert_eq!(agreed(all), [at(-5, 0), at(0, 16), at(2, 2)]);
    }
}
