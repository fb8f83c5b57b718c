//! The window of one path: a pure machine, to which acknowledgements and losses are handed with the time.
//!
//! ```text
//! Start --a queue, or loss--> Seek --crowded for 2 s--> Compete --the queue drains--> Seek
//!                              |  \_________________________/ |
//!                              \-- 10 s without a shortest trip, or loss in Compete --> Rest (two rounds) --> back
//! ```
//! Loss: see [`Losses`] and [`Gain`]; somebody else's queue: see [`Crowd`].

use super::{
    base::Base,
    crowd::{CROWD, Crowd, THEIRS},
    gain::{Gain, Pace},
    losses::{Losses, part},
    round::Round,
};
use std::time::{Duration, Instant};

/// A queue that is worth a thought, or one that is longer than the path.
const NOTABLE: Duration = Duration::from_millis(4);
/// Share of what was sent that may be lost while a queue stands, or beyond what is stray if growing is in vain.
const STRAY: f64 = 0.015;
/// The same else. (quinn takes what is overtaken for lost: a path that reorders a tenth seems to lose it.)
const HEAVY: f64 = 0.20;
/// More than this share lost is no time for boldness.
const DOUBT: f64 = 0.05;
/// What a window shrinks to when it must: for loss, as CUBIC does (RFC 9438 §4.6), and for an ECN mark (RFC 8511).
const LOST: f64 = 0.7;
const MARKED: f64 = 0.85;
/// Windows in datagrams: at the start (RFC 9002 §7.2), after persistent congestion (§7.6.2), and else at least.
const FIRST: u64 = 10;
const COLLAPSED: u64 = 2;
const LEAST: u64 = 4;
/// The largest window, in bytes: 1 Gbit/s at 128 ms.
const MOST: u64 = 16 << 20;
/// Trips of a round that tell of a queue, at least.
const SAMPLES: u32 = 4;

/// What the window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Doubles each round, until a queue builds up.
    Start,
    /// Seeks the target.
    Seek,
    /// Grows until something is lost, or the queue is longer than others make it: they fill it.
    Compete,
    /// Lies low for so many more rounds; then the window is this again.
    Rest { rounds: u8, window: u64, competes: bool },
}

/// The controller of one path.
#[derive(Clone, Debug)]
pub(super) struct Calm {
    target: Duration,
    mtu: u64,
    window: u64,
    phase: Phase,
    base: Base,
    round: Round,
    losses: Losses,
    /// Acknowledged in the batch that is being handled, in bytes.
    batch: u64,
    /// What was sent before this has been answered for.
    cut: Option<Instant>,
    crowd: Crowd,
    gain: Gain,
    /// The longest queue of the last few rounds.
    longest: Duration,
    /// Rounds in a row in which nothing spoke against growing.
    clear: u32,
}

impl Calm {
    /// A path that begins; seeks `target` of waiting.
    pub(super) fn new(target: Duration, now: Instant, mtu: u64) -> Self {
        Self {
            target,
            mtu,
            window: FIRST * mtu,
            phase: Phase::Start,
            base: Base::default(),
            round: Round::new(now),
            losses: Losses::new(mtu),
            batch: 0,
            cut: None,
            crowd: Crowd::default(),
            gain: Gain::default(),
            longest: Duration::ZERO,
            clear: 0,
        }
    }

    /// Datagrams of so many bytes in all may be in flight.
    pub(super) fn window(&self) -> u64 {
        self.window
    }

    /// The same at the beginning.
    pub(super) fn first(&self) -> u64 {
        FIRST.saturating_mul(self.mtu)
    }

    /// A datagram of so many bytes has been acknowledged.
    pub(super) fn handle_ack(&mut self, now: Instant, sent: Instant, bytes: u64) {
        let trip = now.saturating_duration_since(sent);
        self.base.handle_trip(trip);
        self.losses.handle_arrived(bytes);
        self.batch = self.batch.saturating_add(bytes);
        self.round.handle_trip(sent, trip);
    }

    /// All datagrams that one acknowledgement names have been told; so much is still in flight.
    pub(super) fn handle_batch(&mut self, now: Instant, in_flight: u64) {
        let batch = std::mem::take(&mut self.batch);
        self.round.peak = self.round.peak.max(in_flight.saturating_add(batch));
        // Doubled in the start as it is acknowledged, but not beyond twice what was of use.
        if self.phase == Phase::Start && self.window < self.round.peak.saturating_mul(2) {
            self.set(self.window.saturating_add(batch));
        }
        if self.round.over {
            self.turn(now);
        }
    }

    /// Datagrams are lost, the last of them sent then; or, with `lost` 0, one was marked by a router (ECN).
    pub(super) fn handle_congestion(&mut self, now: Instant, sent: Instant, is_persistent: bool, lost: u64) {
        if is_persistent {
            self.losses.forget();
            (self.phase, self.cut, self.gain) = (Phase::Start, Some(now), Gain::default());
            self.crowd = Crowd::default();
            self.window = COLLAPSED.saturating_mul(self.mtu);
            return;
        }
        self.losses.handle_lost(lost);
        if self.cut.is_some_and(|cut| sent <= cut) {
            return;
        }
        if lost == 0 {
            self.handle_mark(now);
        } else if self.losses.is_flood() {
            self.lose(now);
        }
    }

    /// Datagrams of this size pass.
    pub(super) fn handle_mtu(&mut self, mtu: u64) {
        self.mtu = mtu;
        self.losses.handle_mtu(mtu);
        self.window = self.window.max(COLLAPSED.saturating_mul(mtu));
    }

    fn handle_mark(&mut self, now: Instant) {
        self.cut = Some(now);
        match self.phase {
            Phase::Rest { .. } => return,
            // Seeking would find the same crowd, and take up the window that it met first.
            Phase::Compete => {}
            Phase::Start | Phase::Seek => self.phase = Phase::Seek,
        }
        self.scale(MARKED);
    }

    /// One round trip is over.
    fn turn(&mut self, now: Instant) {
        let round = std::mem::replace(&mut self.round, Round::new(now));
        let Some(shortest) = round.shortest else { return };
        self.base.handle_round(shortest, now);
        let queue = shortest.saturating_sub(self.base.trip());
        let (lost, arrived) = self.losses.handle_round();
        if self.is_used(&round) {
            self.gain.handle_round(lost, arrived);
        }
        self.longest = round.longest.saturating_sub(self.base.trip()).max(self.longest * 7 / 8);
        let target = self.target();
        self.crowd.handle_round(queue, self.window, now);
        match self.phase {
            Phase::Rest { rounds: 0, window, competes } => self.wake(shortest, window, competes, now),
            Phase::Rest { rounds, window, competes } => {
                self.phase = Phase::Rest { rounds: rounds - 1, window, competes };
            }
            _ if self.base.is_stale(now) => self.rest(queue, false),
            Phase::Start => {
                if target / 2 < queue && SAMPLES <= round.samples {
                    self.phase = Phase::Seek;
                    self.shrink(queue, target / 2);
                }
            }
            Phase::Compete if queue < THEIRS => self.phase = Phase::Seek,
            Phase::Compete if self.crowd.leaves_room(queue) && self.is_used(&round) => {
                self.set(self.window.saturating_add(self.mtu + self.window / 8));
            }
            Phase::Compete => {}
            Phase::Seek => match self.crowd.window(now) {
                Some(window) => {
                    self.crowd.handle_met(queue);
                    self.phase = Phase::Compete;
                    self.set(window);
                }
                None if target < queue => self.shrink(queue, target),
                None => self.grow(&round, queue, now),
            },
        }
        self.answer_losses(now, queue);
    }

    /// An eighth of a long path is little beside it, and jitter is longer there (HyStart++, RFC 9406).
    fn target(&self) -> Duration {
        self.target.max(self.base.trip() / 8)
    }

    fn answer_losses(&mut self, now: Instant, queue: Duration) {
        let share = self.losses.share();
        let allowed = match self.gain.bears(STRAY) {
            _ if self.stands(queue) => STRAY,
            Some(share) => share.min(HEAVY),
            None => HEAVY,
        };
        if allowed < share {
            self.lose(now);
        }
    }

    fn lose(&mut self, now: Instant) {
        self.cut = Some(now);
        self.losses.forget();
        match self.phase {
            Phase::Rest { .. } => {}
            Phase::Compete => {
                // If it was ours, the queue drains now.
                self.rest(CROWD.max(self.base.trip()), true);
            }
            Phase::Start | Phase::Seek => {
                self.phase = Phase::Seek;
                match self.gain.handle_loss(self.window, now) {
                    Some(left) => self.set(left),
                    None => self.scale(LOST),
                }
            }
        }
    }

    fn wake(&mut self, shortest: Duration, window: u64, competes: bool, now: Instant) {
        let crowd = competes && self.crowd.handle_rest(shortest.saturating_sub(self.base.trip()));
        if !competes {
            self.base.handle_rest(shortest, now);
        }
        self.phase = if crowd { Phase::Compete } else { Phase::Seek };
        self.set(window);
        if competes {
            self.scale(MARKED);
        }
    }

    /// Only a window that was used says anything about more (RFC 9002 §7.8).
    fn is_used(&self, round: &Round) -> bool {
        self.window / 4 * 3 <= round.peak
    }

    fn grow(&mut self, round: &Round, queue: Duration, now: Instant) {
        let pace = self.gain.pace(self.window, now);
        if pace == Pace::Still || !self.is_used(round) {
            return;
        }
        let room = queue < self.target() / 2 && self.losses.share() < DOUBT && !self.stands(queue);
        self.clear = if room && pace == Pace::Free { self.clear.saturating_add(1) } else { 0 };
        // A thirty-second, a sixteenth, an eighth, a quarter: the longer there is room, the bolder.
        let share = self
            .clear
            .checked_sub(1)
            .map_or(0, |rounds| self.window >> 5_u32.saturating_sub((rounds / 2).min(3)));
        self.set(self.window.saturating_add(self.mtu + share));
    }

    /// True if the queue does not drain within a round: what is lost then is lost in it.
    fn stands(&self, queue: Duration) -> bool {
        self.target() < queue || (NOTABLE.min(self.base.trip()) < queue && self.longest < queue * 2)
    }

    /// Half of the way to what would wait for `target`.
    fn shrink(&mut self, queue: Duration, target: Duration) {
        let (base, queue, target) =
            (self.base.trip().as_secs_f64(), queue.as_secs_f64(), target.as_secs_f64());
        let excess = (queue - target).max(0.0) / (base + queue).max(f64::EPSILON);
        self.scale((1.0 - excess / 2.0).max(LOST));
    }

    /// Half of what the path holds without a queue, for as long as it takes to see that.
    fn rest(&mut self, queue: Duration, competes: bool) {
        let window = self.window;
        let base = self.base.trip().as_secs_f64();
        self.scale(base / (base + queue.as_secs_f64()).max(f64::EPSILON) / 2.0);
        self.phase = Phase::Rest { rounds: 1, window, competes };
    }

    fn scale(&mut self, factor: f64) {
        self.set(part(self.window, factor));
    }

    fn set(&mut self, window: u64) {
        self.window = window.clamp(LEAST.saturating_mul(self.mtu), MOST);
    }
}

#[cfg(test)]
mod tests;
