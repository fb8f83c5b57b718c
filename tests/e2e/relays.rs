//! How a host comes to its relay, and what a user can do who has fallen for the wrong one.

use nearhand_desktop::clipboard::scripted::Board;
use nearhand_host::{
    capture::scripted::Screen,
    front::{self, Press, Show},
    host::HostConfig,
    inject::recorder::Recorder,
    relays::{self, Book, Caller, Found, Origin, Plan, RunError, Standing, find},
    user::scripted::Hands,
};
use nearhand_proto::{
    close::Close, code::SessionCode, ids::Fingerprint, relay_string::RelayString, rights::Rights, text::Name,
};
use nearhand_tests::{
    Viewer, World,
    host::{SIZE, config},
    journal::{Journal, in_time},
    weather::Weather,
};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// A user at the start of the program.
struct User {
    shows: Journal<Show>,
    presses: mpsc::Sender<Press>,
    stop: CancellationToken,
    task: AbortOnDropHandle<Result<Close, RunError>>,
}

impl User {
    /// Starts the program in a window; it finds what it has in `book`, unless this relay is named.
    fn start(book: &Book, named: Option<(&RelayString, Origin)>) -> Self {
        let found = match named {
            Some((relay, origin)) => Some(Found { relay: relay.clone(), origin }),
            None => find(None, &["nearhand-host"], None, book).unwrap(),
        };
        Self::with(Plan { found, book: book.clone(), window: true }, |_| {})
    }

    fn with(plan: Plan, tune: impl FnOnce(&mut HostConfig) + Send + 'static) -> Self {
        let (input, hands, board) = (Recorder::default(), Hands::default(), Board::default());
        let host = move |relay| {
            let mut config = config(relay, &Screen::new(&[SIZE]), &input, &hands, &board);
            tune(&mut config);
            config
        };
        let (front, stage) = front::channels();
        let stop = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(relays::run(plan, host, stage, stop.clone())));
        Self { shows: Journal::keep("the user", front.shows), presses: front.presses, stop, task }
    }

    async fn press(&self, press: Press) {
        self.presses.send(press).await.unwrap();
    }

    async fn sees(&mut self, wanted: Show) {
        self.shows.next(&format!("{wanted:?}"), |show| (*show == wanted).then_some(())).await;
    }

    /// The question for a new relay.
    async fn is_asked_for(&mut self, relay: &RelayString, changed: bool) {
        self.sees(Show::NewRelay { host: relay.host.clone(), changed }).await;
    }

    async fn code(&mut self) -> SessionCode {
        let code = |show: &Show| if let Show::Code { code, .. } = show { Some(code.clone()) } else { None };
        self.shows.next("a code", code).await
    }

    async fn allows(&mut self, wanted: Rights) {
        let asked = |show: &Show| matches!(show, Show::Ask { rights, .. } if *rights == wanted).then_some(());
        self.shows.next("a question", asked).await;
        self.press(Press::Allow(wanted)).await;
    }

    /// The end, which is the last thing seen as well; and everything that was seen.
    async fn over(mut self) -> (Result<Close, RunError>, Vec<Show>) {
        let result = in_time("the end", &mut self.task).await.unwrap();
        let why = match &result {
            Ok(why) => *why,
            Err(error) => error.close(),
        };
        self.sees(Show::Bye(why)).await;
        (result, self.shows.all())
    }

    async fn ends(self) {
        self.stop.cancel();
        assert_eq!(self.over().await.0.unwrap(), Close::Done);
    }
}

fn book(world: &World) -> Book {
    Book::new(world.folder().join("state"))
}

/// The way to the world's relay past a tap.
async fn tapped(world: &World) -> (Weather, RelayString) {
    let tap = world.tap().await;
    let relay = RelayString { port: tap.port(), ..world.relay() };
    (tap, relay)
}

/// The relay is blocked: starting with it again ends at once, without a word to it.
async fn stays_blocked(book: &Book, relay: &RelayString) {
    let silent = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    silent.set_nonblocking(true).unwrap();
    let elsewhere = RelayString { port: silent.local_addr().unwrap().port(), ..relay.clone() };
    for origin in [Origin::CommandLine, Origin::FileName] {
        let (result, shows) = User::start(book, Some((&elsewhere, origin))).over().await;
        let error = result.unwrap_err();
        assert!(matches!(&error, RunError::Blocked(known) if known.relay == *relay), "{error:?}");
        assert!(error.to_string().contains(&format!("--unblock {}", relay.host)), "{error}");
        assert_eq!(shows, [Show::Bye(Close::Blocked)]);
        assert_eq!(Close::Blocked.exit_code(), 18);
    }
    assert_eq!(silent.recv(&mut [0; 8]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_new_relay_is_confirmed_once_and_hears_nothing_before() {
    let world = World::start().await;
    let (book, (tap, relay)) = (book(&world), tapped(&world).await);
    let mut user = User::start(&book, Some((&relay, Origin::FileName)));
    user.is_asked_for(&relay, false).await;
    user.press(Press::Key).await;
    user.press(Press::Stop).await;
    assert_eq!(user.over().await.0.unwrap(), Close::UserStopped);
    assert!(tap.kept().is_empty(), "a relay that was not confirmed heard something");

    let mut user = User::start(&book, Some((&relay, Origin::FileName)));
    user.is_asked_for(&relay, false).await;
    user.press(Press::Trust).await;
    user.code().await;
    assert!(!tap.kept().is_empty());
    user.ends().await;

    let mut user = User::start(&book, Some((&relay, Origin::FileName)));
    user.code().await;
    assert!(!user.shows.all().iter().any(|show| matches!(show, Show::NewRelay { .. })), "asked twice");
    user.ends().await;
    world.end().await;
}

#[tokio::test]
async fn a_known_name_with_another_key_is_a_new_relay_and_said_to_have_changed() {
    let world = World::start().await;
    let (book, (tap, relay)) = (book(&world), tapped(&world).await);
    book.confirm(&RelayString { key: Fingerprint::of(b"before"), ..relay.clone() }).unwrap();
    let mut user = User::start(&book, Some((&relay, Origin::Settings)));
    user.is_asked_for(&relay, true).await;
    assert!(tap.kept().is_empty());
    user.press(Press::Trust).await;
    user.code().await;
    user.ends().await;
    assert_eq!(book.standing(&relay).unwrap(), Standing::Confirmed);
    world.end().await;
}

#[tokio::test]
async fn who_knows_no_relay_is_asked_once() {
    let world = World::start().await;
    let (book, relay) = (book(&world), world.relay());
    let mut user = User::start(&book, None);
    user.sees(Show::WhichRelay).await;
    user.press(Press::Relay(relay.clone())).await;
    user.is_asked_for(&relay, false).await;
    user.press(Press::Trust).await;
    user.code().await;
    user.ends().await;

    let mut user = User::start(&book, None);
    user.code().await;
    assert!(!user.shows.all().iter().any(|show| matches!(show, Show::WhichRelay | Show::NewRelay { .. })));
    user.ends().await;
    world.end().await;
}

#[tokio::test]
async fn a_relay_typed_where_there_is_no_window_is_confirmed_by_that() {
    let world = World::start().await;
    let (book, relay) = (book(&world), world.relay());
    let found = |origin| Some(Found { relay: relay.clone(), origin });
    // Nobody is there to be asked.
    let mut user =
        User::with(Plan { found: found(Origin::FileName), book: book.clone(), window: false }, |_| {});
    user.presses = mpsc::channel(1).0;
    let (result, _) = user.over().await;
    assert!(matches!(result, Err(RunError::Unconfirmed(_))), "{result:?}");
    let mut user =
        User::with(Plan { found: found(Origin::CommandLine), book: book.clone(), window: false }, |_| {});
    user.code().await;
    user.ends().await;
    assert_eq!(book.remembered().unwrap().as_ref(), Some(&relay));
    assert_eq!(book.standing(&relay).unwrap(), Standing::Confirmed);
    world.end().await;
}

#[tokio::test]
async fn a_scam_is_blocked_before_anything_was_sent_and_while_it_is_dialled() {
    let world = World::start().await;
    let (tap, relay) = tapped(&world).await;
    let doubted = Book::new(world.folder().join("doubted"));
    let mut user = User::start(&doubted, Some((&relay, Origin::CommandLine)));
    user.is_asked_for(&relay, false).await;
    user.press(Press::Scam).await;
    assert_eq!(user.over().await.0.unwrap(), Close::Reported);
    assert!(tap.kept().is_empty());
    stays_blocked(&doubted, &relay).await;

    let dialled = Book::new(world.folder().join("dialled"));
    dialled.confirm(&relay).unwrap();
    tap.cut(true);
    let mut user = User::start(&dialled, Some((&relay, Origin::FileName)));
    user.sees(Show::Dialling { host: relay.host.clone(), again: false }).await;
    user.press(Press::Scam).await;
    assert_eq!(user.over().await.0.unwrap(), Close::Reported);
    stays_blocked(&dialled, &relay).await;
    assert_eq!(dialled.blocked_as(&relay.host).unwrap()[0].caller, Caller::default());
    world.end().await;
}

#[tokio::test]
async fn a_scam_is_reported_while_a_code_waits_and_when_the_relay_has_gone() {
    let mut world = World::start().await;
    let (book, relay) = (book(&world), world.relay());
    book.confirm(&relay).unwrap();
    let mut user = User::start(&book, Some((&relay, Origin::FileName)));
    user.code().await;
    user.press(Press::Scam).await;
    // The user's last word: closing the window right after makes nothing else of it.
    let _ = user.presses.send(Press::Quit).await;
    assert_eq!(user.over().await.0.unwrap(), Close::Reported);
    world.operator.recorded("the report", is_reported).await;
    stays_blocked(&book, &relay).await;
    let desk = book.blocked_as(&relay.host).unwrap()[0].caller.desk.clone();
    assert_eq!(desk, Some(Name::lossy("Example Desk")));

    book.unblock(&relay.host).unwrap();
    let mut user = User::start(&book, Some((&relay, Origin::FileName)));
    user.is_asked_for(&relay, false).await;
    user.press(Press::Trust).await;
    user.code().await;
    world.stop_relay().await;
    user.sees(Show::RelayLost).await;
    user.press(Press::Scam).await;
    assert_eq!(user.over().await.0.unwrap(), Close::Reported);
    stays_blocked(&book, &relay).await;
}

fn is_reported(entry: &nearhand_tests::record::Entry) -> bool {
    entry.event == "host.left" && entry.fields["why"] == "the user called it a scam"
}

#[tokio::test]
async fn a_scam_ends_the_session_for_both_and_stands_in_the_record_with_who_it_was() {
    let world = World::start().await;
    let technician = world.technician("Eve Example").await;
    for state in ["asked", "seen", "suspended"] {
        let (book, (tap, relay)) = (Book::new(world.folder().join(state)), tapped(&world).await);
        book.confirm(&relay).unwrap();
        let found = Some(Found { relay: relay.clone(), origin: Origin::FileName });
        let mut user = User::with(Plan { found, book: book.clone(), window: true }, move |config| {
            if state == "suspended" {
                config.idle = Duration::from_millis(600);
            }
        });
        let code = user.code().await;
        let near_viewer = world.tap().await;
        let past_tap = RelayString { port: near_viewer.port(), ..world.relay() };
        let mut viewer = Viewer::start(technician.config(past_tap, &code));
        let session = viewer.session().await;
        if state == "asked" {
            let asked = |show: &Show| matches!(show, Show::Ask { .. }).then_some(());
            user.shows.next("a question", asked).await;
        } else {
            user.allows(Rights::VIEW).await;
            nearhand_tests::eventually("the picture", || viewer.has_picture().then_some(())).await;
        }
        if state == "suspended" {
            near_viewer.cut(true);
            user.sees(Show::Suspended).await;
            near_viewer.cut(false);
        }
        user.press(Press::Scam).await;
        let why = viewer.over().await;
        assert_eq!((why, why.exit_code()), (Close::Reported, 11));
        user.sees(Show::Ended(Close::Reported)).await;
        assert_eq!(user.over().await.0.unwrap(), Close::Reported);
        let end = |entry: &nearhand_tests::record::Entry| {
            entry.of(session) && entry.is("session.end", Close::Reported)
        };
        world.operator.recorded("the end", end).await;
        let record = world.operator.record().await;
        assert!(record.story(session).contains(&"session.reported"), "{:#?}", record.lines());
        drop(tap);
        stays_blocked(&book, &relay).await;
        let caller = book.blocked_as(&relay.host).unwrap()[0].caller.clone();
        assert_eq!(caller.technician, Some(Name::lossy("Eve Example")));
        assert_eq!(caller.desk, Some(Name::lossy("Example Desk")));
    }
    world.operator.recorded("the host's leave", is_reported).await;
    world.end().await;
}

#[tokio::test]
async fn a_scam_that_cannot_be_blocked_ends_all_the_same_and_says_so() {
    let world = World::start().await;
    let (book, relay) = (book(&world), world.relay());
    book.confirm(&relay).unwrap();
    let mut user = User::start(&book, Some((&relay, Origin::FileName)));
    user.code().await;
    std::fs::write(world.folder().join("state/relays"), "damaged\n").unwrap();
    user.press(Press::Scam).await;
    let (result, shows) = user.over().await;
    let error = result.unwrap_err();
    assert!(matches!(error, RunError::NotBlocked { .. }), "{error:?}");
    assert_eq!(error.close(), Close::Reported);
    assert!(shows.contains(&Show::Fault(error.to_string())), "{shows:?}");
    world.operator.recorded("the report", is_reported).await;
    world.end().await;
}

#[tokio::test]
async fn a_stop_at_the_question_ends_it() {
    let world = World::start().await;
    let mut user = User::start(&book(&world), None);
    user.sees(Show::WhichRelay).await;
    in_time("the end", tokio::time::timeout(Duration::from_secs(5), user.ends())).await.unwrap();
    world.end().await;
}
