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

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Nothing to be done.
    Well,
    /// The peer has just fallen silent: probe the relay. (Nothing more: an answer of the peer's would end in silence, too.)
    Quiet,
    /// Something was sent and nothing heard, or heard and nothing acknowledged: probe the relay, and [`kick`](super::kick) the
    /// connection. What was lost is sent again as soon as something newer arrives, while QUIC's own probes come at ever longer
    /// distances.
    Unheard,
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
    /// The smoothed round-trip time: it moves with each new acknowledgement (RFC 9002 §5.3). Frames that acknowledge are no
    /// evidence, since quinn repeats the old ones in every packet.
    rtt: Duration,
    /// When the last new acknowledgement was seen.
    acked: Instant,
}

impl Watchdog {
    /// A connection begins.
    pub fn new(now: Instant) -> Self {
        Self { sent: 0, heard: 0, hears: false, rtt: Duration::ZERO, acked: now }
    }

    /// Looks at the counters each [`LOOK`].
    pub fn look(&mut self, stats: &quinn::ConnectionStats, now: Instant) -> Sign {
        let (sent, heard, rtt) = (stats.udp_tx.datagrams, stats.udp_rx.datagrams, stats.path.rtt);
        let (sends, hears) = (self.sent < sent, self.heard < heard);
        let heard_before = self.hears;
        if self.rtt != rtt {
            self.acked = now;
        }
        *self = Self { sent, heard, hears, rtt, acked: self.acked };
        let unacked = now.saturating_duration_since(self.acked);
        if IDLE <= unacked {
            return Sign::Deaf;
        }
        match (sends, hears) {
            (_, true) if SPEECHLESS <= unacked => Sign::Unheard,
            (_, true) => Sign::Well,
            (true, false) => Sign::Unheard,
            (false, false) if heard_before => Sign::Quiet,
            (false, false) => Sign::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_once_when_the_peer_falls_silent_and_unheard_whenever_nothing_comes_back() {
        let now = Instant::now();
        let mut dog = Watchdog::new(now);
        let mut check = |sent, heard, expected| {
            let mut stats = quinn::ConnectionStats::default();
            stats.udp_tx.datagrams = sent;
            stats.udp_rx.datagrams = heard;
            assert_eq!(dog.look(&stats, now), expected, "{sent} {heard}");
        };
        check(5, 5, Sign::Well);
        check(5, 5, Sign::Quiet);
        check(5, 5, Sign::Well);
        check(6, 5, Sign::Unheard);
        check(7, 5, Sign::Unheard);
        check(8, 6, Sign::Well);
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
        assert_eq!((look(20, 1), look(27, 1), look(28, 1)), (Sign::Well, Sign::Well, Sign::Unheard));
        assert_eq!((look(49, 1), look(50, 1), look(51, 2)), (Sign::Unheard, Sign::Deaf, Sign::Well));
    }
}
