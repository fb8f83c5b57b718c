//! What both programs that people look at need of the desktop they stand on: its clipboard, its user's language, the
//! look of their windows, and how a thread waits for its display server. Knows nothing of sessions.
#![forbid(unsafe_code)]

pub mod clipboard;
pub mod look;
#[cfg(target_os = "linux")]
pub mod wake;
pub mod window;
pub mod words;
