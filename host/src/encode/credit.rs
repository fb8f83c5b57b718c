//! The law of pacing (design §7): an update is encoded only while fewer than *credit* are unacknowledged. Two in
//! flight keep a slow line's picture fresh; a long but idle path gets more, else its round trip would cap the rate.
//!
//! A pure machine: the session feeds in what was sent and drawn, and when. No timer: only `Drawn` opens the window.

use nearhand_proto::session::screen::UpdateNo;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Updates in flight that are always allowed.
const LEAST: usize = 2;
/// Updates in flight on the longest path.
const MOST: usize = 8;
/// One more update for each of these in the shortest round trip: thirty updates a second.
const STEP: Duration = Duration::from_millis(33);
/// A longer queue than this means that the path is full, and more in flight would only be older.
const QUEUE: Duration = Duration::from_millis(50);
/// How long a shortest round trip is believed, at least; at most twice as long.
const SPAN: Duration = Duration::from_secs(10);

/// Which updates are on their way to one viewer, and how many may be.
#[derive(Clone, Debug, Default)]
pub struct Credit {
    /// Sent and not drawn, oldest first.
    in_flight: VecDeque<(UpdateNo, Instant)>,
    shortest: Option<Shortest>,
    /// By how much the last acknowledged update took longer than the shortest one.
    queue: Duration,
}

impl Credit {
    /// Nothing in flight, nothing known of the path.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last message of `update` was handed to its stream.
    pub fn handle_sent(&mut self, update: UpdateNo, now: Instant) {
        self.in_flight.push_back((update, now));
    }

    /// The viewer has drawn every update up to this one, of the current epoch. One that isn't in flight (never sent,
    /// or acknowledged before) is ignored.
    pub fn handle_drawn(&mut self, update: UpdateNo, now: Instant) {
        let Some(place) = self.in_flight.iter().position(|(sent, _)| *sent == update) else { return };
        let Some((_, sent)) = self.in_flight.drain(..=place).next_back() else { return };
        let trip = now.saturating_duration_since(sent);
        let shortest = Shortest::with(self.shortest.take(), trip, now);
        self.queue = trip.saturating_sub(shortest.trip());
        self.shortest = Some(shortest);
    }

    /// A new epoch begins: what was in flight will never be acknowledged. The path is the same.
    pub fn handle_epoch(&mut self) {
        self.in_flight.clear();
    }

    /// True if one more update may be encoded.
    pub fn may_send(&self) -> bool {
        self.in_flight.len() < self.window()
    }

    /// How many updates may be in flight now.
    pub fn window(&self) -> usize {
        let Some(shortest) = &self.shortest else { return LEAST };
        if QUEUE < self.queue {
            return LEAST;
        }
        let steps = shortest.trip().as_micros().div_ceil(STEP.as_micros());
        usize::try_from(steps).unwrap_or(MOST).saturating_add(1).clamp(LEAST, MOST)
    }

    /// How many updates are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// From sent to drawn, the shortest of late; `None` before the first acknowledgement.
    pub fn shortest_trip(&self) -> Option<Duration> {
        self.shortest.as_ref().map(Shortest::trip)
    }
}

/// The shortest of the round trips of the last 10 to 20 s: two spans, so that forgetting costs no list.
#[derive(Clone, Copy, Debug)]
struct Shortest {
    since: Instant,
    current: Duration,
    before: Option<Duration>,
}

impl Shortest {
    fn with(known: Option<Self>, trip: Duration, now: Instant) -> Self {
        let fresh = Self { since: now, current: trip, before: None };
        let Some(known) = known else { return fresh };
        let age = now.saturating_duration_since(known.since);
        if age < SPAN {
            Self { current: known.current.min(trip), ..known }
        } else if age < 2 * SPAN {
            Self { before: Some(known.current), ..fresh }
        } else {
            fresh
        }
    }

    fn trip(&self) -> Duration {
        self.before.map_or(self.current, |before| before.min(self.current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hand {
        credit: Credit,
        now: Instant,
        update: u64,
    }

    impl Hand {
        fn new() -> Self {
            Self { credit: Credit::new(), now: Instant::now(), update: 0 }
        }

        fn wait(&mut self, ms: u64) {
            self.now += Duration::from_millis(ms);
        }

        fn send(&mut self) {
            self.update += 1;
            self.credit.handle_sent(UpdateNo(self.update), self.now);
        }

        fn drawn(&mut self, update: u64) {
            self.credit.handle_drawn(UpdateNo(update), self.now);
        }

        /// One update there and back.
        fn trip(&mut self, ms: u64) {
            self.send();
            self.wait(ms);
            self.drawn(self.update);
        }
    }

    #[test]
    fn two_are_in_flight_until_one_is_drawn() {
        let mut hand = Hand::new();
        hand.send();
        assert!(hand.credit.may_send());
        hand.send();
        assert!(!hand.credit.may_send());
        hand.wait(5);
        hand.drawn(1);
        assert!(hand.credit.may_send());
        assert_eq!(hand.credit.in_flight(), 1);
    }

    #[test]
    fn the_window_follows_the_shortest_trip() {
        for (ms, window) in [(0, 2), (1, 2), (33, 2), (34, 3), (66, 3), (100, 5), (200, 8), (9_000, 8)] {
            let mut hand = Hand::new();
            hand.trip(ms);
            assert_eq!(hand.credit.window(), window, "{ms} ms");
        }
    }

    #[test]
    fn a_queue_closes_the_window_to_two_until_it_drains() {
        let mut hand = Hand::new();
        for (ms, window) in [(100, 5), (150, 5), (151, 2), (400, 2), (120, 5)] {
            hand.trip(ms);
            assert_eq!(hand.credit.window(), window, "{ms} ms");
        }
    }

    #[test]
    fn a_shortest_trip_is_forgotten_when_the_path_got_longer() {
        let mut hand = Hand::new();
        hand.trip(10);
        for _ in 0..49 {
            hand.trip(200);
        }
        assert_eq!(hand.credit.shortest_trip(), Some(Duration::from_millis(10)), "9.8 s old");
        assert_eq!(hand.credit.window(), 2);
        hand.trip(200);
        hand.trip(200);
        assert_eq!(hand.credit.shortest_trip(), Some(Duration::from_millis(10)), "of the span before");
        for _ in 0..55 {
            hand.trip(200);
        }
        assert_eq!(hand.credit.shortest_trip(), Some(Duration::from_millis(200)));
        assert_eq!(hand.credit.window(), 8);
        hand.wait(60_000);
        hand.trip(300);
        assert_eq!(
            hand.credit.shortest_trip(),
            Some(Duration::from_millis(300)),
            "all that was known is old"
        );
    }

    #[test]
    fn one_acknowledgement_stands_for_all_before_it() {
        let mut hand = Hand::new();
        hand.send();
        hand.wait(100);
        hand.send();
        hand.wait(20);
        hand.drawn(2);
        assert_eq!(hand.credit.in_flight(), 0);
        assert_eq!(hand.credit.shortest_trip(), Some(Duration::from_millis(20)), "measured on the one named");
    }

    #[test]
    fn unknown_and_repeated_acknowledgements_change_nothing() {
        let mut hand = Hand::new();
        hand.send();
        hand.send();
        for update in [0, 3, u64::MAX] {
            hand.drawn(update);
            assert!(!hand.credit.may_send(), "{update}");
        }
        hand.drawn(1);
        hand.wait(500);
        hand.drawn(1);
        assert_eq!(hand.credit.shortest_trip(), Some(Duration::ZERO));
        assert_eq!(hand.credit.in_flight(), 1);
    }

    #[test]
    fn a_new_epoch_frees_the_credit_and_keeps_the_path() {
        let mut hand = Hand::new();
        hand.trip(100);
        (0..5).for_each(|_| hand.send());
        assert!(!hand.credit.may_send());
        hand.credit.handle_epoch();
        assert!(hand.credit.may_send());
        assert_eq!(hand.credit.window(), 5);
    }
}
