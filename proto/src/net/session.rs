//! The session connection's two ends: the viewer dials through the relay with the host's routing id, the host lets
//! in who was paired.

use super::{Identity, Pins, cid::initial_for_host, session_transport, tls};
use crate::{close::Close, ids::Fingerprint, route::Rid};
use quinn::{ConnectionError, VarInt};
use std::sync::Arc;

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
    config.transport_config(session_transport()).initial_dst_cid_provider(initial_for_host(route));
    Ok(config)
}

/// What the host accepts with: nobody but who is in `pins`.
///
/// # Errors
/// What rustls says of our own key.
pub fn session_server(own: &Identity, pins: Pins) -> Result<quinn::ServerConfig, rustls::Error> {
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls::session_server_tls(own, pins)?));
    config.transport_config(session_transport());
    Ok(config)
}

/// Why the peer closed the connection, if it said so in our words.
pub fn close_reason(error: &ConnectionError) -> Option<Close> {
    match error {
        ConnectionError::ApplicationClosed(close) => Close::from_code(VarInt::into_inner(close.error_code)),
        _ => None,
    }
}
