//! Sessions that are over here and not yet at the relay: their last facts, then their end. They outlive their session
//! until the relay has everything, so that neither a slow relay nor one that is away costs the record anything.

use crate::session::Facts;
use nearhand_proto::{
    close::Close,
    control::{SessionState, ToRelay},
    ids::SessionId,
    net::LinkHandle,
};
use std::time::Duration;
use tokio::time::Instant;

/// Sessions kept, at most; the relay loses older ones as an absent host's.
const MOST: usize = 16;

/// How often the relay may say that a session is over before facts that it does not have are given up.
const OFFERS: u8 = 4;

/// How often facts that found no room are tried again.
const STEP: Duration = Duration::from_secs(1);

struct Leftover {
    facts: Facts,
    why: Close,
    until: Instant,
    end_sent: bool,
    /// How often the relay has said that the session is over.
    ended: u8,
}

/// All of them.
pub(super) struct Leftovers {
    link: LinkHandle,
    all: Vec<Leftover>,
    /// When to look next.
    look: Instant,
}

impl Leftovers {
    pub(super) fn new(link: LinkHandle) -> Self {
        Self { link, all: Vec::new(), look: Instant::now() }
    }

    /// A session has ended. `until`: when the relay will have given it up.
    pub(super) fn push(&mut self, facts: Facts, why: Close, until: Instant) {
        if MOST <= self.all.len() {
            self.all.remove(0);
        }
        self.all.push(Leftover { facts, why, until, end_sent: false, ended: 0 });
        self.send();
    }

    /// The relay is back with these sessions. Those that are neither left over nor `running` are unknown here: ended.
    pub(super) fn handle_registered(&mut self, sessions: &[SessionState], running: Option<SessionId>) {
        let listed = |id| sessions.iter().find(|state| state.session == id);
        self.all.retain(|left| listed(left.facts.session()).is_some());
        for left in &mut self.all {
            left.end_sent = false;
            if let Some(state) = listed(left.facts.session()) {
                left.facts.handle_reregistered(state.next);
            }
        }
        for state in sessions.iter().filter(|state| Some(state.session) != running) {
            if !self.all.iter().any(|left| left.facts.session() == state.session) {
                self.link.send(ToRelay::End { session: state.session, why: Close::HostGone });
            }
        }
        self.send();
    }

    /// The relay has every fact of this session before `next`.
    pub(super) fn handle_recorded(&mut self, session: SessionId, next: u64) {
        if let Some(left) = self.all.iter_mut().find(|left| left.facts.session() == session) {
            left.facts.handle_recorded(next);
        }
        self.send();
    }

    /// The relay has ended this session. Facts that it does not have yet are offered again, a few times.
    pub(super) fn handle_ended(&mut self, session: SessionId) {
        for left in self.all.iter_mut().filter(|left| left.facts.session() == session) {
            left.ended += 1;
        }
        let over = |left: &Leftover| left.facts.is_settled() || OFFERS <= left.ended;
        self.all.retain(|left| left.facts.session() != session || !over(left));
    }

    /// Time has passed.
    pub(super) fn handle_time(&mut self) {
        let now = Instant::now();
        if now < self.look {
            return;
        }
        self.look = now + STEP;
        self.all.retain(|left| now < left.until);
        for left in &mut self.all {
            // The end is said again behind facts that are sent again.
            left.end_sent &= !left.facts.handle_time();
        }
        self.send();
    }

    /// When [`Leftovers::handle_time`] is due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.all.is_empty()).then_some(self.look)
    }

    /// True if the relay has everything.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The end of a session follows its last fact, on the same stream.
    fn send(&mut self) {
        for left in self.all.iter_mut().filter(|left| !left.end_sent) {
            if left.facts.flush() {
                self.link.send(ToRelay::End { session: left.facts.session(), why: left.why });
                left.end_sent = true;
            }
        }
    }
}
