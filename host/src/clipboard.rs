//! The user's clipboard in a session, for as long as the technician has a right to it: what the user copies meanwhile
//! goes out, what the technician sends comes in. Which of both may be the session says, before each step.
//!
//! ```text
//! user copies -> Hear -> Copied -> session asks the right -> ClipSender -> viewer
//! viewer -> session asks the right -> ClipReceiver -> Came -> session asks again -> set -> Hear -> Set
//! ```
//! Each direction holds one text at most, at a pace of its own; of several the newest counts.

use nearhand_desktop::clipboard::{Clipboard, Hear, Heard, Open};
use nearhand_proto::{
    net::{ClipReceiver, ClipSender, FrameError},
    rights::Rights,
    session::clipboard::{MAX_TEXT, Text},
};
use quinn::{Connection, RecvStream};
use tokio::sync::{mpsc, watch};

/// Words of the clipboard that wait for the session. One text is set at a time, so there are two at most; a word beyond
/// that is dropped.
const WORDS: usize = 4;

/// What happened.
#[derive(Debug)]
pub(crate) enum News {
    /// The user has copied a text.
    Copied(Text),
    /// The user has copied a text that is too long.
    TooLong,
    /// The technician has sent a text.
    Came(Text),
    /// The technician has sent what breaks the protocol.
    Broken(FrameError),
    /// The text that was put on the clipboard is there; its bytes.
    Set(u64),
}

/// A clipboard in use. Dropping it gives up what is on its way, either way.
#[derive(Debug)]
pub(crate) struct Clips {
    device: Box<dyn Clipboard>,
    copied: watch::Receiver<Option<Heard>>,
    words: mpsc::Receiver<Heard>,
    sender: ClipSender,
    receiver: ClipReceiver,
    allowed: Rights,
    /// A text is being put on the clipboard; the next one waits.
    setting: bool,
}

impl Clips {
    /// Opens the clipboard. Nothing is allowed yet.
    pub(crate) fn open(open: &Open) -> Self {
        let (copies, copied) = watch::channel(None);
        let (to_session, words) = mpsc::channel(WORDS);
        let hear: Hear = Box::new(move |heard| match heard {
            // Of several the newest counts.
            Heard::Text(_) | Heard::TooLong => drop(copies.send_replace(Some(heard))),
            Heard::Set { .. } | Heard::Lost(_) => drop(to_session.try_send(heard)),
        });
        Self {
            device: open(MAX_TEXT, hear),
            copied,
            words,
            sender: ClipSender::default(),
            receiver: ClipReceiver::default(),
            allowed: Rights::empty(),
            setting: false,
        }
    }

    /// What is allowed.
    pub(crate) fn allowed(&self) -> Rights {
        self.allowed
    }

    /// Allows more. Less is allowed by dropping it and opening it anew, so that nothing of before goes on.
    pub(crate) fn allow(&mut self, rights: Rights) {
        self.allowed |= rights;
        self.device.listen(self.allowed.contains(Rights::CLIPBOARD_OUT));
    }

    /// The technician sends a text.
    pub(crate) fn handle_stream(&mut self, stream: RecvStream) {
        self.receiver.handle_stream(stream);
    }

    /// Puts the technician's text on the user's clipboard. Answered by [`News::Set`].
    pub(crate) fn put(&mut self, text: Text) {
        self.setting = true;
        self.device.set(text.0);
    }

    /// Sends the user's text.
    pub(crate) fn send(&mut self, connection: &Connection, text: Text) {
        self.sender.send(connection, text);
    }

    async fn next(&mut self, take: bool) -> News {
        let Self { copied, words, receiver, setting, .. } = self;
        loop {
            tokio::select! {
                biased;
                Some(word) = words.recv() => match word {
                    Heard::Set { bytes } => {
                        *setting = false;
                        return News::Set(u64::try_from(bytes).unwrap_or(u64::MAX));
                    }
                    word => tracing::error!(?word, "no clipboard any more"),
                },
                Ok(()) = copied.changed(), if take => match copied.borrow_and_update().clone() {
                    Some(Heard::Text(text)) => return News::Copied(Text(text)),
                    Some(_) => return News::TooLong,
                    None => {}
                },
                came = receiver.next(), if take && !*setting => match came {
                    Ok(text) => return News::Came(text),
                    Err(error) => return News::Broken(error),
                },
                else => return std::future::pending().await,
            }
        }
    }
}

/// The next news of the clipboard, if it is in use. While `take` is false only what was begun is ended.
///
/// # Cancel safety
/// Cancel safe.
pub(crate) async fn next(clips: &mut Option<Clips>, take: bool) -> News {
    match clips {
        Some(clips) => clips.next(take).await,
        None => std::future::pending().await,
    }
}
