//! The relay's UDP socket as quinn sees it: batches are received, split into runs of one class (this end / our own),
//! forwarded with segmentation offload and their ECN mark (RFC 3168), and only our own packets are handed up.

use super::{Routes, Run, Runs, Verdict};
use nearhand_proto::route::Rid;
use quinn::{AsyncUdpSocket, UdpPoller};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::{
    fmt, io,
    io::IoSliceMut,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{io::Interest, net::UdpSocket};

/// Kernel buffers, in bytes.
const BUFFER: usize = 4 << 20;

/// Batches forwarded before other tasks get their turn.
const BATCHES_AT_ONCE: usize = 8;

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
    udp: UdpSocket,
    state: UdpSocketState,
    routes: Arc<Mutex<Routes>>,
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
        Ok(Self { udp: UdpSocket::from_std(socket.into())?, state, routes, stats: ForwardStats::default() })
    }

    /// What has been forwarded.
    pub fn stats(&self) -> &ForwardStats {
        &self.stats
    }

    /// Forwards the datagrams for ends out of one received buffer and moves the rest to its front. Returns the
    /// length of the rest.
    fn divert(&self, routes: &Routes, meta: &RecvMeta, buffer: &mut [u8]) -> usize {
        let (mut runs, mut kept) = (Runs::new(meta.len, meta.stride), 0);
        while let Some(Run { to, part }) = runs.next(buffer) {
            match to {
                Some(rid) => self.forward(routes, rid, meta, &buffer[part]),
                None => {
                    let length = part.len();
                    buffer.copy_within(part, kept);
                    kept += length;
                }
            }
        }
        kept
    }

    fn forward(&self, routes: &Routes, to: Rid, meta: &RecvMeta, run: &[u8]) {
        let stride = meta.stride.max(1);
        let packets = run.len().div_ceil(stride);
        match routes.verdict(to, meta.addr, run.len(), packets) {
            Verdict::Send(address) => {
                for part in run.chunks(stride * self.state.max_gso_segments().max(1)) {
                    self.send(address, part, stride, meta);
                }
            }
            Verdict::Drop => {
                self.stats.dropped.fetch_add(count(packets), Ordering::Relaxed);
            }
        }
    }

    fn send(&self, destination: SocketAddr, contents: &[u8], stride: usize, meta: &RecvMeta) {
        let segment_size = (stride < contents.len()).then_some(stride);
        let transmit = Transmit { destination, ecn: meta.ecn, contents, segment_size, src_ip: None };
        let packets = count(contents.len().div_ceil(stride));
        match self.udp.try_io(Interest::WRITABLE, || self.state.send((&self.udp).into(), &transmit)) {
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

fn count(n: usize) -> u64 {
    n.try_into().unwrap_or(u64::MAX)
}

impl AsyncUdpSocket for ForwardingSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { socket: self, waiting: None })
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.udp.try_io(Interest::WRITABLE, || self.state.send((&self.udp).into(), transmit))
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        for _ in 0..BATCHES_AT_ONCE {
            ready!(self.udp.poll_recv_ready(cx))?;
            let receive = || self.state.recv((&self.udp).into(), bufs, meta);
            let received = match self.udp.try_io(Interest::READABLE, receive) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                // An ICMP error of some earlier packet: no reason to stop.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => continue,
                Err(error) => return Poll::Ready(Err(error)),
            };
            let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            let mut kept = 0;
            for at in 0..received {
                let rest = self.divert(&routes, &meta[at], &mut bufs[at]);
                if rest != 0 {
                    meta[at].len = rest;
                    meta.swap(kept, at);
                    bufs.swap(kept, at);
                    kept += 1;
                }
            }
            drop(routes);
            if kept != 0 {
                return Poll::Ready(Ok(kept));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
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

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Tells quinn when the socket takes packets again; each of its tasks has one of its own.
struct Writable {
    socket: Arc<ForwardingSocket>,
    waiting: Option<Waiting>,
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writable")
    }
}

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let socket = this.socket.clone();
        let waiting =
            this.waiting.get_or_insert_with(|| Box::pin(async move { socket.udp.writable().await }));
        let result = waiting.as_mut().poll(cx);
        if result.is_ready() {
            this.waiting = None;
        }
        result
    }
}
