//! One end's control connection: an actor that reads messages, routes each to one verb, and writes what its mailbox
//! holds. Its own state is small; everything shared is in the hub.

use super::{
    Hub,
    hub::{Face, Hangup, MAILBOX, Ticket},
};
use crate::forward::AddressProof;
use nearhand_proto::{
    close::Close,
    control::{EXPORTER_LABEL, PublicKey, Register, Role, SessionState, ToEnd, ToRelay},
    ids::{Fingerprint, SessionId},
    net::{FrameError, FrameReceiver, FrameSender, key_of, random, verify_proof},
    record::Event,
    route::Rid,
};
use quinn::{Connection, VarInt};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

/// The first message must be there within this.
const FIRST_MESSAGE: Duration = Duration::from_secs(5);

/// A message, once begun, must be whole within this; and an end must take ours within this.
const MESSAGE: Duration = Duration::from_secs(5);

/// One registered end.
pub(super) struct End {
    pub(super) hub: Arc<Hub>,
    pub(super) quic: Connection,
    pub(super) role: Role,
    pub(super) key: PublicKey,
    pub(super) rid: Rid,
    /// SHA-256 of the SPKI of its TLS client certificate: a technician's, maybe.
    pub(super) technician: Option<Fingerprint>,
    pub(super) address: IpAddr,
    sender: FrameSender<ToEnd>,
    proof: AddressProof,
}

/// Why the actor stops.
pub(super) type Turn = Result<(), Close>;

/// Runs one connection to its end.
pub(super) async fn run(
    hub: Arc<Hub>,
    quic: Connection,
    number: u64,
    ticket: Ticket,
    stop: CancellationToken,
) {
    let why = match register(&hub, &quic, number, ticket).await {
        Ok((end, receiver, mailbox, hangup)) => live(end, receiver, mailbox, hangup, number, stop).await,
        Err(why) => why,
    };
    quic.close(VarInt::from_u32(why.code().into()), &[]);
}

type Registered = (End, FrameReceiver<ToRelay>, mpsc::Receiver<ToEnd>, Hangup);

/// The first message: proof of the session key over this connection's exporter.
async fn register(
    hub: &Arc<Hub>,
    quic: &Connection,
    number: u64,
    mut ticket: Ticket,
) -> Result<Registered, Close> {
    let (send, receive) = timeout(FIRST_MESSAGE, quic.accept_bi())
        .await
        .map_err(|_| Close::TooSlow)?
        .map_err(|_| Close::Done)?;
    let mut receiver = FrameReceiver::new(receive, MESSAGE);
    let first = timeout(FIRST_MESSAGE, receiver.next()).await.map_err(|_| Close::TooSlow)?;
    let Ok(Some(ToRelay::Register(Register { role, key, signature }))) = first else {
        return Err(Close::Protocol);
    };
    let mut exporter = [0; 32];
    quic.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]).map_err(|_| Close::Internal)?;
    if !verify_proof(&key, role, &exporter, &signature) {
        return Err(Close::Protocol);
    }
    let technician = key_of(quic);
    let actor = technician.map(|key| key.actor());
    if actor.is_some_and(|actor| !ticket.admit_account(actor)) {
        return Err(Close::Busy);
    }
    let remote = quic.remote_address();
    let rid = hub.routes().register(key.fingerprint(), remote, number).map_err(|_| Close::Protocol)?;
    let (mailbox, messages) = mpsc::channel(MAILBOX);
    let hangup = Hangup::default();
    let mut end = End {
        hub: hub.clone(),
        quic: quic.clone(),
        role,
        key,
        rid,
        technician,
        address: remote.ip(),
        sender: FrameSender::new(send),
        proof: AddressProof::new(remote),
    };
    let face = Face {
        mailbox,
        key,
        hangup: hangup.clone(),
        connection: number,
        technician: actor,
        ticket: Arc::new(Mutex::new(Some(ticket))),
    };
    hub.enter(rid, face);
    if let Err(why) = welcome(&mut end).await {
        depart(&end, number).await;
        return Err(why);
    }
    Ok((end, receiver, messages, hangup))
}

async fn welcome(end: &mut End) -> Turn {
    if end.role == Role::Host {
        end.hub.fact(SessionId::NONE, end.key.fingerprint().actor(), Event::HostRegistered).await;
    }
    let sessions: Vec<SessionState> = end.returning_sessions().await?;
    let ids: Vec<_> = sessions.iter().map(|state| state.session).collect();
    end.send(ToEnd::Registered { desk: end.hub.config.desk.clone(), sessions }).await?;
    end.reopen(ids).await;
    Ok(())
}

async fn live(
    mut end: End,
    mut receiver: FrameReceiver<ToRelay>,
    mut mailbox: mpsc::Receiver<ToEnd>,
    hangup: Hangup,
    number: u64,
    stop: CancellationToken,
) -> Close {
    let quic = end.quic.clone();
    let why = loop {
        let turn = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Close::RelayStopping),
            () = hangup.token.cancelled() => Err(hangup.why()),
            message = receiver.next() => end.received(message).await,
            Some(message) = mailbox.recv() => end.send(message).await,
            Ok(datagram) = quic.read_datagram() => end.echoed(&datagram),
        };
        if let Err(why) = turn {
            break why;
        }
    };
    depart(&end, number).await;
    why
}

/// The connection has ended; if it was the end's last, others are told.
async fn depart(end: &End, number: u64) {
    if end.hub.leave(end.rid, number) {
        end.gone().await;
    }
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

    async fn received(&mut self, message: Result<Option<ToRelay>, FrameError>) -> Turn {
        self.check_address();
        match message {
            Ok(Some(message)) => self.route(message).await,
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
        match (self.role, message) {
            (_, ToRelay::Ping(number)) => self.send(ToEnd::Pong(number)).await,
            (_, ToRelay::Pair { claim, message }) => self.pair(claim, message),
            (_, ToRelay::Confirmed(claim)) => self.confirmed(claim).await,
            (_, ToRelay::Abandon { claim, why }) => self.abandon(claim, why).await,
            (_, ToRelay::End { session, why }) => self.end_session(session, why).await,
            (Role::Host, ToRelay::Wait) => self.wait().await,
            (Role::Host, ToRelay::Leave(why)) => self.leave(why).await,
            (Role::Host, ToRelay::Record { session, entries }) => self.record(session, entries).await,
            (Role::Viewer, ToRelay::Enrol(token)) => self.enrol(token).await,
            (Role::Viewer, ToRelay::Claim(locator)) => self.claim(locator).await,
            (Role::Viewer, ToRelay::Mistyped) => self.mistyped().await,
            (Role::Viewer, ToRelay::RefusedTwice) => self.refused_twice().await,
            (_, ToRelay::Register(_)) | (Role::Host | Role::Viewer, _) => Err(Close::Protocol),
        }
    }

    /// The connection may speak from a new address: then a nonce goes there. Asked again with each message, since
    /// datagrams are not retransmitted.
    fn check_address(&mut self) {
        if let Some(nonce) = self.proof.handle_address(self.quic.remote_address(), random()) {
            let _ = self.quic.send_datagram(nonce.to_vec().into());
        }
    }

    fn echoed(&mut self, datagram: &[u8]) -> Turn {
        if let Some(address) = self.proof.handle_echo(datagram, self.quic.remote_address()) {
            tracing::info!(rid = %self.rid, "an end has moved");
            self.hub.routes().adopt(self.rid, address);
        }
        Ok(())
    }
}
