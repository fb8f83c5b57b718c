//! Notices that the session connection sends and hears nothing: a NAT may have moved this end, and only a sign of
//! life on the control connection lets the relay learn it.

use std::time::Duration;

/// How often to look.
pub const LOOK: Duration = Duration::from_millis(150);

/// What was seen at the last look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watchdog {
    sent: u64,
    heard: u64,
}

impl Watchdog {
    /// Looks at the counters each [`LOOK`]. True if something was sent since the last look and nothing was heard:
    /// probe the relay.
    pub fn look(&mut self, stats: &quinn::ConnectionStats) -> bool {
        let now = Self { sent: stats.udp_tx.datagrams, heard: stats.udp_rx.datagrams };
        let silent = self.sent < now.sent && self.heard == now.heard;
        *self = now;
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barks_when_something_was_sent_and_nothing_heard() {
        let mut dog = Watchdog::default();
        let mut check = |sent, heard, expected| {
            let mut stats = quinn::ConnectionStats::default();
            stats.udp_tx.datagrams = sent;
            stats.udp_rx.datagrams = heard;
            assert_eq!(dog.look(&stats), expected, "{sent} {heard}");
        };
        check(5, 5, false);
        check(5, 5, false);
        check(6, 5, true);
        check(7, 6, false);
    }
}
