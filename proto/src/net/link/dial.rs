//! One attempt: find the relay, connect, prove the session key, be registered.

use super::{
    DialError, LinkConfig,
    actor::{Actor, Online},
};
use crate::{
    close::Close,
    control::{EXPORTER_LABEL, Register, ToEnd, ToRelay},
    net::{
        FrameReceiver, FrameSender, IdentityError, RELAY, cid::initial_for_relay, close_reason,
        control_of_end, relay_client_tls,
    },
    relay_string::RelayString,
};
use quinn::{Connection, ConnectionError, TransportErrorCode};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// One attempt to connect and register, while the round-trip time isn't known.
pub(super) const FIRST_ATTEMPT: Duration = Duration::from_secs(10);
/// A control message must be whole within this.
const FRAME_PATIENCE: Duration = Duration::from_secs(5);
/// Failed attempts in a row from which on each has a fresh port. A relay that restarts is back before.
const FRESH_PORT: usize = 5;

/// Where the relay is: the addresses that its name has, at least one.
pub(super) async fn resolve(relay: &RelayString) -> Result<Vec<SocketAddr>, DialError> {
    let unknown = |source| DialError::Resolve { host: relay.host.clone(), source };
    let found = tokio::net::lookup_host((relay.host.as_str(), relay.port)).await.map_err(unknown)?;
    let found: Vec<_> = found.collect();
    if found.is_empty() { Err(unknown(io::Error::from(io::ErrorKind::NotFound))) } else { Ok(found) }
}

/// Of these addresses (at least one) the one that was good last, if it is there still; after failed attempts those behind it.
fn choose(found: &[SocketAddr], good: SocketAddr, failed: usize) -> SocketAddr {
    let first = found.iter().position(|address| *address == good).unwrap_or_default();
    found[first.saturating_add(failed) % found.len()]
}

impl Actor {
    /// One attempt to connect and register.
    pub(super) async fn attempt(&mut self, patience: Duration) -> Result<Online, DialError> {
        let tried = match timeout(patience, self.find_and_connect(patience / 2)).await {
            Ok(result) => result,
            Err(_) => Err(DialError::Closed(Close::RelayUnreachable)),
        };
        self.attempts = if tried.is_ok() { 0 } else { self.attempts.saturating_add(1) };
        if tried.is_ok() {
            self.good = self.socket.relay();
        }
        tried
    }

    /// Begins at the address that was good last, as sessions use whatever is tried here. Each failed attempt is followed by one
    /// at the next address that the relay's name has; and after some of them from a fresh port, in case something on the way
    /// holds a grudge against the old one. A resolver that doesn't answer in time, or not at all, is no reason not to try: on
    /// a network that has just changed it may be the one of before.
    async fn find_and_connect(&self, patience: Duration) -> Result<Online, DialError> {
        let found = timeout(patience, resolve(&self.config.relay)).await;
        let addresses = found.ok().and_then(Result::ok).unwrap_or_else(|| vec![self.good]);
        let address = choose(&addresses, self.good, self.attempts);
        if FRESH_PORT <= self.attempts {
            self.socket.rebind(address)?;
        } else {
            self.socket.set_relay(address)?;
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<Online, DialError> {
        let refused = Arc::new(AtomicBool::new(false));
        let tls = relay_client_tls(self.config.relay.key, refused.clone(), self.config.technician.as_deref())
            .map_err(IdentityError::from)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        let connecting = self
            .endpoint
            .connect_with(config, RELAY, "nearhand")
            .map_err(|error| DialError::Socket(io::Error::other(error)))?;
        let connection = connecting.await.map_err(|error| {
            let key = refused.load(Ordering::Relaxed);
            if key { DialError::Closed(Close::RelayKey) } else { why_refused(&error) }
        })?;
        let lost = |_| gone(&connection);
        let (send, receive) = connection.open_bi().await.map_err(lost)?;
        let mut sender = FrameSender::new(send);
        let mut receiver = FrameReceiver::new(receive, FRAME_PATIENCE);
        let register = self.proof(&connection)?;
        sender.send(&ToRelay::Register(register)).await.map_err(|_| gone(&connection))?;
        match receiver.next().await.map_err(|_| gone(&connection))? {
            Some(ToEnd::Registered { desk, sessions }) => {
                Ok(Online { connection, sender, receiver, desk, sessions, heard: Instant::now() })
            }
            Some(ToEnd::Refused(close)) => Err(DialError::Refused(close)),
            None => Err(gone(&connection)),
            _ => Err(DialError::Closed(Close::Protocol)),
        }
    }

    fn proof(&self, connection: &Connection) -> Result<Register, DialError> {
        let mut exporter = [0; 32];
        connection
            .export_keying_material(&mut exporter, EXPORTER_LABEL, &[])
            .map_err(|_| DialError::Closed(Close::Internal))?;
        let LinkConfig { role, session, .. } = &self.config;
        let signature = session.prove(*role, &exporter)?.into();
        Ok(Register { role: *role, key: session.public(), signature })
    }
}

/// The connection ended before the relay had registered us.
fn gone(connection: &Connection) -> DialError {
    connection.close_reason().as_ref().map_or(DialError::Closed(Close::Lost), why_refused)
}

/// Why the relay closed or refused. Only what came over the finished handshake was said by the relay for sure.
fn why_refused(error: &ConnectionError) -> DialError {
    /// TLS alert no_application_protocol (RFC 7301 §3.2) as a QUIC error (RFC 9001 §4.8).
    const NO_ALPN: u64 = 0x100 + 120;
    DialError::Closed(match error {
        ConnectionError::ApplicationClosed(_) => {
            return DialError::Refused(close_reason(error).unwrap_or(Close::Protocol));
        }
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            Close::Busy
        }
        ConnectionError::VersionMismatch => Close::Version,
        ConnectionError::ConnectionClosed(close) if u64::from(close.error_code) == NO_ALPN => Close::Version,
        ConnectionError::TransportError(fault) if u64::from(fault.code) == NO_ALPN => Close::Version,
        _ => Close::RelayUnreachable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_was_good_is_tried_first_and_then_all_others() {
        let address = |port: u16| SocketAddr::from(([192, 0, 2, 7], port));
        let found = [address(1), address(2), address(3)];
        let tried = |good: u16| -> Vec<u16> {
            (0..4).map(|failed| choose(&found, address(good), failed).port()).collect()
        };
        assert_eq!(tried(2), [2, 3, 1, 2]);
        assert_eq!(tried(9), [1, 2, 3, 1], "it has moved");
    }
}
