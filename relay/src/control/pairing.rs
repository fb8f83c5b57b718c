//! Waiting, claiming, pairing: the verbs of design §5 on the relay's side. The PAKE's bytes pass through unread.

use super::connection::{End, Turn};
use crate::{
    directory::{Carried, Claim, Claimant, Claimed, Drawn, Effects},
    record::{RecordError, SessionRow},
};
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Leave, Technician, ToEnd, ToRelay, Token},
    ids::{ActorId, ClaimId, Fingerprint, SessionId},
    net::random,
    record::{Event, Left},
    text::Name,
};
use serde_bytes::ByteBuf;
use std::time::Instant;

/// Draws of a locator before the host is told that the relay is full.
const DRAWS: usize = 64;

impl End {
    fn actor(&self) -> ActorId {
        self.presence.actor
    }

    async fn note(&self, event: Event) {
        self.hub.note(SessionId::NONE, self.actor(), event).await;
    }

    /// Tells the others and records guesses at the code.
    async fn carry_out(&self, effects: Effects) {
        for event in self.hub.carry_out(effects) {
            self.note(event).await;
        }
    }

    /// Host: a locator to wait under.
    pub(super) async fn wait(&mut self) -> Turn {
        if self.hub.is_draining() {
            return self.send(ToEnd::Refused(Close::RelayStopping)).await;
        }
        let now = Instant::now();
        let draw = |_| match self.hub.directory().wait(self.rid, self.address, random(), now) {
            Drawn::Waiting(locator, effects) => Some(Some((locator, effects))),
            Drawn::Taken => None,
            Drawn::Busy => Some(None),
        };
        let Some((locator, effects)) = (0..DRAWS).find_map(draw).flatten() else {
            return self.send(ToEnd::Refused(Close::Busy)).await;
        };
        self.carry_out(effects).await;
        self.note(Event::HostWaiting).await;
        self.send(ToEnd::Waiting(locator)).await
    }

    /// Host: waits no longer.
    pub(super) async fn leave(&mut self, why: Leave) -> Turn {
        let effects = self.hub.directory().leave(self.rid, Close::NoSuchCode, Instant::now());
        self.carry_out(effects).await;
        if why == Leave::WrongCodes {
            self.note(Event::PairCodeDead).await;
        }
        self.note(Event::HostLeft { why: Left::from(why) }).await;
        Ok(())
    }

    /// Viewer: who this certificate belongs to, looked up anew each time.
    fn who(&self) -> Result<(Fingerprint, Technician), Close> {
        let key = self.technician.ok_or(Close::UnknownTechnician)?;
        match self.hub.recorder.technician(key) {
            Ok(Some(known)) => {
                let desk = self.hub.config.desk.clone();
                Ok((key, Technician { id: known.id, name: known.name, desk }))
            }
            Ok(None) => Err(Close::UnknownTechnician),
            Err(_) => Err(Close::TechnicianRemoved),
        }
    }

    /// Viewer: wants the host behind a locator.
    pub(super) async fn claim(&mut self, locator: Locator) -> Turn {
        if self.hub.is_draining() {
            return self.send(ToEnd::Refused(Close::RelayStopping)).await;
        }
        let (key, technician) = match self.who() {
            Ok(who) => who,
            Err(why) => return self.refuse_claim(Name::lossy("-"), why).await,
        };
        let now = Instant::now();
        if !self.hub.wrong_codes().may_try(&key, &self.address, now) {
            return self.refuse_claim(technician.name, Close::TooManyWrongCodes).await;
        }
        let name = technician.name.clone();
        let claimant = Claimant { viewer: self.rid, technician_key: key, technician, address: self.address };
        let (claimed, outbox) = self.hub.directory().claim(locator, claimant, now);
        self.hub.deliver(outbox);
        match claimed {
            Claimed::Started(_) => {
                self.note(Event::PairStarted { technician: name }).await;
                Ok(())
            }
            Claimed::Nobody => {
                // Unknown, expired and used locators look the same and cost the same.
                self.hub.wrong_codes().handle_wrong(key, self.address, now);
                self.refuse_claim(name, Close::NoSuchCode).await
            }
            Claimed::Two(first) => {
                self.hub.note(SessionId::NONE, first.technician.id, Event::PairTwoClaimants).await;
                self.note(Event::PairCodeDead).await;
                self.refuse_claim(name, Close::TwoClaimants).await
            }
        }
    }

    async fn refuse_claim(&mut self, technician: Name, reason: Close) -> Turn {
        self.note(Event::ClaimRefused { technician, reason }).await;
        self.send(ToEnd::Refused(reason)).await
    }

    /// Either: PAKE bytes for the other side.
    pub(super) fn pair(&mut self, claim: ClaimId, message: ByteBuf) -> Turn {
        if ToRelay::MAX_PAIR < message.len() {
            return Err(Close::Protocol);
        }
        // A message for a claim that has just ended is no fault.
        match self.hub.directory().pair(claim, self.rid) {
            Carried::To(to) => self.hub.deliver(vec![(to, ToEnd::Pair { claim, message })]),
            Carried::Nowhere => {}
            Carried::TooMany => return Err(Close::Protocol),
        }
        Ok(())
    }

    /// Either: gives a claim up. Whether it counts as a wrong code does not depend on who says so.
    pub(super) async fn abandon(&mut self, claim: ClaimId, why: Close) -> Turn {
        let abandoned = self.hub.directory().abandon(claim, self.rid, why);
        self.carry_out(abandoned.unwrap_or_default()).await;
        Ok(())
    }

    /// Either: the other side knows the code. When both have said so, the session is committed, then announced.
    pub(super) async fn confirmed(&mut self, id: ClaimId) -> Turn {
        let both = self.hub.directory().confirm(id, self.rid, Instant::now());
        let Some(claim) = both else { return Ok(()) };
        let started = match self.hub.is_draining() {
            false => self.start_session(&claim).await,
            true => Err(Close::RelayStopping),
        };
        match started {
            Ok(row) => self.hub.open_session(id, row).await,
            Err(why) => {
                let ends = [claim.host, claim.viewer];
                let withdrawn = ends.map(|end| (end, ToEnd::Withdrawn { claim: id, why }));
                self.hub.deliver(withdrawn.into());
            }
        }
        Ok(())
    }

    /// Row and `session.start` in one transaction: no durable start, no pairing.
    async fn start_session(&self, claim: &Claim) -> Result<SessionRow, Close> {
        let host_key = self.hub.key_of(claim.host).ok_or(Close::HostGone)?;
        let viewer_key = self.hub.key_of(claim.viewer).ok_or(Close::TechnicianLeft)?;
        let row = SessionRow {
            id: SessionId(random()),
            host_key: host_key.fingerprint(),
            viewer_key: viewer_key.fingerprint(),
            technician: claim.technician.id,
        };
        let event = Event::SessionStart {
            technician: claim.technician.name.clone(),
            desk: claim.technician.desk.clone(),
            technician_key: claim.technician_key,
            host_key,
            viewer_key,
        };
        self.hub.recorder.start_session(row.clone(), event).await.map_err(|error| {
            tracing::error!(%error, "no session without a durable record");
            Close::RecordUnavailable
        })?;
        Ok(row)
    }

    /// Viewer: a typing slip that cost no attempt.
    pub(super) async fn mistyped(&mut self) -> Turn {
        let (_, technician) = match self.who() {
            Ok(who) => who,
            Err(why) => return self.send(ToEnd::Refused(why)).await,
        };
        self.note(Event::CodeMistyped { technician: technician.name }).await;
        Ok(())
    }

    /// Viewer: refuses a code that has failed twice.
    pub(super) async fn refused_twice(&mut self) -> Turn {
        let (_, technician) = match self.who() {
            Ok(who) => who,
            Err(why) => return self.send(ToEnd::Refused(why)).await,
        };
        self.note(Event::CodeRefusedTwice { technician: technician.name }).await;
        Ok(())
    }

    /// Viewer: makes a technician of its certificate's key.
    pub(super) async fn enrol(&mut self, token: Token) -> Turn {
        let Some(key) = self.technician else { return Err(Close::Protocol) };
        let reason = match self.hub.recorder.enrol(token, key).await {
            Ok(known) => {
                let desk = self.hub.config.desk.clone();
                let technician = Technician { id: known.id, name: known.name, desk };
                return self.send(ToEnd::Enrolled(technician)).await;
            }
            Err(RecordError::BadToken) => Close::BadToken,
            Err(_) => Close::RecordUnavailable,
        };
        self.note(Event::EnrolRefused { reason }).await;
        self.send(ToEnd::Refused(reason)).await
    }
}
