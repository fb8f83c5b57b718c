//! One session at the viewer: dials the host end to end, carries commands out, tells what happens; dials anew when
//! the connection is lost.
//!
//! ```text
//! Dialling --connected--> Connected --silence 30 s--> Dialling (at most 10 min)
//!    \___________________________\___ End, close with a reason, relay's word ___> over
//! ```

mod bounds;
mod commands;
mod figures;
mod inputs;
mod line;
mod painter;

pub use figures::Figures;

use self::{
    line::{Line, LineEvent},
    painter::Drew,
};
use crate::{
    messages::{Act, Command, Ends, Event},
    screen::Screen,
};
use nearhand_proto::{
    close::Close,
    control::{ToEnd, ToRelay},
    ids::{Fingerprint, SessionId},
    net::{Identity, LOOK, Link, LinkEvent, LinkHandle, RELAY, Sign, Vigil, Watchdog, kick, session_client},
    rights::Rights,
    route::Rid,
    session::{ToHost, ToViewer, clipboard, control::RightsChange, input::Input, screen::Epoch},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

/// One attempt to connect: the first, and each further one half as long again, up to this. A fresh attempt says its first word
/// at once, while an old one whose packets were lost waits ever longer before it says it again.
const FIRST_ATTEMPT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(10);
/// Pause between attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the host has to bring its last facts to the relay before the viewer ends the session itself.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The host, after the pairing.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The session.
    pub session: SessionId,
    /// The host's routing id.
    pub route: Rid,
    /// Its session certificate.
    pub certificate: Fingerprint,
    /// What the user is asked for.
    pub want: Rights,
}

/// Why the loop is left.
type Turn = Result<(), Close>;

/// A running session.
pub struct Session {
    peer: Peer,
    own: Arc<Identity>,
    absence: Duration,
    figures: Arc<Figures>,
    screen: Screen,
    line: Option<Line>,
    /// To the input stream of the line.
    inputs: Option<mpsc::Sender<Input>>,
    /// For how long the next attempt is made.
    patience: Duration,
    dialling: JoinSet<Result<Line, Option<Close>>>,
    /// Since when there is no line.
    away: Option<Instant>,
    /// The picture that was presented last.
    epoch: Option<Epoch>,
    started: bool,
    /// The rights held now, as the host says.
    held: Rights,
    /// When `Hello` was sent, until `Welcome` has come.
    greeted: Option<Instant>,
    /// A command that waits for room, and since when.
    waiting: Option<(Command, Instant)>,
    /// True once the relay has said that the session is over.
    told_over: bool,
    watchdog: Watchdog,
    /// Of the line that is there now.
    vigil: Vigil,
}

impl Session {
    /// A session that is about to dial.
    pub fn new(
        peer: Peer,
        own: Arc<Identity>,
        absence: Duration,
        figures: Arc<Figures>,
        screen: Screen,
    ) -> Self {
        figures.paired(peer.session);
        Self {
            peer,
            own,
            absence,
            figures,
            screen,
            line: None,
            inputs: None,
            patience: FIRST_ATTEMPT,
            dialling: JoinSet::new(),
            away: Some(Instant::now()),
            epoch: None,
            started: false,
            held: Rights::empty(),
            greeted: None,
            waiting: None,
            told_over: false,
            watchdog: Watchdog::new(std::time::Instant::now()),
            vigil: Vigil::default(),
        }
    }

    /// Runs to the end; returns why it ended.
    pub async fn run(mut self, ends: &mut Ends, link: &mut Link) -> Close {
        let handle = link.handle();
        handle.set_paired(true);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.dial(link, Duration::ZERO);
        let why = loop {
            let turn = tokio::select! {
                biased;
                // The clock, and the technician before the relay: one that floods must stop neither. Before that the host,
                // since what the technician does is meant for the picture that they see.
                _ = looks.tick() => self.look(&handle),
                event = line::next(&mut self.line) => self.line_event(event, ends, link).await,
                next = commands::next(&mut ends.commands, &mut self.waiting, self.inputs.as_ref()) => match next {
                    Some(command) => self.command(command).await,
                    None => self.stuck(),
                },
                event = link.next() => self.link_event(event, &ends.events).await,
                Some(dialled) = self.dialling.join_next() => {
                    let dialled = dialled.unwrap_or(Err(None));
                    self.dialled(dialled, link).await
                }
            };
            if let Err(why) = turn {
                break why;
            }
        };
        self.finish(why, link).await;
        why
    }

    /// Dials the host in the background.
    fn dial(&mut self, link: &Link, pause: Duration) {
        let patience = self.patience;
        self.patience = (patience * 3 / 2).min(ATTEMPT);
        let endpoint = link.endpoint.clone();
        let config = session_client(&self.own, self.peer.certificate, self.peer.route);
        self.dialling.spawn(async move {
            tokio::time::sleep(pause).await;
            let config = config.map_err(|error| {
                tracing::error!(%error, "our own key does not serve");
                Some(Close::Internal)
            })?;
            let connecting = endpoint.connect_with(config, RELAY, "nearhand").map_err(|_| None)?;
            let connection = timeout(patience, connecting).await.map_err(|_| None)?.map_err(|error| {
                tracing::debug!(%error, "the host was not reached");
                nearhand_proto::net::close_reason(&error).filter(|why| why.is_final())
            })?;
            Line::open(connection).await
        });
    }

    async fn dialled(&mut self, dialled: Result<Line, Option<Close>>, link: &Link) -> Turn {
        match dialled {
            Ok(mut line) => {
                self.figures.connected(line.connection());
                self.patience = FIRST_ATTEMPT;
                line.paint(self.screen.clone());
                line.say(ToHost::Hello);
                self.greeted = Some(Instant::now());
                self.inputs = Some(line.inputs());
                self.line = Some(line);
                self.vigil = Vigil::default();
                self.watchdog = Watchdog::new(std::time::Instant::now());
                self.away = None;
                Ok(())
            }
            Err(Some(why)) => Err(why),
            Err(None) => {
                self.dial(link, PAUSE);
                Ok(())
            }
        }
    }

    async fn line_event(&mut self, event: LineEvent, ends: &mut Ends, link: &Link) -> Turn {
        match event {
            LineEvent::Message(message) => self.message(message, &ends.events).await,
            LineEvent::Drew(drew) => {
                self.drew(drew, &ends.events).await;
                Ok(())
            }
            LineEvent::Clipboard(text) => {
                // A host that sends what its user has not given puts nothing on the technician's clipboard.
                if self.held.contains(Rights::CLIPBOARD_OUT) {
                    tell(&ends.events, Event::Clipboard(text)).await;
                }
                Ok(())
            }
            LineEvent::Lost(Some(why)) => Err(why),
            LineEvent::Lost(None) => {
                self.line = None;
                self.inputs = None;
                self.away = Some(Instant::now());
                tell(&ends.events, Event::Suspended).await;
                self.dial(link, Duration::ZERO);
                Ok(())
            }
        }
    }

    async fn message(&mut self, message: ToViewer, events: &mpsc::Sender<Event>) -> Turn {
        self.greeted = None;
        let event = match message {
            ToViewer::Welcome { computer, .. } if !self.started => {
                self.started = true;
                Event::Started { computer }
            }
            ToViewer::Welcome { rights, .. } => {
                self.handle_rights(rights);
                tell(events, Event::Resumed).await;
                // The user may have taken some back meanwhile.
                Event::Rights { held: rights, why: RightsChange::Given }
            }
            ToViewer::Monitors(monitors) => Event::Monitors(bounds::monitors(monitors)),
            ToViewer::Asking(rights) => Event::Asking(rights),
            ToViewer::Rights { held, why } => {
                self.handle_rights(held);
                Event::Rights { held, why }
            }
            ToViewer::Noted { seq } => Event::Noted { seq },
            ToViewer::Acted(mark) => Event::Acted(mark),
            ToViewer::NeedsRight(rights) => Event::NeedsRight(rights),
            ToViewer::NoPicture(why) => Event::NoPicture(bounds::sentence(why)),
            ToViewer::Paused(paused) => {
                if paused {
                    self.screen.blank();
                }
                Event::Paused(paused)
            }
            ToViewer::Yielded(on) => Event::Yielded(on),
            ToViewer::OwnWindow => Event::OwnWindow,
            ToViewer::Clipped { bytes } => Event::Clipped { bytes },
            ToViewer::ClipboardTooLong => Event::ClipboardTooLong,
            ToViewer::Shape(shape) if shape.is_whole() => {
                self.screen.handle_shape(shape);
                return Ok(());
            }
            ToViewer::Shape(_) => return Err(Close::Protocol),
        };
        tell(events, event).await;
        Ok(())
    }

    /// An update is presented: acknowledge it first, so that the next is on its way, then tell.
    async fn drew(&mut self, drew: Drew, events: &mpsc::Sender<Event>) {
        // The last update of an older epoch may come late; then the newer one has been shown already.
        if self.epoch.is_some_and(|epoch| drew.epoch < epoch) {
            return;
        }
        self.epoch = Some(drew.epoch);
        if let Some(line) = &mut self.line {
            line.say(ToHost::Drawn { epoch: drew.epoch, update: drew.update });
        }
        tell(events, drew.event).await;
    }

    async fn link_event(&mut self, event: LinkEvent, events: &mpsc::Sender<Event>) -> Turn {
        match event {
            LinkEvent::Message(ToEnd::Ended { session, why }) if session == self.peer.session => {
                self.told_over = true;
                Err(why)
            }
            LinkEvent::Message(ToEnd::RouteOpen(_)) => {
                if let Some(line) = &self.line {
                    kick(line.connection());
                }
                Ok(())
            }
            LinkEvent::Message(_) => Ok(()),
            LinkEvent::Lost => {
                tell(events, Event::RelayLost).await;
                Ok(())
            }
            LinkEvent::Registered { sessions, .. } => {
                if !sessions.iter().any(|state| state.session == self.peer.session) {
                    // The relay has ended it while we were away.
                    self.told_over = true;
                    return Err(Close::Lost);
                }
                tell(events, Event::RelayBack).await;
                Ok(())
            }
            LinkEvent::Down(why) => Err(why),
        }
    }

    async fn command(&mut self, command: Command) -> Turn {
        let message = match command {
            Command::End => return Err(Close::TechnicianLeft),
            Command::Input(act) => {
                self.act(act);
                return Ok(());
            }
            Command::Ask(rights) => ToHost::Ask(rights),
            Command::Watch(monitor) => ToHost::Watch(monitor),
            Command::Note(text) => ToHost::Note(text),
            Command::Clipboard(text) => {
                self.send_text(text);
                return Ok(());
            }
        };
        if let Some(line) = &mut self.line {
            line.say(message);
        }
        Ok(())
    }

    /// What the user lets the technician do now; what they show no longer is gone.
    fn handle_rights(&mut self, held: Rights) {
        self.held = held;
        if !held.contains(Rights::VIEW) {
            self.screen.blank();
        }
    }

    /// A text goes out at once or, while the host is silent, not at all.
    fn send_text(&mut self, text: String) {
        match &mut self.line {
            Some(line) if text.len() <= clipboard::MAX_TEXT => line.send_text(clipboard::Text(text)),
            Some(_) => tracing::error!(bytes = text.len(), "a front sends a clipboard text that is too long"),
            None => {}
        }
    }

    /// Input goes out at once or, while the host is silent, not at all: what is late would hit another screen.
    fn act(&mut self, act: Act) {
        let Some(input) = inputs::input_of(act, self.epoch) else { return };
        if let Some(inputs) = &self.inputs {
            // There is room: `commands::next` has waited for it.
            let _ = inputs.try_send(input);
        }
    }

    /// The host takes no input any more: hung up, and dialled anew.
    fn stuck(&mut self) -> Turn {
        self.waiting = None;
        if let Some(line) = &self.line {
            line.hang_up(Close::TooSlow);
        }
        Ok(())
    }

    fn look(&mut self, link: &LinkHandle) -> Turn {
        if self.greeted.is_some_and(|at| ATTEMPT <= at.elapsed()) {
            self.greeted = None;
            return self.stuck();
        }
        if let Some(line) = &self.line {
            if !self.vigil.look(&line.connection().stats(), std::time::Instant::now()) {
                tracing::warn!("the host resets streams or changes connection ids without end");
                line.hang_up(Close::Protocol);
                return Err(Close::Protocol);
            }
            match self.watchdog.look(&line.connection().stats(), std::time::Instant::now()) {
                Sign::Well => {}
                Sign::Quiet => link.probe(),
                Sign::Unheard { probe } => {
                    if probe {
                        link.probe();
                    }
                    kick(line.connection());
                }
                Sign::Deaf => line.hang_up(Close::TooSlow),
            }
        }
        if self.away.is_some_and(|since| self.absence <= since.elapsed()) {
            return Err(Close::Lost);
        }
        Ok(())
    }

    /// Hangs up; the host brings its last facts to the relay, which then says that the session is over. If it
    /// doesn't, the viewer ends it.
    async fn finish(&mut self, why: Close, link: &mut Link) {
        self.dialling.abort_all();
        self.figures.lost();
        if let Some(line) = self.line.take() {
            line.hang_up(why);
        }
        let until = Instant::now() + LAST_WORDS;
        while !self.told_over {
            match timeout_at(until, link.next()).await {
                Ok(LinkEvent::Message(ToEnd::Ended { session, .. })) => {
                    self.told_over = session == self.peer.session;
                }
                Ok(LinkEvent::Down(_)) => return,
                Ok(_) => {}
                Err(_) => {
                    link.handle().send(ToRelay::End { session: self.peer.session, why });
                    return;
                }
            }
        }
    }
}

async fn tell(events: &mpsc::Sender<Event>, event: Event) {
    // A front that has gone ends the session through its commands.
    let _ = events.send(event).await;
}
