//! Notices that somebody has set the wall clock, or that the machine was suspended: it and the monotonic clock no longer agree on
//! how much time has passed. The record's times are the wall clock's, so an auditor must be told; its order and every deadline are not (monotonic clock).
//! Pure; both times come in.

use std::time::{Duration, Instant};

/// Less than this between two looks is no step: a clock that NTP slews runs wrong by 0.5 ms a second, and a busy machine
/// reads the two clocks at different moments.
const STEP_MS: u64 = 2_000;

/// Both clocks at the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clocks {
    last: Option<(Instant, u64)>,
}

impl Clocks {
    /// Looks at both clocks, about once a second; `wall_ms` is milliseconds since the Unix epoch. How many milliseconds the
    /// wall clock went further than the other since the last look, if it did; less far if negative.
    pub(crate) fn look(&mut self, now: Instant, wall_ms: u64) -> Option<i64> {
        let (then, before) = self.last.replace((now, wall_ms))?;
        let expected = before.saturating_add(ms(now.saturating_duration_since(then)));
        if wall_ms.abs_diff(expected) < STEP_MS {
            return None;
        }
        let by = i128::from(wall_ms) - i128::from(expected);
        Some(i64::try_from(by).unwrap_or(if by < 0 { i64::MIN } else { i64::MAX }))
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_once_and_slow_clocks_are_none() {
        let start = Instant::now();
        let mut clocks = Clocks::default();
        let mut check = |second, wall_ms, expected| {
            let now = start + Duration::from_secs(second);
            assert_eq!(clocks.look(now, wall_ms), expected, "after {second} s: {wall_ms}");
        };
        check(0, 1_000_000, None);
        check(1, 1_001_000, None);
        check(2, 1_003_999, None);
        check(3, 1_005_000, None);
        check(4, 4_606_000, Some(3_600_000));
        check(5, 4_607_000, None);
        check(6, 4_008_000, Some(-600_000));
        check(7, 0, Some(-4_009_000));
        check(8, u64::MAX, Some(i64::MAX));
        check(9, 5, Some(i64::MIN));
    }

    #[test]
    fn four_hundred_days_between_two_looks_are_no_step() {
        const DAYS: u64 = 400 * 24 * 3_600;
        let start = Instant::now();
        let mut clocks = Clocks::default();
        assert_eq!(clocks.look(start, 7), None);
        assert_eq!(clocks.look(start + Duration::from_secs(DAYS), 7 + DAYS * 1_000), None);
        assert_eq!(clocks.look(start + Duration::from_secs(DAYS), DAYS * 1_000 - 9_993), Some(-10_000));
    }
}
