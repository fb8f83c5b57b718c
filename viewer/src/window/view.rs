//! Where the picture lies in the window, and which of its pixels a place in the window is. Pure.
//!
//! The picture is never blurred by being larger than it is: it is shown 1:1, in whole multiples, or smaller. Its
//! corner lies on a whole pixel of the display.

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use nearhand_proto::session::geometry::{Point, Size};

/// How large the picture is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scale {
    /// As large as fits.
    #[default]
    Fit,
    /// One pixel for each pixel; what doesn't fit is scrolled to.
    One,
}

/// A picture in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    /// Where it lies, in points.
    pub(super) rect: Rect,
    /// Display pixels for each of its own, across and down.
    pub(super) factor: f32,
    /// Its size.
    pub(super) size: Size,
}

/// How many display pixels a pixel of the picture takes: whole numbers from 1 on.
pub(super) fn factor(scale: Scale, size: Size, area: Vec2, pixels_per_point: f32) -> f32 {
    match scale {
        Scale::One => 1.0,
        Scale::Fit => {
            let room = area * pixels_per_point;
            let fits = (room.x / f32::from(size.width)).min(room.y / f32::from(size.height));
            if 1.0 <= fits { fits.floor() } else { fits.max(0.02) }
        }
    }
}

/// The picture's size in points.
pub(super) fn extent(size: Size, factor: f32, pixels_per_point: f32) -> Vec2 {
    vec2(f32::from(size.width), f32::from(size.height)) * factor / pixels_per_point
}

impl Placed {
    /// Puts a picture's corner on the display pixel that is nearest to `corner`.
    pub(super) fn at(corner: Pos2, size: Size, factor: f32, pixels_per_point: f32) -> Self {
        let whole = |value: f32| (value * pixels_per_point).round() / pixels_per_point;
        let corner = pos2(whole(corner.x), whole(corner.y));
        Self { rect: Rect::from_min_size(corner, extent(size, factor, pixels_per_point)), factor, size }
    }

    /// The picture's pixel at a place in the window; the nearest one for a place outside.
    pub(super) fn pixel(&self, at: Pos2) -> Point {
        let along = |at: f32, start: f32, length: f32, pixels: u16| {
            let share = f64::from(at - start) / f64::from(length.max(f32::MIN_POSITIVE));
            whole(share * f64::from(pixels), pixels.saturating_sub(1))
        };
        Point {
            x: along(at.x, self.rect.min.x, self.rect.width(), self.size.width),
            y: along(at.y, self.rect.min.y, self.rect.height(), self.size.height),
        }
    }

    /// Where in the window a pixel's top left corner is.
    pub(super) fn place(&self, x: i32, y: i32) -> Pos2 {
        let along = |pixel: i32, start: f32, length: f32, pixels: u16| {
            #[expect(clippy::cast_possible_truncation, reason = "a place on a display is no exact number")]
            let share = (f64::from(pixel) / f64::from(pixels.max(1))) as f32;
            start + share * length
        };
        pos2(
            along(x, self.rect.min.x, self.rect.width(), self.size.width),
            along(y, self.rect.min.y, self.rect.height(), self.size.height),
        )
    }
}

/// `value` without its fraction, within 0 and `most`.
fn whole(value: f64, most: u16) -> u16 {
    // A place a hair's breadth short of a pixel's edge (by rounding to points and back) belongs to that pixel.
    let value = (value + 4e-3).floor().clamp(0.0, f64::from(most));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a u16's range")]
    let whole = value as u16;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: Size = Size { width: 203, height: 151 };

    #[test]
    fn it_grows_by_whole_factors_and_shrinks_to_what_fits() {
        let check = |scale, area: (f32, f32), pixels_per_point, expected: f32| {
            let found = factor(scale, SIZE, vec2(area.0, area.1), pixels_per_point);
            assert!((found - expected).abs() < 1e-6, "{scale:?} {area:?}: {found}");
        };
        check(Scale::Fit, (406.0, 302.0), 1.0, 2.0);
        check(Scale::Fit, (600.0, 302.0), 1.0, 2.0);
        check(Scale::Fit, (405.0, 400.0), 1.0, 1.0);
        check(Scale::Fit, (101.5, 400.0), 1.0, 0.5);
        check(Scale::Fit, (203.0, 151.0), 2.0, 2.0);
        check(Scale::One, (10.0, 10.0), 2.0, 1.0);
    }

    #[test]
    fn its_corner_is_on_a_whole_pixel() {
        let placed = Placed::at(pos2(10.3, 20.2), SIZE, 1.0, 2.0);
        assert_eq!(placed.rect.min, pos2(10.5, 20.0));
        assert_eq!(placed.rect.size(), vec2(101.5, 75.5));
    }

    #[test]
    fn places_outside_are_the_nearest_pixel() {
        let placed = Placed::at(pos2(100.0, 50.0), SIZE, 1.0, 1.0);
        for (at, pixel) in [
            ((100.0, 50.0), (0, 0)),
            ((99.0, 49.0), (0, 0)),
            ((302.9, 200.9), (202, 150)),
            ((9e9, 9e9), (202, 150)),
            ((-9e9, 60.5), (0, 10)),
        ] {
            assert_eq!(placed.pixel(pos2(at.0, at.1)), Point { x: pixel.0, y: pixel.1 }, "{at:?}");
        }
    }

    proptest! {
        #[test]
        fn every_display_pixel_is_the_pixel_under_it(
            x in 0u16..1_920, y in 0u16..1_080, factor in 1u16..4, scale in 1u8..4, left in 0.0f32..500.0,
        ) {
            let size = Size { width: 1_920, height: 1_080 };
            let pixels_per_point = f32::from(scale);
            let placed = Placed::at(pos2(left, 31.7), size, f32::from(factor), pixels_per_point);
            let step = f32::from(factor) / pixels_per_point;
            for inside in [0.0, 0.5, (f32::from(factor) - 0.5) / f32::from(factor)] {
                let at = placed.rect.min + vec2(f32::from(x) + inside, f32::from(y) + inside) * step;
                prop_assert_eq!(placed.pixel(at), Point { x, y });
            }
            let corner = placed.place(i32::from(x), i32::from(y));
            prop_assert_eq!(placed.pixel(corner), Point { x, y });
        }
    }
}
