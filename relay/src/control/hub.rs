//! What all connections share: who is there, who waits, which sessions run; and the way into the record.

use super::{refusals::Refusals, table::Sessions};
use crate::{
    directory::{Directory, Outbox},
    forward::Routes,
    limits::{Limits, Unpaired, WrongCodes},
    record::Recorder,
};
use nearhand_proto::{
    close::Close,
    control::{PublicKey, ToEnd},
    ids::{ActorId, SessionId},
    record::Event,
    route::Rid,
    text::Name,
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages waiting for one end; one that does not read is hung up.
pub(super) const MAILBOX: usize = 64;

/// What the hub needs to know.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// The help desk's shown name.
    pub desk: Name,
    /// The relay, as the record names it.
    pub actor: ActorId,
    /// The figures.
    pub limits: Limits,
    /// After how long an absent end's session counts as lost (10 min by design).
    pub absence: Duration,
}

/// A way to end a connection from outside its actor.
#[derive(Clone, Debug, Default)]
pub(super) struct Hangup {
    pub(super) token: CancellationToken,
    why: Arc<OnceLock<Close>>,
}

impl Hangup {
    pub(super) fn now(&self, why: Close) {
        let _ = self.why.set(why); // the first reason stands
        self.token.cancel();
    }

    pub(super) fn why(&self) -> Close {
        self.why.get().copied().unwrap_or(Close::RelayStopping)
    }
}

/// One unpaired connection, counted until it is paired or gone.
#[derive(Debug)]
pub(super) struct Ticket {
    hub: Arc<Hub>,
    address: IpAddr,
    account: Option<ActorId>,
}

impl Ticket {
    /// The connection is a technician's: counted there as well. False if they have too many.
    pub(super) fn admit_account(&mut self, account: ActorId) -> bool {
        let limit = self.hub.config.limits.connections_per_technician;
        let admitted = lock(&self.hub.accounts).enter(account, limit);
        self.account = admitted.then_some(account);
        admitted
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.hub.addresses).leave(&self.address);
        if let Some(account) = self.account {
            lock(&self.hub.accounts).leave(&account);
        }
    }
}

/// The public face of one registered end.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub(super) mailbox: mpsc::Sender<ToEnd>,
    /// Its session key.
    pub(super) key: PublicKey,
    pub(super) hangup: Hangup,
    /// Which connection; a newer one of the same end replaces an older one.
    pub(super) connection: u64,
    /// The technician that its certificate names, if any.
    pub(super) technician: Option<ActorId>,
    /// Held while the end is in no session.
    pub(super) ticket: Arc<Mutex<Option<Ticket>>>,
}

/// The shared state. Every lock is held for a few lines and never over an await.
#[derive(Debug)]
pub struct Hub {
    pub(super) config: HubConfig,
    pub(super) recorder: Recorder,
    pub(super) routes: Arc<Mutex<Routes>>,
    pub(super) refusals: Refusals,
    directory: Mutex<Directory>,
    sessions: Mutex<Sessions>,
    wrong: Mutex<WrongCodes>,
    addresses: Mutex<Unpaired<IpAddr>>,
    accounts: Mutex<Unpaired<ActorId>>,
    ends: Mutex<HashMap<Rid, Face>>,
    draining: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// A hub over this record and these routes.
    pub fn new(config: HubConfig, recorder: Recorder, routes: Arc<Mutex<Routes>>) -> Self {
        Self {
            wrong: Mutex::new(WrongCodes::new(config.limits)),
            config,
            recorder,
            routes,
            refusals: Refusals::default(),
            directory: Mutex::default(),
            sessions: Mutex::default(),
            addresses: Mutex::default(),
            accounts: Mutex::default(),
            ends: Mutex::default(),
            draining: AtomicBool::new(false),
        }
    }

    /// No new pairing from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// True once the relay is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Sessions that have not ended.
    pub fn live_sessions(&self) -> usize {
        lock(&self.sessions).len()
    }

    pub(super) fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }

    pub(super) fn wrong_codes(&self) -> MutexGuard<'_, WrongCodes> {
        lock(&self.wrong)
    }

    /// Counts a connection from `address` as unpaired; `None` if there are too many.
    pub(super) fn admit_address(self: &Arc<Self>, address: IpAddr) -> Option<Ticket> {
        let limit = self.config.limits.connections_per_address;
        let admitted = lock(&self.addresses).enter(address, limit);
        admitted.then(|| Ticket { hub: self.clone(), address, account: None })
    }

    pub(super) fn routes(&self) -> MutexGuard<'_, Routes> {
        lock(&self.routes)
    }

    /// Writes a relay fact. A record that can't be written is said in the log; where it must not be missing
    /// (`session.start`), the caller asks the recorder itself.
    pub(super) async fn fact(&self, session: SessionId, actor: ActorId, event: Event) {
        let name = event.name();
        if let Err(error) = self.recorder.fact(session, actor, event).await {
            tracing::warn!(%error, event = name, "fact not recorded");
        }
    }

    /// An end has registered; an older connection of the same end is hung up.
    pub(super) fn enter(&self, rid: Rid, face: Face) {
        let old = lock(&self.ends).insert(rid, face);
        if let Some(old) = old {
            old.hangup.now(Close::Replaced);
        }
    }

    /// A connection has ended. True if the end has no newer one: it is gone.
    pub(super) fn leave(&self, rid: Rid, connection: u64) -> bool {
        let mut ends = lock(&self.ends);
        let own = ends.get(&rid).is_some_and(|face| face.connection == connection);
        if own {
            ends.remove(&rid);
            drop(ends);
            self.routes().unregister(rid, connection);
        }
        own
    }

    /// True if the end is registered.
    pub(super) fn is_there(&self, rid: Rid) -> bool {
        lock(&self.ends).contains_key(&rid)
    }

    /// The end is in a session: it no longer counts as unpaired.
    pub(super) fn paired(&self, rid: Rid) {
        let face = lock(&self.ends).get(&rid).cloned();
        if let Some(face) = face {
            lock(&face.ticket).take();
        }
    }

    /// The session key of a registered end.
    pub(super) fn key_of(&self, rid: Rid) -> Option<PublicKey> {
        lock(&self.ends).get(&rid).map(|face| face.key)
    }

    /// Puts messages into their ends' mailboxes. An end whose mailbox is full does not read: it is hung up.
    pub(super) fn deliver(&self, outbox: Outbox) {
        for (rid, message) in outbox {
            let Some(face) = lock(&self.ends).get(&rid).cloned() else { continue };
            if face.mailbox.try_send(message).is_err() {
                face.hangup.now(Close::TooSlow);
            }
        }
    }

    /// Hangs up every connection of a technician.
    pub(super) fn cut(&self, technician: ActorId) {
        for face in lock(&self.ends).values().filter(|face| face.technician == Some(technician)) {
            face.hangup.now(Close::TechnicianRemoved);
        }
    }

    /// What is due each second: sessions whose end stays away, endings that the record would not take before.
    pub(super) async fn handle_time(&self, now: Instant) {
        let absent = self.sessions().absent(self.config.absence, now);
        for session in absent {
            tracing::info!(%session, "an end stayed away, the session is lost");
            self.lose_session(session, Close::Lost).await;
        }
        self.retry_endings().await;
    }
}
