//! Names of keys as X has them (keysymdef.h without `XK_`), and where those keys are: USB HID usages of page 0x07
//! (HID Usage Tables 1.5 §10). Characters stand where the us layout has them; others are for `type`.

use nearhand_proto::session::input::Usage;

/// Left shift.
pub(super) const SHIFT: Usage = Usage(0xe1);

/// Right shift.
pub(super) const RIGHT_SHIFT: Usage = Usage(0xe5);

/// A key, and whether shift makes it mean what its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The key.
    pub usage: Usage,
    /// True if shift is to be held.
    pub shifted: bool,
}

/// Keys without a character: every name a key goes by, the usual one first.
const NAMED: &[(u16, &[&str])] = &[
    (0x28, &["Return", "Enter"]),
    (0x29, &["Escape", "Esc"]),
    (0x2a, &["BackSpace"]),
    (0x2b, &["Tab"]),
    (0x39, &["Caps_Lock"]),
    (0x46, &["Print", "Sys_Req"]),
    (0x47, &["Scroll_Lock"]),
    (0x48, &["Pause", "Break"]),
    (0x49, &["Insert"]),
    (0x4a, &["Home"]),
    (0x4b, &["Page_Up", "Prior"]),
    (0x4c, &["Delete", "Del"]),
    (0x4d, &["End"]),
    (0x4e, &["Page_Down", "Next"]),
    (0x4f, &["Right"]),
    (0x50, &["Left"]),
    (0x51, &["Down"]),
    (0x52, &["Up"]),
    (0x53, &["Num_Lock"]),
    (0x54, &["KP_Divide"]),
    (0x55, &["KP_Multiply"]),
    (0x56, &["KP_Subtract"]),
    (0x57, &["KP_Add"]),
    (0x58, &["KP_Enter"]),
    (0x59, &["KP_1", "KP_End"]),
    (0x5a, &["KP_2", "KP_Down"]),
    (0x5b, &["KP_3", "KP_Next", "KP_Page_Down"]),
    (0x5c, &["KP_4", "KP_Left"]),
    (0x5d, &["KP_5", "KP_Begin"]),
    (0x5e, &["KP_6", "KP_Right"]),
    (0x5f, &["KP_7", "KP_Home"]),
    (0x60, &["KP_8", "KP_Up"]),
    (0x61, &["KP_9", "KP_Prior", "KP_Page_Up"]),
    (0x62, &["KP_0", "KP_Insert"]),
    (0x63, &["KP_Decimal", "KP_Delete"]),
    (0x65, &["Menu"]),
    (0x67, &["KP_Equal"]),
    (0x75, &["Help"]),
    (0x7a, &["Undo"]),
    (0x7b, &["XF86Cut"]),
    (0x7c, &["XF86Copy"]),
    (0x7d, &["XF86Paste"]),
    (0x7e, &["Find"]),
    (0x7f, &["XF86AudioMute"]),
    (0x80, &["XF86AudioRaiseVolume"]),
    (0x81, &["XF86AudioLowerVolume"]),
    (0xe0, &["Control_L", "ctrl", "control"]),
    (0xe1, &["Shift_L", "shift"]),
    (0xe2, &["Alt_L", "alt"]),
    (0xe3, &["Super_L", "super", "meta", "win", "Meta_L"]),
    (0xe4, &["Control_R"]),
    (0xe5, &["Shift_R"]),
    (0xe6, &["Alt_R", "altgr", "ISO_Level3_Shift", "Mode_switch"]),
    (0xe7, &["Super_R", "Meta_R"]),
];

/// The us layout beyond letters: usage, plain and shifted character, with their names.
const CHARACTERS: &[(u16, [(char, &str); 2])] = &[
    (0x1e, [('1', "1"), ('!', "exclam")]),
    (0x1f, [('2', "2"), ('@', "at")]),
    (0x20, [('3', "3"), ('#', "numbersign")]),
    (0x21, [('4', "4"), ('$', "dollar")]),
    (0x22, [('5', "5"), ('%', "percent")]),
    (0x23, [('6', "6"), ('^', "asciicircum")]),
    (0x24, [('7', "7"), ('&', "ampersand")]),
    (0x25, [('8', "8"), ('*', "asterisk")]),
    (0x26, [('9', "9"), ('(', "parenleft")]),
    (0x27, [('0', "0"), (')', "parenright")]),
    (0x2d, [('-', "minus"), ('_', "underscore")]),
    (0x2e, [('=', "equal"), ('+', "plus")]),
    (0x2f, [('[', "bracketleft"), ('{', "braceleft")]),
    (0x30, [(']', "bracketright"), ('}', "braceright")]),
    (0x31, [('\\', "backslash"), ('|', "bar")]),
    (0x33, [(';', "semicolon"), (':', "colon")]),
    (0x34, [('\'', "apostrophe"), ('"', "quotedbl")]),
    (0x35, [('`', "grave"), ('~', "asciitilde")]),
    (0x36, [(',', "comma"), ('<', "less")]),
    (0x37, [('.', "period"), ('>', "greater")]),
    (0x38, [('/', "slash"), ('?', "question")]),
];

/// The key of this name. One letter means itself, so `a` and `A` differ; longer names don't care about case.
pub(super) fn place(name: &str) -> Option<Place> {
    let mut characters = name.chars();
    if let (Some(c), None) = (characters.next(), characters.next()) {
        return of_character(c);
    }
    let same = |known: &&str| known.eq_ignore_ascii_case(name);
    let plain = |usage| Place { usage: Usage(usage), shifted: false };
    if let Some(row) = NAMED.iter().find(|row| row.1.iter().any(same)) {
        return Some(plain(row.0));
    }
    for (usage, both) in CHARACTERS {
        if let Some(at) = both.iter().position(|character| same(&character.1)) {
            return Some(Place { usage: Usage(*usage), shifted: at == 1 });
        }
    }
    match name.to_ascii_lowercase().as_str() {
        "space" => of_character(' '),
        "iso_left_tab" => Some(Place { usage: Usage(0x2b), shifted: true }),
        other => function_key(other).map(plain),
    }
}

/// Every name that [`place`] knows, but for single characters and function keys.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let named = NAMED.iter().flat_map(|row| row.1.iter().copied());
    let characters = CHARACTERS.iter().flat_map(|row| row.1.iter().map(|character| character.1));
    named.chain(characters).chain(["space", "ISO_Left_Tab"]).filter(|name| 1 < name.len())
}

fn of_character(c: char) -> Option<Place> {
    let letter = |c: char| u16::try_from(u32::from(c.to_ascii_lowercase()) - u32::from('a')).ok();
    match c {
        'a'..='z' | 'A'..='Z' => {
            let usage = Usage(0x04 + letter(c)?);
            Some(Place { usage, shifted: c.is_ascii_uppercase() })
        }
        ' ' => Some(Place { usage: Usage(0x2c), shifted: false }),
        _ => CHARACTERS.iter().find_map(|(usage, both)| {
            let at = both.iter().position(|character| character.0 == c)?;
            Some(Place { usage: Usage(*usage), shifted: at == 1 })
        }),
    }
}

/// `f1` to `f24`.
fn function_key(name: &str) -> Option<u16> {
    let digits = name.strip_prefix('f').filter(|digits| !digits.starts_with(['0', '+']))?;
    match digits.parse::<u16>().ok()? {
        number @ 1..=12 => Some(0x3a + number - 1),
        number @ 13..=24 => Some(0x68 + number - 13),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_the_tables_say() {
        let check = |name: &str, usage, shifted| {
            assert_eq!(place(name), Some(Place { usage: Usage(usage), shifted }), "{name}");
        };
        check("a", 0x04, false);
        check("Z", 0x1d, true);
        check("1", 0x1e, false);
        check("0", 0x27, false);
        check("exclam", 0x1e, true);
        check("~", 0x35, true);
        check("plus", 0x2e, true);
        check("space", 0x2c, false);
        check("return", 0x28, false);
        check("KP_Enter", 0x58, false);
        check("F1", 0x3a, false);
        check("F12", 0x45, false);
        check("f13", 0x68, false);
        check("F24", 0x73, false);
        check("CTRL", 0xe0, false);
        check("meta", 0xe3, false);
        check("ISO_Left_Tab", 0x2b, true);
        for unknown in ["", "F0", "F25", "F+1", "F01", "é", "Entre", "\n"] {
            assert_eq!(place(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn every_name_and_every_printable_character_is_known_once() {
        let mut seen = std::collections::HashSet::new();
        for name in names() {
            assert!(place(name).is_some(), "{name}");
            assert!(seen.insert(name.to_ascii_lowercase()), "{name} twice");
        }
        let mut places = std::collections::HashSet::new();
        for c in ' '..='~' {
            let place = place(&c.to_string()).unwrap();
            assert!(places.insert((place.usage, place.shifted)), "{c} shares its key");
        }
    }
}
