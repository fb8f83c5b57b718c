//! The user's X11 keyboard just now: its layout, its modifiers and lock keys, the group in effect; and the keys lent
//! to characters that the layout lacks. Read afresh for each text, because users switch layouts.

mod behind;
pub(super) mod layout;
mod lend;
mod loans;

use self::{
    behind::{Behind, Known, LOOK},
    layout::{CAPS_LOCK, Layout, NUM_LOCK, SCROLL_LOCK, Stroke},
    lend::Lender,
};
use super::InjectError;
use nearhand_proto::session::input::Locks;
use std::time::Instant;
use x11rb::{
    connection::Connection as _,
    errors::{ConnectionError, ReplyError},
    protocol::{
        xkb::{self, ConnectionExt as _, MapPart},
        xproto::{ConnectionExt as _, ModMask},
    },
    rust_connection::RustConnection,
};

/// X keycodes are evdev codes and eight (`xkeyboard-config`'s `keycodes/evdev`).
pub(super) const X_OFFSET: u8 = 8;

/// How often the focused program is asked at the end whether it has read everything.
const LAST_LOOKS: usize = 5;

/// The keyboard of one X server, over a connection of its own.
pub(super) struct Keyboard {
    connection: RustConnection,
    layout: Layout,
    lender: Lender,
    behind: Behind,
}

/// Modifiers and groups in effect. Modifiers are the X protocol's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Of keys that are down or latched.
    pub(super) pressed: u16,
    /// Locked.
    pub(super) locked: u16,
    /// The group in effect, from 0.
    pub(super) group: u8,
    /// The group that is locked; what keys add to it makes the one in effect.
    pub(super) locked_group: u8,
}

impl Keyboard {
    /// Connects to `display` (`None`: `$DISPLAY`), reads the map, takes back what a killed run lent.
    pub(super) fn open(display: Option<&str>) -> Result<Self, InjectError> {
        let connected = RustConnection::connect(display);
        let (connection, number) = connected.map_err(|error| InjectError::NoDesktop(error.to_string()))?;
        let none = || InjectError::NoDesktop("the display has no such screen".to_owned());
        let root = connection.setup().roots.get(number).ok_or_else(none)?.root;
        let xkb = connection.xkb_use_extension(1, 0)?.reply()?;
        if !xkb.supported {
            let reason = "this X server has no XKEYBOARD extension; use one that has";
            return Err(InjectError::Unsupported(reason.to_owned()));
        }
        let layout = read(&connection)?;
        let lender = Lender::open(&connection, root, &layout)?;
        let behind = Behind::open(&connection, root)?;
        Ok(Self { connection, layout, lender, behind })
    }

    /// Reads the map as it is now.
    pub(super) fn refresh(&mut self) -> Result<(), InjectError> {
        while self.connection.poll_for_event()?.is_some() {} // nobody else takes them
        self.layout = read(&self.connection)?;
        self.lender.handle_layout(&mut self.layout);
        Ok(())
    }

    /// The map as it was read last, without lent keys.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// True if [`Self::lend`] would not take away from the program that has the focus what it still has to read. Waits
    /// for that a little, 20 ms at most.
    pub(super) fn ready(&mut self, text: &str) -> Result<bool, InjectError> {
        self.refresh()?;
        let (layout, group) = (&self.layout, self.state()?.group);
        let own = |c| layout.stroke(c, group, 0).is_some();
        let Some(rested) = self.lender.rested(layout, text, own) else { return Ok(true) };
        match self.behind.look(&self.connection)? {
            Known::Nothing => self.lender.handle_read(),
            Known::Behind => return Ok(false),
            Known::Silent => {
                let left = rested.saturating_duration_since(Instant::now());
                std::thread::sleep(left.min(LOOK));
                return Ok(left.is_zero());
            }
        }
        Ok(true)
    }

    /// Makes the beginning of `text` typeable, and returns it with the symbols that it needs lent keys for.
    /// `group`, `base`: as for [`Layout::stroke`].
    pub(super) fn lend<'a>(
        &mut self,
        text: &'a str,
        group: u8,
        base: u16,
    ) -> Result<(&'a str, Vec<u32>), InjectError> {
        let layout = &self.layout;
        self.lender.lend(&self.connection, layout, text, |c| layout.stroke(c, group, base).is_some())
    }

    /// How this character of what [`Self::lend`] returned is typed.
    pub(super) fn stroke(&self, c: char, group: u8, base: u16) -> Option<Stroke> {
        let lent = || Some(Stroke { keycode: self.lender.key(c)?, group, shift: false, level3: false });
        self.layout.stroke(c, group, base).or_else(lent)
    }

    /// True if this key is lent: to the user's own layout it means nothing.
    pub(super) fn is_lent(&mut self, keycode: u8) -> Result<bool, InjectError> {
        if !self.lender.is_lent(keycode) {
            return Ok(false);
        }
        self.refresh()?; // by now it may be the layout's own
        Ok(self.lender.is_lent(keycode))
    }

    /// The lent keys of these symbols have been used until now.
    pub(super) fn handle_used(&mut self, symbols: &[u32]) {
        self.lender.handle_used(symbols);
    }

    /// What is in effect now.
    pub(super) fn state(&self) -> Result<State, InjectError> {
        let state = self.connection.xkb_get_state(xkb::ID::USE_CORE_KBD.into())?.reply()?;
        Ok(State {
            pressed: u16::from(state.base_mods) | u16::from(state.latched_mods),
            locked: state.locked_mods.into(),
            group: state.group.into(),
            locked_group: state.locked_group.into(),
        })
    }

    /// Those of `keys` that are down. One that we have pressed may be up again: the user's own keyboard has it, too.
    pub(super) fn down(&self, keys: &[u8]) -> Result<Vec<u8>, InjectError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let down = self.connection.query_keymap()?.reply()?.keys;
        let is_down =
            |key: &u8| down.get(usize::from(key / 8)).is_some_and(|bits| bits >> (key % 8) & 1 == 1);
        Ok(keys.iter().copied().filter(is_down).collect())
    }

    /// Locks a layout group; in effect when it returns.
    pub(super) fn lock_group(&self, group: u8) -> Result<(), InjectError> {
        self.lock(0, 0, Some(group))
    }

    /// Brings the locked modifiers among `which` into the state `on`; in effect when it returns.
    pub(super) fn lock_modifiers(&self, which: u16, on: u16) -> Result<(), InjectError> {
        self.lock(which, on, None)
    }

    /// Brings the lock keys into this state, past the keys themselves: a layout may have made something else of them.
    pub(super) fn lock_keys(&mut self, locks: Locks) -> Result<(), InjectError> {
        self.refresh()?;
        let locked = self.state()?.locked;
        let wanted = [(CAPS_LOCK, locks.caps), (NUM_LOCK, locks.num), (SCROLL_LOCK, locks.scroll)];
        let known = wanted.map(|(key, on)| (self.layout.modifier(key).map_or(0, |m| m.mask), on));
        let which = known.iter().fold(0, |which, (mask, _)| which | mask);
        let on = known.iter().filter(|(_, on)| *on).fold(0, |all, (mask, _)| all | mask);
        if locked & which != on {
            self.lock_modifiers(which, on)?;
        }
        if known.contains(&(0, true)) {
            let reason = "this keyboard layout lacks a lock key that is on at the technician's";
            return Err(InjectError::Unsupported(reason.to_owned()));
        }
        Ok(())
    }

    fn lock(&self, which: u16, on: u16, group: Option<u8>) -> Result<(), InjectError> {
        let device = xkb::ID::USE_CORE_KBD.into();
        let (which, on) = (ModMask::from(which), ModMask::from(on));
        let number = xkb::Group::from(group.unwrap_or(0));
        let none = ModMask::from(0_u16);
        let request =
            self.connection.xkb_latch_lock_state(device, which, on, group.is_some(), number, none, false, 0);
        Ok(request?.check()?)
    }
}

impl Keyboard {
    /// From a fresh reading: the user's layout may be another one by now.
    fn take_back(&mut self) -> Result<(), InjectError> {
        let layout = read(&self.connection)?;
        for _ in 0..LAST_LOOKS {
            match self.behind.look(&self.connection)? {
                Known::Nothing => self.lender.handle_read(),
                Known::Behind => continue,
                Known::Silent => {}
            }
            break;
        }
        self.lender.take_back(&self.connection, &layout)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        if !self.lender.is_idle()
            && let Err(error) = self.take_back()
        {
            tracing::warn!(%error, "spare keys may still be lent; the next session takes them back");
        }
    }
}

fn read(connection: &RustConnection) -> Result<Layout, InjectError> {
    let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
    let (device, none) = (xkb::ID::USE_CORE_KBD.into(), MapPart::from(0_u16));
    let no_vmods = xkb::VMod::from(0_u16);
    let map = connection
        .xkb_get_map(device, parts, none, 0, 0, 0, 0, 0, 0, 0, 0, no_vmods, 0, 0, 0, 0, 0, 0)?
        .reply()?;
    let (types, keys, modifiers) = (map.map.types_rtrn, map.map.syms_rtrn, map.map.modmap_rtrn);
    Ok(Layout::new(
        map.first_key_sym,
        types.unwrap_or_default(),
        keys.unwrap_or_default(),
        modifiers.unwrap_or_default(),
    ))
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
