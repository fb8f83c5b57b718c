//! Frames that no honest QUIC peer sends, before and after registration: the relay closes with the error that RFC 9000 names,
//! and serves on.

use crate::bounds::serves_on;
use nearhand_proto::{control::Role, net::Identity};
use nearhand_tests::{
    World,
    journal::in_time,
    liar::{Forger, HungUp, frames},
};

/// Transport errors (RFC 9000 §20.1).
const FLOW_CONTROL: HungUp = HungUp::Quic(0x3);
const STREAM_LIMIT: HungUp = HungUp::Quic(0x4);
const STREAM_STATE: HungUp = HungUp::Quic(0x5);
const FINAL_SIZE: HungUp = HungUp::Quic(0x6);
const FRAME_ENCODING: HungUp = HungUp::Quic(0x7);
const ID_LIMIT: HungUp = HungUp::Quic(0x9);
const VIOLATION: HungUp = HungUp::Quic(0xa);
const CRYPTO_BUFFER: HungUp = HungUp::Quic(0xd);

/// The control stream: the first that a client opens.
const CONTROL: u64 = 0;

/// One lie, and how the relay hangs up on it.
type Lie = (&'static str, Vec<u8>, HungUp);

fn lies() -> Vec<Lie> {
    let far = (1 << 62) - 1;
    vec![
        ("a second bidirectional stream", frames::stream(4, 0, b"x"), STREAM_LIMIT),
        ("a stream far beyond the limit", frames::stream(4_000, 0, b"x"), STREAM_LIMIT),
        ("a unidirectional stream", frames::stream(2, 0, b"x"), STREAM_LIMIT),
        ("a reset of a stream beyond the limit", frames::reset_stream(400, 0, 0), STREAM_LIMIT),
        ("data on a stream that only the relay opens", frames::stream(1, 0, b"x"), STREAM_STATE),
        ("a stop of a stream that was never opened", frames::stop_sending(1, 0), STREAM_STATE),
        ("data beyond the window", frames::stream(CONTROL, 1 << 20, b"x"), FLOW_CONTROL),
        ("data at the end of numbers", frames::stream(CONTROL, far, b"x"), FLOW_CONTROL),
        ("an end beyond the window", frames::last_of_stream(CONTROL, 1 << 20, b""), FLOW_CONTROL),
        ("a reset that undoes what was sent", frames::reset_stream(CONTROL, 0, 1), FINAL_SIZE),
        ("a length of 4 GiB", frames::stream_claiming(CONTROL, 9, 1 << 32), FRAME_ENCODING),
        ("a length of 2^62 - 1", frames::stream_claiming(CONTROL, 0, far), FRAME_ENCODING),
        ("a datagram that claims more than there is", frames::plain(0x31, &[5_000]), FRAME_ENCODING),
        ("a frame of no known type", frames::plain(0x2f, &[1, 2, 3]), FRAME_ENCODING),
        ("a frame of a very large type", frames::plain(far, &[]), FRAME_ENCODING),
        ("more streams than there are numbers", frames::max_streams(1 << 61), FRAME_ENCODING),
        ("handshake bytes far ahead", frames::crypto(1 << 30, b"x"), CRYPTO_BUFFER),
        ("a done handshake, said by a client", frames::plain(0x1e, &[]), VIOLATION),
        ("a token, said by a client", [frames::plain(0x07, &[1]), vec![1]].concat(), VIOLATION),
        ("acknowledgements of what was never sent", frames::ack(1 << 20, 1 << 21), VIOLATION),
        ("acknowledgements below zero", frames::plain(0x02, &[3, 0, 0, 9]), FRAME_ENCODING),
        ("a billion acknowledged ranges", frames::plain(0x02, &[3, 0, 1 << 30, 0]), FRAME_ENCODING),
        ("an id of 21 bytes", frames::new_connection_id(1, 0, 21), FRAME_ENCODING),
        ("an id of no bytes", frames::new_connection_id(1, 0, 0), FRAME_ENCODING),
        ("an id that retires its successors", frames::new_connection_id(9, 10, 16), FRAME_ENCODING),
        ("an id far ahead", frames::new_connection_id(1 << 40, 0, 16), ID_LIMIT),
        ("the return of an id that was never given", frames::retire_connection_id(1 << 40), VIOLATION),
    ]
}

#[tokio::test]
async fn a_registered_end_that_forges_frames_is_hung_up_with_the_error_that_the_rfc_names() {
    let world = World::start_program_with(|_| {}).await;
    let mut wrong = Vec::new();
    for (what, lie, expected) in lies() {
        let identity = Identity::generate(1).unwrap();
        let liar = Forger::dial(&world.relay(), &identity).await.unwrap();
        let _streams = liar.register(Role::Host, &identity).await;
        liar.stops_its_ears();
        let _ = liar.sends(&lie).await;
        let how = in_time(what, liar.is_hung_up()).await;
        if how != expected {
            wrong.push(format!("{what}: {how:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    serves_on(world).await;
}
