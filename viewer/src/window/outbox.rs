//! Commands on their way to the session. The window never waits: what finds no room stays here in order and goes out
//! as room comes; of several pointer positions in a row only the last one stays. Nothing else is dropped.

use crate::messages::{Act, Command};
use nearhand_proto::session::input::{Button, Usage};
use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

/// Commands that may stay here; beyond, a host that takes none is not pressed any further, only let go.
const MOST: usize = 16_384;

/// The way to one session.
pub(super) struct Outbox {
    sender: PollSender<Command>,
    queue: VecDeque<Command>,
    down: Vec<Holdable>,
}

/// What is held down through this outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holdable {
    Key(Usage),
    Button(Button),
}

impl Outbox {
    /// An empty one.
    pub(super) fn new(sender: mpsc::Sender<Command>) -> Self {
        Self { sender: PollSender::new(sender), queue: VecDeque::new(), down: Vec::new() }
    }

    /// Puts a command behind the others; call [`Outbox::flush`] afterwards.
    pub(super) fn push(&mut self, command: Command) {
        if let Command::Input(act) = &command {
            let release = match *act {
                Act::Key { usage, down } => self.note(Holdable::Key(usage), down),
                Act::Button { button, down } => self.note(Holdable::Button(button), down),
                _ => false,
            };
            if MOST <= self.queue.len() && !release {
                return;
            }
        }
        let is_move = |command: &Command| matches!(command, Command::Input(Act::Pointer(_)));
        if is_move(&command) {
            self.queue.pop_back_if(|last| is_move(last));
        }
        self.queue.push_back(command);
    }

    /// Lets go of everything that is held down.
    pub(super) fn release(&mut self) {
        for what in std::mem::take(&mut self.down).into_iter().rev() {
            self.queue.push_back(Command::Input(match what {
                Holdable::Key(usage) => Act::Key { usage, down: false },
                Holdable::Button(button) => Act::Button { button, down: false },
            }));
        }
    }

    /// True while a mouse button is held down.
    pub(super) fn drags(&self) -> bool {
        self.down.iter().any(|what| matches!(what, Holdable::Button(_)))
    }

    /// Input that waits is dropped: it would hit another screen than the one it was meant for.
    pub(super) fn forget_input(&mut self) {
        self.queue.retain(|command| !matches!(command, Command::Input(_)));
        self.down.clear();
    }

    /// Sends what there is room for; `waker` is woken when there is more.
    pub(super) fn flush(&mut self, waker: &Waker) {
        let mut context = Context::from_waker(waker);
        while !self.queue.is_empty() {
            match self.sender.poll_reserve(&mut context) {
                Poll::Ready(Ok(())) => {
                    if let Some(command) = self.queue.pop_front() {
                        // Room is reserved; a session that has gone meanwhile says so by its last event.
                        let _ = self.sender.send_item(command);
                    }
                }
                Poll::Ready(Err(_)) => self.queue.clear(), // the session is over
                Poll::Pending => return,
            }
        }
    }

    /// Keeps the books of what is down; true for a release.
    fn note(&mut self, what: Holdable, down: bool) -> bool {
        self.down.retain(|held| *held != what);
        if down {
            self.down.push(what);
        }
        !down
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::geometry::Point;

    fn at(x: u16) -> Command {
        Command::Input(Act::Pointer(Point { x, y: 0 }))
    }

    fn key(usage: u16, down: bool) -> Command {
        Command::Input(Act::Key { usage: Usage(usage), down })
    }

    #[test]
    fn moves_coalesce_and_keys_never_drop() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut outbox = Outbox::new(sender);
        for command in [at(1), at(2), key(4, true), at(3), at(4), key(4, false), Command::End] {
            outbox.push(command);
        }
        let mut seen = Vec::new();
        while seen.len() < 5 {
            outbox.flush(Waker::noop());
            while let Ok(command) = receiver.try_recv() {
                seen.push(command);
            }
        }
        assert_eq!(seen, [at(2), key(4, true), at(4), key(4, false), Command::End]);
    }

    #[test]
    fn what_is_held_is_let_go_in_the_reverse_order() {
        let (sender, mut receiver) = mpsc::channel(16);
        let mut outbox = Outbox::new(sender);
        let button = |down| Command::Input(Act::Button { button: Button::Left, down });
        for command in [key(1, true), key(2, true), button(true), key(1, false)] {
            outbox.push(command);
        }
        assert!(outbox.drags());
        outbox.release();
        outbox.release();
        outbox.flush(Waker::noop());
        let seen: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        assert_eq!(seen[4..], [button(false), key(2, false)]);
        assert!(!outbox.drags());
    }

    #[test]
    fn a_session_that_is_over_takes_nothing() {
        let (sender, receiver) = mpsc::channel(1);
        let mut outbox = Outbox::new(sender);
        drop(receiver);
        (0..9).for_each(|_| outbox.push(key(1, true)));
        outbox.flush(Waker::noop());
        assert!(outbox.queue.is_empty());
    }
}
