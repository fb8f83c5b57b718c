//! Keys that the technician's own desktop would never let through, for the menu.

use nearhand_desktop::words::Words;
use nearhand_proto::session::input::Usage;

const CTRL: Usage = Usage(0xe0);
const SHIFT: Usage = Usage(0xe1);
const ALT: Usage = Usage(0xe2);
const SUPER: Usage = Usage(0xe3);
const TAB: Usage = Usage(0x2b);
const ESCAPE: Usage = Usage(0x29);
const BACKSPACE: Usage = Usage(0x2a);
const DELETE: Usage = Usage(0x4c);
const PRINT: Usage = Usage(0x46);
const F4: Usage = Usage(0x3d);

/// Ctrl+Alt+F1 to F12.
const CONSOLES: [[Usage; 3]; 12] = {
    let mut consoles = [[CTRL, ALT, Usage(0x3a)]; 12];
    let mut at = 0_u16;
    while at < 12 {
        consoles[at as usize][2] = Usage(0x3a + at);
        at += 1;
    }
    consoles
};

/// The menu's chords: their names and keys, in order.
pub(super) fn all(words: &Words) -> [(&str, &'static [Usage]); 7] {
    [
        (words.v_chord_delete(), &[CTRL, ALT, DELETE]),
        (words.v_chord_backspace(), &[CTRL, ALT, BACKSPACE]),
        (words.v_chord_tasks(), &[CTRL, SHIFT, ESCAPE]),
        (words.v_chord_tab(), &[ALT, TAB]),
        (words.v_chord_close(), &[ALT, F4]),
        (words.v_chord_super(), &[SUPER]),
        (words.v_chord_print(), &[PRINT]),
    ]
}

/// The text consoles' chords.
pub(super) fn consoles(words: &Words) -> impl Iterator<Item = (String, &'static [Usage])> {
    (1..).zip(&CONSOLES).map(|(number, keys): (u16, _)| (words.v_chord_console(number), keys.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consoles_are_the_function_keys_in_order() {
        assert_eq!(CONSOLES[0][2], Usage(0x3a));
        assert_eq!(CONSOLES[3][2], F4);
        assert_eq!(CONSOLES[11], [CTRL, ALT, Usage(0x45)]);
    }
}
