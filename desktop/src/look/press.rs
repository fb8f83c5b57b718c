//! What can be pressed: buttons and switches, by mouse, touch, Enter, Space or a screen reader.

use super::{
    BODY, BUTTON, ROUND, palette,
    palette::Palette,
    say::{REGULAR, twice},
};
use eframe::egui::{
    Color32, CornerRadius, CursorIcon, FontFamily, FontId, Painter, Pos2, Rect, Response, Role, Sense,
    Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

/// What a button is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It leads on; at most one at a time.
    Primary,
    /// Another way.
    Plain,
    /// It ends something.
    Danger,
    /// Looks like a link.
    Link,
    /// Looks like a link that warns: rarely needed, always there.
    Warning,
}

impl Kind {
    /// Its fill, text and border.
    pub fn colours(self, palette: &Palette) -> (Color32, Color32, Color32) {
        match self {
            Self::Primary => (palette.primary.fill, palette.primary.text, palette.primary.fill),
            Self::Danger => (palette.danger.fill, palette.danger.text, palette.danger.fill),
            Self::Plain => (palette.card.fill, palette.card.text, palette.border),
            Self::Link => (Color32::TRANSPARENT, palette.primary.fill, Color32::TRANSPARENT),
            Self::Warning => (Color32::TRANSPARENT, palette.danger.fill, Color32::TRANSPARENT),
        }
    }

    fn is_link(self) -> bool {
        matches!(self, Self::Link | Self::Warning)
    }
}

/// A button as wide as its text.
pub fn button(ui: &mut Ui, kind: Kind, text: &str) -> Response {
    sized_button(ui, kind, text, 0.0)
}

/// A button as wide as there is room.
pub fn wide_button(ui: &mut Ui, kind: Kind, text: &str) -> Response {
    sized_button(ui, kind, text, ui.available_width())
}

fn sized_button(ui: &mut Ui, kind: Kind, text: &str, width: f32) -> Response {
    let palette = palette(ui);
    let (fill, colour, border) = kind.colours(palette);
    let padding = if kind.is_link() { vec2(4.0, 8.0) } else { ui.spacing().button_padding };
    let font = FontId::new(BODY, FontFamily::Proportional);
    let room = (ui.available_width() - 2.0 * padding.x).max(40.0);
    let galley = ui.painter().layout(text.to_owned(), font, colour, room);
    let least = if kind.is_link() { 36.0 } else { BUTTON };
    let size = (galley.size() + 2.0 * padding).max(vec2(width, least));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), text));
    if ui.is_rect_visible(rect) {
        let lit = lit(&response, fill, palette.window.text);
        let painter = ui.painter();
        painter.rect(rect, ROUND, lit, Stroke::new(1.0, border), StrokeKind::Inside);
        let at = rect.center() - galley.size() / 2.0;
        let underline = kind.is_link().then(|| Rect::from_min_size(at, galley.size()));
        twice(painter, at, galley, BODY * REGULAR);
        if let Some(text) = underline {
            painter.hline(text.x_range(), text.bottom() - 1.0, Stroke::new(1.0, colour));
        }
        ring(ui, &response, rect);
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A switch with its words; `on` is what it shows, the caller decides what a click makes of it.
pub fn switch(ui: &mut Ui, on: bool, text: &str) -> Response {
    const TRACK: Vec2 = vec2(42.0, 24.0);
    let palette = palette(ui);
    let font = FontId::new(BODY - 1.0, FontFamily::Proportional);
    let room = (ui.max_rect().width() - TRACK.x - 16.0).max(60.0);
    let galley = ui.painter().layout(text.to_owned(), font, palette.window.text, room);
    let size = vec2(TRACK.x + 8.0 + galley.size().x + 4.0, galley.size().y.max(TRACK.y) + 8.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), on, text));
    if ui.is_rect_visible(rect) {
        let track = Rect::from_min_size(pos2(rect.left(), rect.center().y - TRACK.y / 2.0), TRACK);
        let fill = if on { palette.good.fill } else { palette.off };
        let painter = ui.painter();
        painter.rect_filled(track, CornerRadius::same(12), lit(&response, fill, palette.window.text));
        let x = if on { track.right() - 12.0 } else { track.left() + 12.0 };
        painter.circle_filled(pos2(x, track.center().y), 8.5, palette.card.fill);
        // Not by colour alone.
        if on {
            tick(painter, pos2(track.left() + 13.0, track.center().y), palette.good.text);
        }
        let at = pos2(track.right() + 8.0, rect.center().y - galley.size().y / 2.0);
        twice(painter, at, galley, BODY * REGULAR);
        ring(ui, &response, rect);
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// Drawn, since no font that is sure to be there has one.
fn tick(painter: &Painter, at: Pos2, colour: Color32) {
    let points = vec![at + vec2(-4.5, 0.0), at + vec2(-1.5, 3.5), at + vec2(4.5, -4.0)];
    painter.line(points, Stroke::new(2.0, colour));
}

/// The colour of something under the pointer, or pressed.
fn lit(response: &Response, fill: Color32, towards: Color32) -> Color32 {
    let by = match (response.is_pointer_button_down_on(), response.hovered()) {
        (true, _) => 0.2,
        (_, true) => 0.1,
        _ => return fill,
    };
    if fill == Color32::TRANSPARENT { towards.gamma_multiply(by) } else { fill.lerp_to_gamma(towards, by) }
}

/// Around what the keyboard acts on.
fn ring(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        if response.gained_focus() {
            response.scroll_to_me(None);
        }
        let stroke = Stroke::new(3.0, palette(ui).focus);
        let round = ROUND + CornerRadius::same(3);
        ui.painter().rect_stroke(rect.expand(2.0), round, stroke, StrokeKind::Outside);
    }
}
