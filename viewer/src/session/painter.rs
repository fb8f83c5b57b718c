//! The streams that the host opens. From a screen stream to the presented picture: an async task reads messages, a
//! thread of its own decodes and presents them, so that nothing else waits for pixels. Clipboard texts pass through.

use super::line::Hangup;
use crate::{decode::Decoder, messages::Event, screen::Screen};
use nearhand_proto::{
    close::Close,
    net::{ClipReceiver, FrameError, FrameReceiver},
    session::{
        StreamKind,
        cursor::Position,
        screen::{self, Epoch, UpdateNo},
    },
    wire,
};
use quinn::{Connection, RecvStream, VarInt};
use std::{
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

/// The first byte of a stream must come within this.
const FIRST: Duration = Duration::from_secs(5);
/// A message of up to 352 KiB, once begun, must be whole within this, on the slowest link.
const MESSAGE: Duration = Duration::from_secs(60);
/// Messages read and not yet decoded; when full, the stream waits.
const READ: usize = 16;

/// An update is presented.
#[derive(Debug)]
pub(super) struct Drew {
    pub(super) epoch: Epoch,
    pub(super) update: UpdateNo,
    pub(super) event: Event,
}

/// Takes the host's streams until the connection ends, of each kind the newest at a time. What the host sends that is
/// no picture, or no text, ends the connection.
pub(super) async fn paint(
    (connection, hangup): (Connection, Hangup),
    screen: Screen,
    drew: mpsc::Sender<Drew>,
    texts: watch::Sender<Option<String>>,
) {
    let (mut newest, mut clips) = (None, ClipReceiver::default());
    loop {
        let mut stream = tokio::select! {
            biased;
            stream = connection.accept_uni() => match stream {
                Ok(stream) => stream,
                Err(_) => return,
            },
            text = clips.next() => match text {
                Ok(text) => {
                    texts.send_replace(Some(text.0));
                    continue;
                }
                Err(error) => return broken(&hangup, &error),
            },
        };
        let mut kind = [0];
        let read = timeout(FIRST, stream.read_exact(&mut kind)).await;
        match StreamKind::try_from(kind[0]) {
            Ok(StreamKind::Screen) if matches!(read, Ok(Ok(()))) => {
                let reading = read_stream(hangup.clone(), stream, screen.clone(), drew.clone());
                // The older stream's task ends with its handle.
                drop(newest.replace(AbortOnDropHandle::new(tokio::spawn(reading))));
            }
            Ok(StreamKind::Clipboard) if matches!(read, Ok(Ok(()))) => clips.handle_stream(stream),
            // A stream of a later version: not ours to read. Stopping it fails only if it is gone.
            _ => drop(stream.stop(VarInt::from_u32(Close::Version.code().into()))),
        }
    }
}

fn broken(hangup: &Hangup, error: &FrameError) {
    tracing::warn!(%error, "the host is hung up");
    // The path may have failed in the middle of a message: then the host is dialled anew.
    let stalled = matches!(error, FrameError::PeerStalled);
    hangup.now(if stalled { Close::TooSlow } else { Close::Protocol });
}

/// Takes the pointer's positions until the connection ends. Others than those of a host that we understand are skipped.
pub(super) async fn point(connection: Connection, screen: Screen) {
    while let Ok(datagram) = connection.read_datagram().await {
        match wire::decode::<Position>(&datagram) {
            Ok(position) => screen.handle_position(position),
            Err(error) => tracing::debug!(%error, "a datagram that is no position"),
        }
    }
}

async fn read_stream(hangup: Hangup, stream: RecvStream, screen: Screen, drew: mpsc::Sender<Drew>) {
    let (sender, receiver) = mpsc::channel(READ);
    let decoding = thread::Builder::new().name("decode".to_owned()).spawn({
        let hangup = hangup.clone();
        move || {
            if let Err(why) = decode(receiver, &screen, &drew) {
                hangup.now(why);
            }
        }
    });
    if let Err(error) = decoding {
        tracing::error!(%error, "no thread to decode");
        return hangup.now(Close::Internal);
    }
    let mut receiver = FrameReceiver::<screen::Screen>::new(stream, MESSAGE);
    loop {
        match receiver.next().await {
            Ok(Some(message)) => {
                if sender.send(message).await.is_err() {
                    return;
                }
            }
            // A stream that is reset has been replaced, or will be.
            Ok(None) | Err(FrameError::Read(_)) => return,
            Err(error) => return broken(&hangup, &error),
        }
    }
}

/// Decodes one stream, on its own thread.
fn decode(
    mut messages: mpsc::Receiver<screen::Screen>,
    shown: &Screen,
    drew: &mpsc::Sender<Drew>,
) -> Result<(), Close> {
    let refuse = |error: crate::decode::DecodeError| {
        tracing::warn!(%error, "the picture can't be decoded");
        error.close()
    };
    let Some(first) = messages.blocking_recv() else { return Ok(()) };
    let mut decoder = Decoder::open(&first).map_err(refuse)?;
    let (epoch, monitor, size) = (decoder.epoch(), decoder.monitor(), decoder.size());
    shown.handle_epoch(epoch);
    let (mut bytes, mut spent) = (0, Duration::ZERO);
    while let Some(message) = messages.blocking_recv() {
        bytes += length(&message);
        let began = Instant::now();
        let presented = decoder.handle(message).map_err(refuse)?;
        let Some(update) = presented else {
            spent += began.elapsed();
            continue;
        };
        let presented = shown.show(epoch, size, update.picture.pixels(), &update.changed);
        spent += began.elapsed();
        let event = Event::Updated {
            epoch,
            monitor,
            size,
            update: update.update,
            more: update.more,
            changed: update.changed,
            bytes: std::mem::take(&mut bytes),
            spent_us: update.spent_us,
            decode_us: u32::try_from(std::mem::take(&mut spent).as_micros()).unwrap_or(u32::MAX),
            presented,
        };
        if drew.blocking_send(Drew { epoch, update: update.update, event }).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Bytes of a message on its stream.
fn length(message: &screen::Screen) -> u64 {
    let payload = match message {
        // Encoding a large message again only to measure it would cost as much as decoding it.
        screen::Screen::Tiles(tiles) => {
            let pixels = tiles.indexed.len() + tiles.coded.len();
            tiles.data.len() + 9 * pixels + 12 * tiles.solid.len() + 4 * tiles.palette.len()
        }
        other => wire::encode(other).len(),
    };
    (payload + nearhand_proto::net::LENGTH_BYTES).try_into().unwrap_or(u64::MAX)
}
