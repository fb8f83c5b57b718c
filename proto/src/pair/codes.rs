//! The life of session codes on a host, and the brakes on guessing. They sit here because the relay is the adversary.
//!
//! ```text
//!            poll             handle_locator             paired, expired
//! Wanting ---------> Requested -------------> Shown ------------------------> Wanting
//!    ^                   |                      | |
//!    |  lost             |                 lost | | second wrong start, two claimants:
//!    |<------------------'----------------------' | the code is dead
//!    |                                            |
//!    |<-- the first dead code in a row -----------|
//!    |                                            |
//!    |<--time-- Waiting <--key-- Locked <---------'  the second and later ones
//!                (1, 2, 4 … min)     `- a host without terminal or window goes straight to Waiting
//! ```
//! * A code lives 10 min by the monotonic clock, pairs once, and allows [`STARTS`] answered starts.
//! * A start counts from its answer. If it ends without a pairing (wrong proof, withdrawn, timed out, code expired),
//!   it was a wrong one.
//! * Dead means killed by wrong starts or by two claimants; expiry and use aren't. Only a pairing ends the row.
//! * A code whose locator is lost hands its wrong starts to the next: else a relay could have a guess each time it
//!   drops the connection.

mod step;

pub use step::{Death, Step};

use super::PairError;
use crate::{
    close::Close,
    code::{Locator, Secret, SessionCode},
    ids::ClaimId,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Answered starts that one code allows.
pub const STARTS: u8 = 2;

/// Doublings of the brake, at most: 2^10 min are 17 h.
const MAX_DOUBLINGS: u32 = 10;

/// How long things last. The defaults are the product's; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of a code, from its locator's arrival. 10 min.
    pub code: Duration,
    /// Of one claim, from its arrival to the viewer's proof. 30 s.
    pub claim: Duration,
    /// First wait after the second dead code in a row; it doubles with each further one. 1 min.
    pub brake: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: Duration::from_secs(600),
            claim: Duration::from_secs(30),
            brake: Duration::from_secs(60),
        }
    }
}

/// The host's codes, one after the other.
///
/// Feed it what happens, then drain [`Codes::poll`]. Claims that end by its own decision come as
/// [`Step::Abandon`]; errors concern the claim that was passed in.
pub struct Codes {
    has_user: bool,
    lifetimes: Lifetimes,
    state: State,
    /// True once `poll` has handed out what `state` asks for.
    told: bool,
    /// Bounded: a code makes a handful, and the next code needs a `poll` that has drained them.
    notices: VecDeque<Step>,
    /// Dead codes since the last pairing.
    dead: u32,
}

enum State {
    /// INVARIANT: `wrong < STARTS`, here and below.
    Wanting {
        wrong: u8,
    },
    Requested {
        wrong: u8,
    },
    Shown(Shown),
    Locked,
    Waiting {
        until: Instant,
    },
}

struct Shown {
    code: SessionCode,
    until: Instant,
    /// Answered starts that ended without a pairing.
    wrong: u8,
    claim: Option<Claim>,
}

struct Claim {
    id: ClaimId,
    until: Instant,
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Claimed,
    Answered,
}

impl Codes {
    /// No code yet; the first [`Codes::poll`] asks for a locator. `has_user` is false where no key can be pressed
    /// (no terminal, no window): then the wait alone brakes.
    pub fn new(has_user: bool, lifetimes: Lifetimes) -> Self {
        let state = State::Wanting { wrong: 0 };
        Self { has_user, lifetimes, state, told: false, notices: VecDeque::new(), dead: 0 }
    }

    /// The relay gave a locator: a new code. Ignored unless one was asked for.
    pub fn handle_locator(&mut self, locator: Locator, secret: Secret, now: Instant) {
        let State::Requested { wrong } = self.state else { return };
        let until = now + self.lifetimes.code;
        self.enter(State::Shown(Shown { code: SessionCode { locator, secret }, until, wrong, claim: None }));
    }

    /// The relay has lost the code's locator or the request for one (it restarted, or the connection is a new one).
    /// The claim under way is over without [`Step::Abandon`]. The next poll asks for a new locator.
    pub fn handle_lost(&mut self, now: Instant) {
        self.handle_time(now);
        match &mut self.state {
            State::Requested { wrong } => {
                let wrong = *wrong;
                self.enter(State::Wanting { wrong });
            }
            State::Shown(shown) => {
                if shown.claim.take().is_some_and(|claim| claim.progress == Progress::Answered) {
                    self.count_wrong(now);
                }
                if let State::Shown(Shown { wrong, .. }) = self.state {
                    self.enter(State::Wanting { wrong });
                }
            }
            State::Wanting { .. } | State::Locked | State::Waiting { .. } => {}
        }
    }

    /// Somebody claims the code (`Incoming`).
    ///
    /// # Errors
    /// [`PairError::NoCode`]; [`PairError::TwoClaimants`] while another claim is under way, and then the code is dead.
    /// Either way this claim is refused.
    pub fn handle_claim(&mut self, claim: ClaimId, now: Instant) -> Result<(), PairError> {
        self.handle_time(now);
        let State::Shown(shown) = &mut self.state else { return Err(PairError::NoCode) };
        match shown.claim.take() {
            None => {
                let until = now + self.lifetimes.claim;
                shown.claim = Some(Claim { id: claim, until, progress: Progress::Claimed });
                Ok(())
            }
            Some(other) => {
                if other.id != claim {
                    self.notices.push_back(Step::Abandon { claim: other.id, why: Close::TwoClaimants });
                }
                self.die(Death::TwoClaimants, now);
                Err(PairError::TwoClaimants)
            }
        }
    }

    /// A `Start` has come. Calls `answer` with the code if it may be answered, and counts it if it was; returns what
    /// `answer` returned and how many further starts the code allows.
    ///
    /// # Errors
    /// [`PairError::NoCode`], [`PairError::PeerOrder`] for a second start in one claim, or what `answer` returned:
    /// nothing was counted by this call. End the claim and tell [`Codes::handle_withdrawn`].
    pub fn handle_start<T>(
        &mut self,
        claim: ClaimId,
        now: Instant,
        answer: impl FnOnce(&SessionCode) -> Result<T, PairError>,
    ) -> Result<(T, u8), PairError> {
        self.handle_time(now);
        let State::Shown(Shown { code, wrong, claim: Some(current), .. }) = &mut self.state else {
            return Err(PairError::NoCode);
        };
        if current.id != claim {
            return Err(PairError::NoCode);
        }
        if current.progress == Progress::Answered {
            return Err(PairError::PeerOrder { got: "Start", due: "Proof" });
        }
        let answered = answer(code)?;
        current.progress = Progress::Answered;
        Ok((answered, STARTS.saturating_sub(*wrong).saturating_sub(1)))
    }

    /// The viewer's proof did not fit: a wrong start. Returns how many starts the code still allows, for `Mismatch`
    /// (send that first, then drain the steps).
    pub fn handle_mismatch(&mut self, claim: ClaimId, now: Instant) -> u8 {
        self.handle_time(now);
        if self.take_claim(claim) != Some(Progress::Answered) {
            return 0;
        }
        let left = self.count_wrong(now);
        let why = if left == 0 { Close::CodeDead } else { Close::WrongCode };
        self.notices.push_front(Step::Abandon { claim, why });
        left
    }

    /// The viewer's proof was good: the code is used, and the row of dead codes ends. Send `Proved` after this.
    /// The next poll asks for a new locator: poll when the host is free again.
    ///
    /// # Errors
    /// [`PairError::NoCode`] if the claim is over (its time ran out): no pairing then.
    pub fn handle_paired(&mut self, claim: ClaimId, now: Instant) -> Result<(), PairError> {
        self.handle_time(now);
        if self.take_claim(claim) != Some(Progress::Answered) {
            return Err(PairError::NoCode);
        }
        self.dead = 0;
        self.enter(State::Wanting { wrong: 0 });
        Ok(())
    }

    /// The claim has ended without a pairing for another reason (`Withdrawn`, or a protocol error): a wrong start if
    /// it had been answered, nothing otherwise. Unknown claims change nothing.
    pub fn handle_withdrawn(&mut self, claim: ClaimId, now: Instant) {
        self.handle_time(now);
        if self.take_claim(claim) == Some(Progress::Answered) {
            self.count_wrong(now);
        }
    }

    /// The relay withdrew this claim because a second one came: the code is dead. Unknown claims change nothing, so
    /// that late news can't kill the next code.
    pub fn handle_two_claimants(&mut self, claim: ClaimId, now: Instant) {
        self.handle_time(now);
        if self.take_claim(claim).is_some() {
            self.die(Death::TwoClaimants, now);
        }
    }

    /// The user pressed a key. Counts only after [`Step::WaitForKey`].
    pub fn handle_key(&mut self, now: Instant) {
        if matches!(self.state, State::Locked) {
            self.enter(State::Waiting { until: now + self.wait() });
        }
    }

    /// Time has passed. Call it at [`Codes::deadline`]; every other handler that takes the time does so first.
    pub fn handle_time(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting { until } if *until <= now => self.enter(State::Wanting { wrong: 0 }),
            State::Shown(shown) => {
                let expired = shown.until <= now;
                let over = |claim: &mut Claim| expired || claim.until <= now;
                if let Some(claim) = shown.claim.take_if(over) {
                    let why = if expired { Close::NoSuchCode } else { Close::TooSlow };
                    self.notices.push_back(Step::Abandon { claim: claim.id, why });
                    if claim.progress == Progress::Answered {
                        self.count_wrong(now);
                    }
                }
                if expired && matches!(self.state, State::Shown(_)) {
                    self.notices.push_back(Step::Expired);
                    self.enter(State::Wanting { wrong: 0 });
                }
            }
            _ => {}
        }
    }

    /// When [`Codes::handle_time`] is due next.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Shown(shown) => {
                Some(shown.claim.as_ref().map_or(shown.until, |claim| claim.until.min(shown.until)))
            }
            State::Waiting { until } => Some(*until),
            State::Wanting { .. } | State::Requested { .. } | State::Locked => None,
        }
    }

    /// The code that waits now, and its end.
    pub fn shown(&self) -> Option<(&SessionCode, Instant)> {
        match &self.state {
            State::Shown(shown) => Some((&shown.code, shown.until)),
            _ => None,
        }
    }

    /// The next thing to do, each once; `None` until something happens.
    pub fn poll(&mut self) -> Option<Step> {
        if let Some(notice) = self.notices.pop_front() {
            return Some(notice);
        }
        if self.told {
            return None;
        }
        let step = match &self.state {
            State::Wanting { wrong } => {
                self.state = State::Requested { wrong: *wrong };
                Step::RequestLocator
            }
            State::Requested { .. } => return None,
            State::Shown(shown) => Step::Show { code: shown.code.clone(), until: shown.until },
            State::Locked => Step::WaitForKey,
            State::Waiting { until } => Step::WaitUntil(*until),
        };
        self.told = true;
        Some(step)
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.told = false;
    }

    fn take_claim(&mut self, id: ClaimId) -> Option<Progress> {
        let State::Shown(shown) = &mut self.state else { return None };
        shown.claim.take_if(|claim| claim.id == id).map(|claim| claim.progress)
    }

    /// One more wrong start of the code that is shown; returns how many starts it still allows.
    fn count_wrong(&mut self, now: Instant) -> u8 {
        let State::Shown(shown) = &mut self.state else { return 0 };
        shown.wrong = shown.wrong.saturating_add(1);
        let left = STARTS.saturating_sub(shown.wrong);
        self.notices.push_back(Step::WrongCode { left });
        if left == 0 {
            self.die(Death::WrongCodes, now);
        }
        left
    }

    fn die(&mut self, death: Death, now: Instant) {
        self.dead = self.dead.saturating_add(1);
        self.notices.push_back(Step::Dead(death));
        self.enter(match (self.dead, self.has_user) {
            (1, _) => State::Wanting { wrong: 0 },
            (_, true) => State::Locked,
            (_, false) => State::Waiting { until: now + self.wait() },
        });
    }

    /// 1, 2, 4 … times the brake, by the dead codes in a row.
    fn wait(&self) -> Duration {
        let doublings = self.dead.saturating_sub(2).min(MAX_DOUBLINGS);
        self.lifetimes.brake.saturating_mul(1 << doublings)
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
