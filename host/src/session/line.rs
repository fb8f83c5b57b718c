//! One session connection, as the session's loop sees it: control messages and input in, messages and positions out.

use crate::injection::{Act, Injection};
use nearhand_proto::{
    close::Close,
    net::{FrameError, FrameReceiver, FrameSender, close_reason, kick},
    session::{StreamKind, ToHost, ToViewer, cursor::Position, input::Input},
    wire,
};
use quinn::{Connection, ConnectionStats, RecvStream, VarInt};
use std::{pin::Pin, time::Duration};
use tokio::{
    sync::mpsc::{self, OwnedPermit},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

/// A message, once begun, must be whole within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// The viewer's control stream, and then its first word, must be there within this. On a network that loses every third
/// packet both ways, QUIC may need so long.
const GREETING: Duration = Duration::from_secs(10);

/// Priority of the control stream over the picture's (quinn: higher first).
const CONTROL_PRIORITY: i32 = 10;

/// A stream that the viewer has opened, and what it says that it is.
type Opened = (StreamKind, RecvStream);

type Opening = Pin<Box<dyn Future<Output = Option<Opened>> + Send + Sync>>;

/// Messages for the viewer on their way; when full, the viewer does not read and is hung up.
const WORDS: usize = 256;

/// A connected viewer.
pub struct Line {
    connection: Connection,
    words: mpsc::Sender<ToViewer>,
    _writer: AbortOnDropHandle<()>,
    receiver: FrameReceiver<ToHost>,
    input: Option<FrameReceiver<Input>>,
    opening: Option<Opening>,
}

/// What came.
pub(super) enum LineEvent {
    /// On the control stream.
    Control(ToHost),
    /// On the input stream; with room on the desktop's side if it is to be injected.
    Input(Input, Option<OwnedPermit<Act>>),
    /// A text for the clipboard, not read yet.
    Clipboard(RecvStream),
    /// The connection is gone; with a reason if the viewer gave one, and then for good.
    Lost(Option<Close>),
}

/// Why a connection is no line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Nothing came.
    #[error("no control stream in time")]
    Late,
    /// Something else came.
    #[error("the first message is not Hello")]
    Hello,
    /// What came is no message.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The connection is gone.
    #[error("the connection broke")]
    Connection(#[from] quinn::ConnectionError),
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    /// Waits for the control stream and `Hello`.
    ///
    /// # Errors
    /// [`LineError`]
    pub async fn accept(connection: Connection) -> Result<Self, LineError> {
        let (send, receive) =
            timeout(GREETING, connection.accept_bi()).await.map_err(|_| LineError::Late)??;
        // Fails only on a stream that is closed, which the next write tells.
        let _ = send.set_priority(CONTROL_PRIORITY);
        let mut receiver = FrameReceiver::new(receive, PATIENCE);
        match timeout(GREETING, receiver.next()).await.map_err(|_| LineError::Late)?? {
            Some(ToHost::Hello) => {}
            _ => return Err(LineError::Hello),
        }
        let opening = Some(open(connection.clone()));
        let (words, receiver_of_words) = mpsc::channel(WORDS);
        let writer = tokio::spawn(write(FrameSender::new(send), receiver_of_words));
        let _writer = AbortOnDropHandle::new(writer);
        Ok(Self { connection, words, _writer, receiver, input: None, opening })
    }

    /// The connection, for the streams of the picture.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn stats(&self) -> ConnectionStats {
        self.connection.stats()
    }

    /// Sends a message; never waits. A viewer that does not read is hung up; it may come back.
    pub(super) fn say(&self, message: ToViewer) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.words.try_send(message) {
            self.connection.close(VarInt::from_u32(Close::TooSlow.code().into()), &[]);
        }
    }

    /// Sends the pointer's position; newest wins, so a lost one is no loss.
    pub(super) fn point(&self, position: &Position) {
        let _ = self.connection.send_datagram(wire::encode(position).into());
    }

    /// The route may be open again: what waits is sent at once.
    pub(super) fn kick(&self) {
        kick(&self.connection);
    }

    /// The viewer does not hear us: the connection is lost, though QUIC doesn't know it yet.
    pub(super) fn give_up(&self) {
        self.connection.close(VarInt::from_u32(Close::TooSlow.code().into()), &[]);
    }

    /// Hangs up, with the reason.
    pub(crate) fn close(self, why: Close) {
        self.connection.close(VarInt::from_u32(why.code().into()), &[]);
    }

    fn lost(&self) -> LineEvent {
        let why = self.connection.close_reason().as_ref().and_then(close_reason);
        LineEvent::Lost(why.filter(|why| why.is_final()))
    }

    fn broken(&self, error: &FrameError) -> LineEvent {
        let why = match error {
            FrameError::Read(_) => return self.lost(),
            // The path may have failed in the middle of a message: the viewer may come back.
            FrameError::PeerStalled => Close::TooSlow,
            _ => Close::Protocol,
        };
        tracing::warn!(%error, "the viewer is hung up");
        self.connection.close(VarInt::from_u32(why.code().into()), &[]);
        LineEvent::Lost(Some(why).filter(|why| !why.may_retry()))
    }
}

/// Writes messages until either side has gone; the loop learns it from the receiving side.
async fn write(mut sender: FrameSender<ToViewer>, mut words: mpsc::Receiver<ToViewer>) {
    while let Some(message) = words.recv().await {
        if let Err(error) = sender.send(&message).await {
            tracing::debug!(%error, "message not sent");
            return;
        }
    }
}

/// The next event of the line, if there is one. Control messages come before input. While `take` is false nothing
/// is read from the viewer; with an injection, input is read only when the desktop has room for it.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn next(line: &mut Option<Line>, injection: Option<&Injection>, take: bool) -> LineEvent {
    let Some(line) = line else { return std::future::pending().await };
    loop {
        let Line { connection, receiver, input, opening, .. } = line;
        let control = tokio::select! {
            biased;
            _ = connection.closed(), if !take => return line.lost(),
            message = receiver.next(), if take => message,
            opened = opened(opening), if take => {
                // Without one the connection is gone, which is told above.
                *opening = opened.is_some().then(|| open(connection.clone()));
                match opened {
                    Some((StreamKind::Clipboard, stream)) => return LineEvent::Clipboard(stream),
                    Some((StreamKind::Input, stream)) if input.is_none() => {
                        *input = Some(FrameReceiver::new(stream, PATIENCE));
                    }
                    // A second one of that kind, or one that only hosts open.
                    Some((_, stream)) => refuse(stream),
                    None => {}
                }
                continue;
            }
            (message, permit) = next_input(input, injection), if take => match message {
                Ok(Some(message)) => return LineEvent::Input(message, permit),
                Ok(None) => {
                    *input = None;
                    continue;
                }
                Err(error) => return line.broken(&error),
            },
        };
        return match control {
            Ok(Some(message)) => LineEvent::Control(message),
            Ok(None) => line.lost_or_left(),
            Err(error) => line.broken(&error),
        };
    }
}

impl Line {
    /// The viewer finished its control stream without closing the connection: it has nothing more to say.
    fn lost_or_left(&self) -> LineEvent {
        self.connection.close(VarInt::from_u32(Close::TechnicianLeft.code().into()), &[]);
        LineEvent::Lost(Some(Close::TechnicianLeft))
    }
}

/// Waits for the viewer's next unidirectional stream of a kind that we know.
fn open(connection: Connection) -> Opening {
    Box::pin(async move {
        loop {
            let mut stream = connection.accept_uni().await.ok()?;
            let mut kind = [0];
            let read = timeout(PATIENCE, stream.read_exact(&mut kind)).await;
            match StreamKind::try_from(kind[0]) {
                Ok(kind) if matches!(read, Ok(Ok(()))) => return Some((kind, stream)),
                _ => refuse(stream),
            }
        }
    })
}

/// Not ours to read.
fn refuse(mut stream: RecvStream) {
    // Fails only on a stream that is gone.
    let _ = stream.stop(VarInt::from_u32(Close::Protocol.code().into()));
}

async fn opened(opening: &mut Option<Opening>) -> Option<Opened> {
    match opening {
        Some(opening) => opening.await,
        None => std::future::pending().await,
    }
}

type Next = (Result<Option<Input>, FrameError>, Option<OwnedPermit<Act>>);

async fn next_input(input: &mut Option<FrameReceiver<Input>>, injection: Option<&Injection>) -> Next {
    let Some(input) = input else { return std::future::pending().await };
    let permit = match injection {
        Some(injection) => injection.reserve().await,
        None => None,
    };
    (input.next().await, permit)
}
