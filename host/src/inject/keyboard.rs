//! What the user's X11 keyboard makes of each key just now: which key types a character, and whether Shift, Caps Lock
//! or another layout group stands in the way. Read afresh for each text, because users switch layouts.

use super::InjectError;
use x11rb::{
    connection::Connection,
    errors::{ConnectionError, ReplyError},
    protocol::{
        xkb::{self, ConnectionExt as _},
        xproto::{ConnectionExt as _, ModMask},
    },
    rust_connection::RustConnection,
};

/// The keyboard of one X server, over a connection of its own.
pub(super) struct Keyboard {
    connection: RustConnection,
    /// Keycode of the map's first row.
    first: u8,
    /// Keysyms of one row: level 1 and 2 of group 1, then those of further groups and levels.
    width: usize,
    keysyms: Vec<u32>,
}

/// How one character is typed with the first layout group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    /// The X keycode.
    pub(super) keycode: u8,
    /// True if Shift must be in effect.
    pub(super) shift: bool,
    /// True if Caps Lock acts like Shift on this key.
    pub(super) letter: bool,
}

impl Keyboard {
    /// Connects to `display` (`None`: `$DISPLAY`) and reads the map.
    pub(super) fn open(display: Option<&str>) -> Result<Self, InjectError> {
        let connected = RustConnection::connect(display);
        let (connection, _) = connected.map_err(|error| InjectError::NoDesktop(error.to_string()))?;
        let xkb = connection.xkb_use_extension(1, 0)?.reply()?;
        if !xkb.supported {
            let reason = "this X server has no XKEYBOARD extension; use one that has";
            return Err(InjectError::Unsupported(reason.to_owned()));
        }
        let mut keyboard = Self { connection, first: 0, width: 1, keysyms: Vec::new() };
        keyboard.refresh()?;
        Ok(keyboard)
    }

    /// Reads the map again. True if a key that typed something before types something else now; keys that were
    /// empty don't count, enigo fills and empties them itself.
    pub(super) fn refresh(&mut self) -> Result<bool, InjectError> {
        while self.connection.poll_for_event()?.is_some() {} // nobody else takes them
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self.connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let width = usize::from(map.keysyms_per_keycode).max(1);
        let old = std::mem::replace(&mut self.keysyms, map.keysyms);
        let (old, new) = (old.chunks(self.width), self.keysyms.chunks(width));
        let changed = old
            .zip(new)
            .any(|(old, new)| old.iter().any(|symbol| *symbol != 0) && meaning(old) != meaning(new));
        (self.first, self.width) = (first, width);
        Ok(changed)
    }

    /// How this character is typed; `None` if it isn't on the first group's two levels.
    pub(super) fn stroke(&self, c: char) -> Option<Stroke> {
        let symbol = match c {
            '\n' => RETURN,
            '\t' => TAB,
            c => keysym(c)?,
        };
        [0, 1].into_iter().find_map(|level| {
            let (keycode, row) = self.rows().find(|(_, row)| row.get(level) == Some(&symbol))?;
            Some(Stroke { keycode, shift: level == 1, letter: is_letter(row) })
        })
    }

    /// The left Shift key.
    pub(super) fn shift(&self) -> Option<u8> {
        self.rows().find(|(_, row)| row.first() == Some(&SHIFT_L)).map(|(keycode, _)| keycode)
    }

    /// True while Caps Lock is on.
    pub(super) fn caps_lock(&self) -> Result<bool, InjectError> {
        Ok(self.state()?.locked_mods.contains(ModMask::LOCK))
    }

    /// Makes the first layout group the one in effect. Returns the locked group to go back to afterwards, if it was
    /// another one.
    pub(super) fn lock_first_group(&self) -> Result<Option<xkb::Group>, InjectError> {
        let state = self.state()?;
        if state.group == FIRST_GROUP {
            return Ok(None);
        }
        self.lock_group(FIRST_GROUP)?;
        Ok(Some(state.locked_group))
    }

    /// Locks a layout group; in effect when it returns.
    pub(super) fn lock_group(&self, group: xkb::Group) -> Result<(), InjectError> {
        let (device, none) = (xkb::ID::USE_CORE_KBD.into(), ModMask::from(0_u16));
        let locked = self.connection.xkb_latch_lock_state(device, none, none, true, group, none, false, 0)?;
        Ok(locked.check()?)
    }

    fn state(&self) -> Result<xkb::GetStateReply, InjectError> {
        Ok(self.connection.xkb_get_state(xkb::ID::USE_CORE_KBD.into())?.reply()?)
    }

    fn rows(&self) -> impl Iterator<Item = (u8, &[u32])> {
        (self.first..=u8::MAX).zip(self.keysyms.chunks(self.width))
    }
}

const FIRST_GROUP: xkb::Group = xkb::Group::M1;

// Keysyms: `X11/keysymdef.h`.
const RETURN: u32 = 0xff0d;
const TAB: u32 = 0xff09;
const SHIFT_L: u32 = 0xffe1;

/// What the first group makes of a key, without the empty rest that differs with the width of the map.
fn meaning(row: &[u32]) -> (Option<&u32>, Option<&u32>) {
    (row.first(), row.get(1))
}

/// The keysym of a character: Latin-1 is itself, everything else may be said as 0x0100_0000 + its code point.
fn keysym(c: char) -> Option<u32> {
    match u32::from(c) {
        code @ (0x20..=0x7e | 0xa0..=0xff) => Some(code),
        code @ 0x100.. => Some(0x0100_0000 | code),
        _ => None,
    }
}

/// True if a row's two levels are one letter in two cases: XKB's type ALPHABETIC, on which Caps Lock acts.
fn is_letter(row: &[u32]) -> bool {
    let character = |level: usize| {
        let symbol = row.get(level).copied().unwrap_or(0);
        char::from_u32(symbol & 0x00ff_ffff).filter(|c| keysym(*c) == Some(symbol))
    };
    let (Some(lower), Some(upper)) = (character(0), character(1)) else { return false };
    lower != upper && lower.to_uppercase().eq([upper])
}

impl From<ConnectionError> for InjectError {
    fn from(error: ConnectionError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<ReplyError> for InjectError {
    fn from(error: ReplyError) -> Self {
        Self::Refused(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_lock_acts_on_letters_alone() {
        for (row, expected) in [
            (&[0x61, 0x41][..], true),           // a A
            (&[0xf6, 0xd6], true),               // ö Ö
            (&[0x0100_017e, 0x0100_017d], true), // ž Ž
            (&[0x31, 0x21], false),              // 1 !
            (&[0xdf, 0x3f], false),              // ß ?
            (&[0xffe1, 0], false),
            (&[0x61], false),
            (&[], false),
        ] {
            assert_eq!(is_letter(row), expected, "{row:x?}");
        }
    }

    #[test]
    fn characters_have_keysyms() {
        for (c, expected) in [
            ('a', Some(0x61)),
            ('ü', Some(0xfc)),
            ('€', Some(0x0100_20ac)),
            ('\u{1b}', None),
            ('\u{85}', None),
        ] {
            assert_eq!(keysym(c), expected, "{c:?}");
        }
    }
}
