//! What the window knows of a session.

use super::state::{CALM, Click, until_change};
use crate::front::{Press, Show};
use nearhand_proto::{rights::Rights, session::clipboard::Direction, text::Name};
use std::time::{Duration, Instant};

/// How long it is said that a text has gone over.
const NOTE: Duration = Duration::from_secs(6);

/// The question that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What for.
    pub rights: Rights,
    /// When silence declines it.
    pub until: Instant,
    /// When it appeared.
    pub since: Instant,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub technician: Name,
    /// Their desk.
    pub desk: Name,
    /// What they may do.
    pub held: Rights,
    /// They have been given something.
    pub begun: bool,
    /// What is asked.
    pub question: Option<Question>,
    /// The user has paused it.
    pub paused: bool,
    /// The user's own mouse or keyboard is in use.
    pub yielded: bool,
    /// The technician's end is silent.
    pub suspended: bool,
    /// They can't see anything although they may.
    pub no_picture: bool,
    /// A text has just gone over.
    clipboard: Option<(Direction, Instant)>,
    /// When the user last took something away: the second half of a double click must not give it back.
    taken: Option<Instant>,
}

impl Session {
    /// With nothing asked or given.
    pub fn new(technician: Name, desk: Name) -> Self {
        Self {
            technician,
            desk,
            held: Rights::empty(),
            begun: false,
            question: None,
            paused: false,
            yielded: false,
            suspended: false,
            no_picture: false,
            clipboard: None,
            taken: None,
        }
    }

    /// The host says this of it.
    pub fn handle_show(&mut self, show: Show, now: Instant) {
        match show {
            Show::Ask { rights, until, .. } => self.question = Some(Question { rights, until, since: now }),
            Show::AskOver => self.question = None,
            Show::Rights { technician, desk, held } => {
                (self.technician, self.desk, self.held) = (technician, desk, held);
                self.begun |= !held.is_empty();
            }
            Show::Paused(on) => self.paused = on,
            Show::Yielded(on) => self.yielded = on,
            Show::Suspended => self.suspended = true,
            Show::Resumed => self.suspended = false,
            Show::NoPicture(why) => self.no_picture = !why.is_empty(),
            Show::Clipboard { direction, .. } => self.clipboard = Some((direction, now + NOTE)),
            _ => {}
        }
    }

    /// What a click means. A switch shows what the host says, so it moves when the host has done it.
    pub fn handle_click(&mut self, click: &Click, now: Instant) -> Option<Press> {
        let press = self.press(click, now)?;
        match press {
            Press::Revoke(_) | Press::Pause(true) => self.taken = Some(now),
            Press::Give(_) | Press::Pause(false) if self.rests(now) => return None,
            _ => {}
        }
        Some(press)
    }

    fn press(&self, click: &Click, now: Instant) -> Option<Press> {
        match click {
            Click::Allow(rights) => self.answerable(*rights, now).then_some(Press::Allow(*rights)),
            Click::Decline(rights) => self.answerable(*rights, now).then_some(Press::Decline(*rights)),
            Click::Switch(right) if self.held.contains(*right) => Some(Press::Revoke(*right)),
            Click::Switch(right) => Some(Press::Give(*right)),
            Click::Pause => Some(Press::Pause(!self.paused)),
            _ => None,
        }
    }

    /// True for a moment after the user has taken something away: nothing is given then.
    pub fn rests(&self, now: Instant) -> bool {
        self.taken.is_some_and(|at| now < at + CALM)
    }

    fn answerable(&self, rights: Rights, now: Instant) -> bool {
        self.question.is_some_and(|question| question.rights == rights && question.since + CALM <= now)
    }

    /// The text that has just gone over, for a while.
    pub fn clipboard(&self, now: Instant) -> Option<Direction> {
        self.clipboard.filter(|(_, until)| now < *until).map(|(direction, _)| direction)
    }

    /// When it must be drawn anew although nothing happens.
    pub fn next_change(&self, now: Instant) -> Option<Duration> {
        let note = self.clipboard.and_then(|(_, until)| until.checked_duration_since(now));
        let question = self.question.and_then(|question| until_change(question.until, now));
        let calm = self.question.and_then(|question| (question.since + CALM).checked_duration_since(now));
        let rest = self.taken.and_then(|at| (at + CALM).checked_duration_since(now));
        [note, question, calm, rest].into_iter().flatten().filter(|wait| !wait.is_zero()).min()
    }
}
