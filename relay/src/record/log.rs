//! The log: what may be appended, and as what. Runs on the writer's thread, inside one transaction a batch; decides
//! before it writes, so that a refused request leaves nothing behind and the rest of the batch goes on.

use super::{
    error::RecordError,
    store::{EntryRow, HeadRow, SessionRow, Store, StoreError, StoredSession, TechnicianRow},
};
use crate::technicians::Roll;
use nearhand_proto::{
    ids::{ActorId, SessionId},
    record::{Entry, Event, Frontier, Header, Origin, Stamp, leaf_hash},
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since the Unix epoch by the wall clock; 0 before it.
pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The log over one store.
pub(crate) struct Log {
    store: Box<dyn Store>,
    frontier: Frontier,
    /// Leaves under the last stored head.
    covered: u64,
    /// True from `begin` to a good `commit`: whatever goes wrong in between, the next `begin` reads anew.
    stale: bool,
    actor: ActorId,
    start: Instant,
    read_only: bool,
    /// Technicians removed in this transaction.
    removed: Vec<ActorId>,
    /// Who is enrolled, for those who ask without the store.
    roll: Arc<RwLock<Roll>>,
    /// True if this transaction has changed it.
    enrolled: bool,
}

impl Log {
    /// Reads where the store stands. `actor` is the relay's; without one, the one that the store remembers.
    pub(super) fn open(mut store: Box<dyn Store>, actor: Option<ActorId>) -> Result<Self, StoreError> {
        let known = store.actor()?;
        let actor_id = actor.or(known).unwrap_or(ActorId([0; 16]));
        let frontier = read_frontier(&mut *store)?;
        let covered = frontier.size();
        let start = Instant::now();
        let roll = Arc::new(RwLock::new(Roll::new(store.technicians()?)));
        let (stale, read_only, removed, enrolled) = (false, false, Vec::new(), false);
        Ok(Self {
            store,
            frontier,
            covered,
            stale,
            actor: actor_id,
            start,
            read_only,
            removed,
            roll,
            enrolled,
        })
    }

    /// Without reading where the store stands: for verifying a log whose end may be damaged.
    pub(super) fn open_read_only(store: Box<dyn Store>) -> Self {
        let (actor, start, removed) = (ActorId([0; 16]), Instant::now(), Vec::new());
        let (frontier, roll, enrolled) = (Frontier::default(), Arc::default(), false);
        Self {
            store,
            frontier,
            covered: 0,
            stale: false,
            actor,
            start,
            read_only: true,
            removed,
            roll,
            enrolled,
        }
    }

    /// Who is enrolled, as of the last commit; nobody in a log that is only read.
    pub(super) fn roll(&self) -> Arc<RwLock<Roll>> {
        self.roll.clone()
    }

    /// Stores a technician: number 0 makes a new row.
    pub(crate) fn put_technician(&mut self, row: &TechnicianRow) -> Result<(), StoreError> {
        self.enrolled = true;
        self.store.put_technician(row)
    }

    /// The relay's actor id.
    pub(crate) fn actor(&self) -> ActorId {
        self.actor
    }

    /// The store, for reading and for working state.
    pub(crate) fn store(&mut self) -> &mut dyn Store {
        &mut *self.store
    }

    /// Entries, and the head over them. What this batch has appended doesn't count yet: its head comes with the commit.
    pub(super) fn end(&mut self) -> Result<(u64, Option<HeadRow>), StoreError> {
        let appended = self.frontier.size().saturating_sub(self.covered);
        Ok((self.store.size()?.saturating_sub(appended), self.store.last_head()?))
    }

    /// Begins a batch, after making sure that we know where the store stands.
    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        if self.stale {
            self.store.reopen()?;
        }
        if self.stale && !self.read_only {
            self.frontier = read_frontier(&mut *self.store)?;
            self.covered = self.frontier.size();
        }
        self.stale = true;
        self.store.begin()
    }

    /// Stores the head over what was appended, and makes the batch durable. Returns the technicians removed by it.
    pub(super) fn commit(&mut self) -> Result<Vec<ActorId>, StoreError> {
        let size = self.frontier.size();
        if self.covered < size {
            let (root, frontier) = (self.frontier.root().to_vec(), self.frontier.to_bytes());
            self.store.put_head(&HeadRow { size, root, frontier, at_ms: wall_ms() })?;
        }
        let roll = if self.enrolled { Some(Roll::new(self.store.technicians()?)) } else { None };
        self.store.commit()?;
        self.covered = size;
        self.stale = false;
        self.enrolled = false;
        if let Some(roll) = roll {
            *self.roll.write().unwrap_or_else(PoisonError::into_inner) = roll;
        }
        Ok(std::mem::take(&mut self.removed))
    }

    /// Forgets the batch.
    pub(super) fn rollback(&mut self) {
        self.store.rollback();
        self.removed.clear();
        self.enrolled = false;
    }

    /// Appends a fact that the relay witnesses. Returns the number of its leaf.
    pub(crate) fn fact(
        &mut self,
        session: SessionId,
        actor: ActorId,
        event: &Event,
    ) -> Result<u64, RecordError> {
        let seq = self.frontier.size();
        let monotonic_ns = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let stamp = Stamp { origin: Origin::Relay, session, seq, wall_ms: wall_ms(), monotonic_ns, actor };
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|error| RecordError::Unavailable(error.to_string()))?;
        self.push(&Entry::new(event, stamp, salt))?;
        Ok(seq)
    }

    /// Commits a session: its row and its first fact.
    pub(super) fn start_session(&mut self, row: SessionRow, event: &Event) -> Result<(), RecordError> {
        let (id, technician) = (row.id, row.technician);
        if self.store.session(id)?.is_some() {
            return Err(RecordError::NotOpen);
        }
        self.store.put_session(&StoredSession { row, next: 0, open: true })?;
        self.fact(id, technician, event)?;
        Ok(())
    }

    /// Appends a session's facts as the host sent them. Repeats of stored ones are accepted silently. Returns the
    /// next number.
    pub(super) fn append(&mut self, session: SessionId, entries: &[Entry]) -> Result<u64, RecordError> {
        let mut stored = self.store.session(session)?.ok_or(RecordError::NotOpen)?;
        let known = stored.next;
        let mut expected = known;
        for entry in entries {
            check_fact(&stored.row, entry)?;
            let got = entry.header.stamp.seq;
            if got < known {
                self.check_repeat(session, entry)?;
            } else if got == expected && stored.open {
                expected += 1;
            } else if got != expected {
                return Err(RecordError::PeerGap { expected, got });
            } else {
                return Err(RecordError::NotOpen);
            }
        }
        for entry in entries.iter().filter(|entry| known <= entry.header.stamp.seq) {
            self.push(entry)?;
        }
        if known < expected {
            stored.next = expected;
            self.store.put_session(&stored)?;
        }
        Ok(expected)
    }

    /// Ends a session. False (and nothing recorded) if it was not open.
    pub(super) fn end_session(&mut self, session: SessionId, event: &Event) -> Result<bool, RecordError> {
        match self.store.session(session)? {
            Some(stored) if stored.open => {
                self.store.put_session(&StoredSession { open: false, ..stored })?;
                self.fact(session, self.actor, event)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Writes `relay.crashed` if the last run did not say that it stopped.
    pub(super) fn note_crash(&mut self) -> Result<(), RecordError> {
        if self.store.last_start_or_stop()?.is_some_and(|row| row.code == RELAY_STARTED) {
            self.fact(SessionId::NONE, self.actor, &Event::RelayCrashed)?;
        }
        Ok(())
    }

    /// After the commit: this technician's live connections must be cut.
    pub(crate) fn cut(&mut self, technician: ActorId) {
        self.removed.push(technician);
    }

    fn check_repeat(&mut self, session: SessionId, entry: &Entry) -> Result<(), RecordError> {
        let seq = entry.header.stamp.seq;
        let same =
            self.store.session_fact(session, seq)?.is_some_and(|header| header == entry.header.to_bytes());
        if same { Ok(()) } else { Err(RecordError::PeerConflict { seq }) }
    }

    fn push(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Header { code, stamp, .. } = entry.header;
        let header = entry.header.to_bytes();
        let leaf = leaf_hash(&header);
        self.store.put_entry(&EntryRow {
            index: self.frontier.size(),
            session: stamp.session.0.to_vec(),
            seq: (stamp.origin != Origin::Relay).then_some(stamp.seq),
            code,
            header: header.to_vec(),
            salt: entry.salt.to_vec(),
            body: entry.body.to_vec(),
            leaf: leaf.to_vec(),
        })?;
        self.frontier.push(leaf);
        Ok(())
    }
}

/// `relay.started`.
const RELAY_STARTED: u16 = 100;

/// A fact that a host may send for this session: its own in its own name, or the viewer's in the technician's, of
/// this session, with a readable body. Events newer than this relay are taken as they are.
fn check_fact(session: &SessionRow, entry: &Entry) -> Result<(), RecordError> {
    let Header { code, severity, stamp, .. } = entry.header;
    let event = Event::decode(code, &entry.body).map_err(|_| RecordError::PeerMalformed)?;
    let known = !matches!(event, Event::Unknown { .. });
    let witness = match stamp.origin {
        Origin::Host => Some(session.host_key.actor()),
        Origin::Viewer => Some(session.technician),
        Origin::Relay => None,
    };
    let fits = stamp.session == session.id
        && stamp.origin == Event::witness(code)
        && witness == Some(stamp.actor)
        && (!known || severity == event.severity());
    if fits { Ok(()) } else { Err(RecordError::PeerMalformed) }
}

fn read_frontier(store: &mut dyn Store) -> Result<Frontier, StoreError> {
    let frontier = match store.last_head()? {
        None => Frontier::default(),
        Some(head) => Frontier::from_bytes(&head.frontier)
            .ok()
            .filter(|frontier| frontier.size() == head.size && head.root == frontier.root())
            .ok_or_else(|| StoreError::Damaged("the last tree head".into()))?,
    };
    if frontier.size() == store.size()? {
        Ok(frontier)
    } else {
        Err(StoreError::Damaged("entries and tree heads differ in number".into()))
    }
}
