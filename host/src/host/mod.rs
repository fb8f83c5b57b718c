//! The host as a whole: register → code → pair → session → again, until the user has had enough.
//!
//! The loop routes; what codes allow is decided by [`Codes`], what a session does by `Session`.

mod claims;
mod leftovers;
mod pairings;
mod steps;

use self::{claims::Proved, leftovers::Leftovers, pairings::Pairings};
use crate::{
    front::{Over, Press, Show, Stage},
    session::{Desktop, Facts, Line, Told},
};
use nearhand_proto::{
    close::Close,
    code::Secret,
    control::{Leave, Role, SessionState, ToEnd, ToRelay},
    ids::{ActorId, Fingerprint, SessionId},
    net::{
        DialError, Identity, IdentityError, Link, LinkConfig, LinkEvent, LinkHandle, Pins, certificate_of,
        random, session_server,
    },
    pair::{Codes, Lifetimes},
    relay_string::RelayString,
    rights::Rights,
    text::Name,
};
use quinn::{Endpoint, Incoming};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// Validity of the session certificate, in days (browsers later want at most 14).
const DAYS: i64 = 13;
/// A session handshake must be done within this.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the user is told that the relay does not answer.
const REMINDER: Duration = Duration::from_secs(5);
/// How long the relay has to take the last facts when the host leaves.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Session handshakes at once.
const HANDSHAKES: usize = 4;
/// How long to wait before asking a relay again that has refused a locator.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

/// Resolved settings of one host run.
#[derive(Clone)]
pub struct HostConfig {
    /// The relay.
    pub relay: RelayString,
    /// Rights given beforehand (`--allow`).
    pub preset: Rights,
    /// The computer's name.
    pub computer: Name,
    /// True if somebody can press a key.
    pub has_user: bool,
    /// How long codes, claims and brakes last.
    pub lifetimes: Lifetimes,
    /// How long a question stands before silence declines it. 60 s.
    pub answer: Duration,
    /// After how long a silent session is suspended. 30 s, which is the most as well.
    pub idle: Duration,
    /// How long a viewer may stay away from its session. 10 min.
    pub absence: Duration,
    /// For how long the first dial is tried. 60 s.
    pub patience: Duration,
    /// Ends after the first session.
    pub once: bool,
    /// The desktop.
    pub desktop: Desktop,
}

/// The session that runs.
struct Running {
    id: SessionId,
    peer: Fingerprint,
    told: mpsc::Sender<Told>,
}

/// The loop's state.
struct Host {
    config: HostConfig,
    identity: Arc<Identity>,
    link: LinkHandle,
    stage: Stage,
    codes: Codes,
    pairings: Pairings,
    pins: Pins,
    proved: Option<Proved>,
    leftovers: Leftovers,
    running: Option<Running>,
    sessions: JoinSet<(Close, Facts)>,
    handshakes: JoinSet<Option<(Fingerprint, Line)>>,
    /// Looks whether the desktop is still there.
    checks: JoinSet<bool>,
    /// When to ask again for a locator that was refused.
    ask_again: Option<Instant>,
    quitting: Option<Close>,
    /// When to leave although the relay has not taken the last facts.
    leave_by: Option<Instant>,
    /// False while the relay is away: nothing new is asked of it.
    registered: bool,
}

/// Runs a host until the user ends it, the relay refuses it for good, or `stop`. The reason is also the last thing
/// shown.
///
/// # Errors
/// [`DialError`] if there is no link in the first place.
pub async fn run(config: HostConfig, stage: Stage, stop: CancellationToken) -> Result<Close, DialError> {
    let identity = Arc::new(Identity::generate(DAYS)?);
    let pins = Pins::default();
    let server = session_server(&identity, pins.clone(), config.idle).map_err(IdentityError::from)?;
    let link_config = LinkConfig {
        relay: config.relay.clone(),
        role: Role::Host,
        session: identity.clone(),
        technician: None,
        patience: config.patience,
    };
    let mut stage = stage;
    let dialled = tokio::select! {
        biased;
        () = stop.cancelled() => return bye(&stage, Close::Done).await,
        why = given_up(&mut stage, &config.relay.host) => return bye(&stage, why).await,
        link = Link::dial(link_config, Some(server)) => link,
    };
    let mut link = match dialled {
        Ok(link) => link,
        Err(error) => {
            bye(&stage, error.close()).await?;
            return Err(error);
        }
    };
    let mut host = Host {
        codes: Codes::new(config.has_user, config.lifetimes),
        pairings: Pairings::new(identity.certificate_fingerprint()),
        link: link.handle(),
        config,
        identity,
        stage,
        pins,
        proved: None,
        leftovers: Leftovers::new(link.handle()),
        running: None,
        sessions: JoinSet::new(),
        handshakes: JoinSet::new(),
        checks: JoinSet::new(),
        ask_again: None,
        quitting: None,
        leave_by: None,
        registered: false,
    };
    let why = host.live(&mut link, stop).await;
    host.show(Show::Bye(why)).await;
    link.close().await;
    Ok(why)
}

/// Says good-bye before there was a link.
async fn bye(stage: &Stage, why: Close) -> Result<Close, DialError> {
    // A front that has gone shows nothing.
    let _ = stage.shows.send(Show::Bye(why)).await;
    Ok(why)
}

/// Shows that the relay is being dialled, again and again; returns when the user has had enough.
async fn given_up(stage: &mut Stage, relay: &str) -> Close {
    let mut reminders = tokio::time::interval(REMINDER);
    let mut again = false;
    let mut pressable = true;
    loop {
        tokio::select! {
            press = stage.presses.recv(), if pressable => match press {
                Some(Press::Stop | Press::Quit) => return Close::UserStopped,
                Some(Press::Scam) => return Close::Reported,
                Some(_) => {}
                None => pressable = false,
            },
            _ = reminders.tick() => {
                let _ = stage.shows.send(Show::Dialling { host: relay.to_owned(), again }).await;
                again = true;
            }
        }
    }
}

impl Host {
    async fn live(&mut self, link: &mut Link, stop: CancellationToken) -> Close {
        let endpoint: Endpoint = link.endpoint.clone();
        let (mut pressable, mut up) = (true, true);
        loop {
            self.step().await;
            if let Some(why) = self.may_leave(up) {
                let reported = why == Close::Reported;
                self.link.send(ToRelay::Leave(if reported { Leave::Reported } else { Leave::Closed }));
                return why;
            }
            let deadline = self.deadline();
            tokio::select! {
                biased;
                () = stop.cancelled(), if self.quitting.is_none() => self.quit(Close::Done).await,
                event = link.next(), if up => up = self.event(event).await,
                press = self.stage.presses.recv(), if pressable => match press {
                    Some(press) => self.press(press).await,
                    None => pressable = false,
                },
                Some(over) = self.sessions.join_next() => self.session_over(over.ok()),
                Some(incoming) = endpoint.accept() => self.incoming(incoming),
                Some(there) = self.checks.join_next() => if !there.unwrap_or(false) {
                    self.quitting.get_or_insert(Close::NoScreen);
                },
                Some(line) = self.handshakes.join_next() => {
                    if let Ok(Some((certificate, line))) = line {
                        self.connected(certificate, line).await;
                    }
                }
                () = sleep_until(deadline) => self.handle_time(),
            }
        }
    }

    /// Why to leave now, if it is time: everything is over, and the relay has it or does not take it.
    fn may_leave(&mut self, up: bool) -> Option<Close> {
        let why = self.quitting.filter(|_| self.running.is_none())?;
        let by = *self.leave_by.get_or_insert_with(|| Instant::now() + LAST_WORDS);
        (self.leftovers.is_empty() || !up || by <= Instant::now()).then_some(why)
    }

    /// False once the link has ended for good.
    async fn event(&mut self, event: LinkEvent) -> bool {
        match event {
            LinkEvent::Registered { desk, sessions } => self.registered(desk, sessions).await,
            LinkEvent::Message(message) => self.message(message).await,
            LinkEvent::Lost => {
                self.registered = false;
                self.show(Show::RelayLost).await;
            }
            LinkEvent::Down(why) => {
                // The session ends in order before the host does.
                self.quitting.get_or_insert(why);
                self.registered = false;
                if let Some(running) = &self.running {
                    let _ = running.told.send(Told::Ended(why)).await;
                }
                return false;
            }
        }
        true
    }

    async fn registered(&mut self, desk: Name, sessions: Vec<SessionState>) {
        self.registered = true;
        let host = self.config.relay.host.clone();
        self.show(Show::Relay { host, desk }).await;
        self.show(Show::RelayBack).await;
        if self.codes.shown().is_some() {
            self.show(Show::CodeOver(Over::Gone)).await;
        }
        self.codes.handle_lost(Instant::now().into_std());
        self.pairings.clear();
        // A pairing that was not committed before the relay went is over; the viewer learns the same.
        self.proved = None;
        self.leftovers.handle_registered(&sessions, self.running.as_ref().map(|running| running.id));
        if let Some(running) = &self.running {
            let told = match sessions.iter().find(|state| state.session == running.id) {
                Some(state) => Told::Reregistered(state.next),
                None => Told::Ended(Close::Lost),
            };
            let _ = running.told.send(told).await;
        }
    }

    async fn message(&mut self, message: ToEnd) {
        let now = Instant::now().into_std();
        match message {
            ToEnd::Waiting(locator) => {
                let secret = std::iter::repeat_with(|| Secret::draw(random())).flatten().next();
                self.codes.handle_locator(locator, secret.expect("a draw succeeds in the end"), now);
            }
            ToEnd::Refused(why) => {
                tracing::warn!(%why, "the relay refused");
                // Only a host without a code has asked for something that can be refused.
                self.ask_again = self.codes.shown().is_none().then(|| Instant::now() + REFUSED_PAUSE);
            }
            ToEnd::Incoming { claim, technician } => self.claimed(claim, technician),
            ToEnd::Pair { claim, message } => self.pair(claim, &message).await,
            ToEnd::Withdrawn { claim, why } => {
                self.pairings.forget(claim);
                self.proved.take_if(|proved| proved.claim == claim);
                if why == Close::TwoClaimants {
                    self.codes.handle_two_claimants(claim, now);
                } else {
                    self.codes.handle_withdrawn(claim, now);
                }
            }
            ToEnd::Paired { claim, session, .. } => self.paired(claim, session).await,
            ToEnd::Recorded { session, next } => {
                self.leftovers.handle_recorded(session, next);
                self.tell(session, Told::Recorded(next)).await;
            }
            ToEnd::Ended { session, why } => {
                self.leftovers.handle_ended(session);
                self.tell(session, Told::Ended(why)).await;
            }
            ToEnd::RouteOpen(session) => self.tell(session, Told::RouteOpen).await,
            ToEnd::Registered { .. } | ToEnd::Enrolled(_) | ToEnd::Claimed { .. } | ToEnd::Pong(_) => {}
        }
    }

    async fn tell(&self, session: SessionId, told: Told) {
        if let Some(running) = self.running.as_ref().filter(|running| running.id == session) {
            // It may just have ended.
            let _ = running.told.send(told).await;
        }
    }

    fn actor(&self) -> ActorId {
        self.identity.public().fingerprint().actor()
    }

    /// `None`: its task failed, and its facts with it; the relay is told what is known.
    fn session_over(&mut self, over: Option<(Close, Facts)>) {
        let Some(running) = self.running.take() else { return };
        self.pins.remove(&running.peer);
        let why = match over {
            Some((why, facts)) => {
                self.leftovers.push(facts, why, Instant::now() + self.config.absence);
                why
            }
            None => {
                self.link.send(ToRelay::End { session: running.id, why: Close::Internal });
                Close::Internal
            }
        };
        tracing::info!(why = why.name(), "session over");
        self.link.set_paired(false);
        if why == Close::NoScreen {
            // A code for a screen that is gone would bring a technician in vain.
            let desktop = self.config.desktop.clone();
            self.checks.spawn_blocking(move || desktop.check().is_ok());
        }
        if self.config.once {
            self.quitting.get_or_insert(why);
        }
    }

    /// A session handshake: nobody's turn unless a confirmed pairing waits for it.
    fn incoming(&mut self, incoming: Incoming) {
        if self.pins.is_empty() || HANDSHAKES <= self.handshakes.len() {
            return incoming.ignore();
        }
        self.handshakes.spawn(async move {
            let connecting = incoming.accept().ok()?;
            let connection = timeout(HANDSHAKE, connecting).await.ok()?.ok()?;
            let certificate = certificate_of(&connection)?;
            match Line::accept(connection).await {
                Ok(line) => Some((certificate, line)),
                Err(error) => {
                    // It may try again until the absence is over.
                    tracing::warn!(%error, "a viewer connected and said nothing that we understand");
                    None
                }
            }
        });
    }

    /// A paired viewer has connected: its pin goes, and is back only when that connection is lost. (Handshakes that were
    /// under way already may still finish; the last one counts.)
    async fn connected(&mut self, certificate: Fingerprint, line: Line) {
        match self.running.as_ref().filter(|running| running.peer == certificate) {
            Some(running) => {
                self.pins.remove(&running.peer);
                let _ = running.told.send(Told::Connected(Box::new(line))).await;
            }
            None => line.close(Close::NoSuchCode),
        }
    }

    async fn press(&mut self, press: Press) {
        match press {
            Press::Quit => self.quit(Close::UserStopped).await,
            Press::Scam => self.quit(Close::Reported).await,
            Press::Stop if self.running.is_none() => self.quit(Close::UserStopped).await,
            Press::Key => self.codes.handle_key(Instant::now().into_std()),
            press => self.tell_running(press).await,
        }
    }

    async fn quit(&mut self, why: Close) {
        self.quitting = Some(why);
        let press = if why == Close::Reported { Press::Scam } else { Press::Quit };
        self.tell_running(press).await;
    }

    async fn tell_running(&self, press: Press) {
        if let Some(running) = &self.running {
            let _ = running.told.send(Told::Press(press)).await;
        }
    }

    async fn show(&self, show: Show) {
        // A front that has gone shows nothing; the host does not depend on it.
        let _ = self.stage.shows.send(show).await;
    }
}
