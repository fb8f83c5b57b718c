//! Claims on the host's code: the PAKE's messages, and the session that follows when both ends have proved the code.

use super::{Host, Running};
use crate::{
    front::{Over, Show},
    session::{Session, Start, TOLD},
};
use nearhand_proto::{
    close::Close,
    control::{Technician, ToRelay},
    ids::{ClaimId, SessionId},
    pair::{PairError, PairMessage, PinnedPeer},
    wire,
};
use tokio::{sync::mpsc, time::Instant};

/// A viewer that has proved the code, until the relay says `Paired`.
pub(super) struct Proved {
    pub(super) claim: ClaimId,
    peer: PinnedPeer,
    technician: Technician,
    /// When the claim is given up.
    pub(super) until: Instant,
}

impl Host {
    pub(super) fn claimed(&mut self, claim: ClaimId, technician: Technician) {
        match self.codes.handle_claim(claim, Instant::now().into_std()) {
            Ok(()) => self.pairings.begin(claim, technician),
            Err(error) => self.link.send(ToRelay::Abandon { claim, why: error.close() }),
        }
    }

    /// One PAKE message of the viewer's.
    pub(super) async fn pair(&mut self, claim: ClaimId, bytes: &[u8]) {
        let now = Instant::now().into_std();
        let result = match wire::decode::<PairMessage>(bytes) {
            Ok(start @ PairMessage::Start(_)) => self.answer(claim, start).map(|answer| (answer, None)),
            Ok(message) => self.pairings.receive(claim, message).and_then(|(peer, proved, technician)| {
                self.codes.handle_paired(claim, now)?;
                Ok((proved, Some((peer, technician))))
            }),
            Err(error) => {
                tracing::warn!(%error, "a viewer sent a broken pairing message");
                Err(PairError::PeerOrder { got: "a broken message", due: "a pairing message" })
            }
        };
        match result {
            Ok((reply, None)) => self.reply(claim, &reply),
            Ok((reply, Some((peer, technician)))) => {
                let caller =
                    Show::Caller { technician: technician.name.clone(), desk: technician.desk.clone() };
                // The viewer has to prove itself to the relay as well, and the relay to commit the session.
                let until = Instant::now() + self.config.step;
                self.proved = Some(Proved { claim, peer, technician, until });
                self.reply(claim, &reply);
                self.link.send(ToRelay::Confirmed(claim));
                self.show(Show::CodeOver(Over::Used)).await;
                self.show(caller).await;
            }
            Err(PairError::WrongCode) => {
                let left = self.codes.handle_mismatch(claim, now);
                self.reply(claim, &PairMessage::Mismatch { left });
            }
            Err(error) => {
                tracing::info!(%error, "pairing failed");
                self.pairings.forget(claim);
                self.codes.handle_withdrawn(claim, now);
                self.link.send(ToRelay::Abandon { claim, why: error.close() });
            }
        }
    }

    /// Answers a start through the codes, which count it.
    fn answer(&mut self, claim: ClaimId, start: PairMessage) -> Result<PairMessage, PairError> {
        let (pairings, relay) = (&mut self.pairings, self.config.relay.key);
        let answered = self.codes.handle_start(claim, Instant::now().into_std(), |code| {
            pairings.answer(claim, &code.secret, relay, code.locator, start)
        });
        answered.map(|(answer, _)| answer)
    }

    fn reply(&self, claim: ClaimId, message: &PairMessage) {
        let message = wire::encode(message).into();
        self.link.send(ToRelay::Pair { claim, message });
    }

    /// The relay has committed the session: its actor begins.
    pub(super) async fn paired(&mut self, claim: ClaimId, session: SessionId) {
        let Some(Proved { peer, technician, .. }) = self.proved.take_if(|proved| proved.claim == claim)
        else {
            // Not ours any more: say so, rather than leave it open.
            return self.link.send(ToRelay::End { session, why: Close::HostGone });
        };
        // From now on, and not before, a session connection is let in.
        self.pins.insert(peer.certificate);
        let (told, receiver) = mpsc::channel(TOLD);
        let start = Start {
            id: session,
            peer: peer.certificate,
            technician,
            want: peer.want,
            preset: self.config.preset,
            computer: self.config.computer.clone(),
            host: self.actor(),
            answer: self.config.answer,
            absence: self.config.absence,
            desktop: self.config.desktop.clone(),
            link: self.link.clone(),
            shows: self.stage.shows.clone(),
            pins: self.pins.clone(),
        };
        self.link.set_paired(true);
        self.sessions.spawn(Session::new(start, receiver).run());
        self.running = Some(Running { id: session, peer: peer.certificate, told });
    }
}
