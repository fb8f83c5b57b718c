//! The viewer's end of a pairing: `Claimant --Answer--> Confirming --Proved--> PinnedPeer`. Each step consumes the
//! one before, so nobody can dial a session before the host has proved the code.
//!
//! From the moment that the proof has left, whoever answered has had one guess at the code. Unless
//! [`Confirming::receive`] then returns a peer, count that (also when the claim just ends), and refuse the code
//! after two: else a relay that poses as the host would get a guess with each entry.

use super::{
    Context, PairError, PinnedPeer,
    codes::STARTS,
    message::{PROOF_LEN, PairMessage, Start},
    spake::{Exchange, Pake as _, SharedKey, Side},
    transcript::Transcript,
};
use crate::{code::Secret, ids::Fingerprint, rights::Rights, version::VERSION};
use rand_core::{CryptoRng, RngCore};

/// Has sent its start.
pub struct Claimant {
    exchange: Exchange,
    context: Context,
    start: Start,
}

impl Claimant {
    /// Begins with the typed code. `certificate` is the SHA-256 of the viewer's own session certificate, `want` what
    /// it will ask the user for. Send the message.
    pub fn start(
        secret: &Secret,
        context: Context,
        certificate: Fingerprint,
        want: Rights,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> (Self, PairMessage) {
        let (exchange, element) = Exchange::start(Side::Viewer, secret, &context.relay, rng);
        let start = Start { version: VERSION, element, certificate, want };
        let message = PairMessage::Start(start.clone());
        (Self { exchange, context, start }, message)
    }

    /// Takes the host's `Answer`; send the returned `Proof`.
    ///
    /// # Errors
    /// [`PairError::PeerVersion`] before anything else is looked at; [`PairError::PeerElement`],
    /// [`PairError::PeerOrder`]. Nothing of the code has been given away then.
    pub fn receive(self, message: PairMessage) -> Result<(Confirming, PairMessage), PairError> {
        let answer = match message {
            PairMessage::Answer(answer) => answer,
            other => return Err(PairError::PeerOrder { got: other.name(), due: "Answer" }),
        };
        if answer.version != VERSION {
            return Err(PairError::PeerVersion { got: answer.version, own: VERSION });
        }
        let key = self.exchange.finish(&answer.element)?;
        let transcript = Transcript::of(&self.context, &self.start, &answer);
        let proof = transcript.proof(&key, Side::Viewer);
        let peer = PinnedPeer { certificate: answer.certificate, want: self.start.want };
        Ok((Confirming { key, transcript, peer }, PairMessage::Proof(proof)))
    }
}

/// Has sent its proof and awaits the host's.
pub struct Confirming {
    key: SharedKey,
    transcript: Transcript,
    peer: PinnedPeer,
}

impl Confirming {
    /// Takes the host's `Proved` or `Mismatch`.
    ///
    /// # Errors
    /// [`PairError::Mismatch`], [`PairError::PeerUnproved`], [`PairError::PeerOrder`]: in each case the peer has had a
    /// guess.
    pub fn receive(self, message: PairMessage) -> Result<PinnedPeer, PairError> {
        match message {
            PairMessage::Proved(proof) => self.verify(&proof),
            // not authenticated, so not believed beyond what is possible
            PairMessage::Mismatch { left } => Err(PairError::Mismatch { left: left.min(STARTS - 1) }),
            other => Err(PairError::PeerOrder { got: other.name(), due: "Proved" }),
        }
    }

    fn verify(self, proof: &[u8; PROOF_LEN]) -> Result<PinnedPeer, PairError> {
        let proved = self.transcript.proves(&self.key, Side::Host, proof);
        proved.then_some(self.peer).ok_or(PairError::PeerUnproved)
    }
}
