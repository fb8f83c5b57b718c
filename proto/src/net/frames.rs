//! Messages on a QUIC stream: `4 length (big endian) | body`, body by [`crate::wire`]. Bounded before it is parsed.

use crate::wire::{self, Message, WireError};
use bytes::{Buf as _, BytesMut};
use std::{marker::PhantomData, time::Duration};
use tokio::time::Instant;

/// Bytes of the length field.
pub const LENGTH_BYTES: usize = 4;

/// Largest piece read from quinn at once.
const CHUNK: usize = 64 << 10;

/// What ends a message stream early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The bytes are no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The stream ended in the middle of a message.
    #[error("peer closed the stream in the middle of a message")]
    PeerTruncated,
    /// A message was begun and not finished in time.
    #[error("peer stalled in the middle of a message")]
    PeerStalled,
    /// The connection or stream is gone.
    #[error("stream lost")]
    Read(#[from] quinn::ReadError),
    /// The connection or stream is gone.
    #[error("stream lost")]
    Write(#[from] quinn::WriteError),
}

/// One message as it goes onto the stream.
pub fn frame<M: Message>(message: &M) -> Vec<u8> {
    let body = wire::encode(message);
    let length = u32::try_from(body.len()).expect("messages are hardly more than 1 MiB");
    let mut bytes = Vec::with_capacity(LENGTH_BYTES + body.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// Sends messages of one type.
#[derive(Debug)]
pub struct FrameSender<M> {
    stream: quinn::SendStream,
    kind: PhantomData<fn(M)>,
}

impl<M: Message> FrameSender<M> {
    /// Messages onto `stream`.
    pub fn new(stream: quinn::SendStream) -> Self {
        Self { stream, kind: PhantomData }
    }

    /// Sends one message; waits while the peer's flow control holds it back.
    ///
    /// # Errors
    /// [`FrameError::Write`].
    ///
    /// # Cancel safety
    /// Not cancel safe: a message may have been written in part. Run it to its end.
    pub async fn send(&mut self, message: &M) -> Result<(), FrameError> {
        Ok(self.stream.write_all(&frame(message)).await?)
    }

    /// The stream itself, to set its priority or to finish it.
    pub fn stream(&mut self) -> &mut quinn::SendStream {
        &mut self.stream
    }
}

/// Receives messages of one type.
#[derive(Debug)]
pub struct FrameReceiver<M> {
    stream: quinn::RecvStream,
    buffer: BytesMut,
    begun: Option<Instant>,
    patience: Duration,
    kind: PhantomData<fn() -> M>,
}

impl<M: Message> FrameReceiver<M> {
    /// Messages from `stream`; one that was begun must be whole within `patience`.
    pub fn new(stream: quinn::RecvStream, patience: Duration) -> Self {
        Self { stream, buffer: BytesMut::new(), begun: None, patience, kind: PhantomData }
    }

    /// The next message; `None` when the peer has finished the stream.
    ///
    /// # Errors
    /// [`FrameError`]; the stream is of no further use.
    ///
    /// # Cancel safety
    /// Cancel safe: what has arrived is kept.
    pub async fn next(&mut self) -> Result<Option<M>, FrameError> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let read = self.stream.read_chunk(CHUNK, true);
            let chunk = match self.begun {
                None => read.await?,
                Some(begun) => tokio::time::timeout_at(begun + self.patience, read)
                    .await
                    .map_err(|_| FrameError::PeerStalled)??,
            };
            match chunk {
                Some(chunk) => {
                    self.buffer.extend_from_slice(&chunk.bytes);
                    self.begun.get_or_insert_with(Instant::now);
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(FrameError::PeerTruncated),
            }
        }
    }

    fn take(&mut self) -> Result<Option<M>, FrameError> {
        let message = split_frame(&mut self.buffer)?;
        if message.is_some() {
            self.begun = (!self.buffer.is_empty()).then(Instant::now);
        }
        Ok(message)
    }
}

/// Takes the first message off the front of what a stream has brought; `None`, and nothing taken, if it is not whole yet.
///
/// # Errors
/// [`WireError`]; a length that is too large is refused before its message has come.
pub fn split_frame<M: Message>(buffer: &mut BytesMut) -> Result<Option<M>, WireError> {
    let Some(head) = buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
    if M::MAX < length {
        return Err(WireError::PeerTooLong { got: length, max: M::MAX });
    }
    if buffer.len() < LENGTH_BYTES.saturating_add(length) {
        return Ok(None);
    }
    buffer.advance(LENGTH_BYTES);
    wire::decode(&buffer.split_to(length)).map(Some)
}
