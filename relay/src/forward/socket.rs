//! The relay's UDP socket as quinn sees it: batches are received, split into runs of one class (this end / our own),
//! forwarded with segmentation offload and their ECN mark (RFC 3168), and only our own packets are handed up.
//!
//! Tokio watches it for reading only: the kernel tells of room to write after every single packet that it has sent, and
//! each time a thread would wake up for that. What the kernel has no room for is lost, quinn's own packets like forwarded
//! ones; [`AddressProof`](super::AddressProof) relies on it that quinn's never wait here.

use super::{
    Routes, Run, Runs, Verdict,
    parcels::{Granted, Parcels, Way},
};
use quinn::{AsyncUdpSocket, UdpPoller};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::{
    fmt, io,
    io::IoSliceMut,
    net::{SocketAddr, UdpSocket},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Kernel buffers, in bytes.
const BUFFER: usize = 4 << 20;

/// Batches forwarded before other tasks get their turn.
const BATCHES_AT_ONCE: usize = 8;

/// A receive that brings this many bytes is followed by another one at once, after those who send have had the
/// processor if they wait for it: one receive that brings much costs less than many that bring little, each with its
/// sleep and its waking up. What has come is sent before.
const BULK: usize = 8 << 10;

/// What the forwarder has done since start.
#[derive(Debug, Default)]
pub struct ForwardStats {
    /// Packets forwarded.
    pub packets: AtomicU64,
    /// Bytes forwarded (UDP payload).
    pub bytes: AtomicU64,
    /// Packets for an end that came from nobody who may send them.
    pub dropped: AtomicU64,
    /// Packets that the kernel would not take at once; QUIC sees them as loss.
    pub full: AtomicU64,
}

/// One UDP port: the control plane's connections and all forwarded sessions.
pub struct ForwardingSocket {
    udp: AsyncFd<UdpSocket>,
    state: UdpSocketState,
    routes: Arc<Mutex<Routes>>,
    /// Empty between two receives; kept for its memory.
    parcels: Mutex<Parcels>,
    stats: ForwardStats,
}

impl fmt::Debug for ForwardingSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardingSocket").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl ForwardingSocket {
    /// Binds `listen`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn bind(listen: SocketAddr, routes: Arc<Mutex<Routes>>) -> io::Result<Self> {
        let socket = socket2::Socket::new(socket2::Domain::for_address(listen), socket2::Type::DGRAM, None)?;
        // Smaller buffers only cost speed, so a refusal is no error.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        if listen.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            udp: watch(socket.into())?,
            state,
            routes,
            parcels: Mutex::default(),
            stats: ForwardStats::default(),
        })
    }

    /// What has been forwarded.
    pub fn stats(&self) -> &ForwardStats {
        &self.stats
    }

    /// Forwards what these buffers hold for ends and moves the rest to the front. Returns how many buffers hold some.
    fn divert(&self, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> usize {
        let mut parcels = self.parcels.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        for (buffer, (meta, bytes)) in meta.iter().zip(&*bufs).enumerate() {
            self.judge(&routes, meta, buffer, bytes, &mut parcels);
        }
        drop(routes);
        parcels
            .send_all(bufs, self.state.max_gso_segments().max(1), |way, contents| self.send(way, contents));
        let mut kept = 0;
        for at in 0..meta.len() {
            let rest = keep_own(&meta[at], &mut bufs[at]);
            if rest != 0 {
                meta[at].len = rest;
                meta.swap(kept, at);
                bufs.swap(kept, at);
                kept += 1;
            }
        }
        kept
    }

    /// Finds out which runs of one buffer may be forwarded, and where to.
    fn judge(&self, routes: &Routes, meta: &RecvMeta, buffer: usize, bytes: &[u8], parcels: &mut Parcels) {
        let (mut runs, stride) = (Runs::new(meta.len, meta.stride), meta.stride.max(1));
        while let Some(Run { to, part }) = runs.next(bytes) {
            let Some(to) = to else { continue };
            let packets = part.len().div_ceil(stride);
            match routes.verdict(to, meta.addr, part.len(), packets) {
                Verdict::Send(destination) => {
                    parcels.push(Granted { way: Way { destination, stride, ecn: meta.ecn }, buffer, part });
                }
                Verdict::Drop => {
                    self.stats.dropped.fetch_add(count(packets), Ordering::Relaxed);
                }
            }
        }
    }

    fn send(&self, way: &Way, contents: &[u8]) {
        let Way { destination, stride, ecn } = *way;
        let segment_size = (stride < contents.len()).then_some(stride);
        let transmit = Transmit { destination, ecn, contents, segment_size, src_ip: None };
        let packets = count(contents.len().div_ceil(stride));
        match self.state.send(self.udp.get_ref().into(), &transmit) {
            Ok(()) => {
                self.stats.packets.fetch_add(packets, Ordering::Relaxed);
                self.stats.bytes.fetch_add(count(contents.len()), Ordering::Relaxed);
            }
            Err(_) => {
                self.stats.full.fetch_add(packets, Ordering::Relaxed);
            }
        }
    }
}

/// Has tokio watch a socket for what can be read.
#[expect(
    deprecated,
    reason = "its successor is unsafe code and asks that the descriptor stay open, as a std socket's does"
)]
fn watch(udp: UdpSocket) -> io::Result<AsyncFd<UdpSocket>> {
    AsyncFd::with_interest(udp, Interest::READABLE)
}

/// Moves our own packets to the front of their buffer. Returns their length.
fn keep_own(meta: &RecvMeta, buffer: &mut [u8]) -> usize {
    let (mut runs, mut kept) = (Runs::new(meta.len, meta.stride), 0);
    while let Some(Run { to, part }) = runs.next(buffer) {
        if to.is_none() {
            let length = part.len();
            buffer.copy_within(part, kept);
            kept += length;
        }
    }
    kept
}

fn count(n: usize) -> u64 {
    n.try_into().unwrap_or(u64::MAX)
}

impl AsyncUdpSocket for ForwardingSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable)
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        match self.state.send(self.udp.get_ref().into(), transmit) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let packets = transmit.segment_size.map_or(1, |size| transmit.contents.len().div_ceil(size));
                self.stats.full.fetch_add(count(packets), Ordering::Relaxed);
                Ok(())
            }
            sent => sent,
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        for _ in 0..BATCHES_AT_ONCE {
            let mut ready = ready!(self.udp.poll_read_ready(cx))?;
            let received = match self.state.recv(self.udp.get_ref().into(), bufs, meta) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready.clear_ready();
                    continue;
                }
                // An ICMP error of some earlier packet: no reason to stop.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let bulk = BULK <= meta[..received].iter().map(|meta| meta.len).sum::<usize>();
            if !bulk && received < bufs.len() {
                // There was no more; what comes from now on makes it ready again.
                ready.clear_ready();
            }
            let kept = self.divert(&mut bufs[..received], &mut meta[..received]);
            if kept != 0 {
                return Poll::Ready(Ok(kept));
            }
            if bulk {
                std::thread::yield_now();
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.get_ref().local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

/// Always: what finds no room is lost.
#[derive(Debug)]
struct Writable;

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
