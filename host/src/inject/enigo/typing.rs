//! Types characters so that they arrive as they are. What would change them is set aside meanwhile and then put back:
//! lock keys, the Shift and AltGr keys that are held, the layout group. Control, Alt and the logo key stay down and act.

use super::raw::Raw;
use crate::inject::{
    InjectError,
    keyboard::{
        Keyboard, State,
        layout::{LEVEL3_SHIFT, LEVEL5_SHIFT, LOCK, Modifier, SHIFT, SHIFT_L, SHIFT_R, Stroke},
    },
};

/// Types `text`. `held`: keycodes that we have pressed, in that order.
pub(super) fn type_text(
    raw: &mut Raw,
    keyboard: &mut Keyboard,
    held: &[u8],
    text: &str,
) -> Result<(), InjectError> {
    keyboard.refresh()?;
    let state = keyboard.state()?;
    let held = keyboard.down(held)?;
    let mut typing = Typing::new(raw, keyboard, &held, state);
    let typed = typing.prepare().and_then(|()| typing.text(text));
    let restored = typing.restore();
    typed.and(restored)
}

/// One modifier that belongs to characters.
struct Sway {
    /// Its keys that the technician holds, in the order of pressing.
    held: Vec<u8>,
    /// True while those are up nevertheless.
    lifted: bool,
    /// A key that has it, for us to press.
    own: Option<Modifier>,
    /// True while that is down.
    pressed: bool,
}

struct Typing<'a> {
    raw: &'a mut Raw,
    keyboard: &'a mut Keyboard,
    before: State,
    /// The group in effect now.
    group: u8,
    /// Locked modifiers that are set aside.
    aside: u16,
    /// Modifiers that stay in effect.
    base: u16,
    shift: Sway,
    level3: Sway,
    level5: Sway,
}

impl<'a> Typing<'a> {
    fn new(raw: &'a mut Raw, keyboard: &'a mut Keyboard, held: &[u8], before: State) -> Self {
        let layout = keyboard.layout();
        let sway = |symbols: &[u32]| Sway {
            held: held
                .iter()
                .copied()
                .filter(|key| layout.symbol(*key, before.group).is_some_and(|s| symbols.contains(&s)))
                .collect(),
            lifted: false,
            own: symbols.first().and_then(|symbol| layout.modifier(*symbol)),
            pressed: false,
        };
        let shift = sway(&[SHIFT_L, SHIFT_R]);
        let (level3, level5) = (sway(&[LEVEL3_SHIFT]), sway(&[LEVEL5_SHIFT]));
        let aside = before.locked & (SHIFT | LOCK | level3.mask() | level5.mask());
        let lifted = [(&shift, SHIFT), (&level3, level3.mask()), (&level5, level5.mask())]
            .into_iter()
            .filter(|(sway, _)| !sway.held.is_empty())
            .fold(0, |lifted, (_, mask)| lifted | mask);
        let base = (before.pressed & !lifted) | (before.locked & !aside);
        Self { raw, keyboard, before, group: before.group, aside, base, shift, level3, level5 }
    }

    fn prepare(&mut self) -> Result<(), InjectError> {
        self.level5.set(false, self.raw)?;
        if self.aside != 0 {
            self.keyboard.lock_modifiers(self.aside, 0)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), InjectError> {
        let mut rest = text;
        while !rest.is_empty() {
            let (head, lent) = self.keyboard.lend(rest, self.group, self.base)?;
            let typed = head.chars().try_for_each(|c| self.character(c));
            self.keyboard.handle_used(&lent);
            typed?;
            rest = &rest[head.len()..];
        }
        Ok(())
    }

    /// The focus is looked at each time: what was typed just now may have moved it.
    fn character(&mut self, c: char) -> Result<(), InjectError> {
        self.raw.check_focus()?;
        let none = || InjectError::Unsupported(format!("U+{:04X} is no character to type", u32::from(c)));
        let Stroke { keycode, group, shift, level3 } =
            self.keyboard.stroke(c, self.group, self.base).ok_or_else(none)?;
        self.lock_group(group)?;
        self.shift.set(shift, self.raw)?;
        self.level3.set(level3, self.raw)?;
        self.raw.key(keycode, true)?;
        self.raw.key(keycode, false)
    }

    /// What keys add to the locked group, they go on adding.
    fn lock_group(&mut self, group: u8) -> Result<(), InjectError> {
        if group == self.group {
            return Ok(());
        }
        let count = i16::from(self.keyboard.layout().groups());
        let added = i16::from(self.before.group) - i16::from(self.before.locked_group);
        let locked = (i16::from(group) - added).rem_euclid(count);
        self.keyboard.lock_group(u8::try_from(locked).unwrap_or(group))?;
        self.group = group;
        Ok(())
    }

    /// Tries all of it; the first failure counts. The user's group comes back before the technician's keys, which may
    /// mean something else in another one.
    fn restore(mut self) -> Result<(), InjectError> {
        let mut done = self.shift.release(self.raw);
        done = done.and(self.level3.release(self.raw));
        if self.aside != 0 {
            done = done.and(self.keyboard.lock_modifiers(self.aside, self.aside));
        }
        if self.group != self.before.group {
            done = done.and(self.keyboard.lock_group(self.before.locked_group));
        }
        for sway in [&mut self.level5, &mut self.level3, &mut self.shift] {
            done = done.and(sway.press_again(self.raw));
        }
        done
    }
}

impl Sway {
    fn mask(&self) -> u16 {
        self.own.map_or(0, |own| own.mask)
    }

    /// Has it in effect or not. What the technician holds does as well as a key of ours.
    fn set(&mut self, on: bool, raw: &mut Raw) -> Result<(), InjectError> {
        let is_on = self.pressed || (!self.lifted && !self.held.is_empty());
        if on == is_on {
            return Ok(());
        }
        if on {
            let none =
                || InjectError::Unsupported("this keyboard has no Shift key; choose another layout".into());
            raw.key(self.own.ok_or_else(none)?.keycode, true)?;
            self.pressed = true;
            return Ok(());
        }
        self.release(raw)?;
        self.lifted = true;
        self.held.iter().rev().try_for_each(|key| raw.key(*key, false))
    }

    /// Lets go of our own key.
    fn release(&mut self, raw: &mut Raw) -> Result<(), InjectError> {
        let own = self.own.filter(|_| std::mem::take(&mut self.pressed));
        own.map_or(Ok(()), |own| raw.key(own.keycode, false))
    }

    /// Presses again what the technician holds, unless that would be for the host's own window.
    fn press_again(&mut self, raw: &mut Raw) -> Result<(), InjectError> {
        if !std::mem::take(&mut self.lifted) || self.held.is_empty() {
            return Ok(());
        }
        raw.check_focus()?;
        self.held.iter().try_for_each(|key| raw.key(*key, true))
    }
}
