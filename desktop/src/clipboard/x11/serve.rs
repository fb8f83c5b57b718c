//! Giving our text to whoever pastes it (ICCCM §2.2), in pieces if it is long (§2.7.2).

use super::link::{Link, lost};
use crate::clipboard::ClipboardError;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use x11rb::{
    CURRENT_TIME, NONE,
    protocol::xproto::{
        Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, PropMode,
        SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window,
    },
    wrapper::ConnectionExt as _,
};

/// A longer text travels in pieces of this many bytes; the smallest server takes requests of 256 KiB.
const PIECE: usize = 128 << 10;

/// How long a program may take for each piece.
const PATIENCE: Duration = Duration::from_secs(10);

/// Texts on their way in pieces at once; who asks for more is refused.
const MAX_TRANSFERS: usize = 16;

/// The text that we own, and those on their way.
#[derive(Default)]
pub(super) struct Server {
    owned: Option<Owned>,
    transfers: Vec<Transfer>,
}

struct Owned {
    text: Arc<[u8]>,
    since: Timestamp,
}

/// A text on its way in pieces.
struct Transfer {
    requestor: Window,
    property: Atom,
    kind: Atom,
    bytes: Arc<[u8]>,
    /// Bytes sent.
    sent: usize,
    until: Instant,
}

impl Server {
    /// The clipboard is ours since then, with this text.
    pub(super) fn own(&mut self, text: String, since: Timestamp) {
        self.owned = Some(Owned { text: text.into_bytes().into(), since });
    }

    /// Another program took the clipboard then.
    pub(super) fn handle_loss(&mut self, time: Timestamp) {
        // An older loss may be told after we have taken it back.
        self.owned.take_if(|owned| is_since(time, owned.since));
    }

    /// True if nobody can want anything of us.
    pub(super) fn is_idle(&self) -> bool {
        self.owned.is_none() && self.transfers.is_empty()
    }

    /// When [`Server::handle_time`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.transfers.iter().map(|transfer| transfer.until).min()
    }

    /// Gives up programs that do not take what they asked for.
    pub(super) fn handle_time(&mut self, now: Instant) {
        self.transfers.retain(|transfer| now < transfer.until);
    }

    /// A program pastes.
    pub(super) fn handle_request(
        &mut self,
        link: &Link,
        request: &SelectionRequestEvent,
    ) -> Result<(), ClipboardError> {
        // Programs older than ICCCM name none.
        let property = if request.property == NONE { request.target } else { request.property };
        let given = self.give(link, request, property)?;
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if given { property } else { NONE },
        };
        link.connection
            .send_event(false, request.requestor, EventMask::NO_EVENT, answer)
            .map_err(lost)
            .map(drop)
    }

    /// False if it is refused.
    fn give(
        &mut self,
        link: &Link,
        request: &SelectionRequestEvent,
        property: Atom,
    ) -> Result<bool, ClipboardError> {
        let Some(owned) = &self.owned else { return Ok(false) };
        let current = request.time == CURRENT_TIME || is_since(request.time, owned.since);
        if request.selection != link.atoms.CLIPBOARD || request.requestor == link.window || !current {
            return Ok(false);
        }
        let (atoms, requestor, target) = (&link.atoms, request.requestor, request.target);
        let string = u32::from(AtomEnum::STRING);
        let put = |kind: AtomEnum, values: &[u32]| {
            let done =
                link.connection.change_property32(PropMode::REPLACE, requestor, property, kind, values);
            done.map(|_| true).map_err(lost)
        };
        if target == atoms.TARGETS {
            let offered = [
                atoms.TARGETS,
                atoms.TIMESTAMP,
                atoms.UTF8_STRING,
                atoms.PLAIN_UTF8,
                atoms.PLAIN,
                atoms.TEXT,
                string,
            ];
            put(AtomEnum::ATOM, &offered)
        } else if target == atoms.TIMESTAMP {
            put(AtomEnum::INTEGER, &[owned.since])
        } else if target == string {
            let bytes = latin1(&owned.text);
            self.send(link, (requestor, property), string, bytes)
        } else if [atoms.UTF8_STRING, atoms.PLAIN_UTF8, atoms.PLAIN, atoms.TEXT].contains(&target) {
            let kind = if target == atoms.TEXT { atoms.UTF8_STRING } else { target };
            let bytes = owned.text.clone();
            self.send(link, (requestor, property), kind, bytes)
        } else {
            Ok(false)
        }
    }

    fn send(
        &mut self,
        link: &Link,
        (requestor, property): (Window, Atom),
        kind: Atom,
        bytes: Arc<[u8]>,
    ) -> Result<bool, ClipboardError> {
        let connection = &link.connection;
        if bytes.len() <= PIECE {
            let put = connection.change_property8(PropMode::REPLACE, requestor, property, kind, &bytes);
            return put.map(|_| true).map_err(lost);
        }
        if MAX_TRANSFERS <= self.transfers.len() {
            return Ok(false);
        }
        // We are told when the program has taken a piece: it deletes the property.
        let told = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.change_window_attributes(requestor, &told).map_err(lost)?;
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        connection
            .change_property32(PropMode::REPLACE, requestor, property, link.atoms.INCR, &[size])
            .map_err(lost)?;
        self.transfers.retain(|transfer| (transfer.requestor, transfer.property) != (requestor, property));
        let until = Instant::now() + PATIENCE;
        self.transfers.push(Transfer { requestor, property, kind, bytes, sent: 0, until });
        Ok(true)
    }

    /// A program has taken a piece: the next one, and an empty one after the last.
    pub(super) fn handle_taken(
        &mut self,
        link: &Link,
        requestor: Window,
        property: Atom,
    ) -> Result<(), ClipboardError> {
        let is_it = |transfer: &Transfer| (transfer.requestor, transfer.property) == (requestor, property);
        let Some(at) = self.transfers.iter().position(is_it) else { return Ok(()) };
        let Some(transfer) = self.transfers.get_mut(at) else { return Ok(()) };
        let rest = transfer.bytes.get(transfer.sent..).unwrap_or_default();
        let piece = rest.get(..PIECE).unwrap_or(rest);
        link.connection
            .change_property8(PropMode::REPLACE, requestor, property, transfer.kind, piece)
            .map_err(lost)?;
        transfer.sent += piece.len();
        transfer.until = Instant::now() + PATIENCE;
        if piece.is_empty() {
            self.transfers.remove(at);
            if !self.transfers.iter().any(|transfer| transfer.requestor == requestor) {
                let silent = ChangeWindowAttributesAux::new().event_mask(EventMask::NO_EVENT);
                link.connection.change_window_attributes(requestor, &silent).map_err(lost)?;
            }
        }
        Ok(())
    }
}

/// True if `time` is `since` or later; the server's clock starts anew every 49.7 days (ICCCM §2.2).
fn is_since(time: Timestamp, since: Timestamp) -> bool {
    time.wrapping_sub(since) < 1 << 31
}

/// UTF-8 as ISO 8859-1; `?` stands for what that does not have.
fn latin1(utf8: &[u8]) -> Arc<[u8]> {
    let text = String::from_utf8_lossy(utf8);
    text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_clock_may_start_anew() {
        assert!(is_since(5, 5) && is_since(6, 5) && !is_since(4, 5));
        assert!(is_since(3, u32::MAX - 3) && !is_since(u32::MAX - 3, 3));
    }

    #[test]
    fn what_latin_1_does_not_have_is_marked() {
        assert_eq!(*latin1("Grüße, 你好 €".as_bytes()), *b"Gr\xfc\xdfe, ?? ?");
    }
}
