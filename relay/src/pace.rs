//! How often something may happen: a burst, then one more in each stretch of time. Pure; time comes in.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// Keys remembered by one brake, at most. Those that have used nothing up are forgotten first.
const MAX_KEYS: usize = 100_000;

/// A burst, then one more in each `every`.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// This many at once. INVARIANT: at least 1.
    pub burst: u32,
    /// One more after this time.
    pub every: Duration,
}

/// What one party has used up of its pace. New: nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// When it will have nothing used up.
    full: Option<Instant>,
}

impl Bucket {
    /// Once more; false if that is too often, and then it does not count.
    pub fn take(&mut self, pace: Pace, now: Instant) -> bool {
        let full = self.full.map_or(now, |full| full.max(now)) + pace.every;
        let fits = full.saturating_duration_since(now) <= pace.every.saturating_mul(pace.burst);
        if fits {
            self.full = Some(full);
        }
        fits
    }

    fn is_full(&self, now: Instant) -> bool {
        self.full.is_none_or(|full| full <= now)
    }
}

/// One bucket per key, all with one pace.
#[derive(Debug)]
pub struct Buckets<K> {
    pace: Pace,
    buckets: HashMap<K, Bucket>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// With this pace.
    pub fn new(pace: Pace) -> Self {
        Self { pace, buckets: HashMap::new() }
    }

    /// Once more by `key`; false if that is too often, or if too many others are at it to remember this one.
    pub fn take(&mut self, key: K, now: Instant) -> bool {
        if MAX_KEYS <= self.buckets.len() {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if MAX_KEYS <= self.buckets.len() && !self.buckets.contains_key(&key) {
            return false;
        }
        self.buckets.entry(key).or_default().take(self.pace, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_then_one_a_second() {
        let start = Instant::now();
        let pace = Pace { burst: 3, every: SECOND };
        let mut bucket = Bucket::default();
        let mut taken = |after: u32| (0..9).filter(|_| bucket.take(pace, start + SECOND * after)).count();
        assert_eq!([taken(0), taken(0), taken(1), taken(2), taken(4), taken(99)], [3, 0, 1, 1, 2, 3]);
    }

    #[test]
    fn keys_have_buckets_of_their_own_and_idle_ones_are_forgotten() {
        let start = Instant::now();
        let mut buckets = Buckets::new(Pace { burst: 1, every: SECOND });
        assert!(buckets.take(0, start) && !buckets.take(0, start) && buckets.take(1, start));
        for key in 2..MAX_KEYS {
            assert!(buckets.take(key, start));
        }
        assert!(!buckets.take(MAX_KEYS, start), "no room");
        assert!(buckets.take(MAX_KEYS, start + SECOND));
        assert_eq!(buckets.buckets.len(), 1);
    }
}
