//! The shared look, denser: the technician works in this window all day and wants the picture, not the buttons.

use eframe::egui::{
    Button, Context, CornerRadius, FontFamily, FontId, Frame, Margin, Rect, Response, RichText, ScrollArea,
    Stroke, StrokeKind, TextStyle, Theme, Ui, UiBuilder, pos2, vec2,
};
use nearhand_desktop::look::{self, Kind, Tone, palette};

/// Ordinary text, in points.
pub(super) const BODY: f32 = 14.0;

/// Text of second rank, in points.
pub(super) const SMALL: f32 = 12.5;

/// Width of a page that is read, in points.
pub(super) const PAGE: f32 = 520.0;

const ROUND: CornerRadius = CornerRadius::same(5);

/// Gives this context the look. Once, before the first frame.
pub fn apply(context: &Context) {
    look::apply(context);
    for theme in [Theme::Light, Theme::Dark] {
        context.style_mut_of(theme, |style| {
            let font = |size, family| FontId::new(size, family);
            style.text_styles = [
                (TextStyle::Small, font(SMALL, FontFamily::Proportional)),
                (TextStyle::Body, font(BODY, FontFamily::Proportional)),
                (TextStyle::Button, font(BODY, FontFamily::Proportional)),
                (TextStyle::Heading, font(22.0, FontFamily::Proportional)),
                (TextStyle::Monospace, font(BODY, FontFamily::Monospace)),
            ]
            .into();
            style.spacing.item_spacing = vec2(6.0, 6.0);
            style.spacing.button_padding = vec2(9.0, 4.0);
            style.spacing.interact_size = vec2(28.0, 28.0);
            style.visuals.disabled_alpha = 0.75;
            // Over a picture that is 1:1 nothing may lie that isn't in it.
            style.spacing.scroll.fade.strength = 0.0;
            style.spacing.menu_margin = Margin::same(6);
            let widgets = &mut style.visuals.widgets;
            for widget in [
                &mut widgets.noninteractive,
                &mut widgets.inactive,
                &mut widgets.hovered,
                &mut widgets.active,
                &mut widgets.open,
            ] {
                widget.corner_radius = ROUND;
            }
        });
    }
}

/// A button as wide as its text.
pub(super) fn button(ui: &mut Ui, kind: Kind, text: &str) -> Response {
    sized(ui, kind, text, 0.0)
}

/// The button that a page is about, with room around its text.
pub(super) fn large_button(ui: &mut Ui, kind: Kind, text: &str) -> Response {
    ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(18.0, 8.0);
        sized(ui, kind, text, 36.0)
    })
    .inner
}

/// A button that stays down.
pub(super) fn toggle(ui: &mut Ui, on: bool, text: &str) -> Response {
    let palette = palette(ui);
    let button = if on {
        Button::new(RichText::new(text).color(palette.info.text)).fill(palette.info.fill)
    } else {
        Button::new(text)
    };
    let stroke = Stroke::new(if on { 1.5 } else { 1.0 }, if on { palette.focus } else { palette.border });
    let response = ui.add(button.stroke(stroke).selected(on));
    ring(ui, &response);
    response
}

fn sized(ui: &mut Ui, kind: Kind, text: &str, height: f32) -> Response {
    let palette = palette(ui);
    let (fill, colour, border) = kind.colours(palette);
    // A filled button that can't be pressed must not look as if it could.
    let (fill, colour) = if ui.is_enabled() { (fill, colour) } else { (palette.window.fill, palette.weak) };
    let button = Button::new(RichText::new(text).color(colour))
        .fill(fill)
        .stroke(Stroke::new(1.0, if ui.is_enabled() { border } else { palette.line }))
        .min_size(vec2(0.0, height));
    let response = ui.add(button);
    ring(ui, &response);
    response
}

/// Around what the keyboard acts on.
pub(super) fn ring(ui: &Ui, response: &Response) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, palette(ui).focus);
        ui.painter().rect_stroke(response.rect.expand(1.5), ROUND, stroke, StrokeKind::Outside);
    }
}

/// A line on a ground of its own; `add` may put buttons behind it.
pub(super) fn strip(ui: &mut Ui, tone: Tone, text: &str, add: impl FnOnce(&mut Ui)) {
    let palette = palette(ui);
    let pair = match tone {
        Tone::Info => palette.info,
        Tone::Warning => palette.warning,
        Tone::Good => palette.good,
    };
    Frame::new().fill(pair.fill).inner_margin(Margin::symmetric(10, 4)).show(ui, |ui| {
        ui.set_min_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(text).color(pair.text));
            add(ui);
        });
    });
}

/// A page's first line.
pub(super) fn title(ui: &mut Ui, text: &str) -> Response {
    look::title(ui, text, false)
}

/// A note on a page, on a ground of its own.
pub(super) fn note(ui: &mut Ui, tone: Tone, text: &str) -> Response {
    look::notice(ui, tone, text)
}

/// Small text of second rank.
pub(super) fn weak(ui: &mut Ui, text: &str) -> Response {
    let colour = palette(ui).weak;
    ui.label(RichText::new(text).size(SMALL).color(colour))
}

/// A page that is read: a column in the middle, which scrolls if there is too little room.
pub(super) fn page(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let room = ui.available_rect_before_wrap();
        let width = PAGE.min(room.width() - 32.0).max(100.0);
        let top = ((room.height() - 320.0) * 0.25).clamp(14.0, 110.0);
        let corner = pos2(room.center().x - width / 2.0, room.top() + top);
        let column = Rect::from_min_size(corner, vec2(width, (room.height() - top).max(0.0)));
        ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
            add(ui);
            ui.add_space(16.0);
        });
    });
}
