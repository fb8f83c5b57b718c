//! The hostile relay's UDP socket as quinn sees it. Packets for ends go through the story's [`Deal`] and are all kept; the
//! rest, the control connections', is handed up. One datagram at a time: this relay is no fast one.

use super::packets::{Deal, Packet, honest};
use nearhand_proto::route::Rid;
use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};
use std::{
    collections::HashMap,
    fmt, io,
    io::IoSliceMut,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::{io::ReadBuf, net::UdpSocket};

/// Datagrams forwarded before other tasks get their turn.
const AT_ONCE: usize = 32;

/// One UDP port.
pub(super) struct Socket {
    udp: UdpSocket,
    traffic: Mutex<Traffic>,
}

/// What is known and done on the way.
struct Traffic {
    addresses: HashMap<Rid, SocketAddr>,
    deal: Deal,
    kept: Vec<Packet>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Socket")
    }
}

impl Socket {
    /// A free port of this computer.
    pub(super) async fn bind() -> Self {
        let udp = UdpSocket::bind(("127.0.0.1", 0)).await.expect("a free port");
        let traffic = Traffic { addresses: HashMap::new(), deal: honest(), kept: Vec::new() };
        Self { udp, traffic: Mutex::new(traffic) }
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Packets for this end go there from now on.
    pub(super) fn route(&self, end: Rid, address: SocketAddr) {
        self.traffic().addresses.insert(end, address);
    }

    /// Packets are dealt with in this way from now on.
    pub(super) fn deal(&self, deal: Deal) {
        self.traffic().deal = deal;
    }

    /// Everything that came to be forwarded.
    pub(super) fn kept(&self) -> Vec<Packet> {
        self.traffic().kept.clone()
    }

    /// Sends a packet of the story's own.
    pub(super) fn inject(&self, packet: &Packet) {
        self.send(&self.traffic(), packet);
    }

    fn send(&self, traffic: &Traffic, packet: &Packet) {
        if let Some(address) = traffic.addresses.get(&packet.to) {
            // What finds no room is lost, as it would be with any relay.
            let _ = self.udp.try_send_to(&packet.bytes, *address);
        }
    }

    fn forward(&self, to: Rid, source: SocketAddr, bytes: &[u8]) {
        let mut traffic = self.traffic();
        let from = traffic.addresses.iter().find(|known| *known.1 == source).map(|known| *known.0);
        let packet = Packet { from, to, bytes: bytes.to_vec() };
        traffic.kept.push(packet.clone());
        let out = (traffic.deal)(packet);
        out.iter().for_each(|packet| self.send(&traffic, packet));
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self))
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        self.udp.try_send_to(transmit.contents, transmit.destination).map(drop)
    }

    fn poll_recv(
        &self,
        cx: &mut Context,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        for _ in 0..AT_ONCE {
            let mut buffer = ReadBuf::new(&mut bufs[0]);
            let Ok(source) = ready!(self.udp.poll_recv_from(cx, &mut buffer)) else { continue };
            let bytes = buffer.filled();
            match Rid::in_packet(bytes) {
                Some(end) => self.forward(end, source, bytes),
                None => {
                    meta[0] = RecvMeta {
                        addr: source,
                        len: bytes.len(),
                        stride: bytes.len(),
                        ecn: None,
                        dst_ip: None,
                    };
                    return Poll::Ready(Ok(1));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }
}

/// Tells quinn when the socket takes datagrams again.
#[derive(Debug)]
struct Writable(Arc<Socket>);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        self.0.udp.poll_send_ready(cx)
    }
}
