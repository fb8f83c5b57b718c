//! Streams that cost memory: data that is never read, data full of gaps, streams that are reset or stopped again and again.

use crate::bounds::{registered, registered_as, serves_on};
use nearhand_proto::{
    close::Close,
    control::{Role, ToEnd, ToRelay},
    ids::SessionId,
    net::{Identity, frame},
};
use nearhand_tests::{
    World,
    liar::{Forger, HungUp, forge::ROOM, frames, memory::Memory},
    number,
};
use std::time::Duration;

/// Flow-control window of the relay's control connections, each direction, in bytes.
const WINDOW: u64 = 128 << 10;

/// What a connection may cost while nobody reads, each direction, in KiB (the promise).
const EACH_WAY: u64 = 256;

/// What memory grows by for other reasons: buffers of sockets, fragments of the allocator. In KiB.
const OTHERWISE: u64 = 6 << 10;

/// The control stream.
const CONTROL: u64 = 0;

/// The first byte of the control stream that is not a registration's, and some beyond.
const BEHIND: u64 = 1_000;

/// Asks this until the relay hangs up; how many bytes it took, and how it hung up.
async fn asks(what: &ToRelay, liar: &Forger, send: &mut quinn::SendStream) -> (u64, HungUp) {
    let questions = frame(what).repeat(64);
    let mut taken = 0;
    while let Ok(written) = send.write(&questions).await {
        taken += written as u64;
    }
    (taken, liar.is_hung_up().await)
}

#[tokio::test]
async fn an_end_that_asks_and_never_reads_costs_its_windows_and_is_hung_up() {
    let count = number("NEARHAND_UNREAD", 20);
    let world = World::start_program_with(|limits| limits.connections_per_address = 1_000).await;
    let mut liars = Vec::new();
    for _ in 0..count {
        liars.push(registered_as(&world, Role::Viewer).await);
    }
    let memory = Memory::watch(world.process());
    // Each is answered: that session is over.
    let end = ToRelay::End { session: SessionId([7; 16]), why: Close::Done };
    let mut asking = tokio::task::JoinSet::new();
    for (liar, mut send, receive) in liars {
        let end = end.clone();
        asking.spawn(async move {
            let told = asks(&end, &liar, &mut send).await;
            drop(receive);
            told
        });
    }
    for (taken, how) in asking.join_all().await {
        assert_eq!(how, HungUp::Said(Close::TooSlow));
        assert!(taken <= (2 * EACH_WAY) << 10, "the relay took {taken} bytes without being listened to");
    }
    let most = 2 * EACH_WAY * count as u64 + OTHERWISE;
    eprintln!("{count} ends that never read cost {} KiB", memory.peak());
    assert!(memory.peak() <= most, "{} KiB, {most} at most", memory.peak());
    serves_on(world).await;
}

#[tokio::test]
async fn an_end_that_pings_without_end_is_hung_up() {
    /// Pings that are taken at once, and some for the time that it takes to send them.
    const MOST: u64 = 600;
    let world = World::start_program_with(|_| {}).await;
    let (liar, mut send, mut receive) = registered(&world).await;
    let listening = tokio::spawn(async move {
        let mut heard = 0;
        while let Ok(Some(bytes)) = receive.read_chunk(1 << 10, true).await {
            heard += bytes.bytes.len() as u64;
        }
        heard
    });
    let ping = ToRelay::Ping(u64::MAX);
    assert_eq!(asks(&ping, &liar, &mut send).await.1, HungUp::Said(Close::Busy));
    let (heard, pong) = (listening.await.unwrap(), frame(&ToEnd::Pong(u64::MAX)).len() as u64);
    assert!((1..=MOST).contains(&(heard / pong)), "{heard} bytes of answers");
    serves_on(world).await;
}

/// One byte at every second place of the window, from `BEHIND` on: as many packets as it takes.
fn gaps(in_one_packet: usize) -> Vec<Vec<u8>> {
    let places: Vec<u64> = (BEHIND..WINDOW).step_by(2).collect();
    let packet = |places: &[u64]| places.iter().flat_map(|at| frames::stream(CONTROL, *at, b"x")).collect();
    places.chunks(in_one_packet).map(packet).collect()
}

#[tokio::test]
async fn a_stream_full_of_gaps_costs_no_more_than_twice_its_window() {
    let world = World::start_program_with(|_| {}).await;
    for in_one_packet in [ROOM / 9, 4, 1] {
        let memory = Memory::watch(world.process());
        let mut ends = Vec::new();
        for _ in 0..8 {
            let (liar, send, receive) = registered(&world).await;
            liar.stops_its_ears();
            for packet in gaps(in_one_packet).iter().take(8_000) {
                if liar.sends(packet).await.is_err() {
                    break;
                }
            }
            ends.push((liar.connection.close_reason().as_ref().map(HungUp::of), liar, send, receive));
        }
        let how = ends.iter().map(|end| end.0).collect::<Vec<_>>();
        let peak = memory.peak();
        eprintln!("8 windows of gaps, {in_one_packet} bytes a packet: {peak} KiB, hung up {how:?}");
        assert!(peak <= 8 * 2 * WINDOW / 1_024 + OTHERWISE, "{peak} KiB");
    }
    serves_on(world).await;
}

#[tokio::test]
async fn a_control_stream_that_is_reset_ends_its_connection() {
    let world = World::start_program_with(|_| {}).await;
    let (liar, mut send, _receive) = registered(&world).await;
    send.reset(quinn::VarInt::from_u32(1)).unwrap();
    assert_eq!(liar.is_hung_up().await, HungUp::Said(Close::Done));
    let identity = Identity::generate(1).unwrap();
    let liar = Forger::dial(&world.relay(), &identity).await.unwrap();
    let (mut send, _receive) = liar.connection.open_bi().await.unwrap();
    send.write_all(&[0]).await.unwrap();
    send.reset(quinn::VarInt::from_u32(1)).unwrap();
    assert_eq!(liar.is_hung_up().await, HungUp::Said(Close::Protocol), "before anything was said");
    serves_on(world).await;
}

#[tokio::test]
async fn streams_that_are_stopped_again_and_again_are_hung_up() {
    let world = World::start_program_with(|_| {}).await;
    let (liar, _send, _receive) = registered(&world).await;
    liar.stops_its_ears();
    let stops = frames::stop_sending(CONTROL, 0).repeat(50);
    let flood = async {
        while liar.sends(&stops).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    nearhand_tests::journal::in_time("the relay has enough", flood).await;
    assert_eq!(liar.is_hung_up().await, HungUp::Said(Close::Protocol));
    serves_on(world).await;
}
