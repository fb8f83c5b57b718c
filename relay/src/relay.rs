//! The relay as a whole: start, serve, drain, stop. Used by the program and, several times in one process, by tests.

use crate::{
    admin,
    config::Config,
    control::{self, Hub, HubConfig},
    forward::{ForwardingSocket, Routes},
    keys::{Keys, KeysError},
    record::{OpenError, Recorder},
};
use nearhand_proto::{
    ids::{ActorId, SessionId},
    net::{RelayCids, control_of_relay, relay_server_tls},
    record::{Event, Text},
    relay_string::RelayString,
};
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Least time between two stateless resets to one address: many connections may have to die at once after a restart.
const RESET_INTERVAL: Duration = Duration::from_millis(1);

/// Handshakes that may wait to be let in.
const MAX_INCOMING: usize = 1_024;

/// What each of them, and all of them, may have sent meanwhile, in bytes: a first flight is two datagrams.
const INCOMING_BYTES: (u64, u64) = (16 << 10, 4 << 20);

/// How long the end may take.
const STOP: Duration = Duration::from_secs(10);

/// How often a draining relay looks whether its sessions have ended.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// Why a relay can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Its keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Its record.
    #[error(transparent)]
    Record(#[from] OpenError),
    /// The first entry can't be written.
    #[error("the record takes no entries: {0}")]
    Unwritable(String),
    /// Its UDP port.
    #[error("can't listen on {listen}; check --listen, and that no other relay runs there")]
    Listen {
        /// Where.
        listen: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS does not take the key.
    #[error("TLS refuses the relay's key")]
    Tls(#[from] rustls::Error),
    /// The admin socket.
    #[error("can't open the admin socket in the data folder")]
    Admin(#[source] io::Error),
}

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    string: RelayString,
    hub: Arc<Hub>,
    socket: Arc<ForwardingSocket>,
    recorder: Recorder,
    actor: ActorId,
    drain: Duration,
    stop: CancellationToken,
    /// Cancelled when nobody is let in any more.
    ended: CancellationToken,
    tasks: JoinSet<()>,
}

impl Relay {
    /// Opens the record, binds the port, serves.
    ///
    /// # Errors
    /// [`StartError`]
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let keys = Keys::open(&config.data)?;
        let key = keys.identity.public().fingerprint();
        let actor = key.actor();
        let recorder = Recorder::open(&config.data, actor)?;
        let routes = Arc::new(Mutex::new(Routes::default()));
        let listen = config.listen;
        let fault = |source| StartError::Listen { listen, source };
        let socket = Arc::new(ForwardingSocket::bind(listen, routes.clone()).map_err(fault)?);
        let endpoint = endpoint(&keys, socket.clone(), fault)?;
        let port = endpoint.local_addr().map_err(fault)?.port();
        let string = RelayString { host: config.name.clone(), port, key };
        let hub_config =
            HubConfig { desk: config.desk, actor, limits: config.limits, absence: config.absence };
        let hub = Arc::new(Hub::new(hub_config, recorder.clone(), routes));
        let stop = CancellationToken::new();
        // From here on it hears of technicians who are removed; those removed before are looked up.
        let house = control::keep_house(hub.clone(), stop.clone());
        let unwritable = |error: crate::record::RecordError| StartError::Unwritable(error.to_string());
        hub.load_sessions(recorder.all_open_sessions().await.map_err(unwritable)?, Instant::now());
        hub.check_technicians();
        let started = Event::RelayStarted {
            version: Text::new(env!("CARGO_PKG_VERSION")),
            listen: Text::new(format!("{}:{port}", listen.ip())),
        };
        recorder.fact(SessionId::NONE, actor, started).await.map_err(unwritable)?;
        let mut tasks = JoinSet::new();
        let admin = admin::Listener::bind(&config.data).map_err(StartError::Admin)?;
        tasks.spawn(admin.serve(recorder.clone(), stop.clone()));
        tasks.spawn(house);
        let ended = CancellationToken::new();
        let serving = control::serve(hub.clone(), endpoint, stop.clone());
        let guard = ended.clone().drop_guard();
        tasks.spawn(async move {
            let _guard = guard;
            serving.await;
        });
        Ok(Self { string, hub, socket, recorder, actor, drain: config.drain, stop, ended, tasks })
    }

    /// What users and technicians need to reach this relay.
    pub fn string(&self) -> &RelayString {
        &self.string
    }

    /// The forwarder, for its figures.
    pub fn socket(&self) -> &ForwardingSocket {
        &self.socket
    }

    /// Returns when the relay serves no longer, though nobody has stopped it: stop it and start another one.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Sessions that have not ended.
    pub fn live_sessions(&self) -> usize {
        self.hub.live_sessions()
    }

    /// Takes no new pairing, lets running sessions go on for `drain_seconds` at most, then stops. They go on after
    /// a restart within 10 min.
    pub async fn drain(self) {
        self.hub.drain();
        let until = Instant::now() + self.drain;
        while self.hub.live_sessions() != 0 && Instant::now() < until {
            tokio::time::sleep(DRAIN_STEP).await;
        }
        self.stop().await;
    }

    /// Hangs up on everybody, writes `relay.stopped` and flushes the record; gives up after 10 s.
    pub async fn stop(mut self) {
        self.hub.drain();
        self.stop.cancel();
        let end = async {
            while self.tasks.join_next().await.is_some() {}
            self.hub.retry_endings().await;
            self.hub.write_later().await;
            if let Err(error) = self.recorder.fact(SessionId::NONE, self.actor, Event::RelayStopped).await {
                tracing::error!(%error, "the last entry was not recorded");
            }
            self.recorder.clone().close().await;
        };
        if tokio::time::timeout(STOP, end).await.is_err() {
            tracing::error!("not ended in order within {STOP:?}, so given up; look at the record's disk");
        }
    }
}

fn endpoint(
    keys: &Keys,
    socket: Arc<ForwardingSocket>,
    fault: impl Fn(io::Error) -> StartError,
) -> Result<Endpoint, StartError> {
    let mut server = ServerConfig::with_crypto(Arc::new(relay_server_tls(&keys.identity)?));
    let (each, all) = INCOMING_BYTES;
    server
        .transport_config(control_of_relay())
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(each)
        .incoming_buffer_size_total(all);
    let reset = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &keys.reset);
    let mut config = EndpointConfig::new(Arc::new(reset));
    config
        .cid_generator(|| Box::new(RelayCids))
        .min_reset_interval(RESET_INTERVAL)
        .supported_versions(vec![1]);
    Endpoint::new_with_abstract_socket(config, Some(server), socket, Arc::new(TokioRuntime)).map_err(fault)
}

#[cfg(test)]
mod tests;
