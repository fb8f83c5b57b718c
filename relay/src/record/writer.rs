//! The writer's thread: takes what is queued, runs it in one transaction, commits, then answers everybody (group
//! commit: one `fsync` for all who wait). If anything of the store fails, the whole batch is rolled back and nobody is
//! told otherwise; the next batch begins with a fresh connection, so the record recovers without a restart.

use super::{error::RecordError, folder::Lock, log::Log};
use nearhand_proto::ids::ActorId;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot},
    time::timeout,
};

/// Called with how the commit went.
pub(super) type Answer = Box<dyn FnOnce(Result<(), RecordError>) + Send>;

/// Work on the log, or the news that there is none. The error is the store's, never a refusal: it takes the whole
/// batch down.
pub(super) type Job =
    Box<dyn FnOnce(Result<&mut Log, RecordError>) -> (Result<(), RecordError>, Answer) + Send>;

/// What the thread is asked.
pub(super) enum Command {
    /// Run this in a transaction.
    Run(Job, Haste),
    /// Finish what is queued, close the store, answer, end.
    Stop(oneshot::Sender<()>),
}

/// When a job is to be committed. The order stays that of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// At once: somebody waits for it to go on. What is queued goes with it.
    Now,
    /// Within [`GATHER`], so that one commit serves several.
    Soon,
}

/// How long a job that is not in haste waits for others.
const GATHER: Duration = Duration::from_millis(10);

/// Jobs in one transaction, at most.
const MAX_BATCH: usize = 256;

/// The thread's own state.
pub(super) struct Writer {
    /// The log.
    pub(super) log: Log,
    /// Held as long as we may write; none when we only read.
    pub(super) _lock: Option<Lock>,
    /// Who must be cut off.
    pub(super) removals: broadcast::Sender<ActorId>,
    /// Notified after each job that is in haste was queued.
    pub(super) hurry: Arc<Notify>,
}

/// What goes into one transaction.
#[derive(Default)]
struct Batch {
    jobs: Vec<Job>,
    hurry: bool,
    stop: Option<oneshot::Sender<()>>,
}

impl Batch {
    fn push(&mut self, command: Command) {
        match command {
            Command::Run(job, haste) => {
                self.jobs.push(job);
                self.hurry |= haste == Haste::Now;
            }
            Command::Stop(done) => self.stop = Some(done),
        }
    }

    fn may_wait(&self) -> bool {
        !self.hurry && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.stop.is_none() && self.jobs.len() < MAX_BATCH
    }

    /// Takes what is queued now.
    fn fill(&mut self, commands: &mut mpsc::Receiver<Command>) {
        while self.has_room()
            && let Ok(command) = commands.try_recv()
        {
            self.push(command);
        }
    }
}

impl Writer {
    /// Runs until told to stop or until nobody can ask any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.recv().await {
            let batch = self.gather(first, &mut commands).await;
            self.batch(batch.jobs);
            if let Some(done) = batch.stop {
                drop(self);
                // Whoever asked may have given up waiting.
                let _ = done.send(());
                return;
            }
        }
    }

    /// At least `first`; more if that is not in haste.
    async fn gather(&self, first: Command, commands: &mut mpsc::Receiver<Command>) -> Batch {
        let mut batch = Batch::default();
        batch.push(first);
        // A notice from before this moment is of a job that is queued by now.
        pin!(self.hurry.notified()).enable();
        batch.fill(commands);
        if batch.may_wait() {
            drop(timeout(GATHER, self.hurry.notified()).await);
            batch.fill(commands);
        }
        batch
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let mut answers = Vec::with_capacity(jobs.len());
        let outcome = self.transaction(jobs, &mut answers);
        if let Err(error) = &outcome {
            tracing::warn!(%error, "nothing of this batch is recorded");
        }
        for answer in answers {
            answer(outcome.clone());
        }
    }

    /// Fills `answers` with everybody who waits, whatever happens.
    fn transaction(&mut self, jobs: Vec<Job>, answers: &mut Vec<Answer>) -> Result<(), RecordError> {
        let mut outcome = self.log.begin().map_err(RecordError::from);
        for job in jobs {
            let (result, answer) = job(outcome.map(|()| &mut self.log));
            answers.push(answer);
            outcome = result;
        }
        let committed = outcome.and_then(|()| Ok(self.log.commit()?));
        match committed {
            Ok(removed) => {
                for technician in removed {
                    // Nobody listens in a command that runs without a relay.
                    drop(self.removals.send(technician));
                }
                Ok(())
            }
            Err(error) => {
                self.log.rollback();
                Err(error)
            }
        }
    }
}
