//! Sessions on the relay's side: opening and re-opening the route, and every way to end.

use super::{
    Hub,
    connection::{End, Turn},
    errands::Errand,
    table::Live,
};
use crate::record::SessionRow;
use nearhand_proto::{
    close::Close,
    control::{Role, SessionState, ToEnd, ToRelay},
    ids::{ClaimId, SessionId},
    record::{Entry, Event},
    route::Rid,
};
use std::time::Instant;

/// A session of an end that has just registered.
pub(super) struct Returning {
    live: Live,
    removed: bool,
}

impl End {
    /// Sessions of this end that have not ended. The table has them, also while the store is away.
    pub(super) fn returning_sessions(&self) -> Vec<Returning> {
        let known = self.hub.sessions().of_end(self.rid);
        let mut returning = Vec::with_capacity(known.len());
        for live in known {
            let removed = live.closing().is_none() && self.hub.is_removed(live.row.technician);
            returning.push(Returning { live, removed });
        }
        returning
    }

    /// As they are told at registration.
    pub(super) fn states(&self, returning: &[Returning]) -> Vec<SessionState> {
        returning.iter().map(|session| session.live.state_for(self.rid)).collect()
    }

    /// After registration: the routes open again where the other end is there as well and the technician still is
    /// one. Of a closing session, the end learns that it is over.
    pub(super) async fn reopen(&self, returning: Vec<Returning>) {
        self.hub.sessions().mark_there(self.rid, Instant::now());
        for Returning { live, removed } in returning {
            let session = live.row.id;
            if live.closing().is_some() {
                self.hub.tell_closing(&live, &[self.rid]);
            } else if removed {
                self.hub.close_session(session, Close::TechnicianRemoved);
            } else {
                self.hub.paired(self.rid);
                self.hub.open_route(session);
                let event = Event::SessionReconnected { end: self.role };
                self.hub.note(session, self.key.fingerprint().actor(), event).await;
            }
        }
    }

    /// Host: facts of a session.
    pub(super) fn record(&mut self, session: SessionId, entries: Vec<Entry>) -> Turn {
        if ToRelay::MAX_ENTRIES < entries.len() {
            return Err(Close::Protocol);
        }
        self.errands.push(Errand::Record(session, entries))
    }

    /// Either: the session is over. What the host says comes after its facts and ends it; a viewer only leaves.
    pub(super) async fn end_session(&mut self, session: SessionId, why: Close) -> Turn {
        if self.role == Role::Host {
            return self.errands.push(Errand::End(session, hosts_reason(why)));
        }
        let own = self.hub.sessions().get(session).filter(|live| live.viewer() == self.rid).cloned();
        match own.map(|live| live.closing()) {
            Some(None) => {
                self.hub.close_session(session, Close::TechnicianLeft);
                Ok(())
            }
            Some(Some(why)) => self.send(ToEnd::Ended { session, why }).await,
            // Ended already: say so again, a viewer that has reconnected may not know.
            None => self.send(self.hub.ended(session)).await,
        }
    }
}

/// What a host may give as the reason of an end.
fn hosts_reason(why: Close) -> Close {
    match why {
        Close::Done
        | Close::UserStopped
        | Close::Reported
        | Close::Declined
        | Close::NoAnswer
        | Close::TechnicianLeft
        | Close::NoScreen
        | Close::Lost
        | Close::Protocol
        | Close::TooSlow
        | Close::HostGone => why,
        _ => Close::Internal,
    }
}

impl Hub {
    /// Knows the sessions that the store has open, each with the next number of its facts, at start: both ends are
    /// away until they register.
    pub fn load_sessions(&self, sessions: Vec<(SessionRow, u64)>, now: Instant) {
        for (row, next) in sessions {
            self.sessions().insert(row, next, Some(now));
        }
    }

    /// A committed session begins: route open, both ends told. A technician who was removed meanwhile does not get
    /// that far; from here on whoever removes one finds it in the table.
    pub(super) async fn open_session(&self, claim: ClaimId, row: SessionRow) {
        let (session, technician) = (row.id, row.technician);
        let live = self.sessions().insert(row, 0, None);
        let (host, viewer) = (live.host(), live.viewer());
        let now = Instant::now();
        // One that left while the start was committed: the session waits for it.
        [host, viewer].into_iter().for_each(|end| self.mark_if_away(end, now));
        if self.is_removed(technician) || self.route(session).is_none() {
            let why = Close::TechnicianRemoved;
            self.deliver([host, viewer].map(|end| (end, ToEnd::Withdrawn { claim, why })).into());
            return self.end_session(session, why).await;
        }
        self.paired(host);
        self.paired(viewer);
        let paired = |peer| ToEnd::Paired { claim, session, peer };
        self.deliver(vec![(host, paired(viewer)), (viewer, paired(host))]);
    }

    /// The route of a running session opens as soon as both ends are there.
    fn open_route(&self, session: SessionId) {
        if let Some((live, true)) = self.route(session) {
            tracing::info!(%session, "route open again");
            let open = [live.host(), live.viewer()].map(|end| (end, ToEnd::RouteOpen(session)));
            self.deliver(open.into());
        }
    }

    /// An end has moved: what its sessions sent to its old address is lost, and both ends are told to speak up rather than
    /// to wait for their probe timeouts.
    pub(super) fn announce_routes(&self, rid: Rid) {
        for live in self.sessions().of_end(rid) {
            if live.closing().is_none() {
                let open = [live.host(), live.viewer()].map(|end| (end, ToEnd::RouteOpen(live.row.id)));
                self.deliver(open.into());
            }
        }
    }

    /// Opens the route of a session, if both ends are there: true. `None` if the session is closing or over; the
    /// lock makes sure that whoever closes it shuts the route after this.
    fn route(&self, session: SessionId) -> Option<(Live, bool)> {
        let sessions = self.sessions();
        let live = sessions.get(session).filter(|live| live.closing().is_none())?;
        let open = self.routes().open(session, live.host(), live.viewer(), &live.traffic);
        Some((live.clone(), open))
    }

    /// A session is over for its ends: route shut, both told. It ends when its host has brought its last facts.
    pub(super) fn close_session(&self, session: SessionId, why: Close) {
        let Some(live) = self.sessions().close(session, why, Instant::now()) else { return };
        self.routes().shut(session);
        tracing::info!(%session, why = why.name(), "session closing");
        self.tell_closing(&live, &[live.host(), live.viewer()]);
    }

    /// Tells these ends that their session is over; but not a host that has left it and brings its last facts: it
    /// would take it that they are not wanted any more.
    fn tell_closing(&self, live: &Live, ends: &[Rid]) {
        let Some(why) = live.closing() else { return };
        let told = ends.iter().filter(|end| **end != live.host() || !live.has_host_left());
        let ended = ToEnd::Ended { session: live.row.id, why };
        self.deliver(told.map(|end| (*end, ended.clone())).collect());
    }

    /// Ends a session: route shut, `session.end` on record, both ends told. One that was closing ends for that reason,
    /// and its viewer knows.
    pub(super) async fn end_session(&self, session: SessionId, why: Close) {
        let Some(live) = self.shut(session, why) else { return };
        let reason = live.closing().unwrap_or(why);
        let (bytes, packets) = (live.traffic.bytes(), live.traffic.packets());
        let event = match reason {
            // The host says that its viewer stayed away: nobody ended that session.
            Close::Lost => Event::SessionLost { reason },
            _ => Event::SessionEnd { reason, bytes, packets },
        };
        let ends: &[Rid] = match live.closing() {
            None => &[live.host(), live.viewer()],
            Some(_) => &[live.host()],
        };
        self.finish(session, event, ends, reason).await;
    }

    /// A session that nobody ended: `session.lost` on record, never an invented end.
    pub(super) async fn lose_session(&self, session: SessionId, why: Close) {
        let Some(live) = self.shut(session, why) else { return };
        let ends = [live.host(), live.viewer()];
        self.finish(session, Event::SessionLost { reason: why }, &ends, why).await;
    }

    fn shut(&self, session: SessionId, why: Close) -> Option<Live> {
        let live = self.sessions().remove(session, why)?;
        self.routes().shut(session);
        tracing::info!(%session, why = why.name(), "session over");
        Some(live)
    }

    /// Records an ending, then tells these ends. It is kept until it is recorded: whoever waits here may be dropped.
    async fn finish(&self, session: SessionId, event: Event, ends: &[Rid], why: Close) {
        let told = ends.iter().map(|end| (*end, ToEnd::Ended { session, why })).collect();
        self.sessions().keep_ending(session, event.clone(), told);
        self.record_ending(session, event).await;
    }

    /// Does nothing to a session whose ending is on record already.
    async fn record_ending(&self, session: SessionId, event: Event) {
        let recorded = self.recorder.end_session(session, event).await;
        if let Err(error) = &recorded {
            tracing::error!(%error, %session, "ending not recorded, will be tried again");
        }
        let told = self.sessions().handle_ending(session, recorded.is_ok());
        self.deliver(told);
    }

    /// Records the endings that are not on record yet.
    pub async fn retry_endings(&self) {
        let endings = self.sessions().endings();
        for (session, event) in endings {
            self.record_ending(session, event).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_can_not_blame_others_for_an_end() {
        let passed = Close::ALL.iter().filter(|why| hosts_reason(**why) == **why).count();
        assert_eq!(passed, 12, "eleven reasons of its own, and that something failed");
        for other in
            [Close::TechnicianRemoved, Close::RelayStopping, Close::WrongCode, Close::RecordUnavailable]
        {
            assert_eq!(hosts_reason(other), Close::Internal);
        }
    }
}
