//! The look of both windows: sizes, colours, and the few things that can be pressed. Large and calm by default, light
//! unless the desktop says dark, everything reachable by the keyboard with a ring around what it acts on.

pub mod palette;
mod press;
mod say;

pub use self::{
    palette::{Palette, palette},
    press::{Kind, button, switch, wide_button},
    say::{Tone, card, caution, digits, name, notice, strong, text, title, weak},
};

use eframe::egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Stroke, Style, TextStyle, Theme, ThemePreference,
    Vec2, Visuals, style::WidgetVisuals, vec2,
};

/// Corners of buttons and cards, in points.
pub const ROUND: CornerRadius = CornerRadius::same(8);

/// Height of a button, in points.
pub const BUTTON: f32 = 44.0;

/// Space between things that belong together, in points.
pub const GAP: Vec2 = vec2(12.0, 12.0);

/// Below this width, in points, titles are smaller and what stands side by side stands one above the other.
pub const NARROW: f32 = 480.0;

/// Ordinary text, in points.
pub const BODY: f32 = 17.0;

/// Text of second rank, in points.
pub const SMALL: f32 = 14.5;

/// A window's first line, in points.
pub const TITLE: f32 = 27.0;

/// Gives this context the look. Once, before the first frame.
pub fn apply(context: &Context) {
    context.set_theme(ThemePreference::System);
    context.options_mut(|options| options.fallback_theme = Theme::Light);
    for theme in [Theme::Light, Theme::Dark] {
        context.style_mut_of(theme, |style| dress(style, palette::of(theme == Theme::Dark)));
    }
}

fn dress(style: &mut Style, palette: &Palette) {
    let font = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles = [
        (TextStyle::Small, font(SMALL)),
        (TextStyle::Body, font(BODY)),
        (TextStyle::Button, font(BODY)),
        (TextStyle::Heading, font(TITLE)),
        (TextStyle::Monospace, FontId::new(BODY - 1.0, FontFamily::Monospace)),
    ]
    .into();
    style.spacing.item_spacing = GAP;
    style.spacing.button_padding = vec2(18.0, 10.0);
    style.spacing.interact_size = vec2(BUTTON, BUTTON);
    style.spacing.scroll.floating = false;
    style.spacing.scroll.bar_width = 12.0;
    // A bar's ground has the colour of everything else that is filled.
    style.spacing.scroll.foreground_color = true;
    style.interaction.selectable_labels = false;
    // Nothing moves by itself: no frames are drawn for it, and nobody is made dizzy.
    style.animation_time = 0.0;
    colour(&mut style.visuals, palette);
}

fn colour(visuals: &mut Visuals, palette: &Palette) {
    visuals.override_text_color = Some(palette.window.text);
    visuals.weak_text_color = Some(palette.weak);
    visuals.panel_fill = palette.window.fill;
    visuals.window_fill = palette.card.fill;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = palette.card.fill;
    visuals.hyperlink_color = palette.primary.fill;
    visuals.error_fg_color = palette.danger.fill;
    visuals.selection.bg_fill = palette.info.fill;
    visuals.selection.stroke = Stroke::new(2.0, palette.focus);
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke = Stroke::new(2.0, palette.focus);
    let paint = |widget: &mut WidgetVisuals, border: Color32, width| {
        widget.bg_fill = palette.card.fill;
        widget.weak_bg_fill = palette.card.fill;
        widget.bg_stroke = Stroke::new(width, border);
        widget.fg_stroke = Stroke::new(1.5, palette.card.text);
        widget.corner_radius = ROUND;
        widget.expansion = 0.0;
    };
    paint(&mut visuals.widgets.noninteractive, palette.line, 1.0);
    paint(&mut visuals.widgets.inactive, palette.border, 1.0);
    paint(&mut visuals.widgets.hovered, palette.focus, 1.5);
    paint(&mut visuals.widgets.active, palette.focus, 2.0);
    paint(&mut visuals.widgets.open, palette.focus, 1.5);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_light_unless_the_desktop_says_dark() {
        let context = Context::default();
        apply(&context);
        let style = context.style_of(Theme::Light);
        assert_eq!(style.visuals.panel_fill, palette::LIGHT.window.fill);
        assert_eq!(context.style_of(Theme::Dark).visuals.panel_fill, palette::DARK.window.fill);
        assert_eq!(context.options(|options| options.fallback_theme), Theme::Light);
    }
}
