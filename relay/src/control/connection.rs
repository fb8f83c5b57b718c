//! One end's control connection: an actor that reads messages, routes each to one verb, and writes what its mailbox
//! holds. Its own state is small; everything shared is in the hub.

use super::{
    Hub,
    errands::{Errands, Outcome},
    face::{Hangup, Presence},
    register::hang_up,
};
use crate::{
    forward::{AddressProof, Seen},
    pace::{Bucket, Pace},
};
use nearhand_proto::{
    close::Close,
    control::{PublicKey, Role, ToEnd, ToRelay},
    ids::{Fingerprint, SessionId},
    net::{FrameError, FrameReceiver, FrameSender, Vigil, random},
    record::Event,
    route::Rid,
};
use quinn::Connection;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

/// A message, once begun, must be whole within this; and an end must take ours within it.
pub(super) const MESSAGE: Duration = Duration::from_secs(5);

/// What an end may ask of directory and record without being in a session: each costs a search or an entry.
const ASKING: Pace = Pace { burst: 20, every: Duration::from_secs(1) };

/// How often one end may be asked for a proof of a new address.
const MOVING: Pace = Pace { burst: 10, every: Duration::from_secs(1) };

/// How often one end may ping. An end in doubt does eight times a second, and what it says while its network is dark, for 30 s at
/// most, comes all at once.
const PINGING: Pace = Pace { burst: 400, every: Duration::from_millis(50) };

/// How often an unanswered proof of address is looked after, and what the end makes QUIC do.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// How long an end's last errands may take; the second figure while the relay stops.
const LAST_ERRANDS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(1)];

/// One registered end.
pub(super) struct End {
    pub(super) hub: Arc<Hub>,
    pub(super) quic: Connection,
    pub(super) role: Role,
    pub(super) key: PublicKey,
    pub(super) rid: Rid,
    /// SHA-256 of the SPKI of its TLS client certificate: a technician's, maybe.
    pub(super) technician: Option<Fingerprint>,
    /// As the brakes count it.
    pub(super) address: IpAddr,
    pub(super) errands: Errands,
    pub(super) sender: FrameSender<ToEnd>,
    pub(super) proof: AddressProof,
    pub(super) moves: Bucket,
    pub(super) pings: Bucket,
    pub(super) vigil: Vigil,
    pub(super) asking: Asking,
    pub(super) presence: Presence,
}

/// What comes to a registered end.
pub(super) struct Inbox {
    pub(super) receiver: FrameReceiver<ToRelay>,
    pub(super) mailbox: mpsc::Receiver<Box<ToEnd>>,
    pub(super) hangup: Hangup,
}

/// How much an end has asked; one that was told once that it is too much is hung up the next time.
#[derive(Debug, Default)]
pub(super) struct Asking {
    bucket: Bucket,
    told: bool,
}

/// Why the actor stops.
pub(super) type Turn = Result<(), Close>;

/// Welcomes a registered end and serves it to its end.
pub(super) async fn live(mut end: Box<End>, mut inbox: Inbox, stop: CancellationToken) -> Close {
    let quic = end.quic.clone();
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    end.check_address();
    let mut turn = Box::pin(end.welcome()).await;
    let why = loop {
        if let Err(why) = turn {
            break why;
        }
        turn = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Close::RelayStopping),
            () = inbox.hangup.token.cancelled() => Err(inbox.hangup.why()),
            // Before whatever an end can have happen all the time.
            _ = tick.tick() => end.look(),
            outcome = end.errands.next() => end.done(outcome).await,
            message = inbox.receiver.next() => end.received(message).await,
            Some(message) = inbox.mailbox.recv() => end.send(*message).await,
            Ok(datagram) = quic.read_datagram() => end.echoed(&datagram),
        };
    };
    if why != Close::Done {
        hang_up(&quic, why);
    }
    // An end that leaves in order waits until all that it said is done.
    let [usual, stopping] = LAST_ERRANDS;
    end.errands.finish(if stop.is_cancelled() { stopping } else { usual }).await;
    why
}

impl End {
    /// Writes one message.
    pub(super) async fn send(&mut self, message: ToEnd) -> Turn {
        match timeout(MESSAGE, self.sender.send(&message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::Done),
            Err(_) => Err(Close::TooSlow),
        }
    }

    async fn welcome(&mut self) -> Turn {
        if self.role == Role::Host {
            self.hub.note(SessionId::NONE, self.key.fingerprint().actor(), Event::HostRegistered).await;
        }
        let returning = self.returning_sessions();
        let (desk, sessions) = (self.hub.config.desk.clone(), self.states(&returning));
        self.send(ToEnd::Registered { desk, sessions }).await?;
        self.reopen(returning).await;
        Ok(())
    }

    async fn done(&mut self, outcome: Outcome) -> Turn {
        match outcome? {
            Some(message) => self.send(message).await,
            None => Ok(()),
        }
    }

    async fn received(&mut self, message: Result<Option<ToRelay>, FrameError>) -> Turn {
        self.check_address();
        match message {
            // Boxed: what a message needs while it is handled is not kept for every end at rest.
            Ok(Some(message)) => Box::pin(self.route(message)).await,
            Ok(None) | Err(FrameError::Read(_)) => Err(Close::Done),
            Err(FrameError::PeerStalled) => Err(Close::TooSlow),
            Err(error) => {
                tracing::warn!(%error, rid = %self.rid, "an end broke the protocol");
                Err(Close::Protocol)
            }
        }
    }

    /// The one place where a message is routed, and where it is asked whether this role may send it.
    async fn route(&mut self, message: ToRelay) -> Turn {
        if is_braked(&message) && !self.asking.bucket.take(ASKING, Instant::now()) {
            return self.asked_too_much().await;
        }
        match (self.role, message) {
            (_, ToRelay::Ping(number)) => self.ping(number).await,
            (_, ToRelay::Pair { claim, message }) => self.pair(claim, message),
            (_, ToRelay::Confirmed(claim)) => self.confirmed(claim).await,
            (_, ToRelay::Abandon { claim, why }) => self.abandon(claim, why).await,
            (_, ToRelay::End { session, why }) => self.end_session(session, why).await,
            (Role::Host, ToRelay::Wait) => self.wait().await,
            (Role::Host, ToRelay::Leave(why)) => self.leave(why).await,
            (Role::Host, ToRelay::Record { session, entries }) => self.record(session, entries),
            (Role::Viewer, ToRelay::Enrol(token)) => self.enrol(token).await,
            (Role::Viewer, ToRelay::Claim(locator)) => self.claim(locator).await,
            (Role::Viewer, ToRelay::Mistyped) => self.mistyped().await,
            (Role::Viewer, ToRelay::RefusedTwice) => self.refused_twice().await,
            (_, ToRelay::Register(_)) | (Role::Host | Role::Viewer, _) => Err(Close::Protocol),
        }
    }

    async fn ping(&mut self, number: u64) -> Turn {
        match self.pings.take(PINGING, Instant::now()) {
            true => self.send(ToEnd::Pong(number)).await,
            false => Err(Close::Busy),
        }
    }

    async fn asked_too_much(&mut self) -> Turn {
        self.hub.handshake_refused(Some("an end asked too much at once".to_owned()));
        if std::mem::replace(&mut self.asking.told, true) {
            return Err(Close::Busy);
        }
        self.send(ToEnd::Refused(Close::Busy)).await
    }

    fn look(&mut self) -> Turn {
        self.check_address();
        match self.vigil.look(&self.quic.stats(), Instant::now()) {
            true => Ok(()),
            false => {
                tracing::warn!(rid = %self.rid, "an end resets streams or changes connection ids without end");
                Err(Close::Protocol)
            }
        }
    }

    /// Two looks at the connection: see [`Seen`] for their order.
    fn seen(&self) -> Seen {
        let address = self.quic.remote_address();
        Seen { address, challenges: self.quic.stats().frame_tx.path_challenge }
    }

    /// The connection may speak from a new address: then a nonce goes there. Asked again with each message, since
    /// datagrams are not retransmitted, and each second.
    fn check_address(&mut self) {
        let seen = self.seen();
        let Self { proof, moves, quic, .. } = self;
        let fresh = || moves.take(MOVING, Instant::now()).then(random);
        if let Some(nonce) = proof.handle_address(seen, fresh) {
            let _ = quic.send_datagram(nonce.to_vec().into());
        }
    }

    fn echoed(&mut self, datagram: &[u8]) -> Turn {
        match self.proof.handle_echo(datagram, self.seen()) {
            Some(address) => {
                tracing::info!(rid = %self.rid, "an end has moved");
                self.hub.routes().adopt(self.rid, address);
                self.hub.announce_routes(self.rid);
            }
            // Most often the nonce left before the path was validated, which is so now.
            None => self.check_address(),
        }
        Ok(())
    }
}

/// True for what directory or record must do at the wish of an end that is in no session.
fn is_braked(message: &ToRelay) -> bool {
    matches!(
        message,
        ToRelay::Wait
            | ToRelay::Leave(_)
            | ToRelay::Claim(_)
            | ToRelay::Enrol(_)
            | ToRelay::Mistyped
            | ToRelay::RefusedTwice
            | ToRelay::Abandon { .. }
    )
}
