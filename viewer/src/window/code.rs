//! The session code as it is being typed: finds its digits in whatever was pasted, groups them, and knows at each
//! moment whether they are whole and right. Pure.

use nearhand_proto::code::{CodeError, SessionCode};

/// Digits of a code, at least.
const FEWEST: usize = 12;

/// And at most.
const MOST: usize = 15;

/// What the digits typed so far are.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// So many digits are missing, at least.
    Missing(usize),
    /// A code.
    Code(SessionCode),
    /// All digits are there and don't fit together: one of them is wrong.
    Slip,
}

impl Typed {
    /// What `text` is.
    pub(super) fn of(text: &str) -> Self {
        let digits = digits(text);
        match digits.parse() {
            Ok(code) => Self::Code(code),
            Err(CodeError::Check) => Self::Slip,
            Err(_) => Self::Missing(FEWEST.saturating_sub(digits.len()).max(1)),
        }
    }
}

/// The digits of the code in `text`: of one that stands in a sentence only its own, else all of them, at most 15.
pub(super) fn digits(text: &str) -> String {
    let runs = runs(text);
    let is_code = |run: &&String| run.parse::<SessionCode>().is_ok();
    let is_long_enough = |run: &&String| (FEWEST..=MOST).contains(&run.len());
    let found = runs.iter().find(is_code).or_else(|| runs.iter().find(is_long_enough));
    let mut digits = found.cloned().unwrap_or_else(|| runs.concat());
    digits.truncate(MOST);
    digits
}

/// `text`'s digits in groups of three: `384 711 904 253`.
pub(super) fn grouped(text: &str) -> String {
    let digits = digits(text);
    let mut grouped = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && at % 3 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// How many digits stand before the character `at`.
pub(super) fn digits_before(text: &str, at: usize) -> usize {
    text.chars().take(at).filter(|c| digit(*c).is_some()).count()
}

/// Behind which character of a grouped text `count` digits stand.
pub(super) fn behind(count: usize) -> usize {
    count + count.saturating_sub(1) / 3
}

/// Digits that only separators stand between.
fn runs(text: &str) -> Vec<String> {
    let mut runs = vec![String::new()];
    for c in text.chars() {
        match (digit(c), runs.last_mut()) {
            (Some(digit), Some(run)) => run.push(digit),
            (None, _) if !is_separator(c) => runs.push(String::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// An ASCII or full-width digit.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '\u{ff10}'..='\u{ff19}' => char::from_digit(u32::from(c) - 0xff10, 10),
        _ => None,
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '_' | '/' | '\u{2010}'..='\u{2015}' | '\u{ff0d}' | '\u{200b}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::code::{Locator, Secret};
    use proptest::prelude::*;

    fn code() -> SessionCode {
        let secret = Secret::draw(190_425_u32.to_be_bytes()).unwrap();
        SessionCode { locator: Locator::new(38_471, 5).unwrap(), secret }
    }

    #[test]
    fn any_grouping_and_any_sentence_is_taken() {
        let shown = code().for_the_user();
        let dense = shown.replace(' ', "");
        let wide: String =
            dense.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xff10).unwrap()).collect();
        for text in [
            shown.clone(),
            dense.clone(),
            shown.replace(' ', "-"),
            shown.replace(' ', "\u{2013}"),
            format!("code {shown}"),
            format!("Call 42: the code is {shown}, quickly!"),
            format!("{shown} (10 min)\n"),
            wide,
        ] {
            assert!(Typed::of(&text) == Typed::Code(code()), "{text}");
            assert_eq!(grouped(&text), shown);
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_known_at_once() {
        let slip = code().for_the_user().replacen('3', "4", 1);
        assert!(Typed::of(&slip) == Typed::Slip);
        for (text, missing) in [("", 12), ("384 7", 8), ("384 711 904 25", 1)] {
            assert!(Typed::of(text) == Typed::Missing(missing), "{text}");
        }
        assert_eq!(grouped("3847"), "384 7");
        assert_eq!(grouped(&"7".repeat(40)).len(), 19);
    }

    #[test]
    fn the_cursor_stays_behind_its_digit() {
        for (count, place) in [(0, 0), (1, 1), (3, 3), (4, 5), (12, 15)] {
            assert_eq!(behind(count), place);
            assert_eq!(digits_before("384 711 904 253", place), count);
        }
    }

    proptest! {
        #[test]
        fn grouping_is_stable(text in "\\PC{0,60}") {
            let once = grouped(&text);
            prop_assert_eq!(grouped(&once), once);
        }
    }
}
