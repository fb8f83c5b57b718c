//! Spare keys that are lent to characters which the user's layout lacks. Pure; [`super::lend`] tells the X server.
//!
//! Programs learn of a change of the keyboard map by an event and then read the map as it is by then, not as it was. So
//! a key that typed something just now must go on meaning it until slow programs have read it: keys are lent in turn,
//! and each rests for [`REST`] before it means something else.

use std::time::{Duration, Instant};

/// How long after its last use a key must still mean the same. On two busy cores a terminal was seen to be 150 ms behind.
pub(super) const REST: Duration = Duration::from_millis(600);

/// One lent key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loan {
    /// The X keycode.
    pub(super) keycode: u8,
    /// What it means, in each group and with all modifiers.
    pub(super) symbol: u32,
    /// When it was last pressed or might have been.
    used: Option<Instant>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Loans(Vec<Loan>);

/// What to do before text can be typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Keys and what they are to mean, in ascending order of keycodes.
    pub(super) lend: Vec<(u8, u32)>,
    /// When that may be done; `None`: at once.
    pub(super) at: Option<Instant>,
}

impl Loans {
    /// The keys that are lent.
    pub(super) fn all(&self) -> &[Loan] {
        &self.0
    }

    /// Which key means this.
    pub(super) fn key(&self, symbol: u32) -> Option<u8> {
        self.0.iter().find(|loan| loan.symbol == symbol).map(|loan| loan.keycode)
    }

    /// Forgets those that the layout no longer has.
    pub(super) fn keep(&mut self, still: impl Fn(u8, u32) -> bool) {
        self.0.retain(|loan| still(loan.keycode, loan.symbol));
    }

    /// How `needed` (each once, no more than there are keys) come to keys at the same time. `spare`: keys that can be
    /// lent, those lent now among them.
    pub(super) fn plan(&self, needed: &[u32], spare: &[u8]) -> Plan {
        let missing = needed.iter().filter(|symbol| self.key(**symbol).is_none());
        let fresh = spare.iter().filter(|key| self.0.iter().all(|loan| loan.keycode != **key));
        let mut old: Vec<_> = self.0.iter().filter(|loan| !needed.contains(&loan.symbol)).collect();
        old.sort_by_key(|loan| loan.used);
        let keys = fresh.map(|key| (*key, None)).chain(old.iter().map(|loan| (loan.keycode, loan.used)));
        let pairs: Vec<_> = missing.zip(keys).map(|(symbol, (key, used))| ((key, *symbol), used)).collect();
        let at = pairs.iter().filter_map(|(_, used)| *used).max().map(|used| used + REST);
        let mut lend: Vec<_> = pairs.into_iter().map(|(pair, _)| pair).collect();
        lend.sort_unstable();
        Plan { lend, at }
    }

    /// Those keys mean that now.
    pub(super) fn handle_lent(&mut self, lent: &[(u8, u32)]) {
        self.0.retain(|loan| lent.iter().all(|(key, _)| *key != loan.keycode));
        self.0.extend(lent.iter().map(|&(keycode, symbol)| Loan { keycode, symbol, used: None }));
    }

    /// The keys of these symbols have been used until now.
    pub(super) fn handle_used(&mut self, symbols: &[u32], now: Instant) {
        for loan in &mut self.0 {
            if symbols.contains(&loan.symbol) {
                loan.used = Some(now);
            }
        }
    }

    /// Whoever has the focus has read all keys.
    pub(super) fn handle_read(&mut self) {
        for loan in &mut self.0 {
            loan.used = None;
        }
    }

    /// When all may be taken back; `None`: at once.
    pub(super) fn free_at(&self) -> Option<Instant> {
        self.0.iter().filter_map(|loan| loan.used).max().map(|used| used + REST)
    }
}

/// `text`'s longest beginning whose characters without a key of their own (`symbol`: what to lend for a character) fit
/// on `room` keys; and the symbols to lend, each once. Empty only if one character is too much.
pub(super) fn fitting(text: &str, room: usize, symbol: impl Fn(char) -> Option<u32>) -> (&str, Vec<u32>) {
    let mut needed = Vec::new();
    for (at, c) in text.char_indices() {
        let Some(symbol) = symbol(c).filter(|symbol| !needed.contains(symbol)) else { continue };
        if needed.len() == room {
            return (&text[..at], needed);
        }
        needed.push(symbol);
    }
    (text, needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lent_in_turn_and_rest_before_they_mean_something_else() {
        let mut loans = Loans::default();
        let spare = [93, 97, 103];
        let now = Instant::now();
        assert_eq!(loans.plan(&[1, 2], &spare), Plan { lend: vec![(93, 1), (97, 2)], at: None });
        loans.handle_lent(&[(93, 1), (97, 2)]);
        loans.handle_used(&[1, 2], now);
        // The third is fresh, a known one stays where it is.
        assert_eq!(loans.plan(&[2, 3], &spare), Plan { lend: vec![(103, 3)], at: None });
        loans.handle_lent(&[(103, 3)]);
        let later = now + Duration::from_secs(1);
        loans.handle_used(&[2, 3], later);
        // The one that has rested longest goes first.
        assert_eq!(loans.plan(&[4], &spare), Plan { lend: vec![(93, 4)], at: Some(now + REST) });
        loans.handle_read();
        assert_eq!(loans.plan(&[4, 5, 6], &spare).at, None, "nobody still reads them");
        loans.handle_used(&[3], later);
        let all = Plan { lend: vec![(93, 4), (97, 5), (103, 6)], at: Some(later + REST) };
        assert_eq!(loans.plan(&[4, 5, 6], &spare), all);
        loans.handle_lent(&all.lend);
        assert_eq!((loans.key(3), loans.key(6), loans.free_at()), (None, Some(103), None));
        loans.keep(|key, _| key == 97);
        assert_eq!(loans.all().len(), 1);
    }

    #[test]
    fn text_is_cut_where_keys_run_out() {
        let symbol = |c: char| (!c.is_ascii()).then_some(u32::from(c));
        for (text, room, head, needed) in [
            ("abc", 0, "abc", vec![]),
            ("aüb", 0, "a", vec![]),
            ("üöü!ä", 2, "üöü!", vec![0xfc, 0xf6]),
            ("üöü!ä", 3, "üöü!ä", vec![0xfc, 0xf6, 0xe4]),
            ("ü", 0, "", vec![]),
        ] {
            assert_eq!(fitting(text, room, symbol), (head, needed), "{text}");
        }
    }
}
