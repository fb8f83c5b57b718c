//! Connection ids and paths, used up on purpose while no packet of the relay's is acknowledged: CVE-2024-22189 (ids),
//! CVE-2023-49295 (challenges), CVE-2025-4820 (acknowledging what was never sent).

use crate::bounds::{honest_pairing, registered, serves_on};
use nearhand_proto::{close::Close, control::ToRelay, net::frame};
use nearhand_tests::{
    World, eventually,
    journal::in_time,
    liar::{HungUp, frames, memory::Memory},
    number,
};
use std::time::Duration;

/// What all floods together may cost, in KiB: each of them ends within a second or so.
const MOST: u64 = 24 << 10;

/// A packet of a flood: the `n`-th.
type Packet = fn(u64) -> Vec<u8>;

/// New ids, each retiring all before it; the first that quinn has not given out itself is the fifth.
fn new_ids(n: u64) -> Vec<u8> {
    (n * 25..n * 25 + 25).flat_map(|id| frames::new_connection_id(id + 5, id + 5, 16)).collect()
}

/// The relay's ids given back, one by one; not the one that packets are sent with.
fn old_ids(n: u64) -> Vec<u8> {
    frames::retire_connection_id(n + 1)
}

/// The same id given back again and again.
fn one_id(_: u64) -> Vec<u8> {
    frames::retire_connection_id(1).repeat(300)
}

fn challenges(n: u64) -> Vec<u8> {
    (0..100).flat_map(|at| frames::path_challenge(n * 100 + at)).collect()
}

/// What is sent, the pause between packets, and how the relay may hang up.
fn floods() -> Vec<(&'static str, Packet, Duration, &'static [HungUp])> {
    let by_quinn: &[HungUp] = &[HungUp::Quic(0x9), HungUp::Forgotten];
    let by_us: &[HungUp] = &[HungUp::Said(Close::Protocol), HungUp::Forgotten];
    let at_once = Duration::ZERO;
    vec![
        ("new ids", new_ids, at_once, by_quinn),
        ("old ids", old_ids, Duration::from_millis(8), by_us),
        ("one id", one_id, at_once, by_us),
        ("challenges", challenges, at_once, by_us),
    ]
}

#[tokio::test]
async fn floods_of_ids_and_challenges_that_are_never_acknowledged_are_bounded_and_hung_up() {
    let packets = number("NEARHAND_FLOOD", 20_000) as u64;
    let world = World::start_program_with(|_| {}).await;
    let technician = world.technician("Vera Example").await;
    let memory = Memory::watch(world.process());
    for (what, packet, pause, expected) in floods() {
        let (liar, _send, _receive) = registered(&world).await;
        liar.falls_silent();
        liar.stops_its_ears();
        let mut sent = 0;
        let flood = async {
            while sent < packets && liar.sends(&packet(sent)).await.is_ok() {
                sent += 1;
                // What gives ids back must not be faster than the relay makes new ones, or it gives back what it never had.
                tokio::time::sleep(pause).await;
            }
        };
        let (_, meanwhile) = tokio::join!(flood, honest_pairing(&world, &technician));
        let how = liar.is_hung_up().await;
        eprintln!(
            "{what}: {sent} packets, hung up {how:?}, {} KiB; a pairing meanwhile {meanwhile:?}",
            memory.peak()
        );
        assert!(expected.contains(&how), "{what}: {how:?} instead of {expected:?}");
    }
    assert!(memory.peak() < MOST, "{} KiB", memory.peak());
    let ours = world.log().matches("changes connection ids without end").count();
    assert_eq!(ours, 3, "all but the first were more than QUIC itself sees to");
    serves_on(world).await;
}

#[tokio::test]
async fn whoever_acknowledges_what_was_skipped_is_hung_up() {
    let world = World::start_program_with(|_| {}).await;
    let (liar, mut send, mut receive) = registered(&world).await;
    // quinn skips a number now and then, so that who acknowledges blindly is found out.
    let mut buffer = [0; 64];
    while liar.script.largest() < 200 {
        send.write_all(&frame(&ToRelay::Ping(7))).await.unwrap();
        let read = in_time("a pong", receive.read(&mut buffer)).await.unwrap();
        assert!(read.is_some());
    }
    liar.falls_silent();
    liar.stops_its_ears();
    liar.sends(&frames::ack(0, liar.script.largest())).await.unwrap();
    assert_eq!(liar.is_hung_up().await, HungUp::Quic(0xa));
    eventually("the lie was sent", || (0 < liar.script.forged()).then_some(())).await;
    serves_on(world).await;
}
