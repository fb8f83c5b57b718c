//! What the relay says to the host. It may lie: whatever it says gives nobody a right, and speaks for nobody but itself.

use super::{Host, steps::Asking};
use crate::{
    front::{Over, Show},
    session::Told,
};
use nearhand_proto::{
    close::Close,
    code::Secret,
    control::{SessionState, ToEnd},
    ids::SessionId,
    net::{LinkEvent, random},
    text::Name,
};
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait before asking a relay again that has refused a locator.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);

impl Host {
    /// False once the link has ended for good.
    pub(super) async fn event(&mut self, event: LinkEvent) -> bool {
        match event {
            LinkEvent::Registered { desk, sessions } => self.registered(desk, sessions).await,
            LinkEvent::Message(message) => self.message(message).await,
            LinkEvent::Lost => {
                self.registered = false;
                self.asking = None;
                self.show(Show::RelayLost).await;
            }
            LinkEvent::Down(why) => {
                let why = relays_reason(why);
                // The session ends in order before the host does.
                self.quitting.get_or_insert(why);
                self.registered = false;
                if let Some(running) = &self.running {
                    let _ = running.told.send(Told::Ended(why)).await;
                }
                return false;
            }
        }
        true
    }

    async fn registered(&mut self, desk: Name, sessions: Vec<SessionState>) {
        self.registered = true;
        let host = self.config.relay.host.clone();
        self.show(Show::Relay { host, desk }).await;
        self.show(Show::RelayBack).await;
        if self.codes.shown().is_some() {
            self.show(Show::CodeOver(Over::Gone)).await;
        }
        self.codes.handle_lost(Instant::now().into_std());
        self.pairings.clear();
        // A pairing that was not committed before the relay went is over; the viewer learns the same.
        self.proved = None;
        self.leftovers.handle_registered(&sessions, self.running.as_ref().map(|running| running.id));
        if let Some(running) = &self.running {
            let told = match sessions.iter().find(|state| state.session == running.id) {
                Some(state) => Told::Reregistered(state.next),
                None => Told::Ended(Close::Lost),
            };
            let _ = running.told.send(told).await;
        }
    }

    async fn message(&mut self, message: ToEnd) {
        let now = Instant::now().into_std();
        match message {
            ToEnd::Waiting(locator) => {
                self.asking = None;
                let secret = std::iter::repeat_with(|| Secret::draw(random())).flatten().next();
                self.codes.handle_locator(locator, secret.expect("a draw succeeds in the end"), now);
            }
            ToEnd::Refused(why) => {
                tracing::warn!(%why, "the relay refused");
                // Only a host without a code has asked for something that can be refused.
                let again = Asking::Refused { again: Instant::now() + REFUSED_PAUSE };
                self.asking = self.codes.shown().is_none().then_some(again);
            }
            ToEnd::Incoming { claim, technician } => self.claimed(claim, technician),
            ToEnd::Pair { claim, message } => self.pair(claim, &message).await,
            ToEnd::Withdrawn { claim, why } => {
                self.pairings.forget(claim);
                self.proved.take_if(|proved| proved.claim == claim);
                if why == Close::TwoClaimants {
                    self.codes.handle_two_claimants(claim, now);
                } else {
                    self.codes.handle_withdrawn(claim, now);
                }
            }
            ToEnd::Paired { claim, session, .. } => self.paired(claim, session).await,
            ToEnd::Recorded { session, next } => {
                self.leftovers.handle_recorded(session, next);
                self.tell(session, Told::Recorded(next)).await;
            }
            ToEnd::Ended { session, why } => {
                self.leftovers.handle_ended(session);
                self.tell(session, Told::Ended(relays_reason(why))).await;
            }
            ToEnd::RouteOpen(session) => self.tell(session, Told::RouteOpen).await,
            ToEnd::Registered { .. } | ToEnd::Enrolled(_) | ToEnd::Claimed { .. } | ToEnd::Pong(_) => {}
        }
    }

    async fn tell(&self, session: SessionId, told: Told) {
        if let Some(running) = self.running.as_ref().filter(|running| running.id == session) {
            // It may just have ended.
            let _ = running.told.send(told).await;
        }
    }
}

/// A relay's reason, unless it is one that only this computer or its user can give: a relay that says "the user called
/// this a scam" would have the user told, and the record believe, what never happened.
fn relays_reason(why: Close) -> Close {
    match why {
        Close::UserStopped
        | Close::Declined
        | Close::NoAnswer
        | Close::Reported
        | Close::Blocked
        | Close::NoScreen => Close::Protocol,
        why => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_can_not_speak_for_the_user() {
        let changed: Vec<_> = Close::ALL.iter().filter(|why| relays_reason(**why) != **why).collect();
        assert_eq!(changed.len(), 6, "{changed:?}");
        for why in changed {
            assert_eq!(relays_reason(*why), Close::Protocol);
        }
        assert_eq!(relays_reason(Close::TechnicianRemoved), Close::TechnicianRemoved);
    }
}
