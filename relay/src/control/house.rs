//! Housekeeping: what time, the operator, guards and refusals ask of the hub. A task of its own, so that a slow disk
//! never keeps anybody from being let in.

use super::{Hub, table::Due};
use crate::{clock::Clocks, record::wall_ms};
use nearhand_proto::{
    close::Close,
    ids::{ActorId, SessionId},
    record::Event,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps house until `stop`. Removals of technicians count from this call on, even before the future runs.
pub fn keep_house(hub: Arc<Hub>, stop: CancellationToken) -> impl Future<Output = ()> + Send {
    let removed = hub.recorder.removed();
    async move {
        // What is not done by then is done after the next start.
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = keep(&hub, removed) => {}
        }
    }
}

async fn keep(hub: &Hub, mut removed: Receiver<ActorId>) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut clocks = Clocks::default();
    loop {
        tokio::select! {
            biased;
            Some(removal) = next_removed(&mut removed) => match removal {
                Removal::Of(technician) => hub.remove_technician(technician),
                Removal::Missed => hub.check_technicians(),
            },
            () = hub.later.due() => hub.write_later().await,
            _ = tick.tick() => {
                let now = Instant::now();
                hub.handle_clocks(clocks.look(now, wall_ms())).await;
                hub.handle_time(now).await;
            }
        }
    }
}

/// News of technicians.
enum Removal {
    /// This one is removed.
    Of(ActorId),
    /// Some were, so many that we don't know who.
    Missed,
}

/// The next removal; `None` once the record has closed.
///
/// # Cancel safety
/// Cancel safe.
async fn next_removed(removed: &mut Receiver<ActorId>) -> Option<Removal> {
    match removed.recv().await {
        Ok(technician) => Some(Removal::Of(technician)),
        Err(RecvError::Lagged(_)) => Some(Removal::Missed),
        Err(RecvError::Closed) => None,
    }
}

impl Hub {
    /// A technician was removed: sessions close, connections are cut.
    fn remove_technician(&self, technician: ActorId) {
        let sessions = self.sessions().of_technician(technician);
        for session in sessions {
            self.close_session(session, Close::TechnicianRemoved);
        }
        self.cut(technician);
    }

    /// Closes the sessions of technicians who are enrolled no longer: removals that we were not told of, since the
    /// relay did not run or they were too many.
    pub fn check_technicians(&self) {
        let technicians = self.sessions().technicians();
        for technician in technicians {
            if self.is_removed(technician) {
                self.remove_technician(technician);
            }
        }
    }

    /// True if this technician may work here no longer.
    pub(super) fn is_removed(&self, technician: ActorId) -> bool {
        !self.recorder.is_enrolled(technician)
    }

    /// The wall clock went this many milliseconds further than the monotonic one.
    async fn handle_clocks(&self, step_ms: Option<i64>) {
        if let Some(step_ms) = step_ms {
            tracing::warn!(
                step_ms,
                "the wall clock was set, or this machine slept; the record says so, nothing else goes by it"
            );
            self.note(SessionId::NONE, self.config.actor, Event::ClockStep { step_ms }).await;
        }
    }

    /// What is due each second.
    async fn handle_time(&self, now: Instant) {
        let due = self.sessions().due(self.config.absence, now);
        for (session, due) in due {
            match due {
                Due::End(why) => self.end_session(session, why).await,
                Due::Lose => {
                    tracing::info!(%session, "an end stayed away, the session is lost");
                    self.lose_session(session, Close::Lost).await;
                }
            }
        }
        self.retry_endings().await;
        self.handshake_refused(None);
    }
}
