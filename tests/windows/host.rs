//! The user's window, from the code to the session's end, and every way through the questions.

use crate::person::Person;
use eframe::egui::{Key, vec2};
use nearhand_desktop::words::{Language, Words};
use nearhand_host::{
    capture::scripted::Screen,
    front::{self, Press, Show},
    host::HostConfig,
    inject::recorder::Recorder,
    relays::{self, Book, Plan, Standing},
    user::scripted::Hands,
    window::{Scene, Window},
};
use nearhand_proto::{
    close::Close, code::SessionCode, rights::Rights, session::control::RightsChange, text::Name,
};
use nearhand_tests::{
    Host, Technician, Viewer, World,
    host::{FIRST, SIZE, config},
    journal::in_time,
};
use nearhand_viewer::messages::Event;
use std::time::{Duration, Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);

pub(crate) type User = Person<Window>;

/// At this front's window.
pub(crate) fn user(front: front::Front) -> User {
    let window = Window::new(front, Words::new(Language::En));
    Person::at(window, vec2(900.0, 700.0), |ui, window| window.ui(ui))
}

impl User {
    /// The code that is shown.
    pub(crate) async fn code(&mut self) -> SessionCode {
        let shown = |window: &Window| match &window.state().scene {
            Scene::Code { code, .. } => Some(code.clone()),
            _ => None,
        };
        self.finds("a code", shown).await
    }

    /// Presses what gives something, once that may be pressed: not right after something was taken.
    pub(crate) async fn gives(&mut self, name: &str) {
        let rested = |window: &Window| match &window.state().scene {
            Scene::Session(session) => (!session.rests(Instant::now())).then_some(()),
            _ => None,
        };
        self.finds("a moment's rest", rested).await;
        self.presses(name).await;
    }

    /// Answers the question that stands, once it may be answered.
    pub(crate) async fn answers(&mut self, answer: &str) {
        self.sees(answer).await;
        self.finds("calm", |window| (!window.state().is_calm(Instant::now())).then_some(())).await;
        self.presses(answer).await;
    }
}

/// A host, its user at the window, and a technician who has entered the code; their folder goes with them.
async fn called(world: &World, tune: impl FnOnce(&mut HostConfig)) -> (Host, User, Viewer, Technician) {
    let technician = world.technician("Vera Example").await;
    let (host, front) = Host::start_behind(world.relay(), tune);
    let mut user = user(front);
    let code = user.code().await;
    let viewer = world.viewer(&technician, &code);
    (host, user, viewer, technician)
}

/// The same with viewing and control allowed.
async fn allowed(world: &World) -> (Host, User, Viewer) {
    let (host, mut user, mut viewer, _technician) = called(world, |_| {}).await;
    user.answers("Allow viewing").await;
    user.answers("Allow control").await;
    viewer.holds(BOTH, RightsChange::Given).await;
    viewer.shows(&host, FIRST).await;
    (host, user, viewer)
}

#[tokio::test]
async fn from_the_code_to_the_sessions_end_by_keyboard_alone() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let (host, front) = Host::start_behind(world.relay(), |_| {});
    let mut user = user(front);
    let code = user.code().await;
    user.sees("Did YOU call them?").await;
    user.sees("Example Desk, connected through 127.0.0.1").await;
    user.presses("Copy code").await;
    assert_eq!(user.copied.as_deref(), Some(code.for_the_user().as_str()));
    user.sees("Copied").await;
    let mut viewer = world.viewer(&technician, &code);
    user.sees("Vera Example from Example Desk, connected through 127.0.0.1").await;
    user.sees("No answer means no").await;
    user.answers("Allow viewing").await;
    viewer.holds(Rights::VIEW, RightsChange::Given).await;
    user.sees("Vera Example sees your screen").await;
    user.answers("Allow control").await;
    viewer.holds(BOTH, RightsChange::Given).await;
    viewer.shows(&host, FIRST).await;
    user.sees("Vera Example sees your screen and can click and type").await;
    user.sees("Ctrl+Alt+End").await;
    user.presses("Stop").await;
    assert_eq!(viewer.over().await, Close::UserStopped);
    user.sees("You have ended it").await;
    user.presses("Show a new code").await;
    let next = user.code().await;
    assert!(next != code);
    user.presses("Close").await;
    assert_eq!(host.over().await.unwrap(), Close::UserStopped);
    assert!(user.window().state().done);
    world.end().await;
}

#[tokio::test]
async fn declining_ends_it_and_the_technician_learns_so() {
    let world = World::start().await;
    let (_host, mut user, viewer, _technician) = called(&world, |_| {}).await;
    user.answers("Decline").await;
    assert_eq!(viewer.over().await, Close::Declined);
    user.sees("You have declined").await;
    world.end().await;
}

#[tokio::test]
async fn control_can_be_declined_while_they_go_on_watching() {
    let world = World::start().await;
    let (host, mut user, mut viewer, _technician) = called(&world, |_| {}).await;
    user.answers("Allow viewing").await;
    user.sees("use your mouse and keyboard?").await;
    user.answers("Decline").await;
    viewer.holds(Rights::VIEW, RightsChange::Declined).await;
    viewer.shows(&host, FIRST).await;
    user.sees_switch("Click and type", false).await;
    assert!(!user.has("Allow control"));
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    user.sees("The technician has ended it").await;
    world.end().await;
}

#[tokio::test]
async fn silence_declines_and_no_other_key_is_an_answer() {
    let world = World::start().await;
    let patience = |config: &mut HostConfig| config.answer = Duration::from_millis(1_500);
    let (_host, mut user, viewer, _technician) = called(&world, patience).await;
    user.sees("Allow viewing").await;
    user.finds("calm", |window| (!window.state().is_calm(Instant::now())).then_some(())).await;
    // What somebody types who has not noticed the question.
    for key in [Key::Enter, Key::Space, Key::Y, Key::Escape, Key::Enter] {
        user.types(key);
    }
    assert!(user.has("Allow viewing"));
    assert_eq!(viewer.over().await, Close::NoAnswer);
    user.sees("You did not answer, and that means no").await;
    world.end().await;
}

#[tokio::test]
async fn an_answer_that_comes_too_early_is_none() {
    let (front, mut stage) = front::channels();
    let mut user = user(front);
    let name = |text: &str| Name::lossy(text);
    // Until it was quick enough.
    loop {
        let until = Instant::now() + Duration::from_secs(60);
        let (technician, desk) = (name("Vera Example"), name("Example Desk"));
        let question = Show::Ask { technician, desk, rights: Rights::VIEW, until };
        stage.shows.send(question).await.unwrap();
        user.presses("Allow viewing").await;
        if user.window().state().is_calm(Instant::now()) {
            break;
        }
        // Too late, so it was an answer.
        assert_eq!(stage.presses.recv().await, Some(Press::Allow(Rights::VIEW)));
    }
    assert!(stage.presses.try_recv().is_err());
    user.answers("Allow viewing").await;
    assert_eq!(stage.presses.recv().await, Some(Press::Allow(Rights::VIEW)));
}

#[tokio::test]
async fn every_right_has_a_switch_that_works_at_once() {
    let world = World::start().await;
    let (_host, mut user, mut viewer) = allowed(&world).await;
    user.presses_with("Click and type", Key::Space).await;
    viewer.holds(Rights::VIEW, RightsChange::Revoked).await;
    user.sees_switch("Click and type", false).await;
    let mut held = Rights::VIEW;
    let rights = [
        ("Click and type", Rights::CONTROL),
        ("Give me text to paste", Rights::CLIPBOARD_IN),
        ("Get text that I copy", Rights::CLIPBOARD_OUT),
    ];
    for (name, right) in rights {
        user.gives(name).await;
        held |= right;
        viewer.holds(held, RightsChange::Given).await;
        user.sees_switch(name, true).await;
    }
    user.presses("See my screen").await;
    viewer.holds(Rights::empty(), RightsChange::Revoked).await;
    user.sees("sees nothing and can do nothing").await;
    user.gives("See my screen").await;
    viewer.holds(Rights::VIEW, RightsChange::Given).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_pause_lasts_until_the_user_goes_on() {
    let world = World::start().await;
    let (host, mut user, mut viewer) = allowed(&world).await;
    user.presses("Pause").await;
    viewer.hears(Event::Paused(true)).await;
    user.sees("Paused: Vera Example sees nothing and can do nothing.").await;
    user.gives("Go on").await;
    viewer.hears(Event::Paused(false)).await;
    viewer.shows(&host, FIRST).await;
    user.sees_switch("Click and type", true).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn the_users_own_mouse_is_seen_to_win() {
    let world = World::start().await;
    let (host, mut user, viewer) = allowed(&world).await;
    host.hands.touch();
    user.sees("You have the mouse. Vera Example waits.").await;
    user.sees("Ctrl+Alt+End").await;
    host.hands.stop();
    assert_eq!(viewer.over().await, Close::UserStopped);
    user.sees("You have ended it").await;
    world.end().await;
}

#[tokio::test]
async fn a_scam_stands_still_at_once_and_ends_when_it_is_confirmed() {
    let world = World::start().await;
    let (host, mut user, mut viewer) = allowed(&world).await;
    user.presses("This was a scam").await;
    viewer.hears(Event::Paused(true)).await;
    user.presses("No, go back").await;
    viewer.hears(Event::Paused(false)).await;
    user.presses("This was a scam").await;
    user.sees("This computer will never again connect to 127.0.0.1.").await;
    user.answers("Yes, stop and block").await;
    assert_eq!(viewer.over().await, Close::Reported);
    assert_eq!(host.over().await.unwrap(), Close::Reported);
    user.sees("Stopped and blocked").await;
    user.presses("Close").await;
    assert!(user.window().state().done);
    world.end().await;
}

#[tokio::test]
async fn a_wrong_code_is_told_and_the_second_brings_a_new_one() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let (host, front) = Host::start_behind(world.relay(), |_| {});
    let mut user = user(front);
    let code = user.code().await;
    let other = other_secret(&code);
    assert_eq!(world.refused(&technician, &other).await, Close::WrongCode);
    user.sees("Somebody entered a wrong code. Was it read out correctly?").await;
    assert!(user.code().await == code);
    world.refused(&world.technician("Tom Example").await, &other).await;
    user.sees("The last code was entered wrongly twice").await;
    assert!(user.code().await != code);
    assert_eq!(host.stop().await.unwrap(), Close::Done);
    world.end().await;
}

/// The same locator with another secret.
fn other_secret(code: &SessionCode) -> SessionCode {
    let digits = code.for_the_user().replace(' ', "");
    let (locator, rest) = digits.split_at(digits.len() - 7);
    let secret: u32 = rest[..6].parse().expect("six digits are a number");
    let wrong = format!("{locator}{:06}", (secret + 1) % 1_000_000);
    let checked = (0..10).find_map(|check| format!("{wrong}{check}").parse().ok());
    checked.expect("one check digit fits")
}

#[tokio::test]
async fn a_relay_is_pasted_and_confirmed_once() {
    let world = World::start().await;
    let book = Book::new(world.folder().join("book"));
    let start = || {
        let found = book
            .remembered()
            .unwrap()
            .map(|relay| relays::Found { relay, origin: relays::Origin::Remembered });
        let plan = Plan { found, book: book.clone(), window: true };
        let (front, stage) = front::channels();
        let host = |relay| {
            let board = Default::default();
            config(relay, &Screen::new(&[SIZE]), &Recorder::default(), &Hands::default(), &board)
        };
        let task = tokio::spawn(relays::run(plan, host, stage, CancellationToken::new()));
        (user(front), AbortOnDropHandle::new(task))
    };
    let (mut user, task) = start();
    user.sees("Who is helping you?").await;
    user.presses("Paste").await;
    user.pastes("127.0.0.1:44");
    user.presses("Continue").await;
    user.sees("This line is not complete").await;
    user.presses("Paste").await;
    let line = world.relay().to_string();
    let (begin, end) = line.split_at(20);
    user.pastes(&format!("{begin}\n{end}\n"));
    user.presses("Continue").await;
    user.sees("Is this your help desk?").await;
    user.sees("127.0.0.1").await;
    user.answers("Yes, this is my help desk").await;
    user.code().await;
    assert_eq!(book.standing(&world.relay()).unwrap(), Standing::Confirmed);
    user.presses("Close").await;
    assert_eq!(in_time("its end", task).await.unwrap().unwrap(), Close::UserStopped);
    let (mut user, _task) = start();
    user.code().await;
    world.end().await;
}

#[tokio::test]
async fn the_last_words_stay_until_they_are_read() {
    let world = World::start().await;
    let (host, mut user, viewer, _technician) = called(&world, |config| config.once = true).await;
    user.answers("Allow viewing").await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.over().await.unwrap(), Close::TechnicianLeft);
    user.sees("The technician has ended it").await;
    assert!(!user.window().state().done && !user.has("Show a new code"));
    user.presses("Close").await;
    assert!(user.window().state().done);
    world.end().await;
}
