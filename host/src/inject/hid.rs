//! Keys by position: USB HID usages of page 0x07 (HID Usage Tables 1.5, §10) to Linux' evdev codes
//! (`linux/input-event-codes.h`), as the kernel's own USB keyboard driver maps them (`drivers/hid/hid-input.c`).

use nearhand_proto::session::input::Usage;

/// Usages 0x00 to 0x94, in rows of 16; 0: no such key.
const KEYS: [u8; 0x95] = [
    0, 0, 0, 0, 30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, // a–l
    50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44, 2, 3, // m–z, 1, 2
    4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13,
    26, // 3–0, Return, Escape, Backspace, Tab, space, - = [
    27, 43, 43, 39, 40, 41, 51, 52, 53, 58, 59, 60, 61, 62, 63,
    64, // ] \ # ; ' ` , . / Caps Lock, F1–F6
    65, 66, 67, 68, 87, 88, 99, 70, 119, 110, 102, 104, 111, 107, 109,
    106, // F7–F12, Print … Page Down, Right
    105, 108, 103, 69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77,
    71, // arrows, keypad: Num Lock / * - + Enter 1–7
    72, 73, 82, 83, 86, 127, 116, 117, 183, 184, 185, 186, 187, 188, 189,
    190, // 8 9 0 . the 102nd, Menu, F13–F20
    191, 192, 193, 194, 134, 138, 130, 132, 128, 129, 131, 137, 133, 135, 136,
    113, // F21–F24, editing, Mute
    115, 114, 0, 0, 0, 121, 0, 89, 93, 124, 92, 94, 95, 0, 0, 0, // volume, keypad comma, international
    122, 123, 90, 91, 85, // Hangul, Hanja, Katakana, Hiragana, Zenkaku
];

/// Usages 0xe0 to 0xe7: Control, Shift, Alt and the logo key, left and right.
const MODIFIERS: [u8; 8] = [29, 42, 56, 125, 97, 54, 100, 126];

const FIRST_MODIFIER: u16 = 0xe0;

/// The key's evdev code, 1 to 194; `None` if Linux knows no such key.
pub fn evdev(usage: Usage) -> Option<u8> {
    let (table, first): (&[u8], u16) =
        if usage.0 < FIRST_MODIFIER { (&KEYS, 0) } else { (&MODIFIERS, FIRST_MODIFIER) };
    table.get(usize::from(usage.0 - first)).copied().filter(|code| *code != 0)
}

/// True if a keyboard has a key with this evdev code.
pub fn is_key(code: u8) -> bool {
    code != 0 && KEYS.iter().chain(&MODIFIERS).any(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_the_kernel_has_them() {
        for (usage, code) in [
            (0x00, None),
            (0x03, None),
            (0x04, Some(30)),  // KEY_A
            (0x1d, Some(44)),  // KEY_Z
            (0x28, Some(28)),  // KEY_ENTER
            (0x39, Some(58)),  // KEY_CAPSLOCK
            (0x45, Some(88)),  // KEY_F12
            (0x46, Some(99)),  // KEY_SYSRQ
            (0x52, Some(103)), // KEY_UP
            (0x58, Some(96)),  // KEY_KPENTER
            (0x63, Some(83)),  // KEY_KPDOT
            (0x64, Some(86)),  // KEY_102ND
            (0x65, Some(127)), // KEY_COMPOSE
            (0x67, Some(117)), // KEY_KPEQUAL
            (0x68, Some(183)), // KEY_F13
            (0x73, Some(194)), // KEY_F24
            (0x7f, Some(113)), // KEY_MUTE
            (0x80, Some(115)), // KEY_VOLUMEUP
            (0x85, Some(121)), // KEY_KPCOMMA
            (0x94, Some(85)),  // KEY_ZENKAKUHANKAKU
            (0x95, None),
            (0xdf, None),
            (0xe0, Some(29)),  // KEY_LEFTCTRL
            (0xe6, Some(100)), // KEY_RIGHTALT
            (0xe7, Some(126)), // KEY_RIGHTMETA
            (0xe8, None),
            (0xffff, None),
        ] {
            assert_eq!(evdev(Usage(usage)), code, "{usage:#x}");
        }
    }
}
