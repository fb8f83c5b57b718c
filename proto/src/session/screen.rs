//! The picture: one stream per monitor and epoch, host to viewer. A resize, another monitor or a reconnect opens a
//! new epoch on a new stream, with a fresh zstd stream and the whole picture.
//!
//! ```text
//! Open · ( Begin · ( Moves | Tiles )* · End )*
//! ```
//! All [`Tiles`] data of one stream is ONE zstd stream (RFC 8878; window at most 2^[`WINDOW_LOG`]), flushed at the
//! end of each message: pixels row by row, rectangle after rectangle, a byte each where the stream's palette has their
//! colours, else three (R, G, B).

use super::geometry::{MonitorId, Point, Rect, Size};
use crate::wire::{self, Message};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Log2 of the largest zstd window, in bytes: 8 MiB, which RFC 8878 §3.1.1.1.2 recommends that every decoder support.
pub const WINDOW_LOG: u32 = 23;

/// Raw bytes that the data of one [`Tiles`] may inflate to, at most.
pub const MAX_RAW: usize = 256 << 10;

/// Rectangles of one [`Tiles`], at most (of each kind).
pub const MAX_RECTS: usize = 2_048;

/// Colours of a stream's palette, at most.
pub const MAX_COLOURS: usize = 256;

/// Rectangles of one [`Screen::Moves`], at most.
pub const MAX_MOVES: usize = 512;

/// Counts screen streams of one session; a newer one replaces an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u32);

/// Counts updates of one epoch, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UpdateNo(pub u64);

/// Host to viewer, on a screen stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Screen {
    /// First on every stream: which picture this is. The picture is black until the first update.
    Open {
        /// The monitor shown.
        monitor: MonitorId,
        /// This stream's epoch.
        epoch: Epoch,
        /// The picture's size.
        size: Size,
    },
    /// An update begins. Nothing of it is to be presented before its `End`.
    Begin(UpdateNo),
    /// Part of the current update: what the viewer has already, elsewhere. Done in order, each on what the ones before
    /// have left; at most [`MAX_MOVES`].
    Moves(#[serde(deserialize_with = "wire::list::<MAX_MOVES, _, _>")] Vec<Move>),
    /// Part of the current update.
    Tiles(Tiles),
    /// The update is whole: present it and answer `ToHost::Drawn`.
    End {
        /// True if the screen had changed again already: another update follows as soon as credit allows.
        more: bool,
        /// From the first damage to the end of encoding, in µs.
        spent_us: u32,
    },
}

impl Message for Screen {
    const MAX: usize = MAX_RAW + (96 << 10);
}

/// A rectangle that is copied within the picture (RFB's CopyRect, RFC 6143 §7.7.2). Both places may overlap; then what
/// stood there before counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where it goes.
    pub to: Rect,
    /// The top left pixel of where it stands.
    pub from: Point,
}

/// Rectangles that changed, in the order in which they are to be painted: solid ones first, then those by number, then the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tiles {
    /// One colour each (R, G, B); at most [`MAX_RECTS`].
    #[serde(deserialize_with = "wire::list::<MAX_RECTS, _, _>")]
    pub solid: Vec<(Rect, [u8; 3])>,
    /// What changes in the stream's palette, which is black at first, before any pixel of this message, in order; at
    /// most [`MAX_COLOURS`].
    #[serde(deserialize_with = "wire::list::<MAX_COLOURS, _, _>")]
    pub palette: Vec<Colour>,
    /// Pixels by their colours' numbers, in `data`; at most [`MAX_RECTS`].
    #[serde(deserialize_with = "wire::list::<MAX_RECTS, _, _>")]
    pub indexed: Vec<Rect>,
    /// Pixels by their colours, in `data`; at most [`MAX_RECTS`].
    #[serde(deserialize_with = "wire::list::<MAX_RECTS, _, _>")]
    pub coded: Vec<Rect>,
    /// The next bytes of the zstd stream; they inflate to the pixels of `indexed`, a byte each, and after them those of
    /// `coded`, three bytes each (R, G, B); to at most [`MAX_RAW`] together.
    pub data: ByteBuf,
}

/// One colour of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// Which.
    pub number: u8,
    /// What it is from now on (R, G, B).
    pub rgb: [u8; 3],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_message_is_allowed() {
        let far = u16::MAX;
        let rect = Rect { x: far, y: far, width: far, height: far };
        let tiles = Tiles {
            solid: vec![(rect, [255; 3]); MAX_RECTS],
            palette: vec![Colour { number: 255, rgb: [255; 3] }; MAX_COLOURS],
            indexed: vec![rect; MAX_RECTS],
            coded: vec![rect; MAX_RECTS],
            // What does not compress becomes a little longer: 3 bytes for each 128 KiB, and a flush.
            data: vec![255; MAX_RAW + 1_024].into(),
        };
        let message = Screen::Tiles(tiles);
        assert_eq!(wire::decode(&wire::encode(&message)), Ok(message));
    }
}
