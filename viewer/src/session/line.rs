//! One session connection, as the viewer's loop sees it.

use super::{inputs, painter, painter::Drew};
use crate::screen::Screen;
use nearhand_proto::{
    close::Close,
    net::{FrameReceiver, FrameSender, close_reason},
    session::{ToHost, ToViewer, input::Input},
};
use quinn::{Connection, VarInt};
use std::time::Duration;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

/// A message, once begun, must be whole within this; and the host must take ours within it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Inputs on their way; when full, commands wait.
const INPUTS: usize = 64;
/// Updates presented and not yet acknowledged; more hold the decoder back.
const DREW: usize = 8;

/// A connected host.
pub(super) struct Line {
    connection: Connection,
    sender: FrameSender<ToHost>,
    receiver: FrameReceiver<ToViewer>,
    inputs: mpsc::Sender<Input>,
    drew_sender: mpsc::Sender<Drew>,
    drew: mpsc::Receiver<Drew>,
    /// The input writer and the painter; they end with the line.
    tasks: JoinSet<()>,
}

/// What came.
pub(super) enum LineEvent {
    /// On the control stream.
    Message(ToViewer),
    /// An update was presented.
    Drew(Drew),
    /// The connection is gone; with a reason if one was given, and then for good.
    Lost(Option<Close>),
}

impl Line {
    /// Opens the control and the input stream.
    pub(super) async fn open(connection: Connection) -> Result<Self, Option<Close>> {
        let reason = |error: &quinn::ConnectionError| close_reason(error);
        let (send, receive) = connection.open_bi().await.map_err(|error| reason(&error))?;
        let (inputs, input_receiver) = mpsc::channel(INPUTS);
        let (drew_sender, drew) = mpsc::channel(DREW);
        let mut tasks = JoinSet::new();
        tasks.spawn(inputs::write(connection.clone(), input_receiver));
        Ok(Self {
            connection,
            sender: FrameSender::new(send),
            receiver: FrameReceiver::new(receive, PATIENCE),
            inputs,
            drew_sender,
            drew,
            tasks,
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// From now on screen streams are decoded and presented here.
    pub(super) fn paint(&mut self, screen: Screen) {
        self.tasks.spawn(painter::paint(self.connection.clone(), screen, self.drew_sender.clone()));
    }

    /// Sends a message. A host that does not take it in time is hung up, and dialled anew.
    pub(super) async fn say(&mut self, message: &ToHost) {
        match timeout(PATIENCE, self.sender.send(message)).await {
            Ok(Ok(())) => {}
            // The loop learns it from the receiving side.
            Ok(Err(error)) => tracing::debug!(%error, "message not sent"),
            Err(_) => self.connection.close(VarInt::from_u32(Close::TooSlow.code().into()), &[]),
        }
    }

    /// Where inputs go.
    pub(super) fn inputs(&self) -> mpsc::Sender<Input> {
        self.inputs.clone()
    }

    /// Hangs up, with the reason.
    pub(super) fn close(self, why: Close) {
        self.connection.close(VarInt::from_u32(why.code().into()), &[]);
    }

    fn lost(&self) -> LineEvent {
        LineEvent::Lost(self.connection.close_reason().as_ref().and_then(close_reason))
    }
}

/// The next event of the line, if there is one.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn next(line: &mut Option<Line>) -> LineEvent {
    let Some(line) = line else { return std::future::pending().await };
    tokio::select! {
        biased;
        message = line.receiver.next() => match message {
            Ok(Some(message)) => LineEvent::Message(message),
            Ok(None) | Err(nearhand_proto::net::FrameError::Read(_)) => line.lost(),
            Err(error) => {
                tracing::warn!(%error, "the host broke the protocol");
                line.connection.close(VarInt::from_u32(Close::Protocol.code().into()), &[]);
                LineEvent::Lost(Some(Close::Protocol))
            }
        },
        Some(drew) = line.drew.recv() => LineEvent::Drew(drew),
    }
}
