//! The session's facts on their way into the record: numbered here, kept until the relay has them durably.

use nearhand_proto::{
    control::ToRelay,
    ids::{ActorId, SessionId},
    net::{LinkHandle, random},
    record::{Event, Ledger, Origin, Text},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long the relay may leave facts unacknowledged before they are sent again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The list, and the viewer's notes that still have to be confirmed. Never waits for the relay: what finds no room
/// stays in the list.
pub(crate) struct Facts {
    session: SessionId,
    ledger: Ledger,
    link: LinkHandle,
    notes: VecDeque<u64>,
    /// When something was last sent or acknowledged.
    moved: Instant,
}

impl Facts {
    pub(super) fn new(session: SessionId, link: LinkHandle) -> Self {
        Self {
            session,
            ledger: Ledger::new(session, Instant::now()),
            link,
            notes: VecDeque::new(),
            moved: Instant::now(),
        }
    }

    /// A fact that the host has witnessed.
    pub(super) fn host(&mut self, event: Event, host: ActorId) {
        self.append(&event, Origin::Host, host);
        self.flush();
    }

    /// The technician's note.
    pub(super) fn note(&mut self, text: String, technician: ActorId) {
        self.notes.push_back(self.ledger.next());
        self.append(&Event::Note { text: Text::new(text) }, Origin::Viewer, technician);
        self.flush();
    }

    fn append(&mut self, event: &Event, origin: Origin, actor: ActorId) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        self.ledger.append(event, origin, actor, wall_ms, Instant::now(), random());
    }

    /// Sends what has not been sent on this control connection, as far as there is room; true if nothing is left.
    pub(crate) fn flush(&mut self) -> bool {
        let (session, ledger) = (self.session, &mut self.ledger);
        let mut batch = || {
            let entries = ledger.poll_batch(ToRelay::MAX_ENTRIES);
            (!entries.is_empty()).then_some(ToRelay::Record { session, entries })
        };
        while self.link.offer(&mut batch) {
            self.moved = Instant::now();
        }
        self.ledger.is_handed_out()
    }

    /// Time has passed: what found no room is tried again; what the relay does not acknowledge is sent again, and then
    /// true is returned.
    pub(crate) fn handle_time(&mut self) -> bool {
        let again = !self.ledger.is_settled() && PATIENCE <= self.moved.elapsed();
        if again {
            self.moved = Instant::now();
            self.ledger.resend();
        }
        self.flush();
        again
    }

    /// The relay has stored everything before `next`. Returns the notes that are durable by that.
    pub(crate) fn handle_recorded(&mut self, next: u64) -> Vec<u64> {
        self.ledger.handle_recorded(next);
        self.moved = Instant::now();
        self.flush();
        self.durable_notes(next)
    }

    /// A new control connection: what the relay does not have is sent again. Returns the notes that it has: their
    /// acknowledgement may have been lost with the old connection.
    pub(crate) fn handle_reregistered(&mut self, next: u64) -> Vec<u64> {
        self.ledger.handle_reconnected(next);
        self.flush();
        self.durable_notes(next)
    }

    fn durable_notes(&mut self, next: u64) -> Vec<u64> {
        let durable = self.notes.iter().take_while(|seq| **seq < next).count();
        self.notes.drain(..durable).collect()
    }

    /// Whose facts these are.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// True if the relay has everything.
    pub(crate) fn is_settled(&self) -> bool {
        self.ledger.is_settled()
    }

    /// True if anything has happened in this session yet.
    pub(super) fn any(&self) -> bool {
        self.ledger.next() != 0
    }

    /// False while so much waits for the relay that nothing more is taken from the viewer.
    pub(super) fn take_more(&self) -> bool {
        !self.ledger.is_full()
    }
}
