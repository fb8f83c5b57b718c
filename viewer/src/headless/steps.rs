//! How each command is carried out: what it needs (a right, a picture), what it sends, when it is done.

use super::{
    acts::{points, strokes},
    lines::{Line, StatsLine, hex},
    outcome::StepError,
    parse::{Step, UNSETTLED},
    progress::{Picture, Progress},
    run::{Runner, Stop},
    snapshot,
};
use crate::messages::{Act, Command};
use nearhand_proto::{rights::Rights, session::geometry::Point};
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// How long a command waits for a picture, once the user has allowed it.
const PICTURE: Duration = Duration::from_secs(15);

/// How long a command waits for rights: two questions of 60 s, and the dialling before them.
const RIGHTS: Duration = Duration::from_secs(300);

/// How long mouse and keyboard wait for a lost connection; longer than a session outlives that (10 min).
const CUT: Duration = Duration::from_secs(660);

/// How long the host may take to inject what one command sent: 1 MiB of text at its slowest.
const INJECTED: Duration = Duration::from_secs(600);

/// How long `clipboard` waits for the user's desktop: 1 MiB on a slow line.
const CLIPPED: Duration = Duration::from_secs(60);

/// How long `note` waits for the record.
const RECORD: Duration = Duration::from_secs(30);

impl<W: Write> Runner<W> {
    /// Carries out one command. False if it was `end`.
    pub(super) async fn perform(&mut self, step: Step) -> Result<bool, Stop> {
        match step {
            Step::WaitSettled(quiet) => self.wait_settled(quiet).await?,
            Step::Snapshot(path) => self.snapshot(path).await?,
            Step::Watch(at) => self.watch(at).await?,
            Step::Monitor(number) => self.show_monitor(number).await?,
            Step::Ask(rights) => self.ask(rights).await?,
            Step::Note(text) => self.note(text).await?,
            Step::Clipboard(text) => self.clipboard(text).await?,
            Step::Stats => self.stats().await?,
            Step::End => {
                // An end before the start would hide why there was none.
                self.need_start().await?;
                return Ok(false);
            }
            Step::Move(_)
            | Step::Click(..)
            | Step::Drag(..)
            | Step::Wheel(..)
            | Step::Key(_)
            | Step::Hold(_)
            | Step::Release(_)
            | Step::Type(_) => self.act(&step).await?,
        }
        Ok(true)
    }

    async fn wait_settled(&mut self, quiet: Duration) -> Result<(), Stop> {
        self.need_picture().await?;
        let start = Instant::now();
        let give_up = start + UNSETTLED;
        loop {
            let (now, settles) = (Instant::now(), self.progress.settles(quiet, start));
            if settles.is_some_and(|at| at <= now) {
                return self.tell(&Line::Settled { ms: millis(start) });
            }
            if give_up <= now {
                return self.tell(&Line::Unsettled { ms: millis(start) });
            }
            self.take_one(settles.map_or(give_up, |at| at.min(give_up))).await?;
        }
    }

    async fn snapshot(&mut self, path: PathBuf) -> Result<(), Stop> {
        self.need_picture().await?;
        let picture = self.handle.screen.snapshot().ok_or_else(|| StepError::NoPicture(String::new()))?;
        let size = picture.size;
        let file = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || snapshot::write(Path::new(&path), &picture)).await;
        match written {
            Ok(Ok(())) => self.tell(&Line::Snapshot { file, width: size.width, height: size.height }),
            Ok(Err(error)) => Err(StepError::File(error.to_string()).into()),
            Err(error) => Err(StepError::File(format!("can't write {file}: {error}")).into()),
        }
    }

    async fn watch(&mut self, at: Point) -> Result<(), Stop> {
        self.need_points(&[at]).await?;
        if !self.handle.screen.watch(at) {
            return Err(StepError::Watched.into());
        }
        let rgb = hex(self.handle.screen.pixel(at).unwrap_or_default());
        self.tell(&Line::Watching { x: at.x, y: at.y, rgb })
    }

    async fn act(&mut self, step: &Step) -> Result<(), Stop> {
        self.need(Rights::CONTROL).await?;
        let points = points(step);
        if !points.is_empty() {
            self.need_points(&points).await?;
        }
        // What is sent into a cut session acts late, on a picture that nobody has seen: wait.
        if !self.until(Instant::now() + CUT, |progress| !progress.is_cut()).await? {
            return Err(StepError::Cut.into());
        }
        for (act, pause) in strokes(step) {
            self.send(Command::Input(act)).await?;
            self.until(Instant::now() + pause, |_| false).await?;
        }
        self.injected().await
    }

    /// Waits until the host has injected what was sent; fails if the right is taken back before that.
    async fn injected(&mut self) -> Result<(), Stop> {
        self.marks = self.marks.wrapping_add(1);
        let mark = self.marks;
        self.send(Command::Input(Act::Mark(mark))).await?;
        let give_up = Instant::now() + INJECTED;
        let over = |progress: &Progress| progress.acted == mark || !progress.held.contains(Rights::CONTROL);
        if !self.until(give_up, over).await? {
            return Err(StepError::Cut.into());
        }
        self.need(Rights::CONTROL).await
    }

    async fn show_monitor(&mut self, number: usize) -> Result<(), Stop> {
        self.need_picture().await?;
        let monitor = number.checked_sub(1).and_then(|at| self.progress.monitors.get(at));
        let there = self.progress.monitors.len();
        let id = monitor.ok_or(StepError::Monitor { number, there })?.id;
        self.send(Command::Watch(id)).await?;
        let is_shown = |picture: Option<Picture>| picture.is_some_and(|picture| picture.monitor == id);
        if self.until(Instant::now() + PICTURE, |progress| is_shown(progress.picture)).await? {
            return Ok(());
        }
        Err(StepError::NoPicture(self.progress.no_picture.clone()).into())
    }

    async fn ask(&mut self, rights: Rights) -> Result<(), Stop> {
        self.need_start().await?;
        self.progress.handle_ask(rights);
        self.send(Command::Ask(rights)).await
    }

    async fn note(&mut self, text: String) -> Result<(), Stop> {
        self.need_start().await?;
        let before = self.progress.noted;
        self.send(Command::Note(text)).await?;
        if self.until(Instant::now() + RECORD, |progress| before < progress.noted).await? {
            return Ok(());
        }
        Err(StepError::Note.into())
    }

    async fn clipboard(&mut self, text: String) -> Result<(), Stop> {
        self.need(Rights::CLIPBOARD_IN).await?;
        if !self.until(Instant::now() + CUT, |progress| !progress.is_cut()).await? {
            return Err(StepError::Cut.into());
        }
        let before = self.progress.clipped;
        self.send(Command::Clipboard(text)).await?;
        let over =
            |progress: &Progress| before < progress.clipped || !progress.held.contains(Rights::CLIPBOARD_IN);
        if !self.until(Instant::now() + CLIPPED, over).await? {
            return Err(StepError::Clipboard.into());
        }
        self.need(Rights::CLIPBOARD_IN).await
    }

    async fn stats(&mut self) -> Result<(), Stop> {
        self.need_start().await?;
        let stats = self.handle.telemetry.stats();
        let micros = stats.rtt.and_then(|rtt| u32::try_from(rtt.as_micros()).ok());
        let figures = &self.progress.figures;
        let line = Line::Stats(StatsLine {
            session_id: stats.session.map(|session| session.to_string()),
            quic_handshakes: stats.quic_handshakes,
            rtt_ms: micros.map(|micros| f64::from(micros) / 1_000.0),
            updates: figures.updates(),
            bytes_received: stats.bytes_received,
            encode_ms: figures.encode_ms(),
            decode_ms: figures.decode_ms(),
        });
        self.tell(&line)
    }

    pub(super) async fn need_start(&mut self) -> Result<(), Stop> {
        let started = self.until(Instant::now() + RIGHTS, |progress| progress.started).await?;
        if started { Ok(()) } else { Err(StepError::NotStarted.into()) }
    }

    /// Waits while the user is being asked, or is about to be; fails if the right isn't held then.
    async fn need(&mut self, right: Rights) -> Result<(), Stop> {
        self.need_start().await?;
        let chosen = |progress: &Progress| progress.held.contains(right) || !progress.is_pending(right);
        self.until(Instant::now() + RIGHTS, chosen).await?;
        if self.progress.held.contains(right) { Ok(()) } else { Err(StepError::Missing(right).into()) }
    }

    async fn need_picture(&mut self) -> Result<Picture, Stop> {
        self.need(Rights::VIEW).await?;
        self.until(Instant::now() + PICTURE, |progress| progress.picture.is_some()).await?;
        let missing = || StepError::NoPicture(self.progress.no_picture.clone()).into();
        self.progress.picture.ok_or_else(missing)
    }

    async fn need_points(&mut self, points: &[Point]) -> Result<(), Stop> {
        let size = self.need_picture().await?.size;
        let outside = points.iter().find(|at| size.width <= at.x || size.height <= at.y);
        outside.map_or(Ok(()), |at| Err(StepError::Outside { at: *at, size }.into()))
    }

    fn tell(&mut self, line: &Line) -> Result<(), Stop> {
        Ok(self.lines.write(line)?)
    }
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
