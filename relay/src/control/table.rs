//! The sessions that have not ended: a pure table.
//!
//! ```text
//! open --the host says End--> ended
//!   |--an end stays away--> lost
//!   \--the viewer says End, its technician is removed, the host says End while facts are missing--> closing
//! closing --the host says End and nothing is missing, or it says nothing for 5 s, or it stays away, or it
//!            has come and gone for twice the time that an end may be away--> ended
//! ```
//! A closing session has no route any more; the host may still bring its last facts.

use crate::{directory::Outbox, forward::Traffic, record::SessionRow};
use nearhand_proto::{
    close::Close,
    control::SessionState,
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

/// How long the host of a closing session may be silent while it is registered.
pub(super) const LAST_FACTS: Duration = Duration::from_secs(5);

/// After this time a host sends again what was not acknowledged.
const AGAIN: Duration = Duration::from_secs(5);

/// One session.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// As it stands in the store.
    pub(super) row: SessionRow,
    /// What has been forwarded since this relay knows it.
    pub(super) traffic: Arc<Traffic>,
    /// The number of the next fact; the store may be ahead, never behind.
    pub(super) next: u64,
    /// Since when the host, and the viewer, is away.
    away: [Option<Instant>; 2],
    closing: Option<Closing>,
    /// Facts have come that the store did not take: the host will send them again.
    owed: bool,
    /// The host has left the session: it needs not be told to.
    host_left: bool,
}

#[derive(Clone, Copy, Debug)]
struct Closing {
    why: Close,
    since: Instant,
    /// When the host last said something of it, or registered.
    heard: Instant,
}

/// What time makes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It ends.
    End(Close),
    /// An end has stayed away.
    Lose,
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

    /// Why it is closing, if it is.
    pub(super) fn closing(&self) -> Option<Close> {
        self.closing.map(|closing| closing.why)
    }

    /// True if facts are missing that the host has sent: it will send them again.
    pub(super) fn is_owed(&self) -> bool {
        self.owed
    }

    /// True if the host has said that it left.
    pub(super) fn has_host_left(&self) -> bool {
        self.host_left
    }

    /// As one of its ends is told of it at registration.
    pub(super) fn state_for(&self, end: Rid) -> SessionState {
        let peer = if self.host() == end { self.viewer() } else { self.host() };
        SessionState { session: self.row.id, peer, next: self.next }
    }

    fn heard(&mut self, at: Instant) {
        if let Some(closing) = &mut self.closing {
            closing.heard = at;
        }
    }

    fn due(&self, absence: Duration, now: Instant) -> Option<Due> {
        let over = |patience: Duration, since: Instant| patience <= now.saturating_duration_since(since);
        let gone = |since: &Option<Instant>| since.is_some_and(|since| over(absence, since));
        let Some(Closing { why, since, heard }) = self.closing else {
            return self.away.iter().any(gone).then_some(Due::Lose);
        };
        let [host, _] = self.away;
        let silent = host.map_or_else(|| over(LAST_FACTS, heard), |since| over(absence, since));
        // However often the host comes and goes.
        let enough = over(absence.saturating_mul(2), since);
        (silent || enough).then_some(Due::End(why))
    }
}

/// All of them, and endings that still have to be recorded.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    live: HashMap<SessionId, Live>,
    ended: VecDeque<(SessionId, Close)>,
    unrecorded: HashMap<SessionId, Ending>,
}

/// An ending that still has to be recorded.
#[derive(Debug)]
struct Ending {
    event: Event,
    /// What the ends are told once that was done or tried.
    told: Outbox,
}

impl Sessions {
    /// A session has started, or was found in the store at start (then both ends are `away` since then).
    pub(super) fn insert(&mut self, row: SessionRow, next: u64, away: Option<Instant>) -> Live {
        let live = Live {
            row,
            traffic: Arc::default(),
            next,
            away: [away; 2],
            closing: None,
            owed: false,
            host_left: false,
        };
        self.live.insert(live.row.id, live.clone());
        live
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&Live> {
        self.live.get(&session)
    }

    /// All of one end, as host or viewer.
    pub(super) fn of_end(&self, end: Rid) -> Vec<Live> {
        self.live.values().filter(|live| live.has(end)).cloned().collect()
    }

    /// The session closes, for this reason. `None` if it does already, or is no more.
    pub(super) fn close(&mut self, session: SessionId, why: Close, now: Instant) -> Option<Live> {
        let live = self.live.get_mut(&session).filter(|live| live.closing.is_none())?;
        live.closing = Some(Closing { why, since: now, heard: now });
        Some(live.clone())
    }

    /// The session is over: for this reason, unless it was closing for another one.
    pub(super) fn remove(&mut self, session: SessionId, why: Close) -> Option<Live> {
        let live = self.live.remove(&session)?;
        if ENDED <= self.ended.len() {
            self.ended.pop_front();
        }
        self.ended.push_back((session, live.closing().unwrap_or(why)));
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

    /// Everybody who has a session that isn't closing.
    pub(super) fn technicians(&self) -> Vec<ActorId> {
        let open = self.live.values().filter(|live| live.closing.is_none());
        let mut all: Vec<_> = open.map(|live| live.row.technician).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The end is there.
    pub(super) fn mark_there(&mut self, end: Rid, now: Instant) {
        for live in self.live.values_mut() {
            if live.host() == end {
                live.away[0] = None;
                live.closing = live.closing.map(|closing| Closing { heard: now, ..closing });
            } else if live.viewer() == end {
                live.away[1] = None;
            }
        }
    }

    /// The end is away since now.
    pub(super) fn mark_away(&mut self, end: Rid, now: Instant) {
        for live in self.live.values_mut() {
            if live.host() == end {
                live.away[0] = Some(now);
            } else if live.viewer() == end {
                live.away[1] = Some(now);
            }
        }
    }

    /// The host has said in the session's facts that it left.
    pub(super) fn handle_host_left(&mut self, session: SessionId) {
        if let Some(live) = self.live.get_mut(&session) {
            live.host_left = true;
        }
    }

    /// The store has everything before `next`.
    pub(super) fn handle_recorded(&mut self, session: SessionId, next: u64, now: Instant) {
        if let Some(live) = self.live.get_mut(&session) {
            live.next = live.next.max(next);
            live.owed = false;
            live.heard(now);
        }
    }

    /// Facts have come and were not stored: a closing session waits until the host sends them again.
    pub(super) fn handle_owed(&mut self, session: SessionId, now: Instant) {
        if let Some(live) = self.live.get_mut(&session) {
            live.owed = true;
            live.heard(now + AGAIN);
        }
    }

    /// Sessions for which it is time; an end may be away for `absence`.
    pub(super) fn due(&self, absence: Duration, now: Instant) -> Vec<(SessionId, Due)> {
        let due = self.live.values().filter_map(|live| Some((live.row.id, live.due(absence, now)?)));
        due.collect()
    }

    /// An ending that is to be recorded, and what its ends are told then.
    pub(super) fn keep_ending(&mut self, session: SessionId, event: Event, told: Outbox) {
        self.unrecorded.insert(session, Ending { event, told });
    }

    /// All that still have to be recorded.
    pub(super) fn endings(&self) -> Vec<(SessionId, Event)> {
        self.unrecorded.iter().map(|(session, ending)| (*session, ending.event.clone())).collect()
    }

    /// The record has taken an ending, or not: then it stays, to be tried again. Returns what the ends are to be told,
    /// once.
    pub(super) fn handle_ending(&mut self, session: SessionId, recorded: bool) -> Outbox {
        let told = self.unrecorded.get_mut(&session).map(|ending| std::mem::take(&mut ending.told));
        if recorded {
            self.unrecorded.remove(&session);
        }
        told.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    const ID: SessionId = SessionId([1; 16]);
    const MINUTE: Duration = Duration::from_secs(60);

    fn table(now: Instant) -> (Sessions, Live, impl Fn(&Sessions, Duration) -> Option<Due>) {
        let row = SessionRow {
            id: ID,
            host_key: Fingerprint([1; 32]),
            viewer_key: Fingerprint([2; 32]),
            technician: ActorId([3; 16]),
        };
        let mut sessions = Sessions::default();
        let live = sessions.insert(row, 0, None);
        let due =
            move |sessions: &Sessions, after| sessions.due(MINUTE, now + after).first().map(|(_, due)| *due);
        (sessions, live, due)
    }

    #[test]
    fn a_session_is_lost_once_one_end_has_been_away_long_enough() {
        let now = Instant::now();
        let (mut sessions, live, due) = table(now);
        assert_eq!(due(&sessions, MINUTE), None);
        sessions.mark_away(live.viewer(), now);
        assert_eq!(due(&sessions, MINUTE - Duration::from_nanos(1)), None);
        assert_eq!(due(&sessions, MINUTE), Some(Due::Lose));
        sessions.mark_there(live.viewer(), now);
        assert_eq!(due(&sessions, MINUTE), None);
    }

    #[test]
    fn a_closing_session_waits_for_its_hosts_last_facts() {
        let now = Instant::now();
        let (mut sessions, live, due) = table(now);
        let left = Some(Due::End(Close::TechnicianLeft));
        assert!(sessions.close(ID, Close::TechnicianLeft, now).is_some());
        assert!(sessions.close(ID, Close::TechnicianRemoved, now).is_none(), "the first reason stands");
        sessions.mark_away(live.viewer(), now);
        assert_eq!(due(&sessions, LAST_FACTS - Duration::from_nanos(1)), None);
        assert_eq!(due(&sessions, LAST_FACTS), left);
        sessions.handle_recorded(ID, 1, now + LAST_FACTS);
        assert_eq!(due(&sessions, LAST_FACTS), None);
        assert_eq!(due(&sessions, LAST_FACTS * 2), left);
        sessions.handle_owed(ID, now + LAST_FACTS);
        assert!(sessions.get(ID).unwrap().is_owed());
        assert_eq!(due(&sessions, LAST_FACTS * 2), None, "it will send them again");
        assert_eq!(due(&sessions, LAST_FACTS * 2 + AGAIN), left);
        sessions.handle_owed(ID, now + MINUTE * 2);
        assert_eq!(due(&sessions, MINUTE * 2), left, "but not for ever");
        sessions.mark_away(live.host(), now + LAST_FACTS);
        assert_eq!(due(&sessions, MINUTE), None, "the host may come back");
        assert_eq!(due(&sessions, LAST_FACTS + MINUTE), left);
        assert!(sessions.remove(ID, Close::Done).is_some());
        assert_eq!(sessions.why_ended(ID), Close::TechnicianLeft);
    }

    #[test]
    fn a_host_that_comes_and_goes_does_not_keep_a_closed_session_open_for_ever() {
        let now = Instant::now();
        let (mut sessions, live, due) = table(now);
        assert!(sessions.close(ID, Close::TechnicianLeft, now).is_some());
        sessions.mark_away(live.host(), now);
        for second in 0..MINUTE.as_secs() * 2 {
            let after = Duration::from_secs(second);
            sessions.mark_there(live.host(), now + after);
            assert_eq!(due(&sessions, after), None, "{second} s: it may bring its facts");
            if second % 2 == 1 {
                sessions.mark_away(live.host(), now + after);
            }
        }
        assert_eq!(due(&sessions, MINUTE * 2), Some(Due::End(Close::TechnicianLeft)));
        sessions.mark_there(live.host(), now + MINUTE * 2);
        assert_eq!(due(&sessions, MINUTE * 2), Some(Due::End(Close::TechnicianLeft)));
    }

    #[test]
    fn sessions_are_found_by_their_ends_and_technicians() {
        let (mut sessions, live, _) = table(Instant::now());
        let technician = ActorId([3; 16]);
        assert_eq!(
            (sessions.of_technician(technician), sessions.technicians()),
            (vec![ID], vec![technician])
        );
        sessions.handle_recorded(ID, 7, Instant::now());
        sessions.handle_recorded(ID, 5, Instant::now());
        let of = |end| sessions.of_end(end).iter().map(|live| live.state_for(end)).collect::<Vec<_>>();
        assert_eq!(of(live.host()), [SessionState { session: ID, peer: live.viewer(), next: 7 }]);
        assert_eq!(of(live.viewer()), [SessionState { session: ID, peer: live.host(), next: 7 }]);
        assert!(of(Rid::of(&Fingerprint([9; 32]))).is_empty());
        assert_eq!(sessions.why_ended(ID), Close::Lost);
        assert!(sessions.remove(ID, Close::TechnicianRemoved).is_some());
        assert_eq!(sessions.why_ended(ID), Close::TechnicianRemoved);
    }
}
