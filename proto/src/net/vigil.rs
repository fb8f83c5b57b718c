//! Notices a peer that makes quinn work or remember for nothing: streams reset as soon as they are opened (the "rapid reset" of
//! HTTP/2), connection ids taken back without end, paths challenged again and again. quinn 0.11 keeps an id to be issued for
//! each one that is taken back, however many wait, as long as nothing is acknowledged.
//!
//! Each is lawful for itself (RFC 9000 §3.4, §19.16, §8.2), so QUIC has no limit for it, and we need one: whoever looks hangs up
//! with [`crate::close::Close::Protocol`].

use quinn::ConnectionStats;
use std::time::{Duration, Instant};

/// Within this stretch of time
const STRETCH: Duration = Duration::from_secs(10);

/// no more than this of a kind. An end that changes its address once a second takes a tenth of it.
const MOST: u64 = 200;

/// What a peer has sent of each kind, at one moment: resets, ids, challenges.
type Counts = [u64; 3];

/// What was seen at the beginning of the stretch of time that runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vigil {
    began: Option<(Instant, Counts)>,
}

impl Vigil {
    /// Looks at the counters, about once a second. False if the peer is to be hung up.
    pub fn look(&mut self, stats: &ConnectionStats, now: Instant) -> bool {
        let counts = counts(stats);
        let (since, before) = *self.began.get_or_insert((now, [0; 3]));
        let grew = |(count, before): (&u64, &u64)| count.saturating_sub(*before);
        let most = counts.iter().zip(&before).map(grew).max().unwrap_or_default();
        if STRETCH <= now.saturating_duration_since(since) {
            self.began = Some((now, counts));
        }
        most <= MOST
    }
}

fn counts(stats: &ConnectionStats) -> Counts {
    let heard = &stats.frame_rx;
    [
        heard.reset_stream.saturating_add(heard.stop_sending),
        heard.new_connection_id.saturating_add(heard.retire_connection_id),
        heard.path_challenge,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangs_up_on_who_does_too_much_of_a_kind_in_ten_seconds() {
        let start = Instant::now();
        let mut vigil = Vigil::default();
        let mut check = |second, resets, ids, expected| {
            let mut stats = ConnectionStats::default();
            stats.frame_rx.reset_stream = resets;
            stats.frame_rx.retire_connection_id = ids;
            let now = start + Duration::from_secs(second);
            assert_eq!(vigil.look(&stats, now), expected, "{second}: {resets} {ids}");
        };
        check(0, 0, 7, true);
        check(1, 200, 7, true);
        check(10, 200, 200, true);
        check(11, 400, 207, true);
        check(12, 401, 207, false);
        check(13, 400, 401, false);
    }
}
