//! The technician's window while the user's computer is silent: it says so, takes nothing that would be lost, and goes
//! on by itself.

use crate::technician::Technicians;
use nearhand_host::{
    front::{Press, Show},
    inject::recorder::Injected,
};
use nearhand_proto::{relay_string::RelayString, rights::Rights};
use nearhand_tests::{Host, Weather, World, host::FIRST, host::SIZE};
use nearhand_viewer::state::State;
use std::time::Duration;

/// A session of the window's, behind a tap.
struct Session {
    host: Host,
    window: Technicians,
    tap: Weather,
    world: World,
}

impl Session {
    /// With view and control, and the keyboard in the picture.
    async fn start() -> Self {
        let world = World::start().await;
        let tap = world.tap().await;
        let technician = world.technician("Vera Example").await;
        let mut host = world.host_with(|config| config.idle = Duration::from_millis(600));
        let code = host.code().await;
        let state = State::open(Some(technician.folder().to_owned())).expect("a state folder");
        state.save_identity(&technician.identity).expect("room for a key");
        let relay = RelayString { port: tap.port(), ..world.relay() };
        state.save_relay(&relay).expect("room for a relay");
        let want = Rights::VIEW | Rights::CONTROL;
        let mut window = Technicians::open_in(technician.folder(), &world, want, "");
        window.enters(&code.for_the_user()).await;
        for right in [Rights::VIEW, Rights::CONTROL] {
            window.harness.step();
            host.allow(right).await;
        }
        window.has_picture().await;
        Self { host, window, tap, world }
    }

    /// The line is cut, the user is told, and the window says so.
    async fn cut(&mut self) {
        self.tap.cut(true);
        self.host.sees(Show::Suspended).await;
        let words = self.window.words.clone();
        self.window.sees(words.v_reconnecting()).await;
    }

    /// The line is whole again, and the window says so.
    async fn mended(&mut self) {
        self.tap.cut(false);
        let words = self.window.words.clone();
        self.window.sees(words.v_resumed()).await;
        self.window.sees_no_more(words.v_reconnecting()).await;
        self.host.sees(Show::Resumed).await;
    }

    async fn types(&mut self, text: &str) {
        self.window.types(text);
        let (input, typed) = (self.host.input.clone(), [Injected::Text(text.into())]);
        self.window.until("what was typed", |_| (input.injected() == typed).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_computer_is_said_to_be_dialled_again_and_the_session_goes_on() {
    let mut session = Session::start().await;
    let words = session.window.words.clone();
    session.cut().await;
    session.window.sees(&words.v_reconnecting_text("desk-7")).await;
    // What is late would hit another screen.
    session.window.types("lost");
    assert!(session.window.node(&words.v_picture("desk-7")).is_some(), "the last picture stays");
    session.host.screen.fill(FIRST, SIZE.rect(), [7, 77, 177]);
    session.mended().await;
    session.window.has_picture().await;
    session.types("back").await;
    session.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_is_still_said_after_the_computer_was_silent() {
    let mut session = Session::start().await;
    let words = session.window.words.clone();
    let picture = words.v_picture("desk-7");
    session.cut().await;
    session.host.press(Press::Pause(true)).await;
    session.mended().await;
    session.window.sees(words.v_paused()).await;
    assert!(session.window.node(&picture).is_none(), "no picture is left");
    session.cut().await;
    session.mended().await;
    session.window.sees(words.v_paused()).await;
    assert!(session.window.node(&picture).is_none(), "none has come");
    session.host.press(Press::Pause(false)).await;
    session.window.has_picture().await;
    session.types("back").await;
    session.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_back_during_the_silence_is_gone_afterwards() {
    let mut session = Session::start().await;
    let words = session.window.words.clone();
    session.cut().await;
    session.host.press(Press::Revoke(Rights::CONTROL)).await;
    session.mended().await;
    session.window.sees(words.v_view_only()).await;
    session.cut().await;
    session.host.press(Press::Revoke(Rights::VIEW)).await;
    session.mended().await;
    session.window.sees(words.v_no_view()).await;
    assert!(session.window.node(&words.v_picture("desk-7")).is_none(), "no picture is left");
    session.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_answered_during_the_silence_stands_no_more() {
    let mut session = Session::start().await;
    let words = session.window.words.clone();
    session.window.leaves_picture();
    session.window.presses(words.v_ask_clipboard()).await;
    session.host.asked(Rights::CLIPBOARD_IN).await;
    session.window.sees(words.v_asked_clipboard()).await;
    session.cut().await;
    for right in [Rights::CLIPBOARD_IN, Rights::CLIPBOARD_OUT] {
        session.host.press(Press::Decline(right)).await;
        if right == Rights::CLIPBOARD_IN {
            session.host.asked(Rights::CLIPBOARD_OUT).await;
        }
    }
    session.mended().await;
    session.window.sees_no_more(words.v_asked_clipboard()).await;
    session.world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_can_be_ended_while_the_computer_is_silent() {
    let mut session = Session::start().await;
    let words = session.window.words.clone();
    session.cut().await;
    session.window.leaves_picture();
    session.window.presses(words.v_end()).await;
    session.tap.cut(false);
    session.window.sees(words.v_why_technician_left()).await;
    session.world.end().await;
}
