//! Runs commands against a session, one after the other, and ends it properly: after the last command, at the first
//! that fails (of a script), when stopped, or when the session ends by itself.
//!
//! Whatever it waits for, it takes events meanwhile: the session may be waiting for room for them.

use super::{
    clock::Clock,
    lines::{Line, Lines, line_of},
    outcome::{Outcome, StepError},
    progress::Progress,
    source::{Commands, Next},
};
use crate::messages::{Command, Ends, Event, Handle, Telemetry, channels};
use nearhand_proto::{close::Close, rights::Rights};
use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// How long the session may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// What is to be done in a session.
pub struct Plan {
    /// The commands.
    pub commands: Commands,
    /// The rights that the pairing asks for.
    pub want: Rights,
}

/// Why no further command is taken.
pub(super) enum Stop {
    /// The session is over.
    Ended(Close),
    /// A command failed.
    Failed(StepError),
    /// Stopped from outside.
    Interrupted,
    /// Our lines can't be written.
    Output(io::Error),
}

impl From<StepError> for Stop {
    fn from(error: StepError) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Starts a session with `start` and runs `plan` in it. Lines go to `out`, each flushed. When `stop` is cancelled
/// the session is ended. Both are over when this returns.
pub async fn drive<F>(
    plan: Plan,
    out: impl Write,
    stop: CancellationToken,
    telemetry: Arc<dyn Telemetry>,
    start: impl FnOnce(Ends) -> F,
) -> Outcome
where
    F: Future<Output = ()> + Send + 'static,
{
    let (handle, ends) = channels(telemetry);
    let mut tasks = JoinSet::new();
    tasks.spawn(start(ends));
    let outcome = run(handle, plan, out, stop).await;
    let ended = tokio::time::timeout(GRACE, tasks.join_next()).await; // what is late is aborted on drop
    if let Ok(Some(Err(error))) = ended {
        tracing::error!(%error, "the session's task failed");
    }
    outcome
}

/// The same for a session that runs already; drops its handle at the end.
pub async fn run(handle: Handle, plan: Plan, out: impl Write, stop: CancellationToken) -> Outcome {
    let lines = Lines::new(out, Clock::start());
    let mut runner = Runner { progress: Progress::new(plan.want), handle, lines, marks: 0, stop };
    let stopped = runner.take_commands(plan.commands).await;
    runner.end(stopped).await
}

/// Runs commands; [`super::steps`] says how each is carried out.
pub(super) struct Runner<W> {
    pub(super) handle: Handle,
    pub(super) progress: Progress,
    pub(super) lines: Lines<W>,
    /// Marks set in the input so far.
    pub(super) marks: u32,
    stop: CancellationToken,
}

impl<W: Write> Runner<W> {
    async fn take_commands(&mut self, mut commands: Commands) -> Result<(), Stop> {
        while let Some(next) = self.next_command(&mut commands).await? {
            let (place, step) = match next {
                Ok(command) => command,
                Err(error) => {
                    self.lines.write(&Line::Failed { line: error.place.number(), why: error.what })?;
                    continue;
                }
            };
            let (line, command) = (place.number(), step.word());
            match self.perform(step).await {
                Ok(true) => self.lines.write(&Line::Done { line, command })?,
                Ok(false) => return Ok(()),
                Err(Stop::Failed(error)) => {
                    self.lines.write(&Line::Failed { line, why: error.to_string() })?;
                    if commands.must_succeed() {
                        return Err(Stop::Failed(error));
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
        // Commands that are over before the start would hide why there was none.
        self.need_start().await
    }

    async fn next_command(&mut self, commands: &mut Commands) -> Result<Option<Next>, Stop> {
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Stop::Interrupted),
                event = self.handle.events.recv() => self.take(event)?,
                next = commands.next() => return Ok(next),
            }
        }
    }

    /// Takes events until `ready` says so (true) or until `deadline` (false).
    pub(super) async fn until(
        &mut self,
        deadline: Instant,
        ready: impl Fn(&Progress) -> bool,
    ) -> Result<bool, Stop> {
        while !ready(&self.progress) {
            if deadline <= Instant::now() {
                return Ok(false);
            }
            self.take_one(deadline).await?;
        }
        Ok(true)
    }

    /// Takes one event, or none until `deadline`.
    pub(super) async fn take_one(&mut self, deadline: Instant) -> Result<(), Stop> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Stop::Interrupted),
            event = self.handle.events.recv() => self.take(event),
            () = tokio::time::sleep_until(deadline) => Ok(()),
        }
    }

    /// Sends a command, taking events while there is no room for it.
    pub(super) async fn send(&mut self, command: Command) -> Result<(), Stop> {
        let commands = self.handle.commands.clone();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Stop::Interrupted),
                event = self.handle.events.recv() => self.take(event)?,
                room = commands.reserve(), if !commands.is_closed() => {
                    if let Ok(room) = room {
                        room.send(command);
                        return Ok(());
                    }
                }
            }
        }
    }

    fn take(&mut self, event: Option<Event>) -> Result<(), Stop> {
        let event = event.ok_or(Stop::Ended(Close::Internal))?;
        let is_other_picture = self.progress.handle(&event, Instant::now());
        if let (true, Some(picture)) = (is_other_picture, self.progress.picture) {
            let monitor = self.progress.monitors.iter().position(|monitor| monitor.id == picture.monitor);
            self.lines.write(&Line::Picture {
                epoch: picture.epoch.0,
                monitor: monitor.map(|at| at + 1),
                width: picture.size.width,
                height: picture.size.height,
            })?;
        }
        if matches!(event, Event::Updated { .. }) {
            for change in self.handle.screen.take_changes() {
                self.lines.write_change(change)?;
            }
        }
        if let Some(line) = line_of(&event) {
            self.lines.write(&line)?;
        }
        match event {
            Event::Ended(why) => Err(Stop::Ended(why)),
            _ => Ok(()),
        }
    }

    /// Ends the session, if it isn't over, and says how all of it ended.
    async fn end(mut self, stopped: Result<(), Stop>) -> Outcome {
        if let Err(Stop::Ended(why)) = stopped {
            return Outcome::Ended(why);
        }
        if let Err(Stop::Interrupted) = stopped {
            let _ = self.lines.write(&Line::Interrupted); // the outcome says the same
        }
        let end = tokio::time::timeout(GRACE, self.end_session()).await;
        match stopped {
            Err(Stop::Failed(error)) => Outcome::Failed(error),
            Err(Stop::Output(error)) => Outcome::Output(error),
            Err(Stop::Interrupted) => Outcome::Interrupted,
            Err(Stop::Ended(why)) => Outcome::Ended(why),
            Ok(()) => match end {
                Ok(Stop::Output(error)) => Outcome::Output(error),
                Ok(Stop::Ended(why)) => Outcome::Ended(why),
                // The host can't be told, but it was to end and ends here.
                Ok(Stop::Failed(_) | Stop::Interrupted) | Err(_) => Outcome::Ended(Close::TechnicianLeft),
            },
        }
    }

    /// Takes what is left until the session has ended.
    async fn end_session(&mut self) -> Stop {
        self.stop = CancellationToken::new(); // what stopped the commands must not stop the ending
        let mut wrong = None;
        if let Err(stop) = self.send(Command::End).await {
            match stop {
                Stop::Ended(why) => return Stop::Ended(why),
                other => wrong = Some(other),
            }
        }
        loop {
            let event = self.handle.events.recv().await;
            match self.take(event) {
                Ok(()) => {}
                Err(Stop::Ended(why)) => return wrong.unwrap_or(Stop::Ended(why)),
                Err(other) => wrong = Some(other),
            }
        }
    }
}
