//! Sessions on the relay's side: opening and re-opening the route, storing the host's facts, every way to end.

use super::{
    Hub,
    connection::{End, Turn},
    table::Live,
};
use crate::record::{RecordError, SessionRow};
use nearhand_proto::{
    close::Close,
    control::{SessionState, ToEnd, ToRelay},
    ids::{ActorId, ClaimId, SessionId},
    record::{Entry, Event},
};
use std::time::Instant;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// The next technician that was removed; `None` once the record has closed.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn next_removed(removed: &mut Receiver<ActorId>) -> Option<ActorId> {
    loop {
        match removed.recv().await {
            Ok(technician) => return Some(technician),
            // Who is removed can't claim any more in any case: that is looked up each time.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "removals overtook us"),
            Err(RecvError::Closed) => return None,
        }
    }
}

impl End {
    /// Sessions of this end that go on, and who is at their other side.
    pub(super) async fn returning_sessions(&self) -> Result<Vec<SessionState>, Close> {
        let open = self.hub.recorder.open_sessions(self.key.fingerprint()).await.map_err(|error| {
            tracing::error!(%error, "can't look up an end's sessions");
            Close::RecordUnavailable
        })?;
        let known = |(row, next): (SessionRow, u64)| {
            let live = self.hub.sessions().get(row.id).cloned()?;
            let peer = if live.host() == self.rid { live.viewer() } else { live.host() };
            Some(SessionState { session: row.id, peer, next })
        };
        Ok(open.into_iter().filter_map(known).collect())
    }

    /// After registration: these sessions' routes open again where the other end is there as well.
    pub(super) async fn reopen(&self, sessions: Vec<SessionId>) {
        self.hub.sessions().mark(self.rid, None);
        if !sessions.is_empty() {
            self.hub.paired(self.rid);
        }
        for session in sessions {
            self.hub
                .fact(session, self.key.fingerprint().actor(), Event::SessionReconnected { end: self.role })
                .await;
            self.hub.open_route(session);
        }
    }

    /// The end has left: its code rests, its claim is withdrawn, its sessions wait for it.
    pub(super) async fn gone(&self) {
        let outbox = self.hub.directory().gone(self.rid, self.role, Instant::now());
        self.hub.deliver(outbox);
        self.hub.sessions().mark(self.rid, Some(Instant::now()));
    }

    /// Host: facts of a session. Acknowledged after the commit that holds them.
    pub(super) async fn record(&mut self, session: SessionId, entries: Vec<Entry>) -> Turn {
        let own = self.hub.sessions().get(session).is_some_and(|live| live.host() == self.rid);
        if !own {
            // It ended here while the facts were on their way.
            let why = self.hub.sessions().why_ended(session);
            return self.send(ToEnd::Ended { session, why }).await;
        }
        if ToRelay::MAX_ENTRIES < entries.len() {
            return Err(Close::Protocol);
        }
        match self.hub.recorder.append(session, entries).await {
            Ok(next) => self.send(ToEnd::Recorded { session, next }).await,
            Err(RecordError::Unavailable(error)) => {
                // Not acknowledged: the host keeps its facts and sends them again.
                tracing::error!(%error, %session, "facts not recorded");
                Err(Close::RecordUnavailable)
            }
            Err(error) => {
                tracing::warn!(%error, %session, "a host sent facts that don't fit");
                Err(Close::Protocol)
            }
        }
    }

    /// Either: the session is over.
    pub(super) async fn end_session(&mut self, session: SessionId, why: Close) -> Turn {
        let own = self.hub.sessions().get(session).is_some_and(|live| live.has(self.rid));
        if own {
            self.hub.end_session(session, why).await;
            return Ok(());
        }
        // Ended already: say so again, an end that has reconnected may not know.
        self.send(ToEnd::Ended { session, why }).await
    }
}

impl Hub {
    /// Knows the sessions that the store has open, at start: both ends are away until they register.
    pub fn load_sessions(&self, rows: Vec<SessionRow>, now: Instant) {
        for row in rows {
            self.sessions().insert(row, Some(now));
        }
    }

    /// A committed session begins: route open, both ends told.
    pub(super) fn open_session(&self, claim: ClaimId, row: SessionRow) {
        let session = row.id;
        let live = self.sessions().insert(row, None);
        let (host, viewer) = (live.host(), live.viewer());
        self.routes().open(session, host, viewer, &live.traffic);
        for end in [host, viewer].into_iter().filter(|end| !self.is_there(*end)) {
            // It left while the start was committed; the session waits for it.
            self.sessions().mark(end, Some(Instant::now()));
        }
        self.paired(host);
        self.paired(viewer);
        let paired = |peer| ToEnd::Paired { claim, session, peer };
        self.deliver(vec![(host, paired(viewer)), (viewer, paired(host))]);
    }

    /// The route of a running session opens as soon as both ends are there.
    fn open_route(&self, session: SessionId) {
        let Some(live) = self.sessions().get(session).cloned() else { return };
        let (host, viewer) = (live.host(), live.viewer());
        if self.routes().open(session, host, viewer, &live.traffic) {
            tracing::info!(%session, "route open again");
            self.deliver(vec![(host, ToEnd::RouteOpen(session)), (viewer, ToEnd::RouteOpen(session))]);
        }
    }

    /// Ends a session: route shut, both ends told, `session.end` on record.
    pub(super) async fn end_session(&self, session: SessionId, why: Close) {
        let Some(live) = self.shut(session, why) else { return };
        let (bytes, packets) = (live.traffic.bytes(), live.traffic.packets());
        self.record_ending(session, Event::SessionEnd { reason: why, bytes, packets }).await;
        self.tell_ended(&live, why);
    }

    /// A session that nobody ended: `session.lost` on record, never an invented end.
    pub(super) async fn lose_session(&self, session: SessionId, why: Close) {
        let Some(live) = self.shut(session, why) else { return };
        self.record_ending(session, Event::SessionLost { reason: why }).await;
        self.tell_ended(&live, why);
    }

    fn shut(&self, session: SessionId, why: Close) -> Option<Live> {
        let live = self.sessions().remove(session, why)?;
        self.routes().shut(session);
        tracing::info!(%session, %why, "session over");
        Some(live)
    }

    fn tell_ended(&self, live: &Live, why: Close) {
        let ended = ToEnd::Ended { session: live.row.id, why };
        self.deliver(vec![(live.host(), ended.clone()), (live.viewer(), ended)]);
    }

    async fn record_ending(&self, session: SessionId, event: Event) {
        if let Err(error) = self.recorder.end_session(session, event.clone()).await {
            tracing::error!(%error, %session, "ending not recorded, will be tried again");
            self.sessions().keep_ending(session, event);
        }
    }

    pub(super) async fn retry_endings(&self) {
        let endings = self.sessions().take_endings();
        for (session, event) in endings {
            self.record_ending(session, event).await;
        }
    }

    /// A technician was removed: sessions end, connections are cut.
    pub(super) async fn remove_technician(&self, technician: ActorId) {
        let sessions = self.sessions().of_technician(technician);
        for session in sessions {
            self.end_session(session, Close::TechnicianRemoved).await;
        }
        self.cut(technician);
    }
}
