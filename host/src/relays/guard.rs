//! Between the front and a host that runs: passes on what each says to the other, and writes down that a relay is a
//! scam before the host hears of it.

use super::{Plan, RunError, book::BookError, entry::Caller};
use crate::{
    front::{self, Front, Press, Show, Stage},
    host::{self, HostConfig},
    terminal,
};
use nearhand_proto::{close::Close, relay_string::RelayString};
use std::{
    future::pending,
    sync::{Mutex, PoisonError},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What both ways have seen.
struct Seen<'a> {
    plan: &'a Plan,
    relay: RelayString,
    /// Who called last.
    caller: Mutex<Caller>,
    /// The relay could not be blocked.
    not_blocked: Mutex<Option<BookError>>,
}

/// Runs a host.
pub(super) async fn guard(
    plan: &Plan,
    config: HostConfig,
    stage: Stage,
    stop: CancellationToken,
) -> Result<Close, RunError> {
    let (Front { shows, presses }, inner) = front::channels();
    let seen =
        Seen { plan, relay: config.relay.clone(), caller: Mutex::default(), not_blocked: Mutex::default() };
    let host = host::run(config, inner, stop);
    let result = tokio::select! {
        // The user first: a scam is blocked before the host takes its next step.
        biased;
        never = seen.pass_presses(stage.presses, presses) => match never {},
        (result, ()) = async { tokio::join!(host, seen.pass_shows(shows, &stage.shows)) } => result,
    };
    match seen.not_blocked.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(source) => Err(RunError::NotBlocked { host: seen.relay.host, source }),
        None => Ok(result?),
    }
}

impl Seen<'_> {
    /// Front to host. Goes on when the front has gone, since the host does.
    async fn pass_presses(
        &self,
        mut from: mpsc::Receiver<Press>,
        to: mpsc::Sender<Press>,
    ) -> std::convert::Infallible {
        while let Some(press) = from.recv().await {
            let scam = press == Press::Scam;
            if scam {
                self.block();
            }
            // A host that is ending takes nothing any more.
            let _ = to.send(press).await;
            if scam {
                // The user's last word: closing the window makes no other reason of it.
                break;
            }
        }
        drop(to);
        pending().await
    }

    /// Writes it here and now, although that takes a moment: nothing else may come first, since the program may be
    /// killed at any time.
    fn block(&self) {
        let caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Err(error) = self.plan.book.block(&self.relay, caller) {
            tracing::error!(%error, "the relay could not be blocked");
            *self.not_blocked.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// Host to front, until the host has ended.
    async fn pass_shows(&self, mut from: mpsc::Receiver<Show>, to: &mpsc::Sender<Show>) {
        while let Some(show) = from.recv().await {
            self.note(&show);
            if let (Show::Bye(_), Some(fault)) = (&show, self.fault()) {
                let _ = to.send(Show::Fault(fault)).await;
            }
            // A front that has gone shows nothing.
            let _ = to.send(show).await;
        }
    }

    fn note(&self, show: &Show) {
        let (technician, desk) = match show {
            Show::Relay { desk, .. } => (None, desk),
            Show::Caller { technician, desk }
            | Show::Ask { technician, desk, .. }
            | Show::Rights { technician, desk, .. } => (Some(technician), desk),
            Show::Code { code, .. } if self.plan.window => return terminal::print_code(code),
            _ => return,
        };
        let mut caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        // The relay may come back under the same name after a technician called.
        if let Some(technician) = technician {
            caller.technician = Some(technician.clone());
        }
        caller.desk = Some(desk.clone());
    }

    fn fault(&self) -> Option<String> {
        let not_blocked = self.not_blocked.lock().unwrap_or_else(PoisonError::into_inner);
        not_blocked.as_ref().map(|error| super::not_blocked(&self.relay.host, error))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Book, Standing},
        *,
    };
    use nearhand_proto::ids::Fingerprint;

    #[tokio::test]
    async fn a_scam_is_on_disk_before_the_host_hears_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let book = Book::new(folder.path().to_owned());
        let relay = RelayString { host: "a.example".into(), port: 1, key: Fingerprint::of(b"k") };
        let plan = Plan { found: None, book: book.clone(), window: false };
        let (caller, not_blocked) = (Mutex::default(), Mutex::default());
        let seen = Seen { plan: &plan, relay: relay.clone(), caller, not_blocked };
        let (front, presses) = mpsc::channel(1);
        let (to_host, mut host) = mpsc::channel(1);
        // A host that takes nothing.
        to_host.send(Press::Key).await.unwrap();
        front.send(Press::Scam).await.unwrap();
        tokio::select! {
            biased;
            never = seen.pass_presses(presses, to_host) => match never {},
            () = std::future::ready(()) => {}
        }
        assert_eq!(host.recv().await, Some(Press::Key));
        assert_eq!(host.recv().await, None, "the host has not heard of it");
        assert!(matches!(book.standing(&relay).unwrap(), Standing::Blocked(_)));
    }
}
