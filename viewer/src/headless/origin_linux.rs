//! Where the clock of events begins: `clock_gettime(2)`, `CLOCK_MONOTONIC`, which `Instant` follows as well.

use rustix::time::{ClockId, clock_gettime};

/// ns since some moment before the system's start.
pub(super) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}
