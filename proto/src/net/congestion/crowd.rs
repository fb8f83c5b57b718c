//! A queue that somebody else fills: since when it stands although our window is small, and how long it is then.

use std::time::{Duration, Instant};

/// More waiting than this, for so long, whatever we do: somebody else fills the queue.
pub(super) const CROWD: Duration = Duration::from_millis(100);
const CROWDED: Duration = Duration::from_secs(2);

/// While we lie low, this much waiting is somebody else's.
pub(super) const THEIRS: Duration = Duration::from_millis(25);

/// Somebody else's queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crowd {
    /// Since when it is longer than any that we want, and our window then.
    since: Option<(Instant, u64)>,
    /// How long it was while we lay low.
    theirs: Duration,
}

impl Crowd {
    /// A round's queue, and our window in bytes.
    pub(super) fn handle_round(&mut self, queue: Duration, window: u64, now: Instant) {
        self.since = if queue <= CROWD { None } else { self.since.or(Some((now, window))) };
    }

    /// Our window when the crowd came, if it stays.
    pub(super) fn window(&self, now: Instant) -> Option<u64> {
        self.since
            .filter(|(since, _)| CROWDED <= now.saturating_duration_since(*since))
            .map(|(_, window)| window)
    }

    /// We stop lying low, for the first time.
    pub(super) fn handle_met(&mut self, queue: Duration) {
        self.theirs = queue;
    }

    /// We have lain low once more; false if there is nobody.
    pub(super) fn handle_rest(&mut self, queue: Duration) -> bool {
        self.theirs = self.theirs.max(queue);
        THEIRS < queue
    }

    /// True while the queue is no longer than they make it without us.
    pub(super) fn leaves_room(&self, queue: Duration) -> bool {
        queue <= self.theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_what_stays_for_two_seconds_and_leaves_the_room_that_it_has_made() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut crowd = Crowd::default();
        for (at, queue, window, expected) in [
            (0, 101, 50_000, None),
            (1_999, 300, 9_000, None),
            (2_000, 300, 5_000, Some(50_000)),
            (2_100, 100, 5_000, None),
            (2_200, 101, 7_000, None),
            (4_200, 400, 5_000, Some(7_000)),
        ] {
            let now = start + ms(at);
            crowd.handle_round(ms(queue), window, now);
            assert_eq!(crowd.window(now), expected, "{at} ms");
        }
        crowd.handle_met(ms(300));
        assert!(crowd.leaves_room(ms(300)) && !crowd.leaves_room(ms(301)));
        assert!(crowd.handle_rest(ms(500)), "they are still there, and more of them");
        assert!(crowd.leaves_room(ms(500)));
        assert!(!crowd.handle_rest(ms(25)), "nobody is there");
        assert!(crowd.leaves_room(ms(500)));
        crowd.handle_met(ms(120));
        assert!(!crowd.leaves_room(ms(121)), "others than before");
    }
}
