//! One attempt: find the relay, connect, prove the session key, be registered.

use super::{
    DialError, LinkConfig,
    actor::{Actor, Online},
};
use crate::{
    close::Close,
    control::{EXPORTER_LABEL, Register, ToEnd, ToRelay},
    net::{
        FrameReceiver, FrameSender, IdentityError, cid::initial_for_relay, close_reason, control_of_end,
        relay_client_tls,
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

/// Where the relay is: the first address that its name has; of `family` if that is given.
pub(super) async fn resolve(
    relay: &RelayString,
    family: Option<SocketAddr>,
) -> Result<SocketAddr, DialError> {
    let unknown = |source| DialError::Resolve { host: relay.host.clone(), source };
    let mut found = tokio::net::lookup_host((relay.host.as_str(), relay.port)).await.map_err(unknown)?;
    let fits = |address: &SocketAddr| family.is_none_or(|family| family.is_ipv4() == address.is_ipv4());
    found.find(fits).ok_or_else(|| unknown(io::Error::from(io::ErrorKind::NotFound)))
}

impl Actor {
    /// One attempt to connect and register.
    pub(super) async fn attempt(&self, patience: Duration) -> Result<Online, DialError> {
        match timeout(patience, self.find_and_connect()).await {
            Ok(result) => result,
            Err(_) => Err(DialError::Closed(Close::RelayUnreachable)),
        }
    }

    async fn find_and_connect(&self) -> Result<Online, DialError> {
        let address = resolve(&self.config.relay, Some(self.socket.relay())).await?;
        self.socket.set_relay(address);
        self.connect(address).await
    }

    async fn connect(&self, address: SocketAddr) -> Result<Online, DialError> {
        let refused = Arc::new(AtomicBool::new(false));
        let tls = relay_client_tls(self.config.relay.key, refused.clone(), self.config.technician.as_deref())
            .map_err(IdentityError::from)?;
        let mut config = quinn::ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        let connecting = self
            .endpoint
            .connect_with(config, address, "nearhand")
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
