//! The link: keeps one end registered at its relay, over any number of control connections.
//!
//! ```text
//! Online --silence or close--> Redialling --registered--> Online
//!    |                            |
//!    \------- refused for good ---+--> Down
//! ```
//! While a session is paired the link pings each second; after max(2 s, 4 × RTT) of silence it dials anew on the same
//! UDP socket, and the old connection stays until the new one has registered. When a route opens again it *kicks* the
//! endpoint, so that what waits is sent at once.

use super::{
    EndCids, FrameError, FrameReceiver, FrameSender, Identity, IdentityError, Paths, cid::initial_for_relay,
    control_of_end, relay_client_tls, session::close_reason,
};
use crate::{
    close::Close,
    control::{EXPORTER_LABEL, Register, Role, SessionState, ToEnd, ToRelay},
    relay_string::RelayString,
    text::Name,
};
use quinn::{Connection, ConnectionError, Endpoint, EndpointConfig, TokioRuntime, VarInt};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Messages on the way to the relay; more wait.
const OUTGOING: usize = 64;
/// Events not yet taken by the owner; more hold the link back.
const EVENTS: usize = 64;
/// How often a paired end pings.
const PING: Duration = Duration::from_secs(1);
/// Shortest silence that counts as a loss.
const SILENCE: Duration = Duration::from_secs(2);
/// One attempt to connect and register, while the round-trip time isn't known.
const FIRST_ATTEMPT: Duration = Duration::from_secs(10);
/// Shortest and longest pause between attempts.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// A control message must be whole within this.
const FRAME_PATIENCE: Duration = Duration::from_secs(5);
/// Longest datagram that is echoed: an address proof is 16 bytes.
const MAX_ECHO: usize = 32;

/// What a link needs to know.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Where the relay is and which key it must hold.
    pub relay: RelayString,
    /// What this end is.
    pub role: Role,
    /// The session key that this end registers.
    pub session: Arc<Identity>,
    /// The technician's enrolled key, shown as TLS client certificate.
    pub technician: Option<Arc<Identity>>,
    /// For how long the first dial is tried (60 s by design).
    pub patience: Duration,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The relay's name leads nowhere.
    #[error("can't find the relay '{host}'; check the relay string and this computer's network")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver says.
        #[source]
        source: io::Error,
    },
    /// The operating system gives no socket.
    #[error("can't open a UDP socket")]
    Socket(#[from] io::Error),
    /// Our own key does not serve.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The relay refused, or does not answer.
    #[error("{0}")]
    Closed(Close),
}

impl DialError {
    /// The reason in one word, for exit codes.
    pub fn close(&self) -> Close {
        match self {
            Self::Resolve { .. } => Close::RelayUnreachable,
            Self::Socket(_) | Self::Identity(_) => Close::Internal,
            Self::Closed(close) => *close,
        }
    }
}

/// What the link tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// Registered, at the start or again.
    Registered {
        /// The help desk's name.
        desk: Name,
        /// Sessions that go on.
        sessions: Vec<SessionState>,
    },
    /// A message of the relay's.
    Message(ToEnd),
    /// The relay is silent; the link dials anew.
    Lost,
    /// The link has ended for good.
    Down(Close),
}

/// The face of a running link: cheap to clone.
#[derive(Clone, Debug)]
pub struct LinkHandle {
    outgoing: mpsc::Sender<ToRelay>,
    paired: Arc<watch::Sender<bool>>,
    probe: mpsc::Sender<()>,
}

impl LinkHandle {
    /// Sends a message to the relay. While the link is lost, messages are dropped: what must not be lost is sent
    /// again by its owner after [`LinkEvent::Registered`].
    pub async fn send(&self, message: ToRelay) {
        // A closed channel means that the link has ended; its owner learns that from `LinkEvent::Down`.
        let _ = self.outgoing.send(message).await;
    }

    /// Whether a session is paired, so that the relay is watched each second.
    pub fn set_paired(&self, paired: bool) {
        self.paired.send_if_modified(|now| std::mem::replace(now, paired) != paired);
    }

    /// Asks the relay for a sign of life at once: a NAT may have moved this end.
    pub fn probe(&self) {
        let _ = self.probe.try_send(());
    }
}

/// A running link. Dropping it aborts its task.
#[derive(Debug)]
pub struct Link {
    /// The endpoint, for session connections.
    pub endpoint: Endpoint,
    relay: Arc<Mutex<SocketAddr>>,
    handle: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Link {
    /// Dials and registers; tries for `config.patience`. `server` lets session connections in (the host).
    ///
    /// # Errors
    /// [`DialError`]
    pub async fn dial(config: LinkConfig, server: Option<quinn::ServerConfig>) -> Result<Self, DialError> {
        let address = resolve(&config.relay).await?;
        let paths = Paths::bind(address)?;
        let rid = config.session.public().rid();
        let mut endpoint_config = EndpointConfig::default();
        endpoint_config.cid_generator(move || Box::new(EndCids(rid))).supported_versions(vec![1]);
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(endpoint_config, server, paths.socket()?, runtime)?;
        let (event_sender, events) = mpsc::channel(EVENTS);
        let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING);
        let (probe, probe_receiver) = mpsc::channel(1);
        let paired = Arc::new(watch::channel(false).0);
        let stop = CancellationToken::new();
        let relay = paths.relay();
        let mut actor = Actor {
            config,
            endpoint: endpoint.clone(),
            paths,
            events: event_sender,
            outgoing: outgoing_receiver,
            probes: probe_receiver,
            paired: paired.subscribe(),
            stop: stop.clone(),
            pings: 0,
        };
        let online = actor.first_dial().await?;
        let task = AbortOnDropHandle::new(tokio::spawn(actor.run(online)));
        Ok(Self { endpoint, relay, handle: LinkHandle { outgoing, paired, probe }, events, stop, task })
    }

    /// Where the relay is now: session connections are dialled there as well.
    pub fn relay(&self) -> SocketAddr {
        *self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The face for whoever sends.
    pub fn handle(&self) -> LinkHandle {
        self.handle.clone()
    }

    /// The next event; the first is always `Registered`.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> LinkEvent {
        self.events.recv().await.unwrap_or(LinkEvent::Down(Close::Done))
    }

    /// Sends what is queued, says good-bye to the relay and waits until quinn has said it.
    pub async fn close(self) {
        self.stop.cancel();
        let _ = timeout(SILENCE, self.task).await;
        let _ = timeout(SILENCE, self.endpoint.wait_idle()).await;
    }
}

async fn resolve(relay: &RelayString) -> Result<SocketAddr, DialError> {
    let unknown = |source| DialError::Resolve { host: relay.host.clone(), source };
    let mut found = tokio::net::lookup_host((relay.host.as_str(), relay.port)).await.map_err(unknown)?;
    found.next().ok_or_else(|| unknown(io::Error::from(io::ErrorKind::NotFound)))
}

/// A registered control connection.
struct Online {
    connection: Connection,
    sender: FrameSender<ToRelay>,
    receiver: FrameReceiver<ToEnd>,
    desk: Name,
    sessions: Vec<SessionState>,
    heard: Instant,
}

impl Online {
    fn silence_allowed(&self) -> Duration {
        SILENCE.max(self.connection.rtt() * 4)
    }

    fn close(&self, why: Close) {
        self.connection.close(VarInt::from_u32(why.code().into()), &[]);
    }
}

/// How one stretch of being online ended.
enum Fate {
    Stopped,
    Lost,
    Refused(Close),
}

struct Actor {
    config: LinkConfig,
    endpoint: Endpoint,
    paths: Paths,
    events: mpsc::Sender<LinkEvent>,
    outgoing: mpsc::Receiver<ToRelay>,
    probes: mpsc::Receiver<()>,
    paired: watch::Receiver<bool>,
    stop: CancellationToken,
    pings: u64,
}

impl Actor {
    async fn first_dial(&mut self) -> Result<Online, DialError> {
        let until = Instant::now() + self.config.patience;
        let mut pause = PAUSE.0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let error = match self.attempt(FIRST_ATTEMPT.min(left)).await {
                Ok(online) => return Ok(online),
                Err(error) => error,
            };
            let over = until <= Instant::now() + pause;
            if !error.close().may_retry() || over {
                return Err(error);
            }
            tracing::debug!(%error, "relay not reached, trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn run(mut self, mut online: Online) {
        loop {
            let registered =
                LinkEvent::Registered { desk: online.desk.clone(), sessions: online.sessions.clone() };
            if self.events.send(registered).await.is_err() {
                return online.close(Close::Done);
            }
            if !online.sessions.is_empty() {
                self.kick();
            }
            let down = match self.serve(&mut online).await {
                Fate::Stopped => return online.close(Close::Done),
                Fate::Refused(close) => Some(close),
                Fate::Lost => None,
            };
            let next = match down {
                Some(close) => Err(close),
                None => self.redial(&mut online).await,
            };
            match next {
                Ok(new) => online = new,
                Err(close) => {
                    let _ = self.events.send(LinkEvent::Down(close)).await;
                    return;
                }
            }
        }
    }

    /// Serves one connection until it is lost. One turn, one arm, one call.
    async fn serve(&mut self, online: &mut Online) -> Fate {
        let mut tick = tokio::time::interval(PING);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                biased;
                () = self.stop.cancelled() => self.drain(online).await,
                message = online.receiver.next() => self.received(online, message).await,
                Some(message) = self.outgoing.recv() => Self::send(online, &message).await,
                Ok(datagram) = online.connection.read_datagram() => echo(online, datagram),
                Some(()) = self.probes.recv() => self.ping(online).await,
                _ = tick.tick() => self.tick(online).await,
            };
            if let Err(fate) = turn {
                return fate;
            }
        }
    }

    async fn drain(&mut self, online: &mut Online) -> Result<(), Fate> {
        while let Ok(message) = self.outgoing.try_recv() {
            Self::send(online, &message).await?;
        }
        // The relay closes when it has read everything; then nothing of ours is lost.
        let _ = online.sender.stream().finish();
        let _ = timeout(SILENCE, online.connection.closed()).await;
        Err(Fate::Stopped)
    }

    async fn received(
        &mut self,
        online: &mut Online,
        message: Result<Option<ToEnd>, FrameError>,
    ) -> Result<(), Fate> {
        online.heard = Instant::now();
        match message {
            Ok(Some(ToEnd::Pong(_))) => Ok(()),
            Ok(Some(message)) => {
                if matches!(message, ToEnd::RouteOpen(_)) {
                    self.kick();
                }
                self.events.send(LinkEvent::Message(message)).await.map_err(|_| Fate::Stopped)
            }
            Ok(None) => Err(fate_of(online.connection.close_reason().as_ref())),
            Err(FrameError::Read(_)) => Err(fate_of(online.connection.close_reason().as_ref())),
            Err(error) => {
                tracing::warn!(%error, "relay broke the protocol");
                online.close(Close::Protocol);
                Err(Fate::Refused(Close::Protocol))
            }
        }
    }

    async fn send(online: &mut Online, message: &ToRelay) -> Result<(), Fate> {
        let allowed = online.silence_allowed();
        match timeout(allowed, online.sender.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(fate_of(online.connection.close_reason().as_ref())),
            Err(_) => Err(Fate::Lost),
        }
    }

    async fn ping(&mut self, online: &mut Online) -> Result<(), Fate> {
        self.pings += 1;
        Self::send(online, &ToRelay::Ping(self.pings)).await
    }

    async fn tick(&mut self, online: &mut Online) -> Result<(), Fate> {
        if !*self.paired.borrow() {
            // quinn's own idle timeout and keep-alive suffice for an end that only waits.
            online.heard = Instant::now();
            return Ok(());
        }
        if online.silence_allowed() < online.heard.elapsed() {
            return Err(Fate::Lost);
        }
        self.ping(online).await
    }

    /// Dials until registered again. If the old connection speaks meanwhile, it was only slow: it goes on.
    async fn redial(&mut self, old: &mut Online) -> Result<Online, Close> {
        let _ = self.events.send(LinkEvent::Lost).await;
        let patience = SILENCE.max(old.connection.rtt() * 4);
        let mut pause = PAUSE.0;
        loop {
            let stop = self.stop.clone();
            let tried = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Close::Done),
                tried = self.attempt(patience) => tried,
            };
            // What was queued for the lost connection is its owner's to repeat.
            while self.outgoing.try_recv().is_ok() {}
            match tried {
                Ok(new) => {
                    old.close(Close::Replaced);
                    return Ok(new);
                }
                Err(error) if error.close().may_retry() => tracing::debug!(%error, "relay still away"),
                Err(error) => return Err(error.close()),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Close::Done),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(if *self.paired.borrow() { PAUSE.0 * 2 } else { PAUSE.1 });
        }
    }

    /// One attempt to connect and register.
    async fn attempt(&self, patience: Duration) -> Result<Online, DialError> {
        let address = resolve(&self.config.relay).await?;
        self.paths.set_relay(address);
        match timeout(patience, self.connect(address)).await {
            Ok(result) => result,
            Err(_) => Err(DialError::Closed(Close::RelayUnreachable)),
        }
    }

    async fn connect(&self, address: SocketAddr) -> Result<Online, DialError> {
        let refused = Arc::new(AtomicBool::new(false));
        let tls = relay_client_tls(self.config.relay.key, refused.clone(), self.config.technician.as_deref())
            .map_err(IdentityError::from)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        let connecting = self
            .endpoint
            .connect_with(config, address, "nearhand")
            .map_err(|error| DialError::Socket(io::Error::other(error)))?;
        let connection = connecting.await.map_err(|error| {
            let key = refused.load(Ordering::Relaxed);
            DialError::Closed(if key { Close::RelayKey } else { why_refused(&error) })
        })?;
        let lost = |_| DialError::Closed(connection.close_reason().as_ref().map_or(Close::Lost, why_refused));
        let (send, receive) = connection.open_bi().await.map_err(lost)?;
        let mut sender = FrameSender::new(send);
        let mut receiver = FrameReceiver::new(receive, FRAME_PATIENCE);
        let register = self.proof(&connection)?;
        let broken =
            |_| DialError::Closed(connection.close_reason().as_ref().map_or(Close::Lost, why_refused));
        sender.send(&ToRelay::Register(register)).await.map_err(broken)?;
        match receiver.next().await.map_err(broken)? {
            Some(ToEnd::Registered { desk, sessions }) => {
                Ok(Online { connection, sender, receiver, desk, sessions, heard: Instant::now() })
            }
            Some(ToEnd::Refused(close)) => Err(DialError::Closed(close)),
            _ => Err(DialError::Closed(Close::Protocol)),
        }
    }

    fn proof(&self, connection: &Connection) -> Result<Register, DialError> {
        let mut exporter = [0; 32];
        connection
            .export_keying_material(&mut exporter, EXPORTER_LABEL, &[])
            .map_err(|_| DialError::Closed(Close::Internal))?;
        let LinkConfig { role, session, .. } = &self.config;
        let signature = session.prove(*role, &exporter)?.into();
        Ok(Register { role: *role, key: session.public(), signature })
    }

    /// Presents the same socket to quinn anew: every connection sends at once instead of waiting for its probe
    /// timeout (RFC 9002 §6.2), which may have backed off to seconds.
    fn kick(&self) {
        if let Err(error) = self.paths.socket().and_then(|socket| self.endpoint.rebind_abstract(socket)) {
            tracing::warn!(%error, "can't present the socket anew");
        }
    }
}

/// Answers an address proof: the datagram goes back as it came, and only from where it arrived.
fn echo(online: &Online, datagram: bytes::Bytes) -> Result<(), Fate> {
    if datagram.len() <= MAX_ECHO {
        let _ = online.connection.send_datagram(datagram); // never retransmitted; the relay asks again
    }
    Ok(())
}

fn fate_of(error: Option<&ConnectionError>) -> Fate {
    match error.and_then(close_reason) {
        Some(close) if !close.may_retry() && close != Close::Done => Fate::Refused(close),
        _ => Fate::Lost,
    }
}

/// Words for a connection that the relay closed or refused.
fn why_refused(error: &ConnectionError) -> Close {
    /// TLS alert no_application_protocol (RFC 7301 §3.2) as a QUIC error (RFC 9001 §4.8).
    const NO_ALPN: u64 = 0x100 + 120;
    match error {
        ConnectionError::ApplicationClosed(_) => close_reason(error).unwrap_or(Close::Protocol),
        ConnectionError::VersionMismatch => Close::Version,
        ConnectionError::ConnectionClosed(close) if u64::from(close.error_code) == NO_ALPN => Close::Version,
        ConnectionError::TransportError(fault) if u64::from(fault.code) == NO_ALPN => Close::Version,
        _ => Close::RelayUnreachable,
    }
}
