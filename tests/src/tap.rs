//! A path between ends and relay that keeps what passes, as the wire shows it, and can be cut: a plain UDP forwarder
//! with one socket towards the relay per end, so that the relay tells ends apart by their addresses. A seeded shaper
//! of bad weather finds its place in `Path::pass`.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{net::UdpSocket, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

/// Largest UDP payload.
const MAX_DATAGRAM: usize = 65_527;

/// Which way a datagram went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From an end.
    ToRelay,
    /// To an end.
    FromRelay,
}

/// One datagram that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Which way.
    pub way: Way,
    /// Its payload.
    pub bytes: Vec<u8>,
}

/// A running tap; it ends when it is dropped.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    path: Arc<Path>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Path {
    cut: AtomicBool,
    kept: Mutex<Vec<Datagram>>,
}

impl Path {
    /// What becomes of a datagram: it is kept and goes on, or the path is cut.
    fn pass(&self, way: Way, bytes: &[u8]) -> bool {
        if self.cut.load(Ordering::Relaxed) {
            return false;
        }
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Datagram { way, bytes: bytes.to_vec() });
        true
    }
}

impl Tap {
    /// A tap in front of this relay.
    ///
    /// # Panics
    /// If there is no socket to be had.
    pub async fn start(relay: SocketAddr) -> Self {
        let socket = Arc::new(UdpSocket::bind(("127.0.0.1", 0)).await.expect("a free port"));
        let address = socket.local_addr().expect("a bound socket has an address");
        let path = Arc::new(Path::default());
        let task = tokio::spawn(forward(socket, relay, path.clone()));
        Self { address, path, _task: AbortOnDropHandle::new(task) }
    }

    /// Where ends reach it: a relay string's port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on nothing passes, either way; or it does again.
    pub fn cut(&self, cut: bool) {
        self.path.cut.store(cut, Ordering::Relaxed);
    }

    /// Everything that has passed.
    pub fn kept(&self) -> Vec<Datagram> {
        self.path.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn forward(socket: Arc<UdpSocket>, relay: SocketAddr, path: Arc<Path>) {
    let mut ends: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    // Aborted with the task that owns it.
    let mut back = JoinSet::new();
    let mut buffer = vec![0; MAX_DATAGRAM];
    while let Ok((length, end)) = socket.recv_from(&mut buffer).await {
        let upstream = match ends.get(&end) {
            Some(upstream) => upstream.clone(),
            None => {
                let upstream = Arc::new(UdpSocket::bind(("127.0.0.1", 0)).await.expect("a free port"));
                back.spawn(bring_back(upstream.clone(), socket.clone(), end, path.clone()));
                ends.insert(end, upstream.clone());
                upstream
            }
        };
        if path.pass(Way::ToRelay, &buffer[..length]) {
            // A relay that is away takes nothing; that is weather like any other.
            let _ = upstream.send_to(&buffer[..length], relay).await;
        }
    }
}

async fn bring_back(upstream: Arc<UdpSocket>, socket: Arc<UdpSocket>, end: SocketAddr, path: Arc<Path>) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    while let Ok((length, _)) = upstream.recv_from(&mut buffer).await {
        if path.pass(Way::FromRelay, &buffer[..length]) {
            let _ = socket.send_to(&buffer[..length], end).await;
        }
    }
}
