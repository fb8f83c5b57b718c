//! What the window knows, and what a click means: [`Show`]s and [`Click`]s in, [`Press`]es out. Pure: no window, no
//! clock of its own.
//!
//! ```text
//! Starting -> WhichRelay -> NewRelay -> Dialling -> Coming <-> Code, Wait, Key
//!                                                                |
//!                       Over <--ended-- Session <--asked-- Caller
//!                        \--again--> Coming, Code, Wait, Key          anything --> Bye, Fault
//! ```

use super::session::Session;
use crate::front::{Over, Press, Show};
use nearhand_proto::{
    close::Close, code::SessionCode, pair::Death, relay_string::RelayString, rights::Rights, text::Name,
};
use std::time::{Duration, Instant};

/// An answer within this time after its question is none: it was meant for what stood there before.
pub const CALM: Duration = Duration::from_millis(500);

/// What the window shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Scene {
    /// Nothing is known yet.
    Starting,
    /// Asks for the relay string.
    WhichRelay,
    /// Asks whether this new relay is the help desk's.
    NewRelay {
        /// Its host name.
        host: String,
        /// It had another key before.
        changed: bool,
        /// When it was asked.
        since: Instant,
    },
    /// The relay is being dialled.
    Dialling {
        /// Its host name.
        host: String,
        /// It has not answered for some seconds.
        again: bool,
    },
    /// A code is on its way.
    Coming,
    /// A code to be read out.
    Code {
        /// Which.
        code: SessionCode,
        /// Its end.
        until: Instant,
    },
    /// No new code before then.
    Wait(Instant),
    /// No new code before a click.
    Key,
    /// A technician is connecting.
    Caller {
        /// Who.
        technician: Name,
        /// Their desk.
        desk: Name,
    },
    /// A technician is connected.
    Session(Box<Session>),
    /// The session is over.
    Over {
        /// Why.
        why: Close,
        /// What has come since, to be shown when the user wants it.
        next: Box<Self>,
    },
    /// The host has ended.
    Bye(Close),
    /// The host ends, and there is something to mend.
    Fault {
        /// What, for whoever can mend it: in English.
        detail: String,
        /// What kind of end it is.
        over: Close,
    },
}

/// Something that the user should know about the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody entered a wrong one.
    WrongCode,
    /// The one before is no longer valid.
    New(Over),
}

/// The question whether this was a scam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scam {
    since: Instant,
    /// The session was paused for it, and goes on if it was none.
    paused: bool,
}

/// Something was clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Click {
    /// This relay string was pasted.
    Relay(RelayString),
    /// It is the help desk's relay.
    Trust,
    /// This was a scam?
    Scam,
    /// It was.
    ScamYes,
    /// It was not.
    ScamNo,
    /// Copies this code.
    Copy(String),
    /// A new code, where a click was asked for.
    Key,
    /// Yes to the question for these rights.
    Allow(Rights),
    /// No to it.
    Decline(Rights),
    /// The switch of this right.
    Switch(Rights),
    /// Pause, or go on.
    Pause,
    /// Ends the session.
    Stop,
    /// After a session: on to the next code.
    Again,
    /// Ends everything.
    Close,
}

/// All that the window knows.
#[derive(Clone)]
pub struct State {
    /// What is shown.
    pub scene: Scene,
    /// The relay's host name.
    pub host: Option<String>,
    /// The help desk's name.
    pub desk: Option<Name>,
    /// The relay does not answer.
    pub relay_lost: bool,
    /// Something about the code.
    pub notice: Option<Notice>,
    /// Whether this was a scam is being asked.
    pub scam: Option<Scam>,
    /// The host has said good-bye, or is gone.
    pub gone: bool,
    /// The window has nothing more to say.
    pub done: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            scene: Scene::Starting,
            host: None,
            desk: None,
            relay_lost: false,
            notice: None,
            scam: None,
            gone: false,
            done: false,
        }
    }
}

impl State {
    /// The host says this.
    pub fn handle_show(&mut self, show: Show, now: Instant) {
        match show {
            Show::WhichRelay => self.scene = Scene::WhichRelay,
            Show::NewRelay { host, changed } => {
                self.host = Some(host.clone());
                self.scene = Scene::NewRelay { host, changed, since: now };
            }
            Show::Dialling { host, again } => {
                self.host = Some(host.clone());
                self.scene = Scene::Dialling { host, again };
            }
            Show::Relay { host, desk } => {
                (self.host, self.desk) = (Some(host), Some(desk));
                if matches!(self.scene, Scene::Starting | Scene::Dialling { .. }) {
                    self.scene = Scene::Coming;
                }
            }
            Show::RelayLost => self.relay_lost = true,
            Show::RelayBack => self.relay_lost = false,
            Show::Code { code, until } => self.offer(Scene::Code { code, until }),
            Show::CodeOver(over) => self.code_over(over),
            Show::WrongCode { left } => self.notice = (0 < left).then_some(Notice::WrongCode).or(self.notice),
            Show::PressKey => self.offer(Scene::Key),
            Show::Wait(until) => self.offer(Scene::Wait(until)),
            Show::Caller { technician, desk } => {
                self.notice = None;
                self.scene = Scene::Caller { technician, desk };
            }
            Show::Ended(why) => {
                self.scam = None;
                self.scene = Scene::Over { why, next: Box::new(Scene::Coming) };
            }
            Show::Fault(detail) => {
                self.scam = None;
                self.scene = Scene::Fault { detail, over: Close::Internal };
            }
            Show::Bye(why) => self.bye(why),
            other => self.in_session(other, now),
        }
    }

    /// The host has gone without a word.
    pub fn handle_gone(&mut self) {
        if !self.gone {
            self.bye(Close::Internal);
        }
    }

    /// Something of the session; the first question begins it.
    fn in_session(&mut self, show: Show, now: Instant) {
        if let Show::Ask { technician, desk, .. } | Show::Rights { technician, desk, .. } = &show
            && !matches!(self.scene, Scene::Session(_))
        {
            self.scene = Scene::Session(Box::new(Session::new(technician.clone(), desk.clone())));
        }
        if let Scene::Session(session) = &mut self.scene {
            session.handle_show(show, now);
        }
    }

    /// Shown now, or after the user has read why the session is over.
    fn offer(&mut self, scene: Scene) {
        match &mut self.scene {
            Scene::Over { next, .. } => **next = scene,
            current => *current = scene,
        }
    }

    fn code_over(&mut self, over: Over) {
        if over != Over::Used {
            self.notice = Some(Notice::New(over));
        }
        match &mut self.scene {
            Scene::Over { next, .. } => **next = Scene::Coming,
            current @ Scene::Code { .. } => *current = Scene::Coming,
            _ => {}
        }
    }

    fn bye(&mut self, why: Close) {
        self.gone = true;
        self.scam = None;
        match &mut self.scene {
            // A host that is told to end by the system ends without being read.
            _ if why == Close::Done => self.done = true,
            // What stands there says more.
            Scene::Over { .. } => {}
            Scene::Fault { over, .. } => *over = why,
            _ => self.scene = Scene::Bye(why),
        }
    }

    /// What a click means for the host.
    pub fn handle_click(&mut self, click: Click, now: Instant) -> Option<Press> {
        match click {
            Click::Relay(relay) => {
                self.scene = Scene::Starting;
                Some(Press::Relay(relay))
            }
            Click::Trust => {
                let Scene::NewRelay { since, .. } = self.scene else { return None };
                if now < since + CALM {
                    return None;
                }
                self.scene = Scene::Starting;
                Some(Press::Trust)
            }
            Click::Key => {
                self.scene = Scene::Coming;
                Some(Press::Key)
            }
            Click::Scam => self.ask_scam(now),
            Click::ScamYes => self.scam.filter(|scam| scam.since + CALM <= now).map(|_| Press::Scam),
            Click::ScamNo => {
                let scam = self.scam.take()?;
                scam.paused.then_some(Press::Pause(false))
            }
            Click::Again => {
                if let Scene::Over { next, .. } = &mut self.scene {
                    self.scene = std::mem::replace(next, Scene::Coming);
                }
                None
            }
            Click::Close => {
                self.done = true;
                (!self.gone).then_some(Press::Quit)
            }
            Click::Stop => Some(Press::Stop),
            click => match &mut self.scene {
                Scene::Session(session) => session.handle_click(&click, now),
                _ => None,
            },
        }
    }

    /// Asked first, since it can't be undone from here; until then a session that runs stands still.
    fn ask_scam(&mut self, now: Instant) -> Option<Press> {
        let paused = matches!(&self.scene, Scene::Session(session) if session.begun && !session.paused);
        self.scam = Some(Scam { since: now, paused });
        paused.then_some(Press::Pause(true))
    }

    /// When the window must be drawn anew although nothing happens: a time that is shown changes then.
    pub fn next_change(&self, now: Instant) -> Option<Duration> {
        match &self.scene {
            Scene::Code { until, .. } | Scene::Wait(until) => until_change(*until, now),
            Scene::NewRelay { since, .. } => (*since + CALM).checked_duration_since(now),
            Scene::Session(session) => session.next_change(now),
            _ => None,
        }
        .into_iter()
        .chain(self.scam.and_then(|scam| (scam.since + CALM).checked_duration_since(now)))
        .min()
    }

    /// True while a question stands that has only just appeared, so that nothing answers it yet.
    pub fn is_calm(&self, now: Instant) -> bool {
        let since = match (&self.scam, &self.scene) {
            (Some(scam), _) => Some(scam.since),
            (None, Scene::NewRelay { since, .. }) => Some(*since),
            (None, Scene::Session(session)) => session.question.as_ref().map(|question| question.since),
            _ => None,
        };
        since.is_some_and(|since| now < since + CALM)
    }
}

/// Seconds left, begun ones counted.
pub(super) fn seconds_left(until: Instant, now: Instant) -> u64 {
    let left = until.saturating_duration_since(now);
    left.as_secs() + u64::from(0 < left.subsec_nanos())
}

/// When the time left reads otherwise: minutes above one, then seconds.
pub(super) fn until_change(until: Instant, now: Instant) -> Option<Duration> {
    let left = until.checked_duration_since(now)?;
    let shown = seconds_left(until, now).checked_sub(1)?;
    let next = if shown < 60 { shown } else { shown / 60 * 60 };
    Some(left.saturating_sub(Duration::from_secs(next)))
}

/// True if the code was killed, which the user should be told of.
pub(super) fn was_killed(over: Over) -> bool {
    matches!(over, Over::Dead(Death::WrongCodes | Death::TwoClaimants))
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
