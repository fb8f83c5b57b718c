//! Reading what another program has put on the clipboard (ICCCM §2.4), bounded at every step: in bytes, and in time,
//! for an owner that does not answer.
//!
//! ```text
//! Idle --new owner--> Targets --marked as secret? ask--> Hint --no--> Text --whole--> Idle
//!                        \------------ not marked ------------------->/  \--INCR--> Pieces --last--> Idle
//! ```
//! A new owner, a text that is too long, a refusal and the end of patience lead back to Idle from everywhere. Pieces that
//! still come then are deleted unread: an owner may serve one program at a time (xclip 0.13 does), and must get rid of them.

use super::link::{Link, lost};
use crate::clipboard::{ClipboardError, Heard, PACE};
use std::time::{Duration, Instant};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, GetPropertyReply, SelectionNotifyEvent, Timestamp,
};

/// How long an owner may take for each answer and each piece.
const PATIENCE: Duration = Duration::from_secs(5);

/// Targets that are looked at, at most; a rich editor offers some twenty.
const MAX_TARGETS: u32 = 256;

/// What KDE's convention says of a password.
const SECRET: &[u8] = b"secret";

/// Something new, or nothing.
type News = Result<Option<Heard>, ClipboardError>;

/// Reads one text at a time.
pub(super) struct Reader {
    limit: usize,
    stage: Stage,
    /// The newest change that is not read yet.
    changed: Option<Timestamp>,
    /// When reading began last.
    began: Option<Instant>,
    /// Questions so far; each has a place of its own.
    asked: usize,
    /// Where pieces come that nobody wants any more, and how long that is waited for.
    unwanted: Vec<(Atom, Instant)>,
}

enum Stage {
    Idle,
    /// What can the text be had as?
    Targets(Asked),
    /// Is it secret? If not, it can be had as `target`.
    Hint {
        asked: Asked,
        target: Atom,
    },
    /// The text itself.
    Text(Asked),
    /// Its pieces, one after the other.
    Pieces {
        asked: Asked,
        bytes: Vec<u8>,
    },
}

/// A question to the clipboard's owner.
#[derive(Clone, Copy)]
struct Asked {
    /// The change that is read.
    time: Timestamp,
    target: Atom,
    /// The property of ours that takes the answer.
    place: Atom,
    until: Instant,
}

impl Reader {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, stage: Stage::Idle, changed: None, began: None, asked: 0, unwanted: Vec::new() }
    }

    /// Nothing of what has changed so far is read.
    pub(super) fn stop(&mut self) {
        self.give_up();
        self.changed = None;
    }

    /// Another program owns the clipboard since `time`.
    pub(super) fn handle_change(&mut self, time: Timestamp) {
        self.give_up();
        self.changed = Some(time);
    }

    /// True while a change is not read to its end.
    pub(super) fn is_busy(&self) -> bool {
        self.changed.is_some() || !matches!(self.stage, Stage::Idle)
    }

    /// When [`Reader::handle_time`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Idle => self.changed.and(self.began).map(|began| began + PACE),
            Stage::Targets(asked)
            | Stage::Hint { asked, .. }
            | Stage::Text(asked)
            | Stage::Pieces { asked, .. } => Some(asked.until),
        }
    }

    /// Begins to read what has changed, at its pace; gives an owner up that does not answer.
    pub(super) fn handle_time(&mut self, link: &Link, now: Instant) -> News {
        if !matches!(self.stage, Stage::Idle) && self.deadline().is_some_and(|at| at <= now) {
            tracing::debug!("the clipboard's owner does not answer");
            self.stage = Stage::Idle;
        }
        self.unwanted.retain(|unwanted| now < unwanted.1);
        let due = matches!(self.stage, Stage::Idle) && self.began.is_none_or(|began| began + PACE <= now);
        if due && let Some(time) = self.changed.take() {
            self.began = Some(now);
            self.stage = Stage::Targets(self.ask(link, time, link.atoms.TARGETS)?);
        }
        Ok(None)
    }

    fn give_up(&mut self) {
        if let Stage::Pieces { asked, .. } = std::mem::replace(&mut self.stage, Stage::Idle) {
            self.unwanted.push((asked.place, Instant::now() + PATIENCE));
        }
    }

    fn ask(&mut self, link: &Link, time: Timestamp, target: Atom) -> Result<Asked, ClipboardError> {
        let places = link.atoms.places();
        self.asked = self.asked.wrapping_add(1);
        let place = places.into_iter().cycle().nth(self.asked % places.len()).unwrap_or(link.atoms.PLACE_0);
        self.unwanted.retain(|unwanted| unwanted.0 != place);
        let (window, clipboard) = (link.window, link.atoms.CLIPBOARD);
        // What an owner that was given up has left there.
        link.connection.delete_property(window, place).map_err(lost)?;
        link.connection.convert_selection(window, clipboard, target, place, time).map_err(lost)?;
        Ok(Asked { time, target, place, until: Instant::now() + PATIENCE })
    }

    /// The owner has answered; it refuses if it names no property.
    pub(super) fn handle_answer(&mut self, link: &Link, answer: &SelectionNotifyEvent) -> News {
        let fits = |asked: &Asked| {
            answer.target == asked.target && [asked.place, x11rb::NONE].contains(&answer.property)
        };
        let given = answer.property != x11rb::NONE;
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Targets(asked) if fits(&asked) => self.targets(link, asked, given),
            Stage::Hint { asked, target } if fits(&asked) => {
                if given && take(link, asked.place, 4)?.value.starts_with(SECRET) {
                    return Ok(None);
                }
                self.stage = Stage::Text(self.ask(link, asked.time, target)?);
                Ok(None)
            }
            Stage::Text(asked) if fits(&asked) && given => self.text(link, asked),
            Stage::Text(asked) if fits(&asked) => Ok(None),
            stage => {
                self.stage = stage;
                Ok(None)
            }
        }
    }

    /// Chooses how to have the text. An owner that does not tell is asked for UTF-8.
    fn targets(&mut self, link: &Link, asked: Asked, given: bool) -> News {
        let atoms = &link.atoms;
        let mut offered = vec![atoms.UTF8_STRING];
        if given {
            let reply = take(link, asked.place, MAX_TARGETS)?;
            offered = reply.value32().map(Iterator::collect).unwrap_or_default();
        }
        let known = [atoms.UTF8_STRING, atoms.PLAIN_UTF8, AtomEnum::STRING.into()];
        let Some(target) = known.into_iter().find(|known| offered.contains(known)) else {
            // A picture, files, or something else that is no text.
            return Ok(None);
        };
        self.stage = if offered.contains(&atoms.SECRET_HINT) {
            Stage::Hint { asked: self.ask(link, asked.time, atoms.SECRET_HINT)?, target }
        } else {
            Stage::Text(self.ask(link, asked.time, target)?)
        };
        Ok(None)
    }

    fn text(&mut self, link: &Link, asked: Asked) -> News {
        let (kind, size) = look(link, asked.place)?;
        if kind != link.atoms.INCR {
            return self.whole(link, asked.place, size);
        }
        // The owner says how much it will be at least. Taking that begins the transfer.
        let least = take(link, asked.place, 1)?.value32().and_then(|mut values| values.next());
        let is_too_long =
            least.is_some_and(|least| self.is_too_long(usize::try_from(least).unwrap_or(usize::MAX)));
        let asked = Asked { until: Instant::now() + PATIENCE, ..asked };
        self.stage = Stage::Pieces { asked, bytes: Vec::new() };
        if is_too_long {
            self.give_up();
            return Ok(Some(Heard::TooLong));
        }
        Ok(None)
    }

    fn whole(&self, link: &Link, place: Atom, size: usize) -> News {
        if self.is_too_long(size) {
            link.connection.delete_property(link.window, place).map_err(lost)?;
            return Ok(Some(Heard::TooLong));
        }
        let reply = take(link, place, longs(size))?;
        Ok(self.heard(link, reply.type_, reply.value))
    }

    /// A property of ours has a new value: the next piece, the last one being empty.
    pub(super) fn handle_piece(&mut self, link: &Link, place: Atom) -> News {
        let Stage::Pieces { asked, bytes } = &mut self.stage else { return self.discard(link, place) };
        if asked.place != place {
            return self.discard(link, place);
        }
        let (kind, size) = look(link, place)?;
        if self.limit < bytes.len().saturating_add(size) {
            link.connection.delete_property(link.window, place).map_err(lost)?;
            self.give_up();
            return Ok(Some(Heard::TooLong));
        }
        let piece = take(link, place, longs(size))?.value;
        if !piece.is_empty() {
            bytes.extend_from_slice(&piece);
            asked.until = Instant::now() + PATIENCE;
            return Ok(None);
        }
        let bytes = std::mem::take(bytes);
        self.stage = Stage::Idle;
        Ok(self.heard(link, kind, bytes))
    }

    /// Deletes a piece that nobody wants any more.
    fn discard(&mut self, link: &Link, place: Atom) -> News {
        let Some(unwanted) = self.unwanted.iter_mut().find(|unwanted| unwanted.0 == place) else {
            return Ok(None);
        };
        unwanted.1 = Instant::now() + PATIENCE;
        link.connection.delete_property(link.window, place).map_err(lost)?;
        Ok(None)
    }

    fn is_too_long(&self, bytes: usize) -> bool {
        self.limit < bytes
    }

    /// What came, as text. Nothing if it is none.
    fn heard(&self, link: &Link, kind: Atom, bytes: Vec<u8>) -> Option<Heard> {
        let text = if kind == u32::from(AtomEnum::STRING) {
            // ISO 8859-1 (ICCCM §2.6.2).
            bytes.iter().copied().map(char::from).collect()
        } else if [link.atoms.UTF8_STRING, link.atoms.PLAIN_UTF8].contains(&kind) {
            String::from_utf8(bytes).ok()?
        } else {
            return None;
        };
        match text.len() {
            0 => None,
            length if self.is_too_long(length) => Some(Heard::TooLong),
            _ => Some(Heard::Text(text)),
        }
    }
}

/// Kind and length of a property of ours, in bytes; it stays as it is.
fn look(link: &Link, place: Atom) -> Result<(Atom, usize), ClipboardError> {
    let reply = link.connection.get_property(false, link.window, place, AtomEnum::ANY, 0, 0).map_err(lost)?;
    let reply = reply.reply().map_err(lost)?;
    Ok((reply.type_, usize::try_from(reply.bytes_after).unwrap_or(usize::MAX)))
}

/// The first `longs` × 4 bytes of a property of ours; it is deleted if that was all.
fn take(link: &Link, place: Atom, longs: u32) -> Result<GetPropertyReply, ClipboardError> {
    let reply = link.connection.get_property(true, link.window, place, AtomEnum::ANY, 0, longs);
    reply.map_err(lost)?.reply().map_err(lost)
}

/// So many units of 4 bytes hold them.
fn longs(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}
