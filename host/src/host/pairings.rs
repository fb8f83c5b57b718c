//! The pairings under way on the host: per claim who calls, and how far the exchange is.

use nearhand_proto::{
    code::{Locator, Secret},
    control::Technician,
    ids::{ClaimId, Fingerprint},
    pair::{Answering, Context, PairError, PairMessage, PinnedPeer},
};
use rand_core::OsRng;

/// One claim. Codes allow one at a time; a new one replaces what an old one has left.
struct Pairing {
    claim: ClaimId,
    technician: Technician,
    exchange: Option<Answering>,
}

/// The one under way.
pub(super) struct Pairings {
    certificate: Fingerprint,
    current: Option<Pairing>,
}

impl Pairings {
    /// `certificate`: SHA-256 of the host's own session certificate.
    pub(super) fn new(certificate: Fingerprint) -> Self {
        Self { certificate, current: None }
    }

    /// A claim has come.
    pub(super) fn begin(&mut self, claim: ClaimId, technician: Technician) {
        self.current = Some(Pairing { claim, technician, exchange: None });
    }

    /// Answers a start. Called by the codes, which count it.
    ///
    /// # Errors
    /// [`PairError`]; nothing was answered.
    pub(super) fn answer(
        &mut self,
        claim: ClaimId,
        secret: &Secret,
        relay: Fingerprint,
        locator: Locator,
        start: PairMessage,
    ) -> Result<PairMessage, PairError> {
        let pairing = self.current.as_mut().filter(|it| it.claim == claim).ok_or(PairError::NoCode)?;
        let context = Context { relay, locator, technician: pairing.technician.clone() };
        let (exchange, answer) = Answering::answer(secret, &context, self.certificate, start, &mut OsRng)?;
        pairing.exchange = Some(exchange);
        Ok(answer)
    }

    /// Takes the viewer's proof. The exchange is over, either way.
    ///
    /// # Errors
    /// [`PairError`]
    pub(super) fn receive(
        &mut self,
        claim: ClaimId,
        message: PairMessage,
    ) -> Result<(PinnedPeer, PairMessage, Technician), PairError> {
        let pairing = self.current.take_if(|it| it.claim == claim).ok_or(PairError::NoCode)?;
        let due = PairError::PeerOrder { got: message.name(), due: "Start" };
        let (peer, proved) = pairing.exchange.ok_or(due)?.receive(message)?;
        Ok((peer, proved, pairing.technician))
    }

    /// True while a claim is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// This claim is over.
    pub(super) fn forget(&mut self, claim: ClaimId) {
        self.current.take_if(|it| it.claim == claim);
    }

    /// All are over: the relay has forgotten them.
    pub(super) fn clear(&mut self) {
        self.current = None;
    }
}
