//! The technician's desk: what the window needs of the world besides a display. Starts sessions, enrols, and reports
//! slips, as tasks of a runtime that runs beside the window; nothing here waits for the network.

use crate::{
    headless::snapshot,
    messages::{Handle, channels},
    screen::Snapshot,
    session::Figures,
    slips::Slips,
    state::{State, StateError},
    viewer::{self, ViewerConfig},
};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    control::{Technician, Token},
    net::{Identity, Moves},
    relay_string::RelayString,
    rights::Rights,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{runtime, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

/// For how long a lost host is dialled anew.
const ABSENCE: Duration = Duration::from_secs(600);

/// How long sessions may take to end when the window closes.
const GRACE: Duration = Duration::from_secs(5);

/// Settings, resolved.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where key and relay are kept.
    pub state: State,
    /// The relay; `None` until an enrolment.
    pub relay: Option<RelayString>,
    /// The rights that a session asks for at its start.
    pub want: Rights,
    /// For how long a relay that does not answer is dialled.
    pub patience: Duration,
}

/// A desk of one technician.
pub struct Desk {
    runtime: runtime::Handle,
    setting: Setting,
    tasks: JoinSet<()>,
}

/// An errand under way. Dropping it gives it up.
pub type Errand<T> = AbortOnDropHandle<Result<T, Failure>>;

/// Why an errand or a start failed.
#[derive(Debug)]
pub enum Failure {
    /// For a reason that everybody knows.
    Close(Close),
    /// The state folder can't be used, or no file can be written; a sentence.
    Local(String),
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::Local(match std::error::Error::source(&error) {
            Some(source) => format!("{error} ({source})"),
            None => error.to_string(),
        })
    }
}

impl Desk {
    /// A desk whose tasks run on `runtime`.
    pub fn new(runtime: runtime::Handle, setting: Setting) -> Self {
        Self { runtime, setting, tasks: JoinSet::new() }
    }

    /// The relay's host name, if one is known and this computer has a key to be known by there.
    ///
    /// # Errors
    /// [`Failure::Local`] if the state folder can't be read.
    pub fn enrolled_at(&self) -> Result<Option<String>, Failure> {
        let is_enrolled = self.setting.state.identity()?.is_some();
        Ok(self.relay().filter(|_| is_enrolled).map(|relay| relay.host.clone()))
    }

    /// The relay that is dialled.
    pub fn relay(&self) -> Option<&RelayString> {
        self.setting.relay.as_ref()
    }

    /// What a session asks the user for at its start.
    pub fn want(&self) -> Rights {
        self.setting.want
    }

    /// Starts a session.
    ///
    /// # Errors
    /// [`Failure`] if there is no key to hold it with, or no relay.
    pub fn start(&mut self, code: SessionCode) -> Result<Handle, Failure> {
        let Setting { state, relay, want, patience } = self.setting.clone();
        let relay = relay.ok_or(Failure::Close(Close::UnknownTechnician))?;
        let technician = state.identity()?.ok_or(Failure::Close(Close::UnknownTechnician))?;
        let config = ViewerConfig {
            relay,
            code,
            want,
            technician: Arc::new(technician),
            slips: Slips::new(state),
            patience,
            moves: Moves::default(),
            absence: ABSENCE,
            step: nearhand_proto::net::STEP,
        };
        let figures = Arc::new(Figures::default());
        let (handle, ends) = channels(figures.clone());
        self.spawn(async move {
            // The reason is told as the last event.
            let _ = viewer::run(config, ends, figures).await;
        });
        Ok(handle)
    }

    /// Makes this computer's key an enrolled one. Tell [`Desk::handle_enrolled`] when it has worked.
    pub fn enrol(&self, relay: RelayString, token: Token) -> Errand<Technician> {
        let Setting { state, patience, .. } = self.setting.clone();
        AbortOnDropHandle::new(self.runtime.spawn(async move {
            let identity = Arc::new(match state.identity()? {
                Some(identity) => identity,
                None => fresh()?,
            });
            // Kept before the relay knows it: a key that is lost after enrolment would cost a new token.
            state.save_identity(&identity)?;
            let enrolled = viewer::enrol(relay.clone(), identity, token, patience).await;
            let technician = enrolled.map_err(|error| Failure::Close(error.close()))?;
            state.save_relay(&relay)?;
            Ok(technician)
        }))
    }

    /// The enrolment at `relay` has worked: sessions go there from now on.
    pub fn handle_enrolled(&mut self, relay: RelayString) {
        self.setting.relay = Some(relay);
    }

    /// Tells the relay, for its record, that a code was mistyped here.
    pub fn report_slip(&mut self) {
        let Some(relay) = self.setting.relay.clone() else { return };
        if let Ok(Some(technician)) = self.setting.state.identity() {
            self.spawn(viewer::report_mistyped(relay, Arc::new(technician)));
        }
    }

    /// Writes the picture as a PNG file and makes its folder if need be.
    pub fn save(&self, picture: Snapshot, path: PathBuf) -> Errand<PathBuf> {
        AbortOnDropHandle::new(self.runtime.spawn_blocking(move || {
            if let Some(folder) = path.parent() {
                let failed = |error| Failure::Local(format!("can't make {}: {error}", folder.display()));
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            snapshot::write(&path, &picture).map_err(|error| Failure::Local(error.to_string()))?;
            Ok(path)
        }))
    }

    /// Waits until every session has ended, at most for 5 s; what is late is aborted. Drop their handles before.
    pub async fn close(mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("a session did not end in time");
        }
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn_on(task, &self.runtime);
    }
}

fn fresh() -> Result<Identity, Failure> {
    viewer::new_technician().map_err(|error| Failure::Local(error.to_string()))
}
