//! One end's control connection, and the UDP port beneath it.

use nearhand_proto::{
    control::{EXPORTER_LABEL, Register, Role, ToEnd, ToRelay},
    net::{FrameReceiver, Identity, control_of_end, frame, initial_for_relay, relay_client_tls},
    relay_string::RelayString,
    route::Rid,
};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, SendStream, TokioRuntime};
use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::time::timeout;

/// How long the relay may take to answer a ping.
const PATIENCE: Duration = Duration::from_secs(10);

/// The number of the ping that ends a step.
const MARK: u64 = u64::MAX;

/// An end that says what it wants.
pub(super) struct End {
    pub(super) role: Role,
    pub(super) identity: Identity,
    technician: Option<Identity>,
    relay: RelayString,
    line: Option<Line>,
}

struct Line {
    connection: Connection,
    sender: SendStream,
    receiver: FrameReceiver<ToEnd>,
    udp: UdpSocket,
    /// Kept: the connection lives as long as it.
    _endpoint: Endpoint,
}

impl End {
    /// Not connected yet.
    pub(super) fn new(role: Role, relay: &RelayString) -> Self {
        let key = || Identity::generate(1).expect("a key can be made");
        let technician = (role == Role::Viewer).then(key);
        Self { role, identity: key(), technician, relay: relay.clone(), line: None }
    }

    pub(super) fn rid(&self) -> Rid {
        self.identity.public().rid()
    }

    pub(super) fn is_there(&self) -> bool {
        self.line.is_some()
    }

    /// Connects and registers, in the place of any older connection.
    pub(super) async fn come(&mut self) -> Vec<ToEnd> {
        let line = timeout(PATIENCE, self.dial()).await.expect("a handshake in time");
        self.line = line.ok();
        let Some(line) = &self.line else { return Vec::new() };
        let mut exporter = [0; 32];
        let exported = line.connection.export_keying_material(&mut exporter, EXPORTER_LABEL, &[]);
        exported.expect("TLS 1.3 exports");
        let signature = self.identity.prove(self.role, &exporter).expect("a key signs").into();
        let key = self.identity.public();
        self.says(&ToRelay::Register(Register { role: self.role, key, signature })).await;
        self.hears().await
    }

    async fn dial(&self) -> anyhow::Result<Line> {
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        let udp = socket.try_clone()?;
        let endpoint = Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime))?;
        let refused = Arc::new(AtomicBool::new(false));
        let tls = relay_client_tls(self.relay.key, refused, self.technician.as_ref())?;
        let mut config = ClientConfig::new(Arc::new(tls));
        config.transport_config(control_of_end()).initial_dst_cid_provider(initial_for_relay());
        let connection = endpoint.connect_with(config, self.address(), "nearhand")?.await?;
        let (sender, receiver) = connection.open_bi().await?;
        Ok(Line {
            connection,
            sender,
            receiver: FrameReceiver::new(receiver, PATIENCE),
            udp,
            _endpoint: endpoint,
        })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.relay.port))
    }

    /// Writes a message; whether it arrives, what is heard says.
    pub(super) async fn says(&mut self, message: &ToRelay) {
        self.writes(&frame(message)).await;
    }

    /// Writes bytes.
    async fn writes(&mut self, bytes: &[u8]) {
        if let Some(line) = &mut self.line {
            drop(line.sender.write_all(bytes).await);
        }
    }

    /// Writes bytes, the last ones: nobody waits for the rest of a message.
    pub(super) async fn ends_with(&mut self, bytes: &[u8]) {
        self.writes(bytes).await;
        if let Some(line) = &mut self.line {
            drop(line.sender.finish());
        }
    }

    /// Sends a datagram of the connection.
    pub(super) fn echoes(&self, bytes: &[u8]) {
        if let Some(line) = &self.line {
            drop(line.connection.send_datagram(bytes.to_vec().into()));
        }
    }

    /// Sends a session packet for this end from the port of the control connection.
    pub(super) fn probes(&self, to: Rid) {
        if let Some(line) = &self.line {
            let packet = [&[0x40][..], &to.connection_id([7; 8]), &[0; 24]].concat();
            line.udp.send_to(&packet, self.address()).expect("loopback takes a packet");
        }
    }

    /// Pings; what was heard before the echo. An end that was hung up on is gone.
    pub(super) async fn hears(&mut self) -> Vec<ToEnd> {
        self.says(&ToRelay::Ping(MARK)).await;
        let Some(line) = &mut self.line else { return Vec::new() };
        let mut heard = Vec::new();
        loop {
            match timeout(PATIENCE, line.receiver.next()).await.expect("an answer in time") {
                Ok(Some(ToEnd::Pong(MARK))) => return heard,
                Ok(Some(message)) => heard.push(message),
                Ok(None) | Err(_) => {
                    self.line = None;
                    return heard;
                }
            }
        }
    }

    /// Leaves without a word.
    pub(super) fn goes(&mut self) {
        self.line = None;
    }
}
