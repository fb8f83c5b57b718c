//! The X server's keyboard map, as XKB has it (XKBproto §12, "Key Symbol Map"): which symbol a key makes with these
//! modifiers in this group. Exactly the server's, so whatever made it (setxkbmap, xmodmap) counts.

use super::symbols;

/// The modifier bit of Caps Lock.
const LOCK: u8 = 0b10;

/// A keyboard map.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// Keycode of the first of `keys`.
    pub(super) first: u8,
    /// All keys, in the order of keycodes.
    pub(super) keys: Vec<Key>,
    /// How modifiers choose a level.
    pub(super) types: Vec<Type>,
    /// The modifier bits of Num Lock.
    pub(super) num_lock: u8,
}

/// One key.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    /// Its groups' types, by index; as many as it has groups, at most 4.
    pub(super) types: Vec<usize>,
    /// What stands for groups that it doesn't have.
    pub(super) beyond: Beyond,
    /// Symbols of one group.
    pub(super) width: usize,
    /// groups x width keysyms.
    pub(super) symbols: Vec<u32>,
}

/// What stands for a group that a key doesn't have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Counting goes on at the first.
    #[default]
    Wrap,
    /// The last.
    Clamp,
    /// This one.
    Redirect(usize),
}

/// How modifiers choose a level.
#[derive(Clone, Debug, Default)]
pub(super) struct Type {
    /// The modifiers that count.
    pub(super) mask: u8,
    /// Which of them make which level, from 0; all others make level 0.
    pub(super) levels: Vec<(u8, usize)>,
}

/// A key that was pressed: keycode, modifiers in effect, and group, before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Press {
    /// The X keycode.
    pub(super) keycode: u8,
    /// The modifiers in effect.
    pub(super) mods: u8,
    /// The group in effect, from 0.
    pub(super) group: u8,
}

impl Press {
    /// The same without Caps Lock.
    pub(super) fn without_caps(self) -> Self {
        Self { mods: self.mods & !LOCK, ..self }
    }
}

impl Layout {
    /// The symbol that a key makes; [`symbols::NONE`] if none.
    pub(super) fn symbol(&self, press: Press) -> u32 {
        self.symbol_in(press, |key| key.group(press.group)).unwrap_or(symbols::NONE)
    }

    /// The character of the first group in which the key makes one of ASCII, with these modifiers.
    pub(super) fn ascii(&self, press: Press) -> Option<char> {
        (0..4).find_map(|group| {
            let symbol = self.symbol_in(press, |key| (group < key.types.len()).then_some(group))?;
            symbols::character(symbol).filter(char::is_ascii)
        })
    }

    /// Caps Lock and Num Lock, by what is locked.
    pub(super) fn locks(&self, locked: u8) -> (bool, bool) {
        (locked & LOCK != 0, locked & self.num_lock != 0)
    }

    fn symbol_in(&self, press: Press, group: impl Fn(&Key) -> Option<usize>) -> Option<u32> {
        let key = self.keys.get(usize::from(press.keycode.checked_sub(self.first)?))?;
        let group = group(key)?;
        let kind = self.types.get(*key.types.get(group)?)?;
        let of_kind = press.mods & kind.mask;
        let level = kind.levels.iter().find(|level| level.0 == of_kind).map_or(0, |level| level.1);
        let symbol = *key.symbols.get(group * key.width + level).filter(|_| level < key.width)?;
        // Caps Lock makes capitals also where the type doesn't know it, as libX11 and libxkbcommon have it.
        let caps = press.mods & LOCK != 0 && kind.mask & LOCK == 0;
        Some(if caps { symbols::upper(symbol) } else { symbol })
    }
}

impl Key {
    /// The group that stands for this one; `None` if the key has none at all.
    fn group(&self, group: u8) -> Option<usize> {
        let (group, count) = (usize::from(group), self.types.len());
        if group < count {
            return Some(group);
        }
        match self.beyond {
            Beyond::Wrap => group.checked_rem(count),
            Beyond::Clamp => count.checked_sub(1),
            Beyond::Redirect(to) => Some(if to < count { to } else { 0 }).filter(|_| count != 0),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use xkbcommon::xkb;

    /// Shift's bit.
    pub(in super::super) const SHIFT: u8 = 1;
    /// Control's bit.
    pub(in super::super) const CONTROL: u8 = 4;
    /// Alt's bit.
    pub(in super::super) const ALT: u8 = 8;
    /// Num Lock's bit, as xkeyboard-config has it.
    pub(in super::super) const NUM: u8 = 16;
    /// Super's bit.
    pub(in super::super) const SUPER: u8 = 64;
    /// AltGr's bit.
    pub(in super::super) const LEVEL3: u8 = 128;

    /// A layout of xkeyboard-config, by way of libxkbcommon.
    pub(in super::super) fn named(layout: &str, variant: &str) -> Layout {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
        let map = xkb::Keymap::new_from_names(&context, "evdev", "pc105", layout, variant, None, flags);
        let map = map.expect("xkeyboard-config is there");
        let mut layout = Layout { first: 8, num_lock: NUM, ..Layout::default() };
        for keycode in 8..=255 {
            let mut key = Key { width: 8, ..Key::default() };
            for group in 0..map.num_layouts_for_key(keycode.into()) {
                key.types.push(layout.types.len());
                let mut kind = Type::default();
                for level in 0..8 {
                    let code = xkb::Keycode::new(keycode);
                    let symbols = map.key_get_syms_by_level(code, group, level);
                    key.symbols.push(symbols.first().map_or(0, |symbol| symbol.raw()));
                    let mut masks = [0; 16];
                    let count = if level < map.num_levels_for_key(code, group) {
                        map.key_get_mods_for_level(code, group, level, &mut masks)
                    } else {
                        0
                    };
                    for mask in &masks[..count] {
                        let mask = u8::try_from(mask & 0xff).unwrap();
                        kind.mask |= mask;
                        kind.levels.push((mask, usize::try_from(level).unwrap()));
                    }
                }
                layout.types.push(kind);
            }
            layout.keys.push(key);
        }
        layout
    }

    fn character(layout: &Layout, keycode: u8, mods: u8, group: u8) -> Option<char> {
        symbols::character(layout.symbol(Press { keycode, mods, group }))
    }

    #[test]
    fn keys_make_what_the_layouts_say() {
        let check = |layout: &Layout, keycode, mods, group, expected| {
            assert_eq!(character(layout, keycode, mods, group), Some(expected), "{keycode} {mods} {group}");
        };
        let us = named("us", "");
        check(&us, 24, 0, 0, 'q');
        check(&us, 24, SHIFT, 0, 'Q');
        check(&us, 24, LOCK, 0, 'Q');
        check(&us, 24, SHIFT | LOCK, 0, 'q');
        check(&us, 11, SHIFT, 0, '@');
        check(&us, 11, LOCK, 0, '2');
        check(&us, 87, NUM, 0, '1');
        assert_eq!(us.symbol(Press { keycode: 87, mods: 0, group: 0 }), 0xff9c, "KP_End");
        check(&us, 24, 0, 3, 'q'); // groups that a key lacks wrap
        let de = named("de", "");
        check(&de, 29, 0, 0, 'z');
        check(&de, 24, LEVEL3, 0, '@');
        check(&de, 26, LEVEL3, 0, '€');
        check(&de, 47, LOCK, 0, 'Ö');
        let fr = named("fr", "");
        check(&fr, 10, 0, 0, '&');
        check(&fr, 10, SHIFT, 0, '1');
        check(&fr, 11, LOCK, 0, 'É');
        check(&fr, 17, LEVEL3, 0, '\\');
        let ru = named("us,ru", "");
        check(&ru, 38, 0, 1, 'ф');
        check(&ru, 38, SHIFT, 1, 'Ф');
        check(&ru, 38, LOCK, 1, 'Ф');
    }

    #[test]
    fn another_group_has_the_latin_letter() {
        let press = Press { keycode: 54, mods: 0, group: 1 };
        assert_eq!(named("us,ru", "").ascii(press), Some('c'));
        assert_eq!(named("ru", "").ascii(Press { group: 0, ..press }), None);
    }

    #[test]
    fn missing_groups_are_stood_for() {
        for (beyond, expected) in
            [(Beyond::Wrap, Some(1)), (Beyond::Clamp, Some(1)), (Beyond::Redirect(0), Some(0))]
        {
            let key = Key { types: vec![0, 0], beyond, ..Key::default() };
            assert_eq!(key.group(3), expected, "{beyond:?}");
            assert_eq!(Key { beyond, ..Key::default() }.group(3), None, "{beyond:?}");
        }
    }

    fn any_key() -> impl Strategy<Value = Key> {
        let beyond =
            prop_oneof![Just(Beyond::Wrap), Just(Beyond::Clamp), (0..4_usize).prop_map(Beyond::Redirect)];
        (vec(0..6_usize, 0..=4), beyond, 0..256_usize, vec(any::<u32>(), 0..40))
            .prop_map(|(types, beyond, width, symbols)| Key { types, beyond, width, symbols })
    }

    fn any_layout() -> impl Strategy<Value = Layout> {
        let kind = (any::<u8>(), vec((any::<u8>(), 0..256_usize), 0..6));
        let kinds = vec(kind.prop_map(|(mask, levels)| Type { mask, levels }), 0..6);
        (any::<u8>(), vec(any_key(), 0..40), kinds, any::<u8>())
            .prop_map(|(first, keys, types, num_lock)| Layout { first, keys, types, num_lock })
    }

    proptest! {
        /// Any program may write the map: its parts need not fit together.
        #[test]
        fn no_map_is_too_much(layout in any_layout(), keycode: u8, mods: u8, group: u8) {
            let press = Press { keycode, mods, group };
            let symbol = layout.symbol(press);
            prop_assert!(symbol == symbols::NONE || !layout.keys.is_empty());
            prop_assert!(layout.ascii(press).is_none_or(|c| c.is_ascii()));
        }
    }
}
