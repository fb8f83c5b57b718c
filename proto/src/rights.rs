//! What a technician may do: a set of rights, given and taken by the user alone. Which message needs which right
//! is said by the messages' own files; it is asked in one place, where the host routes a message.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

bitflags::bitflags! {
    /// A set of rights. On the wire: its bits; unknown bits are refused.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(try_from = "u32", into = "u32")]
    pub struct Rights: u32 {
        /// See the screen.
        const VIEW = 1;
        /// Use mouse and keyboard.
        const CONTROL = 1 << 1;
        /// Put text on the user's clipboard.
        const CLIPBOARD_IN = 1 << 2;
        /// Read the user's clipboard.
        const CLIPBOARD_OUT = 1 << 3;
        /// Send files to the user's computer.
        const FILES_IN = 1 << 4;
        /// Fetch files from the user's computer.
        const FILES_OUT = 1 << 5;
        /// Open a terminal: amounts to the user's whole account.
        const TERMINAL = 1 << 6;
        /// Read the inventory and run checks.
        const SYSTEM = 1 << 7;
    }
}

const NAMES: [(&str, Rights, &str); 8] = [
    ("view", Rights::VIEW, "see your screen"),
    ("control", Rights::CONTROL, "use your mouse and keyboard"),
    ("clipboard-in", Rights::CLIPBOARD_IN, "put text on your clipboard"),
    ("clipboard-out", Rights::CLIPBOARD_OUT, "read your clipboard"),
    ("files-in", Rights::FILES_IN, "send you files"),
    ("files-out", Rights::FILES_OUT, "fetch files from you"),
    ("terminal", Rights::TERMINAL, "run commands with everything your account can reach"),
    ("system", Rights::SYSTEM, "read your computer's inventory"),
];

impl Rights {
    /// The rights that this version of the host can give.
    pub const OFFERED: Self =
        Self::VIEW.union(Self::CONTROL).union(Self::CLIPBOARD_IN).union(Self::CLIPBOARD_OUT);

    /// What the technician may then do, for the user: `see your screen, use your mouse and keyboard`.
    pub fn for_people(self) -> String {
        let words: Vec<_> = NAMES.iter().filter(|row| self.contains(row.1)).map(|row| row.2).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = NAMES.iter().filter(|row| self.contains(row.1)).map(|row| row.0).collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join(","))
    }
}

/// A word that names no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no right; rights are view, control, clipboard-in and clipboard-out, joined by commas")]
pub struct RightsError(String);

impl FromStr for Rights {
    type Err = RightsError;
    fn from_str(text: &str) -> Result<Self, RightsError> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != "none").try_fold(
            Self::empty(),
            |set, word| {
                let row = NAMES.iter().find(|row| row.0 == word && Self::OFFERED.contains(row.1));
                row.map(|row| set | row.1).ok_or_else(|| RightsError(crate::text::printable(word)))
            },
        )
    }
}

impl TryFrom<u32> for Rights {
    type Error = String;
    fn try_from(bits: u32) -> Result<Self, String> {
        Self::from_bits(bits).ok_or_else(|| format!("unknown rights {bits:#x}"))
    }
}

impl From<Rights> for u32 {
    fn from(rights: Rights) -> Self {
        rights.bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_survive_their_text() {
        assert_eq!("view,control".parse(), Ok(Rights::VIEW | Rights::CONTROL));
        assert_eq!("none".parse(), Ok(Rights::empty()));
        assert_eq!((Rights::VIEW | Rights::CONTROL).to_string(), "view,control");
        assert_eq!(Rights::empty().to_string(), "none");
        assert!("view,fly".parse::<Rights>().is_err());
        assert!(Rights::try_from(1 << 31).is_err());
    }
}
