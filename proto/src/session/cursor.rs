//! The pointer travels by itself: its position as a datagram (newest wins), its shape once, by hash.

use super::{geometry::Size, screen::Epoch};
use crate::wire::Message;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};

/// Widest and highest shape, in pixels; larger ones are cut, so that a shape fits a control message.
pub const MAX_SHAPE_SIDE: u16 = 120;

/// First 8 bytes (big endian) of the SHA-256 over `2 width | 2 height | 2 hot x | 2 hot y | pixels`, numbers big
/// endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShapeId(pub u64);

/// A pointer shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Its id.
    pub id: ShapeId,
    /// Its size, at most [`MAX_SHAPE_SIDE`] each way.
    pub size: Size,
    /// The pixel that points, from the top left: x, y.
    pub hot: (u16, u16),
    /// RGBA8, premultiplied, row by row: 4 × width × height bytes.
    pub pixels: ByteBuf,
}

impl Shape {
    /// A shape with its id. `pixels` as in [`Shape::pixels`]; whether they fit is [`Shape::is_whole`]'s business.
    pub fn new(size: Size, hot: (u16, u16), pixels: Vec<u8>) -> Self {
        let mut hash = Sha256::new();
        for number in [size.width, size.height, hot.0, hot.1] {
            hash.update(number.to_be_bytes());
        }
        hash.update(&pixels);
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let id = ShapeId(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        Self { id, size, hot, pixels: ByteBuf::from(pixels) }
    }

    /// True if the sizes fit together and the limits hold.
    pub fn is_whole(&self) -> bool {
        let Size { width, height } = self.size;
        (1..=MAX_SHAPE_SIDE).contains(&width)
            && (1..=MAX_SHAPE_SIDE).contains(&height)
            && self.pixels.len() == usize::from(width) * usize::from(height) * 4
    }
}

/// Host to viewer, as a QUIC datagram (RFC 9221), whenever the pointer has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The epoch whose picture the position belongs to.
    pub epoch: Epoch,
    /// Counts positions; an older one than the last seen is dropped.
    pub seq: u64,
    /// Monitor pixels; outside the picture when the pointer is on another monitor.
    pub x: i32,
    /// Monitor pixels.
    pub y: i32,
    /// The shape it has now.
    pub shape: ShapeId,
}

impl Message for Position {
    const MAX: usize = 64;
}
