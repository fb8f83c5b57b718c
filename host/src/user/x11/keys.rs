//! The key that ends the session ([`STOP_KEY`](crate::user::STOP_KEY)), recognised among the user's own keys. It is
//! seen, not taken: other programs get it as well.

use x11rb::{
    connection::Connection as _, errors::ReplyError, protocol::xproto::ConnectionExt as _,
    rust_connection::RustConnection,
};

/// `XK_End` (`X11/keysymdef.h`).
const END: u32 = 0xff57;

/// Rows of the modifier map (X11 protocol, GetModifierMapping).
const CONTROL: usize = 2;
const ALT: usize = 3;

/// Which of the user's keys are down, and what three of them are called.
#[derive(Default)]
pub(super) struct StopKey {
    down: Vec<u8>,
    /// `None` if it must be read first.
    map: Option<Map>,
}

/// Keycodes by what they do.
#[derive(Default)]
struct Map {
    end: Vec<u8>,
    control: Vec<u8>,
    alt: Vec<u8>,
}

impl StopKey {
    /// The user's own key goes down or up. True if that ends the session.
    pub(super) fn handle(
        &mut self,
        connection: &RustConnection,
        keycode: u8,
        down: bool,
    ) -> Result<bool, ReplyError> {
        self.down.retain(|held| *held != keycode);
        if !down {
            return Ok(false);
        }
        self.down.push(keycode);
        let map = match &mut self.map {
            Some(map) => map,
            map => map.insert(Map::read(connection)?),
        };
        Ok(map.is_stop(keycode, &self.down))
    }

    /// Keys may mean something else from now on.
    pub(super) fn forget_map(&mut self) {
        self.map = None;
    }
}

impl Map {
    fn read(connection: &RustConnection) -> Result<Self, ReplyError> {
        let setup = connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let keysyms = connection.get_keyboard_mapping(first, last - first + 1)?;
        let modifiers = connection.get_modifier_mapping()?;
        let (keysyms, modifiers) = (keysyms.reply()?, modifiers.reply()?);
        let rows = keysyms.keysyms.chunks(usize::from(keysyms.keysyms_per_keycode).max(1));
        let width = usize::from(modifiers.keycodes_per_modifier()).max(1);
        let row = |number| {
            let row = modifiers.keycodes.chunks(width).nth(number).unwrap_or_default();
            row.iter().copied().filter(|keycode| *keycode != 0).collect()
        };
        Ok(Self {
            end: (first..=last)
                .zip(rows)
                .filter(|(_, row)| row.contains(&END))
                .map(|(code, _)| code)
                .collect(),
            control: row(CONTROL),
            alt: row(ALT),
        })
    }

    fn is_stop(&self, pressed: u8, down: &[u8]) -> bool {
        let is_any_down = |keys: &[u8]| keys.iter().any(|key| down.contains(key));
        self.end.contains(&pressed) && is_any_down(&self.control) && is_any_down(&self.alt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_combination_stops_and_end_comes_last() {
        let map = Map { end: vec![115], control: vec![37, 105], alt: vec![64, 108] };
        for (down, expected) in [
            (&[37, 64, 115][..], true),
            (&[108, 105, 115], true),
            (&[50, 37, 64, 115], true),
            (&[115], false),
            (&[37, 115], false),
            (&[64, 115], false),
            (&[37, 64], false),
            (&[115, 37, 64], false),
            (&[37, 64, 115, 38], false),
        ] {
            let pressed = *down.last().unwrap();
            assert_eq!(map.is_stop(pressed, down), expected, "{down:?}");
        }
    }
}
