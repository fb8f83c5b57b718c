//! Lends spare keys on the X server and takes them back, also those that a run of ours lent which was killed: what is
//! lent stands in a property of the root window, and belongs to whoever owns the selection of the same name.

use super::{
    super::{InjectError, hid},
    X_OFFSET,
    layout::{Layout, keysym},
    loans::{Loans, Plan, REST, fitting},
};
use std::{
    thread,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection as _,
    protocol::{
        xkb::{self, ConnectionExt as _, KeySymMap, MapPart},
        xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, Window, WindowClass},
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// Of the property (CARDINAL, 32 bits: keycode, keysym, keycode, keysym …) and of the selection.
const NAME: &[u8] = b"_NEARHAND_LENT_KEYS";

/// The number of the key type with two levels, the second by Shift (XKB protocol, "Canonical Key Types").
const TWO_LEVEL: u8 = 1;

/// How long lending waits at most, where nobody asked before whether it is ready: the technician's input must have stopped
/// 200 ms after control was taken back.
const MOST: Duration = Duration::from_millis(120);

/// Words of the property that are read, at most: two for each of 256 keys.
const WORDS: u32 = 512;

/// The keys that are lent on one X server.
pub(super) struct Lender {
    loans: Loans,
    root: Window,
    name: u32,
    /// False while another host on this display keeps the property.
    listed: bool,
}

impl Lender {
    /// Takes back what a killed run left lent.
    pub(super) fn open(
        connection: &RustConnection,
        root: Window,
        layout: &Layout,
    ) -> Result<Self, InjectError> {
        let name = connection.intern_atom(false, NAME)?.reply()?.atom;
        let listed = connection.get_selection_owner(name)?.reply()?.owner == x11rb::NONE;
        let mut lender = Self { loans: Loans::default(), root, name, listed };
        if listed {
            let owner = connection.generate_id().map_err(|error| InjectError::Refused(error.to_string()))?;
            let (class, look) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
            connection.create_window(0, owner, root, 0, 0, 1, 1, 0, class, 0, &look)?;
            connection.set_selection_owner(owner, name, x11rb::CURRENT_TIME)?;
            let list = connection.get_property(false, root, name, AtomEnum::CARDINAL, 0, WORDS)?.reply()?;
            let words: Vec<u32> = list.value32().into_iter().flatten().collect();
            let pairs = words.chunks_exact(2).filter_map(|pair| Some((u8::try_from(pair[0]).ok()?, pair[1])));
            lender.loans.handle_lent(&pairs.collect::<Vec<_>>());
            lender.take_back(connection, layout)?;
        }
        Ok(lender)
    }

    /// Compares with a fresh reading of the map; there, what is lent then counts as spare.
    pub(super) fn handle_layout(&mut self, layout: &mut Layout) {
        self.loans.keep(|keycode, symbol| layout.always(keycode, symbol));
        for loan in self.loans.all() {
            layout.forget(loan.keycode);
        }
    }

    /// Makes the beginning of `text` typeable, and returns it with the symbols that it needs lent keys for. Waits up
    /// to [`MOST`] for keys that were used just now. `own`: the character has a key on the layout.
    pub(super) fn lend<'a>(
        &mut self,
        connection: &RustConnection,
        layout: &Layout,
        text: &'a str,
        own: impl Fn(char) -> bool,
    ) -> Result<(&'a str, Vec<u32>), InjectError> {
        let (head, needed, plan) = self.plan(layout, text, own);
        if head.is_empty() && !text.is_empty() {
            let reason = "this keyboard layout has no spare key for a character; choose another layout";
            return Err(InjectError::Unsupported(reason.to_owned()));
        }
        if !plan.lend.is_empty() {
            wait_until(plan.at, MOST);
            self.loans.handle_lent(&plan.lend);
            self.list(connection)?;
            change(connection, &plan.lend)?;
        }
        Ok((head, needed))
    }

    /// When keys that may still be read will have rested, if they must mean something else for this text.
    pub(super) fn rested(&self, layout: &Layout, text: &str, own: impl Fn(char) -> bool) -> Option<Instant> {
        self.plan(layout, text, own).2.at
    }

    /// Whoever has the focus has read all keys.
    pub(super) fn handle_read(&mut self) {
        self.loans.handle_read();
    }

    fn plan<'a>(
        &self,
        layout: &Layout,
        text: &'a str,
        own: impl Fn(char) -> bool,
    ) -> (&'a str, Vec<u32>, Plan) {
        let spare = spare(layout);
        let (head, needed) = fitting(text, spare.len(), |c| if own(c) { None } else { keysym(c) });
        let plan = self.loans.plan(&needed, &spare);
        (head, needed, plan)
    }

    /// Which lent key types this character.
    pub(super) fn key(&self, c: char) -> Option<u8> {
        self.loans.key(keysym(c)?)
    }

    /// True if nothing is lent.
    pub(super) fn is_idle(&self) -> bool {
        self.loans.all().is_empty()
    }

    /// True if this key is lent.
    pub(super) fn is_lent(&self, keycode: u8) -> bool {
        self.loans.all().iter().any(|loan| loan.keycode == keycode)
    }

    /// The keys of these symbols have been used until now.
    pub(super) fn handle_used(&mut self, symbols: &[u32]) {
        self.loans.handle_used(symbols, Instant::now());
    }

    /// Empties all that is lent, except what the user's new layout has made a key of since.
    pub(super) fn take_back(
        &mut self,
        connection: &RustConnection,
        layout: &Layout,
    ) -> Result<(), InjectError> {
        self.loans.keep(|keycode, symbol| layout.always(keycode, symbol));
        wait_until(self.loans.free_at(), REST);
        let mut empty: Vec<(u8, u32)> = self.loans.all().iter().map(|loan| (loan.keycode, 0)).collect();
        empty.sort_unstable();
        change(connection, &empty)?;
        self.loans = Loans::default();
        self.list(connection)
    }

    /// Says in the property what is lent, so that the next run can take it back if this one is killed.
    fn list(&self, connection: &RustConnection) -> Result<(), InjectError> {
        if !self.listed {
            return Ok(());
        }
        if self.loans.all().is_empty() {
            return Ok(connection.delete_property(self.root, self.name)?.check()?);
        }
        let words: Vec<u32> =
            self.loans.all().iter().flat_map(|loan| [loan.keycode.into(), loan.symbol]).collect();
        let mode = PropMode::REPLACE;
        Ok(connection.change_property32(mode, self.root, self.name, AtomEnum::CARDINAL, &words)?.check()?)
    }
}

/// Keys that can be lent: those that no keyboard has come first. One stays empty, because enigo starts only where there
/// is an empty one, and the next session may start while this one is about to end.
fn spare(layout: &Layout) -> Vec<u8> {
    let mut spare: Vec<u8> = layout.spare().collect();
    spare.sort_by_key(|keycode| hid::is_key(keycode.saturating_sub(X_OFFSET)));
    if 1 < spare.len() {
        spare.pop();
    }
    spare
}

/// Gives keys their meaning (0: none), all in one change of the map, because each program reads the map again after
/// each. In effect when it returns.
fn change(connection: &RustConnection, keys: &[(u8, u32)]) -> Result<(), InjectError> {
    let (Some((first, _)), Some((last, _))) = (keys.first(), keys.last()) else { return Ok(()) };
    let count = last - first + 1;
    // Keys in between are written as they are: nobody may change them meanwhile.
    connection.grab_server()?;
    let changed = rewrite(connection, *first, count, |keycode, key| {
        if let Ok(at) = keys.binary_search_by_key(&keycode, |(keycode, _)| *keycode) {
            *key = meaning(keys.get(at).map_or(0, |(_, symbol)| *symbol));
        }
    });
    connection.ungrab_server()?;
    changed?;
    Ok(connection.sync()?)
}

/// Two levels that are alike: no program takes them for a small letter and its capital.
fn meaning(symbol: u32) -> KeySymMap {
    match symbol {
        0 => KeySymMap::default(),
        _ => KeySymMap { kt_index: [TWO_LEVEL; 4], group_info: 1, width: 2, syms: vec![symbol; 2] },
    }
}

/// Reads so many keys from `first` on, and writes them as `edit` leaves them.
fn rewrite(
    connection: &RustConnection,
    first: u8,
    count: u8,
    edit: impl Fn(u8, &mut KeySymMap),
) -> Result<(), InjectError> {
    let device = xkb::ID::USE_CORE_KBD.into();
    let (none, vmods) = (MapPart::from(0_u16), xkb::VMod::from(0_u16));
    let part = MapPart::KEY_SYMS;
    let map = connection
        .xkb_get_map(device, none, part, 0, 0, first, count, 0, 0, 0, 0, vmods, 0, 0, 0, 0, 0, 0)?
        .reply()?;
    let mut keys = map.map.syms_rtrn.unwrap_or_default();
    for (keycode, key) in (first..=u8::MAX).zip(&mut keys) {
        edit(keycode, key);
    }
    let total = u16::try_from(keys.iter().map(|key| key.syms.len()).sum::<usize>()).unwrap_or(u16::MAX);
    let (min, max) = (map.min_key_code, map.max_key_code);
    let (flags, aux) = (xkb::SetMapFlags::from(0_u16), xkb::SetMapAux::new().syms(keys));
    connection.xkb_set_map(
        device, flags, min, max, 0, 0, first, count, total, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        vmods, &aux,
    )?;
    Ok(())
}

/// Lets slow programs read what was typed.
fn wait_until(at: Option<Instant>, most: Duration) {
    if let Some(at) = at {
        thread::sleep(at.saturating_duration_since(Instant::now()).min(most));
    }
}
