//! One screen stream, message by message.
//!
//! ```text
//! open ──▶ Between ──Begin──▶ Within ──End──▶ Between      (Moves, Tiles: Within ──▶ Within)
//!             any error ──▶ Broken: every further message is refused
//! ```
//! Tiles are painted at once into a picture of the decoder's own, so that no update has to be kept and a move
//! finds what stands there. Nobody sees that picture in the middle of an update: the only way
//! to it is [`Presented`], which `End` hands out. So memory is one picture here and one where it is presented,
//! the zstd window (8 MiB) and one message.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::picture::{Misfit, Palette, Picture};
use nearhand_proto::{
    close::Close,
    session::{
        geometry::{MonitorId, Point, Rect, Size},
        screen::{
            Colour, Epoch, MAX_COLOURS, MAX_MOVES, MAX_RAW, MAX_RECTS, Move, Screen, Tiles, UpdateNo,
            WINDOW_LOG,
        },
    },
};
use std::io;
use zstd::stream::raw::{DParameter, Decoder as Inflater, InBuffer, Operation as _, OutBuffer};

/// What is wrong with a screen stream. Nothing can be decoded after it: end the stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A message that may not stand here.
    #[error("peer sent {got} where {expected} has to be")]
    PeerOrder {
        /// What came.
        got: &'static str,
        /// What the stream's order asks for.
        expected: &'static str,
    },
    /// A picture that is empty or too large.
    #[error("peer announced a picture of {} x {} pixels", .0.width, .0.height)]
    PeerSize(Size),
    /// Updates count from 1 without a gap.
    #[error("peer began update {got}, expected {expected}", got = .got.0, expected = .expected.0)]
    PeerUpdate {
        /// Its number.
        got: UpdateNo,
        /// The next one.
        expected: UpdateNo,
    },
    /// Too many rectangles, moves or colours in one message.
    #[error("peer sent {0} rectangles or colours in one message, more than are allowed")]
    PeerCount(usize),
    /// A rectangle that is empty or not wholly inside the picture.
    #[error("peer sent a rectangle outside the picture: {0:?}")]
    PeerRect(Rect),
    /// A move that is empty, or not wholly inside the picture where it comes from or goes to.
    #[error("peer moved what is not wholly inside the picture: from {from:?} to {to:?}")]
    PeerMove {
        /// Where it was to go.
        to: Rect,
        /// The top left pixel of where it was to come from.
        from: Point,
    },
    /// The pixels of one message need more than [`MAX_RAW`] bytes.
    #[error("peer sent rectangles of {0} bytes in one message, at most {MAX_RAW} are allowed")]
    PeerRaw(u64),
    /// One update paints more pixels than the picture has.
    #[error("peer painted more than the whole picture in one update")]
    PeerFlood,
    /// The data inflates to something else than its rectangles need.
    #[error("peer sent data that inflates to {got} bytes or more, its rectangles need {expected}")]
    PeerLength {
        /// Bytes that came out, at most one more than needed.
        got: usize,
        /// Bytes needed.
        expected: usize,
    },
    /// Not zstd, a window that is too large, or the stream's end.
    #[error("peer sent data that is not the next part of its zstd stream: {0}")]
    PeerStream(String),
    /// zstd could not start, which only lack of memory explains.
    #[error("the picture can't be decompressed")]
    Inflater(#[source] io::Error),
}

impl DecodeError {
    /// How the connection is to be closed for it.
    pub fn close(&self) -> Close {
        match self {
            Self::Inflater(_) => Close::Internal,
            _ => Close::Protocol,
        }
    }
}

/// An update is whole: present the picture, then answer `ToHost::Drawn`.
#[derive(Debug)]
pub struct Presented<'a> {
    /// Its number.
    pub update: UpdateNo,
    /// True if the screen had changed again already.
    pub more: bool,
    /// From the first damage to the end of encoding, on the host, in µs.
    pub spent_us: u32,
    /// What may differ from the update before, at most 1,024 rectangles that may overlap; the whole picture at the
    /// first update of an epoch.
    pub changed: Vec<Rect>,
    /// The picture.
    pub picture: &'a Picture,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Waits for this update.
    Between { next: UpdateNo },
    /// In the middle of this one; `room`: pixels that may still be painted.
    Within { update: UpdateNo, room: u32 },
    /// After an error.
    Broken,
}

/// Decodes one screen stream. Holds 4 bytes a pixel and about 9 MiB.
pub struct Decoder {
    monitor: MonitorId,
    epoch: Epoch,
    picture: Picture,
    stream: Inflater<'static>,
    palette: Palette,
    /// Where data is inflated to: [`MAX_RAW`] bytes, and one by which too much is seen.
    raw: Vec<u8>,
    state: State,
}

impl Decoder {
    /// Begins with the stream's first message.
    ///
    /// # Errors
    /// [`DecodeError::PeerOrder`] if it isn't `Open`, [`DecodeError::PeerSize`], [`DecodeError::Inflater`].
    pub fn open(first: &Screen) -> Result<Self, DecodeError> {
        let Screen::Open { monitor, epoch, size } = *first else {
            return Err(DecodeError::PeerOrder { got: name(first), expected: "Open" });
        };
        if !size.is_allowed() {
            return Err(DecodeError::PeerSize(size));
        }
        let mut stream = Inflater::new().map_err(DecodeError::Inflater)?;
        stream.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(DecodeError::Inflater)?;
        Ok(Self {
            monitor,
            epoch,
            picture: Picture::black(size),
            stream,
            palette: [[0, 0, 0, 255]; MAX_COLOURS],
            raw: vec![0; MAX_RAW.saturating_add(1)],
            state: State::Between { next: UpdateNo(1) },
        })
    }

    /// The monitor shown.
    pub fn monitor(&self) -> MonitorId {
        self.monitor
    }

    /// The stream's epoch.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The picture's size.
    pub fn size(&self) -> Size {
        self.picture.size()
    }

    /// Takes the stream's next message; `End` hands out the whole picture.
    ///
    /// # Errors
    /// [`DecodeError`], all the peer's fault; from then on every message is refused.
    pub fn handle(&mut self, message: Screen) -> Result<Option<Presented<'_>>, DecodeError> {
        let state = std::mem::replace(&mut self.state, State::Broken);
        match (state, message) {
            (State::Between { next }, Screen::Begin(update)) => {
                if update != next {
                    return Err(DecodeError::PeerUpdate { got: update, expected: next });
                }
                self.state = State::Within { update, room: self.size().pixels() };
                Ok(None)
            }
            (State::Within { update, room }, Screen::Moves(moves)) => {
                if MAX_MOVES < moves.len() {
                    return Err(DecodeError::PeerCount(moves.len()));
                }
                let room = paint_room(room, moves.iter().map(|one| one.to))?;
                for Move { to, from } in moves {
                    self.picture.shift(to, from).map_err(|Misfit| DecodeError::PeerMove { to, from })?;
                }
                self.state = State::Within { update, room };
                Ok(None)
            }
            (State::Within { update, room }, Screen::Tiles(tiles)) => {
                let room = paint_room(room, rects(&tiles)?)?;
                self.paint(&tiles)?;
                self.state = State::Within { update, room };
                Ok(None)
            }
            (State::Within { update, .. }, Screen::End { more, spent_us }) => {
                self.state = State::Between { next: UpdateNo(update.0.saturating_add(1)) };
                let painted = self.picture.take_changed();
                // What is shown at the start of an epoch is the picture of another one.
                let changed = if update == UpdateNo(1) { vec![self.size().rect()] } else { painted };
                Ok(Some(Presented { update, more, spent_us, changed, picture: &self.picture }))
            }
            (state, message) => {
                let expected = match state {
                    State::Between { .. } => "Begin",
                    State::Within { .. } => "Moves, Tiles or End",
                    State::Broken => "nothing more",
                };
                Err(DecodeError::PeerOrder { got: name(&message), expected })
            }
        }
    }

    /// Checks the whole message, then paints it.
    fn paint(&mut self, tiles: &Tiles) -> Result<(), DecodeError> {
        let size = self.size();
        if let Some(outside) = rects(tiles)?.find(|rect| !rect.fits(size)) {
            return Err(DecodeError::PeerRect(outside));
        }
        let bytes = |rects: &[Rect], each: u64| {
            let bytes = rects.iter().map(|rect| u64::from(rect.pixels()).saturating_mul(each));
            bytes.fold(0, u64::saturating_add)
        };
        let bytes = bytes(&tiles.indexed, 1).saturating_add(bytes(&tiles.coded, 3));
        let length = usize::try_from(bytes).ok().filter(|length| *length <= MAX_RAW);
        self.inflate(&tiles.data, length.ok_or(DecodeError::PeerRaw(bytes))?)?;
        for Colour { number, rgb: [red, green, blue] } in &tiles.palette {
            if let Some(entry) = self.palette.get_mut(usize::from(*number)) {
                *entry = [*red, *green, *blue, 255];
            }
        }
        for (rect, colour) in &tiles.solid {
            self.picture.fill(*rect, *colour).map_err(|Misfit| DecodeError::PeerRect(*rect))?;
        }
        let mut rest = &self.raw[..];
        for rect in &tiles.indexed {
            let numbers = take(&mut rest, *rect, 1);
            self.picture
                .write_indexed(*rect, numbers, &self.palette)
                .map_err(|Misfit| DecodeError::PeerRect(*rect))?;
        }
        for rect in &tiles.coded {
            let rgb = take(&mut rest, *rect, 3);
            self.picture.write(*rect, rgb).map_err(|Misfit| DecodeError::PeerRect(*rect))?;
        }
        Ok(())
    }

    /// Leaves exactly `expected` bytes at the start of `raw`; however much the data claims to be, no more than one
    /// byte beyond is ever written.
    fn inflate(&mut self, data: &[u8], expected: usize) -> Result<(), DecodeError> {
        let space = self.raw.get_mut(..=expected).ok_or(DecodeError::PeerRaw(u64::MAX))?;
        let mut input = InBuffer::around(data);
        let mut output = OutBuffer::around(space);
        while input.pos() < data.len() {
            let before = input.pos();
            let hint = self.stream.run(&mut input, &mut output);
            let hint = hint.map_err(|error| DecodeError::PeerStream(error.to_string()))?;
            if expected < output.pos() {
                break;
            }
            if hint == 0 {
                return Err(DecodeError::PeerStream("it ends".into()));
            }
            // With room left for output, zstd takes input; were it otherwise, this loop would not end.
            if input.pos() == before {
                return Err(DecodeError::PeerStream("it stands still".into()));
            }
        }
        match output.pos() {
            got if got == expected => Ok(()),
            got => Err(DecodeError::PeerLength { got, expected }),
        }
    }
}

/// Takes the bytes of the pixels of `rect` off the front, `each` for one; nothing if there are not enough.
fn take<'a>(rest: &mut &'a [u8], rect: Rect, each: usize) -> &'a [u8] {
    let bytes = usize::from(rect.width).saturating_mul(usize::from(rect.height)).saturating_mul(each);
    let (taken, left) = rest.split_at_checked(bytes).unwrap_or_default();
    *rest = left;
    taken
}

/// The rectangles that a message paints, once their count is known to be allowed.
fn rects(tiles: &Tiles) -> Result<impl Iterator<Item = Rect>, DecodeError> {
    let count = tiles.solid.len().max(tiles.indexed.len()).max(tiles.coded.len());
    if MAX_RECTS < count || MAX_COLOURS < tiles.palette.len() {
        return Err(DecodeError::PeerCount(count.max(tiles.palette.len())));
    }
    let solid = tiles.solid.iter().map(|(rect, _)| *rect);
    Ok(solid.chain(tiles.indexed.iter().copied()).chain(tiles.coded.iter().copied()))
}

/// How many pixels may still be painted after these rectangles.
fn paint_room(room: u32, mut rects: impl Iterator<Item = Rect>) -> Result<u32, DecodeError> {
    rects.try_fold(room, |room, rect| room.checked_sub(rect.pixels())).ok_or(DecodeError::PeerFlood)
}

fn name(message: &Screen) -> &'static str {
    match message {
        Screen::Open { .. } => "Open",
        Screen::Begin(_) => "Begin",
        Screen::Moves(_) => "Moves",
        Screen::Tiles(_) => "Tiles",
        Screen::End { .. } => "End",
    }
}

#[cfg(test)]
mod tests;
