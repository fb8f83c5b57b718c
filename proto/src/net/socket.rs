//! The ends' socket: the paths by which an end reaches its relay, presented to quinn as one socket.
//!
//! One path for now: UDP to the relay. Relay-TCP and direct paths become further arms of [`PathSocket`]; the session
//! connection above never notices. Datagrams that don't come from the relay are dropped here.

use quinn::{AsyncUdpSocket, Runtime as _, TokioRuntime, UdpPoller};
use quinn_udp::{RecvMeta, Transmit};
use std::{
    io::{self, IoSliceMut},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

/// Kernel buffers, in bytes; a burst of a whole picture must fit.
const BUFFER: usize = 4 << 20;

/// Batches from strangers that are dropped before other tasks get their turn.
const DROPPED_AT_ONCE: usize = 16;

/// What quinn sees.
#[derive(Debug)]
pub struct PathSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    relay: Mutex<SocketAddr>,
}

impl PathSocket {
    /// Binds a fresh UDP port of the relay's address family.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn bind(relay: SocketAddr) -> io::Result<Self> {
        let any: SocketAddr = match relay {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = socket2::Socket::new(socket2::Domain::for_address(any), socket2::Type::DGRAM, None)?;
        // Smaller buffers only cost speed, so a refusal is no error.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.bind(&any.into())?;
        let inner = TokioRuntime.wrap_udp_socket(socket.into())?;
        Ok(Self { inner, relay: Mutex::new(relay) })
    }

    /// Where the relay is.
    pub fn relay(&self) -> SocketAddr {
        *self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The relay's address changed (DNS said so): from now on datagrams come from there alone.
    pub fn set_relay(&self, relay: SocketAddr) {
        *self.relay.lock().unwrap_or_else(PoisonError::into_inner) = relay;
    }
}

impl AsyncUdpSocket for PathSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        for _ in 0..DROPPED_AT_ONCE {
            let received = ready!(self.inner.poll_recv(cx, bufs, meta))?;
            let relay = self.relay();
            let mut kept = 0;
            for at in 0..received {
                if same_host(meta[at].addr, relay) {
                    bufs.swap(kept, at);
                    meta.swap(kept, at);
                    kept += 1;
                }
            }
            if kept != 0 {
                return Poll::Ready(Ok(kept));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

/// Address and port alike; flow label and scope of IPv6 don't matter.
fn same_host(a: SocketAddr, b: SocketAddr) -> bool {
    a.ip().to_canonical() == b.ip().to_canonical() && a.port() == b.port()
}
