//! The hostile relay's control connections: what ends say is kept for the story, and answered as an honest relay would,
//! unless the story's [`Tongue`] has it otherwise.

use super::{
    End, Heard,
    desk::{Desk, Out},
    socket::Socket,
};
use nearhand_proto::{
    close::Close,
    control::{ToEnd, ToRelay},
    net::{FrameReceiver, FrameSender, key_of},
    route::Rid,
};
use quinn::{Connection, Endpoint, Incoming, VarInt};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinSet};

/// An end's message must be whole within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Things to say that wait for room; what finds none is not said.
const WORDS: usize = 4_096;

/// Whether this message of an end's is answered at all.
pub type Hears = Box<dyn FnMut(&End, &ToRelay) -> bool + Send>;

/// What is said to an end instead of this.
pub type Says = Box<dyn FnMut(&End, ToEnd) -> Vec<ToEnd> + Send>;

/// How the relay speaks on its control connections.
pub struct Tongue {
    /// What it answers.
    pub hears: Hears,
    /// What it makes of its answers.
    pub says: Says,
}

impl Default for Tongue {
    /// As an honest relay.
    fn default() -> Self {
        Self { hears: Box::new(|_, _| true), says: Box::new(|_, message| vec![message]) }
    }
}

/// Something that goes onto a control connection.
pub(super) enum Word {
    Message(Box<ToEnd>),
    /// Bytes that may be no message, nor a part of one.
    Bytes(Vec<u8>),
    /// Hangs up.
    Close(Close),
}

/// An end's newest connection.
pub(super) struct Spoken {
    pub(super) end: End,
    pub(super) connection: Connection,
    words: mpsc::Sender<Word>,
}

/// What all connections share.
pub(super) struct House {
    pub(super) socket: Arc<Socket>,
    pub(super) ends: Mutex<Vec<Spoken>>,
    desk: Mutex<Desk>,
    pub(super) tongue: Mutex<Tongue>,
    heard: mpsc::Sender<Heard>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl House {
    pub(super) fn new(socket: Arc<Socket>, heard: mpsc::Sender<Heard>) -> Self {
        let (ends, desk, tongue) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { socket, ends, desk, tongue, heard }
    }

    /// Says this to an end; false if it isn't there, or takes too little.
    pub(super) fn say(&self, to: Rid, word: Word) -> bool {
        let ends = lock(&self.ends);
        let end = ends.iter().find(|spoken| spoken.end.rid == to);
        end.is_some_and(|spoken| spoken.words.try_send(word).is_ok())
    }

    fn deliver(&self, out: Out) {
        for (to, message) in out {
            let Some(end) =
                lock(&self.ends).iter().map(|spoken| spoken.end.clone()).find(|end| end.rid == to)
            else {
                continue;
            };
            for message in (lock(&self.tongue).says)(&end, message) {
                self.say(to, Word::Message(Box::new(message)));
            }
        }
    }

    async fn handle(&self, from: &End, message: ToRelay) {
        // A story that has ended hears nothing any more.
        let _ = self.heard.send(Heard { from: from.clone(), message: message.clone() }).await;
        if (lock(&self.tongue).hears)(from, &message) {
            let out = lock(&self.desk).handle(from, message);
            self.deliver(out);
        }
    }

    /// One control connection, from its registration to its end.
    async fn serve(self: Arc<Self>, incoming: Incoming) -> Option<()> {
        let connection = incoming.accept().ok()?.await.ok()?;
        let (send, receive) = connection.accept_bi().await.ok()?;
        let mut receiver = FrameReceiver::<ToRelay>::new(receive, PATIENCE);
        let ToRelay::Register(register) = receiver.next().await.ok()?? else { return None };
        let end = End { role: register.role, rid: register.key.rid(), technician: key_of(&connection) };
        let (words, mut queue) = mpsc::channel(WORDS);
        self.socket.route(end.rid, connection.remote_address());
        let known = Spoken { end: end.clone(), connection: connection.clone(), words };
        {
            let mut ends = lock(&self.ends);
            match ends.iter_mut().find(|spoken| spoken.end.rid == end.rid) {
                Some(older) => *older = known,
                None => ends.push(known),
            }
        }
        self.handle(&end, ToRelay::Register(register)).await;
        let mut sender = FrameSender::<ToEnd>::new(send);
        loop {
            tokio::select! {
                message = receiver.next() => match message.ok()? {
                    Some(message) => self.handle(&end, message).await,
                    // It has said its last word, and waits until that has been read.
                    None => {
                        connection.close(VarInt::from_u32(Close::Done.code().into()), &[]);
                        return None;
                    }
                },
                word = queue.recv() => match word? {
                    Word::Message(message) => sender.send(&message).await.ok()?,
                    Word::Bytes(bytes) => sender.stream().write_all(&bytes).await.ok()?,
                    Word::Close(why) => connection.close(VarInt::from_u32(why.code().into()), &[]),
                },
            }
        }
    }
}

/// Lets everybody in until the endpoint or this task ends.
pub(super) async fn serve(house: Arc<House>, endpoint: Endpoint) {
    // Aborted with the task that owns it.
    let mut connections = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        connections.spawn(house.clone().serve(incoming));
    }
}
