//! The encoder of one viewer's picture of one monitor, for one epoch.

use super::{
    EncodeError, Pixels,
    changes::{Cell, Cells, Copied},
    damage::Marks,
    merge::{Area, areas},
    moves::{self, Displacement},
    pack::Packer,
};
use nearhand_proto::session::{
    geometry::{MonitorId, Point, Rect, Size},
    screen::{Epoch, MAX_MOVES, Move, Screen, UpdateNo},
};
use std::time::Duration;

/// What the last message of an update says, asked for when all others are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// True if the screen has changed again already.
    pub more: bool,
    /// Since the first damage of this update.
    pub spent: Duration,
}

/// Turns frames into updates. Holds 4 bytes a pixel and about 10 MiB for zstd.
pub struct Encoder {
    size: Size,
    /// What the viewer has once all messages so far have arrived.
    copied: Copied,
    cells: Cells,
    packer: Packer,
    /// The last update begun; 0 before the first.
    last: UpdateNo,
    /// True if the next call makes an update in any case.
    owed: bool,
}

impl Encoder {
    /// A new epoch: the encoder, and the message that must stand first on its stream.
    ///
    /// # Errors
    /// [`EncodeError::Size`], or [`EncodeError::Compress`] without memory.
    pub fn open(monitor: MonitorId, epoch: Epoch, size: Size) -> Result<(Self, Screen), EncodeError> {
        if !size.is_allowed() {
            return Err(EncodeError::Size(size));
        }
        let encoder = Self {
            size,
            copied: Copied::black(size),
            cells: Cells::new(size),
            packer: Packer::new()?,
            last: UpdateNo(0),
            owed: false,
        };
        Ok((encoder, Screen::Open { monitor, epoch, size }))
    }

    /// The picture's size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The viewer has been told that more follows (`End { more: true }`): the next update is made even if it turns out
    /// that nothing has changed, so that nobody waits for it in vain.
    pub fn owe(&mut self) {
        self.owed = true;
    }

    /// Emits what changed in the `pending` tiles since the viewer's last update: `Begin · Moves? · Tiles* · End`. Returns the
    /// update's number, or `None` (nothing emitted, no credit to spend) if nothing did. The first update of an
    /// epoch always is one, and takes in the whole picture.
    ///
    /// Every emitted message must reach the stream, in order. `ending` is called once, just before `End`.
    ///
    /// # Errors
    /// [`EncodeError::OtherSize`] before anything was emitted; [`EncodeError::Compress`] maybe after: then drop the
    /// encoder and open a new epoch.
    pub fn encode(
        &mut self,
        frame: &Pixels<'_>,
        pending: &Marks,
        ending: &mut dyn FnMut() -> Ending,
        emit: &mut dyn FnMut(Screen),
    ) -> Result<Option<UpdateNo>, EncodeError> {
        if frame.size() != self.size || pending.size() != self.size {
            return Err(EncodeError::OtherSize(self.size));
        }
        let first = self.last == UpdateNo(0);
        let everything;
        let marks = if first {
            everything = Marks::all(self.size);
            &everything
        } else {
            pending
        };
        self.copied.compare(frame, marks, &mut self.cells);
        // The first picture follows on black, which nothing is moved from.
        let displacements =
            if first { Vec::new() } else { moves::find(frame, &self.copied, &mut self.cells) };
        let mut areas = areas(&self.cells);
        if areas.is_empty() && !first && !self.owed {
            return Ok(None);
        }
        self.owed = false;
        self.last = UpdateNo(self.last.0 + 1);
        emit(Screen::Begin(self.last));
        let moves = take_moves(&mut areas, &displacements, self.size);
        if !moves.is_empty() {
            emit(Screen::Moves(moves));
        }
        for area in &areas {
            self.copied.accept(frame, area.rect);
        }
        for area in areas {
            let colour = match area.cell {
                Cell::Solid(colour) => Some(colour),
                Cell::Moved(_) => continue,
                Cell::Same | Cell::Coded => frame.solid(area.rect),
            };
            match colour {
                Some(colour) => self.packer.add_solid(area.rect, colour, emit)?,
                None => self.packer.add_pixels(frame, area.rect, emit)?,
            }
        }
        self.packer.flush(emit)?;
        let Ending { more, spent } = ending();
        emit(Screen::End { more, spent_us: u32::try_from(spent.as_micros()).unwrap_or(u32::MAX) });
        Ok(Some(self.last))
    }
}

/// The areas that have moved, in an order in which each still stands where it is copied from. Those for which there
/// is no such order, or no room, are made [`Cell::Coded`].
fn take_moves(areas: &mut [Area], displacements: &[Displacement], size: Size) -> Vec<Move> {
    let mut moved: Vec<_> = areas
        .iter_mut()
        .filter_map(|area| {
            let Cell::Moved(number) = area.cell else { return None };
            Some((number, *displacements.get(usize::from(number))?, area))
        })
        .collect();
    moved.sort_by_key(|(number, displacement, area)| (*number, displacement.order(area.rect)));
    let mut moves: Vec<Move> = Vec::new();
    for (_, displacement, area) in moved {
        let source = displacement.source(area.rect, size);
        let stands = |source: &Rect| moves.iter().all(|earlier| !earlier.to.meets(*source));
        match source.filter(|source| moves.len() < MAX_MOVES && stands(source)) {
            Some(Rect { x, y, .. }) => moves.push(Move { to: area.rect, from: Point { x, y } }),
            None => area.cell = Cell::Coded,
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::screen::Tiles;

    const SIZE: Size = Size { width: 130, height: 70 };

    #[test]
    fn an_update_that_was_announced_is_made_even_if_it_is_empty() {
        let mut bench = Bench::new();
        bench.encode(&Marks::all(SIZE));
        assert_eq!(bench.encode(&Marks::all(SIZE)).0, None);
        bench.encoder.owe();
        let (update, messages) = bench.encode(&Marks::none(SIZE));
        assert_eq!((update, messages.len()), (Some(UpdateNo(2)), 2), "Begin and End");
        assert_eq!(bench.encode(&Marks::none(SIZE)).0, None);
    }

    struct Bench {
        encoder: Encoder,
        pixels: Vec<u8>,
    }

    impl Bench {
        fn new() -> Self {
            let (encoder, open) = Encoder::open(MonitorId(7), Epoch(3), SIZE).unwrap();
            assert_eq!(open, Screen::Open { monitor: MonitorId(7), epoch: Epoch(3), size: SIZE });
            Self { encoder, pixels: vec![0; 4 * 130 * 70] }
        }

        fn paint(&mut self, rect: Rect, pixel: impl Fn(u16, u16) -> [u8; 4]) {
            for y in rect.y..rect.y + rect.height {
                for x in rect.x..rect.x + rect.width {
                    let start = 4 * (usize::from(y) * 130 + usize::from(x));
                    self.pixels[start..start + 4].copy_from_slice(&pixel(x, y));
                }
            }
        }

        fn encode(&mut self, marks: &Marks) -> (Option<UpdateNo>, Vec<Screen>) {
            let mut messages = Vec::new();
            let frame = Pixels::new(&self.pixels, 4 * 130, SIZE).unwrap();
            let ending = &mut || Ending { more: true, spent: Duration::from_micros(9) };
            let update =
                self.encoder.encode(&frame, marks, ending, &mut |screen| messages.push(screen)).unwrap();
            (update, messages)
        }

        /// The one `Tiles` of an update that has one.
        fn tiles(&mut self, update: u64) -> Tiles {
            let (number, mut messages) = self.encode(&Marks::all(SIZE));
            assert_eq!(number, Some(UpdateNo(update)));
            assert_eq!(messages.pop(), Some(END));
            let Some(Screen::Tiles(tiles)) = messages.pop() else { panic!("no tiles") };
            assert_eq!(messages, [Screen::Begin(UpdateNo(update))]);
            tiles
        }
    }

    const END: Screen = Screen::End { more: true, spent_us: 9 };

    fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn the_first_update_is_sent_even_if_black_and_then_silence() {
        let mut bench = Bench::new();
        let first = (Some(UpdateNo(1)), vec![Screen::Begin(UpdateNo(1)), END]);
        assert_eq!(bench.encode(&Marks::none(SIZE)), first);
        assert_eq!(bench.encode(&Marks::all(SIZE)), (None, vec![]));
    }

    #[test]
    fn the_first_update_takes_in_what_nobody_marked() {
        let mut bench = Bench::new();
        bench.paint(SIZE.rect(), |_, _| [3, 2, 1, 0]);
        let (_, messages) = bench.encode(&Marks::none(SIZE));
        let Screen::Tiles(tiles) = &messages[1] else { panic!("no tiles") };
        assert_eq!(tiles.solid, [(SIZE.rect(), [1, 2, 3])]);
    }

    #[test]
    fn changes_are_refined_to_blocks_and_told_apart() {
        let mut bench = Bench::new();
        bench.encode(&Marks::none(SIZE));
        bench.paint(rect(20, 20, 2, 2), |x, _| [0, 0, if x == 20 { 9 } else { 8 }, 0]);
        bench.paint(rect(96, 64, 32, 6), |_, _| [0, 0, 7, 0]);
        let tiles = bench.tiles(2);
        assert_eq!(tiles.solid, [(rect(96, 64, 32, 6), [7, 0, 0])]);
        assert_eq!((tiles.indexed, tiles.coded), (vec![rect(16, 16, 16, 16)], vec![]));
        assert!(!tiles.data.is_empty());
        bench.paint(SIZE.rect(), |_, _| [1, 1, 1, 0]);
        let tiles = bench.tiles(3);
        assert_eq!((tiles.solid, tiles.coded), (vec![(SIZE.rect(), [1, 1, 1])], vec![]));
        assert!(tiles.data.is_empty());
    }

    #[test]
    fn another_size_is_refused_before_anything_is_sent() {
        let mut bench = Bench::new();
        let small = Size { width: 1, height: 1 };
        let frame = Pixels::new(&[0; 4], 4, small).unwrap();
        let ending = &mut || Ending { more: false, spent: Duration::ZERO };
        let emit = &mut |_| panic!("nothing may be sent");
        let result = bench.encoder.encode(&frame, &Marks::all(SIZE), ending, emit);
        assert!(matches!(result, Err(EncodeError::OtherSize(SIZE))));
        assert!(Encoder::open(MonitorId(0), Epoch(0), Size { width: 0, height: 9 }).is_err());
    }

    #[test]
    fn encoders_may_live_on_any_thread() {
        fn sendable<T: Send>(_: &T) {}
        sendable(&Bench::new().encoder);
    }
}
