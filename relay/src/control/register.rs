//! From a finished handshake to a registered end: the first message proves the session key over this connection.

use super::{
    Hub,
    connection::{self, Asking, End, Inbox, LOOK, MESSAGE},
    errands::Errands,
    face::{Face, Hangup, MAILBOX, Presence, Ticket},
};
use crate::{
    forward::{AddressProof, Refusal},
    limits::counted,
    pace::Bucket,
};
use nearhand_proto::{
    close::Close,
    control::{EXPORTER_LABEL, Register, ToRelay},
    net::{FrameError, FrameReceiver, FrameSender, Vigil, key_of, verify_proof},
};
use quinn::{Connection, RecvStream, SendStream, VarInt};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The first message must be there within this.
const FIRST_MESSAGE: Duration = Duration::from_secs(5);

/// A connection whose handshake is done.
pub(super) struct Arrival {
    pub(super) quic: Connection,
    /// From where the handshake came, which proves it (RFC 9000 §8.1); quinn's own may have moved since.
    pub(super) address: SocketAddr,
    /// Connections are numbered as they come.
    pub(super) number: u64,
    pub(super) ticket: Ticket,
}

/// Runs one connection to its end.
pub(super) async fn run(hub: Arc<Hub>, arrival: Arrival, stop: CancellationToken) {
    let quic = arrival.quic.clone();
    let why = match Box::pin(register(&hub, arrival)).await {
        Ok((end, inbox)) => connection::live(end, inbox, stop).await,
        Err(why) => why,
    };
    hang_up(&quic, why);
}

/// Says why, if nothing else was said before.
pub(super) fn hang_up(quic: &Connection, why: Close) {
    quic.close(VarInt::from_u32(why.code().into()), &[]);
}

/// The first message, and the streams that it came on and that are answered on.
async fn first_message(quic: &Connection) -> Result<(Register, SendStream, FrameReceiver<ToRelay>), Close> {
    let streams: (SendStream, RecvStream) = timeout(FIRST_MESSAGE, quic.accept_bi())
        .await
        .map_err(|_| Close::TooSlow)?
        .map_err(|_| Close::Done)?;
    let (send, receive) = streams;
    let mut receiver = FrameReceiver::new(receive, MESSAGE);
    match timeout(FIRST_MESSAGE, receiver.next()).await.map_err(|_| Close::TooSlow)? {
        Ok(Some(ToRelay::Register(register))) => Ok((register, send, receiver)),
        Err(FrameError::PeerStalled) => Err(Close::TooSlow),
        _ => Err(Close::Protocol),
    }
}

/// Returns once the peer makes QUIC do what no end needs; a registered end is looked after by its own actor.
async fn unruly(quic: &Connection) {
    let mut vigil = Vigil::default();
    while vigil.look(&quic.stats(), Instant::now()) {
        sleep(LOOK).await;
    }
    tracing::warn!("a connection resets streams or changes connection ids without end");
}

async fn register(hub: &Arc<Hub>, arrival: Arrival) -> Result<(Box<End>, Inbox), Close> {
    let Arrival { quic, address, number, mut ticket } = arrival;
    let first = tokio::select! {
        biased;
        first = first_message(&quic) => first,
        () = unruly(&quic) => Err(Close::Protocol),
    };
    let (Register { role, key, signature }, send, receiver) = first?;
    if hub.is_draining() {
        return Err(Close::RelayStopping);
    }
    if !hub.may_register(counted(address.ip())) {
        hub.handshake_refused(Some("too many registrations from one address".to_owned()));
        return Err(Close::Busy);
    }
    let mut exporter = [0; 32];
    quic.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]).map_err(|_| Close::Internal)?;
    if !verify_proof(&key, role, &exporter, &signature) {
        return Err(Close::Protocol);
    }
    let technician = key_of(&quic);
    let account = technician.map(|key| key.actor());
    if account.is_some_and(|account| !ticket.admit_account(account)) {
        return Err(Close::Busy);
    }
    let rid = hub.routes().register(key.fingerprint(), address, number).map_err(|refusal| match refusal {
        Refusal::OtherKey => Close::Protocol,
        Refusal::Replaced => Close::Replaced,
    })?;
    let (sender, mailbox) = mpsc::channel(MAILBOX);
    let hangup = Hangup::default();
    let face = Face {
        mailbox: sender,
        key,
        hangup: hangup.clone(),
        connection: number,
        technician: account,
        ticket: Arc::new(Mutex::new(Some(ticket))),
    };
    let actor = technician.unwrap_or_else(|| key.fingerprint()).actor();
    let presence = Presence { hub: hub.clone(), rid, actor, connection: number };
    if !hub.enter(rid, face) {
        return Err(Close::Replaced);
    }
    let end = End {
        hub: hub.clone(),
        quic,
        role,
        key,
        rid,
        technician,
        address: counted(address.ip()),
        errands: Errands::new(hub.clone(), rid),
        sender: FrameSender::new(send),
        proof: AddressProof::new(address),
        moves: Bucket::default(),
        pings: Bucket::default(),
        vigil: Vigil::default(),
        asking: Asking::default(),
        presence,
    };
    Ok((Box::new(end), Inbox { receiver, mailbox, hangup }))
}
