//! The clipboard's text, either way, each direction its own right: one unidirectional stream per text, which ends after
//! it. Nothing from before the right was given is ever sent, and nothing that came from the other side goes back.

use crate::{rights::Rights, wire::Message};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bytes of UTF-8 in one text, at most.
pub const MAX_TEXT: usize = 1 << 20;

/// Between two texts in one direction, at least; of several meanwhile the newest counts.
pub const PACE: Duration = Duration::from_millis(200);

/// Who sends a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Onto the user's clipboard.
    In,
    /// From the user's clipboard.
    Out,
}

impl Direction {
    /// The right that the user must have given.
    pub fn needs(self) -> Rights {
        match self {
            Self::In => Rights::CLIPBOARD_IN,
            Self::Out => Rights::CLIPBOARD_OUT,
        }
    }
}

/// One text, at most [`MAX_TEXT`] bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text(pub String);

impl Message for Text {
    const MAX: usize = MAX_TEXT + 16;
}

impl std::fmt::Debug for Text {
    /// Content never stands in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn the_longest_text_travels_and_no_longer_one() {
        let text = |bytes: usize| Text("x".repeat(bytes));
        assert_eq!(wire::decode(&wire::encode(&text(MAX_TEXT))), Ok(text(MAX_TEXT)));
        assert!(wire::decode::<Text>(&wire::encode(&text(MAX_TEXT + 16))).is_err());
        assert!(wire::decode::<Text>(&[1, 0xff]).is_err(), "no UTF-8");
    }

    #[test]
    fn no_log_shows_a_text() {
        assert_eq!(format!("{:?}", Text("secret".to_owned())), "Text(6 bytes)");
    }
}
