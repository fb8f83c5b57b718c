//! The clipboard's texts on the session connection, the same at both ends and both ways: a stream of its own for each
//! text, behind everything else, and the newest wins.

use super::frames::{FrameError, FrameReceiver, frame};
use crate::{
    close::Close,
    session::{
        StreamKind,
        clipboard::{MAX_TEXT, PACE, Text},
    },
    wire::WireError,
};
use quinn::{Connection, RecvStream, SendStream, VarInt};
use std::time::Duration;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

/// A whole text of 1 MiB takes this long at 140 kbit/s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Priority below the picture's (quinn: higher first).
const PRIORITY: i32 = -10;

/// Sends texts, one at a time. What is on its way when this is dropped is reset.
#[derive(Debug, Default)]
pub struct ClipSender(JoinSet<()>);

impl ClipSender {
    /// Sends a text of at most [`MAX_TEXT`] bytes. An older one that is still on its way is reset.
    pub fn send(&mut self, connection: &Connection, text: Text) {
        self.0 = JoinSet::new();
        let connection = connection.clone();
        self.0.spawn(async move {
            if let Err(error) = send(&connection, text).await {
                // Whoever owns the connection learns it from its control stream.
                tracing::debug!(%error, "clipboard text not sent");
            }
        });
    }
}

/// A stream that is reset when it is let go before all of it has arrived. (quinn *finishes* a stream that is dropped, and
/// would send what it has buffered.)
struct Outgoing(SendStream);

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Fails only if the connection or the stream is gone already.
        let _ = self.0.reset(VarInt::from_u32(Close::Done.code().into()));
    }
}

async fn send(connection: &Connection, text: Text) -> Result<(), quinn::WriteError> {
    let mut stream = Outgoing(connection.open_uni().await?);
    let _ = stream.0.set_priority(PRIORITY); // fails only on a closed stream, which the next write tells
    stream.0.write_all(&[StreamKind::Clipboard as u8]).await?;
    stream.0.write_all(&frame(&text)).await?;
    drop(text);
    let _ = stream.0.finish(); // fails only if it was stopped, which is said next
    let _ = stream.0.stopped().await;
    Ok(())
}

/// Receives texts, one at a time. What is on its way when this is dropped is stopped.
#[derive(Debug, Default)]
pub struct ClipReceiver {
    reading: JoinSet<Result<Text, FrameError>>,
    not_before: Option<Instant>,
}

impl ClipReceiver {
    /// The peer has opened this stream and said that it is [`StreamKind::Clipboard`]. An older text that is not whole
    /// yet is given up.
    pub fn handle_stream(&mut self, stream: RecvStream) {
        self.reading = JoinSet::new();
        self.reading.spawn(async move {
            timeout(PATIENCE, receive(stream)).await.unwrap_or(Err(FrameError::PeerStalled))
        });
    }

    /// The next whole text; [`PACE`] after the last one at the earliest. Texts that the peer gives up are skipped.
    ///
    /// # Errors
    /// [`FrameError`] of a peer that breaks the protocol.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn next(&mut self) -> Result<Text, FrameError> {
        if let Some(at) = self.not_before {
            sleep_until(at).await;
        }
        while let Some(done) = self.reading.join_next().await {
            match done {
                Ok(Ok(text)) => {
                    self.not_before = Some(Instant::now() + PACE);
                    return Ok(text);
                }
                Ok(Err(FrameError::Read(_) | FrameError::PeerStalled)) | Err(_) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
        std::future::pending().await
    }
}

async fn receive(stream: RecvStream) -> Result<Text, FrameError> {
    let mut messages = FrameReceiver::<Text>::new(stream, PATIENCE);
    let text = messages.next().await?.ok_or(FrameError::PeerTruncated)?;
    if MAX_TEXT < text.0.len() {
        return Err(WireError::PeerTooLong { got: text.0.len(), max: MAX_TEXT }.into());
    }
    match messages.next().await? {
        None => Ok(text),
        Some(more) => Err(WireError::PeerTrailing(more.0.len()).into()),
    }
}
