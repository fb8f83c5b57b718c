//! The picture, viewer's side (design §7): [`Screen`](nearhand_proto::session::screen::Screen) messages become
//! pixels.
//!
//! Pure: no sockets, threads or clock. The session reads one stream per epoch, makes a [`Decoder`] of its first
//! message and feeds it the others; whenever an update is whole, the decoder hands out the picture to be presented
//! and acknowledged. Everything here comes from a peer and is checked before it is used; photo tiles and video become
//! further arms of the decoder.

pub mod decoder;
pub mod picture;

pub use decoder::{DecodeError, Decoder, Presented};
pub use picture::Picture;
