//! Keysyms (`X11/keysymdef.h`): which character one is, and which are modifiers. The conversions are libxkbcommon's.

use super::usages;
use nearhand_proto::session::input::Usage;
use xkbcommon::xkb::{self, Keysym};

/// No symbol.
pub(super) const NONE: u32 = 0;

/// Starts a Compose sequence.
pub(super) const MULTI_KEY: u32 = 0xff20;

/// The lock keys.
pub(super) const CAPS_LOCK: u32 = 0xffe5;
/// Shift Lock.
pub(super) const SHIFT_LOCK: u32 = 0xffe6;
/// Num Lock.
pub(super) const NUM_LOCK: u32 = 0xff7f;
/// Scroll Lock.
pub(super) const SCROLL_LOCK: u32 = 0xff14;

/// Takes back what was composed so far.
pub(super) const BACKSPACE: u32 = 0xff08;
/// The same.
pub(super) const ESCAPE: u32 = 0xff1b;

/// What kind of modifier a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    /// Either Control.
    Control,
    /// Either Shift.
    Shift,
    /// Either Alt, or Meta.
    Alt,
    /// A logo key.
    Super,
    /// AltGr and its like: it chooses a character, no more.
    Level,
}

/// The modifier of this keysym on this key, with the key that has this meaning on every layout.
pub(super) fn modifier(symbol: u32, keycode: u8) -> Option<(Modifier, Usage)> {
    let logo = usages::of_keycode(keycode).filter(|usage| matches!(usage.0, 0xe3 | 0xe7));
    Some(match symbol {
        0xffe1 => (Modifier::Shift, usages::SHIFT),
        0xffe2 => (Modifier::Shift, Usage(0xe5)),
        0xffe3 => (Modifier::Control, usages::CONTROL),
        0xffe4 => (Modifier::Control, Usage(0xe4)),
        // Meta is the second level of Alt, or a logo key's own. The right Alt key is AltGr elsewhere, the left never.
        0xffe7 | 0xffe8 if let Some(logo) = logo => (Modifier::Super, logo),
        0xffe7..=0xffea => (Modifier::Alt, usages::ALT),
        0xffeb | 0xffed => (Modifier::Super, Usage(0xe3)), // Super_L, Hyper_L
        0xffec | 0xffee => (Modifier::Super, Usage(0xe7)), // Super_R, Hyper_R
        // ISO_Level3_Shift to _Lock, ISO_Level5_Shift to _Lock, Mode_switch
        0xfe03..=0xfe05 | 0xfe11..=0xfe13 | 0xff7e => (Modifier::Level, usages::ALT_GR),
        _ => return None,
    })
}

/// True for keys that switch the technician's own layout.
pub(super) fn switches_group(symbol: u32) -> bool {
    (0xfe06..=0xfe0f).contains(&symbol) // ISO_Group_Latch to ISO_Last_Group_Lock
}

/// True for dead keys.
pub(super) fn is_dead(symbol: u32) -> bool {
    (0xfe50..=0xfe93).contains(&symbol)
}

/// The character of a keysym, unless it is none or a control character.
pub(super) fn character(symbol: u32) -> Option<char> {
    let c = char::from_u32(xkb::keysym_to_utf32(Keysym::new(symbol)))?;
    (!c.is_control()).then_some(c)
}

/// The keysym of the upper case, where that is one character.
pub(super) fn upper(symbol: u32) -> u32 {
    let Some(c) = character(symbol) else { return symbol };
    let mut cases = c.to_uppercase();
    match (cases.next(), cases.next()) {
        (Some(upper), None) if upper != c => xkb::utf32_to_keysym(upper.into()).raw(),
        _ => symbol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_have_the_key_that_means_the_same_everywhere() {
        for (symbol, keycode, expected) in [
            (0xffe1, 50, Some((Modifier::Shift, 0xe1))),
            (0xffe3, 66, Some((Modifier::Control, 0xe0))), // ctrl:nocaps
            (0xffe9, 64, Some((Modifier::Alt, 0xe2))),
            (0xffea, 108, Some((Modifier::Alt, 0xe2))),
            (0xffe7, 64, Some((Modifier::Alt, 0xe2))),
            (0xffe7, 133, Some((Modifier::Super, 0xe3))),
            (0xffeb, 133, Some((Modifier::Super, 0xe3))),
            (0xfe03, 108, Some((Modifier::Level, 0xe6))),
            (0x61, 38, None),
            (CAPS_LOCK, 66, None),
        ] {
            let expected = expected.map(|(kind, usage)| (kind, Usage(usage)));
            assert_eq!(modifier(symbol, keycode), expected, "{symbol:#x} on {keycode}");
        }
    }

    #[test]
    fn characters_are_characters() {
        for (symbol, expected) in [
            (0x61, Some('a')),
            (0xfc, Some('ü')),
            (0x20ac, Some('€')),
            (0x6c6, Some('ф')),
            (0x0100_0142, Some('ł')),
            (0xffb1, Some('1')), // KP_1
            (0xff0d, None),
            (0xffff, None),
            (0xfe51, None),
            (NONE, None),
        ] {
            assert_eq!(character(symbol), expected, "{symbol:#x}");
        }
        assert_eq!(upper(0xe9), 0xc9); // é É
        assert_eq!(upper(0xdf), 0xdf); // ß has no single upper case
        assert_eq!(upper(0x31), 0x31);
    }
}
