//! Looking for bytes that must not be there.

/// True if `needle` stands anywhere in `hay`.
pub fn holds(hay: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && hay.windows(needle.len()).any(|part| part == needle)
}

/// True if `digits` stand in `text` as a number of their own, not as a part of a longer one: a time in ns has every
/// six digits sooner or later.
pub fn holds_number(text: &[u8], digits: &[u8]) -> bool {
    let is_digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
    text.windows(digits.len()).enumerate().filter(|(_, part)| *part == digits).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        !is_digit(before) && !is_digit(text.get(at + digits.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there() {
        assert!(holds(b"abcd", b"cd") && !holds(b"abcd", b"dc") && !holds(b"abcd", b""));
        assert!(holds_number(b"code 123456", b"123456") && holds_number(b"123456,", b"123456"));
        assert!(!holds_number(b"0123456 1234567", b"123456"));
    }
}
