//! The ends' socket: the paths by which an end reaches its relay, presented to quinn as one socket that never changes.
//!
//! One path for now: UDP to the relay. Relay-TCP and direct paths become further arms of [`PathSocket`]; the session
//! connection above never notices. quinn sees one fixed peer address, whatever the relay's is: so the relay's address and
//! the end's own port may both change, also from IPv4 to IPv6, while control and session connections go on. Datagrams that
//! don't come from the relay are dropped here.

mod source;

use self::source::{Sources, source};
use quinn::{AsyncUdpSocket, Runtime as _, TokioRuntime, UdpPoller};
use quinn_udp::{RecvMeta, Transmit};
use std::{
    collections::BTreeMap,
    io::{self, IoSliceMut},
    mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

/// Kernel buffers, in bytes; a burst of a whole picture must fit.
const BUFFER: usize = 4 << 20;

/// Batches from strangers that are dropped before other tasks get their turn.
const DROPPED_AT_ONCE: usize = 16;

/// Where quinn takes the relay to be, and what is to be dialled: an address that no network has (TEST-NET-1, RFC 5737).
pub const RELAY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4433);

/// What quinn sees.
#[derive(Debug)]
pub struct PathSocket {
    path: Mutex<Path>,
}

#[derive(Debug)]
struct Path {
    udp: Arc<dyn AsyncUdpSocket>,
    relay: SocketAddr,
    /// Which of the computer's addresses the relay is spoken to from.
    sources: Sources,
    /// Ports bound so far.
    number: u64,
    /// Of the task that receives: it waits on the port that was there when it began to.
    receiver: Option<Waker>,
    /// Of the tasks that send, likewise, each under its poller's number.
    senders: BTreeMap<u64, Waker>,
    /// Pollers made so far.
    pollers: u64,
}

impl PathSocket {
    /// Binds a fresh UDP port of the relay's address family.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn bind(relay: SocketAddr) -> io::Result<Self> {
        let path = Path {
            udp: open(relay)?,
            relay,
            sources: Sources::new(source(relay)),
            number: 0,
            receiver: None,
            senders: BTreeMap::new(),
            pollers: 0,
        };
        Ok(Self { path: Mutex::new(path) })
    }

    /// Where the relay is.
    pub fn relay(&self) -> SocketAddr {
        self.path().relay
    }

    /// The relay is there from now on: datagrams come from there alone. Another address family needs another port.
    ///
    /// # Errors
    /// What the operating system says; then nothing has changed.
    pub fn set_relay(&self, relay: SocketAddr) -> io::Result<()> {
        if relay.is_ipv4() != self.relay().is_ipv4() {
            return self.rebind(relay);
        }
        self.path().relay = relay;
        Ok(())
    }

    /// Takes a fresh UDP port; what comes to the old one is lost. quinn's connections go on, as after a NAT rebinding. Who
    /// waits for the old one, to receive or to send, is woken: it may never be ready again.
    ///
    /// (`Endpoint::rebind` would do the same to the socket, but panics in quinn 0.11 if a connection of the endpoint is
    /// reset in the same moment; see `docs/decisions/0007-kick-by-datagram.md`.)
    ///
    /// # Errors
    /// What the operating system says; then nothing has changed.
    pub fn rebind(&self, relay: SocketAddr) -> io::Result<()> {
        let udp = open(relay)?;
        let (receiver, senders) = {
            let mut path = self.path();
            path.udp = udp;
            path.relay = relay;
            path.number += 1;
            (path.receiver.take(), mem::take(&mut path.senders))
        };
        receiver.into_iter().chain(senders.into_values()).for_each(Waker::wake);
        Ok(())
    }

    /// True, once, if the computer would speak to the relay from another address than before, now and when this was asked
    /// last: its network has changed. Sends nothing.
    pub fn has_moved(&self) -> bool {
        source(self.relay()).is_some_and(|read| self.path().sources.handle_reading(read))
    }

    fn path(&self) -> MutexGuard<'_, Path> {
        self.path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn udp(&self) -> Arc<dyn AsyncUdpSocket> {
        self.path().udp.clone()
    }
}

fn any(like: SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// A fresh port of this address family.
fn open(like: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    let any = any(like);
    let socket = socket2::Socket::new(socket2::Domain::for_address(any), socket2::Type::DGRAM, None)?;
    // Smaller buffers only cost speed, so a refusal is no error.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    socket.bind(&any.into())?;
    TokioRuntime.wrap_udp_socket(socket.into())
}

impl AsyncUdpSocket for PathSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        let poller = {
            let mut path = self.path();
            path.pollers += 1;
            path.pollers
        };
        Box::pin(Writable { socket: self, poller, of: None })
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        let (udp, destination) = {
            let path = self.path();
            (path.udp.clone(), path.relay)
        };
        // The kernel chooses the source: the address that quinn has seen last may be gone.
        udp.try_send(&Transmit { destination, src_ip: None, ..*transmit })
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut failed = None;
        for _ in 0..DROPPED_AT_ONCE {
            let (udp, relay) = {
                let mut path = self.path();
                path.receiver.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
                (path.udp.clone(), path.relay)
            };
            let received = match ready!(udp.poll_recv(cx, bufs, meta)) {
                Ok(received) => received,
                // An ICMP error of an earlier packet (on Windows), or a network that is gone; quinn's endpoint would end for good.
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            failed = None;
            let mut kept = 0;
            for at in 0..received {
                if same_host(meta[at].addr, relay) {
                    bufs.swap(kept, at);
                    meta.swap(kept, at);
                    meta[kept].addr = RELAY;
                    meta[kept].dst_ip = None;
                    kept += 1;
                }
            }
            if kept != 0 {
                return Poll::Ready(Ok(kept));
            }
        }
        if let Some(error) = failed {
            tracing::warn!(%error, "receiving fails, trying a fresh UDP port");
            self.rebind(self.relay())?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The port that is bound now; always said to be of [`RELAY`]'s address family, as quinn must believe.
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok((Ipv4Addr::UNSPECIFIED, self.udp().local_addr()?.port()).into())
    }

    fn max_transmit_segments(&self) -> usize {
        self.udp().max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.udp().max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.udp().may_fragment()
    }
}

/// Address and port alike; flow label and scope of IPv6 don't matter.
fn same_host(a: SocketAddr, b: SocketAddr) -> bool {
    a.ip().to_canonical() == b.ip().to_canonical() && a.port() == b.port()
}

/// Tells quinn when the port that is bound now takes packets.
#[derive(Debug)]
struct Writable {
    socket: Arc<PathSocket>,
    /// Its own number.
    poller: u64,
    /// Of which port, by its number.
    of: Option<(u64, Pin<Box<dyn UdpPoller>>)>,
}

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (number, udp) = {
            let mut path = this.socket.path();
            let sender = path.senders.entry(this.poller).or_insert_with(|| cx.waker().clone());
            sender.clone_from(cx.waker());
            (path.number, path.udp.clone())
        };
        match &mut this.of {
            Some((of, poller)) if *of == number => poller.as_mut().poll_writable(cx),
            of => of.insert((number, udp.create_io_poller())).1.as_mut().poll_writable(cx),
        }
    }
}

impl Drop for Writable {
    fn drop(&mut self) {
        let waker = self.socket.path().senders.remove(&self.poller);
        drop(waker); // by now the path is unlocked
    }
}

#[cfg(test)]
mod tests;
