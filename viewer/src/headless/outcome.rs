//! How a headless run ends, in words and exit codes.

use nearhand_proto::{
    close::Close,
    rights::Rights,
    session::geometry::{Point, Size},
};
use std::{fmt, io};

/// Exit code when a command fails that needs no right.
pub const EXIT_FAILED: u8 = 18;

/// Exit code when the program is stopped by Ctrl+C (128 + SIGINT, as shells have it).
pub const EXIT_INTERRUPTED: u8 = 130;

/// How a run ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The session is over: by the last command, or by itself.
    Ended(Close),
    /// A command of the script failed, so the session was ended.
    Failed(StepError),
    /// It was stopped from outside, so the session was ended.
    Interrupted,
    /// Nobody reads our lines any more, so the session was ended.
    Output(io::Error),
}

impl Outcome {
    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ended(why) => why.exit_code(),
            Self::Failed(StepError::Missing(_)) => Close::Declined.exit_code(),
            Self::Failed(_) => EXIT_FAILED,
            Self::Interrupted => EXIT_INTERRUPTED,
            Self::Output(_) => Close::Internal.exit_code(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(why) => why.fmt(f),
            Self::Failed(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted, so the session was ended"),
            Self::Output(error) => {
                write!(f, "standard output can't be written ({error}), so the session was ended")
            }
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The user has not given the right, or has taken it back.
    #[error("the user has not given '{0}', or took it back; explain what you need and 'ask {0}'")]
    Missing(Rights),
    /// The session neither started nor ended.
    #[error("the session has not started within 5 minutes; try again with a new code")]
    NotStarted,
    /// The connection was lost and did not come back.
    #[error("the connection did not come back within 11 minutes; ask for a new code")]
    Cut,
    /// No picture came; why, if the host said so.
    #[error("no picture came within 15 seconds{}", because(.0))]
    NoPicture(String),
    /// A point outside the picture.
    #[error("{},{} is outside the picture of {} x {} pixels", at.x, at.y, size.width, size.height)]
    Outside {
        /// The point.
        at: Point,
        /// The picture.
        size: Size,
    },
    /// No monitor of this number.
    #[error("there is no monitor {number}; the computer has {there}, counted from 1")]
    Monitor {
        /// Its number.
        number: usize,
        /// How many there are.
        there: usize,
    },
    /// More pixels than can be watched.
    #[error("at most 256 pixels can be watched")]
    Watched,
    /// The record did not confirm a note.
    #[error("the note was sent, but the record has not confirmed it within 30 seconds")]
    Note,
    /// The text did not arrive on the user's clipboard: they have paused, or their desktop has none.
    #[error(
        "the text is not on the user's clipboard after 60 seconds; ask whether they have paused the session"
    )]
    Clipboard,
    /// The file of a snapshot can't be written.
    #[error("{0}")]
    File(String),
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {}", nearhand_proto::text::printable(why)) }
}
