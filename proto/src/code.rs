//! The session code, as it is read out over the phone: `384 711 904 253`.
//!
//! ```text
//! 5 to 8 locator digits (from the relay) | 6 secret digits (from the host, never sent to the relay) | 1 check digit
//! ```
//! The check digit is Damm's (H. M. Damm, 2004): it finds every single wrong digit and every swap of neighbours, so
//! a typing slip is caught where it is typed and costs no attempt. It adds no entropy.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Digits of the secret half.
pub const SECRET_DIGITS: usize = 6;

/// The public half: finds the waiting host.
///
/// INVARIANT: 5 to 8 digits, its length kept; unique among the hosts that wait at one desk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(u32, u8)", into = "(u32, u8)")]
pub struct Locator {
    number: u32,
    digits: u8,
}

impl Locator {
    /// Fewest digits: what a relay uses while under 1 % of them wait.
    pub const MIN_DIGITS: u8 = 5;
    /// Most digits.
    pub const MAX_DIGITS: u8 = 8;

    /// `number` shown with `digits` digits; `None` if it does not fit or the length is not allowed.
    pub fn new(number: u32, digits: u8) -> Option<Self> {
        let allowed = (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits);
        (allowed && number < 10_u32.pow(digits.into())).then_some(Self { number, digits })
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.number, width = usize::from(self.digits))
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<(u32, u8)> for Locator {
    type Error = &'static str;
    fn try_from((number, digits): (u32, u8)) -> Result<Self, Self::Error> {
        Self::new(number, digits).ok_or("a locator has 5 to 8 digits")
    }
}

impl From<Locator> for (u32, u8) {
    fn from(locator: Locator) -> Self {
        (locator.number, locator.digits)
    }
}

/// The secret half: what only the user, the technician and the host know. Never sent, never logged.
///
/// INVARIANT: six ASCII digits.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; SECRET_DIGITS]);

impl Secret {
    /// Draws a secret out of random bytes: uniform, or `None` (2 in 1,000) when these bytes would bias it; then
    /// draw again with fresh ones.
    pub fn draw(random: [u8; 4]) -> Option<Self> {
        const RANGE: u32 = 1_000_000;
        let number = u32::from_be_bytes(random);
        if u32::MAX - u32::MAX % RANGE <= number {
            return None;
        }
        let mut digits = [b'0'; SECRET_DIGITS];
        let mut rest = number % RANGE;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
        }
        Some(Self(digits))
    }

    /// The digits, as the password of the PAKE.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Both halves.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCode {
    /// For the relay.
    pub locator: Locator,
    /// For the PAKE.
    pub secret: Secret,
}

/// Why typed text is no session code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Too few or too many digits.
    #[error("a session code has 12 digits (up to 15 at a busy desk), not {0}")]
    Length(usize),
    /// Something that is neither a digit nor a separator.
    #[error("a session code has digits only")]
    NotADigit,
    /// The check digit does not fit.
    #[error("{}", crate::close::Close::Mistyped.sentence())]
    Check,
}

impl FromStr for SessionCode {
    type Err = CodeError;

    /// Any grouping: spaces, dashes, dots and line ends are skipped. Digits of other scripts are not accepted.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut digits = Zeroizing::new(Vec::with_capacity(64));
        for c in text.chars() {
            match c {
                '0'..='9' if digits.len() < 64 => digits.push(c as u8),
                '0'..='9' => return Err(CodeError::Length(64)),
                ' ' | '-' | '.' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\t' | '\r' | '\n' => {}
                _ => return Err(CodeError::NotADigit),
            }
        }
        let rest = usize::from(Locator::MIN_DIGITS) + SECRET_DIGITS + 1;
        let most = usize::from(Locator::MAX_DIGITS) + SECRET_DIGITS + 1;
        if !(rest..=most).contains(&digits.len()) {
            return Err(CodeError::Length(digits.len()));
        }
        if damm(&digits) != 0 {
            return Err(CodeError::Check);
        }
        let (locator, tail) = digits.split_at(digits.len() - SECRET_DIGITS - 1);
        let number = locator.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        let width = u8::try_from(locator.len()).map_err(|_| CodeError::Length(locator.len()))?;
        let mut secret = [0; SECRET_DIGITS];
        secret.copy_from_slice(&tail[..SECRET_DIGITS]);
        let locator = Locator::new(number, width).ok_or(CodeError::Length(digits.len()))?;
        Ok(Self { locator, secret: Secret(secret) })
    }
}

impl SessionCode {
    /// As it is read out: groups of three digits. Only for the user's own screen.
    pub fn for_the_user(&self) -> String {
        let mut digits = self.locator.to_string().into_bytes();
        digits.extend_from_slice(&self.secret.0);
        let check = damm(&digits);
        digits.push(b'0' + check);
        let groups: Vec<_> = digits.chunks(3).map(String::from_utf8_lossy).collect();
        groups.join(" ")
    }
}

/// Damm's digit over ASCII digits; 0 for a sequence that ends with its own check digit.
fn damm(digits: &[u8]) -> u8 {
    const TABLE: [[u8; 10]; 10] = [
        [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
        [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
        [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
        [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
        [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
        [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
        [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
        [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
        [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
        [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
    ];
    digits.iter().fold(0, |interim, digit| TABLE[usize::from(interim)][usize::from(digit - b'0')])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(locator: u32, digits: u8, random: u32) -> SessionCode {
        SessionCode {
            locator: Locator::new(locator, digits).unwrap(),
            secret: Secret::draw(random.to_be_bytes()).unwrap(),
        }
    }

    #[test]
    fn damm_of_the_paper() {
        assert_eq!(damm(b"572"), 4);
        assert_eq!(damm(b"5724"), 0);
    }

    #[test]
    fn read_out_in_groups_of_three() {
        let shown = code(38_471, 5, 190_425).for_the_user();
        assert_eq!(shown.len(), 15);
        assert!(shown.starts_with("384 711 904 25"), "{shown}");
    }

    #[test]
    fn says_what_is_wrong() {
        let check = |text: &str, error| assert!(text.parse::<SessionCode>().err() == Some(error), "{text}");
        check("384 711", CodeError::Length(6));
        check("384 711 904 25x", CodeError::NotADigit);
        check("", CodeError::Length(0));
        check(&"1".repeat(99), CodeError::Length(64));
        check("٣٨٤ 711 904 258", CodeError::NotADigit);
    }

    proptest! {
        #[test]
        fn what_is_read_out_is_what_is_typed(number in 0u32..100_000, extra in 0u8..4, random in 0u32..4_000_000_000) {
            let code = code(number, 5 + extra, random);
            let shown = code.for_the_user();
            prop_assert!(shown.parse::<SessionCode>() == Ok(code.clone()));
            prop_assert!(shown.replace(' ', "-").parse::<SessionCode>() == Ok(code.clone()));
            prop_assert!(shown.replace(' ', "").parse::<SessionCode>() == Ok(code));
        }

        #[test]
        fn one_slip_is_always_found(number in 0u32..100_000, random in 0u32..4_000_000_000, at in 0usize..12, by in 1u8..10) {
            let mut digits = code(number, 5, random).for_the_user().replace(' ', "").into_bytes();
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            let typed = String::from_utf8(digits).unwrap();
            prop_assert!(typed.parse::<SessionCode>().err() == Some(CodeError::Check));
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<SessionCode>();
        }
    }
}
