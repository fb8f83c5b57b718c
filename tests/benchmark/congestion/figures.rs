//! What arrives, and when.

use std::time::{Duration, Instant};

/// Arrivals, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    /// When, and how many bytes.
    bytes: Vec<(Instant, usize)>,
    /// When an update was whole, and how old its newest change was.
    ages: Vec<(Instant, Duration)>,
    /// When a datagram was sent, and how much longer than the path it took; nothing if it was lost.
    trips: Vec<(Instant, Option<Duration>)>,
}

/// Of one flow, from a moment on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    /// Payload, Mbit/s.
    pub(super) mbit_s: f64,
    /// Whole updates a second.
    pub(super) updates_s: f64,
    /// Age of an update when it is whole: median, 95th and 99th percentile, ms.
    pub(super) age_ms: [f64; 3],
    /// How long its datagrams waited in the queue: mean, ms.
    pub(super) queue_ms: f64,
    /// How many of its datagrams were lost, of a hundred.
    pub(super) lost: f64,
}

impl Figures {
    pub(super) fn arrived(&mut self, bytes: usize, now: Instant) {
        if bytes != 0 {
            self.bytes.push((now, bytes));
        }
    }

    pub(super) fn shown(&mut self, painted: Instant, now: Instant) {
        self.ages.push((now, now.saturating_duration_since(painted)));
    }

    pub(super) fn sent(&mut self, waited: Option<Duration>, now: Instant) {
        self.trips.push((now, waited));
    }

    /// What came between these moments.
    pub(super) fn summary(&self, from: Instant, until: Instant) -> Summary {
        let bytes: usize = self.bytes.iter().filter(|(at, _)| from <= *at).map(|(_, bytes)| bytes).sum();
        let mut ages: Vec<_> = self.ages.iter().filter(|(at, _)| from <= *at).map(|(_, age)| *age).collect();
        ages.sort_unstable();
        let trips: Vec<_> =
            self.trips.iter().filter(|(at, _)| from <= *at).map(|(_, waited)| *waited).collect();
        let waited: Duration = trips.iter().flatten().sum();
        let seconds = until.saturating_duration_since(from).as_secs_f64().max(f64::EPSILON);
        #[expect(clippy::cast_precision_loss, reason = "bytes and updates of a minute at most")]
        let [bytes, updates, sent, arrived] =
            [bytes, ages.len(), trips.len(), trips.iter().flatten().count()].map(|count| count as f64);
        Summary {
            mbit_s: bytes * 8.0 / 1e6 / seconds,
            updates_s: updates / seconds,
            age_ms: [50, 95, 99].map(|percent| percentile(&ages, percent)),
            queue_ms: waited.as_secs_f64() * 1e3 / arrived.max(1.0),
            lost: 100.0 * (sent - arrived) / sent.max(1.0),
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(f64::INFINITY, |age| age.as_secs_f64() * 1e3)
}
