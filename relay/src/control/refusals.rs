//! Refused handshakes, registrations and wishes go to the record in bundles: an attacker who makes thousands makes one
//! entry a second.

use super::Hub;
use nearhand_proto::{
    ids::SessionId,
    record::{Event, Text},
};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// At most one entry in this time.
const BUNDLE: Duration = Duration::from_secs(1);

/// Refusals not recorded yet.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    count: u64,
    reason: String,
    last: Option<Instant>,
}

impl Refusals {
    /// One more, with its reason. Returns what to record now, if it is time.
    fn handle(&self, reason: Option<String>, now: Instant) -> Option<(String, u64)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = reason {
            state.count += 1;
            state.reason = reason;
        }
        let due = state.last.is_none_or(|last| BUNDLE <= now.saturating_duration_since(last));
        if !due || state.count == 0 {
            return None;
        }
        state.last = Some(now);
        Some((std::mem::take(&mut state.reason), std::mem::take(&mut state.count)))
    }
}

impl Hub {
    /// Somebody was refused; or, with no reason, time has passed. Housekeeping writes the bundle.
    pub(super) fn handshake_refused(&self, reason: Option<String>) {
        if let Some((reason, count)) = self.refusals.handle(reason, Instant::now()) {
            let event = Event::HandshakeRefused { reason: Text::new(reason), count };
            self.later.push(SessionId::NONE, self.config.actor, event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_a_second_and_none_lost() {
        let now = Instant::now();
        let refusals = Refusals::default();
        assert_eq!(refusals.handle(Some("a".into()), now), Some(("a".into(), 1)));
        assert_eq!(refusals.handle(Some("b".into()), now), None);
        assert_eq!(refusals.handle(Some("c".into()), now), None);
        assert_eq!(refusals.handle(None, now + BUNDLE), Some(("c".into(), 2)));
        assert_eq!(refusals.handle(None, now + BUNDLE * 2), None);
    }
}
