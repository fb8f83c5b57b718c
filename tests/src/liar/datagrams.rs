//! UDP datagrams sent to a relay by somebody without a connection: real first packets, cut, bent and repeated; and what
//! comes back for them.

use super::end_config;
use crate::journal::in_time;
use nearhand_proto::{
    net::{Identity, initial_for_relay, relay_client_tls},
    relay_string::RelayString,
    route::{Rid, is_short},
};
use quinn::{Endpoint, TokioRuntime};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::UdpSocket as AsyncUdpSocket, sync::mpsc};
use tokio_util::task::AbortOnDropHandle;

/// Largest datagram of interest.
const LARGEST: usize = 2_048;

/// A stranger's socket on the loopback.
#[derive(Debug)]
pub struct Stranger {
    socket: AsyncUdpSocket,
    relay: SocketAddr,
    /// Bytes sent.
    pub sent: usize,
}

impl Stranger {
    /// A fresh port, towards this relay.
    ///
    /// # Panics
    /// If there is none.
    pub async fn towards(relay: SocketAddr) -> Self {
        let socket = AsyncUdpSocket::bind(("127.0.0.1", 0)).await.expect("a free port");
        Self { socket, relay, sent: 0 }
    }

    /// Sends it.
    ///
    /// # Panics
    /// If the kernel does not take it.
    pub async fn sends(&mut self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.relay).await.expect("the loopback takes it");
        self.sent += datagram.len();
    }

    /// Everything that comes within `wait`.
    pub async fn hears(&self, wait: Duration) -> Vec<Vec<u8>> {
        let until = Instant::now() + wait;
        let mut heard = Vec::new();
        let mut buffer = [0; LARGEST];
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if let Ok(Ok((length, _))) = tokio::time::timeout(left, self.socket.recv_from(&mut buffer)).await
            {
                heard.push(buffer[..length].to_vec());
            }
        }
        heard
    }
}

/// The real first datagrams of an end's connection to a relay with this key, fresh keys each time: a whole ClientHello.
///
/// # Errors
/// What stands in the way of sockets and keys.
pub async fn first_flight(relay: &RelayString) -> anyhow::Result<Vec<Vec<u8>>> {
    // They are sent to a socket of ours that never answers.
    let catcher = AsyncUdpSocket::bind(("127.0.0.1", 0)).await?;
    let identity = Identity::generate(1)?;
    let tls = relay_client_tls(relay.key, Arc::new(AtomicBool::new(false)), None)?;
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    config.initial_dst_cid_provider(initial_for_relay());
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    let endpoint = Endpoint::new(end_config(&identity), None, socket, Arc::new(TokioRuntime))?;
    let _connecting = endpoint.connect_with(config, catcher.local_addr()?, "nearhand")?;
    let mut flight = Vec::new();
    let mut buffer = [0; LARGEST];
    // One ClientHello is two datagrams with a post-quantum key share, else one; the second comes at once or not at all.
    let mut patience = Duration::from_secs(5);
    while let Ok(received) = tokio::time::timeout(patience, catcher.recv_from(&mut buffer)).await {
        flight.push(buffer[..received?.0].to_vec());
        patience = Duration::from_millis(50);
    }
    match flight.is_empty() {
        true => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        false => Ok(flight),
    }
}

/// The same datagram, of another QUIC version.
pub fn of_version(datagram: &[u8], version: u32) -> Vec<u8> {
    let mut bent = datagram.to_vec();
    bent[1..5].copy_from_slice(&version.to_be_bytes());
    bent
}

/// The same Initial packet with this token instead of none; its length field is left as it was.
///
/// # Panics
/// If it is no Initial packet without a token.
pub fn with_token(datagram: &[u8], token: &[u8]) -> Vec<u8> {
    let at = token_at(datagram);
    assert_eq!(datagram[at], 0, "no token yet");
    [&datagram[..at], &super::frames::varint(token.len().try_into().unwrap_or(0)), token, &datagram[at + 1..]]
        .concat()
}

/// The same Initial packet, claiming this many bytes behind its length field.
///
/// # Panics
/// If it is no Initial packet without a token.
pub fn claiming(datagram: &[u8], length: u16) -> Vec<u8> {
    let at = token_at(datagram) + 1;
    let mut bent = datagram.to_vec();
    bent[at..at + 2].copy_from_slice(&(0x4000 | length & 0x3fff).to_be_bytes());
    bent
}

/// Where the token's length stands (RFC 9000 §17.2.2).
fn token_at(datagram: &[u8]) -> usize {
    let destination = 6 + usize::from(datagram[5]);
    destination + 1 + usize::from(datagram[destination])
}

/// Stands between an end and its relay, passes everything on, and keeps what it is told to steal.
#[derive(Debug)]
pub struct Thief {
    address: SocketAddr,
    steals: Arc<AtomicBool>,
    stolen: mpsc::Receiver<Vec<u8>>,
    _task: AbortOnDropHandle<()>,
}

impl Thief {
    /// In front of this relay.
    ///
    /// # Panics
    /// If there is no socket to be had.
    pub async fn before(relay: SocketAddr) -> Self {
        let [near, far] = [AsyncUdpSocket::bind(("127.0.0.1", 0)), AsyncUdpSocket::bind(("127.0.0.1", 0))];
        let (near, far) = (near.await.expect("a free port"), far.await.expect("a free port"));
        let address = near.local_addr().expect("a bound socket has an address");
        let steals = Arc::new(AtomicBool::new(false));
        let (sender, stolen) = mpsc::channel(1);
        let task = tokio::spawn(pass([near, far], relay, steals.clone(), sender));
        Self { address, steals, stolen, _task: AbortOnDropHandle::new(task) }
    }

    /// Where ends reach it: a relay string's port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next packet that the end sends to the relay itself in a connection that stands, and that never gets there.
    ///
    /// # Panics
    /// If it sends none.
    pub async fn steals(&mut self) -> Vec<u8> {
        self.steals.store(true, Ordering::Relaxed);
        in_time("a packet to steal", self.stolen.recv()).await.expect("the thief lives")
    }
}

async fn pass(
    [near, far]: [AsyncUdpSocket; 2],
    relay: SocketAddr,
    steals: Arc<AtomicBool>,
    stolen: mpsc::Sender<Vec<u8>>,
) {
    let (mut up, mut down) = ([0; LARGEST], [0; LARGEST]);
    let mut end = None;
    loop {
        tokio::select! {
            Ok((length, from)) = near.recv_from(&mut up) => {
                end = Some(from);
                let packet = &up[..length];
                let is_control = is_short(packet) && Rid::in_packet(packet).is_none();
                if is_control && steals.swap(false, Ordering::Relaxed) {
                    // One is enough; there is room for it.
                    let _ = stolen.try_send(packet.to_vec());
                } else {
                    let _ = far.send_to(packet, relay).await;
                }
            }
            Ok((length, _)) = far.recv_from(&mut down), if end.is_some() => {
                let _ = near.send_to(&down[..length], end.unwrap_or(relay)).await;
            }
        }
    }
}
