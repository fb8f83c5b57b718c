//! What growing brings: whether of more datagrams in flight more arrive. Where they don't, what gets lost is lost to our
//! own growth, though no queue may be seen that is longer than a few ms. What each flight loses is stray and not counted.

use super::losses::{part, share};
use std::time::{Duration, Instant};

/// Flights are compared when one is so much longer than the other: by a sixteenth.
const LONGER: u64 = 16;

/// Growing is in vain after so many comparisons in a row in which less than three quarters of what was added arrived. One
/// can be a burst of stray loss.
const VAIN: u8 = 2;

/// Stray is what that flight lost which lost least of late. With each flight that is not longer, so that it can't be its own
/// length that costs something, the belief rises by half and five thousandths: half a dozen make a tenth of it. Flights of
/// a hundred lose more and less by chance, so four times that is borne.
const RISES: f64 = 1.5;
const LITTLE: f64 = 0.005;
const CHANCE: f64 = 4.0;

/// What is left of the window then, of what arrives of a flight; but no less of the window than CUBIC leaves when it loses,
/// for that may have been little by chance.
const LEFT: f64 = 0.85;
const LEAST: f64 = 0.7;

/// For so long the window then stays within what was left of it, and for as long again it grows by no more than a datagram
/// a round: meanwhile others take what is free.
const PAUSE: Duration = Duration::from_secs(3);

/// How the window may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Not at all.
    Still,
    /// By a datagram a round.
    Slow,
    /// As it likes.
    Free,
}

/// The flight that later ones are compared with, and what came of it, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gain {
    flight: u64,
    arrived: u64,
    vain: u8,
    /// Share of a flight that is lost whatever its size, 0 to 1.
    stray: f64,
    /// Since when there is a pause, and what was left.
    paused: Option<(Instant, u64)>,
}

impl Gain {
    /// A round in which the window was used: so many bytes of it were lost, so many arrived.
    pub(super) fn handle_round(&mut self, lost: u64, arrived: u64) {
        let flight = lost.saturating_add(arrived);
        let rises = if flight <= self.flight { self.stray * RISES + LITTLE } else { self.stray };
        self.stray = rises.min(share(lost, flight));
        let Some(growth) = flight.checked_sub(self.flight).filter(|growth| *growth != 0 && self.flight != 0)
        else {
            // An eighth less is another path, or another load.
            let vain = if flight < self.flight / 8 * 7 { 0 } else { self.vain };
            *self = Self { flight, arrived, vain, ..*self };
            return;
        };
        if growth < self.flight / LONGER {
            return;
        }
        let gain = arrived.saturating_sub(self.arrived);
        let vain = if gain < growth / 4 * 3 { self.vain.saturating_add(1) } else { 0 };
        *self = Self { flight, arrived, vain, ..*self };
    }

    /// The share that may be lost if growing is in vain: `own`, more than what is stray.
    pub(super) fn bears(&self, own: f64) -> Option<f64> {
        self.is_vain().then_some(own + CHANCE * self.stray)
    }

    fn is_vain(&self) -> bool {
        VAIN <= self.vain
    }

    /// Too much is lost of a window. If growing is in vain, a pause begins, and the window is to be this.
    pub(super) fn handle_loss(&mut self, window: u64, now: Instant) -> Option<u64> {
        if !self.is_vain() {
            return None;
        }
        let left = part(self.arrived, LEFT).clamp(part(window, LEAST), window);
        (self.vain, self.paused) = (0, Some((now, left)));
        Some(left)
    }

    /// How a window of so many bytes may grow now.
    pub(super) fn pace(&self, window: u64, now: Instant) -> Pace {
        let Some((since, left)) = self.paused else { return Pace::Free };
        match now.saturating_duration_since(since) {
            age if age < PAUSE && left <= window => Pace::Still,
            age if age < 2 * PAUSE => Pace::Slow,
            _ => Pace::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flights, as lost and arrived.
    fn after(flights: &[(u64, u64)]) -> Gain {
        let mut gain = Gain::default();
        flights.iter().for_each(|(lost, arrived)| gain.handle_round(*lost, *arrived));
        gain
    }

    #[test]
    fn growing_is_in_vain_if_twice_in_a_row_what_was_added_did_not_arrive() {
        for (flights, expected) in [
            (&[(0, 1_000), (0, 1_250), (0, 1_560)][..], false), // all of it
            (&[(30, 970), (40, 1_210), (50, 1_510)], false),    // stray loss
            (&[(0, 1_000), (250, 1_000)], false),               // once may be chance
            (&[(0, 1_000), (250, 1_000), (560, 1_000)], true),  // the path is full
            (&[(0, 1_000), (60, 1_010), (120, 1_020)], true),   // also if one grows slowly
            (&[(0, 1_000), (250, 1_000), (0, 1_560)], false),   // chance it was
            (&[(0, 1_000), (20, 1_000), (40, 1_000)], false),   // too little to tell
            (&[(0, 1_000), (250, 1_000), (560, 1_000), (0, 1_400)], true),
            (&[(0, 1_000), (250, 1_000), (560, 1_000), (0, 1_300)], false), // another load
        ] {
            assert_eq!(after(flights).is_vain(), expected, "{flights:?}");
        }
    }

    #[test]
    fn what_every_flight_loses_is_stray() {
        for (flights, expected) in [
            (&[(0, 1_000), (250, 1_000), (560, 1_000)][..], 0.015), // but not what growing loses
            (&[(0, 1_000), (30, 1_000), (30, 1_000), (30, 1_000)], 0.015),
            (&[(100, 900), (110, 890), (90, 910)], 0.065), // at first little is believed
            (&[(100, 900); 40], 0.415),
        ] {
            let mut gain = after(flights);
            gain.vain = VAIN;
            let bears = gain.bears(0.015).unwrap();
            assert!((bears - expected).abs() < 0.001, "{flights:?}: {bears}");
        }
        let mut gain = after(&[(100, 900); 40]);
        assert_eq!(gain.bears(0.015), None, "it does not grow");
        gain.vain = VAIN;
        gain.handle_round(0, 1_000);
        assert_eq!(gain.bears(0.015), Some(0.015), "one that lost nothing disproves it");
    }

    #[test]
    fn what_was_in_vain_is_given_back_and_left_to_others_for_a_while() {
        let start = Instant::now();
        let seconds = Duration::from_secs;
        let mut gain = after(&[(0, 1_000), (250, 1_000)]);
        assert_eq!(gain.handle_loss(1_600, start), None);
        assert_eq!(gain.pace(1_600, start), Pace::Free);
        let mut gain = after(&[(0, 1_000), (100, 1_000), (200, 1_000)]);
        assert_eq!(gain.handle_loss(1_200, start), Some(850));
        assert!(!gain.is_vain());
        for (window, age, expected) in [
            (850, 0, Pace::Still),
            (849, 0, Pace::Slow),
            (850, 2, Pace::Still),
            (850, 3, Pace::Slow),
            (2_000, 5, Pace::Slow),
            (2_000, 6, Pace::Free),
        ] {
            assert_eq!(gain.pace(window, start + seconds(age)), expected, "{window} after {age} s");
        }
        let mut gain = after(&[(0, 1_000), (100, 1_000), (200, 1_000)]);
        assert_eq!(gain.handle_loss(2_000, start), Some(1_400), "never by more than 30 %");
    }
}
