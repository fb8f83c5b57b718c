//! The technician's window without a display, and somebody who uses it by its accessible names and the keyboard.

use eframe::egui::{Event, Key, Modifiers, vec2};
use egui_kittest::{
    Harness, Node,
    kittest::{NodeT as _, Queryable as _},
};
use nearhand_desktop::{
    clipboard::scripted::Board,
    words::{Language, Words},
};
use nearhand_proto::rights::Rights;
use nearhand_tests::{DEADLINE, Technician, World};
use nearhand_viewer::{
    state::State,
    window::{
        self, Window,
        desk::{Desk, Setting},
    },
};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// A technician's window without a display.
pub(crate) struct Technicians {
    pub(crate) harness: Harness<'static, Window>,
    pub(crate) words: Words,
    pub(crate) board: Board,
}

impl Technicians {
    /// Opens it with what somebody has in their state folder.
    pub(crate) fn open_in(folder: &Path, world: &World, want: Rights, typed: &str) -> Self {
        let state = State::open(Some(folder.to_owned())).expect("a state folder");
        let patience = Duration::from_secs(10);
        let relay = state.relay().expect("a relay string, or none");
        let desk = Desk::new(Handle::current(), Setting { state, relay, want, patience });
        let (words, board) = (Words::new(Language::En), Board::default());
        let mut window = Window::new(desk, words.clone(), board.open(), typed);
        window.set_folder(&world.folder().display().to_string());
        let harness = Harness::builder().with_size(vec2(1_100.0, 700.0)).build_ui_state(
            |ui, window: &mut Window| {
                window::apply(ui.ctx());
                window.logic(&ui.ctx().clone());
                window.ui(ui);
            },
            window,
        );
        Self { harness, words, board }
    }

    /// Opens it for somebody who is enrolled.
    pub(crate) fn open(world: &World, technician: &Technician, want: Rights) -> Self {
        let state = State::open(Some(technician.folder().to_owned())).expect("a state folder");
        state.save_identity(&technician.identity).expect("room for a key");
        state.save_relay(&world.relay()).expect("room for a relay");
        Self::open_in(technician.folder(), world, want, "")
    }

    /// Draws frames until `look` finds something.
    pub(crate) async fn until<R>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<R>) -> R {
        let until = Instant::now() + DEADLINE;
        loop {
            self.harness.step();
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < until, "not in time: {what}; the window has {:#?}", self.labels());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn node<'a>(&'a self, label: &'a str) -> Option<Node<'a>> {
        self.harness.query_all_by_label(label).next()
    }

    pub(crate) fn is_at(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).any(|node| node.is_focused())
    }

    pub(crate) fn labels(&self) -> Vec<String> {
        let all = self.harness.query_all_by(|_| true);
        all.filter_map(|node| node.accesskit_node().label().or(node.accesskit_node().value())).collect()
    }

    pub(crate) async fn sees(&mut self, label: &str) {
        self.until(label, |window| window.node(label).map(drop)).await;
    }

    pub(crate) async fn sees_no_more(&mut self, label: &str) {
        self.until(&format!("no '{label}'"), |window| window.node(label).is_none().then_some(())).await;
    }

    /// Something whose label begins so; returns the whole label.
    pub(crate) async fn sees_beginning(&mut self, start: &str) -> String {
        let begins = |window: &mut Self| window.labels().into_iter().find(|label| label.starts_with(start));
        self.until(start, begins).await
    }

    pub(crate) fn key(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.step();
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.harness.event(Event::Text(text.to_owned()));
        self.harness.step();
    }

    /// Goes there by Tab.
    pub(crate) async fn goes_to(&mut self, label: &str) {
        self.sees(label).await;
        for _ in 0..60 {
            if self.is_at(label) {
                return;
            }
            self.key(Key::Tab);
            self.harness.step();
        }
        panic!("Tab doesn't lead to '{label}': {:#?}", self.labels());
    }

    /// Goes there by Tab and presses it.
    pub(crate) async fn presses(&mut self, label: &str) {
        self.goes_to(label).await;
        self.key(Key::Enter);
    }

    /// Out of the picture, as Ctrl+Alt+Shift does.
    pub(crate) fn leaves_picture(&mut self) {
        let all = Modifiers { alt: true, ctrl: true, shift: true, ..Modifiers::NONE };
        self.harness.event(Event::ModifiersChanged(all));
        self.harness.event(Event::ModifiersChanged(Modifiers::NONE));
        self.harness.step();
        self.harness.step();
    }

    /// Types the code and Enter.
    pub(crate) async fn enters(&mut self, code: &str) {
        let title = self.words.v_code_title().to_owned();
        self.until("the field for the code", |window| {
            window.harness.query_all_by_label(&title).any(|node| node.is_focused()).then_some(())
        })
        .await;
        self.types(code);
        let good = self.words.v_code_good().to_owned();
        self.sees(&good).await;
        self.key(Key::Enter);
    }

    /// Waits until the picture has the keyboard.
    pub(crate) async fn has_picture(&mut self) {
        let label = self.words.v_picture("desk-7");
        self.until("the picture with the keyboard", |window| {
            window.node(&label).filter(|node| node.is_focused()).map(drop)
        })
        .await;
    }
}
