//! The colours of both windows, light and dark. Text stands out from what is behind it by 4.5 : 1 and controls by 3 : 1
//! (WCAG 2.1, 1.4.3 and 1.4.11), which a test measures.

use eframe::egui::{Color32, Ui};

/// A colour, and what is written on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The ground.
    pub fill: Color32,
    /// The text on it.
    pub text: Color32,
}

/// All colours of one theme.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// The window, and ordinary text.
    pub window: Pair,
    /// A card that lies on the window.
    pub card: Pair,
    /// Text of second rank, on window and card.
    pub weak: Color32,
    /// Lines around cards.
    pub line: Color32,
    /// Borders of what can be used.
    pub border: Color32,
    /// The button that leads on.
    pub primary: Pair,
    /// The button that ends something, and text that warns.
    pub danger: Pair,
    /// A switch that is on, a state that is good.
    pub good: Pair,
    /// A switch that is off.
    pub off: Color32,
    /// A note.
    pub info: Pair,
    /// A note that needs attention.
    pub warning: Pair,
    /// Around what the keyboard acts on.
    pub focus: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, red, green, blue] = hex.to_be_bytes();
    Color32::from_rgb(red, green, blue)
}

const fn pair(fill: u32, text: u32) -> Pair {
    Pair { fill: rgb(fill), text: rgb(text) }
}

/// By day.
pub const LIGHT: Palette = Palette {
    window: pair(0xf3f5f8, 0x16202e),
    card: pair(0xffffff, 0x16202e),
    weak: rgb(0x4a5667),
    line: rgb(0xd6dce4),
    border: rgb(0x76839a),
    primary: pair(0x1a5dbe, 0xffffff),
    danger: pair(0xb3231b, 0xffffff),
    good: pair(0x17743f, 0xffffff),
    off: rgb(0x6c788a),
    info: pair(0xe3edfc, 0x123a72),
    warning: pair(0xfff0c7, 0x553c00),
    focus: rgb(0x0b3f91),
};

/// By night.
pub const DARK: Palette = Palette {
    window: pair(0x131820, 0xe9eef5),
    card: pair(0x1c232d, 0xe9eef5),
    weak: rgb(0xb3bfce),
    line: rgb(0x36404e),
    border: rgb(0x7d8a9c),
    primary: pair(0x8ab8ff, 0x08203f),
    danger: pair(0xff9a90, 0x3d0a06),
    good: pair(0x74d69c, 0x06301a),
    off: rgb(0x8592a5),
    info: pair(0x16305a, 0xd4e5ff),
    warning: pair(0x41330c, 0xffe3a3),
    focus: rgb(0xcfe2ff),
};

/// The colours that are in use here.
pub fn palette(ui: &Ui) -> &'static Palette {
    of(ui.visuals().dark_mode)
}

/// The colours of the dark or the light theme.
pub fn of(dark: bool) -> &'static Palette {
    if dark { &DARK } else { &LIGHT }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.1).
    fn luminance(colour: Color32) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue, _] = colour.to_array();
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: Color32, other: Color32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn everything_can_be_read() {
        for (name, palette) in [("light", LIGHT), ("dark", DARK)] {
            let at_least = |ratio, what: &str, one, other| {
                let seen = contrast(one, other);
                assert!(ratio <= seen, "{name} {what}: {seen:.2}");
            };
            let pairs = [
                palette.window,
                palette.card,
                palette.primary,
                palette.danger,
                palette.good,
                palette.info,
                palette.warning,
            ];
            for pair in pairs {
                at_least(4.5, &format!("{pair:?}"), pair.fill, pair.text);
            }
            for ground in [palette.window.fill, palette.card.fill] {
                at_least(4.5, "weak", palette.weak, ground);
                at_least(4.5, "danger as text", palette.danger.fill, ground);
                at_least(3.0, "border", palette.border, ground);
                at_least(3.0, "focus", palette.focus, ground);
                at_least(3.0, "a switch that is on", palette.good.fill, ground);
                at_least(3.0, "a switch that is off", palette.off, ground);
            }
            at_least(3.0, "the knob", palette.off, palette.card.fill);
        }
    }
}
