//! The path itself: a UDP port that ends take for their relay, and for each end a socket of its own towards the relay,
//! as a NAT has it.

use super::{Counts, Link, Shape, Shaper};
use nearhand_proto::route::Rid;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep_until,
};
use tokio_util::task::AbortOnDropHandle;

/// Largest UDP payload.
const MAX_DATAGRAM: usize = 65_527;

/// Datagrams of one end that wait for their shaper.
const INBOX: usize = 4_096;

/// Kernel buffers, in bytes: the weather is what drops, not the socket.
const BUFFER: usize = 4 << 20;

/// Which way a datagram goes.
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

/// A running path; it ends when it is dropped.
#[derive(Debug)]
pub struct Weather {
    address: SocketAddr,
    sky: watch::Sender<Sky>,
    seen: Arc<Seen>,
    _task: AbortOnDropHandle<()>,
}

/// What is so now.
#[derive(Clone, Debug)]
struct Sky {
    link: Link,
    /// Directions in which nothing passes.
    cut: [bool; 2],
    /// Rebindings so far.
    outer: u64,
}

#[derive(Debug)]
struct Seen {
    keeps: bool,
    kept: Mutex<Vec<Datagram>>,
    /// From where datagrams to the relay leave instead, and whether each of the next ones does.
    spoofed: Mutex<Option<(Arc<UdpSocket>, VecDeque<bool>)>>,
    counts: Mutex<HashMap<(SocketAddr, bool), Counts>>,
}

impl Weather {
    /// A path to this relay. Keeps what passes if `keeps`.
    ///
    /// # Panics
    /// If there is no socket to be had.
    pub async fn start(relay: SocketAddr, link: Link, seed: u64, keeps: bool) -> Self {
        let socket = Arc::new(bind(relay).expect("a free port"));
        let address = socket.local_addr().expect("a bound socket has an address");
        let (sky, looks) = watch::channel(Sky { link, cut: [false; 2], outer: 0 });
        let seen = Arc::new(Seen {
            keeps,
            kept: Mutex::default(),
            spoofed: Mutex::default(),
            counts: Mutex::default(),
        });
        let nat = Nat { socket, relay, looks, seen: seen.clone(), seed };
        Self { address, sky, seen, _task: AbortOnDropHandle::new(tokio::spawn(nat.run())) }
    }

    /// Where ends reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a relay string's port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on the network is like this.
    pub fn set(&self, link: Link) {
        self.sky.send_modify(|sky| sky.link = link);
    }

    /// From now on nothing passes, either way; or it does again.
    pub fn cut(&self, cut: bool) {
        self.sky.send_modify(|sky| sky.cut = [cut; 2]);
    }

    /// The same in one direction.
    pub fn cut_one_way(&self, way: Way, cut: bool) {
        self.sky.send_modify(|sky| sky.cut[usize::from(way == Way::FromRelay)] = cut);
    }

    /// A NAT rebinding that the ends don't see: from now on they speak from other ports, and what the relay sends to the
    /// old ones is lost.
    pub fn rebind(&self) {
        self.sky.send_modify(|sky| sky.outer += 1);
    }

    /// Of the next datagrams of control connections to the relay, those that `which` names arrive from this socket's address
    /// instead of the end's, as if somebody on the path had held them up and sent them with a false source. (A session's from
    /// there are not even forwarded.)
    pub fn spoof(&self, source: Arc<UdpSocket>, which: impl IntoIterator<Item = bool>) {
        *lock(&self.seen.spoofed) = Some((source, which.into_iter().collect()));
    }

    /// Everything that has passed, if it is kept.
    pub fn kept(&self) -> Vec<Datagram> {
        lock(&self.seen.kept).clone()
    }

    /// What has happened to the datagrams of all ends in this direction.
    pub fn counts(&self, way: Way) -> Counts {
        let mut all = Counts::default();
        let counts = lock(&self.seen.counts);
        counts.iter().filter(|((_, up), _)| *up == (way == Way::ToRelay)).for_each(|(_, one)| all += *one);
        all
    }
}

impl Seen {
    /// From where this datagram to the relay leaves, if not from the end's own port.
    fn source(&self, datagram: &[u8]) -> Option<Arc<UdpSocket>> {
        if Rid::in_packet(datagram).is_some() {
            return None;
        }
        let mut spoofed = lock(&self.spoofed);
        let (source, which) = spoofed.as_mut()?;
        which.pop_front()?.then(|| source.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fresh port on the loopback address of this family.
fn bind(like: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr =
        if like.is_ipv4() { ([127, 0, 0, 1], 0).into() } else { (std::net::Ipv6Addr::LOCALHOST, 0).into() };
    let socket = socket2::Socket::new(socket2::Domain::for_address(any), socket2::Type::DGRAM, None)?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&any.into())?;
    UdpSocket::from_std(socket.into())
}

struct Nat {
    socket: Arc<UdpSocket>,
    relay: SocketAddr,
    looks: watch::Receiver<Sky>,
    seen: Arc<Seen>,
    seed: u64,
}

impl Nat {
    async fn run(self) {
        let mut ends: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
        // Aborted with the task that owns it.
        let mut lanes = JoinSet::new();
        let mut buffer = vec![0; MAX_DATAGRAM];
        while let Ok((length, end)) = self.socket.recv_from(&mut buffer).await {
            let number = ends.len();
            let inbox = ends.entry(end).or_insert_with(|| self.open(end, number, &mut lanes));
            // A full inbox drops, as any queue does.
            let _ = inbox.try_send(buffer[..length].to_vec());
        }
    }

    /// The two lanes of an end that has sent its first datagram, the `number`-th to do so.
    fn open(&self, end: SocketAddr, number: usize, lanes: &mut JoinSet<()>) -> mpsc::Sender<Vec<u8>> {
        let (sender, inbox) = mpsc::channel(INBOX);
        let (outer, upstream) = watch::channel(Arc::new(bind(self.relay).expect("a free port")));
        let [up, down] = [Way::ToRelay, Way::FromRelay].map(|way| self.lane(end, number, way));
        lanes.spawn(up.up(inbox, outer, self.relay));
        lanes.spawn(down.down(upstream, self.socket.clone()));
        sender
    }

    fn lane(&self, end: SocketAddr, number: usize, way: Way) -> Lane {
        let sky = self.looks.borrow().clone();
        let seed = self.seed.wrapping_add(number as u64 * 2 + u64::from(way == Way::FromRelay));
        let shaper = Shaper::new(shape(&sky.link, way), seed, Instant::now());
        let (looks, seen) = (self.looks.clone(), self.seen.clone());
        Lane { end, way, looks, seen, shaper, sky, due: BinaryHeap::new(), number: 0 }
    }
}

fn shape(link: &Link, way: Way) -> Shape {
    match way {
        Way::ToRelay => link.up.clone(),
        Way::FromRelay => link.down.clone(),
    }
}

/// One direction of one end.
struct Lane {
    end: SocketAddr,
    way: Way,
    looks: watch::Receiver<Sky>,
    seen: Arc<Seen>,
    shaper: Shaper,
    sky: Sky,
    /// What is on its way, the earliest on top; those due at one moment in the order in which they came.
    due: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    number: u64,
}

impl Lane {
    async fn up(
        mut self,
        mut inbox: mpsc::Receiver<Vec<u8>>,
        outer: watch::Sender<Arc<UdpSocket>>,
        relay: SocketAddr,
    ) {
        loop {
            tokio::select! {
                biased;
                changed = self.looks.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if self.look() {
                        outer.send_replace(Arc::new(bind(relay).expect("a free port")));
                    }
                }
                Some(bytes) = inbox.recv() => self.take(bytes),
                () = due(&self.due) => {}
            }
            let own = outer.borrow().clone();
            for bytes in self.arrived() {
                let socket = self.seen.source(&bytes).unwrap_or_else(|| own.clone());
                // A relay that is away takes nothing; that is weather like any other.
                let _ = socket.send_to(&bytes, relay).await;
            }
        }
    }

    async fn down(mut self, mut upstream: watch::Receiver<Arc<UdpSocket>>, socket: Arc<UdpSocket>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        loop {
            let inner = upstream.borrow_and_update().clone();
            tokio::select! {
                biased;
                changed = self.looks.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.look();
                }
                changed = upstream.changed() => if changed.is_err() { return },
                Ok((length, _)) = inner.recv_from(&mut buffer) => self.take(buffer[..length].to_vec()),
                () = due(&self.due) => {}
            }
            for bytes in self.arrived() {
                let _ = socket.send_to(&bytes, self.end).await;
            }
        }
    }

    /// Looks at the sky; true if the outer port changes.
    fn look(&mut self) -> bool {
        let sky = self.looks.borrow_and_update().clone();
        self.shaper.set(shape(&sky.link, self.way));
        let moved = sky.outer != self.sky.outer;
        self.sky = sky;
        moved
    }

    fn take(&mut self, bytes: Vec<u8>) {
        if self.sky.cut[usize::from(self.way == Way::FromRelay)] {
            return;
        }
        for (at, bytes) in self.shaper.pass(bytes, Instant::now()) {
            self.number += 1;
            self.due.push(Reverse((at, self.number, bytes)));
        }
        lock(&self.seen.counts).insert((self.end, self.way == Way::ToRelay), self.shaper.counts());
    }

    /// What arrives now.
    fn arrived(&mut self) -> Vec<Vec<u8>> {
        let now = Instant::now();
        let mut arrived = Vec::new();
        while let Some(Reverse((at, _, _))) = self.due.peek()
            && *at <= now
            && let Some(Reverse((_, _, bytes))) = self.due.pop()
        {
            if self.seen.keeps {
                lock(&self.seen.kept).push(Datagram { way: self.way, bytes: bytes.clone() });
            }
            arrived.push(bytes);
        }
        arrived
    }
}

/// Returns when the earliest is due; never without one.
async fn due(due: &BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>) {
    match due.peek() {
        Some(Reverse((at, _, _))) => sleep_until((*at).into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
