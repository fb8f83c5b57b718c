//! The accept loop: validates addresses under load, bounds what is open, gives each connection its actor. It waits for
//! nobody, least of all for the record.

use super::{
    Hub,
    face::Ticket,
    register::{self, Arrival},
};
use crate::{
    limits::counted,
    pace::{Bucket, Pace},
};
use nearhand_proto::close::Close;
use quinn::{Endpoint, Incoming, VarInt};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A handshake must be done within this.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// New handshakes beyond this must prove their address first: each costs us a signature.
const NEW: Pace = Pace { burst: 100, every: Duration::from_millis(10) };

/// How long connections have to end after `stop`.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves control connections until `stop`; then hangs up on everybody and returns when all actors have ended. Returns
/// without `stop` only if the endpoint has ended by itself: nobody can be let in any more.
pub async fn serve(hub: Arc<Hub>, endpoint: Endpoint, stop: CancellationToken) {
    let mut actors = JoinSet::new();
    let mut door = Door { hub, stop: stop.clone(), open: Arc::default(), new: Bucket::default(), number: 0 };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            incoming = endpoint.accept() => match incoming {
                Some(incoming) => door.admit(incoming, &mut actors),
                None => {
                    tracing::error!("the relay's endpoint has ended, nobody can be let in");
                    break;
                }
            },
            Some(ended) = actors.join_next(), if !actors.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed; its session goes on when it reconnects");
                }
            }
        }
    }
    let all = async { while actors.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
        tracing::warn!("connections did not end in time");
    }
    endpoint.close(VarInt::from_u32(Close::RelayStopping.code().into()), &[]);
    let _ = tokio::time::timeout(LAST_WORDS, endpoint.wait_idle()).await;
}

/// Who is let in.
struct Door {
    hub: Arc<Hub>,
    stop: CancellationToken,
    /// Handshakes under way.
    open: Arc<AtomicU32>,
    new: Bucket,
    number: u64,
}

impl Door {
    fn admit(&mut self, incoming: Incoming, actors: &mut JoinSet<()>) {
        let limits = self.hub.config.limits;
        let address = counted(incoming.remote_address().ip());
        let open = self.open.load(Ordering::Relaxed);
        if limits.handshakes <= open {
            return incoming.ignore();
        }
        if !incoming.remote_address_validated() {
            let hurried = !self.new.take(NEW, Instant::now());
            // Whoever writes a foreign address on first flights must not use up what it may have.
            let crowded = limits.connections_per_address / 4 <= self.hub.addresses().of(&address);
            if hurried || crowded || limits.handshakes / 4 <= open {
                // Fails only for a validated address.
                let _ = incoming.retry();
                return;
            }
        }
        let Some(ticket) = Ticket::admit(&self.hub, address) else {
            return incoming.refuse();
        };
        self.number += 1;
        let (hub, stop, number) = (self.hub.clone(), self.stop.clone(), self.number);
        let handshake = Handshake::begin(&self.open);
        actors.spawn(async move {
            let address = incoming.remote_address();
            let connected = shake_hands(incoming).await;
            drop(handshake);
            match connected {
                Ok(quic) => register::run(hub, Arrival { quic, address, number, ticket }, stop).await,
                Err(reason) => hub.handshake_refused(Some(reason)),
            }
        });
    }
}

/// A handshake under way, counted until it is done, failed or panicked.
struct Handshake(Arc<AtomicU32>);

impl Handshake {
    fn begin(open: &Arc<AtomicU32>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open.clone())
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn shake_hands(incoming: Incoming) -> Result<quinn::Connection, String> {
    let connecting = incoming.accept().map_err(|error| error.to_string())?;
    match tokio::time::timeout(HANDSHAKE, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("not done within 10 s".to_owned()),
    }
}
