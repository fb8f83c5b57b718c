//! The injection thread: one per session that may control. Owns the injector and what is held down; lets go of
//! everything when the viewer's heartbeat stops, when the right is taken back, and when the session ends.

use crate::inject::{self, Inject, InjectError};
use nearhand_proto::session::input::{Held, Holdable, Input};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};
use tokio::{
    runtime,
    sync::{mpsc, watch},
    time::timeout_at,
};

/// Acts on their way to the desktop; when full, the viewer's input stream is held back.
const ACTS: usize = 256;

/// Characters injected between two looks at whether it is still allowed.
const TEXT_PIECE: usize = 16;

/// One act, in desktop coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The pointer goes here, in desktop pixels.
    Pointer {
        /// From the desktop's left edge.
        x: i32,
        /// From its top edge.
        y: i32,
    },
    /// Anything else (pointers in monitor pixels are ignored).
    Input(Input),
}

/// A running injection thread. Dropping it lets go of everything at once; what is queued is no longer injected.
#[derive(Debug)]
pub struct Injection {
    acts: mpsc::Sender<Act>,
    allowed: Arc<AtomicBool>,
}

impl Injection {
    /// Starts the thread, on the runtime that is running. Beside it: the last mark that was reached; closed once the
    /// thread has ended.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(open: inject::Open) -> io::Result<(Self, watch::Receiver<u32>)> {
        let (acts, receiver) = mpsc::channel(ACTS);
        let allowed = Arc::new(AtomicBool::new(true));
        let (reached, marks) = watch::channel(0);
        let (permission, runtime) = (allowed.clone(), runtime::Handle::current());
        thread::Builder::new().name("inject".to_owned()).spawn(move || match open() {
            Ok(injector) => {
                Worker { injector, held: Held::default(), allowed: permission, moved: None, reached }
                    .run(receiver, &runtime);
            }
            Err(error) => tracing::error!(%error, "mouse and keyboard can't be used"),
        })?;
        Ok((Self { acts, allowed }, marks))
    }

    /// Room for one act; waits while the desktop is behind. `None` if the thread could not start.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn reserve(&self) -> Option<mpsc::OwnedPermit<Act>> {
        self.acts.clone().reserve_owned().await.ok()
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        self.allowed.store(false, Ordering::Relaxed);
    }
}

struct Worker {
    injector: Box<dyn Inject>,
    held: Held,
    allowed: Arc<AtomicBool>,
    /// Where the pointer goes, unless it moves on at once.
    moved: Option<(i32, i32)>,
    reached: watch::Sender<u32>,
}

impl Worker {
    fn run(mut self, mut acts: mpsc::Receiver<Act>, runtime: &runtime::Handle) {
        loop {
            let next = match self.held.deadline() {
                None => acts.blocking_recv(),
                Some(deadline) => {
                    match runtime.block_on(async { timeout_at(deadline.into(), acts.recv()).await }) {
                        Ok(next) => next,
                        Err(_) => {
                            tracing::info!("the viewer fell silent with something held down: let go");
                            self.release();
                            continue;
                        }
                    }
                }
            };
            let Some(act) = next else { break };
            self.act(act, acts.is_empty());
        }
        self.release();
    }

    /// `last`: nothing else is queued.
    fn act(&mut self, act: Act, last: bool) {
        if !self.allowed.load(Ordering::Relaxed) {
            self.moved = None;
            return self.release();
        }
        let input = match act {
            Act::Pointer { x, y } => {
                self.moved = Some((x, y));
                // Moves coalesce while more is queued; the newest always counts.
                if last {
                    self.move_pointer();
                }
                return;
            }
            Act::Input(input) => input,
        };
        self.move_pointer();
        if self.held.handle(&input, Instant::now()) {
            self.inject(&input);
        }
    }

    fn move_pointer(&mut self) {
        if let Some((x, y)) = self.moved.take() {
            let result = self.injector.pointer(x, y);
            report(result);
        }
    }

    fn inject(&mut self, input: &Input) {
        let result = match input {
            Input::Button { button, down } => self.injector.button(*button, *down),
            Input::Wheel { x, y } => self.injector.wheel(*x, *y),
            Input::Key { usage, down } => self.injector.key(*usage, *down),
            Input::Text(text) => return self.text(text),
            Input::Pointer { .. } | Input::Heartbeat => Ok(()),
            Input::Mark(mark) => {
                // Nobody to tell: the session is over.
                let _ = self.reached.send(*mark);
                Ok(())
            }
        };
        report(result);
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() && self.allowed.load(Ordering::Relaxed) {
            let end = rest.char_indices().nth(TEXT_PIECE).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            let result = self.injector.text(piece);
            report(result);
            rest = after;
        }
    }

    fn release(&mut self) {
        for held in self.held.release_all() {
            let result = match held {
                Holdable::Key(usage) => self.injector.key(usage, false),
                Holdable::Button(button) => self.injector.button(button, false),
            };
            report(result);
        }
    }
}

/// What was typed never stands in the log.
fn report(result: Result<(), InjectError>) {
    if let Err(error) = result {
        tracing::warn!(%error, "input not injected");
    }
}
