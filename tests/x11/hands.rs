//! The user's own mouse and keyboard on a real desktop, played by `xdotool`: they win over the technician's at once, and
//! nothing that the technician does is ever taken for them.

use crate::{
    desktop::Desktop,
    process::{Process, eventually},
};
use nearhand_proto::{
    close::Close,
    code::SessionCode,
    rights::Rights,
    session::{geometry::Point, input::Button},
};
use nearhand_tests::{Viewer, World, eventually as comes, server::program};
use nearhand_viewer::messages::{Act, Command, Event};
use std::time::{Duration, Instant};
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask};

/// Issue 4: how soon the technician's input stops.
const AT_ONCE: Duration = Duration::from_millis(200);

/// Between two moves of a technician whose mouse tells a thousand a second.
const NEXT: Duration = Duration::from_millis(1);

/// A session with a user at a real desktop.
struct Session {
    viewer: Viewer,
    host: Process,
    desktop: Desktop,
    world: World,
    moves: u16,
}

impl Session {
    async fn start() -> Self {
        Self::start_with(&["--no-window"]).await
    }

    async fn start_with(front: &[&str]) -> Self {
        let mut desktop = Desktop::start(800, 600);
        desktop.catcher("terminal", "60x12+20+60", "a terminal");
        let world = World::start().await;
        let technician = world.technician("Vera Example").await;
        let relay = world.relay().to_string();
        let start = |front: &[&str]| {
            let mut command = desktop.command(program("nearhand-host"));
            command.args(["--allow", "view,control", "--relay", &relay]).args(front);
            command.arg("--state").arg(desktop.path("host-state"));
            let mut host = Process::start_alone("host", &desktop.path(""), &mut command);
            let code: SessionCode = host.line("a code", |line| line.strip_prefix("code ")?.parse().ok());
            (host, code)
        };
        if front.is_empty() {
            start(&["--no-window"]).0.kill(); // that the relay was named there confirms it
        }
        let (host, code) = start(front);
        let viewer = world.viewer(&technician, &code);
        comes("the picture", || viewer.has_picture().then_some(())).await;
        Self { viewer, host, desktop, world, moves: 0 }
    }

    /// The user does this, and has done it when it returns.
    fn xdotool(&self, arguments: &[&str]) {
        assert!(self.desktop.command("xdotool").args(arguments).status().unwrap().success());
    }

    /// The technician moves on.
    async fn drag(&mut self) {
        self.moves = self.moves.wrapping_add(1);
        let at = Point { x: 420 + self.moves % 300, y: 200 + self.moves % 170 };
        self.viewer.act(Act::Pointer(at)).await;
        tokio::time::sleep(NEXT).await;
    }

    async fn press(&mut self) {
        self.drag().await;
        self.viewer.act(Act::Button { button: Button::Left, down: true }).await;
        comes("the button is down", || self.is_down().then_some(())).await;
        for _ in 0..50 {
            self.drag().await;
        }
        assert!(self.is_down(), "the technician stopped himself");
    }

    fn pointer(&self) -> (i16, i16, KeyButMask) {
        let now = self.desktop.connection.query_pointer(self.desktop.root).unwrap().reply().unwrap();
        (now.root_x, now.root_y, now.mask)
    }

    fn is_down(&self) -> bool {
        self.pointer().2.contains(KeyButMask::BUTTON1)
    }

    async fn end(self) {
        assert_eq!(self.viewer.end().await, Close::TechnicianLeft);
        drop(self.host);
        self.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_hand_wins_in_the_middle_of_a_drag() {
    let mut session = Session::start().await;
    for arguments in
        [&["mousemove", "90", "430"][..], &["mousemove_relative", "7", "9"], &["key", "a"], &["click", "3"]]
    {
        session.viewer.events.skip();
        session.press().await;
        let begun = Instant::now();
        session.xdotool(arguments);
        let done = Instant::now();
        while session.is_down() {
            assert!(done.elapsed() < Duration::from_secs(20), "{arguments:?} stopped nobody");
            session.drag().await;
        }
        assert!(done.elapsed() <= AT_ONCE, "{arguments:?} stopped the drag after {:?}", done.elapsed());
        session.viewer.hears(Event::Yielded(true)).await;
        let (x, y, _) = session.pointer();
        for _ in 0..300 {
            session.drag().await;
        }
        let now = session.pointer();
        assert_eq!((now.0, now.1), (x, y), "the technician moved the pointer after {arguments:?}");
        session.viewer.act(Act::Button { button: Button::Left, down: false }).await;
        session.viewer.hears(Event::Yielded(false)).await;
        assert!(Duration::from_secs(2) <= begun.elapsed());
    }
    session.press().await;
    session.viewer.act(Act::Button { button: Button::Left, down: false }).await;
    eventually("the release", || (!session.is_down()).then_some(()));
    session.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technicians_own_drag_and_typing_never_stop_him() {
    let mut session = Session::start().await;
    session.press().await;
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        session.drag().await;
    }
    assert!(session.is_down());
    session.viewer.act(Act::Button { button: Button::Left, down: false }).await;
    session.viewer.click(60, 100).await;
    session.viewer.act(Act::Wheel { x: 1, y: -2 }).await;
    for usage in [0xe0, 0xe1, 0x0a] {
        session.viewer.key(usage, true).await;
    }
    for usage in [0x0a, 0xe1, 0xe0] {
        session.viewer.key(usage, false).await;
    }
    for _ in 0..5 {
        session.viewer.types("plain, and what the layout lacks: Grüße, 你好, €, Żółć. ").await;
    }
    session.viewer.act(Act::Mark(1)).await;
    session.viewer.hears(Event::Acted(1)).await;
    let yielded = |event: &Event| matches!(event, Event::Yielded(_));
    assert!(!session.viewer.events.all().iter().any(yielded), "taken for the user's own input");
    session.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_key_ends_the_session_whatever_has_the_focus() {
    let mut session = Session::start().await;
    let id = session.viewer.session().await;
    session.press().await;
    session.xdotool(&["key", "ctrl+alt+End"]);
    let Session { viewer, desktop, world, .. } = session;
    assert_eq!(viewer.over().await, Close::UserStopped);
    eventually("the release of everything", || {
        let mask = desktop.connection.query_pointer(desktop.root).unwrap().reply().unwrap().mask;
        (!mask.contains(KeyButMask::BUTTON1) && desktop.keys_down().is_empty()).then_some(())
    });
    world
        .operator
        .recorded("the end", |entry| entry.of(id) && entry.is("session.end", Close::UserStopped))
        .await;
    world.end().await;
}

/// Pixels of a window and of the frame around it, close enough that no button lies between them.
fn all_over((left, top, width, height): (i16, i16, u16, u16)) -> Vec<Point> {
    let place = |at: i16| u16::try_from(at).unwrap_or(0);
    let (left, right) = (place(left), place(left) + width);
    let (top, bottom) = (place(top - 16), place(top) + height);
    let row = |y| (left..right).step_by(20).map(move |x| Point { x, y });
    (top..bottom).step_by(14).flat_map(row).filter(|at| at.x < 800 && at.y < 600).collect()
}

/// The user has decided something, or something was decided for them.
fn is_decided(event: &Event) -> bool {
    matches!(event, Event::Rights { .. } | Event::Paused(_) | Event::Ended(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_technician_cannot_press_allow_in_the_hosts_window() {
    const RETURN: u16 = 0x28;
    const TAB: u16 = 0x2b;
    const SPACE: u16 = 0x2c;
    let mut session = Session::start_with(&[]).await;
    let window = session.desktop.window("nearhand-host");
    let asked = Rights::CLIPBOARD_OUT;
    session.viewer.send(Command::Ask(asked)).await;
    session.viewer.hears(Event::Asking(asked)).await;
    // The buttons do nothing for a moment after a question has come up; whoever clicks longer than that is heard.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    session.viewer.events.skip();
    let place = session.desktop.place(window);
    for at in all_over(place) {
        session.viewer.click(at.x, at.y).await;
    }
    session.viewer.hears(Event::OwnWindow).await;
    session.xdotool(&["windowfocus", "--sync", &window.to_string()]);
    for usage in [TAB, SPACE, RETURN].repeat(20) {
        session.viewer.key(usage, true).await;
        session.viewer.key(usage, false).await;
    }
    session.viewer.act(Act::Mark(1)).await;
    session.viewer.hears(Event::Acted(1)).await;
    session.viewer.note("whatever was pressed would have been told before this").await;
    let told = session.viewer.events.all();
    let asked_at = told.iter().rposition(|event| *event == Event::Asking(asked)).unwrap();
    assert!(!told[asked_at..].iter().any(is_decided), "{:?}", &told[asked_at..]);
    assert_eq!(session.desktop.place(window), place, "the window has not moved");

    // The same places, by the user's own hand.
    let decided = |session: &Session| session.viewer.events.all()[asked_at..].iter().any(is_decided);
    for at in all_over(place) {
        session.xdotool(&["mousemove", &at.x.to_string(), &at.y.to_string(), "click", "1"]);
        if decided(&session) {
            break;
        }
    }
    comes("what the user has pressed", || decided(&session).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drag_goes_past_the_hosts_window_and_never_rests_on_it() {
    let mut session = Session::start_with(&[]).await;
    let window = session.desktop.window("nearhand-host");
    let (left, top, width, height) = session.desktop.place(window);
    let free = Point { x: 790, y: 590 };
    session.viewer.act(Act::Pointer(free)).await;
    session.viewer.act(Act::Button { button: Button::Left, down: true }).await;
    comes("the button is down", || session.is_down().then_some(())).await;
    let begun = Instant::now();
    for at in all_over((left, top, width, height)) {
        session.viewer.act(Act::Pointer(at)).await;
        session.viewer.act(Act::Mark(1)).await; // each move by itself
    }
    session.viewer.hears(Event::OwnWindow).await;
    let (x, y, _) = session.pointer();
    let is_over =
        (left..left + width.cast_signed()).contains(&x) && (top..top + height.cast_signed()).contains(&y);
    assert!(!is_over && session.is_down(), "{x}, {y} after {:?}", begun.elapsed());
    let back = Point { x: 780, y: 580 };
    session.viewer.act(Act::Pointer(back)).await;
    session.viewer.act(Act::Button { button: Button::Left, down: false }).await;
    comes("the release", || (!session.is_down()).then_some(())).await;
    assert_eq!((session.pointer().0, session.pointer().1), (780, 580));
    session.end().await;
}
