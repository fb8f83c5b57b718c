//! Text that came from somebody else and will be shown: on a terminal, in a window, in a log, in a report.
//!
//! Control characters could drive a terminal, bidirectional controls could turn a name around (CVE-2021-42574), so
//! neither survives. Bounded, and checked where it is decoded.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A short name of a person, desk or machine: 1 to [`Name::MAX`] bytes of printable text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Bytes of UTF-8.
    pub const MAX: usize = 64;

    /// Makes a name out of anything: what is not printable becomes U+FFFD, what is too long is cut, an empty text
    /// becomes `-`.
    pub fn lossy(text: &str) -> Self {
        let mut shown = printable(text.trim());
        cut(&mut shown, Self::MAX);
        if shown.is_empty() {
            shown.push('-');
        }
        Self(shown)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 bytes of printable text")]
pub struct NameError;

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        let fits = !text.trim().is_empty() && text.len() <= Self::MAX && text.chars().all(is_printable);
        if fits { Ok(Self(text)) } else { Err(NameError) }
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// True for what may be shown as it is: no C0 or C1 control, no bidirectional control, no line separator, and nothing
/// that takes no ink (Unicode's Default_Ignorable_Code_Point, the blank Braille pattern): a name must not look empty.
pub fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `text` with everything that must not be shown replaced by U+FFFD.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_printable(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// The same for a text of several lines, which stay.
pub fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// JSON with everything in its texts escaped that must not be shown, so that it can be printed: JSON alone escapes no control
/// character beyond U+001F, and U+009B drives some terminals. It means the same as before.
pub fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_printable(c) {
            shown.push(c);
        } else {
            // Outside of texts JSON is ASCII without control characters, if it stands on one line.
            let units =
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            shown.push_str(&units);
        }
    }
    shown
}

/// Cuts `text` to at most `max` bytes, at a character boundary.
pub fn cut(text: &mut String, max: usize) {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_only_what_can_be_shown() {
        assert!("Vera Müller".parse::<Name>().is_ok());
        for bad in ["", "  ", "a\u{1b}[31m", "a\u{202e}b", "a\nb", "\u{3164}", "\u{2800}", &"x".repeat(65)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        assert_eq!(Name::lossy("a\u{1b}b").as_str(), "a\u{fffd}b");
        assert_eq!(Name::lossy(&"ü".repeat(40)).as_str().len(), 64);
        assert_eq!(Name::lossy("").as_str(), "-");
        assert_eq!(printable_lines("a\u{1b}\nb\r\n"), "a\u{fffd}\nb");
    }
}
