//! Updates and bits per second over the last two seconds. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// What counts.
const SPAN: Duration = Duration::from_secs(2);

/// Looks that are kept, at most; more often than that is not looked.
const MOST: usize = 64;

/// A counter of what comes.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// When, updates until then, bytes until then; oldest first.
    looks: VecDeque<(Instant, u64, u64)>,
}

/// What came, by the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    /// Updates.
    pub(super) updates: u64,
    /// Kilobits.
    pub(super) kbit: u64,
}

impl Rates {
    /// Looks at the counters, which only grow.
    pub(super) fn look(&mut self, now: Instant, updates: u64, bytes: u64) -> Rate {
        let is_old = |look: &(Instant, u64, u64)| SPAN < now.saturating_duration_since(look.0);
        // The newest of the old ones is where the span begins.
        while self.looks.get(1).is_some_and(is_old) {
            self.looks.pop_front();
        }
        let soon = |look: &(Instant, u64, u64)| now.saturating_duration_since(look.0) < SPAN / 32;
        if !self.looks.back().is_some_and(soon) && self.looks.len() < MOST {
            self.looks.push_back((now, updates, bytes));
        }
        let Some((since, first, start)) = self.looks.front() else { return Rate::default() };
        // The first moments would make a rate of nothing.
        let ms =
            u64::try_from(now.saturating_duration_since(*since).as_millis()).unwrap_or(u64::MAX).max(500);
        let (updates, bytes) = (updates.saturating_sub(*first), bytes.saturating_sub(*start));
        Rate { updates: updates.saturating_mul(1_000).div_ceil(ms), kbit: bytes.saturating_mul(8) / ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_seconds_count() {
        let (start, mut rates) = (Instant::now(), Rates::default());
        for step in 0..100_u64 {
            let rate = rates.look(start + Duration::from_millis(step * 100), step * 3, step * 12_500);
            if 30 < step {
                assert!((29..=31).contains(&rate.updates) && (990..=1_010).contains(&rate.kbit), "{rate:?}");
            }
        }
        let later = start + Duration::from_secs(20);
        rates.look(later, 297, 1_237_500);
        let idle = rates.look(later + Duration::from_secs(3), 297, 1_237_500);
        assert_eq!(idle, Rate::default());
    }
}
