//! The clipboard's part of the session's loop: opened and closed with the rights, and what follows from its news.

use super::{Session, Turn};
use crate::{
    clipboard::{Clips, News},
    front::Show,
};
use nearhand_proto::{
    close::Close,
    record::{Event, Text as Word},
    rights::Rights,
    session::{
        ToViewer,
        clipboard::{Direction, Text},
    },
};

/// What stands in the record for a text.
const KIND: &str = "text";

impl Session {
    /// The clipboard is used as far as these rights allow, and at once no further.
    pub(super) fn apply_clipboard(&mut self, held: Rights) {
        let wanted = held & (Rights::CLIPBOARD_IN | Rights::CLIPBOARD_OUT);
        if self.line.is_none() || wanted.is_empty() {
            self.clips = None;
            return;
        }
        // Whatever was begun under a right that is gone goes with the old one.
        self.clips.take_if(|clips| !wanted.contains(clips.allowed()));
        let open = &self.start.desktop.clipboard;
        self.clips.get_or_insert_with(|| Clips::open(open)).allow(wanted);
    }

    pub(super) async fn clipboard_news(&mut self, news: News) -> Turn {
        match news {
            News::Copied(text) => self.route_copied(text).await,
            News::TooLong => self.say(ToViewer::ClipboardTooLong),
            News::Came(text) => self.route_came(text),
            News::Broken(error) => {
                tracing::warn!(%error, "the viewer's clipboard is hung up");
                return Err(Close::Protocol);
            }
            News::Set(bytes) => {
                self.say(ToViewer::Clipped { bytes });
                self.show(Show::Clipboard { direction: Direction::In, bytes }).await;
            }
        }
        Ok(())
    }

    /// The user's text goes to the technician. On record before its first byte leaves.
    pub(super) async fn send_text(&mut self, text: Text) {
        let bytes = length(&text);
        self.host_fact(Event::ClipboardOut { kind: Word::new(KIND), size: bytes });
        if let (Some(clips), Some(line)) = (&mut self.clips, &self.line) {
            clips.send(line.connection(), text);
        }
        self.show(Show::Clipboard { direction: Direction::Out, bytes }).await;
    }

    /// The technician's text goes onto the user's clipboard. On record before it is there.
    pub(super) fn put_text(&mut self, text: Text) {
        self.host_fact(Event::ClipboardIn { kind: Word::new(KIND), size: length(&text) });
        if let Some(clips) = &mut self.clips {
            clips.put(text);
        }
    }
}

fn length(text: &Text) -> u64 {
    u64::try_from(text.0.len()).unwrap_or(u64::MAX)
}
