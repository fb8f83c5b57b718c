//! Notices a session connection that has fallen silent. A NAT may have moved this end, and only a sign of life on the control
//! connection lets the relay learn it. Or the path works in one direction only: then the peer is heard, but never
//! acknowledges, and QUIC's own idle timer (RFC 9000 §10.1) would wait for as long as the peer speaks.

use super::IDLE;
use std::time::{Duration, Instant};

/// How often to look.
pub const LOOK: Duration = Duration::from_millis(150);

/// Who hears all the time and has nothing to say but acknowledgements (a long update on a slow path) is acknowledged nothing, as
/// QUIC's keep-alive waits for silence: after this it says something. Longer than the keep-alive of a session.
const SPEECHLESS: Duration = Duration::from_secs(8);

/// An answer has come after a round trip and this, the longest that QUIC's other end may wait before it acknowledges
/// (`max_ack_delay`, RFC 9000 §18.2).
const ANSWER: Duration = Duration::from_millis(25);

/// At most one probe in this time because of `Quiet`: a peer that speaks now and then falls silent each time.
const QUIET_PACE: Duration = Duration::from_secs(1);

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing to be done.
    Well,
    /// The peer has just fallen silent, or had when a probe would have been too early: probe the relay. (Nothing more: an
    /// answer of the peer's would end in silence, too.)
    Quiet,
    /// Something was sent and nothing heard, or heard and nothing acknowledged: [`kick`](super::kick) the connection. What was
    /// lost is sent again as soon as something newer arrives, while QUIC's own probes come at ever longer distances.
    Unheard {
        /// Probe the relay as well: the answer to the last probe could have come by now.
        probe: bool,
    },
    /// The peer has acknowledged nothing for [`IDLE`], though something is sent every few seconds (by the keep-alive, or because
    /// of `Unheard`): the connection is lost.
    Deaf,
}

/// Looks after one connection, from its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Watchdog {
    sent: u64,
    heard: u64,
    /// It was hearing at the last look.
    hears: bool,
    /// The peer has fallen silent, and the relay was not probed since.
    fell_silent: bool,
    /// When the relay was to be probed last, for whatever reason, and because of `Quiet`.
    probed: Option<Instant>,
    probed_quiet: Option<Instant>,
    /// The smoothed round-trip time: it moves with each new acknowledgement (RFC 9002 §5.3). Frames that acknowledge are no
    /// evidence, since quinn repeats the old ones in every packet.
    rtt: Duration,
    /// When the last new acknowledgement was seen.
    acked: Instant,
}

impl Watchdog {
    /// A connection begins.
    pub fn new(now: Instant) -> Self {
        Self {
            sent: 0,
            heard: 0,
            hears: false,
            fell_silent: false,
            probed: None,
            probed_quiet: None,
            rtt: Duration::ZERO,
            acked: now,
        }
    }

    /// Looks at the counters each [`LOOK`].
    pub fn look(&mut self, stats: &quinn::ConnectionStats, now: Instant) -> Sign {
        let (sent, heard, rtt) = (stats.udp_tx.datagrams, stats.udp_rx.datagrams, stats.path.rtt);
        let (sends, hears) = (self.sent < sent, self.heard < heard);
        self.fell_silent = !hears && !sends && (self.fell_silent || self.hears);
        if self.rtt != rtt {
            self.acked = now;
        }
        (self.sent, self.heard, self.hears, self.rtt) = (sent, heard, hears, rtt);
        let unacked = now.saturating_duration_since(self.acked);
        match (sends, hears) {
            _ if IDLE <= unacked => Sign::Deaf,
            (_, true) if SPEECHLESS <= unacked => self.unheard(now),
            (_, true) => Sign::Well,
            (true, false) => self.unheard(now),
            (false, false) if self.fell_silent => self.quiet(now),
            (false, false) => Sign::Well,
        }
    }

    /// On a short path each look may probe, on a long one that would be again and again before any answer can have come.
    fn unheard(&mut self, now: Instant) -> Sign {
        let pause = self.rtt.saturating_add(ANSWER);
        // Looks are about `LOOK` apart, sometimes a little less.
        let probe = pause <= LOOK || is_over(self.probed, pause, now);
        if probe {
            self.probed = Some(now);
        }
        Sign::Unheard { probe }
    }

    fn quiet(&mut self, now: Instant) -> Sign {
        if !is_over(self.probed_quiet, QUIET_PACE, now) {
            return Sign::Well; // owed
        }
        (self.fell_silent, self.probed, self.probed_quiet) = (false, Some(now), Some(now));
        Sign::Quiet
    }
}

/// So much time has passed since then, if ever.
fn is_over(then: Option<Instant>, pause: Duration, now: Instant) -> bool {
    then.is_none_or(|then| pause <= now.saturating_duration_since(then))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISY: Sign = Sign::Unheard { probe: true };
    const PATIENT: Sign = Sign::Unheard { probe: false };

    /// What a new watchdog sees at looks at which so much more was sent and heard, on a path of this round trip.
    fn seen(rtt_ms: u64, looks: &[(u64, u64)]) -> Vec<Sign> {
        let mut now = Instant::now();
        let mut dog = Watchdog::new(now);
        let mut stats = quinn::ConnectionStats::default();
        stats.path.rtt = Duration::from_millis(rtt_ms);
        let look = |(sent, heard): &(u64, u64)| {
            now += LOOK;
            stats.udp_tx.datagrams += sent;
            stats.udp_rx.datagrams += heard;
            dog.look(&stats, now)
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn quiet_once_when_the_peer_falls_silent_and_unheard_whenever_nothing_comes_back() {
        let looks = [(5, 5), (0, 0), (0, 0), (1, 0), (1, 0), (1, 1)];
        let expected = [Sign::Well, Sign::Quiet, Sign::Well, NOISY, NOISY, Sign::Well];
        assert_eq!(seen(50, &looks), expected);
    }

    #[test]
    fn the_relay_is_probed_again_only_when_an_answer_can_have_come() {
        let probes =
            |rtt_ms| seen(rtt_ms, &[(1, 0); 7]).into_iter().map(|sign| sign == NOISY).collect::<Vec<_>>();
        assert_eq!(probes(125), [true; 7]);
        assert_eq!(probes(126), [true, false, true, false, true, false, true]);
        assert_eq!(probes(300), [true, false, false, true, false, false, true]);
        let looks = [(5, 5), (0, 0), (1, 0), (1, 0), (1, 0), (1, 0)];
        let expected = [Sign::Well, Sign::Quiet, PATIENT, PATIENT, NOISY, PATIENT];
        assert_eq!(seen(300, &looks), expected, "a probe is a probe");
    }

    #[test]
    fn a_peer_that_falls_silent_again_and_again_draws_a_probe_a_second() {
        let looks: Vec<_> = (0..14).map(|at| (0, 1 - at % 2)).collect();
        let quiet = |looks: &[(u64, u64)]| -> Vec<usize> {
            let signs = seen(50, looks);
            (0..signs.len()).filter(|at| signs[*at] == Sign::Quiet).collect()
        };
        assert_eq!(quiet(&looks), [1, 9]);
        let falls_silent_for_good = [&looks[..4], &[(0, 0); 10]].concat();
        assert_eq!(quiet(&falls_silent_for_good), [1, 8], "owed, and not forgotten");
        let speaks_again = [&looks[..4], &[(0, 1); 10]].concat();
        assert_eq!(quiet(&speaks_again), [1]);
    }

    #[test]
    fn deaf_after_the_idle_time_without_acknowledgement_however_much_is_heard() {
        let start = Instant::now();
        let mut dog = Watchdog::new(start);
        let mut look = |second: u64, rtt| {
            let mut stats = quinn::ConnectionStats::default();
            stats.udp_tx.datagrams = second;
            stats.udp_rx.datagrams = second;
            stats.path.rtt = Duration::from_nanos(rtt);
            dog.look(&stats, start + Duration::from_secs(second))
        };
        assert_eq!((look(20, 1), look(27, 1), look(28, 1)), (Sign::Well, Sign::Well, NOISY));
        assert_eq!((look(49, 1), look(50, 1), look(51, 2)), (NOISY, Sign::Deaf, Sign::Well));
    }
}
