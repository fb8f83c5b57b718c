use super::*;

const MTU: u64 = 1_200;
const TARGET: Duration = Duration::from_millis(50);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A sender that fills its window each round, on a path that is told here.
struct Hand {
    calm: Calm,
    now: Instant,
    /// The path without any queue.
    base: Duration,
    /// Bytes a second of the bottleneck.
    rate: u64,
    /// What others have in its queue.
    others: Duration,
    /// How much waiting the queue before it holds.
    room: Duration,
    /// Every so-manieth datagram is lost.
    lose: Option<u64>,
    /// At most so many bytes are there to be sent in a round.
    has: u64,
    sent: u64,
    trip: Duration,
}

impl Hand {
    fn new(base: u64, rate: u64) -> Self {
        let now = Instant::now();
        let calm = Calm::new(TARGET, now, MTU);
        let has = u64::MAX;
        let (others, room) = (ms(0), Duration::MAX);
        Self { calm, now, base: ms(base), rate, others, room, lose: None, has, sent: 0, trip: ms(0) }
    }

    fn round(&mut self) {
        let datagrams = self.calm.window().min(self.has) / MTU;
        let takes = Duration::from_secs(1).mul_f64((datagrams * MTU) as f64 / self.rate as f64);
        let most = self.base.saturating_add(self.room);
        let fits = if takes <= most { datagrams } else { self.bytes(most) / MTU };
        self.trip = self.base.max(takes.min(most)) + self.others;
        let sent = self.now;
        self.now += self.trip;
        for number in 0..datagrams {
            self.sent += 1;
            if fits <= number || self.lose.is_some_and(|every| self.sent.is_multiple_of(every)) {
                self.calm.handle_congestion(self.now, sent, false, MTU);
            } else {
                self.calm.handle_ack(self.now, sent, MTU);
            }
        }
        self.calm.handle_batch(self.now, 0);
    }

    fn rounds(&mut self, rounds: usize) -> u64 {
        (0..rounds).for_each(|_| self.round());
        self.calm.window()
    }

    /// What the path holds without a queue, in bytes.
    fn holds(&self) -> u64 {
        self.bytes(self.base)
    }

    /// What passes in so much time.
    fn bytes(&self, time: Duration) -> u64 {
        u64::try_from(u128::from(self.rate) * time.as_millis() / 1_000).unwrap()
    }
}

#[test]
fn the_path_is_filled_and_the_queue_stays_short() {
    for (base, rate) in [(40, 1_250_000), (100, 2_500_000), (200, 375_000), (16, 12_500_000)] {
        let mut hand = Hand::new(base, rate);
        let window = hand.rounds(150);
        let queue = hand.trip.saturating_sub(hand.base);
        assert!(hand.holds() / 10 * 9 <= window, "{base} ms, {rate} B/s: {window}");
        assert!(queue <= TARGET + ms(15), "{base} ms, {rate} B/s: {queue:?}");
    }
}

#[test]
fn stray_loss_is_borne_and_heavy_loss_is_not() {
    let mut hand = Hand::new(100, 2_500_000);
    hand.lose = Some(100);
    assert!(hand.holds() / 10 * 9 <= hand.rounds(100), "1 %");
    hand.lose = Some(4);
    assert!(hand.rounds(100) <= 20 * MTU, "25 %: {}", hand.calm.window());
    hand.lose = None;
    assert!(hand.holds() / 10 * 9 <= hand.rounds(100), "none any more");
}

#[test]
fn loss_in_a_standing_queue_is_congestion() {
    let mut hand = Hand::new(40, 1_250_000);
    let before = hand.rounds(30);
    hand.others = ms(60);
    hand.lose = Some(40);
    assert!(hand.rounds(30) < before / 4, "2.5 % of loss and a queue: {}", hand.calm.window());
}

#[test]
fn a_queue_of_three_ms_is_not_flooded() {
    for (base, rate) in [(40, 1_250_000), (40, 6_250_000), (20, 12_500_000)] {
        let mut hand = Hand::new(base, rate);
        hand.room = ms(3);
        let (mut lost, mut sent) = (0, 0);
        hand.rounds(100);
        for _ in 0..400 {
            let window = hand.calm.window();
            (sent, lost) = (sent + window, lost + window.saturating_sub(hand.bytes(hand.base + hand.room)));
            hand.round();
        }
        assert!(lost < sent / 50, "{base} ms, {rate} B/s: {lost} of {sent} lost");
        assert!(hand.holds() * 400 * 4 / 5 <= sent, "{base} ms, {rate} B/s: {sent} sent");
    }
}

#[test]
fn persistent_congestion_leaves_two_datagrams() {
    let mut hand = Hand::new(40, 1_250_000);
    hand.rounds(50);
    hand.calm.handle_congestion(hand.now, hand.now, true, 10 * MTU);
    assert_eq!(hand.calm.window(), 2 * MTU);
    assert!(hand.holds() / 10 * 9 <= hand.rounds(50), "and it begins anew");
}

#[test]
fn a_mark_is_answered_once_a_round() {
    let mut hand = Hand::new(40, 1_250_000);
    let before = hand.rounds(50);
    let sent = hand.now;
    hand.now += ms(40);
    for _ in 0..5 {
        hand.calm.handle_congestion(hand.now, sent, false, 0);
    }
    let after = hand.calm.window();
    assert!(before * 8 / 10 < after && after < before * 9 / 10, "{before} {after}");
}

#[test]
fn a_mark_in_a_crowd_makes_the_window_smaller_and_goes_on_competing() {
    let mut hand = Hand::new(40, 12_500_000);
    hand.rounds(30);
    hand.others = ms(300);
    let before = hand.rounds(20);
    assert!(matches!(hand.calm.phase, Phase::Compete));
    let sent = hand.now;
    hand.now += ms(340);
    hand.calm.handle_congestion(hand.now, sent, false, 0);
    let after = hand.calm.window();
    assert!(before * 8 / 10 < after && after < before * 9 / 10, "{before} {after}");
    assert!(matches!(hand.calm.phase, Phase::Compete));
}

#[test]
fn a_window_that_is_not_used_does_not_grow() {
    let mut hand = Hand::new(40, 12_500_000);
    hand.has = 20 * MTU;
    let window = hand.rounds(100);
    assert!(window <= 2 * hand.has, "{window}");
    assert_eq!(hand.rounds(100), window);
}

#[test]
fn others_short_queue_is_made_way_for_and_their_long_one_competed_with() {
    let mut hand = Hand::new(40, 1_250_000);
    hand.rounds(30);
    hand.others = ms(80);
    assert!(hand.rounds(30) <= 8 * MTU, "{}", hand.calm.window());
    let mut hand = Hand::new(40, 12_500_000);
    let before = hand.rounds(30);
    hand.others = ms(300);
    let mut longest = ms(0);
    for _ in 0..20 {
        hand.round();
        longest = longest.max(hand.trip);
    }
    assert!(before <= hand.calm.window(), "{before} {}", hand.calm.window());
    assert!(longest <= ms(340) + TARGET + ms(15), "theirs is made longer: {longest:?}");
}

#[test]
fn a_path_that_has_become_longer_is_known_after_a_rest() {
    let mut hand = Hand::new(40, 1_250_000);
    hand.rounds(100);
    hand.base = ms(120);
    hand.rounds(200);
    assert_eq!(hand.calm.base.trip(), ms(120));
    assert!(hand.holds() / 10 * 9 <= hand.rounds(50), "{}", hand.calm.window());
}

#[test]
fn windows_keep_their_bounds() {
    let mut hand = Hand::new(40, u64::MAX);
    assert_eq!(hand.rounds(100), MOST);
    hand.lose = Some(1);
    for _ in 0..100 {
        hand.now += ms(40);
        hand.calm.handle_congestion(hand.now, hand.now, false, 20 * MTU);
    }
    assert_eq!(hand.calm.window(), LEAST * MTU);
    hand.calm.handle_mtu(1_452);
    hand.calm.handle_congestion(hand.now, hand.now, true, 1);
    assert_eq!(hand.calm.window(), COLLAPSED * 1_452);
}
