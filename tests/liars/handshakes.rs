//! Before a handshake, and in it: what is no beginning of a connection gets no answer or a short one, nobody is sent more
//! than three times what they sent (RFC 9000 §8.1; and a packet), and a packet from another address moves nothing there.

use crate::bounds::serves_on;
use nearhand_proto::{close::Close, net::Identity, relay_string::RelayString, route::is_short};
use nearhand_tests::{
    Host, World,
    host::{FIRST, SIZE},
    liar::{
        Forger, HungUp,
        datagrams::{Stranger, Thief, claiming, first_flight, of_version, with_token},
        forge::Script,
        frames,
    },
    world::consent,
};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a stranger listens: what a relay sends again by itself (RFC 9002 §6.2) comes within it.
const LISTENS: Duration = Duration::from_secs(3);

/// quinn sends a whole packet as long as one byte of the threefold is left (its issue 1082).
const OVER: usize = 1_200;

/// What a datagram may get at most, in bytes.
const NOTHING: usize = 0;

fn strange_datagrams(flight: &[Vec<u8>]) -> Vec<(&'static str, Vec<u8>, usize)> {
    let first = &flight[0];
    let mut garbled = first.clone();
    garbled[700] ^= 1;
    let mut unfixed = first.clone();
    unfixed[0] &= !0x40;
    let to_an_end = [&[0x40, 0x80][..], &[7; 1_198]].concat();
    let reset_bait = [&[0x40, 0x00][..], &[7; 1_198]].concat();
    vec![
        ("nothing", Vec::new(), NOTHING),
        ("one byte", vec![0xc0], NOTHING),
        ("zeros", vec![0; 1_200], 1_199),
        ("ones", vec![0xff; 1_200], NOTHING),
        ("text", b"GET / HTTP/1.1\r\n\r\n".to_vec(), NOTHING),
        ("a first packet, cut to 1,199 bytes", first[..1_199].to_vec(), NOTHING),
        ("a first packet, cut to 300 bytes", first[..300].to_vec(), NOTHING),
        ("a first packet, cut within its connection id", first[..9].to_vec(), NOTHING),
        ("a first packet with a wrong bit", garbled, NOTHING),
        ("a first packet that claims more than there is", claiming(first, 0x3fff), NOTHING),
        ("a first packet that claims nothing", claiming(first, 0), NOTHING),
        ("a first packet with a token of its own making", with_token(first, &[7; 60]), 3 * first.len()),
        ("a first packet with its fixed bit off", unfixed, NOTHING),
        ("a first packet of an unknown version", of_version(first, 0x1a2a_3a4a), 100),
        ("the same, cut short", of_version(&first[..60], 0x1a2a_3a4a), NOTHING),
        ("version negotiation", of_version(first, 0), NOTHING),
        ("a packet of no connection, for an end", to_an_end, NOTHING),
        ("a packet of no connection, for the relay", reset_bait, 1_199),
        ("the same, of 30 bytes", [&[0x40, 0x00][..], &[7; 28]].concat(), 29),
    ]
}

async fn answers(relay: std::net::SocketAddr, datagrams: Vec<Vec<u8>>) -> (usize, Vec<usize>) {
    let mut stranger = Stranger::towards(relay).await;
    for datagram in &datagrams {
        stranger.sends(datagram).await;
    }
    let heard = stranger.hears(LISTENS).await;
    (stranger.sent, heard.iter().map(Vec::len).collect())
}

#[tokio::test]
async fn what_is_no_beginning_of_a_connection_gets_no_answer_or_a_shorter_one() {
    let world = World::start_program_with(|_| {}).await;
    let flight = first_flight(&world.relay()).await.unwrap();
    let mut strangers = JoinSet::new();
    for (what, datagram, most) in strange_datagrams(&flight) {
        let relay = world.address();
        strangers.spawn(async move {
            let (_, heard) = answers(relay, vec![datagram]).await;
            let wrong = most < heard.iter().sum();
            wrong.then(|| format!("{what}: {heard:?} bytes, {most} at most"))
        });
    }
    let told = strangers.join_all().await;
    let wrong: Vec<_> = told.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    serves_on(world).await;
}

#[tokio::test]
async fn nobody_is_sent_more_than_three_times_what_they_sent_and_a_packet() {
    let world = World::start_program_with(|_| {}).await;
    let mut strangers = JoinSet::new();
    for case in 0..6 {
        let relay = world.relay();
        let address = world.address();
        strangers.spawn(async move {
            let flight = first_flight(&relay).await.unwrap();
            let mut sent = match case {
                0 => flight[..1].to_vec(),
                1 => flight.clone(),
                2 => flight.iter().rev().cloned().collect(),
                // The same, again and again.
                3 => [&flight[..]; 20].concat(),
                4 => [&flight.iter().rev().cloned().collect::<Vec<_>>()[..]; 20].concat(),
                // The second half of a hello, without the first.
                _ => flight[flight.len() - 1..].to_vec(),
            };
            if case == 3 {
                sent.extend(flight.iter().map(|datagram| datagram[..1_100].to_vec()));
            }
            let (sent, heard) = answers(address, sent).await;
            let heard: usize = heard.iter().sum();
            eprintln!("case {case}: {heard} bytes for {sent}");
            assert!(heard <= 3 * sent + OVER, "case {case}: {heard} bytes for {sent}");
            heard
        });
    }
    let heard = strangers.join_all().await;
    assert!(heard.iter().any(|bytes| *bytes != 0), "a whole hello is answered, or the story proves nothing");
    serves_on(world).await;
}

/// Frames that have no place in a handshake: how the relay refuses.
fn early_lies() -> Vec<(&'static str, Vec<u8>, u64)> {
    vec![
        ("a stream", frames::stream(0, 0, b"x"), 0xa),
        ("a datagram", frames::datagram(b"x"), 0xa),
        ("a connection id", frames::new_connection_id(1, 0, 16), 0xa),
        ("a challenge", frames::path_challenge(7), 0xa),
        ("an unknown frame", frames::plain(0x2f, &[]), 0x7),
        ("handshake bytes far ahead", frames::crypto(1 << 30, b"x"), 0xd),
        ("an acknowledgement of what was never sent", frames::ack(0, 1 << 20), 0xa),
    ]
}

#[tokio::test]
async fn a_handshake_with_frames_that_have_no_place_in_it_fails_and_no_other() {
    let world = World::start_program_with(|_| {}).await;
    let mut wrong = Vec::new();
    for (what, lie, expected) in early_lies() {
        for (when, script) in
            [("first", Script::with_initial(lie.clone())), ("last", Script::with_handshake(lie.clone()))]
        {
            let how = dial(&world.relay(), script).await;
            if how != Some(HungUp::Quic(expected)) {
                wrong.push(format!("{what}, {when}: {how:?} instead of {expected:#x}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    serves_on(world).await;
}

/// How the relay hangs up on a handshake, or on the connection if the handshake was done for this side.
async fn dial(relay: &RelayString, script: std::sync::Arc<Script>) -> Option<HungUp> {
    let identity = Identity::generate(1).unwrap();
    match Forger::dial_by(relay, &identity, script).await {
        Ok(forger) => Some(forger.is_hung_up().await),
        Err(error) => error.downcast_ref().map(HungUp::of),
    }
}

#[tokio::test]
async fn a_stolen_packet_sent_from_another_address_moves_nothing_there_but_a_probe() {
    let world = World::start_program_with(|_| {}).await;
    let technician = world.technician("Vera Example").await;
    let mut thief = Thief::before(world.address()).await;
    let mut host = Host::start(RelayString { port: thief.port(), ..world.relay() }, |_| {});
    let code = host.code().await;
    let mut viewer = world.viewer(&technician, &code);
    consent(&mut host, &mut viewer).await;
    // Fresh to the relay: it is the newest of the host's, and so QUIC believes that the host has moved.
    let stolen = thief.steals().await;
    let mut stranger = Stranger::towards(world.address()).await;
    stranger.sends(&stolen).await;
    let listening = stranger.hears(LISTENS);
    let working = async {
        for shade in 0..20 {
            host.screen.fill(FIRST, SIZE.rect(), [shade, 2, 3]);
            viewer.shows(&host, FIRST).await;
        }
    };
    let (heard, ()) = tokio::join!(listening, working);
    let bytes: usize = heard.iter().map(Vec::len).sum();
    eprintln!("{} bytes stolen, {bytes} came for them, in {} packets", stolen.len(), heard.len());
    // A probe is padded to 1,200 bytes (RFC 9000 §8.2.1), and may be sent again before it is given up.
    assert!(heard.len() <= 3 && bytes <= 3 * 1_200, "{bytes} bytes for {}", stolen.len());
    assert!(heard.iter().all(|packet| is_short(packet)));
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.session_over().await, Close::TechnicianLeft);
    serves_on(world).await;
}
