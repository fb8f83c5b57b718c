//! Waiting without sleeping: what was shown or told is kept in order, and a story waits for the next entry it wants.
//! What does not come before [`DEADLINE`] fails the story with everything that came instead.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

/// How long anything in a story may take. Long, since a good run never waits for it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How often [`eventually`] looks.
const LOOK: Duration = Duration::from_millis(5);

/// Entries shown in a failure.
const SHOWN: usize = 60;

/// Everything that came out of a channel so far, and how far the story has read.
#[derive(Debug)]
pub struct Journal<T> {
    whose: String,
    items: Arc<Mutex<Vec<T>>>,
    changed: watch::Receiver<usize>,
    read: usize,
    _pump: AbortOnDropHandle<()>,
}

impl<T: Clone + Debug + Send + 'static> Journal<T> {
    /// Keeps what comes out of `source` from now on; `whose` names it in failures.
    pub fn keep(whose: impl Into<String>, mut source: mpsc::Receiver<T>) -> Self {
        let items = Arc::new(Mutex::new(Vec::new()));
        let (count, changed) = watch::channel(0);
        let kept = items.clone();
        let pump = tokio::spawn(async move {
            while let Some(item) = source.recv().await {
                let mut items = kept.lock().unwrap_or_else(PoisonError::into_inner);
                items.push(item);
                count.send_replace(items.len());
            }
        });
        Self { whose: whose.into(), items, changed, read: 0, _pump: AbortOnDropHandle::new(pump) }
    }

    /// The next entry for which `pick` returns something; those before it are skipped for good.
    ///
    /// # Panics
    /// If none comes before [`DEADLINE`], or none can come any more.
    pub async fn next<R>(&mut self, what: &str, mut pick: impl FnMut(&T) -> Option<R>) -> R {
        let found = timeout(DEADLINE, async {
            loop {
                let open = self.changed.has_changed().is_ok();
                while let Some(item) = self.item(self.read) {
                    self.read += 1;
                    if let Some(picked) = pick(&item) {
                        return Some(picked);
                    }
                }
                if !open || self.changed.changed().await.is_err() && self.item(self.read).is_none() {
                    return None;
                }
            }
        });
        let why = match found.await {
            Ok(Some(picked)) => return picked,
            Ok(None) => "has ended and",
            Err(_) => "in time",
        };
        panic!("{} {why} did not see {what}; it saw {:#?}", self.whose, self.last());
    }

    /// Reads everything so far: what comes next is new.
    pub fn skip(&mut self) {
        self.read = self.all().len();
    }

    /// Everything so far, read or not.
    pub fn all(&self) -> Vec<T> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at everything so far, without copying it.
    pub fn look<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn item(&self, at: usize) -> Option<T> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).get(at).cloned()
    }

    fn last(&self) -> Vec<T> {
        let all = self.all();
        all[all.len().saturating_sub(SHOWN)..].to_vec()
    }
}

/// Waits until `look` returns something.
///
/// # Panics
/// If that takes longer than [`DEADLINE`].
pub async fn eventually<R>(what: &str, mut look: impl FnMut() -> Option<R>) -> R {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "not in time: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits for `future`.
///
/// # Panics
/// If that takes longer than [`DEADLINE`].
pub async fn in_time<R>(what: &str, future: impl Future<Output = R>) -> R {
    match timeout(DEADLINE, future).await {
        Ok(result) => result,
        Err(_) => panic!("not in time: {what}"),
    }
}
