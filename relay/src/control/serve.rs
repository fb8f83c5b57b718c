//! The accept loop: validates addresses under load, bounds what is open, gives each connection its actor.

use super::{Hub, connection};
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

/// How long connections have to end after `stop`.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves control connections until `stop`; then hangs up on everybody and returns when all actors have ended.
pub async fn serve(hub: Arc<Hub>, endpoint: Endpoint, stop: CancellationToken) {
    let mut actors = JoinSet::new();
    let handshakes = Arc::new(AtomicU32::new(0));
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut removed = hub.recorder.removed();
    let mut connections = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(incoming) = endpoint.accept() => {
                connections += 1;
                admit(&hub, incoming, &handshakes, connections, &stop, &mut actors);
            }
            Some(technician) = super::sessions::next_removed(&mut removed) => hub.remove_technician(technician).await,
            Some(ended) = actors.join_next(), if !actors.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed; its session goes on when it reconnects");
                }
            }
            _ = tick.tick() => {
                hub.handle_time(Instant::now()).await;
                hub.handshake_refused(None).await;
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

fn admit(
    hub: &Arc<Hub>,
    incoming: Incoming,
    handshakes: &Arc<AtomicU32>,
    number: u64,
    stop: &CancellationToken,
    actors: &mut JoinSet<()>,
) {
    let limits = hub.config.limits;
    let open = handshakes.load(Ordering::Relaxed);
    if hub.is_draining() {
        return incoming.refuse();
    }
    if limits.handshakes <= open {
        return incoming.ignore();
    }
    if limits.handshakes / 4 <= open && !incoming.remote_address_validated() {
        // Fails only for a validated address.
        let _ = incoming.retry();
        return;
    }
    let Some(ticket) = hub.admit_address(incoming.remote_address().ip()) else {
        return incoming.refuse();
    };
    handshakes.fetch_add(1, Ordering::Relaxed);
    let (hub, handshakes, stop) = (hub.clone(), handshakes.clone(), stop.clone());
    actors.spawn(async move {
        let connected = shake_hands(incoming).await;
        handshakes.fetch_sub(1, Ordering::Relaxed);
        match connected {
            Ok(quic) => connection::run(hub, quic, number, ticket, stop).await,
            Err(reason) => hub.handshake_refused(Some(reason)).await,
        }
    });
}

async fn shake_hands(incoming: Incoming) -> Result<quinn::Connection, String> {
    let connecting = incoming.accept().map_err(|error| error.to_string())?;
    match tokio::time::timeout(HANDSHAKE, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("not done within 10 s".to_owned()),
    }
}
