//! The host as a whole: register → code → pair → session → again, until the user has had enough.
//!
//! The loop routes; what codes allow is decided by [`Codes`], what a session does by `Session`.

mod claims;
mod leftovers;
mod pairings;
mod relay;
mod steps;

use self::{claims::Proved, leftovers::Leftovers, pairings::Pairings, steps::Asking};
use crate::{
    front::{Press, Show, Stage},
    session::{Desktop, Facts, Line, Told},
};
use nearhand_proto::{
    close::Close,
    control::{Leave, Role, ToRelay},
    ids::{ActorId, Fingerprint, SessionId},
    net::{
        DialError, Identity, IdentityError, Link, LinkConfig, LinkHandle, Moves, Pins, certificate_of,
        session_server,
    },
    pair::{Codes, Lifetimes},
    relay_string::RelayString,
    rights::Rights,
    text::Name,
};
use quinn::{Endpoint, Incoming, VarInt};
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
    /// How long the relay may leave a host without the locator that it has asked for, and a proved claim without its
    /// session. 30 s.
    pub step: Duration,
    /// After how long a silent session is suspended. 30 s, which is the most as well.
    pub idle: Duration,
    /// How long a viewer may stay away from its session. 10 min.
    pub absence: Duration,
    /// For how long the first dial is tried. 60 s.
    pub patience: Duration,
    /// Tells when the computer's network has changed.
    pub moves: Moves,
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
    /// The locator that was asked for and has not come.
    asking: Option<Asking>,
    quitting: Option<Close>,
    /// When to ask the relay for a sign of life, if something is awaited from it.
    nudge: Instant,
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
        moves: config.moves.clone(),
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
        asking: None,
        nudge: Instant::now(),
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
                // The user before the relay: one that floods must not keep them from stopping.
                press = self.stage.presses.recv(), if pressable => match press {
                    Some(press) => self.press(press).await,
                    None => pressable = false,
                },
                event = link.next(), if up => up = self.event(event).await,
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
            match Line::accept(connection.clone()).await {
                Ok(line) => Some((certificate, line)),
                Err(error) => {
                    // It may try again until the absence is over.
                    connection.close(VarInt::from_u32(Close::TooSlow.code().into()), &[]);
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
