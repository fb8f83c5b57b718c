//! A stream that arrives in pieces: whatever the pieces are, the same messages come out.

use super::{Input, Target, wire};
use bytes::BytesMut;
use nearhand_proto::{
    control::{ToEnd, ToRelay},
    net::{frame, split_frame},
    session::{ToHost, ToViewer, clipboard, input, screen::Screen},
    wire::{Message, WireError},
};
use std::fmt::Debug;

/// `1 stream | ( 1 length | bytes )*`: pieces of one stream.
pub(super) const FRAMES: Target = Target { name: "frames", run, decode: None, seeds };

fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte() % 7;
    let mut pieces = Vec::new();
    while !input.is_empty() {
        pieces.push(input.chunk());
    }
    match kind {
        0 => check::<ToRelay>(&pieces),
        1 => check::<ToEnd>(&pieces),
        2 => check::<ToHost>(&pieces),
        3 => check::<ToViewer>(&pieces),
        4 => check::<input::Input>(&pieces),
        5 => check::<Screen>(&pieces),
        _ => check::<clipboard::Text>(&pieces),
    }
}

fn check<M: Message + PartialEq + Debug>(pieces: &[&[u8]]) {
    let whole = read::<M>(&[&pieces.concat()]);
    assert_eq!(read::<M>(pieces), whole);
}

/// The messages that come out, and what ends them.
fn read<M: Message>(pieces: &[&[u8]]) -> (Vec<M>, Option<WireError>) {
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match split_frame(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fn seeds() -> Vec<Vec<u8>> {
    let stream = |kind: u8, frames: Vec<Vec<u8>>, piece: u8| {
        let pieces = frames.concat();
        let pieces = pieces.chunks(piece.into()).flat_map(|part| {
            let length = u8::try_from(part.len()).unwrap_or(piece);
            [&[length][..], part].concat()
        });
        std::iter::once(kind).chain(pieces).collect()
    };
    vec![
        stream(0, wire::to_relay().iter().map(frame).collect(), 200),
        stream(2, wire::to_host().iter().map(frame).collect(), 1),
        stream(4, wire::inputs().iter().map(frame).collect(), 7),
        stream(6, vec![frame(&clipboard::Text("a text".to_owned()))], 3),
    ]
}
