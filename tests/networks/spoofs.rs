//! Packets with a false source move no traffic there, whoever sends them: somebody on the path, or the end itself.

use crate::{
    ends::Pair,
    moves::{STALL, longest_stall, moving_pair},
};
use nearhand_tests::weather::{Way, seed};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::UdpSocket;
use tokio_util::task::AbortOnDropHandle;

/// Bytes of a datagram that asks whether somebody is there (RFC 9000 §8.2.1); a picture's and a message's have other lengths.
const PROBE: usize = 1_200;

/// For how long a story looks on after each of its moves.
const LOOK: Duration = Duration::from_millis(1_500);

/// Somebody who is not asked: what comes here is not wanted.
struct Victim {
    socket: Arc<UdpSocket>,
    lengths: Arc<Mutex<Vec<usize>>>,
    _listener: AbortOnDropHandle<()>,
}

impl Victim {
    async fn new() -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let (ear, lengths) = (socket.clone(), Arc::new(Mutex::new(Vec::new())));
        let got = lengths.clone();
        let _listener = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut buffer = [0; 2_000];
            while let Ok((length, _)) = ear.recv_from(&mut buffer).await {
                got.lock().unwrap().push(length);
            }
        }));
        Self { socket, lengths, _listener }
    }

    /// Lengths of the datagrams that came.
    fn got(&self) -> Vec<usize> {
        self.lengths.lock().unwrap().clone()
    }
}

/// The session is the one that it was, works, and ends in order.
async fn goes_on(pair: Pair) {
    pair.works("still here", Duration::from_secs(20)).await.unwrap();
    pair.is_the_same().unwrap();
    pair.end().await;
}

#[tokio::test]
async fn a_packet_with_a_false_source_moves_no_traffic_there() {
    /// Packets of the control connection that arrive from elsewhere, at each of these moments.
    const SPOOFED: usize = 3;
    let (world, ways, pair, painter) = moving_pair(seed("false source")).await;
    let victim = Victim::new().await;
    let ways_spoofed = [&ways.host, &ways.viewer, &ways.host, &ways.viewer];
    for way in ways_spoofed {
        way.spoof(victim.socket.clone(), [true; SPOOFED]);
        let stall = longest_stall(&pair.viewer, LOOK).await;
        assert!(stall <= STALL, "{stall:?}");
    }
    let (got, passed) = (victim.got(), ways.viewer.counts(Way::FromRelay).came);
    eprintln!("datagrams of {got:?} bytes went to the false source, {passed} to the viewer");
    assert!(!got.is_empty(), "nothing was spoofed: the control connections didn't even ask who speaks there");
    assert!(got.iter().all(|length| *length == PROBE), "more than probes: {got:?}");
    // One for what came from there, one more when a second packet does while the path is there.
    assert!(got.len() <= 2 * SPOOFED * ways_spoofed.len(), "{} probes", got.len());
    drop(painter);
    goes_on(pair).await;
    world.end().await;
}

#[tokio::test]
async fn an_end_that_learns_a_nonce_on_its_own_path_moves_no_traffic_elsewhere() {
    /// Its question comes from the victim, so that a nonce is asked for there; its next packets from where it is, so
    /// that the nonce goes that way; and then what it says comes from the victim again, the echo as well.
    fn turns(own: usize) -> impl Iterator<Item = bool> {
        std::iter::once(true).chain(std::iter::repeat_n(false, own)).chain([true; 4])
    }
    let (world, ways, pair, painter) = moving_pair(seed("own nonce")).await;
    let victim = Victim::new().await;
    for round in 0..9 {
        for way in [&ways.viewer, &ways.host] {
            way.spoof(victim.socket.clone(), turns(1 + round % 3));
            let stall = longest_stall(&pair.viewer, LOOK).await;
            assert!(stall <= STALL, "{stall:?}");
        }
    }
    let got = victim.got();
    eprintln!("datagrams of {got:?} bytes went to the false source");
    assert!(!got.is_empty(), "nothing was spoofed");
    let others = got.iter().filter(|length| **length != PROBE).count();
    assert_eq!(others, 0, "more than probes went there: {got:?}");
    drop(painter);
    goes_on(pair).await;
    world.end().await;
}
