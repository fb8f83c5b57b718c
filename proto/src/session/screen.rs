//! The picture: one stream per monitor and epoch, host to viewer. A resize, another monitor or a reconnect opens a
//! new epoch on a new stream, with a fresh zstd stream and the whole picture.
//!
//! ```text
//! Open · ( Begin · ( Moves | Tiles )* · End )*
//! ```
//! All [`Tiles`] data of one stream is ONE zstd stream (RFC 8878; window at most 2^[`WINDOW_LOG`]), flushed at the
//! end of each message: raw RGB, 3 bytes a pixel, row by row, rectangle after rectangle.

use super::geometry::{MonitorId, Point, Rect, Size};
use crate::wire::{self, Message};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Log2 of the largest zstd window, in bytes.
pub const WINDOW_LOG: u32 = 22;

/// Raw bytes that the data of one [`Tiles`] may inflate to, at most.
pub const MAX_RAW: usize = 256 << 10;

/// Rectangles of one [`Tiles`], at most (solid and coded each).
pub const MAX_RECTS: usize = 2_048;

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
    const MAX: usize = MAX_RAW + (64 << 10);
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

/// Rectangles that changed, in the order in which they are to be painted: solid ones first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tiles {
    /// One colour each (R, G, B); at most [`MAX_RECTS`].
    #[serde(deserialize_with = "wire::list::<MAX_RECTS, _, _>")]
    pub solid: Vec<(Rect, [u8; 3])>,
    /// Pixels each, in `data`; at most [`MAX_RECTS`].
    #[serde(deserialize_with = "wire::list::<MAX_RECTS, _, _>")]
    pub coded: Vec<Rect>,
    /// The next bytes of the zstd stream; they inflate to 3 × the pixels of `coded`, at most [`MAX_RAW`].
    pub data: ByteBuf,
}
