//! What both programs that people look at need of the desktop they stand on: its clipboard, its user's language, and
//! the look of their windows. Knows nothing of sessions.
#![forbid(unsafe_code)]

pub mod clipboard;
pub mod look;
pub mod words;
