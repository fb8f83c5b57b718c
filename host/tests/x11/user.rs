//! Whose input it is: what the host injects is never taken for the user's, and what `xdotool` does always is.

use crate::{
    inject::eventually,
    xvfb::{Client, Xvfb},
};
use nearhand_host::{
    inject::{Inject, enigo, own::OwnWindows},
    user::{self, User, Watcher, echo::Echoes, x11},
};
use nearhand_proto::{
    close::Close,
    session::input::{Button, Locks, Usage},
};
use std::{
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use x11rb::{
    protocol::{xinput::ConnectionExt as _, xproto::ConnectionExt as _},
    wrapper::ConnectionExt as _,
};

const CONTROL: Usage = Usage(0xe0);
const ALT: Usage = Usage(0xe2);
const A: Usage = Usage(0x04);
const END: Usage = Usage(0x4d);

/// A watched user, and a technician's mouse and keyboard.
struct Desk {
    user: User,
    watcher: Option<Watcher>,
    device: Box<dyn Inject>,
    server: Xvfb,
}

impl Desk {
    fn open() -> Self {
        let server = Xvfb::start(640, 480);
        let (echoes, display) = (Echoes::default(), Some(server.display.clone()));
        let (touches, user) = user::channel();
        let watcher = Some(x11::watch(display.clone(), echoes.clone())(touches).unwrap());
        let device = enigo::open(display, echoes, OwnWindows::default())().unwrap();
        Self { user, watcher, device, server }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut xdotool = Command::new("xdotool");
        xdotool.env("DISPLAY", &self.server.display).args(arguments);
        xdotool
    }

    /// The user does this.
    fn xdotool(&self, arguments: &[&str]) {
        let done = self.command(arguments).status();
        assert!(done.expect("xdotool is needed (apt-get install xdotool)").success());
    }

    fn is_touched(&self) -> bool {
        self.user.touched.has_changed().unwrap()
    }

    /// Waits until the user's touch is told, and forgets it.
    fn sees(&mut self, what: &str) {
        eventually(&format!("{what} was not taken for the user's"), || self.is_touched());
        self.forget();
    }

    /// Nothing happens for a while: a hand in motion is not told each time.
    fn rest(&mut self) {
        let until = Instant::now() + Duration::from_millis(60);
        eventually("the end of a short time", || until < Instant::now());
        self.forget();
    }

    fn forget(&mut self) {
        self.user.touched.borrow_and_update();
    }

    /// Why the session must end.
    async fn over(&mut self) -> Close {
        timeout(Duration::from_secs(20), self.user.over()).await.expect("nothing ended the session")
    }

    /// Nothing so far was the user's. The watcher reads in order: it knows all that came before the key that ends the
    /// session.
    async fn was_untouched(mut self) {
        assert!(!self.is_touched());
        let now = Instant::now();
        self.xdotool(&["key", "ctrl+alt+End"]);
        assert_eq!(self.over().await, Close::UserStopped);
        assert!(self.user.touched.borrow().is_some_and(|at| now <= at));
    }
}

#[tokio::test]
async fn what_the_technician_does_is_not_the_users() {
    let mut desk = Desk::open();
    let device = &mut *desk.device;
    for button in [Button::Left, Button::Middle, Button::Right] {
        device.button(button, true).unwrap();
        device.button(button, true).unwrap();
        device.button(button, false).unwrap();
    }
    device.wheel(3, -4).unwrap();
    // Long enough that the X server repeats the key by itself.
    let until = Instant::now() + Duration::from_millis(1_500);
    for usage in [CONTROL, A, CONTROL, A] {
        device.key(usage, true).unwrap();
    }
    device.button(Button::Left, true).unwrap();
    let mut moves = 0;
    while Instant::now() < until {
        moves += 1;
        device.pointer(moves % 900 - 100, (moves * 7) % 700 - 90).unwrap();
    }
    println!("{moves} moves");
    device.button(Button::Left, false).unwrap();
    device.key(A, false).unwrap();
    device.key(CONTROL, false).unwrap();
    assert!(!desk.user.touched.has_changed().unwrap());
    for text in ["plain Text, {[|]} \\ ~\n\t", "Grüße, 你好, €, Żółć, Привет"] {
        device.text(text).unwrap();
    }
    for caps in [true, false] {
        device.locks(Locks { caps, num: !caps, scroll: false }).unwrap();
    }
    desk.was_untouched().await;
}

#[tokio::test]
async fn what_any_program_does_is_the_users() {
    let mut desk = Desk::open();
    desk.device.pointer(320, 240).unwrap();
    for arguments in [
        &["mousemove", "50", "60"][..],
        &["mousemove_relative", "3", "4"],
        &["mousemove_relative", "0", "-4"],
        &["click", "1"],
        &["click", "4"],
        &["key", "a"],
        &["key", "shift"],
        &["type", "x"],
    ] {
        desk.device.pointer(320, 240).unwrap();
        assert!(!desk.is_touched(), "before {arguments:?}");
        desk.xdotool(arguments);
        desk.sees(&format!("{arguments:?}"));
        desk.rest();
    }
    let nobody = desk.server.client();
    nobody.connection.destroy_window(nobody.window).unwrap();
    nobody.connection.xinput_xi_query_version(2, 2).unwrap().reply().unwrap();
    let pixel = |pixel: i32| pixel << 16;
    nobody
        .connection
        .xinput_xi_warp_pointer(x11rb::NONE, nobody.root, 0, 0, 0, 0, pixel(9), pixel(9), 2_u16)
        .unwrap();
    nobody.connection.sync().unwrap();
    desk.sees("XIWarpPointer");
}

#[tokio::test]
async fn one_move_of_the_users_is_seen_in_the_technicians_fastest_drag() {
    let mut desk = Desk::open();
    desk.device.button(Button::Left, true).unwrap();
    for arguments in [["mousemove", "50", "60"], ["mousemove_relative", "3", "4"]] {
        let mut user = desk.command(&arguments).spawn().unwrap();
        let (deadline, mut x) = (Instant::now() + Duration::from_secs(20), 0);
        while !desk.is_touched() {
            assert!(Instant::now() < deadline, "{arguments:?} was not seen");
            x = (x + 1) % 640;
            desk.device.pointer(x, 240).unwrap();
        }
        user.wait().unwrap();
        desk.rest();
    }
}

#[tokio::test]
async fn a_program_with_a_window_may_put_the_pointer_where_it_likes() {
    let desk = Desk::open();
    let game = desk.server.client();
    let jump = |client: &Client, x| {
        client.connection.warp_pointer(x11rb::NONE, client.root, 0, 0, 0, 0, x, 9).unwrap();
        client.connection.sync().unwrap();
    };
    for x in 0..100 {
        jump(&game, x);
    }
    desk.was_untouched().await;
}

#[tokio::test]
async fn the_stop_key_is_the_users_alone_and_whole() {
    let mut desk = Desk::open();
    for usage in [CONTROL, ALT, END] {
        desk.device.key(usage, true).unwrap();
    }
    for usage in [END, ALT, CONTROL] {
        desk.device.key(usage, false).unwrap();
    }
    for keys in ["End", "ctrl+End", "alt+End", "ctrl+alt+Home"] {
        desk.xdotool(&["key", keys]);
    }
    let layout = Command::new("setxkbmap").args(["-display", &desk.server.display, "-layout", "de"]).status();
    assert!(layout.expect("setxkbmap is needed (apt-get install x11-xkb-utils)").success());
    desk.xdotool(&["key", "ctrl+alt+a"]);
    desk.sees("a key");
    assert!(timeout(Duration::ZERO, desk.user.over()).await.is_err(), "nothing of this ends a session");
    desk.xdotool(&["key", "ctrl+alt+End"]);
    assert_eq!(desk.over().await, Close::UserStopped);
}

#[tokio::test]
async fn the_watcher_ends_when_it_is_let_go_and_says_so_when_the_server_is_gone() {
    let mut desk = Desk::open();
    drop(desk.watcher.take());
    eventually("the watcher still runs", || desk.user.touched.has_changed().is_err());

    let mut desk = Desk::open();
    drop(desk.server);
    let over = timeout(Duration::from_secs(20), desk.user.over()).await;
    assert_eq!(over.expect("nothing ended the session"), Close::NoScreen);
    drop(desk.watcher.take());
}
