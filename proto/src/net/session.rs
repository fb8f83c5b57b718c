//! The session connection's two ends: the viewer dials through the relay with the host's routing id, the host lets
//! in who was paired.

use super::{Identity, Pins, cid::initial_for_host, session_transport, tls, transport::IDLE};
use crate::{close::Close, ids::Fingerprint, route::Rid};
use quinn::{ConnectionError, VarInt};
use std::{sync::Arc, time::Duration};

/// Handshakes that may wait to be let in: one viewer is awaited, and only a relay that lies brings more.
const MAX_INCOMING: usize = 16;

/// What each of them, and all of them, may have sent meanwhile, in bytes.
const INCOMING_BYTES: (u64, u64) = (16 << 10, 64 << 10);

/// What the viewer dials with: its own session key, the host's certificate pinned, the host's routing id on the
/// first packet.
///
/// # Errors
/// What rustls says of our own key.
pub fn session_client(
    own: &Identity,
    host: Fingerprint,
    route: Rid,
) -> Result<quinn::ClientConfig, rustls::Error> {
    let mut config = quinn::ClientConfig::new(Arc::new(tls::session_client_tls(own, host)?));
    config.transport_config(session_transport(IDLE)).initial_dst_cid_provider(initial_for_host(route));
    Ok(config)
}

/// What the host accepts with: nobody but who is in `pins`. A session that is silent for `idle` (at most, and in the
/// product, [`IDLE`]) is lost.
///
/// # Errors
/// What rustls says of our own key.
pub fn session_server(
    own: &Identity,
    pins: Pins,
    idle: Duration,
) -> Result<quinn::ServerConfig, rustls::Error> {
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls::session_server_tls(own, pins)?));
    let (each, all) = INCOMING_BYTES;
    config
        .transport_config(session_transport(idle))
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(each)
        .incoming_buffer_size_total(all);
    Ok(config)
}

/// Sends one byte at once, as a datagram that the peer ignores: after an outage of the path the probe timeout (RFC 9002
/// §6.2) may have backed off to seconds, and the peer's acknowledgement of this ends the wait.
///
/// (Presenting the socket anew by `Endpoint::rebind_abstract` does the same, but quinn 0.11 panics if a connection of
/// the endpoint is reset in the same moment; see `docs/decisions/0007-kick-by-datagram.md`.)
pub fn kick(connection: &quinn::Connection) {
    // Without room for it something is on its way already.
    let _ = connection.send_datagram(bytes::Bytes::from_static(&[0]));
}

/// Why the peer closed the connection, if it said so in our words.
pub fn close_reason(error: &ConnectionError) -> Option<Close> {
    match error {
        ConnectionError::ApplicationClosed(close) => Close::from_code(VarInt::into_inner(close.error_code)),
        _ => None,
    }
}
