use super::*;
use std::{future::poll_fn, net::UdpSocket, time::Duration};
use tokio::time::timeout;

/// A relay of this family, and a path to it.
fn pair(host: &str) -> (UdpSocket, Arc<PathSocket>) {
    let relay = UdpSocket::bind((host, 0)).unwrap();
    let path = PathSocket::bind(relay.local_addr().unwrap()).unwrap();
    (relay, Arc::new(path))
}

/// Sends to whatever quinn takes for the relay; where it came from.
async fn send(path: &Arc<PathSocket>, relay: &UdpSocket, word: &[u8]) -> SocketAddr {
    let mut writable = path.clone().create_io_poller();
    poll_fn(|cx| writable.as_mut().poll_writable(cx)).await.unwrap();
    let src_ip = Some(Ipv4Addr::new(203, 0, 113, 9).into());
    path.try_send(&Transmit { destination: RELAY, ecn: None, contents: word, segment_size: None, src_ip })
        .unwrap();
    let mut buffer = [0; 100];
    let (length, from) = relay.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], word);
    from
}

async fn receive(path: &PathSocket) -> (SocketAddr, Vec<u8>) {
    let mut buffer = vec![0; 2_000];
    let mut meta = [RecvMeta::default()];
    let received = poll_fn(|cx| path.poll_recv(cx, &mut [IoSliceMut::new(&mut buffer)], &mut meta));
    assert_eq!(timeout(Duration::from_secs(5), received).await.unwrap().unwrap(), 1);
    (meta[0].addr, buffer[..meta[0].len].to_vec())
}

#[tokio::test]
async fn the_relay_is_seen_under_one_address_and_strangers_are_not() {
    let (relay, path) = pair("127.0.0.1");
    let from = send(&path, &relay, b"hello").await;
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.send_to(b"lies", from).unwrap();
    relay.send_to(b"truth", from).unwrap();
    assert_eq!(receive(&path).await, (RELAY, b"truth".to_vec()));
}

#[tokio::test]
async fn a_fresh_port_is_used_at_once_also_by_who_waits_already() {
    let (relay, path) = pair("127.0.0.1");
    let old = send(&path, &relay, b"old").await;
    let waiting = path.clone();
    let waiting = tokio::spawn(async move { receive(&waiting).await });
    tokio::task::yield_now().await;
    path.rebind(path.relay()).unwrap();
    let new = send(&path, &relay, b"new").await;
    assert!(old != new);
    relay.send_to(b"lost", old).unwrap();
    relay.send_to(b"here", new).unwrap();
    assert_eq!(waiting.await.unwrap(), (RELAY, b"here".to_vec()));
    let mut writable = path.clone().create_io_poller();
    for _ in 0..2 {
        poll_fn(|cx| writable.as_mut().poll_writable(cx)).await.unwrap();
        path.rebind(path.relay()).unwrap();
    }
}

#[tokio::test]
async fn the_relay_may_move_to_the_other_address_family() {
    let (v4, path) = pair("127.0.0.1");
    let (v6, _) = pair("::1");
    send(&path, &v4, b"4").await;
    for relay in [&v6, &v4] {
        path.set_relay(relay.local_addr().unwrap()).unwrap();
        let from = send(&path, relay, b"x").await;
        assert_eq!(from.is_ipv4(), relay.local_addr().unwrap().is_ipv4());
        relay.send_to(b"y", from).unwrap();
        assert_eq!(receive(&path).await, (RELAY, b"y".to_vec()));
    }
    assert!(path.local_addr().unwrap().is_ipv4(), "as quinn saw it first");
}

#[tokio::test]
async fn a_change_of_the_own_address_is_noticed_once() {
    let (_relay, path) = pair("127.0.0.1");
    assert!(!path.has_moved());
    path.path().sources = Sources::new(Some(Ipv4Addr::new(192, 0, 2, 7).into()));
    assert_eq!([(); 4].map(|()| path.has_moved()), [false, true, false, false]);
}

/// A port that never takes a packet, as of a network that is gone.
#[derive(Debug)]
struct Stuck;

impl AsyncUdpSocket for Stuck {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Self)
    }

    fn try_send(&self, _: &Transmit) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn poll_recv(
        &self,
        _: &mut Context,
        _: &mut [IoSliceMut<'_>],
        _: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(RELAY)
    }
}

impl UdpPoller for Stuck {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn all_who_wait_for_room_on_the_old_port_send_from_the_fresh_one() {
    let (relay, path) = pair("127.0.0.1");
    path.path().udp = Arc::new(Stuck);
    let wait = |_| {
        let mut writable = path.clone().create_io_poller();
        tokio::spawn(async move { poll_fn(|cx| writable.as_mut().poll_writable(cx)).await })
    };
    let waiting = [(); 2].map(wait);
    tokio::task::yield_now().await;
    assert_eq!(path.path().senders.len(), waiting.len());
    path.rebind(relay.local_addr().unwrap()).unwrap();
    for one in waiting {
        timeout(Duration::from_secs(5), one).await.expect("woken").unwrap().unwrap();
    }
    assert!(path.path().senders.is_empty(), "pollers that are gone leave nothing behind");
}
