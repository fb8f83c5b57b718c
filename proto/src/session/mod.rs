//! What host and viewer say to each other on the session connection, end to end. The relay can't read a byte of it.
//!
//! | stream | opened by | carries | when full |
//! |---|---|---|---|
//! | control, bidirectional | viewer | [`ToHost`] and [`ToViewer`] | bounded, then hang up |
//! | input, unidirectional | viewer | [`input::Input`] | moves coalesce, keys never drop |
//! | screen, unidirectional, one per monitor and epoch | host | [`screen::Screen`] | frame credit |
//! | clipboard, unidirectional, one per text | sender | one [`clipboard::Text`] | the newest text wins |
//! | cursor, datagram | host | [`cursor::Position`] | newest wins |
//!
//! Every unidirectional stream begins with one [`StreamKind`] byte. Messages are framed `4 length (big endian) | body`.

pub mod clipboard;
pub mod consent;
pub mod control;
pub mod cursor;
pub mod geometry;
pub mod input;
pub mod screen;

pub use control::{ToHost, ToViewer};

/// The first byte of a unidirectional stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StreamKind {
    /// Viewer to host: [`input::Input`].
    Input = 1,
    /// Host to viewer: [`screen::Screen`].
    Screen = 2,
    /// Either way: one [`clipboard::Text`].
    Clipboard = 3,
}

impl TryFrom<u8> for StreamKind {
    type Error = u8;
    /// The unknown byte is the error: a peer newer than us, or a broken one.
    fn try_from(byte: u8) -> Result<Self, u8> {
        match byte {
            1 => Ok(Self::Input),
            2 => Ok(Self::Screen),
            3 => Ok(Self::Clipboard),
            other => Err(other),
        }
    }
}
