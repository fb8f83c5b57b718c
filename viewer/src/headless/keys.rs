//! Keys pressed together, as people write them: `ctrl+alt+t`, `Return`, `A`, `ctrl+plus`.

use super::keysyms::{RIGHT_SHIFT, SHIFT, names, place};
use nearhand_proto::{session::input::Usage, text::printable};
use std::str::FromStr;

/// Keys of one chord, at most.
const MAX_KEYS: usize = 8;

/// Keys in the order in which they are pressed; they are released in the reverse order.
///
/// INVARIANT: 1 to 8 different keys, and shift where a key needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chord(Vec<Usage>);

/// Why a text is no chord.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// Nothing between, before or after the `+`.
    #[error("keys are names joined by '+', such as ctrl+alt+t; the key '+' itself is 'plus'")]
    Empty,
    /// A name that we don't know.
    #[error("'{name}' is no key; did you mean '{nearest}'? (a text goes by 'type')")]
    Unknown {
        /// As typed, made printable.
        name: String,
        /// The nearest name there is.
        nearest: &'static str,
    },
    /// The same key twice.
    #[error("the same key stands twice in '{0}'")]
    Twice(String),
    /// More than 8 keys.
    #[error("at most 8 keys can be pressed together")]
    TooMany,
}

impl Chord {
    /// The keys in the order of pressing.
    pub fn keys(&self) -> &[Usage] {
        &self.0
    }
}

impl FromStr for Chord {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<Usage> = Vec::new();
        for name in split(text) {
            if name.is_empty() {
                return Err(KeysError::Empty);
            }
            let place = place(name).ok_or_else(|| unknown(name))?;
            let shift_is_down = keys.iter().any(|key| [SHIFT, RIGHT_SHIFT].contains(key));
            if place.shifted && !shift_is_down {
                keys.push(SHIFT);
            }
            if keys.contains(&place.usage) {
                return Err(KeysError::Twice(printable(text)));
            }
            keys.push(place.usage);
            if MAX_KEYS < keys.len() {
                return Err(KeysError::TooMany);
            }
        }
        Ok(Self(keys))
    }
}

/// The names between the `+`; a `+` that stands at the end, alone or after another, is the key itself.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let (names, plus) = match text.strip_suffix('+') {
        Some("") => (None, Some("+")),
        Some(rest) if rest.ends_with('+') => (rest.strip_suffix('+'), Some("+")),
        _ => (Some(text), None),
    };
    names.into_iter().flat_map(|names| names.split('+')).chain(plus)
}

fn unknown(name: &str) -> KeysError {
    let mut name = printable(name);
    nearhand_proto::text::cut(&mut name, 32);
    let nearest = nearest(&name, names()).unwrap_or("Return");
    KeysError::Unknown { name, nearest }
}

/// The candidate with the fewest letters to change, case apart.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates.min_by_key(|candidate| distance(&word.to_lowercase(), &candidate.to_lowercase()))
}

/// Levenshtein's distance, in characters.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (b, cell) in to.iter().zip(row.iter_mut().skip(1)) {
            let here = (diagonal + usize::from(a != *b)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chords_are_pressed_in_order_with_the_shift_they_need() {
        let check = |text: &str, expected: &[u16]| {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.keys().iter().map(|key| key.0).collect::<Vec<_>>(), expected, "{text}");
        };
        check("ctrl+alt+t", &[0xe0, 0xe2, 0x17]);
        check("A", &[0xe1, 0x04]);
        check("shift+A", &[0xe1, 0x04]);
        check("Shift_R+a", &[0xe5, 0x04]);
        check("+", &[0xe1, 0x2e]);
        check("ctrl++", &[0xe0, 0xe1, 0x2e]);
        check("ctrl+plus", &[0xe0, 0xe1, 0x2e]);
        check("super", &[0xe3]);
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |text: &str, part: &str| {
            let error = text.parse::<Chord>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("", "joined by '+'");
        check("ctrl+", "joined by '+'");
        check("+a", "joined by '+'");
        check("ctrl+Retrun", "did you mean 'Return'");
        check("escap", "did you mean 'Escape'");
        check("a+a", "twice");
        check("a+b+c+d+e+f+g+h+i", "at most 8");
    }

    #[test]
    fn distances_are_levenshteins() {
        for (from, to, expected) in
            [("kitten", "sitting", 3), ("", "ab", 2), ("ab", "", 2), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}|[a-zA-Z_+]{0,20}") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert!((1..=MAX_KEYS).contains(&chord.keys().len()));
            }
        }
    }
}
