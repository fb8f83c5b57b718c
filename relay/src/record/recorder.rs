//! The record's public face: a cheap handle that every task may hold. Every call waits until the commit that holds it
//! is durable; only [`Recorder::note`] does not.

use super::{
    error::{OpenError, RecordError},
    folder,
    log::Log,
    sqlite::Sqlite,
    store::{EntryRow, Filter, HeadRow, SessionRow},
    writer::{Answer, Command, Haste, Job, Writer},
};
use crate::technicians::Roll;
use nearhand_proto::{
    ids::{ActorId, SessionId},
    record::{Entry, Event},
};
use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    thread::JoinHandle,
};
use tokio::{
    runtime,
    sync::{Notify, broadcast, mpsc, oneshot},
};

/// Requests that may wait for the writer. When it is full, whoever wants to record waits.
const QUEUE: usize = 256;

/// Removed technicians that a slow listener may lag behind; then it must ask about everybody it knows.
const REMOVALS: usize = 256;

/// A handle to the writer's thread.
#[derive(Clone)]
pub struct Recorder {
    commands: mpsc::Sender<Command>,
    hurry: Arc<Notify>,
    roll: Arc<RwLock<Roll>>,
    removals: broadcast::Sender<ActorId>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    actor: ActorId,
    read_only: bool,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("actor", &self.actor).field("read_only", &self.read_only).finish()
    }
}

impl Recorder {
    /// Opens the record of a relay that serves: makes the folder, takes its lock, and writes `relay.crashed` if the
    /// last run ended without a word. `actor` names this relay in its facts. Blocks while it reads the store's end.
    ///
    /// # Errors
    /// [`OpenError`]; `Locked` if a relay or a command works here.
    pub fn open(dir: &Path, actor: ActorId) -> Result<Self, OpenError> {
        folder::create(dir)?;
        Self::write(dir, Some(actor), |log| {
            log.store().put_actor(actor)?;
            log.note_crash()
        })
    }

    /// Opens the record for a command while no relay runs. `create` makes a folder that is missing.
    pub(crate) fn open_for_command(dir: &Path, create: bool) -> Result<Self, OpenError> {
        if create {
            folder::create(dir)?;
        } else if !dir.join("record.db").exists() {
            return Err(OpenError::Missing(dir.to_owned()));
        }
        Self::write(dir, None, |_| Ok(()))
    }

    /// Opens the record for reading alone: takes no lock, writes nothing, trusts nothing that is stored.
    pub(crate) fn open_read_only(dir: &Path) -> Result<Self, OpenError> {
        let log = Log::open_read_only(Box::new(Sqlite::open_read_only(dir)?));
        Self::spawn(log, None)
    }

    fn write(
        dir: &Path,
        actor: Option<ActorId>,
        first: impl FnOnce(&mut Log) -> Result<(), RecordError>,
    ) -> Result<Self, OpenError> {
        let lock = folder::lock(dir)?;
        let mut log = Log::open(Box::new(Sqlite::open(dir)?), actor)?;
        log.begin()?;
        first(&mut log).map_err(|error| super::StoreError::Failed(error.into()))?;
        log.commit()?;
        Self::spawn(log, Some(lock))
    }

    fn spawn(log: Log, lock: Option<folder::Lock>) -> Result<Self, OpenError> {
        let (commands, receiver) = mpsc::channel(QUEUE);
        let (removals, _) = broadcast::channel(REMOVALS);
        let (actor, read_only) = (log.actor(), lock.is_none());
        let (hurry, roll) = (Arc::new(Notify::new()), log.roll());
        let writer = Writer { log, _lock: lock, removals: removals.clone(), hurry: hurry.clone() };
        // With a driver for I/O as well it waits by epoll(7), whose time is relative. A futex's is absolute: where a library
        // moves the clocks below the program, as a test of 400 days does, it would wait as long.
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(OpenError::Thread)?;
        let thread = std::thread::Builder::new().name("record".into());
        let thread =
            thread.spawn(move || runtime.block_on(writer.run(receiver))).map_err(OpenError::Thread)?;
        let thread = Arc::new(Mutex::new(Some(thread)));
        Ok(Self { commands, hurry, roll, removals, thread, actor, read_only })
    }

    /// The relay's own actor id.
    pub fn actor(&self) -> ActorId {
        self.actor
    }

    /// True if nothing can be recorded here.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Technicians removed from now on: cut their live connections. A listener that lags (`RecvError::Lagged`) must
    /// look up everybody it knows.
    pub fn removed(&self) -> broadcast::Receiver<ActorId> {
        self.removals.subscribe()
    }

    /// Who is enrolled, as of the last commit.
    pub(crate) fn roll(&self) -> RwLockReadGuard<'_, Roll> {
        self.roll.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a fact that the relay witnesses, in its order among all others: it is durable with the next commit, within
    /// some 10 ms on a healthy disk. One that can't be written is said in the log.
    ///
    /// # Errors
    /// `Closed` at the end.
    ///
    /// # Cancel safety
    /// Cancel safe: the fact is queued or is not.
    pub async fn note(&self, session: SessionId, actor: ActorId, event: Event) -> Result<(), RecordError> {
        let name = event.name();
        let answer = move |recorded: Result<u64, RecordError>| {
            if let Err(error) = recorded {
                tracing::warn!(%error, event = name, "fact not recorded");
            }
        };
        self.queue(Haste::Soon, move |log| log.fact(session, actor, &event), answer).await
    }

    /// Records a fact that the relay witnesses. Returns the number of its leaf.
    ///
    /// # Errors
    /// `Unavailable` if it is not durable, `Closed` at the end.
    pub async fn fact(&self, session: SessionId, actor: ActorId, event: Event) -> Result<u64, RecordError> {
        self.call(move |log| log.fact(session, actor, &event)).await
    }

    /// Commits a session together with its `session.start`. No route may open before this has returned `Ok`.
    ///
    /// # Errors
    /// `Unavailable`; `NotOpen` if there was a session with this id.
    pub async fn start_session(&self, row: SessionRow, event: Event) -> Result<(), RecordError> {
        self.call(move |log| log.start_session(row, &event)).await
    }

    /// Records what a host sent about its session: consecutive facts of its own or the viewer's. What is stored
    /// already is accepted silently if it is the same. All or nothing. Returns the next number, to acknowledge.
    ///
    /// # Errors
    /// `Unavailable`; `NotOpen` for an ended session; `Peer*` if the host broke the rules.
    pub async fn append(&self, session: SessionId, entries: Vec<Entry>) -> Result<u64, RecordError> {
        self.call_soon(move |log| log.append(session, &entries)).await
    }

    /// Ends a session with `session.end` or `session.lost`. False if it was not open: nothing is recorded then.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_session(&self, session: SessionId, event: Event) -> Result<bool, RecordError> {
        self.call_soon(move |log| log.end_session(session, &event)).await
    }

    /// Every open session, each with the next number of its facts: for a relay that starts again.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn all_open_sessions(&self) -> Result<Vec<(SessionRow, u64)>, RecordError> {
        let found = self.call(|log| Ok(log.store().open_sessions()?)).await?;
        Ok(found.into_iter().map(|session| (session.row, session.next)).collect())
    }

    /// Finishes what is queued, closes the store, frees the folder's lock and ends the thread. Later calls on other
    /// handles get `Closed`.
    pub async fn close(self) {
        let (done, wait) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            self.hurry.notify_one();
            // The thread is gone already if this fails.
            drop(wait.await);
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the record's thread panicked");
        }
    }

    /// One page of entries.
    pub(crate) async fn entries(&self, filter: Filter, limit: u32) -> Result<Vec<EntryRow>, RecordError> {
        self.call(move |log| Ok(log.store().entries(&filter, limit)?)).await
    }

    /// One page of heads of at least this size.
    pub(crate) async fn heads(&self, from: u64, limit: u32) -> Result<Vec<HeadRow>, RecordError> {
        self.call(move |log| Ok(log.store().heads(from, limit)?)).await
    }

    /// Entries now, and the head over them.
    pub(crate) async fn end(&self) -> Result<(u64, Option<HeadRow>), RecordError> {
        self.call(|log| Ok(log.end()?)).await
    }

    /// Runs `work` on the writer's thread and waits for the commit.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T, RecordError> + Send + 'static,
    ) -> Result<T, RecordError> {
        self.wait(Haste::Now, work).await
    }

    /// The same where a few milliseconds don't matter: the commit may serve others as well.
    pub(crate) async fn call_soon<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T, RecordError> + Send + 'static,
    ) -> Result<T, RecordError> {
        self.wait(Haste::Soon, work).await
    }

    async fn wait<T: Send + 'static>(
        &self,
        haste: Haste,
        work: impl FnOnce(&mut Log) -> Result<T, RecordError> + Send + 'static,
    ) -> Result<T, RecordError> {
        let (sender, receiver) = oneshot::channel();
        // Whoever asked may have given up waiting; what is recorded stays recorded.
        self.queue(haste, work, move |result| drop(sender.send(result))).await?;
        // A job is dropped unanswered only with the whole queue.
        receiver.await.unwrap_or(Err(RecordError::Closed))
    }

    /// Queues `work`; `done` hears after the commit.
    async fn queue<T: Send + 'static>(
        &self,
        haste: Haste,
        work: impl FnOnce(&mut Log) -> Result<T, RecordError> + Send + 'static,
        done: impl FnOnce(Result<T, RecordError>) + Send + 'static,
    ) -> Result<(), RecordError> {
        let job: Job = Box::new(move |log| {
            let result = log.and_then(work);
            let store = match &result {
                Err(error @ RecordError::Unavailable(_)) => Err(error.clone()),
                _ => Ok(()),
            };
            let answer: Answer = Box::new(move |committed| done(committed.and(result)));
            (store, answer)
        });
        self.commands.send(Command::Run(job, haste)).await.map_err(|_| RecordError::Closed)?;
        if haste == Haste::Now {
            self.hurry.notify_one();
        }
        Ok(())
    }
}
