//! Characters that a layout lacks, on keys that it leaves empty: for xdotool, which otherwise lends them a key for the
//! instant of one press, so that whoever looks a moment later finds nothing.

use crate::desktop::Desktop;
use x11rb::{connection::Connection as _, protocol::xproto::ConnectionExt as _, wrapper::ConnectionExt as _};

/// Characters of ASCII that some layouts have as dead keys alone.
const DEAD: &str = "^`~";

/// Gives each character beyond ASCII, and those of [`DEAD`], a place of its own. To be done again after each change of
/// layout.
pub(crate) fn furnish(desktop: &Desktop, text: &str) {
    let connection = &desktop.connection;
    let setup = connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let map = connection.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
    let rows = map.keysyms.chunks_exact(map.keysyms_per_keycode.into());
    let empty = (first..=last).zip(rows).filter(|(_, row)| row.iter().all(|symbol| *symbol == 0));
    let mut characters: Vec<_> = text.chars().filter(|c| !c.is_ascii()).chain(DEAD.chars()).collect();
    characters.sort_unstable();
    characters.dedup();
    let mut keycodes = empty.map(|(keycode, _)| keycode);
    // Two on a key, the second with Shift: layouts leave a dozen or two empty.
    for pair in characters.chunks(2) {
        let keycode = keycodes.next().expect("empty keys");
        let symbols: Vec<_> = pair.iter().copied().map(symbol).collect();
        let count = u8::try_from(symbols.len()).unwrap();
        connection.change_keyboard_mapping(1, keycode, count, &symbols).unwrap();
    }
    connection.sync().unwrap();
}

/// Latin-1 is itself, all else is said by its code point (keysymdef.h).
fn symbol(character: char) -> u32 {
    let code = u32::from(character);
    if code < 0x100 { code } else { 0x0100_0000 | code }
}
