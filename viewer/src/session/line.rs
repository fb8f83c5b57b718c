//! One session connection, as the viewer's loop sees it.

use super::{inputs, painter, painter::Drew};
use crate::screen::Screen;
use nearhand_proto::{
    close::Close,
    net::{ClipSender, FrameReceiver, FrameSender, close_reason},
    session::{ToHost, ToViewer, clipboard, input::Input},
};
use quinn::{Connection, VarInt};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// A message, once begun, must be whole within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// Inputs on their way; when full, commands wait.
const INPUTS: usize = 64;
/// Updates presented and not yet acknowledged; more hold the decoder back.
const DREW: usize = 8;

/// Messages for the host on their way; when full, the host does not read.
const WORDS: usize = 256;

/// Hangs up on the host, and remembers why: quinn does not, and what was for good must not be dialled anew.
#[derive(Clone)]
pub(super) struct Hangup {
    connection: Connection,
    /// The first reason that does not pass by itself.
    why: Arc<OnceLock<Close>>,
}

impl Hangup {
    /// Hangs up; the session's loop learns it from the receiving side.
    pub(super) fn now(&self, why: Close) {
        if why.is_final() {
            let _ = self.why.set(why); // the first reason stands
        }
        self.connection.close(VarInt::from_u32(why.code().into()), &[]);
    }
}

/// A connected host.
pub(super) struct Line {
    connection: Connection,
    hangup: Hangup,
    words: mpsc::Sender<ToHost>,
    receiver: FrameReceiver<ToViewer>,
    inputs: mpsc::Sender<Input>,
    drew_sender: mpsc::Sender<Drew>,
    drew: mpsc::Receiver<Drew>,
    /// The user's newest text.
    texts: watch::Receiver<Option<String>>,
    clips: ClipSender,
    /// The input writer and the painter; they end with the line.
    tasks: JoinSet<()>,
}

/// What came.
pub(super) enum LineEvent {
    /// On the control stream.
    Message(ToViewer),
    /// An update was presented.
    Drew(Drew),
    /// A text of the user's clipboard.
    Clipboard(String),
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
        let (words, words_receiver) = mpsc::channel(WORDS);
        tasks.spawn(write(FrameSender::new(send), words_receiver));
        let hangup = Hangup { connection: connection.clone(), why: Arc::default() };
        Ok(Self {
            connection,
            hangup,
            words,
            receiver: FrameReceiver::new(receive, PATIENCE),
            inputs,
            drew_sender,
            drew,
            texts: watch::channel(None).1,
            clips: ClipSender::default(),
            tasks,
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// From now on the host's streams are taken; screen streams are decoded and presented here.
    pub(super) fn paint(&mut self, screen: Screen) {
        self.tasks.spawn(painter::point(self.connection.clone(), screen.clone()));
        let (to_session, texts) = watch::channel(None);
        self.texts = texts;
        let (connection, hangup) = (self.connection.clone(), self.hangup.clone());
        let drew = self.drew_sender.clone();
        self.tasks.spawn(painter::paint((connection, hangup), screen, drew, to_session));
    }

    /// Sends a message; never waits. A host that does not read is hung up, and dialled anew.
    pub(super) fn say(&self, message: ToHost) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.words.try_send(message) {
            self.hang_up(Close::TooSlow);
        }
    }

    /// Sends a text for the user's clipboard, behind everything else. One that is still on its way is given up.
    pub(super) fn send_text(&mut self, text: clipboard::Text) {
        self.clips.send(&self.connection, text);
    }

    /// Where inputs go.
    pub(super) fn inputs(&self) -> mpsc::Sender<Input> {
        self.inputs.clone()
    }

    /// Hangs up; the loop learns it from the receiving side.
    pub(super) fn hang_up(&self, why: Close) {
        self.hangup.now(why);
    }

    fn lost(&self) -> LineEvent {
        let why = self.connection.close_reason().as_ref().and_then(close_reason);
        LineEvent::Lost(why.filter(|why| why.is_final()).or_else(|| self.hangup.why.get().copied()))
    }
}

/// Writes messages until either side has gone; the loop learns it from the receiving side.
async fn write(mut sender: FrameSender<ToHost>, mut words: mpsc::Receiver<ToHost>) {
    while let Some(message) = words.recv().await {
        if let Err(error) = sender.send(&message).await {
            tracing::debug!(%error, "message not sent");
            return;
        }
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
                // The path may have failed in the middle of a message: then the host is dialled anew.
                let stalled = matches!(error, nearhand_proto::net::FrameError::PeerStalled);
                let why = if stalled { Close::TooSlow } else { Close::Protocol };
                tracing::warn!(%error, "the host is hung up");
                line.hang_up(why);
                LineEvent::Lost(Some(why).filter(|why| !why.may_retry()))
            }
        },
        Some(drew) = line.drew.recv() => LineEvent::Drew(drew),
        text = text(&mut line.texts) => LineEvent::Clipboard(text),
    }
}

/// The user's next text.
///
/// # Cancel safety
/// Cancel safe.
async fn text(texts: &mut watch::Receiver<Option<String>>) -> String {
    while texts.changed().await.is_ok() {
        if let Some(text) = texts.borrow_and_update().clone() {
            return text;
        }
    }
    // The connection is gone, which the control stream tells.
    std::future::pending().await
}
