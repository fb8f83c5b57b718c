//! Small marks, drawn rather than written: no font has to have them.

use eframe::egui::{Align2, Color32, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, vec2};

/// Side of a mark, in points.
const SIDE: f32 = 14.0;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Good, or done.
    Check,
    /// Wrong.
    Cross,
    /// Under way.
    Now,
    /// To come.
    Later,
}

/// Draws a mark in the line. Whatever stands beside it says the same in words.
pub(super) fn show(ui: &mut Ui, mark: Mark, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::hover());
    let at = |x: f32, y: f32| rect.min + vec2(x, y) * SIDE;
    let stroke = Stroke::new(2.0, colour);
    let line = |points: Vec<Pos2>| Shape::line(points, stroke);
    let painter = ui.painter();
    match mark {
        Mark::Check => {
            painter.add(line(vec![at(0.1, 0.55), at(0.4, 0.85), at(0.95, 0.15)]));
        }
        Mark::Cross => {
            painter.add(line(vec![at(0.15, 0.15), at(0.85, 0.85)]));
            painter.add(line(vec![at(0.85, 0.15), at(0.15, 0.85)]));
        }
        Mark::Now => {
            let points = vec![at(0.15, 0.05), at(0.9, 0.5), at(0.15, 0.95)];
            painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
        }
        Mark::Later => {
            painter.circle_stroke(rect.center(), SIDE * 0.38, Stroke::new(1.5, colour));
        }
    }
}

/// Draws the small triangle that tells a menu from a button; leave four spaces behind the button's text.
pub(super) fn menu(ui: &Ui, button: &Response) {
    let colour = ui.style().interact(button).text_color();
    let rect = Align2::RIGHT_CENTER.align_size_within_rect(
        vec2(9.0, 5.0),
        Rect::from_min_max(button.rect.min, button.rect.max - vec2(9.0, 0.0)),
    );
    let points = vec![rect.left_top(), rect.right_top(), rect.center_bottom()];
    ui.painter().add(Shape::convex_polygon(points, colour, Stroke::NONE));
}
