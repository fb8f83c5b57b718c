//! Where keys are and what keys without a character are called, as USB HID usages of page 0x07 (HID Usage Tables 1.5
//! §10): from X keycodes (evdev's + 8, `linux/input-event-codes.h`), and from keysyms (`X11/keysymdef.h`).

use nearhand_proto::session::input::Usage;

/// The left Control key.
pub(super) const CONTROL: Usage = Usage(0xe0);

/// The left Shift key.
pub(super) const SHIFT: Usage = Usage(0xe1);

/// The left Alt key.
pub(super) const ALT: Usage = Usage(0xe2);

/// The right Alt key, which is AltGr on most layouts.
pub(super) const ALT_GR: Usage = Usage(0xe6);

/// Evdev codes 0 to 194; 0: no such key.
const KEYS: [u8; 195] = [
    0x00, 0x29, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2d, 0x2e, 0x2a,
    0x2b, // Escape, 1–0, - =, Backspace, Tab
    0x14, 0x1a, 0x08, 0x15, 0x17, 0x1c, 0x18, 0x0c, 0x12, 0x13, 0x2f, 0x30, 0x28, 0xe0, 0x04,
    0x16, // q–p, [ ], Return, Control, a, s
    0x07, 0x09, 0x0a, 0x0b, 0x0d, 0x0e, 0x0f, 0x33, 0x34, 0x35, 0xe1, 0x31, 0x1d, 0x1b, 0x06,
    0x19, // d–l, ; ' `, Shift, \, z–v
    0x05, 0x11, 0x10, 0x36, 0x37, 0x38, 0xe5, 0x55, 0xe2, 0x2c, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
    0x3e, // b–m, , . /, Shift, keypad *, Alt, space, Caps Lock, F1–F5
    0x3f, 0x40, 0x41, 0x42, 0x43, 0x53, 0x47, 0x5f, 0x60, 0x61, 0x56, 0x5c, 0x5d, 0x5e, 0x57,
    0x59, // F6–F10, Num Lock, Scroll Lock, keypad 7–1
    0x5a, 0x5b, 0x62, 0x63, 0x00, 0x94, 0x64, 0x44, 0x45, 0x87, 0x92, 0x93, 0x8a, 0x88, 0x8b,
    0x8c, // keypad 2 3 0 ., Zenkaku, the 102nd, F11, F12, international
    0x58, 0xe4, 0x54, 0x46, 0xe6, 0x00, 0x4a, 0x52, 0x4b, 0x50, 0x4f, 0x4d, 0x51, 0x4e, 0x49,
    0x4c, // keypad Enter, Control, keypad /, Print, Alt, arrows and their neighbours
    0x00, 0x7f, 0x81, 0x80, 0x66, 0x67, 0x00, 0x48, 0x00, 0x85, 0x90, 0x91, 0x89, 0xe3, 0xe7,
    0x65, // sound, power, keypad =, Pause, keypad comma, Korean, yen, logo keys, Menu
    0x78, 0x79, 0x76, 0x7a, 0x77, 0x7c, 0x74, 0x7d, 0x7e, 0x7b, 0x75, 0x00, 0x00, 0x00, 0x00,
    0x00, // Stop, Again, Props, Undo, Front, Copy, Open, Paste, Find, Cut, Help
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, //
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
    0x70, // F13–F21
    0x71, 0x72, 0x73, // F22–F24
];

/// Keysyms of keys that have no character, or whose character is not the point of them.
const NAMED: &[(u32, u16)] = &[
    (0xff0d, 0x28),      // Return
    (0xff1b, 0x29),      // Escape
    (0xff08, 0x2a),      // BackSpace
    (0xff09, 0x2b),      // Tab
    (0xfe20, 0x2b),      // ISO_Left_Tab
    (0xff61, 0x46),      // Print
    (0xff15, 0x46),      // Sys_Req
    (0xff14, 0x47),      // Scroll_Lock
    (0xff13, 0x48),      // Pause
    (0xff6b, 0x48),      // Break
    (0xff63, 0x49),      // Insert
    (0xff50, 0x4a),      // Home
    (0xff55, 0x4b),      // Prior
    (0xffff, 0x4c),      // Delete
    (0xff57, 0x4d),      // End
    (0xff56, 0x4e),      // Next
    (0xff53, 0x4f),      // Right
    (0xff51, 0x50),      // Left
    (0xff54, 0x51),      // Down
    (0xff52, 0x52),      // Up
    (0xffaf, 0x54),      // KP_Divide
    (0xffaa, 0x55),      // KP_Multiply
    (0xffad, 0x56),      // KP_Subtract
    (0xffab, 0x57),      // KP_Add
    (0xff8d, 0x58),      // KP_Enter
    (0xff9d, 0x5d),      // KP_Begin
    (0xff95, 0x4a),      // KP_Home, and on: what they do without Num Lock, for the user's may be on
    (0xff96, 0x50),      // KP_Left
    (0xff97, 0x52),      // KP_Up
    (0xff98, 0x4f),      // KP_Right
    (0xff99, 0x51),      // KP_Down
    (0xff9a, 0x4b),      // KP_Prior
    (0xff9b, 0x4e),      // KP_Next
    (0xff9c, 0x4d),      // KP_End
    (0xff9e, 0x49),      // KP_Insert
    (0xff9f, 0x4c),      // KP_Delete
    (0xff67, 0x65),      // Menu
    (0xff6a, 0x75),      // Help
    (0xff66, 0x79),      // Redo
    (0xff65, 0x7a),      // Undo
    (0xff68, 0x7e),      // Find
    (0x1008_ff58, 0x7b), // XF86Cut
    (0x1008_ff57, 0x7c), // XF86Copy
    (0x1008_ff6d, 0x7d), // XF86Paste
    (0x1008_ff12, 0x7f), // XF86AudioMute
    (0x1008_ff13, 0x80), // XF86AudioRaiseVolume
    (0x1008_ff11, 0x81), // XF86AudioLowerVolume
];

// Keysyms of function keys.
const F1: u32 = 0xffbe;
const F13: u32 = 0xffca;
const F24: u32 = 0xffd5;

/// What is at this X keycode.
pub(super) fn of_keycode(keycode: u8) -> Option<Usage> {
    let usage = KEYS.get(usize::from(keycode.checked_sub(8)?)).copied()?;
    (usage != 0).then_some(Usage(usage.into()))
}

/// The key of this keysym, if it is one without a character.
pub(super) fn of_symbol(symbol: u32) -> Option<Usage> {
    let numbered = |first: u16, from: u32| u16::try_from(symbol - from).ok().map(|step| Usage(first + step));
    match symbol {
        F1..F13 => numbered(0x3a, F1),
        F13..=F24 => numbered(0x68, F13),
        _ => NAMED.iter().find(|row| row.0 == symbol).map(|row| Usage(row.1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_where_the_kernel_has_them() {
        for (keycode, usage) in [
            (0, None),
            (8, None),
            (9, Some(0x29)),   // KEY_ESC
            (24, Some(0x14)),  // KEY_Q
            (38, Some(0x04)),  // KEY_A
            (36, Some(0x28)),  // KEY_ENTER
            (49, Some(0x35)),  // KEY_GRAVE
            (50, Some(0xe1)),  // KEY_LEFTSHIFT
            (51, Some(0x31)),  // KEY_BACKSLASH
            (65, Some(0x2c)),  // KEY_SPACE
            (66, Some(0x39)),  // KEY_CAPSLOCK
            (94, Some(0x64)),  // KEY_102ND
            (96, Some(0x45)),  // KEY_F12
            (104, Some(0x58)), // KEY_KPENTER
            (107, Some(0x46)), // KEY_SYSRQ
            (108, Some(0xe6)), // KEY_RIGHTALT
            (111, Some(0x52)), // KEY_UP
            (127, Some(0x48)), // KEY_PAUSE
            (133, Some(0xe3)), // KEY_LEFTMETA
            (135, Some(0x65)), // KEY_COMPOSE
            (191, Some(0x68)), // KEY_F13
            (202, Some(0x73)), // KEY_F24
            (203, None),
            (255, None),
        ] {
            assert_eq!(of_keycode(keycode), usage.map(Usage), "{keycode}");
        }
    }

    #[test]
    fn named_keysyms_have_their_keys() {
        for (symbol, usage) in [
            (0xffbe, Some(0x3a)),
            (0xffc9, Some(0x45)),
            (0xffca, Some(0x68)),
            (0xffd5, Some(0x73)),
            (0xff0d, Some(0x28)),
            (0xff96, Some(0x50)),
            (0x61, None),
            (0, None),
            (0xffd6, None),
        ] {
            assert_eq!(of_symbol(symbol), usage.map(Usage), "{symbol:#x}");
        }
    }
}
