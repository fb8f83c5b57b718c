//! The shortest trip of late: how long the path is without a queue.

use std::time::{Duration, Instant};

/// A shortest trip that has not been seen again for this long has to be looked for.
const BELIEVED: Duration = Duration::from_secs(10);

/// Seen again: within so much of it, in which jitter may hide it.
const NEAR: Duration = Duration::from_millis(12);

/// After a pause of this length the path may be another, and nothing is known to be stale.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the path is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Base {
    trip: Option<Duration>,
    seen: Option<Instant>,
    round: Option<Instant>,
}

impl Base {
    /// The shortest trip; nothing before the first.
    pub(super) fn trip(&self) -> Duration {
        self.trip.unwrap_or_default()
    }

    /// A datagram was acknowledged after this long.
    pub(super) fn handle_trip(&mut self, trip: Duration) {
        self.trip = Some(self.trip.map_or(trip, |shortest| shortest.min(trip)));
    }

    /// The shortest trip of a round.
    pub(super) fn handle_round(&mut self, shortest: Duration, now: Instant) {
        let paused = self.round.is_none_or(|last| PAUSE < now.saturating_duration_since(last));
        if paused || shortest <= self.trip() + NEAR {
            self.seen = Some(now);
        }
        self.round = Some(now);
    }

    /// True if it must be looked for.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.seen.is_some_and(|seen| BELIEVED < now.saturating_duration_since(seen))
    }

    /// The queue was let drain, and this is the shortest trip that was seen: the path's length now.
    pub(super) fn handle_rest(&mut self, shortest: Duration, now: Instant) {
        self.trip = Some(shortest);
        self.seen = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_is_what_ten_seconds_of_rounds_have_not_seen_again() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut base = Base::default();
        base.handle_trip(ms(40));
        base.handle_trip(ms(90));
        assert_eq!(base.trip(), ms(40));
        let mut check = |at: u64, shortest: u64, expected: bool| {
            base.handle_round(ms(shortest), start + ms(at));
            assert_eq!(base.is_stale(start + ms(at)), expected, "{at}: {shortest}");
        };
        check(0, 40, false);
        check(500, 52, false);
        (1..=20).for_each(|half| check(500 + half * 500, 53, false));
        check(10_600, 53, true);
        check(10_700, 45, false);
        check(21_000, 80, false); // after a pause nothing is known
        base.handle_rest(ms(80), start + ms(21_000));
        assert_eq!(base.trip(), ms(80));
        base.handle_trip(ms(60));
        assert_eq!(base.trip(), ms(60));
    }
}
