//! The verifier: is fed the stored rows and heads in order, and names the first thing that is not as it was written.
//! Needs no key and no relay. It can't see that a log was cut off at its end together with its heads: that is what
//! receipts and checkpoints held elsewhere are for.

use super::{
    canonical::{Header, Origin, body_hash},
    event::Event,
    tree::{Frontier, Hash, leaf_hash},
};
use crate::ids::SessionId;
use std::{collections::HashMap, fmt};

/// One row as a store gives it back, unchecked.
#[derive(Clone, Copy, Debug)]
pub struct StoredRow<'a> {
    /// The number of the leaf.
    pub index: u64,
    /// The column that finds a session's entries.
    pub session: &'a [u8],
    /// The column that finds a fact of a session; `None` for relay facts.
    pub seq: Option<u64>,
    /// The column that finds events of one kind.
    pub code: u16,
    /// The canonical bytes.
    pub header: &'a [u8],
    /// 32 bytes.
    pub salt: &'a [u8],
    /// The event's fields.
    pub body: &'a [u8],
    /// The leaf hash.
    pub leaf: &'a [u8],
}

/// One stored head, unchecked.
#[derive(Clone, Copy, Debug)]
pub struct StoredHead<'a> {
    /// Leaves.
    pub size: u64,
    /// The root.
    pub root: &'a [u8],
    /// [`Frontier::to_bytes`].
    pub frontier: &'a [u8],
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Rows are missing or out of order.
    #[error("expected entry {expected} here: entries are missing or out of order")]
    Index {
        /// The number that should have come.
        expected: u64,
    },
    /// The canonical bytes can't be read.
    #[error("its header is damaged")]
    Header,
    /// The salt is not 32 bytes.
    #[error("its salt is damaged")]
    Salt,
    /// Body or salt were changed.
    #[error("body does not match its hash")]
    Body,
    /// Header or leaf were changed.
    #[error("header does not match its leaf")]
    Leaf,
    /// The columns beside the header say something else than the header.
    #[error("it is filed under another session, number or event")]
    Filed,
    /// A number inside a session is missing or repeated, or a session's fact stands before its start.
    #[error("its number is {got} where {expected} was expected")]
    Seq {
        /// The number that should have come.
        expected: u64,
        /// The number that came.
        got: u64,
    },
    /// A fact of a session that never started.
    #[error("its session has not started")]
    NotStarted,
    /// A head does not fit the leaves before it: one of the entries since the head before was changed.
    #[error("tree head over {size} entries does not match: an entry from {since} on was replaced")]
    Head {
        /// Leaves under the head.
        size: u64,
        /// The first leaf that no earlier head covers.
        since: u64,
    },
    /// Entries without a head.
    #[error("the last tree head covers {covered} of {size} entries")]
    NoHead {
        /// Leaves under the last head.
        covered: u64,
        /// Entries.
        size: u64,
    },
}

/// The first broken entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number; of a head: its last entry.
    pub index: u64,
    /// Its session and the event's name, where the header can be read.
    pub what: Option<(SessionId, &'static str)>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}", self.index)?;
        match &self.what {
            Some((SessionId::NONE, name)) => write!(f, " ({name})")?,
            Some((session, name)) => write!(f, " (session {session}, {name})")?,
            None => {}
        }
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for Broken {}

/// Checks a log from its first entry on.
#[derive(Debug, Default)]
pub struct Verifier {
    frontier: Frontier,
    /// Leaves under the last head.
    covered: u64,
    /// The next number of every session that started.
    next: HashMap<SessionId, u64>,
}

impl Verifier {
    /// Nothing checked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries checked so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The next entry.
    ///
    /// # Errors
    /// [`Broken`] if it is not as it was written.
    pub fn entry(&mut self, row: StoredRow<'_>) -> Result<(), Broken> {
        let header = Header::from_bytes(row.header);
        let what = header.as_ref().ok().map(|header| (header.stamp.session, event_name(header.code)));
        let broken = |fault| Broken { index: row.index, what, fault };
        let expected = self.frontier.size();
        if row.index != expected {
            return Err(broken(Fault::Index { expected }));
        }
        let header = header.map_err(|_| broken(Fault::Header))?;
        let leaf = leaf_hash(row.header);
        if leaf != row.leaf {
            return Err(broken(Fault::Leaf));
        }
        let salt = row.salt.try_into().map_err(|_| broken(Fault::Salt))?;
        if body_hash(salt, row.body) != header.body_hash {
            return Err(broken(Fault::Body));
        }
        let seq = (header.stamp.origin != Origin::Relay).then_some(header.stamp.seq);
        if (row.session, row.seq, row.code) != (&header.stamp.session.0, seq, header.code) {
            return Err(broken(Fault::Filed));
        }
        self.number(row.index, &header).map_err(broken)?;
        self.frontier.push(leaf);
        Ok(())
    }

    /// The head that was stored after the entries so far.
    ///
    /// # Errors
    /// [`Broken`] if it is not the head of these entries.
    pub fn head(&mut self, head: StoredHead<'_>) -> Result<(), Broken> {
        let fits = head.size == self.frontier.size()
            && head.root == self.frontier.root()
            && head.frontier == self.frontier.to_bytes();
        if !fits {
            let fault = Fault::Head { size: head.size, since: self.covered };
            return Err(Broken { index: head.size.saturating_sub(1), what: None, fault });
        }
        self.covered = head.size;
        Ok(())
    }

    /// The end of the log. Returns its size and root.
    ///
    /// # Errors
    /// [`Broken`] if the last entries have no head.
    pub fn finish(self) -> Result<(u64, Hash), Broken> {
        let size = self.frontier.size();
        if self.covered != size {
            let fault = Fault::NoHead { covered: self.covered, size };
            return Err(Broken { index: self.covered, what: None, fault });
        }
        Ok((size, self.frontier.root()))
    }

    /// Checks the entry's own number, and remembers which sessions started.
    fn number(&mut self, index: u64, header: &Header) -> Result<(), Fault> {
        let stamp = &header.stamp;
        let expected = match stamp.origin {
            Origin::Relay => index,
            Origin::Host | Origin::Viewer => *self.next.get(&stamp.session).ok_or(Fault::NotStarted)?,
        };
        if stamp.seq != expected {
            return Err(Fault::Seq { expected, got: stamp.seq });
        }
        match stamp.origin {
            Origin::Relay if header.code == START => {
                self.next.entry(stamp.session).or_insert(0);
            }
            Origin::Relay => {}
            Origin::Host | Origin::Viewer => {
                self.next.insert(stamp.session, expected.saturating_add(1));
            }
        }
        Ok(())
    }
}

/// `session.start`.
const START: u16 = 500;

fn event_name(code: u16) -> &'static str {
    Event::TABLE.iter().find(|row| row.code == code).map_or("unknown event", |row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        control::PublicKey,
        ids::{ActorId, Fingerprint},
        record::{Entry, Stamp},
        rights::Rights,
    };

    const SESSION: SessionId = SessionId([5; 16]);

    #[derive(Clone)]
    struct Row {
        index: u64,
        session: Vec<u8>,
        seq: Option<u64>,
        code: u16,
        header: Vec<u8>,
        salt: Vec<u8>,
        body: Vec<u8>,
        leaf: Vec<u8>,
    }

    /// started, start, asked, given, end: each with a head.
    struct Log {
        rows: Vec<Row>,
        heads: Vec<(u64, Vec<u8>, Vec<u8>)>,
    }

    fn row(index: u64, event: &Event, session: SessionId, origin: Origin, seq: u64) -> Row {
        let stamp = Stamp { origin, session, seq, wall_ms: 0, monotonic_ns: 0, actor: ActorId([0; 16]) };
        let entry = Entry::new(event, stamp, [7; 32]);
        let header = entry.header.to_bytes();
        Row {
            index,
            session: session.0.to_vec(),
            seq: (origin != Origin::Relay).then_some(seq),
            code: event.code(),
            header: header.to_vec(),
            salt: entry.salt.to_vec(),
            body: entry.body.to_vec(),
            leaf: leaf_hash(&header).to_vec(),
        }
    }

    fn log(rows: Vec<Row>) -> Log {
        let mut frontier = Frontier::default();
        let mut heads = Vec::new();
        for row in &rows {
            frontier.push(row.leaf.as_slice().try_into().unwrap());
            heads.push((frontier.size(), frontier.root().to_vec(), frontier.to_bytes()));
        }
        Log { rows, heads }
    }

    fn whole() -> Log {
        let key = PublicKey::try_from(serde_bytes::ByteBuf::from([4; 65])).unwrap();
        let start = Event::SessionStart {
            technician: "Vera".parse().unwrap(),
            desk: "Help".parse().unwrap(),
            technician_key: Fingerprint([1; 32]),
            host_key: key,
            viewer_key: key,
        };
        let rights = Rights::VIEW;
        log(vec![
            row(0, &Event::RelayCrashed, SessionId::NONE, Origin::Relay, 0),
            row(1, &start, SESSION, Origin::Relay, 1),
            row(2, &Event::ConsentAsked { rights }, SESSION, Origin::Host, 0),
            row(3, &Event::ConsentGiven { rights }, SESSION, Origin::Host, 1),
            row(4, &Event::RelayStopped, SessionId::NONE, Origin::Relay, 4),
        ])
    }

    fn verify(log: &Log) -> Result<u64, Broken> {
        let mut verifier = Verifier::new();
        for row in &log.rows {
            let Row { index, session, seq, code, header, salt, body, leaf } = row;
            verifier.entry(StoredRow {
                index: *index,
                session,
                seq: *seq,
                code: *code,
                header,
                salt,
                body,
                leaf,
            })?;
            let so_far = verifier.size();
            for (size, root, frontier) in log.heads.iter().filter(|head| head.0 == so_far) {
                verifier.head(StoredHead { size: *size, root, frontier })?;
            }
        }
        Ok(verifier.finish()?.0)
    }

    fn check(change: impl FnOnce(&mut Log), index: u64, fault: Fault) {
        let mut log = whole();
        assert_eq!(verify(&log), Ok(5));
        change(&mut log);
        let broken = verify(&log).expect_err("a changed log");
        assert_eq!((broken.index, broken.fault), (index, fault));
    }

    #[test]
    fn names_the_first_broken_entry_and_what_is_broken() {
        check(|log| log.rows[3].body[5] ^= 1, 3, Fault::Body);
        check(|log| log.rows[3].salt[0] ^= 1, 3, Fault::Body);
        check(|log| log.rows[3].salt.truncate(31), 3, Fault::Salt);
        check(|log| log.rows[2].header[30] ^= 1, 2, Fault::Leaf);
        check(|log| log.rows[2].header[4] = 9, 2, Fault::Header);
        check(|log| log.rows[2].leaf[0] ^= 1, 2, Fault::Leaf);
        check(|log| log.rows[2].session[0] ^= 1, 2, Fault::Filed);
        check(|log| log.rows[2].seq = None, 2, Fault::Filed);
        check(|log| log.rows[2].code = 100, 2, Fault::Filed);
        check(|log| drop(log.rows.remove(1)), 2, Fault::Index { expected: 1 });
        check(|log| log.rows.swap(1, 2), 2, Fault::Index { expected: 1 });
        check(|log| log.heads[2].1[0] ^= 1, 2, Fault::Head { size: 3, since: 2 });
        check(|log| log.heads[2].2[9] ^= 1, 2, Fault::Head { size: 3, since: 2 });
        check(|log| drop(log.heads.pop()), 4, Fault::NoHead { covered: 4, size: 5 });
    }

    #[test]
    fn an_entry_replaced_whole_breaks_the_head_over_it() {
        let other = Event::ConsentDeclined { rights: Rights::VIEW };
        let replace = |log: &mut Log| log.rows[3] = row(3, &other, SESSION, Origin::Host, 1);
        check(replace, 3, Fault::Head { size: 4, since: 3 });
    }

    #[test]
    fn numbers_inside_a_session_have_no_gap() {
        let check = |at: usize, row: Row, fault| {
            let mut rows = whole().rows;
            rows[at] = row;
            assert_eq!(verify(&log(rows)).unwrap_err().fault, fault);
        };
        let fact = |session, seq| row(3, &Event::ControlTaken, session, Origin::Host, seq);
        check(3, fact(SESSION, 2), Fault::Seq { expected: 1, got: 2 });
        check(3, fact(SESSION, 0), Fault::Seq { expected: 1, got: 0 });
        check(3, fact(SessionId([6; 16]), 0), Fault::NotStarted);
        let relay = row(4, &Event::RelayStopped, SessionId::NONE, Origin::Relay, 9);
        check(4, relay, Fault::Seq { expected: 4, got: 9 });
    }

    #[test]
    fn says_it_in_one_line() {
        let mut log = whole();
        log.rows[3].body[5] ^= 1;
        let line = verify(&log).unwrap_err().to_string();
        let expected = format!("entry 3 (session {SESSION}, consent.given): body does not match its hash");
        assert_eq!(line, expected);
    }
}
