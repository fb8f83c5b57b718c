//! What updates cost: a count, and percentiles of encoding and decoding over the last [`WINDOW`] of them.

use serde::Serialize;
use std::collections::VecDeque;

/// Updates that the percentiles look back on.
const WINDOW: usize = 4_096;

/// Two percentiles, in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Percentiles {
    /// Half of the updates took at most this.
    pub p50: f64,
    /// 19 in 20 took at most this.
    pub p95: f64,
}

/// Counts updates.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    updates: u64,
    /// µs of encoding and of decoding.
    spent: VecDeque<(u32, u32)>,
}

impl Figures {
    /// One more update, with its µs of encoding and decoding.
    pub(super) fn add(&mut self, encode_us: u32, decode_us: u32) {
        self.updates += 1;
        if WINDOW <= self.spent.len() {
            self.spent.pop_front();
        }
        self.spent.push_back((encode_us, decode_us));
    }

    /// Updates so far.
    pub(super) fn updates(&self) -> u64 {
        self.updates
    }

    /// Of encoding, on the host.
    pub(super) fn encode_ms(&self) -> Percentiles {
        percentiles(self.spent.iter().map(|spent| spent.0).collect())
    }

    /// Of decoding, here.
    pub(super) fn decode_ms(&self) -> Percentiles {
        percentiles(self.spent.iter().map(|spent| spent.1).collect())
    }
}

/// By the nearest rank; 0 of nothing.
fn percentiles(mut micros: Vec<u32>) -> Percentiles {
    micros.sort_unstable();
    let rank = |percent: usize| (micros.len() * percent).div_ceil(100).saturating_sub(1);
    let ms = |at: usize| micros.get(at).map_or(0.0, |micros| f64::from(*micros) / 1_000.0);
    Percentiles { p50: ms(rank(50)), p95: ms(rank(95)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks_of_the_last_ones() {
        let mut figures = Figures::default();
        assert_eq!(figures.encode_ms(), Percentiles::default());
        (1..=100).rev().for_each(|n| figures.add(n * 1_000, 500));
        assert_eq!(figures.encode_ms(), Percentiles { p50: 50.0, p95: 95.0 });
        assert_eq!(figures.decode_ms(), Percentiles { p50: 0.5, p95: 0.5 });
        (0..WINDOW).for_each(|_| figures.add(1_000, 1_000));
        assert_eq!(figures.encode_ms(), Percentiles { p50: 1.0, p95: 1.0 });
        assert_eq!(figures.updates(), 100 + u64::try_from(WINDOW).unwrap());
    }
}
