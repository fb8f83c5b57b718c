//! What the ends say to each other: a picture under the product's own law of credit, or bulk.

use super::figures::Figures;
use nearhand_host::encode::Credit;
use nearhand_proto::session::screen::UpdateNo;
use quinn_proto::{Connection, Dir, StreamId};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Bytes of an acknowledgement on the viewer's stream, about what `Drawn` takes.
const DRAWN: usize = 12;

/// What bulk writes at once.
const CHUNK: &[u8] = &[0x5a; 64 << 10];

/// A flow from host to viewer.
pub(super) enum Flow {
    /// Updates under credit.
    Picture(Box<Picture>),
    /// As much as goes.
    Bulk(Bulk),
}

/// A screen that changes all the time; what is sent is always the newest.
pub(super) struct Picture {
    /// Bytes of an update.
    size: usize,
    /// Between two changes of the screen.
    every: Duration,
    began: Instant,
    credit: Credit,
    stream: Option<StreamId>,
    answers: Option<StreamId>,
    /// The change that is on its way or was sent last.
    sent: u64,
    updates: u64,
    /// Bytes of updates that have not been written to the stream yet.
    unwritten: usize,
    written: u64,
    received: u64,
    /// Where updates end in the stream, and when their change was painted.
    ends: VecDeque<(u64, UpdateNo, Instant)>,
    drawn: VecDeque<UpdateNo>,
    half: usize,
    pub(super) figures: Figures,
}

impl Picture {
    pub(super) fn new(size: usize, rate: u32, now: Instant) -> Self {
        Self {
            size,
            every: Duration::from_secs(1) / rate,
            began: now,
            credit: Credit::new(),
            stream: None,
            answers: None,
            sent: 0,
            updates: 0,
            unwritten: 0,
            written: 0,
            received: 0,
            ends: VecDeque::new(),
            drawn: VecDeque::new(),
            half: 0,
            figures: Figures::default(),
        }
    }

    /// The newest change, counted from 1, and when it was painted.
    fn newest(&self, now: Instant) -> (u64, Instant) {
        let number = now.saturating_duration_since(self.began).as_nanos() / self.every.as_nanos();
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        (u64::from(number) + 1, self.began + self.every * number)
    }

    fn host(&mut self, connection: &mut Connection, now: Instant) {
        if self.stream.is_none() {
            self.stream = connection.streams().open(Dir::Uni);
        }
        let Some(stream) = self.stream else { return };
        self.hear(connection, now);
        let (number, painted) = self.newest(now);
        if self.sent < number && self.credit.may_send() {
            self.sent = number;
            self.updates += 1;
            self.unwritten += self.size;
            let end = self.written + u64::try_from(self.unwritten).unwrap_or(u64::MAX);
            self.ends.push_back((end, UpdateNo(self.updates), painted));
            self.credit.handle_sent(UpdateNo(self.updates), now);
        }
        while self.unwritten != 0 {
            let piece = &CHUNK[..self.unwritten.min(CHUNK.len())];
            let Ok(written) = connection.send_stream(stream).write(piece) else { return };
            self.unwritten -= written;
            self.written += u64::try_from(written).unwrap_or(u64::MAX);
        }
    }

    /// What the viewer has drawn.
    fn hear(&mut self, connection: &mut Connection, now: Instant) {
        if self.answers.is_none() {
            self.answers = connection.streams().accept(Dir::Uni);
        }
        let Some(stream) = self.answers else { return };
        self.half += read(connection, stream);
        while DRAWN <= self.half {
            self.half -= DRAWN;
            if let Some(update) = self.drawn.pop_front() {
                self.credit.handle_drawn(update, now);
            }
        }
    }
}

/// The viewer's part of a picture: its two streams.
#[derive(Default)]
pub(super) struct Eyes {
    stream: Option<StreamId>,
    answers: Option<StreamId>,
    owed: usize,
}

impl Eyes {
    /// Reads; for a picture, acknowledges what is whole.
    pub(super) fn look(&mut self, flow: &mut Flow, connection: &mut Connection, now: Instant) {
        if self.stream.is_none() {
            self.stream = connection.streams().accept(Dir::Uni);
        }
        let Some(stream) = self.stream else { return };
        let bytes = read(connection, stream);
        match flow {
            Flow::Bulk(bulk) => bulk.figures.arrived(bytes, now),
            Flow::Picture(picture) => self.draw(picture, bytes, connection, now),
        }
    }

    fn draw(&mut self, picture: &mut Picture, bytes: usize, connection: &mut Connection, now: Instant) {
        picture.figures.arrived(bytes, now);
        picture.received += u64::try_from(bytes).unwrap_or(u64::MAX);
        while let Some((end, update, painted)) = picture.ends.front().copied()
            && end <= picture.received
        {
            picture.ends.pop_front();
            picture.figures.shown(painted, now);
            picture.drawn.push_back(update);
            self.owed += DRAWN;
        }
        if self.answers.is_none() {
            self.answers = connection.streams().open(Dir::Uni);
        }
        if let Some(answers) = self.answers
            && self.owed != 0
            && let Ok(written) = connection.send_stream(answers).write(&CHUNK[..self.owed.min(CHUNK.len())])
        {
            self.owed -= written;
        }
    }
}

/// A transfer without end.
#[derive(Default)]
pub(super) struct Bulk {
    stream: Option<StreamId>,
    pub(super) figures: Figures,
}

impl Flow {
    /// The host's turn.
    pub(super) fn host(&mut self, connection: &mut Connection, now: Instant) {
        match self {
            Self::Picture(picture) => picture.host(connection, now),
            Self::Bulk(bulk) => {
                if bulk.stream.is_none() {
                    bulk.stream = connection.streams().open(Dir::Uni);
                }
                if let Some(stream) = bulk.stream {
                    while connection.send_stream(stream).write(CHUNK).is_ok_and(|written| written != 0) {}
                }
            }
        }
    }

    /// When the host has something to do by itself.
    pub(super) fn timeout(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Picture(picture) => Some(picture.newest(now).1 + picture.every),
            Self::Bulk(_) => None,
        }
    }

    pub(super) fn figures(&mut self) -> &mut Figures {
        match self {
            Self::Picture(picture) => &mut picture.figures,
            Self::Bulk(bulk) => &mut bulk.figures,
        }
    }
}

/// Reads all that is there; returns how many bytes it was.
fn read(connection: &mut Connection, stream: StreamId) -> usize {
    let mut bytes = 0;
    let mut stream = connection.recv_stream(stream);
    let Ok(mut chunks) = stream.read(true) else { return 0 };
    while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
        bytes += chunk.bytes.len();
    }
    let _ = chunks.finalize(); // whoever calls drives the connection next
    bytes
}
