//! Two ends of the product's session connection, without sockets: quinn's own state machines (`quinn_proto`), to which
//! time and datagrams are handed.

use anyhow::Context as _;
use nearhand_proto::net::{
    EndCids, IDLE, Identity, Pins, session_client, session_server, session_transport_by,
};
use quinn::{EndpointConfig, congestion::ControllerFactory};
use quinn_proto::{Connection, ConnectionHandle, DatagramEvent, Endpoint, Transmit};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Datagrams that are handed out at once, as quinn does with segmentation offload.
const BATCH: usize = 10;

/// Validity of a session certificate, in days, as the product's ends make it.
const DAYS: i64 = 13;

/// Which congestion control.
pub(super) type Control = Arc<dyn ControllerFactory + Send + Sync>;

/// One end.
pub(super) struct End {
    endpoint: Endpoint,
    peer: SocketAddr,
    connection: Option<(ConnectionHandle, Connection)>,
    buffer: Vec<u8>,
}

impl End {
    /// A host and a viewer that has begun to dial it.
    ///
    /// # Errors
    /// What TLS says.
    pub(super) fn pair(control: &Control, now: Instant) -> anyhow::Result<[Self; 2]> {
        let (host, viewer) = (Identity::generate(DAYS)?, Identity::generate(DAYS)?);
        let pins = Pins::default();
        pins.insert(viewer.certificate_fingerprint());
        let rid = host.public().rid();
        let mut client = session_client(&viewer, host.certificate_fingerprint(), rid)?;
        client.transport_config(session_transport_by(IDLE, control.clone()));
        let mut server = session_server(&host, pins, IDLE)?;
        server.transport_config(session_transport_by(IDLE, control.clone()));
        let config = |identity: &Identity| {
            let rid = identity.public().rid();
            let mut config = EndpointConfig::default();
            config.cid_generator(move || Box::new(EndCids(rid))).supported_versions(vec![1]);
            Arc::new(config)
        };
        let [here, there] = [1, 2].map(|last| SocketAddr::from(([192, 0, 2, last], 4433)));
        let end = |config, server, peer| {
            let endpoint = Endpoint::new(config, server, true, None);
            Self { endpoint, peer, connection: None, buffer: Vec::new() }
        };
        let host = end(config(&host), Some(Arc::new(server)), there);
        let mut viewer = end(config(&viewer), None, here);
        viewer.connection = Some(viewer.endpoint.connect(now, client, here, "nearhand").context("dialling")?);
        Ok([host, viewer])
    }

    /// The connection, once its handshake is over.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut().map(|(_, connection)| connection).filter(|one| !one.is_handshaking())
    }

    /// When it wants to be driven next.
    pub(super) fn timeout(&mut self) -> Option<Instant> {
        self.connection.as_mut().and_then(|(_, connection)| connection.poll_timeout())
    }

    /// A datagram has come.
    pub(super) fn handle(&mut self, datagram: &[u8], now: Instant) {
        let event = self.endpoint.handle(now, self.peer, None, None, datagram.into(), &mut self.buffer);
        match event {
            Some(DatagramEvent::NewConnection(incoming)) => {
                self.connection = self.endpoint.accept(incoming, now, &mut self.buffer, None).ok();
            }
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                if let Some((own, connection)) = &mut self.connection
                    && *own == handle
                {
                    connection.handle_event(event);
                }
            }
            Some(DatagramEvent::Response(_)) | None => {}
        }
        self.buffer.clear();
    }

    /// What is due, is done; returns what goes out.
    pub(super) fn drive(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let Some((handle, connection)) = &mut self.connection else { return out };
        if connection.poll_timeout().is_some_and(|at| at <= now) {
            connection.handle_timeout(now);
        }
        loop {
            while let Some(event) = connection.poll_endpoint_events() {
                if let Some(answer) = self.endpoint.handle_event(*handle, event) {
                    connection.handle_event(answer);
                }
            }
            while connection.poll().is_some() {}
            let Some(transmit) = connection.poll_transmit(now, BATCH, &mut self.buffer) else { return out };
            out.extend(datagrams(&transmit, &self.buffer));
            self.buffer.clear();
        }
    }
}

fn datagrams(transmit: &Transmit, buffer: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let bytes = &buffer[..transmit.size];
    bytes.chunks(transmit.segment_size.unwrap_or(transmit.size).max(1)).map(<[u8]>::to_vec)
}

/// The next whole millisecond since `began`: timers of the product's runtime are no finer.
pub(super) fn tick(at: Instant, began: Instant) -> Instant {
    let since = at.saturating_duration_since(began).as_micros().div_ceil(1_000);
    began + Duration::from_millis(u64::try_from(since).unwrap_or(u64::MAX))
}
