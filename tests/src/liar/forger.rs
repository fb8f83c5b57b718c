//! A peer on a real connection that sends whatever frames a story forges, and can fall silent or stop its ears.

use super::{
    Raw, end_config, endpoint,
    forge::{Forge, Script, marked_datagram},
};
use crate::journal::in_time;
use nearhand_proto::{
    close::Close,
    control::{Role, ToEnd, ToRelay},
    ids::Fingerprint,
    net::{
        Identity, LENGTH_BYTES, RELAY, close_reason, frame, initial_for_host, initial_for_relay,
        relay_client_tls,
    },
    relay_string::RelayString,
    route::Rid,
    wire,
};
use quinn::{
    Connection, ConnectionError, Endpoint, RecvStream, SendStream, TokioRuntime, TransportConfig, VarInt,
    congestion::CubicConfig, crypto::rustls::QuicClientConfig,
};
use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Bytes on their way at once: a liar cares for no congestion.
const WINDOW: u64 = 16 << 20;

/// Bytes of a stream that the peer may send before it has to wait for us to read.
const UNREAD: u32 = 4_096;

/// A connection whose packets are forged.
#[derive(Debug)]
pub struct Forger {
    /// The connection, for what is lawful.
    pub connection: Connection,
    /// What becomes of its packets.
    pub script: Arc<Script>,
    raw: Raw,
}

impl Forger {
    /// Dials a relay.
    ///
    /// # Errors
    /// Whatever stands in the way of a connection.
    pub async fn dial(relay: &RelayString, identity: &Identity) -> anyhow::Result<Self> {
        Self::dial_by(relay, identity, Arc::default()).await
    }

    /// Dials a relay, its handshake forged by the script.
    ///
    /// # Errors
    /// Whatever stands in the way of a connection.
    pub async fn dial_by(
        relay: &RelayString,
        identity: &Identity,
        script: Arc<Script>,
    ) -> anyhow::Result<Self> {
        let refused = Arc::new(AtomicBool::new(false));
        let tls = relay_client_tls(relay.key, refused, Some(identity))?;
        let mut config = client(tls, script.clone());
        config.initial_dst_cid_provider(initial_for_relay());
        let raw = Raw::dial_by(&endpoint(relay, identity)?, RELAY, config).await?;
        Ok(Self { connection: raw.connection.clone(), script, raw })
    }

    /// Dials a host through its relay, from the endpoint on which `own` is registered.
    ///
    /// # Errors
    /// Whatever stands in the way of a connection.
    pub async fn dial_host(
        endpoint: &Endpoint,
        own: &Identity,
        (host, route): (Fingerprint, Rid),
    ) -> anyhow::Result<Self> {
        let script = Arc::<Script>::default();
        let mut config = client(super::tls::session_client(own, host)?, script.clone());
        config.initial_dst_cid_provider(initial_for_host(route));
        let raw = Raw::dial_by(endpoint, RELAY, config).await?;
        Ok(Self { connection: raw.connection.clone(), script, raw })
    }

    /// Registers in order; returns the control stream.
    ///
    /// # Panics
    /// If the relay does not take it.
    pub async fn register(&self, role: Role, identity: &Identity) -> (SendStream, RecvStream) {
        let register = self.raw.registration(role, identity).expect("a key signs");
        let (mut send, mut receive) = self.connection.open_bi().await.expect("a stream");
        send.write_all(&frame(&ToRelay::Register(register))).await.expect("the relay reads");
        let answer = async {
            let mut length = [0; LENGTH_BYTES];
            receive.read_exact(&mut length).await?;
            let mut body = vec![0; usize::try_from(u32::from_be_bytes(length))?];
            receive.read_exact(&mut body).await?;
            Ok::<_, anyhow::Error>(wire::decode::<ToEnd>(&body)?)
        };
        let answer = in_time("the relay registers it", answer).await;
        assert!(matches!(answer, Ok(ToEnd::Registered { .. })), "{answer:?}");
        (send, receive)
    }

    /// Sends these frames, at most [`ROOM`](super::forge::ROOM) bytes, as all that one packet holds.
    ///
    /// # Errors
    /// Why the connection has ended.
    pub async fn sends(&self, frames: &[u8]) -> Result<(), ConnectionError> {
        match self.connection.send_datagram_wait(marked_datagram(frames).into()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.connection.closed().await),
        }
    }

    /// From now on it sends nothing but forged frames: no acknowledgement, for example.
    pub fn falls_silent(&self) {
        self.script.mute.store(true, Ordering::Relaxed);
    }

    /// From now on it hears nothing but acknowledgements and the closing: what answers forged frames would confuse quinn.
    pub fn stops_its_ears(&self) {
        self.script.deaf.store(true, Ordering::Relaxed);
    }

    /// Waits until the peer has hung up; returns how.
    pub async fn is_hung_up(&self) -> HungUp {
        HungUp::of(&in_time("the peer hangs up", self.connection.closed()).await)
    }
}

/// How a peer hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HungUp {
    /// With a reason of ours.
    Said(Close),
    /// QUIC did, with this transport error (RFC 9000 §20.1).
    Quic(u64),
    /// It no longer knows the connection (RFC 9000 §10.3): what it said when it hung up was lost in the flood.
    Forgotten,
    /// In another way.
    Otherwise,
}

impl HungUp {
    /// As a connection tells it.
    pub fn of(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(_) => close_reason(error).map_or(Self::Otherwise, Self::Said),
            ConnectionError::ConnectionClosed(close) => Self::Quic(close.error_code.into()),
            ConnectionError::Reset => Self::Forgotten,
            _ => Self::Otherwise,
        }
    }
}

/// An endpoint of a liar's at this address of the loopback, where brakes count it apart from the others.
///
/// # Panics
/// If there is no such address.
pub fn endpoint_at(address: [u8; 4], identity: &Identity) -> Endpoint {
    let socket = UdpSocket::bind((Ipv4Addr::from(address), 0)).expect("an address of the loopback");
    // Thousands may be hung up in one moment; where the kernel allows less, some hear of it by a reset.
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(8 << 20);
    Endpoint::new(end_config(identity), None, socket, Arc::new(TokioRuntime)).expect("an endpoint")
}

fn client(tls: QuicClientConfig, script: Arc<Script>) -> quinn::ClientConfig {
    let mut config = quinn::ClientConfig::new(Arc::new(Forge { tls: Arc::new(tls), script }));
    config.transport_config(Arc::new(greedy()));
    config
}

/// Room for everything to be sent and little for what is heard, and one size of packets.
fn greedy() -> TransportConfig {
    let mut config = TransportConfig::default();
    let mut congestion = CubicConfig::default();
    congestion.initial_window(WINDOW);
    config
        .congestion_controller_factory(Arc::new(congestion))
        .stream_receive_window(VarInt::from_u32(UNREAD))
        .datagram_send_buffer_size(256 << 10)
        .mtu_discovery_config(None)
        .max_concurrent_uni_streams(VarInt::from_u32(64))
        .keep_alive_interval(Some(Duration::from_secs(1)));
    config
}
