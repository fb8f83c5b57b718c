//! What the technician's window knows of one session: events in, a picture of the state out; and what a click means.
//! Pure: time comes in as an argument, and nothing here draws.
//!
//! ```text
//! Dialling --Claimed--> Pairing --Paired--> Joining --Started--> Waiting --view given--> Running
//!     \___________________\___________________\___________________\______ Ended _______> Over
//! ```

use crate::messages::{Act, Command, Event};
use nearhand_proto::{
    close::Close,
    rights::Rights,
    session::{
        clipboard::Direction,
        consent::PEACE,
        control::{MAX_NOTE, RightsChange},
        geometry::{Monitor, MonitorId},
        input::{MAX_TEXT, Usage},
    },
    text::{self, Name},
};
use std::time::{Duration, Instant};

/// How long a piece of news stays.
pub(super) const NEWS: Duration = Duration::from_secs(8);

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The relay is being dialled.
    Dialling,
    /// The code is being proved.
    Pairing,
    /// The session connection is being made.
    Joining,
    /// The user is asked whether they want to show their screen.
    Waiting,
    /// The session runs.
    Running,
    /// It is over.
    Over(Close),
}

/// Something that happened, worth a line for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Rights were given.
    Given(Rights),
    /// The user said no to these.
    Declined(Rights),
    /// The user said nothing to these.
    TimedOut(Rights),
    /// The user took these back.
    Revoked(Rights),
    /// A text went from one clipboard to the other.
    Clipboard {
        /// Which way.
        direction: Direction,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A new text on one of the clipboards is too long to be sent.
    TooLong(Direction),
    /// This computer's clipboard can't be used; why.
    ClipboardLost(String),
    /// A note stands in the record.
    Noted(u64),
    /// Input was aimed at the host's own windows.
    OwnWindow,
    /// Something needs this right.
    NeedsRight(Rights),
    /// The host is back.
    Resumed,
    /// The relay is back.
    RelayBack,
}

/// What the technician clicked, or typed into a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Click {
    /// Ask the user for these.
    Ask(Rights),
    /// Show this monitor.
    Watch(MonitorId),
    /// Press these keys together.
    Chord(&'static [Usage]),
    /// Type this.
    Type(String),
    /// Write this into the record.
    Note(String),
    /// End the session, or the attempt at one.
    End,
}

/// Everything the window shows of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Where it is.
    pub(super) stage: Stage,
    /// As whom the relay has announced the technician: name and desk.
    pub(super) technician: Option<(Name, Name)>,
    /// The computer's name.
    pub(super) computer: Option<Name>,
    /// The desktop's monitors.
    pub(super) monitors: Vec<Monitor>,
    /// The monitor whose picture is shown.
    pub(super) monitor: Option<MonitorId>,
    /// The rights held now.
    pub(super) held: Rights,
    /// Asked for and not answered yet.
    pub(super) wanted: Rights,
    /// The question that the user sees now.
    pub(super) asking: Rights,
    /// The user has paused.
    pub(super) paused: bool,
    /// The user's own mouse or keyboard is in use.
    pub(super) yielded: bool,
    /// The host is silent.
    pub(super) suspended: bool,
    /// The relay is silent.
    pub(super) relay_lost: bool,
    /// Why there is no picture.
    pub(super) no_picture: Option<String>,
    /// The newest piece of news, and when it came.
    pub(super) news: Option<(News, Instant)>,
    /// Updates so far.
    pub(super) updates: u64,
    /// When the session began to run.
    pub(super) since: Option<Instant>,
    refused: Option<(Rights, Instant)>,
}

impl State {
    /// A session that has just been started and asks for `want`.
    pub(super) fn new(want: Rights) -> Self {
        Self {
            stage: Stage::Dialling,
            technician: None,
            computer: None,
            monitors: Vec::new(),
            monitor: None,
            held: Rights::empty(),
            wanted: want,
            asking: Rights::empty(),
            paused: false,
            yielded: false,
            suspended: false,
            relay_lost: false,
            no_picture: None,
            news: None,
            updates: 0,
            since: None,
            refused: None,
        }
    }

    /// Takes an event.
    pub(super) fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connecting => self.stage = Stage::Dialling,
            Event::Claimed { technician, desk } => {
                self.stage = Stage::Pairing;
                self.technician = Some((technician, desk));
            }
            Event::Paired { .. } => self.stage = Stage::Joining,
            Event::Started { computer } => {
                self.stage = Stage::Waiting;
                self.computer = Some(computer);
            }
            Event::Monitors(monitors) => self.monitors = monitors,
            Event::Asking(rights) => {
                self.asking = rights;
                self.wanted |= rights;
            }
            Event::Rights { held, why } => self.rights(held, why, now),
            Event::Updated { monitor, .. } => {
                self.monitor = Some(monitor);
                self.updates = self.updates.saturating_add(1);
                self.no_picture = None;
            }
            Event::NoPicture(why) => self.no_picture = Some(why).filter(|why| !why.is_empty()),
            Event::NeedsRight(rights) => self.tell(News::NeedsRight(rights), now),
            Event::Acted(_) => {}
            Event::Paused(paused) => self.paused = paused,
            Event::Yielded(yielded) => self.yielded = yielded,
            Event::OwnWindow => self.tell(News::OwnWindow, now),
            Event::Clipboard(text) => self.copied(Direction::Out, text.len(), now),
            Event::Clipped { bytes } => self.tell(News::Clipboard { direction: Direction::In, bytes }, now),
            Event::ClipboardTooLong => self.tell(News::TooLong(Direction::Out), now),
            Event::Noted { seq } => self.tell(News::Noted(seq), now),
            Event::Suspended => self.suspended = true,
            Event::Resumed => {
                self.suspended = false;
                // What was answered meanwhile nobody says; a question that still stands is told next.
                (self.wanted, self.asking) = (Rights::empty(), Rights::empty());
                self.tell(News::Resumed, now);
            }
            Event::RelayLost => self.relay_lost = true,
            Event::RelayBack => {
                self.relay_lost = false;
                self.tell(News::RelayBack, now);
            }
            Event::Ended(why) => self.stage = Stage::Over(why),
        }
    }

    /// The session's task is gone without a last word.
    pub(super) fn handle_gone(&mut self) {
        if !matches!(self.stage, Stage::Over(_)) {
            self.stage = Stage::Over(Close::Internal);
        }
    }

    /// Says something for a while.
    pub(super) fn tell(&mut self, news: News, now: Instant) {
        self.news = Some((news, now));
    }

    /// Forgets news that is old; returns when the present one will be.
    pub(super) fn handle_time(&mut self, now: Instant) -> Option<Instant> {
        self.news.take_if(|(_, since)| NEWS <= now.duration_since(*since));
        self.news.as_ref().map(|(_, since)| *since + NEWS)
    }

    /// What a click means, in this order.
    pub(super) fn commands(&mut self, click: Click) -> Vec<Command> {
        match click {
            Click::Ask(rights) => {
                self.wanted |= rights - self.held;
                vec![Command::Ask(rights)]
            }
            Click::Watch(monitor) => vec![Command::Watch(monitor)],
            Click::Chord(keys) => chord(keys),
            Click::Type(text) => typed(&text),
            Click::Note(mut text) => {
                text::cut(&mut text, MAX_NOTE);
                let empty = text.trim().is_empty();
                (!empty).then_some(Command::Note(text)).into_iter().collect()
            }
            Click::End => vec![Command::End],
        }
    }

    /// True if mouse and keyboard may be used now.
    pub(super) fn may_control(&self) -> bool {
        let held = self.held.contains(Rights::CONTROL);
        self.stage == Stage::Running && held && !self.paused && !self.suspended
    }

    /// True if asking for this right makes sense: not held, not asked, and not refused a moment ago.
    pub(super) fn may_ask(&self, right: Rights, now: Instant) -> bool {
        let refused = self.refused.is_some_and(|(rights, since)| {
            rights.intersects(right) && now.saturating_duration_since(since) < PEACE
        });
        self.stage == Stage::Running
            && !self.held.contains(right)
            && !self.wanted.intersects(right)
            && !refused
    }

    /// When a right that was refused may be asked for again.
    pub(super) fn peace_until(&self) -> Option<Instant> {
        self.refused.map(|(_, since)| since + PEACE)
    }

    fn rights(&mut self, held: Rights, why: RightsChange, now: Instant) {
        let (gone, new) = (self.held - held, held - self.held);
        let refused = if self.asking.is_empty() { self.wanted - held } else { self.asking };
        self.held = held;
        let news = match why {
            RightsChange::Given if new.is_empty() => None,
            RightsChange::Given => Some(News::Given(new)),
            RightsChange::Declined => Some(News::Declined(refused)),
            RightsChange::TimedOut => Some(News::TimedOut(refused)),
            RightsChange::Revoked => Some(News::Revoked(gone)),
        };
        if let RightsChange::Declined | RightsChange::TimedOut = why {
            self.refused = Some((refused, now));
            self.wanted -= refused;
        }
        self.wanted -= held;
        if !self.wanted.contains(self.asking) {
            self.asking = Rights::empty();
        }
        if held.contains(Rights::VIEW) && self.stage == Stage::Waiting {
            self.stage = Stage::Running;
            self.since = Some(now);
        } else if let Some(news) = news {
            self.tell(news, now);
        }
        if !held.contains(Rights::VIEW) {
            self.monitor = None;
        }
    }

    fn copied(&mut self, direction: Direction, bytes: usize, now: Instant) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.tell(News::Clipboard { direction, bytes }, now);
    }
}

/// Presses keys together and lets them go in the reverse order.
fn chord(keys: &[Usage]) -> Vec<Command> {
    let act = |usage, down| Command::Input(Act::Key { usage, down });
    let down = keys.iter().map(|usage| act(*usage, true));
    down.chain(keys.iter().rev().map(|usage| act(*usage, false))).collect()
}

/// A text in pieces that fit a message; line ends as `\n`, other control characters dropped.
pub(super) fn typed(text: &str) -> Vec<Command> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut rest: &str = &text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "");
    let mut commands = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
        commands.push(Command::Input(Act::Text(piece.to_owned())));
        rest = after;
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

    fn running(now: Instant) -> State {
        let mut state = State::new(BOTH);
        let name = Name::lossy("x");
        state.handle(Event::Claimed { technician: name.clone(), desk: name.clone() }, now);
        state.handle(Event::Started { computer: name }, now);
        state.handle(Event::Asking(Rights::VIEW), now);
        assert_eq!((state.stage, state.wanted), (Stage::Waiting, BOTH));
        state.handle(Event::Rights { held: Rights::VIEW, why: RightsChange::Given }, now);
        state
    }

    #[test]
    fn it_runs_once_the_user_shows_their_screen() {
        let now = Instant::now();
        let mut state = running(now);
        assert_eq!(
            (state.stage, state.wanted, state.asking),
            (Stage::Running, Rights::CONTROL, Rights::empty())
        );
        assert!(!state.may_control() && !state.may_ask(Rights::CONTROL, now));
        state.handle(Event::Asking(Rights::CONTROL), now);
        state.handle(Event::Rights { held: BOTH, why: RightsChange::Given }, now);
        assert!(state.may_control() && state.wanted.is_empty());
        state.handle(Event::Paused(true), now);
        assert!(!state.may_control());
        state.handle(Event::Paused(false), now);
        state.handle(Event::Suspended, now);
        assert!(!state.may_control());
        state.handle(Event::Ended(Close::UserStopped), now);
        state.handle_gone();
        assert_eq!(state.stage, Stage::Over(Close::UserStopped));
    }

    #[test]
    fn what_was_refused_is_asked_again_after_a_while() {
        let now = Instant::now();
        for (why, news) in [
            (RightsChange::Declined, News::Declined(Rights::CONTROL)),
            (RightsChange::TimedOut, News::TimedOut(Rights::CONTROL)),
        ] {
            let mut state = running(now);
            state.handle(Event::Asking(Rights::CONTROL), now);
            state.handle(Event::Rights { held: Rights::VIEW, why }, now);
            assert_eq!(state.news, Some((news, now)));
            assert!(!state.may_ask(Rights::CONTROL, now) && state.may_ask(Rights::CLIPBOARD_IN, now));
            assert!(state.may_ask(Rights::CONTROL, now + PEACE));
            assert_eq!(state.commands(Click::Ask(Rights::CONTROL)), [Command::Ask(Rights::CONTROL)]);
            assert!(!state.may_ask(Rights::CONTROL, now + PEACE));
        }
    }

    #[test]
    fn what_is_taken_back_is_said_and_may_be_asked_for() {
        let now = Instant::now();
        let mut state = running(now);
        state.handle(Event::Rights { held: BOTH, why: RightsChange::Given }, now);
        state.handle(Event::Rights { held: Rights::VIEW, why: RightsChange::Revoked }, now);
        assert_eq!(state.news, Some((News::Revoked(Rights::CONTROL), now)));
        assert!(state.may_ask(Rights::CONTROL, now));
        assert_eq!(state.handle_time(now), Some(now + NEWS));
        assert_eq!(state.handle_time(now + NEWS), None);
    }

    #[test]
    fn texts_go_in_pieces_and_chords_come_back_up() {
        let text = "ä".repeat(MAX_TEXT);
        let pieces = typed(&text);
        assert_eq!(pieces.len(), 2);
        assert_eq!(typed("a\r\nb\u{1b}"), [Command::Input(Act::Text("a\nb".into()))]);
        let key = |usage, down| Command::Input(Act::Key { usage: Usage(usage), down });
        assert_eq!(chord(&[Usage(1), Usage(2)]), [key(1, true), key(2, true), key(2, false), key(1, false)]);
    }
}
