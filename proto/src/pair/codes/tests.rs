//! The brakes of the session code, sentence by sentence, with a hand-held clock.

use super::*;

/// A host whose clock stands still until it is told.
pub(super) struct Host {
    pub(super) codes: Codes,
    pub(super) now: Instant,
    next: u64,
}

impl Host {
    pub(super) fn new(has_user: bool) -> Self {
        let codes = Codes::new(has_user, Lifetimes::default());
        Self { codes, now: Instant::now(), next: 0 }
    }

    fn with_code() -> Self {
        let mut host = Self::new(true);
        host.show();
        host
    }

    /// Gives the locator that was asked for; the code is shown.
    fn show(&mut self) {
        assert_eq!(self.steps(), [Step::RequestLocator]);
        self.codes.handle_locator(locator(), secret(), self.now);
        assert!(matches!(self.steps()[..], [Step::Show { until, .. }] if until == self.now + minutes(10)));
    }

    pub(super) fn steps(&mut self) -> Vec<Step> {
        std::iter::from_fn(|| self.codes.poll()).collect()
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.codes.handle_time(self.now);
    }

    fn claim(&mut self) -> ClaimId {
        self.next += 1;
        let claim = ClaimId(self.next);
        assert_eq!(self.codes.handle_claim(claim, self.now), Ok(()));
        claim
    }

    fn start(&mut self, claim: ClaimId) -> Result<u8, PairError> {
        self.codes.handle_start(claim, self.now, |_| Ok(())).map(|((), left)| left)
    }

    fn wrong_start(&mut self) -> u8 {
        let claim = self.claim();
        assert!(self.start(claim).is_ok());
        self.codes.handle_mismatch(claim, self.now)
    }

    /// Kills the code that is shown.
    fn kill(&mut self) {
        assert_eq!([self.wrong_start(), self.wrong_start()], [1, 0]);
        assert!(self.dead());
    }

    /// Drains the steps up to a death; what follows it stays. False if there is none.
    fn dead(&mut self) -> bool {
        std::iter::from_fn(|| self.codes.poll()).any(|step| matches!(step, Step::Dead(_)))
    }
}

pub(super) fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

pub(super) fn locator() -> Locator {
    Locator::new(38_471, 5).unwrap()
}

pub(super) fn secret() -> Secret {
    Secret::draw(904_258_u32.to_be_bytes()).unwrap()
}

const TICK: Duration = Duration::from_nanos(1);

#[test]
fn a_code_dies_of_the_second_wrong_start_and_the_user_is_told() {
    let mut host = Host::with_code();
    assert_eq!(host.wrong_start(), 1);
    let first = Step::Abandon { claim: ClaimId(1), why: Close::WrongCode };
    assert_eq!(host.steps(), [first, Step::WrongCode { left: 1 }]);
    assert!(host.codes.shown().is_some());
    assert_eq!(host.wrong_start(), 0);
    assert!(host.codes.shown().is_none());
    let second = Step::Abandon { claim: ClaimId(2), why: Close::CodeDead };
    let dead = Step::Dead(Death::WrongCodes);
    assert_eq!(host.steps(), [second, Step::WrongCode { left: 0 }, dead, Step::RequestLocator]);
}

#[test]
fn the_right_code_after_a_wrong_one_pairs() {
    let mut host = Host::with_code();
    host.wrong_start();
    host.steps();
    let claim = host.claim();
    assert_eq!(host.start(claim), Ok(0));
    assert_eq!(host.codes.handle_paired(claim, host.now), Ok(()));
    assert!(host.codes.shown().is_none(), "single use");
    assert_eq!(host.codes.handle_claim(ClaimId(9), host.now), Err(PairError::NoCode));
    host.show(); // a new one each time
}

#[test]
fn a_code_expires_at_ten_minutes_exactly_and_is_not_dead() {
    let mut host = Host::with_code();
    for _ in 0..5 {
        assert_eq!(host.codes.deadline(), Some(host.now + minutes(10)));
        host.pass(minutes(10) - TICK);
        let claim = host.claim();
        host.codes.handle_withdrawn(claim, host.now);
        assert_eq!(host.steps(), []);
        // no timer needed: the claim itself comes too late
        host.now += TICK;
        assert_eq!(host.codes.handle_claim(ClaimId(99), host.now), Err(PairError::NoCode));
        assert_eq!(host.codes.poll(), Some(Step::Expired));
        host.show();
    }
}

#[test]
fn a_proof_that_comes_after_the_end_pairs_nobody() {
    let mut host = Host::with_code();
    host.pass(minutes(10) - TICK);
    let claim = host.claim();
    assert_eq!(host.start(claim), Ok(1));
    host.now += TICK;
    assert_eq!(host.codes.handle_paired(claim, host.now), Err(PairError::NoCode));
    let over = Step::Abandon { claim, why: Close::NoSuchCode };
    assert_eq!(host.steps(), [over, Step::WrongCode { left: 1 }, Step::Expired, Step::RequestLocator]);
}

#[test]
fn a_start_counts_once_answered_finished_or_not() {
    let ends: [fn(&mut Host, ClaimId); 2] = [
        |host, claim| host.codes.handle_withdrawn(claim, host.now),
        |host, _| host.pass(Duration::from_secs(30)),
    ];
    for end in ends {
        let mut host = Host::with_code();
        for left in [1, 0] {
            let claim = host.claim();
            assert_eq!(host.start(claim), Ok(left));
            end(&mut host, claim);
            assert!(host.steps().contains(&Step::WrongCode { left }));
        }
        assert!(host.codes.shown().is_none());
    }
}

#[test]
fn what_was_not_answered_costs_nothing() {
    let mut host = Host::with_code();
    for _ in 0..5 {
        let claim = host.claim();
        let refused = PairError::PeerVersion { got: 2, own: 1 };
        let result = host.codes.handle_start(claim, host.now, |_| Err::<(), _>(refused.clone()));
        assert_eq!(result, Err(refused));
        host.codes.handle_withdrawn(claim, host.now);
        assert_eq!(host.steps(), []);
        let claim = host.claim();
        host.pass(Duration::from_secs(30));
        assert_eq!(host.steps(), [Step::Abandon { claim, why: Close::TooSlow }]);
    }
    assert!(host.codes.shown().is_some());
}

#[test]
fn one_claim_has_one_start() {
    let mut host = Host::with_code();
    assert_eq!(host.start(ClaimId(1)), Err(PairError::NoCode), "not claimed");
    let claim = host.claim();
    assert_eq!(host.start(ClaimId(7)), Err(PairError::NoCode), "another claim");
    assert_eq!(host.start(claim), Ok(1));
    let mut called = false;
    let again = host.codes.handle_start(claim, host.now, |_| {
        called = true;
        Ok(())
    });
    assert!(matches!(again, Err(PairError::PeerOrder { .. })) && !called);
}

#[test]
fn two_claimants_are_both_refused_and_the_code_dies() {
    for answered in [false, true] {
        let mut host = Host::with_code();
        let first = host.claim();
        if answered {
            assert_eq!(host.start(first), Ok(1));
        }
        assert_eq!(host.codes.handle_claim(ClaimId(2), host.now), Err(PairError::TwoClaimants));
        assert_eq!(host.codes.handle_paired(first, host.now), Err(PairError::NoCode));
        let refused = Step::Abandon { claim: first, why: Close::TwoClaimants };
        assert_eq!(host.steps(), [refused, Step::Dead(Death::TwoClaimants), Step::RequestLocator]);
    }
}

#[test]
fn two_claimants_seen_by_the_relay_kill_their_own_code_only() {
    let mut host = Host::with_code();
    let claim = host.claim();
    host.codes.handle_two_claimants(claim, host.now);
    assert_eq!(host.codes.poll(), Some(Step::Dead(Death::TwoClaimants)));
    host.show();
    host.codes.handle_two_claimants(claim, host.now);
    assert_eq!(host.steps(), []);
    assert!(host.codes.shown().is_some());
}

#[test]
fn after_two_dead_codes_a_key_then_one_two_four_minutes() {
    let mut host = Host::with_code();
    host.kill();
    host.show();
    for wait in [1, 2, 4, 8] {
        host.kill();
        assert_eq!(host.steps(), [Step::WaitForKey]);
        host.pass(minutes(60));
        assert_eq!(host.steps(), [], "time alone opens nothing");
        host.codes.handle_key(host.now);
        let until = host.now + minutes(wait);
        assert_eq!(host.steps(), [Step::WaitUntil(until)]);
        assert_eq!(host.codes.deadline(), Some(until));
        host.codes.handle_key(host.now);
        host.pass(minutes(wait) - TICK);
        assert_eq!(host.steps(), [], "another key doesn't shorten it");
        host.codes.handle_locator(locator(), secret(), host.now);
        assert!(host.codes.shown().is_none(), "nor does a locator that nobody asked for");
        host.pass(TICK);
        host.show();
    }
}

#[test]
fn without_a_user_the_wait_alone_brakes() {
    let mut host = Host::new(false);
    host.show();
    host.kill();
    host.show();
    for wait in [1, 2, 4] {
        host.kill();
        assert_eq!(host.steps(), [Step::WaitUntil(host.now + minutes(wait))]);
        host.pass(minutes(wait));
        host.show();
    }
}

#[test]
fn the_wait_stops_growing() {
    let mut host = Host::new(false);
    host.codes.dead = u32::MAX;
    host.show();
    host.kill();
    assert_eq!(host.steps(), [Step::WaitUntil(host.now + minutes(1024))]);
}

#[test]
fn a_pairing_ends_the_row_and_an_expiry_does_not() {
    let mut host = Host::with_code();
    host.kill();
    host.show();
    host.pass(minutes(10));
    assert_eq!(host.codes.poll(), Some(Step::Expired));
    host.show();
    host.kill();
    assert_eq!(host.steps(), [Step::WaitForKey]);

    let mut host = Host::with_code();
    host.kill();
    host.show();
    let claim = host.claim();
    assert_eq!(host.start(claim), Ok(1));
    assert_eq!(host.codes.handle_paired(claim, host.now), Ok(()));
    host.show();
    host.kill();
    host.show(); // the first of a new row
}

#[test]
fn a_relay_that_drops_the_connection_gains_no_guess() {
    let mut host = Host::with_code();
    assert_eq!(host.wrong_start(), 1);
    host.steps();
    host.codes.handle_lost(host.now);
    host.show();
    assert_eq!(host.wrong_start(), 0, "the lost code's wrong start goes along");
    assert!(host.dead());
    host.show();
    // in the middle of the second start
    host.wrong_start();
    host.steps();
    let claim = host.claim();
    assert_eq!(host.start(claim), Ok(0));
    host.codes.handle_lost(host.now);
    assert_eq!(host.steps(), [Step::WrongCode { left: 0 }, Step::Dead(Death::WrongCodes), Step::WaitForKey]);
    host.codes.handle_lost(host.now);
    assert_eq!(host.steps(), []);
}

#[test]
fn the_next_deadline_is_the_claims_or_the_codes_whichever_is_first() {
    let mut host = Host::with_code();
    let end = host.now + minutes(10);
    host.claim();
    assert_eq!(host.codes.deadline(), Some(host.now + Duration::from_secs(30)));
    host.pass(minutes(9));
    assert_eq!(host.codes.deadline(), Some(end), "the claim has timed out");
    host.pass(Duration::from_secs(50));
    host.claim();
    assert_eq!(host.codes.deadline(), Some(end), "the claim would outlive its code");
}

#[test]
fn a_locator_that_nobody_asked_for_makes_no_code() {
    let mut host = Host::new(true);
    host.codes.handle_locator(locator(), secret(), host.now);
    assert!(host.codes.shown().is_none());
    host.show();
    let end = host.codes.deadline();
    host.pass(minutes(1));
    host.codes.handle_locator(locator(), secret(), host.now);
    assert_eq!((host.codes.deadline(), host.steps()), (end, vec![]), "nor does it renew one");
}

#[test]
fn a_lost_request_is_made_again() {
    let mut host = Host::new(true);
    assert_eq!(host.steps(), [Step::RequestLocator]);
    assert_eq!(host.steps(), []);
    host.codes.handle_lost(host.now);
    host.show();
}

#[test]
fn steps_never_print_the_secret() {
    let mut host = Host::new(true);
    host.steps();
    host.codes.handle_locator(locator(), secret(), host.now);
    let shown = format!("{:?}", host.steps());
    assert!(shown.contains("38471") && !shown.contains("904258") && !shown.contains("904 258"), "{shown}");
}
