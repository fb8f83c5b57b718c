//! The picture, host's side (design §7): what the screen shows becomes [`Screen`] messages for one viewer.
//!
//! ```text
//! capture's damage ─▶ Damage ─(Credit allows)─▶ Encoder: changes → moves → merge → pack ─▶ Begin · Moves? · Tiles* · End
//!                                    ▲                                                     │
//!                                    └──────────── Drawn, from the viewer ◀────────────────┘
//! ```
//! Every viewer has its own [`Damage`], [`Credit`] and [`Encoder`], so a slow one never holds up another. No
//! sockets, threads or clock here: the session feeds in and carries out. Photo tiles and video take their place between
//! `moves` and `pack`.
//!
//! [`Screen`]: nearhand_proto::session::screen::Screen

mod changes;
pub mod credit;
pub mod damage;
mod merge;
mod moves;
mod pack;
mod palette;
pub mod pixels;
pub mod tiles;

pub use credit::Credit;
pub use damage::{Damage, Marks, Pending};
pub use pixels::Pixels;
pub use tiles::{Encoder, Ending};

use nearhand_proto::session::geometry::Size;
use std::io;

/// Why a picture can't be encoded. After an error the encoder no longer knows what the viewer has: drop it and
/// open a new epoch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A monitor that is empty or larger than the protocol allows.
    #[error("a picture of {} x {} pixels can't be shown, choose a smaller resolution", .0.width, .0.height)]
    Size(Size),
    /// Misuse: fewer bytes than the size and the stride promise.
    #[error("a frame of {got} bytes was given where {needed} are needed")]
    FrameLength {
        /// Bytes given.
        got: usize,
        /// Bytes needed: stride × (height − 1) + 4 × width.
        needed: usize,
    },
    /// Misuse: the frame or the marks are of another size than the encoder.
    #[error("the encoder is for {} x {} pixels, the frame or its damage for another size", .0.width, .0.height)]
    OtherSize(Size),
    /// zstd failed, which only lack of memory explains.
    #[error("the picture can't be compressed")]
    Compress(#[from] io::Error),
}
