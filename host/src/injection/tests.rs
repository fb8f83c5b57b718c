//! Who wins, in which order, and who is told: the worker by hand, and the thread where it must not wait.

use super::*;
use crate::{
    inject::{
        MAX_NOTCHES,
        recorder::{Injected, Recorder},
    },
    user::{self, Touches},
};
use nearhand_proto::session::input::{Button, Locks, Usage};
use tokio::time::timeout;

const LEFT: Holdable = Holdable::Button(Button::Left);
const CONTROL: Usage = Usage(0xe0);

fn button(down: bool) -> Act {
    Act::Input(Input::Button { button: Button::Left, down })
}

fn key(usage: Usage, down: bool) -> Act {
    Act::Input(Input::Key { usage, down })
}

fn mark(number: u32) -> Act {
    Act::Input(Input::Mark(number))
}

/// A worker whose acts, touches and time a test gives.
struct Desk {
    worker: Worker,
    recorder: Recorder,
    touches: Touches,
    _news: mpsc::Receiver<News>,
}

impl Desk {
    fn new() -> Self {
        let recorder = Recorder::default();
        Self::with(recorder.open()().unwrap(), recorder)
    }

    fn with(injector: Box<dyn Inject>, recorder: Recorder) -> Self {
        let (touches, user) = user::channel();
        let (to_session, news) = mpsc::channel(NEWS);
        let worker =
            Worker::new(injector, CancellationToken::new(), user.touched, Fingers::default(), to_session);
        Self { worker, recorder, touches, _news: news }
    }

    fn act(&mut self, act: Act) {
        self.worker.act(act, true);
    }

    /// The user's touch, as the thread takes it; returns when.
    fn touch(&mut self) -> Instant {
        self.touches.touch();
        let now = Instant::now();
        self.worker.yield_to_the_user(now);
        now
    }

    fn told(&mut self) -> Vec<News> {
        self.worker.untold.drain(..).collect()
    }
}

#[test]
fn what_is_held_and_may_repeat_is_known_until_it_has_passed() {
    let mut desk = Desk::new();
    let fingers = desk.worker.fingers.clone();
    let are_off = |wait| fingers.are_off(Instant::now() + wait);
    assert!(are_off(Duration::ZERO));
    desk.act(key(CONTROL, true));
    assert!(!are_off(10 * REPEATED));
    desk.act(key(CONTROL, false));
    assert!(!are_off(Duration::ZERO) && are_off(REPEATED));
    desk.act(button(true));
    assert!(!are_off(10 * REPEATED));
    desk.touch();
    assert!(!are_off(Duration::ZERO) && are_off(REPEATED));
}

#[test]
fn the_users_touch_lets_go_and_drops_what_follows_for_a_while() {
    let mut desk = Desk::new();
    desk.act(key(CONTROL, true));
    desk.act(button(true));
    desk.worker.act(Act::Pointer { x: 9, y: 9 }, false); // about to be overtaken by a newer one
    desk.recorder.take();
    let touched = desk.touch();
    assert_eq!(desk.recorder.take(), [Injected::ButtonUp(Button::Left), Injected::KeyUp(CONTROL)]);
    for act in [Act::Pointer { x: 1, y: 1 }, button(false), button(true), key(CONTROL, true), mark(7)] {
        desk.act(act);
    }
    assert_eq!(desk.recorder.take(), []);
    assert_eq!(desk.told(), [News::Yielded(true), News::Reached(7)]);

    // A hand that goes on moving is no news, but rest begins anew.
    let again = desk.touch();
    desk.worker.handle_time(touched + REST - Duration::from_millis(1));
    assert_eq!(desk.told(), []);
    desk.worker.handle_time(again + REST);
    assert_eq!(desk.told(), [News::Yielded(false)]);
    desk.act(button(false));
    assert_eq!(desk.recorder.take(), [], "what was let go is not let go again");
    desk.act(button(true));
    assert_eq!(desk.recorder.take(), [Injected::ButtonDown(Button::Left)]);
}

#[test]
fn a_touch_from_before_stops_nobody() {
    let mut desk = Desk::new();
    desk.touches.touch();
    desk.worker.yield_to_the_user(Instant::now() + REST);
    desk.act(button(true));
    assert_eq!(desk.recorder.take(), [Injected::ButtonDown(Button::Left)]);
    assert_eq!(desk.told(), []);
}

#[test]
fn what_nobody_has_heard_of_is_not_told_when_it_is_over() {
    let mut desk = Desk::new();
    let touched = desk.touch();
    desk.worker.handle_time(touched + REST + Duration::from_secs(1));
    assert_eq!(desk.told(), []);
    let touched = desk.touch();
    assert_eq!(desk.told(), [News::Yielded(true)]);
    desk.worker.handle_time(touched + REST + Duration::from_secs(1));
    desk.touch();
    assert_eq!(desk.told(), []);
}

/// Runs something before each piece of text.
struct Between<F>(Box<dyn Inject>, F);

impl<F: FnMut()> Inject for Between<F> {
    fn pointer(&mut self, x: i32, y: i32) -> Result<(), InjectError> {
        // The host's own windows are left of the desktop.
        if x < 0 { Err(InjectError::OwnWindow) } else { self.0.pointer(x, y) }
    }

    fn button(&mut self, button: Button, down: bool) -> Result<(), InjectError> {
        self.0.button(button, down)
    }

    fn wheel(&mut self, _: i16, y: i16) -> Result<(), InjectError> {
        // A wheel that turns too far stands for input on the host's own windows.
        if MAX_NOTCHES < y { Err(InjectError::OwnWindow) } else { self.0.wheel(0, y) }
    }

    fn key(&mut self, usage: Usage, _: bool) -> Result<(), InjectError> {
        Err(InjectError::UnknownKey(usage))
    }

    fn text(&mut self, text: &str) -> Result<(), InjectError> {
        (self.1)();
        self.0.text(text)
    }

    fn locks(&mut self, locks: Locks) -> Result<(), InjectError> {
        self.0.locks(locks)
    }
}

#[test]
fn text_stops_between_two_pieces() {
    let recorder = Recorder::default();
    let (touches, user) = user::channel();
    let mut pieces = 0;
    let touch_at_the_second = move || {
        pieces += 1;
        if pieces == 2 {
            touches.touch();
        }
    };
    let injector = Box::new(Between(recorder.open()().unwrap(), touch_at_the_second));
    let mut desk = Desk::with(injector, recorder);
    desk.worker.touched = user.touched;
    desk.act(Act::Input(Input::Text("ü".repeat(100))));
    let typed = Injected::Text("ü".repeat(TEXT_PIECE));
    assert_eq!(
        desk.recorder.take(),
        [typed.clone(), typed],
        "the piece that was under way, and no further one"
    );
}

#[test]
fn what_was_not_pressed_is_not_held_and_own_windows_are_told_once() {
    let recorder = Recorder::default();
    let mut desk = Desk::with(Box::new(Between(recorder.open()().unwrap(), || {})), recorder);
    desk.act(key(Usage(4), true));
    assert_eq!(desk.worker.held.release_all(), []);
    desk.act(button(true));
    assert_eq!(desk.worker.held.release_all(), [LEFT]);
    for _ in 0..3 {
        desk.act(Act::Input(Input::Wheel { x: 0, y: i16::MAX }));
    }
    assert_eq!(desk.told(), [News::OwnWindow]);
}

#[test]
fn after_a_refused_move_nothing_is_clicked_until_the_pointer_has_moved() {
    let recorder = Recorder::default();
    let mut desk = Desk::with(Box::new(Between(recorder.open()().unwrap(), || {})), recorder);
    let (right, wheel) = (Button::Right, Input::Wheel { x: 0, y: 1 });
    let press_right = || Act::Input(Input::Button { button: right, down: true });
    desk.act(button(true));
    desk.act(Act::Pointer { x: -1, y: 5 });
    desk.act(press_right());
    desk.act(Act::Input(wheel.clone()));
    desk.act(button(false));
    desk.act(button(true));
    assert_eq!(
        desk.recorder.take(),
        [Injected::ButtonDown(Button::Left), Injected::ButtonUp(Button::Left)],
        "a release passes"
    );
    assert_eq!(desk.worker.held.release_all(), []);
    assert_eq!(desk.told(), [News::OwnWindow]);
    desk.act(Act::Pointer { x: 1, y: 5 });
    desk.recorder.take();
    desk.act(press_right());
    desk.act(Act::Input(wheel));
    assert_eq!(desk.recorder.take().len(), 2);
}

/// The thread itself, and what belongs to it.
fn start() -> (Injection, mpsc::Receiver<News>, Recorder, Touches) {
    let (recorder, (touches, user)) = (Recorder::default(), user::channel());
    let (injection, news) = Injection::start(recorder.open(), user.touched, Fingers::default()).unwrap();
    (injection, news, recorder, touches)
}

/// Waits until that many things have been injected; returns all.
async fn injected(recorder: &Recorder, count: usize) -> Vec<Injected> {
    let complete = async {
        while recorder.injected().len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        recorder.injected()
    };
    timeout(Duration::from_secs(20), complete).await.expect("it is injected in time")
}

async fn next(news: &mut mpsc::Receiver<News>) -> Option<News> {
    timeout(Duration::from_secs(20), news.recv()).await.expect("something is told in time")
}

#[tokio::test]
async fn a_session_that_does_not_listen_holds_up_acts_but_never_the_user() {
    let (injection, mut news, recorder, touches) = start();
    injection.reserve().await.unwrap().send(button(true));
    let acts = u32::try_from(2 * NEWS + ACTS).unwrap();
    for number in 0..acts {
        injection.reserve().await.unwrap().send(mark(number));
    }
    injected(&recorder, 1).await;
    touches.touch();
    let done = [Injected::ButtonDown(Button::Left), Injected::ButtonUp(Button::Left)];
    assert_eq!(injected(&recorder, 2).await, done);
    // Nothing is lost, and the order holds.
    let mut told = Vec::new();
    while told.len() <= usize::try_from(acts).unwrap() {
        told.push(next(&mut news).await.unwrap());
    }
    assert_eq!(told.iter().filter(|news| **news == News::Yielded(true)).count(), 1);
    told.retain(|news| matches!(news, News::Reached(_)));
    assert!(told.into_iter().eq((0..acts).map(News::Reached)));
}

#[tokio::test]
async fn control_taken_back_lets_go_at_once_and_answers_what_is_queued() {
    let (injection, mut news, recorder, touches) = start();
    injection.reserve().await.unwrap().send(button(true));
    injected(&recorder, 1).await;
    touches.touch();
    assert_eq!(next(&mut news).await, Some(News::Yielded(true)));
    // More than it can tell: it is held up, and full of marks.
    for number in 0..u32::try_from(2 * NEWS).unwrap() {
        injection.reserve().await.unwrap().send(mark(number));
    }
    drop(injection);
    let mut told = Vec::new();
    while let Some(news) = next(&mut news).await {
        told.push(news);
    }
    assert_eq!(told.pop(), Some(News::Yielded(false)));
    assert_eq!(told.len(), 2 * NEWS);
    assert_eq!(recorder.injected().len(), 2);
}

#[tokio::test]
async fn the_thread_ends_when_the_session_has_dropped_everything() {
    let (injection, news, recorder, touches) = start();
    injection.reserve().await.unwrap().send(button(true));
    injected(&recorder, 1).await;
    drop((injection, news));
    assert_eq!(injected(&recorder, 2).await.last(), Some(&Injected::ButtonUp(Button::Left)));
    drop(touches);
}
