//! The user's keyboard map as XKB has it (The X Keyboard Extension: Protocol Specification, "Keyboard Mapping"): which
//! key types a character, in which layout group and with which modifiers. Pure.

use x11rb::protocol::xkb::{KeyModMap, KeySymMap, KeyType};
use xkeysym::Keysym;

// Modifiers: the X protocol's own numbers.
pub(in crate::inject) const SHIFT: u16 = 1;
pub(in crate::inject) const LOCK: u16 = 1 << 1;

// Keysyms: `X11/keysymdef.h`.
pub(in crate::inject) const SHIFT_L: u32 = 0xffe1;
pub(in crate::inject) const SHIFT_R: u32 = 0xffe2;
pub(in crate::inject) const LEVEL3_SHIFT: u32 = 0xfe03;
pub(in crate::inject) const LEVEL5_SHIFT: u32 = 0xfe11;
pub(in crate::inject) const CAPS_LOCK: u32 = 0xffe5;
pub(in crate::inject) const NUM_LOCK: u32 = 0xff7f;
pub(in crate::inject) const SCROLL_LOCK: u32 = 0xff14;
const TAB: u32 = 0xff09;
const RETURN: u32 = 0xff0d;

/// Below are characters, from here on keys with a function: also the keypad, whose characters come and go with Num
/// Lock. Characters by their Unicode number are above.
const FUNCTIONS: std::ops::RangeInclusive<u32> = 0xfd00..=0xffff;

/// Nothing but the lowest code is its X keycode: its evdev code is 0, which programs take for no key.
const NO_KEY: u8 = 8;

/// One reading of the map.
#[derive(Debug, Default)]
pub(in crate::inject) struct Layout {
    /// Keycode of the first of `keys`.
    first: u8,
    types: Vec<KeyType>,
    keys: Vec<KeySymMap>,
    modifiers: Vec<KeyModMap>,
    groups: u8,
}

/// How one character is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inject) struct Stroke {
    /// The X keycode.
    pub(in crate::inject) keycode: u8,
    /// The layout group that must be in effect, from 0.
    pub(in crate::inject) group: u8,
    /// True if Shift must be in effect.
    pub(in crate::inject) shift: bool,
    /// True if level 3 (AltGr) must be in effect.
    pub(in crate::inject) level3: bool,
}

/// A modifier of this map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inject) struct Modifier {
    /// The first key that has it.
    pub(in crate::inject) keycode: u8,
    /// Its bit or bits.
    pub(in crate::inject) mask: u16,
}

impl Layout {
    /// `first`: the keycode of the first of `keys`.
    pub(in crate::inject) fn new(
        first: u8,
        types: Vec<KeyType>,
        keys: Vec<KeySymMap>,
        modifiers: Vec<KeyModMap>,
    ) -> Self {
        let groups = keys.iter().map(count).max().unwrap_or(0).max(1);
        Self { first, types, keys, modifiers, groups }
    }

    /// How many groups there are, at least 1.
    pub(in crate::inject) fn groups(&self) -> u8 {
        self.groups
    }

    /// How to type this character while the modifiers `base` are in effect, in the group `now` if it has it, else in
    /// the first that has; `None` if no key types it. Dead keys don't count.
    pub(in crate::inject) fn stroke(&self, c: char, now: u8, base: u16) -> Option<Stroke> {
        let level3 = self.modifier(LEVEL3_SHIFT).map(|modifier| modifier.mask);
        let groups = std::iter::once(now).chain((0..self.groups).filter(|group| *group != now));
        let ways = [(false, false), (true, false), (false, true), (true, true)];
        groups.flat_map(|group| ways.map(|way| (group, way))).find_map(|(group, (shift, third))| {
            let more = if third { level3? } else { 0 };
            let mods = base | if shift { SHIFT } else { 0 } | more;
            let (keycode, _) = self.rows().find(|(_, key)| {
                self.symbol_of(key, group, mods).is_some_and(|symbol| character(symbol) == Some(c))
            })?;
            Some(Stroke { keycode, group, shift, level3: third })
        })
    }

    /// What a key means without any modifier in this group; `None` if nothing.
    pub(in crate::inject) fn symbol(&self, keycode: u8, group: u8) -> Option<u32> {
        self.rows().find(|(code, _)| *code == keycode).and_then(|(_, key)| self.symbol_of(key, group, 0))
    }

    /// The modifier whose keys have this symbol; `None` if it is no modifier here.
    pub(in crate::inject) fn modifier(&self, symbol: u32) -> Option<Modifier> {
        let keys = || self.rows().filter(|(_, key)| key.syms.first() == Some(&symbol)).map(|(code, _)| code);
        let of = |code: u8| self.modifiers.iter().filter(move |modifier| modifier.keycode == code);
        let mask = keys().flat_map(of).fold(0, |mask, modifier| mask | u16::from(modifier.mods));
        (mask != 0).then_some(Modifier { keycode: keys().next()?, mask })
    }

    /// Keys that mean nothing at all.
    pub(in crate::inject) fn spare(&self) -> impl Iterator<Item = u8> {
        let spare = self.rows().filter(|(code, key)| *code != NO_KEY && key.syms.iter().all(|s| *s == 0));
        spare.map(|(code, _)| code)
    }

    /// True if this key means that, whatever the group and the modifiers.
    pub(in crate::inject) fn always(&self, keycode: u8, symbol: u32) -> bool {
        let mut rows = self.rows();
        rows.any(|(code, key)| {
            code == keycode && !key.syms.is_empty() && key.syms.iter().all(|s| *s == symbol)
        })
    }

    /// Reads this key as one that means nothing.
    pub(in crate::inject) fn forget(&mut self, keycode: u8) {
        let index = usize::from(keycode.saturating_sub(self.first));
        if let Some(key) = self.keys.get_mut(index) {
            *key = KeySymMap::default();
        }
    }

    fn rows(&self) -> impl Iterator<Item = (u8, &KeySymMap)> {
        (self.first..=u8::MAX).zip(&self.keys)
    }

    fn symbol_of(&self, key: &KeySymMap, group: u8, mods: u16) -> Option<u32> {
        let group = usize::from(group_of(key, group)?);
        let kind = self.types.get(usize::from(*key.kt_index.get(group)?))?;
        let at = group * usize::from(key.width) + usize::from(level(kind, mods));
        key.syms.get(at).copied().filter(|symbol| *symbol != 0)
    }
}

/// The keysym that types a character; `None` if there can't be one.
pub(in crate::inject) fn keysym(c: char) -> Option<u32> {
    let symbol = Keysym::from_char(c).raw();
    let types = !c.is_control() || matches!(c, '\n' | '\t');
    (types && character(symbol) == Some(c)).then_some(symbol)
}

fn character(symbol: u32) -> Option<char> {
    match symbol {
        RETURN => Some('\n'),
        TAB => Some('\t'),
        symbol if FUNCTIONS.contains(&symbol) => None,
        symbol => Keysym::new(symbol).key_char(),
    }
}

/// A key's own number of groups.
fn count(key: &KeySymMap) -> u8 {
    key.group_info & 0x0f
}

/// The group of the key that acts while `group` is in effect, which the key itself may not have.
fn group_of(key: &KeySymMap, group: u8) -> Option<u8> {
    const CLAMP: u8 = 0x40;
    const REDIRECT: u8 = 0x80;
    let count = count(key);
    match key.group_info & 0xc0 {
        _ if count == 0 => None,
        _ if group < count => Some(group),
        CLAMP => Some(count - 1),
        REDIRECT => Some((key.group_info >> 4) & 3).map(|to| if to < count { to } else { 0 }),
        _ => Some(group % count),
    }
}

/// The level, from 0, that a key of this type has with these modifiers.
fn level(kind: &KeyType, mods: u16) -> u8 {
    let mods = mods & u16::from(kind.mods_mask);
    let entry = kind.map.iter().find(|entry| entry.active && u16::from(entry.mods_mask) == mods);
    entry.map_or(0, |entry| entry.level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use x11rb::protocol::{xkb::KTMapEntry, xproto::ModMask};

    const MOD5: u16 = 1 << 7;

    fn kind(mask: u16, levels: &[(u16, u8)]) -> KeyType {
        let entry = |(mods, level): &(u16, u8)| KTMapEntry {
            active: true,
            mods_mask: ModMask::from(*mods),
            level: *level,
            ..KTMapEntry::default()
        };
        let map = levels.iter().map(entry).collect();
        KeyType { mods_mask: ModMask::from(mask), map, ..KeyType::default() }
    }

    fn key(groups: u8, kind: u8, width: u8, syms: &[u32]) -> KeySymMap {
        KeySymMap { kt_index: [kind; 4], group_info: groups, width, syms: syms.to_vec() }
    }

    /// Two groups, Latin and Cyrillic, from keycode 10 on.
    fn layout() -> Layout {
        let types = vec![
            kind(0, &[]),
            kind(SHIFT | LOCK, &[(SHIFT, 1), (LOCK, 1)]),
            kind(SHIFT | MOD5, &[(SHIFT, 1), (MOD5, 2), (SHIFT | MOD5, 3)]),
        ];
        let keys = vec![
            key(2, 1, 2, &[0x61, 0x41, 0x6c6, 0x6e6]),        // a A, ф Ф
            key(1, 2, 4, &[0x71, 0x51, 0x40, 0xfe52]),        // q Q @ dead_circumflex
            key(0, 0, 0, &[]),                                // nothing
            key(1, 0, 1, &[LEVEL3_SHIFT]),                    // AltGr
            key(1, 0, 1, &[RETURN]),                          // Return
            key(1, 0, 1, &[0xffb1]),                          // 1 on the keypad
            key(1, 1, 2, &[0x0100_4f60, 0x0100_4f60]),        // 你, always
            key(2, 1, 2, &[0x61, 0x41, 0x20ac, 0x0100_20bd]), // a A, € ₽
        ];
        let modifiers = vec![KeyModMap { keycode: 13, mods: ModMask::from(MOD5) }];
        Layout::new(10, types, keys, modifiers)
    }

    #[test]
    fn a_character_is_typed_in_the_group_that_has_it_and_with_the_modifiers_it_needs() {
        let stroke = |keycode, group, shift, level3| Some(Stroke { keycode, group, shift, level3 });
        let layout = layout();
        for (c, now, base, expected) in [
            ('a', 0, 0, stroke(10, 0, false, false)),
            ('A', 0, 0, stroke(10, 0, true, false)),
            ('a', 0, LOCK, stroke(10, 0, true, false)), // Shift and Lock name no level: the first
            ('a', 1, 0, stroke(10, 0, false, false)),
            ('ф', 0, 0, stroke(10, 1, false, false)),
            ('Ф', 1, 0, stroke(10, 1, true, false)),
            ('q', 1, 0, stroke(11, 1, false, false)), // a key of one group has it in all
            ('@', 1, 0, stroke(11, 1, false, true)),
            ('^', 0, 0, None), // a dead key is no character
            ('1', 0, 0, None), // nor is the keypad
            ('\n', 0, 0, stroke(14, 0, false, false)),
            ('€', 0, 0, stroke(17, 1, false, false)),
            ('₽', 0, 0, stroke(17, 1, true, false)),
            ('ü', 0, 0, None),
            ('q', 0, SHIFT, None), // nothing lifts this Shift
        ] {
            assert_eq!(layout.stroke(c, now, base), expected, "{c:?} in group {now} with {base}");
        }
    }

    #[test]
    fn spare_keys_and_lent_ones_are_told_apart() {
        let mut layout = layout();
        assert_eq!(layout.spare().collect::<Vec<_>>(), [12]);
        assert!(layout.always(16, 0x0100_4f60));
        assert!(!layout.always(16, 0x61) && !layout.always(10, 0x61) && !layout.always(12, 0));
        layout.forget(16);
        assert_eq!(layout.spare().collect::<Vec<_>>(), [12, 16]);
        assert_eq!((layout.groups(), layout.symbol(13, 1)), (2, Some(LEVEL3_SHIFT)));
        assert_eq!(layout.modifier(SHIFT_L), None);
    }

    #[test]
    fn a_group_that_a_key_lacks_is_brought_into_its_range() {
        for (info, group, expected) in [
            (0x00, 0, None),
            (0x02, 1, Some(1)),
            (0x02, 2, Some(0)), // wraps
            (0x42, 3, Some(1)), // clamps
            (0x92, 3, Some(1)), // goes to group 2
            (0xb2, 3, Some(0)), // goes to group 4, which isn't there
        ] {
            let key = KeySymMap { group_info: info, ..KeySymMap::default() };
            assert_eq!(group_of(&key, group), expected, "{info:#x}, {group}");
        }
    }

    #[test]
    fn characters_have_keysyms() {
        for (c, expected) in [
            ('a', Some(0x61)),
            ('ü', Some(0xfc)),
            ('€', Some(0x20ac)),
            ('你', Some(0x0100_4f60)),
            ('^', Some(0x5e)),
            ('\u{1b}', None),
            ('\u{85}', None),
            ('\u{ffff}', None),
        ] {
            assert_eq!(keysym(c), expected, "{c:?}");
        }
    }

    fn any_key() -> impl Strategy<Value = KeySymMap> {
        (any::<[u8; 4]>(), any::<u8>(), any::<u8>(), vec(any::<u32>(), 0..40))
            .prop_map(|(kt_index, group_info, width, syms)| KeySymMap { kt_index, group_info, width, syms })
    }

    proptest! {
        /// Any program may write the map: its parts need not fit together.
        #[test]
        fn no_map_is_too_much(first: u8, keys in vec(any_key(), 0..40), levels in vec((0..256_u16, any::<u8>()), 0..6), c: char, group: u8, keycode: u8) {
            let modifiers = vec![KeyModMap { keycode, mods: ModMask::LOCK }];
            let mut layout = Layout::new(first, vec![kind(0xff, &levels); 3], keys, modifiers);
            if let Some(stroke) = layout.stroke(c, group, LOCK) {
                prop_assert!(first <= stroke.keycode);
            }
            layout.symbol(keycode, group);
            layout.modifier(CAPS_LOCK);
            layout.forget(keycode);
            prop_assert!(layout.spare().all(|spare| first <= spare && spare != NO_KEY));
        }
    }
}
