//! Pointer shapes as the display server has them, made fit for the wire: cut to size around the hot spot.

use nearhand_proto::session::{
    cursor::{MAX_SHAPE_SIDE, Shape},
    geometry::Size,
};

/// Makes a shape of premultiplied ARGB words (XFixes' and XCursor's form), row by row. What is larger than
/// [`MAX_SHAPE_SIDE`] is cut so that the hot spot stays inside; what makes no sense becomes one clear pixel.
pub fn from_argb(size: Size, hot: (u16, u16), argb: &[u32]) -> Shape {
    let width = usize::from(size.width);
    if size.pixels() == 0 || argb.len() != width * usize::from(size.height) {
        return Shape::new(Size { width: 1, height: 1 }, (0, 0), vec![0; 4]);
    }
    let (left, columns, hot_x) = cut(size.width, hot.0);
    let (top, rows, hot_y) = cut(size.height, hot.1);
    let pixels = argb
        .chunks(width)
        .skip(top.into())
        .take(rows.into())
        .flat_map(|row| row.iter().skip(left.into()).take(columns.into()))
        .flat_map(|word| {
            let [a, r, g, b] = word.to_be_bytes();
            [r, g, b, a]
        })
        .collect();
    Shape::new(Size { width: columns, height: rows }, (hot_x, hot_y), pixels)
}

/// What is kept of one side: first pixel, pixels, and where the hot spot lies in them.
fn cut(side: u16, hot: u16) -> (u16, u16, u16) {
    let hot = hot.min(side.saturating_sub(1));
    let kept = side.min(MAX_SHAPE_SIDE);
    let first = hot.saturating_sub(kept / 2).min(side - kept);
    (first, kept, hot - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_cut_around_the_hot_spot() {
        for (side, hot, expected) in [
            (24, 3, (0, 24, 3)),
            (24, 99, (0, 24, 23)),
            (120, 119, (0, 120, 119)),
            (200, 0, (0, 120, 0)),
            (200, 199, (80, 120, 119)),
            (200, 100, (40, 120, 60)),
        ] {
            assert_eq!(cut(side, hot), expected, "{side} {hot}");
        }
    }

    #[test]
    fn words_become_rgba() {
        let shape = from_argb(Size { width: 2, height: 1 }, (1, 0), &[0x8011_2233, 0xff00_ff00]);
        assert_eq!(shape.pixels.as_slice(), [0x11, 0x22, 0x33, 0x80, 0, 0xff, 0, 0xff]);
        assert_eq!(shape.hot, (1, 0));
        assert!(shape.is_whole());
        let other = from_argb(Size { width: 2, height: 1 }, (0, 0), &[0x8011_2233, 0xff00_ff00]);
        assert_ne!(shape.id, other.id, "the hot spot counts");
        assert!(from_argb(Size { width: 2, height: 2 }, (0, 0), &[0]).is_whole());
        let large = from_argb(Size { width: 300, height: 300 }, (299, 0), &vec![7; 90_000]);
        assert!(large.is_whole());
    }
}
