//! Random sequences of events against the session code: nothing that a relay, viewers, the user or the clock do
//! loosens the brakes.

use super::{
    tests::{Host, locator, minutes, secret},
    *,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Move {
    Poll,
    Locator,
    Lost,
    Claim(u64),
    Start(u64),
    Mismatch(u64),
    Paired(u64),
    Withdrawn(u64),
    TwoClaimants(u64),
    Key,
    Pass(u64),
}

fn any_move() -> impl Strategy<Value = Move> {
    let claim = 0..3_u64;
    prop_oneof![
        4 => Just(Move::Poll),
        4 => Just(Move::Locator),
        1 => Just(Move::Lost),
        4 => claim.clone().prop_map(Move::Claim),
        6 => claim.clone().prop_map(Move::Start),
        4 => claim.clone().prop_map(Move::Mismatch),
        1 => claim.clone().prop_map(Move::Paired),
        2 => claim.clone().prop_map(Move::Withdrawn),
        1 => claim.prop_map(Move::TwoClaimants),
        1 => Just(Move::Key),
        2 => prop_oneof![Just(1), Just(29), Just(30), Just(59), Just(60), Just(120), Just(600)].prop_map(Move::Pass),
    ]
}

/// What an onlooker knows of a host: what it was told and what it answered.
#[derive(Default)]
struct Onlooker {
    /// Answered starts since the last code began, those of a lost one included.
    answered: u8,
    /// Deaths since the last pairing.
    dead: u32,
    /// Earliest moment of a next code, once that is known.
    earliest: Option<Instant>,
    /// A key is due first.
    locked: bool,
}

impl Onlooker {
    fn sees(&mut self, step: &Step, has_user: bool, now: Instant) {
        match step {
            Step::Dead(_) => {
                self.dead += 1;
                self.answered = 0;
                if 2 <= self.dead {
                    self.locked = has_user;
                    self.earliest = (!has_user).then(|| now + self.wait());
                }
            }
            Step::Expired => self.answered = 0,
            Step::RequestLocator | Step::Show { .. } => {
                assert!(!self.locked, "a code while a key is due");
                assert!(self.earliest.is_none_or(|at| at <= now), "a code before the wait is over");
            }
            _ => {}
        }
    }

    fn wait(&self) -> Duration {
        minutes(1 << (self.dead - 2).min(10))
    }
}

fn play(has_user: bool, moves: Vec<Move>) {
    let mut host = Host::new(has_user);
    let mut onlooker = Onlooker::default();
    for step in moves {
        let now = host.now;
        let codes = &mut host.codes;
        match step {
            Move::Poll => {}
            Move::Locator => codes.handle_locator(locator(), secret(), now),
            Move::Lost => codes.handle_lost(now),
            Move::Claim(id) => {
                let busy = codes.handle_claim(ClaimId(id), now) == Err(PairError::TwoClaimants);
                assert!(!busy || codes.shown().is_none(), "a code outlived two claimants");
            }
            Move::Start(id) => {
                if let Ok(((), left)) = codes.handle_start(ClaimId(id), now, |_| Ok(())) {
                    assert!(
                        !onlooker.locked && onlooker.earliest.is_none_or(|at| at <= now),
                        "answered while braked"
                    );
                    onlooker.answered += 1;
                    assert!(onlooker.answered <= STARTS, "a third start was answered");
                    assert_eq!(left, STARTS - onlooker.answered);
                }
            }
            Move::Mismatch(id) => assert!(codes.handle_mismatch(ClaimId(id), now) < STARTS),
            Move::Paired(id) => {
                if codes.handle_paired(ClaimId(id), now).is_ok() {
                    assert!(codes.shown().is_none(), "a code outlived its use");
                    onlooker = Onlooker::default();
                }
            }
            Move::Withdrawn(id) => codes.handle_withdrawn(ClaimId(id), now),
            Move::TwoClaimants(id) => codes.handle_two_claimants(ClaimId(id), now),
            Move::Key => {
                codes.handle_key(now);
                if std::mem::take(&mut onlooker.locked) {
                    onlooker.earliest = Some(now + onlooker.wait());
                }
            }
            Move::Pass(seconds) => host.pass(Duration::from_secs(seconds)),
        }
        assert!(host.codes.deadline().is_none_or(|at| host.now < at), "a deadline in the past");
        for step in host.steps() {
            onlooker.sees(&step, has_user, host.now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn no_sequence_of_events_loosens_the_brakes(has_user in any::<bool>(), moves in proptest::collection::vec(any_move(), 0..200)) {
        play(has_user, moves);
    }
}
