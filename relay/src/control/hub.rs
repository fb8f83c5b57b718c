//! What all connections share: who is there, who waits, which sessions run; and the way into the record.

use super::{
    face::{Face, Presence},
    later::Later,
    refusals::Refusals,
    table::Sessions,
};
use crate::{
    directory::{Directory, Effects, Outbox},
    forward::Routes,
    limits::{Limits, Unpaired, WrongCodes},
    pace::{Buckets, Pace},
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
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Registrations from one address: a company's hosts come back together after a restart.
const REGISTRATIONS: Pace = Pace { burst: 200, every: Duration::from_millis(200) };

/// How long a record that takes no facts may keep anybody waiting.
const PATIENCE: Duration = Duration::from_millis(500);

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

/// The shared state. Every lock is held for a few lines and never over an await; `ends` is taken last, by those who
/// hold another one already.
#[derive(Debug)]
pub struct Hub {
    pub(super) config: HubConfig,
    pub(super) recorder: Recorder,
    pub(super) routes: Arc<Mutex<Routes>>,
    pub(super) refusals: Refusals,
    pub(super) later: Later,
    directory: Mutex<Directory>,
    sessions: Mutex<Sessions>,
    wrong: Mutex<WrongCodes>,
    addresses: Mutex<Unpaired<IpAddr>>,
    accounts: Mutex<Unpaired<ActorId>>,
    registrations: Mutex<Buckets<IpAddr>>,
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
            recorder,
            routes,
            refusals: Refusals::default(),
            later: Later::default(),
            directory: Mutex::new(Directory::new(config.limits)),
            sessions: Mutex::default(),
            addresses: Mutex::default(),
            accounts: Mutex::default(),
            registrations: Mutex::new(Buckets::new(REGISTRATIONS)),
            ends: Mutex::default(),
            draining: AtomicBool::new(false),
            config,
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

    pub(super) fn addresses(&self) -> MutexGuard<'_, Unpaired<IpAddr>> {
        lock(&self.addresses)
    }

    pub(super) fn accounts(&self) -> MutexGuard<'_, Unpaired<ActorId>> {
        lock(&self.accounts)
    }

    pub(super) fn routes(&self) -> MutexGuard<'_, Routes> {
        lock(&self.routes)
    }

    /// One more registration from this address, as the brakes count it; false if there were too many.
    pub(super) fn may_register(&self, address: IpAddr) -> bool {
        lock(&self.registrations).take(address, Instant::now())
    }

    /// Has a relay fact recorded, in its order; by housekeeping if the disk is so slow that the record takes none. Where one
    /// must not be missing (`session.start`), the caller asks the recorder itself.
    pub(super) async fn note(&self, session: SessionId, actor: ActorId, event: Event) {
        let name = event.name();
        match tokio::time::timeout(PATIENCE, self.recorder.note(session, actor, event.clone())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, event = name, "fact not recorded"),
            Err(_) => self.later.push(session, actor, event),
        }
    }

    /// An end has registered; an older connection of the same end is hung up. False if this one is the older.
    pub(super) fn enter(&self, rid: Rid, face: Face) -> bool {
        let mut ends = lock(&self.ends);
        if ends.get(&rid).is_some_and(|known| face.connection < known.connection) {
            return false;
        }
        let old = ends.insert(rid, face);
        drop(ends);
        if let Some(old) = old {
            old.hangup.now(Close::Replaced);
        }
        true
    }

    /// A connection has ended. If it was the end's last one: its code rests, its claim is withdrawn, its sessions
    /// wait for it.
    pub(super) fn depart(&self, gone: &Presence) {
        let Presence { rid, connection, actor, .. } = *gone;
        if !self.leave(rid, connection) {
            return;
        }
        let now = Instant::now();
        let effects = {
            let mut directory = self.directory();
            // A newer connection may have come in the meantime; then nothing of it is taken away.
            if self.is_there(rid) { Effects::default() } else { directory.gone(rid, now) }
        };
        for event in self.carry_out(effects) {
            self.later.push(SessionId::NONE, actor, event);
        }
        self.mark_if_away(rid, now);
    }

    /// Marks the end's sessions unless it is registered.
    pub(super) fn mark_if_away(&self, rid: Rid, now: Instant) {
        let mut sessions = self.sessions();
        if !self.is_there(rid) {
            sessions.mark_away(rid, now);
        }
    }

    /// Sends what a step of the directory has to say and counts guesses. Returns what is to be recorded.
    pub(super) fn carry_out(&self, effects: Effects) -> Vec<Event> {
        self.deliver(effects.outbox);
        let now = Instant::now();
        let wrong = effects.wrong.into_iter().map(|claim| {
            self.wrong_codes().handle_wrong(claim.technician_key, claim.address, now);
            Event::PairWrongCode { technician: claim.technician.name }
        });
        wrong.collect()
    }

    /// True if this was the end's connection, and now it has none.
    fn leave(&self, rid: Rid, connection: u64) -> bool {
        let mut ends = lock(&self.ends);
        let own = ends.get(&rid).is_some_and(|face| face.connection == connection);
        let face = if own { ends.remove(&rid) } else { None };
        drop(ends);
        if face.is_some() {
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

    /// Puts messages into their ends' mailboxes. An end whose mailbox is full does not read: it is hung up, but not for
    /// want of a hint that its peer can have sent to it again and again.
    pub(super) fn deliver(&self, outbox: Outbox) {
        for (rid, message) in outbox {
            let Some(face) = lock(&self.ends).get(&rid).cloned() else { continue };
            let is_hint = matches!(message, ToEnd::RouteOpen(_));
            if face.mailbox.try_send(Box::new(message)).is_err() && !is_hint {
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
}
