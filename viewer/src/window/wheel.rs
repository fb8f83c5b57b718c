//! Wheels that turn smoothly, as notches: what is less than one is kept until there is one. Pure.

use eframe::egui::{MouseWheelUnit, Vec2};

/// Points of smooth scrolling in one notch, as toolkits count.
const NOTCH: f32 = 50.0;

/// Notches of one page.
const PAGE: f32 = 10.0;

/// Notches sent at once each way, at most.
const MOST: f32 = 64.0;

/// What has been turned and not sent.
#[derive(Debug, Default)]
pub(super) struct Wheel(Vec2);

impl Wheel {
    /// Takes a turn as the toolkit tells it (positive is up and left); notches as the session has them (positive is
    /// down and right), if there are any.
    pub(super) fn turn(&mut self, unit: MouseWheelUnit, delta: Vec2) -> Option<(i16, i16)> {
        let delta = match unit {
            MouseWheelUnit::Point => delta / NOTCH,
            MouseWheelUnit::Line => delta,
            MouseWheelUnit::Page => delta * PAGE,
        };
        // A turn the other way begins anew: half a notch up must not eat one down.
        let add = |kept: f32, turned: f32| if kept * turned < 0.0 { turned } else { kept + turned };
        self.0 = Vec2::new(add(self.0.x, delta.x), add(self.0.y, delta.y));
        let whole = Vec2::new(self.0.x.trunc(), self.0.y.trunc());
        self.0 -= whole;
        (whole != Vec2::ZERO).then(|| (notches(-whole.x), notches(-whole.y)))
    }
}

fn notches(whole: f32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within 64")]
    let notches = whole.clamp(-MOST, MOST) as i16;
    notches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_turns_add_up_and_a_turn_back_begins_anew() {
        let mut wheel = Wheel::default();
        let mut turn = |unit, x: f32, y: f32| wheel.turn(unit, Vec2::new(x, y));
        assert_eq!(turn(MouseWheelUnit::Line, 0.0, 1.0), Some((0, -1)));
        assert_eq!(turn(MouseWheelUnit::Line, -2.0, 0.0), Some((2, 0)));
        for _ in 0..4 {
            assert_eq!(turn(MouseWheelUnit::Point, 0.0, -11.0), None);
        }
        assert_eq!(turn(MouseWheelUnit::Point, 0.0, -11.0), Some((0, 1)));
        assert_eq!(turn(MouseWheelUnit::Point, 0.0, -40.0), None);
        assert_eq!(turn(MouseWheelUnit::Point, 0.0, 40.0), None);
        assert_eq!(turn(MouseWheelUnit::Point, 0.0, 10.0), Some((0, -1)));
        assert_eq!(turn(MouseWheelUnit::Line, 0.0, 9e9), Some((0, -64)));
    }
}
