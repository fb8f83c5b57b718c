//! The host's end of a pairing: `Start --> Answering --Proof--> PinnedPeer`. How many starts a code allows is kept by
//! [`Codes`](super::Codes), through which every start goes.

use super::{
    Context, PairError, PinnedPeer,
    message::{Answer, PairMessage},
    spake::{Exchange, Pake as _, SharedKey, Side},
    transcript::Transcript,
};
use crate::{code::Secret, ids::Fingerprint, version::VERSION};
use rand_core::{CryptoRng, RngCore};

/// Has answered a start and awaits the viewer's proof.
pub struct Answering {
    key: SharedKey,
    transcript: Transcript,
    peer: PinnedPeer,
}

impl Answering {
    /// Answers a viewer's `Start`; send the returned `Answer`. `certificate` is the SHA-256 of the host's own
    /// session certificate. Call it inside [`Codes::handle_start`](super::Codes::handle_start), which counts it.
    ///
    /// # Errors
    /// [`PairError::PeerVersion`] before anything else is looked at; [`PairError::PeerElement`],
    /// [`PairError::PeerOrder`]. Nothing was answered then.
    pub fn answer(
        secret: &Secret,
        context: &Context,
        certificate: Fingerprint,
        message: PairMessage,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(Self, PairMessage), PairError> {
        let start = match message {
            PairMessage::Start(start) => start,
            other => return Err(PairError::PeerOrder { got: other.name(), due: "Start" }),
        };
        if start.version != VERSION {
            return Err(PairError::PeerVersion { got: start.version, own: VERSION });
        }
        let (exchange, element) = Exchange::start(Side::Host, secret, &context.relay, rng);
        let key = exchange.finish(&start.element)?;
        let answer = Answer { version: VERSION, element, certificate };
        let transcript = Transcript::of(context, &start, &answer);
        let peer = PinnedPeer { certificate: start.certificate, want: start.want };
        Ok((Self { key, transcript, peer }, PairMessage::Answer(answer)))
    }

    /// Takes the viewer's `Proof`. Send the returned `Proved` once
    /// [`Codes::handle_paired`](super::Codes::handle_paired) has agreed.
    ///
    /// # Errors
    /// [`PairError::WrongCode`]: tell [`Codes::handle_mismatch`](super::Codes::handle_mismatch) and send `Mismatch`
    /// with what it returns. [`PairError::PeerOrder`].
    pub fn receive(self, message: PairMessage) -> Result<(PinnedPeer, PairMessage), PairError> {
        let proof = match message {
            PairMessage::Proof(proof) => proof,
            other => return Err(PairError::PeerOrder { got: other.name(), due: "Proof" }),
        };
        if !self.transcript.proves(&self.key, Side::Viewer, &proof) {
            return Err(PairError::WrongCode);
        }
        let proved = self.transcript.proof(&self.key, Side::Host);
        Ok((self.peer, PairMessage::Proved(proved)))
    }
}
