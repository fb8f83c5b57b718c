//! What is due: what the codes want, what time has brought.

use super::Host;
use crate::front::{Over, Show};
use nearhand_proto::{
    close::Close,
    control::{Leave, ToRelay},
    net::NUDGE,
    pair::{Death, Step},
};
use std::time::Duration;
use tokio::time::Instant;

/// A locator that was asked for and has not come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asking {
    /// The relay has until then; one that says nothing is hung up and dialled anew, and the user sees it.
    Awaited { until: Instant },
    /// The relay has refused; it is asked again then.
    Refused { again: Instant },
}

impl Asking {
    fn deadline(self) -> Instant {
        match self {
            Self::Awaited { until } => until,
            Self::Refused { again } => again,
        }
    }
}

impl Host {
    pub(super) fn deadline(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3_600);
        let codes = self.codes.deadline().map(Instant::from_std);
        let proved = self.proved.as_ref().map(|proved| proved.until);
        let asking = self.asking.map(Asking::deadline);
        let nudge = self.awaits().then_some(self.nudge);
        let all = [codes, asking, proved, nudge, self.leftovers.deadline(), self.leave_by];
        all.into_iter().flatten().min().unwrap_or(far)
    }

    pub(super) fn handle_time(&mut self) {
        let now = Instant::now();
        self.codes.handle_time(now.into_std());
        self.leftovers.handle_time();
        if self.nudge <= now {
            self.nudge = now + NUDGE;
            if self.awaits() {
                self.link.probe();
            }
        }
        if let Some(proved) = self.proved.take_if(|proved| proved.until <= now) {
            self.link.send(ToRelay::Abandon { claim: proved.claim, why: Close::TooSlow });
        }
        match self.asking.take_if(|asking| asking.deadline() <= now) {
            Some(Asking::Awaited { .. }) => self.link.redial(),
            Some(Asking::Refused { .. }) => self.codes.handle_lost(now.into_std()),
            None => {}
        }
    }

    /// True while the relay or a viewer owes the next word: a locator, a proof, a session.
    fn awaits(&self) -> bool {
        let asked = matches!(self.asking, Some(Asking::Awaited { .. }));
        asked || self.pairings.is_busy() || self.proved.is_some()
    }

    /// Carries out what the codes want; a new code only while no session runs.
    pub(super) async fn step(&mut self) {
        while self.is_free() {
            let Some(step) = self.codes.poll() else { return };
            match step {
                Step::RequestLocator => {
                    self.asking = Some(Asking::Awaited { until: Instant::now() + self.config.step });
                    self.link.send(ToRelay::Wait);
                }
                Step::Show { code, until } => self.show(Show::Code { code, until }).await,
                Step::WrongCode { left } => self.show(Show::WrongCode { left }).await,
                Step::Abandon { claim, why } => {
                    self.pairings.forget(claim);
                    self.link.send(ToRelay::Abandon { claim, why });
                }
                Step::Dead(death) => {
                    self.show(Show::CodeOver(Over::Dead(death))).await;
                    // Two claimants: the relay has freed the locator itself.
                    if death == Death::WrongCodes {
                        self.link.send(ToRelay::Leave(Leave::WrongCodes));
                    }
                }
                Step::Expired => {
                    self.show(Show::CodeOver(Over::Expired)).await;
                    self.link.send(ToRelay::Leave(Leave::Expired));
                }
                Step::WaitForKey => self.show(Show::PressKey).await,
                Step::WaitUntil(until) => self.show(Show::Wait(until)).await,
            }
        }
    }

    fn is_free(&self) -> bool {
        self.registered
            && self.running.is_none()
            && self.proved.is_none()
            && self.checks.is_empty()
            && self.quitting.is_none()
    }
}
