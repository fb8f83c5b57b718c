//! What one round trip has shown.

use std::time::{Duration, Instant};

/// From `began` to the first acknowledgement of something that was sent after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    began: Instant,
    /// Of the trips from sent to acknowledged.
    pub(super) shortest: Option<Duration>,
    pub(super) longest: Duration,
    pub(super) samples: u32,
    /// The most that was in flight, in bytes.
    pub(super) peak: u64,
    pub(super) over: bool,
}

impl Round {
    /// Begins now.
    pub(super) fn new(began: Instant) -> Self {
        Self { began, shortest: None, longest: Duration::ZERO, samples: 0, peak: 0, over: false }
    }

    /// A datagram has been acknowledged that was sent then and took so long.
    pub(super) fn handle_trip(&mut self, sent: Instant, trip: Duration) {
        self.samples = self.samples.saturating_add(1);
        self.shortest = Some(self.shortest.map_or(trip, |shortest| shortest.min(trip)));
        self.longest = self.longest.max(trip);
        self.over |= self.began <= sent;
    }
}
