//! A scripted host and its user: the real host over a painted screen, recorded input, and a user who sees what is
//! shown and presses what the story says.

use crate::journal::{Journal, in_time};
use nearhand_desktop::clipboard::scripted::Board;
use nearhand_host::{
    capture::scripted::Screen,
    front::{self, Front, Over, Press, Show},
    host::{self, HostConfig},
    inject::recorder::Recorder,
    session::Desktop,
    user::scripted::Hands,
};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    net::{DialError, IDLE, Moves},
    pair::Lifetimes,
    relay_string::RelayString,
    rights::Rights,
    session::{
        consent::PATIENCE,
        geometry::{MonitorId, Size},
    },
    text::Name,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// The first monitor of every scripted screen.
pub const FIRST: MonitorId = MonitorId(0);

/// An odd size, small enough to be quick.
pub const SIZE: Size = Size { width: 203, height: 151 };

/// A host that runs.
#[derive(Debug)]
pub struct Host {
    /// What it shares.
    pub screen: Screen,
    /// What it injected.
    pub input: Recorder,
    /// Its user's hands.
    pub hands: Hands,
    /// Its user's clipboard.
    pub board: Board,
    /// What its user saw.
    pub shows: Journal<Show>,
    /// Tells it that its computer's network has changed.
    pub moves: Moves,
    presses: mpsc::Sender<Press>,
    stop: CancellationToken,
    task: AbortOnDropHandle<Result<Close, DialError>>,
}

/// The settings of a host at this relay, with nothing preset and a user who is there.
pub fn config(
    relay: RelayString,
    screen: &Screen,
    input: &Recorder,
    hands: &Hands,
    board: &Board,
) -> HostConfig {
    let (screen, input, hands) = (screen.clone(), input.clone(), hands.clone());
    HostConfig {
        relay,
        preset: Rights::empty(),
        computer: Name::lossy("desk-7"),
        has_user: true,
        lifetimes: Lifetimes::default(),
        answer: PATIENCE,
        idle: IDLE,
        absence: Duration::from_secs(600),
        step: Duration::from_secs(30),
        patience: Duration::from_secs(10),
        moves: Moves::default(),
        once: false,
        desktop: Desktop {
            capture: Arc::new(move || screen.open()),
            inject: Arc::new(move || input.open()),
            clipboard: board.open(),
            user: Arc::new(move |touches| hands.watch(touches)),
        },
    }
}

impl Host {
    /// Starts a host with one monitor of [`SIZE`]; `tune` changes its settings.
    pub fn start(relay: RelayString, tune: impl FnOnce(&mut HostConfig)) -> Self {
        let (host, front) = Self::start_behind(relay, tune);
        Self { shows: Journal::keep("the user", front.shows), ..host }
    }

    /// The same, seen through a front of the caller's: its journal stays empty.
    pub fn start_behind(relay: RelayString, tune: impl FnOnce(&mut HostConfig)) -> (Self, Front) {
        let (screen, input, hands) = (Screen::new(&[SIZE]), Recorder::default(), Hands::default());
        let board = Board::default();
        let mut settings = config(relay, &screen, &input, &hands, &board);
        tune(&mut settings);
        let moves = settings.moves.clone();
        let (front, stage) = front::channels();
        let stop = CancellationToken::new();
        let task = tokio::spawn(host::run(settings, stage, stop.clone()));
        let host = Self {
            screen,
            input,
            hands,
            board,
            shows: Journal::keep("nobody", mpsc::channel(1).1),
            moves,
            presses: front.presses.clone(),
            stop,
            task: AbortOnDropHandle::new(task),
        };
        (host, front)
    }

    /// The next code that is shown.
    pub async fn code(&mut self) -> SessionCode {
        let code = |show: &Show| if let Show::Code { code, .. } = show { Some(code.clone()) } else { None };
        self.shows.next("a code", code).await
    }

    /// Waits until exactly this is shown.
    pub async fn sees(&mut self, wanted: Show) {
        let what = format!("{wanted:?}");
        self.shows.next(&what, |show| (*show == wanted).then_some(())).await;
    }

    /// Waits until the code is over, for this reason.
    pub async fn sees_code_over(&mut self, why: Over) {
        self.sees(Show::CodeOver(why)).await;
    }

    /// Waits until the user is asked for these rights.
    pub async fn asked(&mut self, wanted: Rights) {
        let asked = |show: &Show| matches!(show, Show::Ask { rights, .. } if *rights == wanted).then_some(());
        self.shows.next(&format!("a question for {wanted}"), asked).await;
    }

    /// Waits for the question and says yes.
    pub async fn allow(&mut self, wanted: Rights) {
        self.asked(wanted).await;
        self.press(Press::Allow(wanted)).await;
    }

    /// The user presses something.
    ///
    /// # Panics
    /// If the host has gone.
    pub async fn press(&self, press: Press) {
        self.presses.send(press).await.expect("a host that runs takes presses");
    }

    /// Waits until the session is over; returns why.
    pub async fn session_over(&mut self) -> Close {
        self.shows
            .next("the session's end", |show| if let Show::Ended(why) = show { Some(*why) } else { None })
            .await
    }

    /// Ends the host in order; returns why it ended.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn stop(self) -> Result<Close, DialError> {
        self.stop.cancel();
        self.over().await
    }

    /// Waits until the host has ended by itself.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn over(self) -> Result<Close, DialError> {
        in_time("the host's end", self.task).await.expect("the host does not panic")
    }
}
