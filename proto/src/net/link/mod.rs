//! The link: keeps one end registered at its relay, over any number of control connections.
//!
//! ```text
//! Online --silence or close--> Redialling --registered--> Online
//!    |                            |
//!    \------- refused for good ---+--> Down
//! ```
//! While a session is paired the link pings each second; after max(2 s, 4 × RTT) of silence it dials anew on the same
//! UDP socket, and the old connection stays until the new one has registered.

mod actor;
mod dial;

use self::actor::Actor;
use super::{EndCids, Identity, IdentityError, PathSocket};
use crate::{
    close::Close,
    control::{Role, SessionState, ToEnd, ToRelay},
    relay_string::RelayString,
    text::Name,
};
use quinn::{Endpoint, EndpointConfig, TokioRuntime};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Messages on the way to the relay; when full, the relay is hung up and dialled anew.
const OUTGOING: usize = 256;
/// Events not yet taken by the owner; when full, likewise.
const EVENTS: usize = 256;
/// How long the last words may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long quinn may take to send what it has been told to.
const GOOD_BYE: Duration = Duration::from_millis(300);

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
    /// Tells when the computer's network has changed.
    pub moves: Moves,
}

/// Tells a link that the computer's network has changed (another access point, a cable): it takes a fresh UDP port, as what is
/// on the way may still know the old one from the network that is gone, and speaks from there at once. Connections go on.
#[derive(Clone, Debug, Default)]
pub struct Moves(Arc<Notify>);

impl Moves {
    /// The network has changed.
    pub fn tell(&self) {
        self.0.notify_one();
    }

    async fn told(&self) {
        self.0.notified().await;
    }
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
    /// The relay does not answer, or somebody on the way to it says that it won't.
    #[error("{0}")]
    Closed(Close),
    /// The relay itself refused.
    #[error("{0}")]
    Refused(Close),
}

impl DialError {
    /// The reason in one word, for exit codes.
    pub fn close(&self) -> Close {
        match self {
            Self::Resolve { .. } => Close::RelayUnreachable,
            Self::Socket(_) | Self::Identity(_) => Close::Internal,
            Self::Closed(close) | Self::Refused(close) => *close,
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
    overflow: Arc<Notify>,
}

impl LinkHandle {
    /// Sends a message to the relay; never waits. While the link is lost, messages are dropped: what must not be lost
    /// is sent again by its owner after [`LinkEvent::Registered`]. A relay that takes too little is hung up and
    /// dialled anew.
    pub fn send(&self, message: ToRelay) {
        // A closed channel means that the link has ended; its owner learns that from `LinkEvent::Down`.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.outgoing.try_send(message) {
            self.overflow.notify_one();
        }
    }

    /// Sends what `make` gives, if there is room for it now; false if there isn't.
    pub fn offer(&self, make: impl FnOnce() -> Option<ToRelay>) -> bool {
        let Ok(permit) = self.outgoing.try_reserve() else { return false };
        match make() {
            Some(message) => {
                permit.send(message);
                true
            }
            None => false,
        }
    }

    /// Whether a session is paired, so that the relay is watched each second.
    pub fn set_paired(&self, paired: bool) {
        self.paired.send_if_modified(|now| std::mem::replace(now, paired) != paired);
    }

    /// The relay doesn't do what it is there for: it is hung up and dialled anew.
    pub fn redial(&self) {
        self.overflow.notify_one();
    }

    /// Asks the relay for a sign of life at once: a NAT may have moved this end.
    pub fn probe(&self) {
        let _ = self.probe.try_send(());
    }
}

/// A running link. Dropping it aborts its task.
#[derive(Debug)]
pub struct Link {
    /// The endpoint, for session connections: they are dialled at [`RELAY`](super::RELAY).
    pub endpoint: Endpoint,
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
        let addresses = dial::resolve(&config.relay).await?;
        let socket = Arc::new(PathSocket::bind(addresses[0])?);
        let rid = config.session.public().rid();
        let mut endpoint_config = EndpointConfig::default();
        endpoint_config.cid_generator(move || Box::new(EndCids(rid))).supported_versions(vec![1]);
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(endpoint_config, server, socket.clone(), runtime)?;
        let (event_sender, events) = mpsc::channel(EVENTS);
        let (outgoing, outgoing_receiver) = mpsc::channel(OUTGOING);
        let (probe, probe_receiver) = mpsc::channel(1);
        let paired = Arc::new(watch::channel(false).0);
        let overflow = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let mut actor = Actor {
            config,
            endpoint: endpoint.clone(),
            socket,
            events: event_sender,
            outgoing: outgoing_receiver,
            probes: probe_receiver,
            overflow: overflow.clone(),
            paired: paired.subscribe(),
            stop: stop.clone(),
            pings: 0,
            attempts: 0,
            good: addresses[0],
        };
        let online = actor.first_dial().await?;
        let task = AbortOnDropHandle::new(tokio::spawn(actor.run(online)));
        Ok(Self { endpoint, handle: LinkHandle { outgoing, paired, probe, overflow }, events, stop, task })
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
        let _ = timeout(LAST_WORDS, self.task).await;
        // An older connection to a relay that is gone may drain for seconds; nobody needs to wait for that.
        let _ = timeout(GOOD_BYE, self.endpoint.wait_idle()).await;
    }
}
