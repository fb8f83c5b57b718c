use super::*;
use crate::journal::in_time;
use std::time::Duration;

/// An echo server that remembers who spoke.
async fn echo() -> (SocketAddr, Arc<Mutex<Vec<SocketAddr>>>, AbortOnDropHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let spoke = Arc::new(Mutex::new(Vec::new()));
    let seen = spoke.clone();
    let task = tokio::spawn(async move {
        let mut buffer = [0; 2_000];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            lock(&seen).push(from);
            socket.send_to(&buffer[..length], from).await.unwrap();
        }
    });
    (address, spoke, AbortOnDropHandle::new(task))
}

async fn ask(end: &UdpSocket, weather: &Weather, word: &[u8]) -> Vec<u8> {
    end.send_to(word, weather.address()).await.unwrap();
    let mut buffer = [0; 2_000];
    let (length, from) = in_time("an echo", end.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(from, weather.address());
    buffer[..length].to_vec()
}

#[tokio::test]
async fn both_ways_each_end_by_itself_and_kept() {
    let (server, spoke, _task) = echo().await;
    let weather = Weather::start(server, Link::default(), 1, true).await;
    let ends = [UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap()];
    for (end, word) in [(&ends[0], b"a"), (&ends[1], b"b"), (&ends[0], b"c")] {
        assert_eq!(ask(end, &weather, word).await, word);
    }
    let spoke = lock(&spoke).clone();
    assert!(spoke[0] == spoke[2] && spoke[0] != spoke[1]);
    let kept = weather.kept();
    let of = |way| {
        kept.iter().filter(|kept| kept.way == way).flat_map(|kept| kept.bytes.clone()).collect::<Vec<_>>()
    };
    assert_eq!((of(Way::ToRelay), of(Way::FromRelay)), (b"abc".to_vec(), b"abc".to_vec()));
    assert_eq!(weather.counts(Way::ToRelay).came, 3);
}

#[tokio::test]
async fn rebinding_changes_the_port_that_the_relay_sees() {
    let (server, spoke, _task) = echo().await;
    let weather = Weather::start(server, Link::default(), 1, false).await;
    let end = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for word in [b"a", b"b", b"c"] {
        assert_eq!(ask(&end, &weather, word).await, word);
        weather.rebind();
    }
    let spoke = lock(&spoke).clone();
    assert!(spoke[0] != spoke[1] && spoke[1] != spoke[2]);
    assert_eq!(weather.kept(), []);
}

#[tokio::test]
async fn a_change_of_weather_and_a_cut_count_from_then_on() {
    let (server, spoke, _task) = echo().await;
    let weather = Weather::start(server, Link::default(), 1, false).await;
    let end = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    ask(&end, &weather, b"a").await;
    weather.set(Link { up: Shape::delayed(Duration::from_millis(300)), down: Shape::lossy(0.0) });
    let asked = Instant::now();
    ask(&end, &weather, b"b").await;
    assert!(Duration::from_millis(300) <= asked.elapsed());
    weather.set(Link::default());
    weather.cut_one_way(Way::FromRelay, true);
    end.send_to(b"c", weather.address()).await.unwrap();
    crate::eventually("it is heard", || (lock(&spoke).len() == 3).then_some(())).await;
    weather.cut(false);
    assert_eq!(ask(&end, &weather, b"d").await, b"d", "the echo of c was lost");
}
