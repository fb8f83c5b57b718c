//! One session on the host: from the pairing to the end, over any number of session connections.
//!
//! ```text
//! Awaiting --viewer connects--> Connected --silence 30 s--> Away --viewer connects--> Connected
//!    |                              |                        |
//!    \------------ stop, close, relay's word, 10 min away ---+--> over: let go, hang up, last facts, End
//! ```
//! The actor owns everything of the session: the list of facts, consent, the picture and the injection thread. Its
//! loop has one arm a source, each arm one call.

mod clips;
mod facts;
mod hands;
mod line;
mod route;
mod screen;

pub(crate) use self::facts::Facts;
pub use self::line::{Line, LineError};

use self::line::LineEvent;
use crate::{
    capture,
    clipboard::{self, Clips},
    front::{Press, Show},
    inject,
    injection::{self, Fingers, Injection},
    picture::Picture,
    user::{self, User, WatchError},
};
use nearhand_desktop::clipboard::Open as OpenClipboard;
use nearhand_proto::{
    close::Close,
    control::Technician,
    ids::{ActorId, Fingerprint, SessionId},
    net::{LOOK, LinkHandle, Pins, Sign, Vigil, Watchdog},
    record::Event,
    rights::Rights,
    session::{ToViewer, consent::Consent, geometry::Monitor, screen::Epoch},
    text::Name,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::task::AbortOnDropHandle;

/// Things told to the session and not yet taken; more wait.
pub const TOLD: usize = 32;

/// How long a session waits at its end until everything is let go of; it hangs only with the display server.
const LET_GO: Duration = Duration::from_secs(1);

/// Opens the desktop's devices, each time on a thread of its own.
#[derive(Clone)]
pub struct Desktop {
    /// The screen.
    pub capture: Arc<dyn Fn() -> capture::Open + Send + Sync>,
    /// Mouse and keyboard.
    pub inject: Arc<dyn Fn() -> inject::Open + Send + Sync>,
    /// The clipboard.
    pub clipboard: OpenClipboard,
    /// Watches what the user does with mouse and keyboard, for as long as a session runs.
    pub user: user::Watch,
}

impl Desktop {
    /// Opens the screen once and closes it again, so that a host says at its start what a session would find.
    ///
    /// # Errors
    /// [`CaptureError`](capture::CaptureError)
    pub fn check(&self) -> Result<(), capture::CaptureError> {
        (self.capture)()()?.monitors().map(drop)
    }
}

/// What a session begins with.
pub struct Start {
    /// Its id.
    pub id: SessionId,
    /// The viewer's session certificate.
    pub peer: Fingerprint,
    /// Who calls.
    pub technician: Technician,
    /// The rights they asked for.
    pub want: Rights,
    /// The rights given beforehand.
    pub preset: Rights,
    /// The computer's name.
    pub computer: Name,
    /// This host run, as the record names it.
    pub host: ActorId,
    /// How long a question stands before silence declines it (60 s by design).
    pub answer: Duration,
    /// How long a viewer may stay away (10 min by design).
    pub absence: Duration,
    /// The desktop.
    pub desktop: Desktop,
    /// To the relay.
    pub link: LinkHandle,
    /// To the user.
    pub shows: mpsc::Sender<Show>,
    /// Who may open a session connection.
    pub pins: Pins,
}

/// Host to session.
#[derive(Debug)]
pub enum Told {
    /// The viewer has connected.
    Connected(Box<Line>),
    /// The relay has stored every fact before this one.
    Recorded(u64),
    /// The relay is back and has every fact before this one.
    Reregistered(u64),
    /// The route to the viewer is open again.
    RouteOpen,
    /// The relay says that the session is over.
    Ended(Close),
    /// The user pressed something.
    Press(Press),
}

/// Why the loop is left.
type Turn = Result<(), Close>;

/// A running session.
pub struct Session {
    start: Start,
    told: mpsc::Receiver<Told>,
    facts: Facts,
    consent: Consent,
    line: Option<Line>,
    /// Since when there is no line.
    away: Option<Instant>,
    picture: Option<Picture>,
    writer: Option<AbortOnDropHandle<()>>,
    injection: Option<Injection>,
    /// What happens in the injection thread.
    injected: Option<mpsc::Receiver<injection::News>>,
    control_used: bool,
    fingers: Fingers,
    clips: Option<Clips>,
    /// The user has stopped picture, input and clipboard for a while; the rights stay.
    paused: bool,
    /// The user's own input has stopped the technician's, as both have been told.
    yielded: bool,
    user: User,
    touches: user::Touches,
    /// Missing rights that the viewer has been told of since rights changed.
    needs_told: Rights,
    /// Picture threads so far; each counts its epochs from a range of its own.
    pictures: u32,
    shown: Option<(Epoch, Monitor)>,
    watchdog: Watchdog,
    /// Of the line that is there now.
    vigil: Vigil,
}

impl Session {
    /// A session that awaits its viewer.
    pub fn new(start: Start, told: mpsc::Receiver<Told>) -> Self {
        let (touches, user) = user::channel();
        Self {
            facts: Facts::new(start.id, start.link.clone()),
            consent: Consent::new(start.answer),
            start,
            told,
            line: None,
            away: Some(Instant::now()),
            picture: None,
            writer: None,
            injection: None,
            injected: None,
            control_used: false,
            fingers: Fingers::default(),
            clips: None,
            paused: false,
            yielded: false,
            user,
            touches,
            needs_told: Rights::empty(),
            pictures: 0,
            shown: None,
            watchdog: Watchdog::new(std::time::Instant::now()),
            vigil: Vigil::default(),
        }
    }

    /// Runs to the end; returns why it ended, and the facts that the relay may not have yet.
    pub(crate) async fn run(mut self) -> (Close, Facts) {
        // It connects to the display server, which may take its time.
        let (watch, touches) = (self.start.desktop.user.clone(), self.touches.clone());
        let watcher = spawn_blocking(move || watch(touches)).await;
        let why = match watcher.unwrap_or_else(|error| Err(WatchError(error.to_string()))) {
            Ok(_watcher) => self.live().await,
            Err(error) => {
                tracing::error!(%error, "no session");
                Close::Internal
            }
        };
        self.finish(why).await;
        (why, self.facts)
    }

    async fn live(&mut self) -> Close {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let deadline = self.deadline();
            let turn = tokio::select! {
                biased;
                why = self.user.over() => Err(why),
                // The clock before the relay, and the desktop before the viewer: one that floods must not make them
                // stand still.
                () = sleep_until(deadline) => self.handle_time().await,
                _ = looks.tick() => self.look(),
                told = self.told.recv() => self.told(told).await,
                news = clipboard::next(&mut self.clips, self.facts.take_more()) => {
                    self.clipboard_news(news).await
                }
                news = hands::next(&mut self.injected) => self.handle_injected(news).await,
                event = line::next(&mut self.line, self.injection.as_ref(), self.facts.take_more()) => {
                    self.line_event(event).await
                }
                Some(news) = screen::next(&mut self.picture) => self.news(news).await,
            };
            if let Err(why) = turn {
                return why;
            }
        }
    }

    async fn told(&mut self, told: Option<Told>) -> Turn {
        match told {
            None => Err(Close::UserStopped),
            Some(Told::Ended(why)) => Err(why),
            Some(Told::Connected(line)) => self.connected(*line).await,
            Some(Told::Recorded(next)) => {
                for seq in self.facts.handle_recorded(next) {
                    self.say(ToViewer::Noted { seq });
                }
                Ok(())
            }
            Some(Told::Reregistered(next)) => {
                for seq in self.facts.handle_reregistered(next) {
                    self.say(ToViewer::Noted { seq });
                }
                Ok(())
            }
            Some(Told::RouteOpen) => {
                if let Some(line) = &self.line {
                    line.kick();
                }
                Ok(())
            }
            Some(Told::Press(press)) => self.press(press).await,
        }
    }

    /// The viewer's connection stands: welcome it, go on where it was.
    async fn connected(&mut self, line: Line) -> Turn {
        let back = self.line.is_some() || self.consent.held() != Rights::empty() || self.facts.any();
        self.drop_picture();
        self.clips = None;
        self.line = Some(line);
        self.watchdog = Watchdog::new(std::time::Instant::now());
        self.vigil = Vigil::default();
        self.away = None;
        let (computer, rights) = (self.start.computer.clone(), self.consent.held());
        self.say(ToViewer::Welcome { computer, rights });
        if back {
            self.host_fact(Event::SessionResumed);
            self.show(Show::Resumed).await;
            // What has changed while it was away.
            self.say(ToViewer::Paused(self.paused));
            self.say(ToViewer::Yielded(self.yielded));
            if let Some((rights, _)) = self.consent.question() {
                self.say(ToViewer::Asking(rights));
            }
            return self.apply_rights().await;
        }
        let want = self.start.want;
        self.ask(want).await
    }

    async fn line_event(&mut self, event: LineEvent) -> Turn {
        match event {
            LineEvent::Control(message) => self.route(message).await,
            LineEvent::Input(input, permit) => self.route_input(input, permit).await,
            LineEvent::Clipboard(stream) => {
                self.route_clipboard(stream);
                Ok(())
            }
            LineEvent::Lost(None) => self.lost().await,
            LineEvent::Lost(Some(why)) => Err(why),
        }
    }

    /// The viewer is silent or broke the protocol: input off, picture off; it may come back.
    async fn lost(&mut self) -> Turn {
        self.line = None;
        self.away = Some(Instant::now());
        self.drop_picture();
        (self.injection, self.clips) = (None, None);
        self.start.pins.insert(self.start.peer);
        self.host_fact(Event::SessionSuspended);
        self.show(Show::Suspended).await;
        Ok(())
    }

    /// When [`Session::handle_time`] is due next.
    fn deadline(&self) -> Instant {
        let question = self.consent.question().map(|(_, until)| Instant::from_std(until));
        let absence = self.away.map(|since| since + self.start.absence);
        let far = Instant::now() + Duration::from_secs(3_600);
        [question, absence].into_iter().flatten().min().unwrap_or(far)
    }

    async fn handle_time(&mut self) -> Turn {
        let now = Instant::now();
        if self.away.is_some_and(|since| self.start.absence <= now - since) {
            return Err(Close::Lost);
        }
        match self.consent.handle_time(now.into_std()) {
            Some(outcome) => self.outcome(outcome).await,
            None => Ok(()),
        }
    }

    fn look(&mut self) -> Turn {
        self.facts.handle_time();
        if let Some(line) = &self.line {
            if !self.vigil.look(&line.stats(), std::time::Instant::now()) {
                tracing::warn!("the viewer resets streams or changes connection ids without end");
                return Err(Close::Protocol);
            }
            match self.watchdog.look(&line.stats(), std::time::Instant::now()) {
                Sign::Well => {}
                Sign::Quiet => self.start.link.probe(),
                Sign::Unheard { probe } => {
                    if probe {
                        self.start.link.probe();
                    }
                    line.kick();
                }
                Sign::Deaf => line.give_up(),
            }
        }
        Ok(())
    }

    /// Everything is let go, the viewer hung up, the last fact written. Bringing it to the relay is the host's part.
    async fn finish(&mut self, why: Close) {
        (self.injection, self.clips) = (None, None);
        self.drop_picture();
        self.start.pins.remove(&self.start.peer);
        if let Some(line) = self.line.take() {
            line.close(why);
        }
        // A program that ended before could leave a key down for good.
        if let Some(mut news) = self.injected.take() {
            let _ = timeout(LET_GO, async { while news.recv().await.is_some() {} }).await;
        }
        if why == Close::Reported {
            self.host_fact(Event::SessionReported);
        }
        self.host_fact(Event::HostEnded { reason: why });
        self.show(Show::Ended(why)).await;
    }

    /// A message for the viewer. One that does not read loses its line.
    fn say(&self, message: ToViewer) {
        if let Some(line) = &self.line {
            line.say(message);
        }
    }

    async fn show(&self, show: Show) {
        // A front that has gone shows nothing; the session does not depend on it.
        let _ = self.start.shows.send(show).await;
    }

    /// A fact that the host has witnessed.
    fn host_fact(&mut self, event: Event) {
        self.facts.host(event, self.start.host);
    }
}
