//! What a front (headless now, the window later) and the session say to each other: [`Command`]s in, [`Event`]s out,
//! and the picture between them ([`Screen`]). Not the wire: that is `nearhand_proto::session`.
//!
//! ```text
//! front: Handle { commands, events, screen, telemetry }  <-->  Ends { commands, events, screen } : session
//! ```
//! Both channels hold [`CAPACITY`] and wait when full. The front never waits for room in `commands` without
//! taking `events` meanwhile; so the session may wait for room in `events` (which stops its acknowledgements, and
//! with them the host) and no two can block each other.

use crate::screen::Screen;
use nearhand_proto::{
    close::Close,
    ids::SessionId,
    rights::Rights,
    session::{
        control::RightsChange,
        geometry::{Monitor, MonitorId, Point, Rect, Size},
        input::{Button, Locks, Usage},
        screen::{Epoch, UpdateNo},
    },
    text::Name,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Commands, and events, that may wait in their channel.
pub const CAPACITY: usize = 64;

/// Front to session, in order. Before [`Event::Started`] a front sends nothing but [`Command::End`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Mouse and keyboard.
    Input(Act),
    /// Asks the user for more rights. Answered by [`Event::Asking`] and [`Event::Rights`].
    Ask(Rights),
    /// Shows another monitor. Answered by [`Event::Updated`] of a new epoch, or by [`Event::Monitors`].
    Watch(MonitorId),
    /// Puts this text on the user's clipboard, at most `clipboard::MAX_TEXT` bytes. Answered by [`Event::Clipped`].
    Clipboard(String),
    /// A note for the record, at most `MAX_NOTE` bytes. Answered by [`Event::Noted`].
    Note(String),
    /// The technician leaves, at whatever point. Answered by [`Event::Ended`]. A front that drops `commands` means
    /// the same.
    End,
}

/// One act of mouse or keyboard; the session adds the epoch of the picture that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The pointer is here, in monitor pixels.
    Pointer(Point),
    /// A button went down or up.
    Button {
        /// Which.
        button: Button,
        /// Down or up.
        down: bool,
    },
    /// The wheel turned, in notches: positive is right and down.
    Wheel {
        /// Sideways.
        x: i16,
        /// Up and down.
        y: i16,
    },
    /// A key went down or up.
    Key {
        /// Which.
        usage: Usage,
        /// Down or up.
        down: bool,
    },
    /// Characters, at most `MAX_TEXT` bytes.
    Text(String),
    /// The user's lock keys are to be in this state.
    Locks(Locks),
    /// Answered by [`Event::Acted`] with the same number once everything before it has been injected, or dropped.
    Mark(u32),
}

/// Session to front, in the order in which things happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The relay is being dialled.
    Connecting,
    /// The host is told; the relay says who calls.
    Claimed {
        /// The technician's name there.
        technician: Name,
        /// The help desk's name.
        desk: Name,
    },
    /// Both ends have proved the code, and the record holds the session's start.
    Paired {
        /// The session's id.
        session: SessionId,
    },
    /// The session connection stands and the host has said `Welcome`.
    Started {
        /// The computer's name.
        computer: Name,
    },
    /// The desktop's monitors, at the start and whenever they change.
    Monitors(Vec<Monitor>),
    /// The user is being asked.
    Asking(Rights),
    /// The rights held now.
    Rights {
        /// All of them.
        held: Rights,
        /// Why they changed.
        why: RightsChange,
    },
    /// An update is whole, and [`Screen`] shows it since `presented`.
    Updated {
        /// The picture's epoch.
        epoch: Epoch,
        /// The monitor it shows.
        monitor: MonitorId,
        /// The picture's size.
        size: Size,
        /// The update's number.
        update: UpdateNo,
        /// True if the screen had changed again already when the host ended this update.
        more: bool,
        /// What changed.
        changed: Vec<Rect>,
        /// Bytes of its messages on the screen stream.
        bytes: u64,
        /// From the first damage to the end of encoding, on the host, in µs.
        spent_us: u32,
        /// Decoding and presenting, here, in µs.
        decode_us: u32,
        /// When [`Screen::show`] had shown it.
        presented: Instant,
    },
    /// Why there is no picture for now; empty when it is back.
    NoPicture(String),
    /// Something was not carried out: this right is missing.
    NeedsRight(Rights),
    /// Everything before this mark has been injected, or dropped for want of the right.
    Acted(u32),
    /// The user has paused (no picture, no input, no clipboard), or goes on.
    Paused(bool),
    /// The user's own mouse or keyboard is in use, so input from here is dropped; or it works again.
    Yielded(bool),
    /// Input was dropped because it was aimed at the host's own windows.
    OwnWindow,
    /// A new text on the user's clipboard.
    Clipboard(String),
    /// The text that was sent last is on the user's clipboard.
    Clipped {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The user's clipboard has a new text that is too long to be sent.
    ClipboardTooLong,
    /// A note stands in the record.
    Noted {
        /// Its number in the session's list of events.
        seq: u64,
    },
    /// The host is silent; input waits.
    Suspended,
    /// The host is back.
    Resumed,
    /// The relay is silent and is dialled again.
    RelayLost,
    /// The relay is back.
    RelayBack,
    /// The session, or the attempt at one, is over. Always the last event.
    Ended(Close),
}

/// Figures of the session, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The session's id, from the pairing on.
    pub session: Option<SessionId>,
    /// Handshakes of session connections that were completed in this run.
    pub quic_handshakes: u64,
    /// Smoothed round trip time of the session connection.
    pub rtt: Option<Duration>,
    /// UDP payload bytes that the session connection has received, over all its handshakes.
    pub bytes_received: u64,
}

/// Where a front asks for [`Stats`], at any time and from any thread. Must not block.
pub trait Telemetry: Send + Sync {
    /// The figures now.
    fn stats(&self) -> Stats;
}

/// The front's side.
pub struct Handle {
    /// Full: wait, while taking events.
    pub commands: mpsc::Sender<Command>,
    /// Closed without [`Event::Ended`]: the session's task has failed.
    pub events: mpsc::Receiver<Event>,
    /// The picture.
    pub screen: Screen,
    /// Figures.
    pub telemetry: Arc<dyn Telemetry>,
}

/// The session's side.
pub struct Ends {
    /// Closed: the front has gone; ends the session as [`Command::End`] does.
    pub commands: mpsc::Receiver<Command>,
    /// Full: wait (the host then runs out of credit). A closed one is to be ignored until the session has ended.
    pub events: mpsc::Sender<Event>,
    /// Where whole updates are shown, before their [`Event::Updated`] is sent.
    pub screen: Screen,
}

/// Both sides of one session.
pub fn channels(telemetry: Arc<dyn Telemetry>) -> (Handle, Ends) {
    let (to_session, commands) = mpsc::channel(CAPACITY);
    let (to_front, events) = mpsc::channel(CAPACITY);
    let screen = Screen::default();
    let handle = Handle { commands: to_session, events, screen: screen.clone(), telemetry };
    (handle, Ends { commands, events: to_front, screen })
}
