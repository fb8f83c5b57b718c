//! The session's control stream: small messages, bounded, in order.
//!
//! No message ends a session: an end closes the connection with a [`crate::close::Close`] code (RFC 9000 §10.2).

use super::{
    cursor::Shape,
    geometry::{Monitor, MonitorId},
    screen::{Epoch, UpdateNo},
};
use crate::{
    rights::Rights,
    text::Name,
    wire::{self, Message},
};
use serde::{Deserialize, Serialize};

/// Bytes of UTF-8 in one note, at most.
pub const MAX_NOTE: usize = 4_096;

/// Monitors of one desktop, at most; further ones are not offered.
pub const MAX_MONITORS: usize = 32;

/// Viewer to host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHost {
    /// First on the stream: the viewer is ready. Answered by `Welcome`.
    Hello,
    /// Asks for more rights. Answered by `Asking` and, when the user has chosen or 60 s have passed, by `Rights`.
    Ask(Rights),
    /// Shows this monitor from now on, on a new screen stream. Unknown ids are answered by `Monitors`.
    Watch(MonitorId),
    /// Every update up to this one is on the technician's screen; opens the window of frame credit. Needs no right:
    /// it may cross with the user's taking viewing back.
    Drawn {
        /// The epoch of the screen stream.
        epoch: Epoch,
        /// The last update drawn.
        update: UpdateNo,
    },
    /// A note for the record, at most [`MAX_NOTE`] bytes. Answered by `Noted`.
    Note(String),
}

impl ToHost {
    /// The right that the user must have given for this message to be carried out.
    pub fn needs(&self) -> Rights {
        match self {
            Self::Hello | Self::Ask(_) | Self::Note(_) | Self::Drawn { .. } => Rights::empty(),
            Self::Watch(_) => Rights::VIEW,
        }
    }
}

impl Message for ToHost {
    const MAX: usize = 8 << 10;
}

/// Host to viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToViewer {
    /// Answers `Hello`.
    Welcome {
        /// The computer's name.
        computer: Name,
        /// The rights held already (after a reconnect).
        rights: Rights,
    },
    /// The desktop's monitors, at the start and whenever the layout changes; at most [`MAX_MONITORS`].
    Monitors(#[serde(deserialize_with = "wire::list::<MAX_MONITORS, _, _>")] Vec<Monitor>),
    /// The user is being asked.
    Asking(Rights),
    /// The rights held now.
    Rights {
        /// All of them.
        held: Rights,
        /// Why they changed.
        why: RightsChange,
    },
    /// A new pointer shape; [`Shape::is_whole`] must hold.
    Shape(Shape),
    /// The note stands in the session's list under this number; the relay has it durably.
    Noted {
        /// Its number in the session's list of events.
        seq: u64,
    },
    /// A message was not carried out: this right is missing.
    NeedsRight(Rights),
    /// What is wrong with the picture, when no picture can be had for now; empty when it is back.
    NoPicture(String),
    /// Everything that was sent on the input stream before this mark has been injected, or dropped for want of the right.
    Acted(u32),
    /// The user has paused (true: no picture, no input, no clipboard) or goes on (false). Rights stay as they are.
    Paused(bool),
    /// The user's own mouse or keyboard is in use: the technician's input is dropped (true), or works again (false).
    Yielded(bool),
    /// Input was dropped because it was aimed at the host's own windows. Said at most once a second.
    OwnWindow,
    /// The text that the viewer sent last is on the user's clipboard.
    Clipped {
        /// Its length in bytes of UTF-8.
        bytes: u64,
    },
    /// The user's clipboard has a new text that is too long to be sent.
    ClipboardTooLong,
}

impl Message for ToViewer {
    const MAX: usize = 64 << 10;
}

/// Why rights changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RightsChange {
    /// The user said yes.
    Given,
    /// The user said no.
    Declined,
    /// The user said nothing for 60 s.
    TimedOut,
    /// The user took them back.
    Revoked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_cross_with_the_users_taking_it_back_needs_no_right() {
        let drawn = ToHost::Drawn { epoch: Epoch(1), update: UpdateNo(1) };
        for message in [ToHost::Hello, ToHost::Ask(Rights::CONTROL), ToHost::Note(String::new()), drawn] {
            assert_eq!(message.needs(), Rights::empty(), "{message:?}");
        }
        assert_eq!(ToHost::Watch(MonitorId(1)).needs(), Rights::VIEW);
    }
}
