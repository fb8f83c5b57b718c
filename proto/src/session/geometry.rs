//! Rectangles and monitors. Pixels count from the top left; a monitor's own pixels begin at (0, 0).

use crate::text::Name;
use serde::{Deserialize, Serialize};

/// Widest and highest picture, in pixels.
pub const MAX_SIDE: u16 = 16_384;

/// Most pixels of one picture (64 Mi).
pub const MAX_PIXELS: u32 = 64 << 20;

/// A point in monitor pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// From the left edge.
    pub x: u16,
    /// From the top edge.
    pub y: u16,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Size {
    /// True for a picture that may exist: not empty, within [`MAX_SIDE`] and [`MAX_PIXELS`].
    pub fn is_allowed(self) -> bool {
        let sides = 1..=MAX_SIDE;
        sides.contains(&self.width) && sides.contains(&self.height) && self.pixels() <= MAX_PIXELS
    }

    /// Columns × rows.
    pub fn pixels(self) -> u32 {
        u32::from(self.width) * u32::from(self.height)
    }

    /// The whole picture as a rectangle.
    pub fn rect(self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }
}

/// A rectangle in monitor pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: u16,
    /// Top edge.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Rect {
    /// One past the last column.
    pub fn right(self) -> u32 {
        u32::from(self.x) + u32::from(self.width)
    }

    /// One past the last row.
    pub fn bottom(self) -> u32 {
        u32::from(self.y) + u32::from(self.height)
    }

    /// Columns × rows.
    pub fn pixels(self) -> u32 {
        u32::from(self.width) * u32::from(self.height)
    }

    /// True for a rectangle that is not empty and lies inside a picture of `size`.
    pub fn fits(self, size: Size) -> bool {
        self.width != 0
            && self.height != 0
            && self.right() <= u32::from(size.width)
            && self.bottom() <= u32::from(size.height)
    }

    /// The smallest rectangle with both in it.
    pub fn hull(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let length = |start: u16, end: u32| u16::try_from(end - u32::from(start)).unwrap_or(u16::MAX);
        let width = length(x, self.right().max(other.right()));
        Self { x, y, width, height: length(y, self.bottom().max(other.bottom())) }
    }

    /// True if they have a pixel in common.
    pub fn meets(self, other: Self) -> bool {
        u32::from(self.x) < other.right()
            && u32::from(other.x) < self.right()
            && u32::from(self.y) < other.bottom()
            && u32::from(other.y) < self.bottom()
    }

    /// The part of this rectangle inside a picture of `size`; `None` if nothing is.
    pub fn clipped(self, size: Size) -> Option<Self> {
        let width = self.width.min(size.width.checked_sub(self.x)?);
        let height = self.height.min(size.height.checked_sub(self.y)?);
        (width != 0 && height != 0).then_some(Self { width, height, ..self })
    }
}

/// Names a monitor until the layout changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MonitorId(pub u32);

/// One monitor of the user's desktop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    /// Its id.
    pub id: MonitorId,
    /// Its output's name, such as `HDMI-1`.
    pub name: Name,
    /// Its left edge on the desktop.
    pub left: i32,
    /// Its top edge on the desktop.
    pub top: i32,
    /// Its size.
    pub size: Size,
    /// True for the desktop's primary monitor.
    pub primary: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_and_clips_at_the_edges() {
        let size = Size { width: 100, height: 50 };
        let rect = |x, y, width, height| Rect { x, y, width, height };
        assert!(rect(90, 40, 10, 10).fits(size));
        assert!(!rect(91, 40, 10, 10).fits(size));
        assert!(!rect(0, 0, 0, 1).fits(size));
        assert!(!rect(u16::MAX, 0, u16::MAX, 1).fits(size));
        assert_eq!(rect(90, 40, 20, 20).clipped(size), Some(rect(90, 40, 10, 10)));
        assert_eq!(rect(100, 0, 1, 1).clipped(size), None);
        assert_eq!(rect(3, 9, 2, 1).hull(rect(4, 2, 6, 3)), rect(3, 2, 7, 8));
        assert!(rect(3, 3, 2, 2).meets(rect(4, 4, 1, 1)) && !rect(3, 3, 2, 2).meets(rect(5, 3, 1, 1)));
        assert!(!Size { width: 0, height: 1 }.is_allowed());
        assert!(!Size { width: 16_384, height: 16_384 }.is_allowed());
    }
}
