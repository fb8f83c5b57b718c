//! The writer's thread: takes what is queued, runs it in one transaction, commits, then answers everybody (group
//! commit: one `fsync` for all who wait). If anything of the store fails, the whole batch is rolled back and nobody is
//! told otherwise; the next batch begins with a fresh connection, so the record recovers without a restart.

use super::{error::RecordError, folder::Lock, log::Log};
use nearhand_proto::ids::ActorId;
use tokio::sync::{broadcast, mpsc, oneshot};

/// Called with how the commit went.
pub(super) type Answer = Box<dyn FnOnce(Result<(), RecordError>) + Send>;

/// Work on the log, or the news that there is none. The error is the store's, never a refusal: it takes the whole
/// batch down.
pub(super) type Job =
    Box<dyn FnOnce(Result<&mut Log, RecordError>) -> (Result<(), RecordError>, Answer) + Send>;

/// What the thread is asked.
pub(super) enum Command {
    /// Run this in a transaction.
    Run(Job),
    /// Finish what is queued, close the store, answer, end.
    Stop(oneshot::Sender<()>),
}

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
}

impl Writer {
    /// Runs until told to stop or until nobody can ask any more.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.blocking_recv() {
            let (batch, stop) = gather(first, &mut commands);
            self.batch(batch);
            if let Some(done) = stop {
                drop(self);
                // Whoever asked may have given up waiting.
                let _ = done.send(());
                return;
            }
        }
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

/// What is queued now, at least `first`.
fn gather(first: Command, commands: &mut mpsc::Receiver<Command>) -> (Vec<Job>, Option<oneshot::Sender<()>>) {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(command) = next {
        match command {
            Command::Run(job) => batch.push(job),
            Command::Stop(done) => return (batch, Some(done)),
        }
        next = if batch.len() < MAX_BATCH { commands.try_recv().ok() } else { None };
    }
    (batch, None)
}
