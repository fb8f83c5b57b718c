//! Which share of what is sent gets lost, over the last few hundred datagrams or the last round, whichever is more.

/// So many datagrams must have been sent before a share says anything; with twice as many the older half is let go.
const ENOUGH: u64 = 64;

/// Lost at one blow: so many datagrams, being more than a third of what was sent.
const FLOOD: u64 = 8;

/// Bytes lost and bytes that arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Losses {
    mtu: u64,
    lost: u64,
    arrived: u64,
    round_lost: u64,
    round_arrived: u64,
}

impl Losses {
    pub(super) fn new(mtu: u64) -> Self {
        Self { mtu, lost: 0, arrived: 0, round_lost: 0, round_arrived: 0 }
    }

    pub(super) fn handle_mtu(&mut self, mtu: u64) {
        self.mtu = mtu;
    }

    pub(super) fn handle_arrived(&mut self, bytes: u64) {
        self.round_arrived = self.round_arrived.saturating_add(bytes);
    }

    pub(super) fn handle_lost(&mut self, bytes: u64) {
        self.round_lost = self.round_lost.saturating_add(bytes);
    }

    /// A round is over; returns the bytes that were lost in it, and those that arrived.
    pub(super) fn handle_round(&mut self) -> (u64, u64) {
        if 2 * ENOUGH * self.mtu <= self.lost.saturating_add(self.arrived) {
            (self.lost, self.arrived) = (self.lost / 2, self.arrived / 2);
        }
        let (lost, arrived) = (std::mem::take(&mut self.round_lost), std::mem::take(&mut self.round_arrived));
        self.lost = self.lost.saturating_add(lost);
        self.arrived = self.arrived.saturating_add(arrived);
        (lost, arrived)
    }

    /// The share that was lost, 0 to 1; 0 while too little is known.
    pub(super) fn share(&self) -> f64 {
        let sent = self.lost.saturating_add(self.arrived);
        if sent < ENOUGH * self.mtu {
            return 0.0;
        }
        share(self.lost, sent)
    }

    /// True if so much of this round is lost that its end must not be waited for.
    pub(super) fn is_flood(&self) -> bool {
        FLOOD * self.mtu <= self.round_lost && self.round_arrived < self.round_lost.saturating_mul(2)
    }

    /// What was lost has been answered for.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.mtu);
    }
}

/// Which share of so many bytes these are.
pub(super) fn share(some: u64, of: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = some as f64 / of.max(1) as f64;
    share
}

/// So much of these bytes, 0 to 1.
pub(super) fn part(bytes: u64, share: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bytes of a window, times a share between 0 and 1"
    )]
    let part = (bytes as f64 * share.clamp(0.0, 1.0)) as u64;
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    const MTU: u64 = 1_200;

    fn after(lost: u64, arrived: u64, rounds: usize) -> Losses {
        let mut losses = Losses::new(MTU);
        for _ in 0..rounds {
            losses.handle_lost(lost * MTU);
            losses.handle_arrived(arrived * MTU);
            losses.handle_round();
        }
        losses
    }

    #[test]
    fn a_share_needs_enough_datagrams_and_forgets_the_oldest() {
        for (lost, arrived, rounds, share) in
            [(1, 9, 6, 0.0), (1, 9, 7, 0.1), (1, 9, 1_000, 0.1), (0, 1_000, 1, 0.0), (500, 500, 1, 0.5)]
        {
            let found = after(lost, arrived, rounds).share();
            assert!((found - share).abs() < 0.001, "{lost} {arrived} {rounds}: {found}");
        }
        let mut losses = after(50, 50, 10);
        for _ in 0..10 {
            losses.handle_arrived(100 * MTU);
            losses.handle_round();
        }
        assert!(losses.share() < 0.01, "{}", losses.share());
        losses.handle_lost(200 * MTU);
        losses.forget();
        losses.handle_round();
        assert!(losses.share() < f64::EPSILON);
    }

    #[test]
    fn a_flood_is_eight_datagrams_and_a_third() {
        for (lost, arrived, expected) in
            [(7, 0, false), (8, 0, true), (8, 15, true), (8, 16, false), (80, 100, true)]
        {
            let mut losses = Losses::new(MTU);
            losses.handle_lost(lost * MTU);
            losses.handle_arrived(arrived * MTU);
            assert_eq!(losses.is_flood(), expected, "{lost} {arrived}");
        }
    }
}
