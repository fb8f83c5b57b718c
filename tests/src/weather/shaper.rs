//! What becomes of one datagram after the other: pure, time and seed come in.

use super::{Loss, Shape};
use std::time::{Duration, Instant};

/// What a shaper has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that came in.
    pub came: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped in a blackout.
    pub dark: u64,
    /// Dropped for their size.
    pub too_long: u64,
    /// Dropped because the queue was full.
    pub queue_full: u64,
    /// Held back.
    pub reordered: u64,
    /// Sent twice.
    pub doubled: u64,
    /// With a bit flipped.
    pub corrupted: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.came += other.came;
        self.lost += other.lost;
        self.dark += other.dark;
        self.too_long += other.too_long;
        self.queue_full += other.queue_full;
        self.reordered += other.reordered;
        self.doubled += other.doubled;
        self.corrupted += other.corrupted;
    }
}

/// One direction of one end's path.
#[derive(Debug)]
pub struct Shaper {
    shape: Shape,
    random: fastrand::Rng,
    began: Instant,
    /// The bad state of the loss model.
    is_bad: bool,
    /// When the bottleneck will have sent all that it has taken.
    free: Instant,
    /// When the datagram before this one arrives.
    last: Instant,
    counts: Counts,
}

impl Shaper {
    /// A path that begins `now`.
    pub fn new(shape: Shape, seed: u64, now: Instant) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { shape, random, began: now, is_bad: false, free: now, last: now, counts: Counts::default() }
    }

    /// From now on the network is like this.
    pub fn set(&mut self, shape: Shape) {
        self.shape = shape;
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// A datagram comes in; returns when what arrives: nothing, itself, or itself twice.
    pub fn pass(&mut self, mut bytes: Vec<u8>, now: Instant) -> Vec<(Instant, Vec<u8>)> {
        self.counts.came += 1;
        if self.shape.blackout.is_some_and(|blackout| blackout.is_at(now.duration_since(self.began))) {
            self.counts.dark += 1;
            return Vec::new();
        }
        if self.shape.mtu.is_some_and(|mtu| mtu < bytes.len()) {
            self.counts.too_long += 1;
            return Vec::new();
        }
        if self.is_lost() {
            self.counts.lost += 1;
            return Vec::new();
        }
        let Some(sent) = self.send(bytes.len(), now) else {
            self.counts.queue_full += 1;
            return Vec::new();
        };
        let on_time = (sent + self.shape.delay + self.shape.jitter.mul_f64(self.random.f64())).max(self.last);
        let mut at = on_time;
        if self.happens(self.shape.reorder.share) {
            let by = &self.shape.reorder.by;
            at += by.start + by.end.saturating_sub(by.start).mul_f64(self.random.f64());
            self.counts.reordered += 1;
        } else {
            self.last = on_time;
        }
        if self.happens(self.shape.corrupt) && !bytes.is_empty() {
            let byte = self.random.usize(..bytes.len());
            bytes[byte] ^= 1 << self.random.u8(..8);
            self.counts.corrupted += 1;
        }
        if self.happens(self.shape.duplicate) {
            self.counts.doubled += 1;
            return vec![(at, bytes.clone()), (at, bytes)];
        }
        vec![(at, bytes)]
    }

    fn happens(&mut self, share: f64) -> bool {
        0.0 < share && self.random.f64() < share
    }

    fn is_lost(&mut self) -> bool {
        let Loss { share, burst } = self.shape.loss;
        if burst <= 1.0 {
            return self.happens(share);
        }
        let change =
            if self.is_bad { 1.0 / burst } else { share / (burst * (1.0 - share).max(f64::EPSILON)) };
        self.is_bad ^= self.happens(change);
        self.is_bad
    }

    /// When the bottleneck has sent this datagram, if there is room for it in the queue.
    fn send(&mut self, length: usize, now: Instant) -> Option<Instant> {
        let Some(rate) = self.shape.rate else { return Some(now) };
        let begins = self.free.max(now);
        if self.shape.queue < begins.duration_since(now) {
            return None;
        }
        let bits = u64::try_from(length).unwrap_or(u64::MAX).saturating_mul(8);
        self.free = begins + Duration::from_nanos(bits.saturating_mul(1_000_000_000) / rate.max(1));
        Some(self.free)
    }
}

#[cfg(test)]
mod tests;
