//! What is only read: titles, text, digits, notes, and the card that holds them.

use super::{BODY, NARROW, ROUND, SMALL, TITLE, palette};
use eframe::egui::{
    Align, Color32, FontFamily, FontId, Frame, Galley, Id, Margin, Painter, Pos2, Rect, Response, Role,
    Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// How much a note wants to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Info,
    /// Needs attention.
    Warning,
    /// Everything is well.
    Good,
}

/// A window's first line. When it `appears`, the keyboard and a screen reader are brought to it: the first step from
/// there leads to what can be pressed, and no key that was meant for something else presses it. One at a time.
pub fn title(ui: &mut Ui, text: &str, appears: bool) -> Response {
    let size = if ui.available_width() < NARROW { TITLE * 0.8 } else { TITLE };
    let colour = ui.visuals().text_color();
    let rect = lay(ui, text, size, colour, HEAVY);
    let response = ui.interact(rect, Id::unique("nearhand title"), Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, text));
    if appears {
        response.request_focus();
        // With the space above it.
        ui.scroll_to_rect(rect.expand(24.0), Some(Align::TOP));
    }
    response
}

/// A name that stands alone, such as an address.
pub fn name(ui: &mut Ui, text: &str) -> Response {
    let colour = ui.visuals().text_color();
    drawn(ui, text, TITLE * 0.9, colour, HEAVY)
}

/// Ordinary text that stands out.
pub fn strong(ui: &mut Ui, text: &str) -> Response {
    let colour = ui.visuals().text_color();
    drawn(ui, text, BODY, colour, HEAVY)
}

/// Ordinary text.
pub fn text(ui: &mut Ui, text: &str) -> Response {
    let colour = ui.visuals().text_color();
    drawn(ui, text, BODY, colour, REGULAR)
}

/// Small text of second rank.
pub fn weak(ui: &mut Ui, text: &str) -> Response {
    let colour = palette(ui).weak;
    drawn(ui, text, SMALL, colour, REGULAR)
}

/// Digits that are read out: as large as the width allows, up to `most` points. `spoken` is what a screen reader says.
pub fn digits(ui: &mut Ui, text: &str, spoken: &str, most: f32) -> Response {
    let colour = ui.visuals().text_color();
    let unit = FontId::new(100.0, FontFamily::Proportional);
    let width = ui.painter().layout_no_wrap(text.to_owned(), unit, colour).size().x.max(1.0);
    let size = (ui.available_width() / width * 100.0 * 0.95).min(most);
    let rect = lay(ui, text, size, colour, HEAVY);
    let response = ui.interact(rect, ui.scope_id().with("digits"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, spoken));
    response
}

/// A note on a ground of its own, as wide as there is room.
pub fn notice(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    let palette = palette(ui);
    let pair = match tone {
        Tone::Info => palette.info,
        Tone::Warning => palette.warning,
        Tone::Good => palette.good,
    };
    let frame = Frame::new().fill(pair.fill).corner_radius(ROUND).inner_margin(Margin::symmetric(14, 10));
    let inner = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        drawn(ui, text, BODY, pair.text, REGULAR)
    });
    inner.inner
}

/// A note that needs attention, with a first line that stands out.
pub fn caution(ui: &mut Ui, first: &str, text: &str) {
    let pair = palette(ui).warning;
    let frame = Frame::new().fill(pair.fill).corner_radius(ROUND).inner_margin(Margin::symmetric(16, 12));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        drawn(ui, first, BODY + 1.0, pair.text, HEAVY);
        drawn(ui, text, BODY, pair.text, REGULAR);
    });
}

/// A card that lies on the window.
pub fn card<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let palette = palette(ui);
    let frame = Frame::new()
        .fill(palette.card.fill)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(ROUND)
        .inner_margin(Margin::same(20));
    frame.show(ui, add).inner
}

/// How far apart ordinary text is drawn twice, in its own size.
pub(super) const REGULAR: f32 = 0.02;

/// The same of what stands out.
const HEAVY: f32 = 0.045;

/// Text, wrapped where the room ends.
fn drawn(ui: &mut Ui, text: &str, size: f32, colour: Color32, weight: f32) -> Response {
    let rect = lay(ui, text, size, colour, weight);
    let response = ui.interact(rect, ui.next_auto_id(), Sense::hover());
    ui.skip_ahead_auto_ids(1);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    response
}

/// Takes the room and draws, no more.
fn lay(ui: &mut Ui, text: &str, size: f32, colour: Color32, weight: f32) -> Rect {
    let font = FontId::new(size, FontFamily::Proportional);
    let galley = ui.painter().layout(text.to_owned(), font, colour, ui.available_width());
    let (_, rect) = ui.allocate_space(galley.size() + vec2(size * weight, 0.0));
    twice(ui.painter(), rect.min, galley, size * weight);
    rect
}

/// The one font that egui brings has a light hand: drawn twice it is easier to read, a whole number of pixels apart so
/// that every line looks the same.
pub(super) fn twice(painter: &Painter, at: Pos2, galley: Arc<Galley>, apart: f32) {
    let scale = painter.pixels_per_point();
    let snap = |points: f32| (points * scale).round() / scale;
    let at = pos2(snap(at.x), snap(at.y));
    painter.galley(at, galley.clone(), Color32::PLACEHOLDER);
    painter.galley(at + vec2(snap(apart), 0.0), galley, Color32::PLACEHOLDER);
}
