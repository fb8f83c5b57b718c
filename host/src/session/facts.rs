//! The session's facts on their way into the record: numbered here, kept until the relay has them durably.

use nearhand_proto::{
    control::ToRelay,
    ids::{ActorId, SessionId},
    net::{LinkHandle, random},
    record::{Event, Ledger, Origin, Text},
};
use std::{
    collections::VecDeque,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// The list, and the viewer's notes that still have to be confirmed.
pub(super) struct Facts {
    session: SessionId,
    ledger: Ledger,
    link: LinkHandle,
    notes: VecDeque<u64>,
}

impl Facts {
    pub(super) fn new(session: SessionId, link: LinkHandle) -> Self {
        Self { session, ledger: Ledger::new(session, Instant::now()), link, notes: VecDeque::new() }
    }

    /// A fact that the host has witnessed.
    pub(super) async fn host(&mut self, event: Event, host: ActorId) {
        self.append(&event, Origin::Host, host);
        self.flush().await;
    }

    /// The technician's note.
    pub(super) async fn note(&mut self, text: String, technician: ActorId) {
        self.notes.push_back(self.ledger.next());
        self.append(&Event::Note { text: Text::new(text) }, Origin::Viewer, technician);
        self.flush().await;
    }

    fn append(&mut self, event: &Event, origin: Origin, actor: ActorId) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        self.ledger.append(event, origin, actor, wall_ms, Instant::now(), random());
    }

    /// Sends what has not been sent on this control connection.
    pub(super) async fn flush(&mut self) {
        loop {
            let entries = self.ledger.poll_batch(ToRelay::MAX_ENTRIES);
            if entries.is_empty() {
                return;
            }
            self.link.send(ToRelay::Record { session: self.session, entries }).await;
        }
    }

    /// The relay has stored everything before `next`. Returns the notes that are durable by that.
    pub(super) fn handle_recorded(&mut self, next: u64) -> Vec<u64> {
        self.ledger.handle_recorded(next);
        let durable = self.notes.iter().take_while(|seq| **seq < next).count();
        self.notes.drain(..durable).collect()
    }

    /// A new control connection: what the relay does not have is sent again.
    pub(super) async fn handle_reregistered(&mut self, next: u64) {
        self.ledger.handle_reconnected(next);
        self.flush().await;
    }

    /// True if the relay has everything.
    pub(super) fn is_settled(&self) -> bool {
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
