//! The injection thread: one per session that may control. Owns the injector and what is held down; lets go of
//! everything when the viewer's heartbeat stops, when the user takes mouse or keyboard themselves, when the right is
//! taken back, and when the session ends.
//!
//! ```text
//! Injecting --the user's own input--> Yielding --2 s without any--> Injecting
//! ```

use crate::inject::{self, Inject, InjectError};
use nearhand_proto::session::input::{Held, Holdable, Input};
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::{
    runtime,
    sync::{mpsc, watch},
    time::sleep_until,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the technician's mouse and keyboard rest after the user's own last input.
pub const REST: Duration = Duration::from_secs(2);

/// Acts on their way to the desktop; when full, the viewer's input stream is held back.
const ACTS: usize = 256;

/// News for the session; when full, no further act is taken until there is room. The user's own input and the heartbeat
/// are looked after all the same.
const NEWS: usize = 32;

/// Characters injected between two looks at whether it is still allowed.
const TEXT_PIECE: usize = 16;

/// How often it is said at most that input was aimed at the host's own windows.
const TOLD_AGAIN: Duration = Duration::from_secs(1);

/// How long a repetition of a key that was let go may still be on its way through a program.
const REPEATED: Duration = Duration::from_millis(300);

/// What the technician holds down. A held key repeats by itself into whatever window gets the focus, the host's own as
/// well, and there nothing tells the repetition from the user's own press. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Fingers(Arc<Mutex<Down>>);

#[derive(Debug, Default)]
enum Down {
    #[default]
    Never,
    Now,
    Until(Instant),
}

impl Fingers {
    /// True if a press in the host's own windows can't come from here.
    pub fn are_off(&self, now: Instant) -> bool {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Down::Never => true,
            Down::Now => false,
            Down::Until(at) => at + REPEATED <= now,
        }
    }

    fn handle(&self, is_down: bool, now: Instant) {
        let mut down = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (is_down, &*down) {
            (true, _) => *down = Down::Now,
            (false, Down::Now) => *down = Down::Until(now),
            (false, _) => {}
        }
    }
}

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

/// For the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Everything before this mark has been injected, or dropped.
    Reached(u32),
    /// The user's own input has stopped the technician's (true), or that works again.
    Yielded(bool),
    /// Input was aimed at the host's own windows, and dropped.
    OwnWindow,
}

/// A running injection thread. Dropping it lets go of everything at once; what is queued is no longer injected.
#[derive(Debug)]
pub struct Injection {
    acts: mpsc::Sender<Act>,
    _allowed: DropGuard,
}

impl Injection {
    /// Starts the thread, on the runtime that is running. `touched`: the user's own input; `fingers`: kept up to date.
    /// Beside it: what the session has to know; closed once the thread has ended.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(
        open: inject::Open,
        touched: watch::Receiver<Option<Instant>>,
        fingers: Fingers,
    ) -> io::Result<(Self, mpsc::Receiver<News>)> {
        let (acts, receiver) = mpsc::channel(ACTS);
        let (to_session, news) = mpsc::channel(NEWS);
        let over = CancellationToken::new();
        let (guard, runtime) = (over.clone().drop_guard(), runtime::Handle::current());
        thread::Builder::new().name("inject".to_owned()).spawn(move || match open() {
            Ok(injector) => {
                Worker::new(injector, over, touched, fingers, to_session).run(receiver, &runtime);
            }
            Err(error) => tracing::error!(%error, "mouse and keyboard can't be used"),
        })?;
        Ok((Self { acts, _allowed: guard }, news))
    }

    /// Room for one act; waits while the desktop is behind. `None` if the thread could not start.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn reserve(&self) -> Option<mpsc::OwnedPermit<Act>> {
        self.acts.clone().reserve_owned().await.ok()
    }
}

/// What the thread was woken by.
enum Woken {
    Act(Act),
    Touched,
    Time,
    Over,
}

struct Worker {
    injector: Box<dyn Inject>,
    held: Held,
    fingers: Fingers,
    /// Control is taken back, or the session has ended.
    over: CancellationToken,
    /// Where the pointer goes, unless it moves on at once.
    moved: Option<(i32, i32)>,
    /// The last move was refused: the pointer stands elsewhere than the technician believes, and clicks nothing there.
    parked: bool,
    touched: watch::Receiver<Option<Instant>>,
    /// Until when the technician's input rests.
    resting: Option<Instant>,
    /// When it was last said that input was aimed at the host's own windows.
    told: Option<Instant>,
    /// News that has found no room yet. INVARIANT: at most [`NEWS`] and two.
    untold: VecDeque<News>,
    news: mpsc::Sender<News>,
}

impl Worker {
    fn new(
        injector: Box<dyn Inject>,
        over: CancellationToken,
        touched: watch::Receiver<Option<Instant>>,
        fingers: Fingers,
        news: mpsc::Sender<News>,
    ) -> Self {
        let (held, untold) = (Held::default(), VecDeque::new());
        let (moved, parked, resting, told) = (None, false, None, None);
        Self { injector, held, fingers, over, moved, parked, touched, resting, told, untold, news }
    }

    fn run(mut self, mut acts: mpsc::Receiver<Act>, runtime: &runtime::Handle) {
        loop {
            match runtime.block_on(self.woken(&mut acts)) {
                Woken::Act(act) => self.act(act, acts.is_empty()),
                Woken::Touched => self.yield_to_the_user(Instant::now()),
                Woken::Time => self.handle_time(Instant::now()),
                Woken::Over => break,
            }
        }
        self.finish(acts);
    }

    /// What wakes the thread next: the user before the technician.
    async fn woken(&mut self, acts: &mut mpsc::Receiver<Act>) -> Woken {
        let deadline = [self.resting, self.held.deadline()].into_iter().flatten().min();
        let Self { over, touched, untold, news, .. } = self;
        loop {
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = over.cancelled() => return Woken::Over,
                touched = touched.changed() => return touched.map_or(Woken::Over, |()| Woken::Touched),
                () = due => return Woken::Time,
                room = news.reserve(), if !untold.is_empty() => match room {
                    Ok(room) => {
                        if let Some(news) = untold.pop_front() {
                            room.send(news);
                        }
                    }
                    Err(_) => return Woken::Over,
                },
                act = acts.recv(), if untold.len() < NEWS => return act.map_or(Woken::Over, Woken::Act),
            }
        }
    }

    /// Lets go of everything. What is queued is dropped, and so answered where an answer is due.
    fn finish(mut self, mut acts: mpsc::Receiver<Act>) {
        self.release();
        while let Ok(act) = acts.try_recv() {
            if let Act::Input(Input::Mark(mark)) = act {
                self.tell(News::Reached(mark));
            }
        }
        if self.resting.is_some() {
            self.tell(News::Yielded(false));
        }
        let Self { injector, untold, news, .. } = self;
        // What it has lent is taken back before the session learns that this is over.
        drop(injector);
        // A session that is over wants to know nothing.
        let _ = untold.into_iter().try_for_each(|untold| news.blocking_send(untold));
    }

    fn handle_time(&mut self, now: Instant) {
        if self.resting.take_if(|until| *until <= now).is_some() {
            self.tell(News::Yielded(false));
        }
        if self.held.deadline().is_some_and(|deadline| deadline <= now) {
            tracing::info!("the viewer fell silent with something held down: let go");
            self.release();
        }
    }

    /// The user's own input wins: what the technician holds is let go, what they do is dropped for a while.
    fn yield_to_the_user(&mut self, now: Instant) {
        // What the user did before there was any control stops nobody.
        let until = self.touched.borrow_and_update().map(|at| at + REST).filter(|until| now < *until);
        let Some(until) = until else { return };
        self.moved = None;
        if self.resting.replace(until).is_none() {
            self.release();
            self.tell(News::Yielded(true));
        }
    }

    /// Never waits: the user's own input must be heard whatever the session does.
    fn tell(&mut self, news: News) {
        match (news, self.untold.back()) {
            // It has stopped and works again before anybody heard of it.
            (News::Yielded(on), Some(News::Yielded(before))) if on != *before => {
                self.untold.pop_back();
            }
            _ => self.untold.push_back(news),
        }
    }

    /// True while nothing speaks against going on.
    fn may_go_on(&self) -> bool {
        !self.over.is_cancelled() && !self.touched.has_changed().unwrap_or(false)
    }

    /// `last`: nothing else is queued.
    fn act(&mut self, act: Act, last: bool) {
        let input = match act {
            Act::Input(Input::Mark(mark)) => {
                self.move_pointer();
                return self.tell(News::Reached(mark));
            }
            _ if self.resting.is_some() || self.over.is_cancelled() => return,
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
            // Down before the desktop knows of it, and up after it.
            if self.held.deadline().is_some() {
                self.fingers.handle(true, Instant::now());
            }
            self.inject(&input);
            self.fingers.handle(self.held.deadline().is_some(), Instant::now());
        }
    }

    fn move_pointer(&mut self) {
        if let Some((x, y)) = self.moved.take() {
            let result = self.injector.pointer(x, y);
            self.parked = result.is_err();
            self.report(result);
        }
    }

    fn inject(&mut self, input: &Input) {
        match input {
            Input::Button { button, down: true } if self.parked => {
                self.report_press(Holdable::Button(*button), true, Err(InjectError::OwnWindow));
            }
            Input::Wheel { .. } if self.parked => self.report(Err(InjectError::OwnWindow)),
            Input::Button { button, down } => {
                let result = self.injector.button(*button, *down);
                self.report_press(Holdable::Button(*button), *down, result);
            }
            Input::Key { usage, down } => {
                let result = self.injector.key(*usage, *down);
                self.report_press(Holdable::Key(*usage), *down, result);
            }
            Input::Wheel { x, y } => {
                let result = self.injector.wheel(*x, *y);
                self.report(result);
            }
            Input::Text(text) => self.text(text),
            Input::Locks(locks) => {
                let result = self.injector.locks(*locks);
                self.report(result);
            }
            Input::Pointer { .. } | Input::Heartbeat | Input::Mark(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() && self.may_go_on() {
            let end = rest.char_indices().nth(TEXT_PIECE).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            if matches!(self.injector.ready(piece), Ok(false)) {
                continue;
            }
            let result = self.injector.text(piece);
            self.report(result);
            rest = after;
        }
    }

    fn release(&mut self) {
        for held in self.held.release_all() {
            let result = match held {
                Holdable::Key(usage) => self.injector.key(usage, false),
                Holdable::Button(button) => self.injector.button(button, false),
            };
            self.report(result);
        }
        self.fingers.handle(false, Instant::now());
    }

    /// A press that was not injected must not be released later.
    fn report_press(&mut self, what: Holdable, down: bool, result: Result<(), InjectError>) {
        if down && result.is_err() {
            self.held.forget(what);
        }
        self.report(result);
    }

    /// What was typed never stands in the log.
    fn report(&mut self, result: Result<(), InjectError>) {
        match result {
            Ok(()) => {}
            Err(InjectError::OwnWindow) => {
                let now = Instant::now();
                if self.told.is_none_or(|at| at + TOLD_AGAIN <= now) {
                    self.told = Some(now);
                    self.tell(News::OwnWindow);
                }
            }
            Err(error) => tracing::warn!(%error, "input not injected"),
        }
    }
}

#[cfg(test)]
mod tests;
