//! What a network does to datagrams: one [`Shape`] for each direction, and the named links of the ladder.

use std::{ops::Range, time::Duration};

/// Loss: independent, or in bursts by the Gilbert-Elliott model with a bad state that loses everything (Gilbert 1960).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Share of datagrams lost in the long run, 0 to 1.
    pub share: f64,
    /// Mean length of a burst, in datagrams; up to 1: each is lost by itself.
    pub burst: f64,
}

/// Some datagrams are held back, so that later ones overtake them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reorder {
    /// Share of datagrams held back, 0 to 1.
    pub share: f64,
    /// For how long.
    pub by: Range<Duration>,
}

/// Nothing passes for a while, again and again, counted from the moment when the end sent its first datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blackout {
    /// The first begins after this.
    pub after: Duration,
    /// Each lasts this long.
    pub lasts: Duration,
    /// They begin at this distance; none after the first without it.
    pub every: Option<Duration>,
}

impl Blackout {
    /// True if there is one at this age of the path.
    pub fn is_at(&self, age: Duration) -> bool {
        let Some(since) = age.checked_sub(self.after) else { return false };
        let phase = match self.every {
            Some(every) => Duration::from_nanos_u128(since.as_nanos() % every.as_nanos().max(1)),
            None => since,
        };
        phase < self.lasts
    }
}

/// One direction. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// On the way for at least this long.
    pub delay: Duration,
    /// And for up to this much longer, evenly spread; the order is kept.
    pub jitter: Duration,
    /// What gets lost.
    pub loss: Loss,
    /// What is overtaken.
    pub reorder: Reorder,
    /// Share of datagrams that arrive twice, 0 to 1.
    pub duplicate: f64,
    /// Share of datagrams of which one bit is flipped, 0 to 1.
    pub corrupt: f64,
    /// Bits of UDP payload a second; without it, any number.
    pub rate: Option<u64>,
    /// How much waiting the queue before the bottleneck holds; what would wait longer is dropped (tail drop).
    pub queue: Duration,
    /// The largest UDP payload that passes, in bytes; larger ones vanish without a word (a black hole).
    pub mtu: Option<usize>,
    /// When nothing passes.
    pub blackout: Option<Blackout>,
}

impl Shape {
    /// Nothing but a way of this length.
    pub fn delayed(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Nothing but independent loss.
    pub fn lossy(share: f64) -> Self {
        Self { loss: Loss { share, burst: 1.0 }, ..Self::default() }
    }
}

/// Both directions between an end and its relay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// From the end to the relay.
    pub up: Shape,
    /// From the relay to the end.
    pub down: Shape,
}

/// Links of the ladder.
const RUNGS: usize = 9;

impl Link {
    /// The same both ways.
    pub fn both(shape: Shape) -> Self {
        Self { up: shape.clone(), down: shape }
    }

    /// A rung of the ladder on which iroh tests its degraded links, 0 (good Wi-Fi) to 8 (past any real link): bursty
    /// loss, and the whole round-trip time on this one side.
    ///
    /// # Panics
    /// If there is no such rung.
    pub fn rung(rung: usize) -> Self {
        const M: u64 = 1_000_000;
        // bit/s, RTT ms, jitter ms, loss %, burst
        let table: [(u64, u64, u64, f64, f64); RUNGS] = [
            (100 * M, 16, 0, 0.1, 1.0),
            (25 * M, 40, 12, 1.0, 6.0),
            (8 * M, 90, 15, 2.0, 8.0),
            (3 * M, 200, 30, 3.0, 10.0),
            (3 * M / 2, 300, 40, 5.0, 12.0),
            (8 * M / 10, 450, 60, 8.0, 20.0),
            (25 * M, 600, 40, 1.5, 6.0),
            (M / 2, 450, 80, 12.0, 25.0),
            (256_000, 800, 150, 25.0, 40.0),
        ];
        let (rate, rtt, jitter, percent, burst) = table[rung];
        Self::both(Shape {
            delay: Duration::from_millis(rtt / 2),
            jitter: Duration::from_millis(jitter),
            loss: Loss { share: percent / 100.0, burst },
            rate: Some(rate),
            queue: Self::queue_of(rtt),
            ..Shape::default()
        })
    }

    /// Every rung of the ladder, the best first.
    pub fn ladder() -> impl Iterator<Item = (usize, Self)> {
        (0..RUNGS).map(|rung| (rung, Self::rung(rung)))
    }

    /// A queue as long as the round-trip time, as routers have it, but 100 ms at least.
    fn queue_of(rtt_ms: u64) -> Duration {
        Duration::from_millis(rtt_ms.max(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blackouts_come_again_only_if_told() {
        let second = Duration::from_secs;
        let once = Blackout { after: second(10), lasts: second(20), every: None };
        let dark = |blackout: &Blackout| (0..50).filter(|at| blackout.is_at(second(*at))).count();
        assert_eq!(dark(&once), 20);
        let again = Blackout { after: second(5), lasts: second(2), every: Some(second(7)) };
        assert_eq!((dark(&again), again.is_at(second(4)), again.is_at(second(12))), (14, false, true));
    }
}
