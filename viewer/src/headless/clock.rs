//! The monotonic clock of the `t_ns` in events. On Linux it is `CLOCK_MONOTONIC` itself, so that another program on
//! the same machine can compare; elsewhere it counts from the program's start.

#[cfg_attr(target_os = "linux", path = "origin_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "origin_other.rs")]
mod origin;

use std::time::Instant;

/// Turns instants into nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    start_ns: u64,
}

impl Clock {
    /// A clock that knows instants from now on.
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), start_ns: origin::now_ns() }
    }

    /// `at` in ns; the start for earlier ones.
    pub(super) fn ns(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start).as_nanos();
        self.start_ns.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn counts_nanoseconds_from_its_origin() {
        let clock = Clock::start();
        let at = clock.start + Duration::from_micros(3);
        assert_eq!(clock.ns(at), clock.start_ns + 3_000);
        assert!(clock.start_ns <= origin::now_ns());
    }
}
