//! The picture thread: one per viewer that may see. Owns a capture and an encoder, starts an update the moment there
//! is damage and credit, and hands finished messages to the async side. It never waits for a clock.
//!
//! ```text
//! wait (damage | pointer | command) → frame → mark damage → encode → frames channel → screen stream
//!          ^------------------------- Drawn opens credit ----------------------------/
//! ```

use crate::{
    capture::{self, Capture, CaptureError, Happened, Wake},
    encode::{Credit, Damage, EncodeError, Encoder, Ending, Marks, Pending, Pixels},
};
use nearhand_proto::{
    net::frame,
    session::{
        cursor::{Position, Shape},
        geometry::{Monitor, MonitorId},
        screen::{Epoch, Screen, UpdateNo},
    },
    text::Name,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Encoded messages on their way to the stream; when full, encoding waits and damage gathers in the display server.
const FRAMES: usize = 16;
/// News for the session; when full, the picture waits.
const NEWS: usize = 32;
/// Commands for the thread; when full, further ones are dropped: only a viewer that floods fills it.
const COMMANDS: usize = 64;
/// Pause after the display server has refused for no visible reason.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// For the screen stream.
#[derive(Debug)]
pub enum Out {
    /// A new epoch: open a new stream and write these bytes first.
    Open(Vec<u8>),
    /// Write these to the stream that is open.
    Message(Vec<u8>),
}

/// For the session.
#[derive(Debug)]
pub enum News {
    /// These are the monitors.
    Monitors(Vec<Monitor>),
    /// The picture shows this monitor from now on.
    Epoch {
        /// Its number.
        epoch: Epoch,
        /// Which, and where it lies on the desktop.
        monitor: Monitor,
    },
    /// The pointer moved.
    Position(Position),
    /// The pointer looks different.
    Shape(Shape),
    /// There is no picture, and why. Empty: it is back.
    NoPicture(String),
    /// The thread has ended: there will be no picture any more.
    Over(String),
}

#[derive(Debug)]
enum Command {
    Drawn(Epoch, UpdateNo),
    Watch(MonitorId),
}

/// A running picture thread. Dropping it stops the thread.
#[derive(Debug)]
pub struct Picture {
    commands: mpsc::Sender<Command>,
    wake: Wake,
    stop: Arc<AtomicBool>,
    /// What goes onto the screen streams. Taken by the task that writes them.
    pub frames: Option<mpsc::Receiver<Out>>,
    /// What the session has to know.
    pub news: mpsc::Receiver<News>,
}

impl Picture {
    /// Starts the thread; its first epoch is `first`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(open: capture::Open, first: Epoch) -> io::Result<Self> {
        let (frame_sender, frames) = mpsc::channel(FRAMES);
        let (news_sender, news) = mpsc::channel(NEWS);
        let (commands, command_receiver) = mpsc::channel(COMMANDS);
        let wake = Wake::new()?;
        let stop = Arc::new(AtomicBool::new(false));
        let worker_side = (wake.clone(), stop.clone());
        thread::Builder::new().name("picture".to_owned()).spawn(move || {
            let (wake, stop) = worker_side;
            let worker = |capture| Worker {
                capture,
                wake,
                stop,
                commands: command_receiver,
                frames: frame_sender,
                news: news_sender.clone(),
                epoch: first,
                shown: None,
                credit: Credit::new(),
                last: None,
                positions: 0,
                carried: Happened::default(),
            };
            let why = match open() {
                Ok(capture) => worker(capture).run(),
                Err(error) => Fault::Capture(error),
            };
            if let Fault::Capture(_) | Fault::Encode(_) = why {
                // A closed channel means that nobody wants to know.
                let _ = news_sender.blocking_send(News::Over(why.to_string()));
            }
        })?;
        Ok(Self { commands, wake, stop, frames: Some(frames), news })
    }

    /// The viewer has drawn everything up to this update.
    pub fn drawn(&self, epoch: Epoch, update: UpdateNo) {
        self.command(Command::Drawn(epoch, update));
    }

    /// Shows another monitor.
    pub fn watch(&self, monitor: MonitorId) {
        self.command(Command::Watch(monitor));
    }

    fn command(&self, command: Command) {
        let _ = self.commands.try_send(command);
        self.wake.wake();
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake.wake();
    }
}

/// Why the thread's loop is left.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("nobody looks any more")]
    Stopped,
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What is shown now.
struct Shown {
    encoder: Encoder,
    damage: Damage,
    /// True if the viewer was told that another update follows.
    announced: bool,
}

struct Worker {
    capture: Box<dyn Capture>,
    wake: Wake,
    stop: Arc<AtomicBool>,
    commands: mpsc::Receiver<Command>,
    frames: mpsc::Sender<Out>,
    news: mpsc::Sender<News>,
    /// The next epoch's number.
    epoch: Epoch,
    shown: Option<Shown>,
    credit: Credit,
    /// The monitor shown last, by the name that outlives a change of layout.
    last: Option<Name>,
    positions: u64,
    /// Seen by a look between two turns, not dealt with yet.
    carried: Happened,
}

impl Worker {
    fn run(mut self) -> Fault {
        loop {
            let result = match self.shown {
                Some(_) => self.turn(),
                None => self.show(None),
            };
            match result {
                Ok(()) => {}
                // The layout changed: show the same monitor again, or what is left.
                Err(Fault::Capture(CaptureError::Layout)) => self.shown = None,
                Err(Fault::Capture(CaptureError::Refused(why))) => {
                    tracing::warn!(why, "the display server refused, trying again");
                    thread::sleep(REFUSED_PAUSE);
                    self.shown = None;
                }
                Err(fault) => return fault,
            }
        }
    }

    fn turn(&mut self) -> Result<(), Fault> {
        let carried = std::mem::take(&mut self.carried);
        let timeout = carried.any().then_some(Duration::ZERO);
        let happened = self.capture.wait(&self.wake, timeout)?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(Fault::Stopped);
        }
        if carried.woken || happened.woken {
            self.obey()?;
        }
        if carried.cursor || happened.cursor {
            self.point()?;
        }
        self.update()
    }

    fn obey(&mut self) -> Result<(), Fault> {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Drawn(epoch, update) => {
                    // The epoch now shown is one less than the next one's number.
                    let current = Epoch(self.epoch.0.wrapping_sub(1));
                    if self.shown.is_some() && epoch == current {
                        self.credit.handle_drawn(update, Instant::now());
                    }
                }
                Command::Watch(monitor) => self.show(Some(monitor))?,
            }
        }
        Ok(())
    }

    /// Begins a new epoch on the wanted monitor; else on the one shown before, the primary one, or the first.
    fn show(&mut self, wanted: Option<MonitorId>) -> Result<(), Fault> {
        let monitors = self.capture.monitors()?;
        self.tell(News::Monitors(monitors.clone()))?;
        let known = |id| monitors.iter().find(|monitor| monitor.id == id);
        let chosen = match wanted {
            Some(id) => known(id),
            None => {
                let same = monitors.iter().find(|monitor| self.last.as_ref() == Some(&monitor.name));
                same.or_else(|| monitors.iter().find(|monitor| monitor.primary)).or(monitors.first())
            }
        };
        // An unknown monitor: the list has been told, the picture stays.
        let Some(monitor) = chosen.cloned() else { return Ok(()) };
        let size = self.capture.watch(monitor.id)?;
        let epoch = self.epoch;
        let (encoder, open) = match Encoder::open(monitor.id, epoch, size) {
            Ok(opened) => opened,
            Err(error) => {
                self.tell(News::NoPicture(error.to_string()))?;
                return Err(error.into());
            }
        };
        self.epoch = Epoch(epoch.0.wrapping_add(1));
        self.tell(News::Epoch { epoch, monitor: monitor.clone() })?;
        self.frames.blocking_send(Out::Open(frame(&open))).map_err(|_| Fault::Stopped)?;
        self.credit.handle_epoch();
        self.last = Some(monitor.name);
        self.shown = Some(Shown { encoder, damage: Damage::new(size), announced: false });
        self.carried = Happened { damage: true, cursor: true, woken: self.carried.woken };
        Ok(())
    }

    fn point(&mut self) -> Result<(), Fault> {
        let Some(cursor) = self.capture.cursor()? else { return Ok(()) };
        if let Some(shape) = cursor.image {
            self.tell(News::Shape(shape))?;
        }
        self.positions += 1;
        let position = Position {
            epoch: Epoch(self.epoch.0.wrapping_sub(1)),
            seq: self.positions,
            x: cursor.x,
            y: cursor.y,
            shape: cursor.shape,
        };
        // Newest wins: a position that finds no room is overtaken by the next.
        match self.news.try_send(News::Position(position)) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Fault::Stopped),
        }
    }

    /// Encodes one update, if there is damage (or one was announced) and credit.
    fn update(&mut self) -> Result<(), Fault> {
        let Some(shown) = self.shown.as_mut().filter(|_| self.credit.may_send()) else { return Ok(()) };
        if let Some(captured) = self.capture.frame()? {
            for area in captured.damage {
                shown.damage.handle_change(*area, captured.since);
            }
        }
        let nothing = || Pending { marks: Marks::none(shown.encoder.size()), since: Instant::now() };
        let pending = shown.damage.take().or_else(|| shown.announced.then(nothing));
        let (Some(pending), Some(picture)) = (pending, self.capture.picture()) else { return Ok(()) };
        let pixels = Pixels::new(picture.pixels, picture.stride, picture.size)?;
        let (mut end, mut gone) = (None, false);
        let frames = &self.frames;
        let sent = shown.encoder.encode(
            &pixels,
            &pending.marks,
            &mut || Ending { more: false, spent: pending.since.elapsed() },
            &mut |message| match message {
                Screen::End { .. } => end = Some(message),
                message => gone |= frames.blocking_send(Out::Message(frame(&message))).is_err(),
            },
        )?;
        if gone {
            return Err(Fault::Stopped);
        }
        match (sent, end) {
            (Some(update), Some(Screen::End { spent_us, .. })) => {
                self.credit.handle_sent(update, Instant::now());
                self.finish(spent_us)
            }
            // Nothing had really changed.
            _ => Ok(()),
        }
    }

    /// The update's last message says whether the screen has changed again already; then another update follows in
    /// any case.
    fn finish(&mut self, spent_us: u32) -> Result<(), Fault> {
        let seen = self.capture.wait(&self.wake, Some(Duration::ZERO))?;
        self.carried = Happened {
            damage: self.carried.damage || seen.damage,
            cursor: self.carried.cursor || seen.cursor,
            woken: self.carried.woken || seen.woken,
        };
        if let Some(shown) = &mut self.shown {
            shown.announced = seen.damage;
            if seen.damage {
                shown.encoder.owe();
            }
        }
        let end = Screen::End { more: seen.damage, spent_us };
        self.frames.blocking_send(Out::Message(frame(&end))).map_err(|_| Fault::Stopped)
    }

    fn tell(&self, news: News) -> Result<(), Fault> {
        self.news.blocking_send(news).map_err(|_| Fault::Stopped)
    }
}
