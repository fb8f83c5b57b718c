//! What an end has for the record. Carried out in order, one at a time, while its messages go on being read: an
//! answer to a ping never waits for the disk.

use super::{Hub, table::Live};
use crate::record::RecordError;
use nearhand_proto::{close::Close, control::ToEnd, ids::SessionId, record::Entry, route::Rid};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::ReusableBoxFuture;

/// Batches of facts that may wait for the record. Further ones are dropped: not acknowledged, so the host sends them
/// again.
const WAITING: usize = 16;

/// Errands of any kind that may wait. An end that asks for more than that is hung up.
const MOST: usize = 64;

/// `host.ended`.
const HOST_ENDED: u16 = 1_250;

/// One thing to do.
pub(super) enum Errand {
    /// A host's facts of a session.
    Record(SessionId, Vec<Entry>),
    /// A host says that its session is over.
    End(SessionId, Close),
}

/// What the end is told, if anything; or why it is hung up.
pub(super) type Outcome = Result<Option<ToEnd>, Close>;

/// The queue of one end.
pub(super) struct Errands {
    hub: Arc<Hub>,
    end: Rid,
    queue: VecDeque<Errand>,
    running: Option<ReusableBoxFuture<'static, Outcome>>,
}

impl Errands {
    pub(super) fn new(hub: Arc<Hub>, end: Rid) -> Self {
        Self { hub, end, queue: VecDeque::new(), running: None }
    }

    /// One more. A batch of a host's facts that finds no room is sent again.
    ///
    /// # Errors
    /// `Busy` for one ending too many: the end is to be hung up.
    pub(super) fn push(&mut self, errand: Errand) -> Result<(), Close> {
        let waiting = self.queue.len();
        match errand {
            Errand::Record(session, _) if WAITING <= waiting => {
                self.hub.handle_dropped(self.end, session);
                tracing::warn!(%session, "the record is slow; the host must send facts again");
            }
            Errand::End(..) if MOST <= waiting => return Err(Close::Busy),
            errand => self.queue.push_back(errand),
        }
        Ok(())
    }

    /// The next outcome; none while there is nothing to do.
    ///
    /// # Cancel safety
    /// Cancel safe: what has begun goes on with the next call.
    pub(super) async fn next(&mut self) -> Outcome {
        match self.step().await {
            Some(outcome) => outcome,
            None => std::future::pending().await,
        }
    }

    /// Carries out all that is left, as far as it gets in this time; nobody is told of it.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn finish(&mut self, patience: Duration) {
        let all = async { while self.step().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!(end = %self.end, "the record is slow");
        }
    }

    async fn step(&mut self) -> Option<Outcome> {
        let running = match &mut self.running {
            Some(running) => running,
            None => {
                let errand = self.queue.pop_front()?;
                self.running.insert(ReusableBoxFuture::new(run(self.hub.clone(), self.end, errand)))
            }
        };
        let outcome = running.await;
        self.running = None;
        Some(outcome)
    }
}

async fn run(hub: Arc<Hub>, end: Rid, errand: Errand) -> Outcome {
    match errand {
        Errand::Record(session, entries) => hub.record(end, session, entries).await,
        Errand::End(session, why) => Ok(hub.host_ends(end, session, why).await),
    }
}

impl Hub {
    /// Facts were dropped: its session, if it is this host's, waits for them.
    fn handle_dropped(&self, host: Rid, session: SessionId) {
        let mut sessions = self.sessions();
        if sessions.get(session).is_some_and(|live| live.host() == host) {
            sessions.handle_owed(session, Instant::now());
        }
    }

    /// Facts of a session. Acknowledged after the commit that holds them; not at all while the store does not take
    /// them.
    async fn record(&self, host: Rid, session: SessionId, entries: Vec<Entry>) -> Outcome {
        let known = self.sessions().get(session).filter(|live| live.host() == host).map(|live| live.next);
        let Some(next) = known else {
            // It ended here while the facts were on their way.
            return Ok(Some(self.ended(session)));
        };
        let left = entries.iter().any(|entry| entry.header.code == HOST_ENDED);
        if left {
            self.sessions().handle_host_left(session);
        }
        let appended = self.recorder.append(session, entries).await;
        let now = Instant::now();
        match appended {
            Ok(next) => {
                self.sessions().handle_recorded(session, next, now);
                Ok(Some(ToEnd::Recorded { session, next }))
            }
            Err(RecordError::Unavailable(error)) => {
                tracing::error!(%error, %session, "facts not recorded; the host will send them again");
                self.sessions().handle_owed(session, now);
                Ok(None)
            }
            Err(RecordError::Closed) => Ok(None),
            Err(RecordError::PeerGap { .. }) => {
                // Something before it was lost: the host goes on from there.
                self.sessions().handle_owed(session, now);
                Ok(Some(ToEnd::Recorded { session, next }))
            }
            Err(RecordError::NotOpen) => Ok(Some(self.ended(session))),
            Err(error) => {
                tracing::warn!(%error, %session, "a host sent facts that don't fit");
                Err(Close::Protocol)
            }
        }
    }

    /// A host ends its session. One whose facts are missing waits for them.
    async fn host_ends(&self, host: Rid, session: SessionId, why: Close) -> Option<ToEnd> {
        let owed = self.sessions().get(session).filter(|live| live.host() == host).map(Live::is_owed);
        match owed {
            Some(false) => self.end_session(session, why).await,
            Some(true) => {
                self.sessions().handle_host_left(session);
                self.close_session(session, why);
            }
            // Ended already: say so again, a host that has reconnected may not know.
            None => return Some(self.ended(session)),
        }
        None
    }

    /// Says that a session is over.
    pub(super) fn ended(&self, session: SessionId) -> ToEnd {
        let why = self.sessions().why_ended(session);
        ToEnd::Ended { session, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::record::Event;

    #[test]
    fn the_hosts_last_fact_is_known_by_its_code() {
        assert_eq!(Event::HostEnded { reason: Close::Done }.code(), HOST_ENDED);
    }
}
