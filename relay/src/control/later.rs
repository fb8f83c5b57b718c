//! Facts noted where nothing can wait for the record (a guard that is dropped); housekeeping writes them.

use super::Hub;
use nearhand_proto::{
    ids::{ActorId, SessionId},
    record::Event,
};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Facts that may wait; further ones are only logged.
const WAITING: usize = 1_024;

type Fact = (SessionId, ActorId, Event);

/// Facts to be written soon.
#[derive(Debug, Default)]
pub(super) struct Later {
    facts: Mutex<Vec<Fact>>,
    some: Notify,
}

impl Later {
    /// One more.
    pub(super) fn push(&self, session: SessionId, actor: ActorId, event: Event) {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if WAITING <= facts.len() {
            return tracing::warn!(event = event.name(), "fact not recorded, too many wait");
        }
        facts.push((session, actor, event));
        self.some.notify_one();
    }

    /// Waits until there are some.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn due(&self) {
        self.some.notified().await;
    }

    fn take(&self) -> Vec<Fact> {
        std::mem::take(&mut *self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Hub {
    /// Writes what was noted for later; all of it by one commit.
    pub async fn write_later(&self) {
        let facts = self.later.take();
        if facts.is_empty() {
            return;
        }
        let count = facts.len();
        let written = self.recorder.call(move |log| {
            facts.iter().try_for_each(|(session, actor, event)| log.fact(*session, *actor, event).map(drop))
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, count, "facts not recorded");
        }
    }
}
