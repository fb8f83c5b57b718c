//! Where the record is kept. One store today, [`super::sqlite`]; another one (PostgreSQL) passes the same contract
//! test at the end of this file.

use nearhand_proto::{
    ids::{ActorId, Fingerprint, SessionId},
    text::Name,
};

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database or the disk below it failed.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored can't be right.
    #[error("the record is damaged: {0}; 'record verify' says where")]
    Damaged(String),
    /// The store can only be read.
    #[error("the record can only be read here")]
    ReadOnly,
    /// Written by a later version of this program.
    #[error("the record was written by a newer relay (layout {0}); update this one")]
    Newer(u64),
}

/// One leaf as it is stored. The columns beside the header repeat what the header says; reading checks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryRow {
    /// Number of the leaf.
    pub index: u64,
    /// 16 bytes.
    pub session: Vec<u8>,
    /// Number in the session's list; `None` for relay facts.
    pub seq: Option<u64>,
    /// Which event.
    pub code: u16,
    /// The canonical bytes.
    pub header: Vec<u8>,
    /// 32 bytes.
    pub salt: Vec<u8>,
    /// The event's fields.
    pub body: Vec<u8>,
    /// The leaf's hash, 32 bytes.
    pub leaf: Vec<u8>,
}

/// The tree's head after one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeadRow {
    /// Leaves.
    pub size: u64,
    /// 32 bytes.
    pub root: Vec<u8>,
    /// The right edge, `nearhand_proto::record::Frontier::to_bytes`.
    pub frontier: Vec<u8>,
    /// Wall clock, ms since the Unix epoch.
    pub at_ms: u64,
}

/// Which entries to read: all, or those that match every condition.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter {
    /// The first leaf.
    pub from: u64,
    /// Of this session alone.
    pub session: Option<SessionId>,
    /// Of this event alone.
    pub code: Option<u16>,
}

/// What a session was committed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Which.
    pub id: SessionId,
    /// SHA-256 of the host's session key.
    pub host_key: Fingerprint,
    /// SHA-256 of the viewer's session key.
    pub viewer_key: Fingerprint,
    /// Who.
    pub technician: ActorId,
}

/// A session and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredSession {
    /// What it was committed with.
    pub row: SessionRow,
    /// The next number of its list.
    pub next: u64,
    /// False once it has ended.
    pub open: bool,
}

/// What may be done with a technician's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TechnicianState {
    /// A token waits to be used.
    Invited {
        /// SHA-256 of the token.
        token: [u8; 32],
        /// Wall clock, ms since the Unix epoch.
        until_ms: u64,
    },
    /// This key is the technician's.
    Enrolled(Fingerprint),
    /// Removed; the key if there was one.
    Removed(Option<Fingerprint>),
}

/// A technician. INVARIANT: among those that are not removed, names and keys are unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TechnicianRow {
    /// The row's number; 0 for one that is not stored yet.
    pub number: u64,
    /// As the operator typed it.
    pub name: Name,
    /// How far.
    pub state: TechnicianState,
}

/// A store. Lives on one thread. Everything between `begin` and `commit` becomes durable together or not at all, and
/// is seen by reads in between. After any error: `rollback`, then `reopen`.
pub(crate) trait Store: Send {
    /// Begins the one transaction.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Makes everything since `begin` durable: when it returns `Ok`, a power cut changes nothing.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Forgets everything since `begin`.
    fn rollback(&mut self);
    /// Connects anew after a failure: nothing that the old connection believed is trusted.
    fn reopen(&mut self) -> Result<(), StoreError>;

    /// Appends a leaf. Its index must be the number of leaves.
    fn put_entry(&mut self, row: &EntryRow) -> Result<(), StoreError>;
    /// Appends a head.
    fn put_head(&mut self, row: &HeadRow) -> Result<(), StoreError>;
    /// Leaves.
    fn size(&mut self) -> Result<u64, StoreError>;
    /// The largest head.
    fn last_head(&mut self) -> Result<Option<HeadRow>, StoreError>;
    /// Up to `limit` entries, by index.
    fn entries(&mut self, filter: &Filter, limit: u32) -> Result<Vec<EntryRow>, StoreError>;
    /// Up to `limit` heads whose size is at least `from`, by size.
    fn heads(&mut self, from: u64, limit: u32) -> Result<Vec<HeadRow>, StoreError>;
    /// The header of one host or viewer fact.
    fn session_fact(&mut self, session: SessionId, seq: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// The latest `relay.started` or `relay.stopped`.
    fn last_start_or_stop(&mut self) -> Result<Option<EntryRow>, StoreError>;

    /// Stores or replaces a session.
    fn put_session(&mut self, session: &StoredSession) -> Result<(), StoreError>;
    /// One session.
    fn session(&mut self, id: SessionId) -> Result<Option<StoredSession>, StoreError>;
    /// The open sessions.
    fn open_sessions(&mut self) -> Result<Vec<StoredSession>, StoreError>;

    /// Stores a technician: number 0 makes a new row.
    fn put_technician(&mut self, row: &TechnicianRow) -> Result<(), StoreError>;
    /// All technicians, in the order in which they were added.
    fn technicians(&mut self) -> Result<Vec<TechnicianRow>, StoreError>;
    /// The technician with this key; a removed one only if no other has it.
    fn technician_with_key(&mut self, key: Fingerprint) -> Result<Option<TechnicianRow>, StoreError>;
    /// The technician with this name who is not removed.
    fn technician_named(&mut self, name: &Name) -> Result<Option<TechnicianRow>, StoreError>;
    /// The technician whose token has this hash.
    fn technician_with_token(&mut self, token: [u8; 32]) -> Result<Option<TechnicianRow>, StoreError>;

    /// Remembers the relay's own actor id.
    fn put_actor(&mut self, actor: ActorId) -> Result<(), StoreError>;
    /// The relay's own actor id, if it ever served.
    fn actor(&mut self) -> Result<Option<ActorId>, StoreError>;
}

/// What every store must do. `open` is called twice on the same place: the second time must see what the first one
/// committed.
#[cfg(test)]
pub(super) mod contract {
    use super::*;

    fn entry(index: u64, session: u8, seq: Option<u64>, code: u16) -> EntryRow {
        EntryRow {
            index,
            session: vec![session; 16],
            seq,
            code,
            header: vec![index.to_le_bytes()[0]; 93],
            salt: vec![2; 32],
            body: vec![],
            leaf: vec![3; 32],
        }
    }

    fn head(size: u64) -> HeadRow {
        HeadRow { size, root: vec![1; 32], frontier: vec![2; 40], at_ms: 5 }
    }

    fn in_transaction(store: &mut dyn Store, work: impl FnOnce(&mut dyn Store)) {
        store.begin().unwrap();
        work(store);
        store.commit().unwrap();
    }

    pub(crate) fn check(open: &dyn Fn() -> Box<dyn Store>) {
        let mut store = open();
        entries_are_appended_and_found(&mut *store);
        what_is_rolled_back_was_never_there(&mut *store);
        open_sessions_are_found(&mut *store);
        technicians_are_found(&mut *store);
        drop(store);
        let mut store = open();
        assert_eq!(store.size().unwrap(), 4);
        assert_eq!(store.last_head().unwrap(), Some(head(4)));
        assert_eq!(store.actor().unwrap(), Some(ActorId([9; 16])));
        store.reopen().unwrap();
        assert_eq!(store.size().unwrap(), 4);
    }

    fn entries_are_appended_and_found(store: &mut dyn Store) {
        assert_eq!(store.size().unwrap(), 0);
        assert_eq!(store.last_head().unwrap(), None);
        assert_eq!(store.actor().unwrap(), None);
        let rows = [
            entry(0, 0, None, 100),
            entry(1, 7, None, 500),
            entry(2, 7, Some(0), 1_000),
            entry(3, 0, None, 101),
        ];
        in_transaction(store, |store| {
            rows.iter().for_each(|row| store.put_entry(row).unwrap());
            store.put_head(&head(4)).unwrap();
            store.put_actor(ActorId([8; 16])).unwrap();
            store.put_actor(ActorId([9; 16])).unwrap();
            assert_eq!(store.size().unwrap(), 4, "seen before the commit");
        });
        let mut found = |filter, limit| -> Vec<u64> {
            store.entries(&filter, limit).unwrap().iter().map(|row| row.index).collect()
        };
        let session = Some(SessionId([7; 16]));
        assert_eq!(found(Filter::default(), 9), [0, 1, 2, 3]);
        assert_eq!(found(Filter { from: 1, ..Filter::default() }, 2), [1, 2]);
        assert_eq!(found(Filter { session, ..Filter::default() }, 9), [1, 2]);
        assert_eq!(found(Filter { session, code: Some(1_000), from: 0 }, 9), [2]);
        assert_eq!(store.entries(&Filter::default(), 9).unwrap(), rows);
        assert_eq!(store.heads(0, 9).unwrap(), [head(4)]);
        assert!(store.heads(5, 9).unwrap().is_empty());
        assert_eq!(store.session_fact(SessionId([7; 16]), 0).unwrap(), Some(vec![2; 93]));
        assert_eq!(store.session_fact(SessionId([7; 16]), 1).unwrap(), None);
        assert_eq!(store.last_start_or_stop().unwrap(), Some(rows[3].clone()));
    }

    fn what_is_rolled_back_was_never_there(store: &mut dyn Store) {
        store.begin().unwrap();
        store.put_entry(&entry(4, 0, None, 100)).unwrap();
        assert!(store.put_entry(&entry(1, 0, None, 100)).is_err(), "a leaf is never replaced");
        store.rollback();
        store.reopen().unwrap();
        assert_eq!(store.size().unwrap(), 4);
        store.begin().unwrap();
        assert!(store.put_entry(&entry(4, 7, Some(0), 100)).is_err(), "a session's number is never repeated");
        store.rollback();
    }

    fn open_sessions_are_found(store: &mut dyn Store) {
        let key = |byte| Fingerprint([byte; 32]);
        let row = |id, host, viewer| SessionRow {
            id: SessionId([id; 16]),
            host_key: key(host),
            viewer_key: key(viewer),
            technician: ActorId([1; 16]),
        };
        let first = StoredSession { row: row(1, 10, 20), next: 0, open: true };
        let second = StoredSession { row: row(2, 10, 30), next: 5, open: true };
        in_transaction(store, |store| {
            store.put_session(&first).unwrap();
            store.put_session(&second).unwrap();
        });
        assert_eq!(store.session(SessionId([2; 16])).unwrap(), Some(second.clone()));
        assert_eq!(store.session(SessionId([3; 16])).unwrap(), None);
        assert_eq!(store.open_sessions().unwrap(), [first.clone(), second.clone()]);
        in_transaction(store, |store| store.put_session(&StoredSession { open: false, ..first }).unwrap());
        assert_eq!(store.open_sessions().unwrap(), [second]);
    }

    fn technicians_are_found(store: &mut dyn Store) {
        let name: Name = "Vera".parse().unwrap();
        let key = Fingerprint([4; 32]);
        let invited = TechnicianState::Invited { token: [6; 32], until_ms: 77 };
        let put = |store: &mut dyn Store, number, state| {
            let row = TechnicianRow { number, name: "Vera".parse().unwrap(), state };
            in_transaction(store, |store| store.put_technician(&row).unwrap());
        };
        put(store, 0, invited.clone());
        let row = store.technician_named(&name).unwrap().unwrap();
        assert_eq!(row.state, invited);
        assert_eq!(store.technician_with_token([6; 32]).unwrap(), Some(row.clone()));
        assert_eq!(store.technician_with_key(key).unwrap(), None);
        put(store, row.number, TechnicianState::Enrolled(key));
        assert_eq!(store.technician_with_token([6; 32]).unwrap(), None, "used");
        put(store, row.number, TechnicianState::Removed(Some(key)));
        assert_eq!(store.technician_named(&name).unwrap(), None);
        let found = store.technician_with_key(key).unwrap().unwrap();
        assert_eq!(found.state, TechnicianState::Removed(Some(key)));
        put(store, 0, TechnicianState::Enrolled(key));
        let found = store.technician_with_key(key).unwrap().unwrap();
        assert_eq!(found.state, TechnicianState::Enrolled(key));
        put(store, found.number, TechnicianState::Removed(None));
        assert_eq!(store.technicians().unwrap().len(), 2);
    }
}
