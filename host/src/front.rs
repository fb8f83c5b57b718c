//! What the host and its front (the window, the terminal, a script in tests) say to each other: [`Show`]s out,
//! [`Press`]es in. A front only shows and asks; what follows from an answer is the host's business.

use nearhand_proto::{
    close::Close, code::SessionCode, pair::Death, relay_string::RelayString, rights::Rights,
    session::clipboard::Direction, text::Name,
};
use std::time::Instant;
use tokio::sync::mpsc;

/// Things waiting to be shown, and presses waiting to be taken. A full channel holds its sender back.
pub const CAPACITY: usize = 32;

/// Host to front.
#[derive(Clone, PartialEq, Eq)]
pub enum Show {
    /// No relay is known: the user pastes the string that their help desk gave them ([`Press::Relay`]).
    WhichRelay,
    /// This relay is new here: is it their help desk's? Answered by [`Press::Trust`], [`Press::Stop`] (no, ends the
    /// host) or [`Press::Scam`]. Nothing has been sent to it.
    NewRelay {
        /// Its host name.
        host: String,
        /// A relay of this host name was confirmed here before, with another key: whoever answers there now may not be
        /// who it was, and the user must be told.
        changed: bool,
    },
    /// Something that must be mended before the host can do what it should: a whole sentence for people, to be shown
    /// as it is until the window is closed. [`Show::Bye`] follows.
    Fault(String),
    /// This relay is being dialled.
    Dialling {
        /// Its host name.
        host: String,
        /// True if it has not answered for some seconds.
        again: bool,
    },
    /// Registered at this relay.
    Relay {
        /// Its host name.
        host: String,
        /// The help desk's name.
        desk: Name,
    },
    /// This code waits until then; it replaces the one shown before.
    Code {
        /// For the user to read out.
        code: SessionCode,
        /// Its end.
        until: Instant,
    },
    /// The code shown is no longer valid.
    CodeOver(Over),
    /// Someone entered a wrong code; so many starts are left.
    WrongCode {
        /// 0 = the code is dead.
        left: u8,
    },
    /// No new code before a key is pressed.
    PressKey,
    /// No new code before then.
    Wait(Instant),
    /// A technician knows the code and is connecting.
    Caller {
        /// Their name, as the relay vouches for it.
        technician: Name,
        /// Their desk.
        desk: Name,
    },
    /// The technician asks for these rights; silence declines at `until`.
    Ask {
        /// Who asks.
        technician: Name,
        /// Their desk.
        desk: Name,
        /// What for.
        rights: Rights,
        /// When silence declines.
        until: Instant,
    },
    /// The question no longer stands.
    AskOver,
    /// What the technician may do now.
    Rights {
        /// Who.
        technician: Name,
        /// Their desk.
        desk: Name,
        /// What.
        held: Rights,
    },
    /// The user has paused the session (no picture, no input, no clipboard), or lets it go on.
    Paused(bool),
    /// The user's own mouse or keyboard has stopped the technician's, or they work again.
    Yielded(bool),
    /// A text has gone from one clipboard to the other.
    Clipboard {
        /// Which way.
        direction: Direction,
        /// Its length in bytes.
        bytes: u64,
    },
    /// The technician's end is silent; input is off until it is back.
    Suspended,
    /// It is back.
    Resumed,
    /// The relay does not answer; it is dialled again.
    RelayLost,
    /// The relay is back.
    RelayBack,
    /// What the technician sees is gone, and why; empty when it is back.
    NoPicture(String),
    /// The session is over.
    Ended(Close),
    /// The host ends. Always the last.
    Bye(Close),
}

/// Why a code is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Its 10 min have passed.
    Expired,
    /// It was killed.
    Dead(Death),
    /// A technician has entered it.
    Used,
    /// The relay has lost it.
    Gone,
}

/// Front to host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// This is the help desk's relay.
    Relay(RelayString),
    /// Yes, the new relay is the help desk's.
    Trust,
    /// This is a scam: everything ends, and this relay is blocked.
    Scam,
    /// Gives these rights unasked, by their switch.
    Give(Rights),
    /// Pauses the session, or lets it go on.
    Pause(bool),
    /// Any key, where one was asked for.
    Key,
    /// Yes to the question for these rights, if it stands.
    Allow(Rights),
    /// No to it.
    Decline(Rights),
    /// Takes these rights back.
    Revoke(Rights),
    /// Ends the session, or the host if there is none.
    Stop,
    /// Ends session and host.
    Quit,
}

/// The front's side.
#[derive(Debug)]
pub struct Front {
    /// What to show.
    pub shows: mpsc::Receiver<Show>,
    /// What was pressed.
    pub presses: mpsc::Sender<Press>,
}

/// The host's side.
#[derive(Debug)]
pub struct Stage {
    /// What to show. A front that has gone is ignored.
    pub shows: mpsc::Sender<Show>,
    /// What was pressed. Closed: nobody can press anything any more, which is no reason to end.
    pub presses: mpsc::Receiver<Press>,
}

/// Both sides.
pub fn channels() -> (Front, Stage) {
    let (to_front, shows) = mpsc::channel(CAPACITY);
    let (presses, from_front) = mpsc::channel(CAPACITY);
    (Front { shows, presses }, Stage { shows: to_front, presses: from_front })
}

impl std::fmt::Debug for Show {
    /// The secret half of a code is for the user's screen alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Code { code, .. } => return write!(f, "Code({}…)", code.locator),
            Self::WrongCode { left } => return write!(f, "WrongCode({left})"),
            Self::CodeOver(over) => return write!(f, "CodeOver({over:?})"),
            Self::Ask { rights, .. } => return write!(f, "Ask({rights})"),
            Self::Rights { held, .. } => return write!(f, "Rights({held})"),
            Self::Ended(close) => return write!(f, "Ended({close:?})"),
            Self::Bye(close) => return write!(f, "Bye({close:?})"),
            Self::NoPicture(why) => return write!(f, "NoPicture({why:?})"),
            Self::Paused(on) => return write!(f, "Paused({on})"),
            Self::Yielded(on) => return write!(f, "Yielded({on})"),
            Self::Clipboard { direction, bytes } => return write!(f, "Clipboard({direction:?}, {bytes})"),
            Self::WhichRelay => "WhichRelay",
            Self::NewRelay { changed, .. } => return write!(f, "NewRelay(changed: {changed})"),
            Self::Fault(why) => return write!(f, "Fault({why:?})"),
            Self::Dialling { .. } => "Dialling",
            Self::Relay { .. } => "Relay",
            Self::PressKey => "PressKey",
            Self::Wait(_) => "Wait",
            Self::Caller { .. } => "Caller",
            Self::AskOver => "AskOver",
            Self::Suspended => "Suspended",
            Self::Resumed => "Resumed",
            Self::RelayLost => "RelayLost",
            Self::RelayBack => "RelayBack",
        };
        f.write_str(name)
    }
}
