//! Technicians, and their viewer without a window: the real viewer, driven by commands, heard by events.

use crate::{
    host::Host,
    journal::{Journal, eventually, in_time},
    operator::Operator,
};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    control::Token,
    ids::SessionId,
    net::{Identity, Moves},
    relay_string::RelayString,
    rights::Rights,
    session::{
        control::RightsChange,
        geometry::{MonitorId, Point},
        input::{Button, Usage},
    },
};
use nearhand_viewer::{
    messages::{Act, Command, Event, Stats, Telemetry, channels},
    screen::{Screen, Snapshot},
    session::Figures,
    slips::Slips,
    state::State,
    viewer::{self, ViewerConfig},
};
use std::{fmt, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// For how long a story's viewer tries to reach a relay.
const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody with a key and a state folder.
#[derive(Debug)]
pub struct Technician {
    /// Their name at the relay.
    pub name: String,
    /// Their key.
    pub identity: Arc<Identity>,
    folder: TempDir,
}

impl Technician {
    /// Somebody whom no relay knows.
    ///
    /// # Panics
    /// If there is no room for a folder.
    pub fn stranger(name: &str) -> Self {
        let identity = Arc::new(viewer::new_technician().expect("a key can be made"));
        let folder = tempfile::tempdir().expect("room for a folder");
        Self { name: name.to_owned(), identity, folder }
    }

    /// Somebody whom the operator has added, and who has enrolled.
    ///
    /// # Panics
    /// If the enrolment fails.
    pub async fn enrolled(name: &str, relay: RelayString, operator: &Operator) -> Self {
        let technician = Self::stranger(name);
        let token = operator.add(name).await;
        technician.enrol(relay, token).await.expect("a fresh token enrols");
        technician
    }

    /// Enrols with a token.
    ///
    /// # Errors
    /// Why not.
    pub async fn enrol(&self, relay: RelayString, token: Token) -> Result<(), Close> {
        let done = viewer::enrol(relay, self.identity.clone(), token, PATIENCE).await;
        done.map(drop).map_err(|error| error.close())
    }

    /// Their state folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What they would start a viewer with.
    ///
    /// # Panics
    /// If the state folder can't be used.
    pub fn config(&self, relay: RelayString, code: &SessionCode) -> ViewerConfig {
        let state = State::open(Some(self.folder.path().to_owned())).expect("a state folder");
        ViewerConfig {
            relay,
            code: code.clone(),
            want: Rights::VIEW | Rights::CONTROL,
            technician: self.identity.clone(),
            slips: Slips::new(state),
            patience: PATIENCE,
            moves: Moves::default(),
            absence: Duration::from_secs(600),
            step: nearhand_proto::net::STEP,
        }
    }
}

/// A viewer that runs.
pub struct Viewer {
    /// What it told.
    pub events: Journal<Event>,
    /// The picture.
    pub screen: Screen,
    /// Tells it that its computer's network has changed.
    pub moves: Moves,
    commands: mpsc::Sender<Command>,
    figures: Arc<Figures>,
    task: AbortOnDropHandle<Close>,
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Viewer({:?})", self.figures)
    }
}

impl Viewer {
    /// Starts a viewer.
    pub fn start(config: ViewerConfig) -> Self {
        let (figures, moves) = (Arc::new(Figures::default()), config.moves.clone());
        let (handle, ends) = channels(figures.clone());
        let task = tokio::spawn(viewer::run(config, ends, figures.clone()));
        Self {
            events: Journal::keep("the viewer", handle.events),
            screen: handle.screen,
            moves,
            commands: handle.commands,
            figures,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// Sends a command.
    ///
    /// # Panics
    /// If the viewer has gone.
    pub async fn send(&self, command: Command) {
        self.commands.send(command).await.expect("a viewer that runs takes commands");
    }

    /// Uses mouse or keyboard.
    pub async fn act(&self, act: Act) {
        self.send(Command::Input(act)).await;
    }

    /// Moves there and clicks.
    pub async fn click(&self, x: u16, y: u16) {
        self.act(Act::Pointer(Point { x, y })).await;
        self.act(Act::Button { button: Button::Left, down: true }).await;
        self.act(Act::Button { button: Button::Left, down: false }).await;
    }

    /// Presses or releases a key.
    pub async fn key(&self, usage: u16, down: bool) {
        self.act(Act::Key { usage: Usage(usage), down }).await;
    }

    /// Types text.
    pub async fn types(&self, text: &str) {
        self.act(Act::Text(text.to_owned())).await;
    }

    /// Writes a note and waits until it is durable; returns its number.
    pub async fn note(&mut self, text: &str) -> u64 {
        self.events.skip();
        self.send(Command::Note(text.to_owned())).await;
        let noted = |event: &Event| if let Event::Noted { seq } = event { Some(*seq) } else { None };
        self.events.next("the note's number", noted).await
    }

    /// Waits until exactly this is told.
    pub async fn hears(&mut self, wanted: Event) {
        let what = format!("{wanted:?}");
        self.events.next(&what, |event| (*event == wanted).then_some(())).await;
    }

    /// Waits until these are all rights that are held, for this reason.
    pub async fn holds(&mut self, held: Rights, why: RightsChange) {
        self.hears(Event::Rights { held, why }).await;
    }

    /// Waits until an update of this monitor is told: from then on pointers are its own.
    pub async fn hears_picture_of(&mut self, wanted: MonitorId) {
        let is = |event: &Event| {
            matches!(event, Event::Updated { monitor, .. } if *monitor == wanted).then_some(())
        };
        self.events.next(&format!("a picture of {wanted:?}"), is).await;
    }

    /// Waits until the picture is what this monitor of the host shows now, pixel for pixel.
    pub async fn shows(&self, host: &Host, monitor: MonitorId) {
        let wanted = rgb(&host.screen.pixels(monitor));
        let is_exact = || self.screen.snapshot().filter(|shown| shown.rgb == wanted).map(drop);
        eventually("the viewer's picture equals the host's screen", is_exact).await;
    }

    /// The picture.
    ///
    /// # Panics
    /// If there is none yet.
    pub fn snapshot(&self) -> Snapshot {
        self.screen.snapshot().expect("there is a picture")
    }

    /// True while there is a picture.
    pub fn has_picture(&self) -> bool {
        self.screen.size().is_some()
    }

    /// The session's figures.
    pub fn stats(&self) -> Stats {
        self.figures.stats()
    }

    /// The session's id, once it is paired.
    pub async fn session(&mut self) -> SessionId {
        eventually("the viewer is paired", || self.figures.stats().session).await
    }

    /// Waits until it tells that it has ended; returns the reason.
    pub async fn ended(&mut self) -> Close {
        let ended = |event: &Event| if let Event::Ended(why) = event { Some(*why) } else { None };
        self.events.next("the viewer's end", ended).await
    }

    /// Ends the session in order; returns the reason.
    pub async fn end(self) -> Close {
        self.send(Command::End).await;
        self.over().await
    }

    /// Waits until it has ended by itself; returns the reason.
    ///
    /// # Panics
    /// If it does not end, or its last word is another one.
    pub async fn over(mut self) -> Close {
        let why = in_time("the viewer's end", &mut self.task).await.expect("the viewer does not panic");
        self.hears(Event::Ended(why)).await;
        why
    }
}

/// BGRX8 as RGB8.
pub fn rgb(bgrx: &[u8]) -> Vec<u8> {
    bgrx.chunks(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
}
