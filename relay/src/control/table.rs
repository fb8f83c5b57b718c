//! The sessions that have not ended: a pure table.

use crate::{forward::Traffic, record::SessionRow};
use nearhand_proto::{
    close::Close,
    ids::{ActorId, SessionId},
    record::Event,
    route::Rid,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// Ended sessions whose reason is remembered, for ends that speak of them a little later.
const ENDED: usize = 1_024;

/// One session.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// As it stands in the store.
    pub(super) row: SessionRow,
    /// What has been forwarded since this relay knows it.
    pub(super) traffic: Arc<Traffic>,
    /// Since when the host, and the viewer, is away.
    away: [Option<Instant>; 2],
}

impl Live {
    pub(super) fn host(&self) -> Rid {
        Rid::of(&self.row.host_key)
    }

    pub(super) fn viewer(&self) -> Rid {
        Rid::of(&self.row.viewer_key)
    }

    pub(super) fn has(&self, end: Rid) -> bool {
        self.host() == end || self.viewer() == end
    }

    fn side(&mut self, end: Rid) -> Option<&mut Option<Instant>> {
        let [host, viewer] = &mut self.away;
        match end {
            end if end == Rid::of(&self.row.host_key) => Some(host),
            end if end == Rid::of(&self.row.viewer_key) => Some(viewer),
            _ => None,
        }
    }
}

/// All of them, and endings that still have to be recorded.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    live: HashMap<SessionId, Live>,
    ended: VecDeque<(SessionId, Close)>,
    unrecorded: Vec<(SessionId, Event)>,
}

impl Sessions {
    /// A session has started, or was found in the store at start (then both ends are `away` since then).
    pub(super) fn insert(&mut self, row: SessionRow, away: Option<Instant>) -> Live {
        let live = Live { row, traffic: Arc::default(), away: [away; 2] };
        self.live.insert(live.row.id, live.clone());
        live
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Live> {
        self.live.get(&session)
    }

    /// The session is over, for this reason.
    pub(super) fn remove(&mut self, session: SessionId, why: Close) -> Option<Live> {
        let live = self.live.remove(&session)?;
        if ENDED <= self.ended.len() {
            self.ended.pop_front();
        }
        self.ended.push_back((session, why));
        Some(live)
    }

    /// Why a session that isn't live ended; `Lost` if that is long ago or there never was one.
    pub(super) fn why_ended(&self, session: SessionId) -> Close {
        let known = self.ended.iter().rev().find(|(ended, _)| *ended == session);
        known.map_or(Close::Lost, |(_, why)| *why)
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    /// Sessions of this technician.
    pub(super) fn of_technician(&self, technician: ActorId) -> Vec<SessionId> {
        let theirs = self.live.values().filter(|live| live.row.technician == technician);
        theirs.map(|live| live.row.id).collect()
    }

    /// The end is there, or away since `now`.
    pub(super) fn mark(&mut self, end: Rid, away: Option<Instant>) {
        for live in self.live.values_mut() {
            if let Some(side) = live.side(end) {
                *side = away;
            }
        }
    }

    /// Sessions with an end that has been away for `patience`.
    pub(super) fn absent(&self, patience: Duration, now: Instant) -> Vec<SessionId> {
        let over = |since: &Instant| patience <= now.saturating_duration_since(*since);
        let lost = self.live.values().filter(|live| live.away.iter().flatten().any(over));
        lost.map(|live| live.row.id).collect()
    }

    /// An ending that the record would not take.
    pub(super) fn keep_ending(&mut self, session: SessionId, event: Event) {
        self.unrecorded.push((session, event));
    }

    /// All of them, to be tried again.
    pub(super) fn take_endings(&mut self) -> Vec<(SessionId, Event)> {
        std::mem::take(&mut self.unrecorded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    #[test]
    fn a_session_is_absent_once_one_end_has_been_away_long_enough() {
        let now = Instant::now();
        let minute = Duration::from_secs(60);
        let row = SessionRow {
            id: SessionId([1; 16]),
            host_key: Fingerprint([1; 32]),
            viewer_key: Fingerprint([2; 32]),
            technician: ActorId([3; 16]),
        };
        let mut sessions = Sessions::default();
        let live = sessions.insert(row, None);
        assert!(sessions.absent(minute, now + minute).is_empty());
        sessions.mark(live.viewer(), Some(now));
        assert!(sessions.absent(minute, now + minute - Duration::from_nanos(1)).is_empty());
        assert_eq!(sessions.absent(minute, now + minute), [SessionId([1; 16])]);
        sessions.mark(live.viewer(), None);
        assert!(sessions.absent(minute, now + minute).is_empty());
        assert_eq!(sessions.of_technician(ActorId([3; 16])), [SessionId([1; 16])]);
        assert_eq!(sessions.why_ended(SessionId([1; 16])), Close::Lost);
        assert!(sessions.remove(SessionId([1; 16]), Close::TechnicianRemoved).is_some());
        assert_eq!(sessions.why_ended(SessionId([1; 16])), Close::TechnicianRemoved);
        assert!(live.has(live.host()) && !live.has(Rid::of(&Fingerprint([9; 32]))));
    }
}
