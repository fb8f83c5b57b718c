//! Reads the X server's keyboard map (XKBproto §16.2, GetMap).

use super::super::{
    KeysError,
    layout::{Beyond, Key, Layout, Type},
    symbols,
};
use x11rb::{
    protocol::{
        xkb::{self, ConnectionExt as _, MapPart},
        xproto::{ConnectionExt as _, ModMask},
    },
    rust_connection::RustConnection,
};

/// The map as it is now.
pub(super) fn read(connection: &RustConnection) -> Result<Layout, KeysError> {
    let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS;
    let (device, none) = (xkb::ID::USE_CORE_KBD.into(), xkb::VMod::from(0_u16));
    let some = MapPart::from(0_u16);
    let map = connection.xkb_get_map(device, parts, some, 0, 0, 0, 0, 0, 0, 0, 0, none, 0, 0, 0, 0, 0, 0)?;
    let modifiers = connection.get_modifier_mapping()?;
    let reply = map.reply()?;
    let types = reply.map.types_rtrn.unwrap_or_default().iter().map(kind).collect();
    let keys: Vec<_> = reply.map.syms_rtrn.unwrap_or_default().into_iter().map(key).collect();
    let mut layout = Layout { first: reply.first_key_sym, keys, types, num_lock: 0 };
    let modifiers = modifiers.reply()?;
    let width = modifiers.keycodes.len() / 8;
    for (bit, keycodes) in modifiers.keycodes.chunks(width.max(1)).enumerate().take(8) {
        if keycodes.iter().any(|keycode| is_num_lock(&layout, *keycode)) {
            layout.num_lock |= 1 << bit;
        }
    }
    Ok(layout)
}

/// The modifiers that are locked, and those in effect with the group, as key events have them.
pub(super) fn locked(connection: &RustConnection) -> Result<u8, KeysError> {
    let state = connection.xkb_get_state(xkb::ID::USE_CORE_KBD.into())?.reply()?;
    Ok(bits(state.locked_mods))
}

/// The eight modifiers of a mask.
pub(super) fn bits(mods: ModMask) -> u8 {
    mods.bits().to_le_bytes()[0]
}

fn is_num_lock(layout: &Layout, keycode: u8) -> bool {
    let key = keycode.checked_sub(layout.first).and_then(|at| layout.keys.get(usize::from(at)));
    key.is_some_and(|key| key.symbols.contains(&symbols::NUM_LOCK))
}

fn kind(kind: &xkb::KeyType) -> Type {
    // An entry whose virtual modifiers are bound to nothing is inactive.
    let active = kind.map.iter().filter(|entry| entry.active);
    let levels = active.map(|entry| (bits(entry.mods_mask), usize::from(entry.level))).collect();
    Type { mask: bits(kind.mods_mask), levels }
}

fn key(map: xkb::KeySymMap) -> Key {
    let groups = usize::from(map.group_info & 0x0f).min(4);
    let beyond = match map.group_info & 0xc0 {
        0x40 => Beyond::Clamp,
        0x80 => Beyond::Redirect(usize::from(map.group_info >> 4 & 0x03)),
        _ => Beyond::Wrap,
    };
    let types = map.kt_index.iter().take(groups).map(|kind| usize::from(*kind)).collect();
    Key { types, beyond, width: usize::from(map.width), symbols: map.syms }
}
