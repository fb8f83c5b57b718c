//! The user's window: for somebody who has never seen a terminal. It shows one thing at a time, in plain words; during
//! a session it is a slim banner at the screen's upper edge that says who is there and what they may do.
//!
//! A front as the terminal is one: [`crate::front`] is all that it knows of the host. `state` decides, one file a
//! panel draws, [`run`] opens it on the desktop. Nothing is polled: a show wakes the window, and so does a time that is
//! shown once it reads otherwise.

mod ask;
mod banner;
mod code;
mod end;
mod page;
mod pauses;
mod place;
mod reasons;
mod relay;
mod run;
mod scam;
mod session;
mod state;

pub use self::{
    run::{Setting, WindowError, run},
    session::{Question, Session},
    state::{CALM, Click, Notice, Scene, State},
};

use self::{
    page::View,
    place::{Place, Shape},
};
use crate::front::{Front, Press};
use eframe::egui::{Context, Ui, UserAttentionType, Vec2, ViewportCommand};
use nearhand_desktop::{window::waker, words::Words};
use std::{
    collections::VecDeque,
    mem::{Discriminant, discriminant},
    pin::Pin,
    task::Poll,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::error::TrySendError;

/// When to try again to hand over a press that the host has no room for.
const RETRY: Duration = Duration::from_millis(50);

/// For how long it is said that the code was copied.
const COPIED: Duration = Duration::from_secs(3);

/// The window, wherever it is drawn.
pub struct Window {
    front: Front,
    words: Words,
    state: State,
    /// Presses that the host had no room for yet: a person's, so there are few.
    waiting: VecDeque<Press>,
    /// What is being pasted.
    relay: relay::Field,
    copied: Option<Instant>,
    place: Place,
    shown: Shown,
    /// Is over when the program is told to end from outside.
    stopped: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// It has not been drawn yet.
    appears: bool,
}

impl std::fmt::Debug for Window {
    /// A code is for the user's screen alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").finish_non_exhaustive()
    }
}

impl Window {
    /// A window that shows nothing yet.
    pub fn new(front: Front, words: Words) -> Self {
        Self {
            front,
            words,
            state: State::default(),
            waiting: VecDeque::new(),
            relay: relay::Field::default(),
            copied: None,
            place: Place::default(),
            shown: Shown::default(),
            stopped: None,
            appears: false,
        }
    }

    /// The window closes once `stopped` is over, whatever it shows.
    pub fn close_on(&mut self, stopped: impl Future<Output = ()> + 'static) {
        self.stopped = Some(Box::pin(stopped));
    }

    /// What it knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes what the host says, hands over what was pressed. Also while the window is hidden: a host whose words nobody
    /// takes stands still.
    pub fn logic(&mut self, context: &Context) {
        let now = Instant::now();
        self.take_shows(context, now);
        if context.input(|input| input.viewport().close_requested()) {
            self.click(Click::Close, now);
        }
        self.hand_over(context);
        self.call_for_attention(context);
        if self.state.done && self.waiting.is_empty() {
            context.send_viewport_cmd(ViewportCommand::Close);
        } else if self.state.done {
            context.send_viewport_cmd(ViewportCommand::CancelClose);
        }
    }

    /// Draws everything, and acts on what is clicked.
    pub fn ui(&mut self, ui: &mut Ui) {
        self.logic(ui.ctx());
        let now = Instant::now();
        let shape = self.shape();
        let (click, size) = self.panels(ui, shape, now);
        self.place.settle(ui.ctx(), shape, matches!(self.state.scene, Scene::Session(_)), size);
        match click {
            Some(Click::Copy(code)) => {
                ui.ctx().copy_text(code);
                self.copied = Some(now + COPIED);
                ui.ctx().request_repaint();
            }
            Some(click) => {
                self.click(click, now);
                self.hand_over(ui.ctx());
                ui.ctx().request_repaint();
            }
            None => {}
        }
        let copied = self.copied.and_then(|until| until.checked_duration_since(now));
        if let Some(wait) = self.state.next_change(now).into_iter().chain(copied).min() {
            // A little late rather than a little early: an early frame would show the old time again.
            ui.ctx().request_repaint_after(wait + Duration::from_millis(5));
        }
    }

    fn panels(&mut self, ui: &mut Ui, shape: Shape, now: Instant) -> (Option<Click>, Vec2) {
        let appears = std::mem::take(&mut self.appears);
        let view = View { words: &self.words, state: &self.state, now, appears };
        match (&self.state.scene, shape) {
            (Scene::Session(session), Shape::Banner) => banner::show(ui, &view, session),
            (Scene::WhichRelay, _) => page::show(ui, &view, |ui| self.relay.show(ui, &view)),
            (Scene::Code { .. }, _) if self.state.scam.is_none() => {
                let copied = self.copied.is_some_and(|until| now < until);
                page::show(ui, &view, |ui| code::show(ui, &view, copied))
            }
            _ => page::show(ui, &view, |ui| page::scene(ui, &view)),
        }
    }

    fn shape(&self) -> Shape {
        match &self.state.scene {
            Scene::Session(session) if session.begun => Shape::Banner,
            _ => Shape::Page,
        }
    }

    fn take_shows(&mut self, context: &Context, now: Instant) {
        let waker = waker(context);
        let mut woken = std::task::Context::from_waker(&waker);
        if self.stopped.as_mut().is_some_and(|stopped| stopped.as_mut().poll(&mut woken).is_ready()) {
            self.stopped = None;
            self.state.done = true;
        }
        loop {
            match self.front.shows.poll_recv(&mut woken) {
                Poll::Ready(Some(show)) => self.state.handle_show(show, now),
                Poll::Ready(None) => return self.state.handle_gone(),
                Poll::Pending => return,
            }
        }
    }

    /// The window's own title: the question while one stands, so that a list of windows shows it as well.
    fn title(&self) -> String {
        if let Scene::Session(session) = &self.state.scene
            && let Some(question) = &session.question
        {
            return ask::title(&self.words, &session.technician, question.rights);
        }
        self.words.host_title().to_owned()
    }

    fn click(&mut self, click: Click, now: Instant) {
        if let Some(press) = self.state.handle_click(click, now) {
            self.waiting.push_back(press);
        }
    }

    fn hand_over(&mut self, context: &Context) {
        while let Some(press) = self.waiting.pop_front() {
            match self.front.presses.try_send(press) {
                Ok(()) => {}
                Err(TrySendError::Full(press)) => {
                    self.waiting.push_front(press);
                    return context.request_repaint_after(RETRY);
                }
                // Nobody takes presses any more, so none is waited for.
                Err(TrySendError::Closed(_)) => self.waiting.clear(),
            }
        }
    }

    /// What is new takes the keyboard off whatever it was on: Enter that was meant for the last question must not answer
    /// the next one. A question brings the window up as well.
    fn call_for_attention(&mut self, context: &Context) {
        let shown = Shown::of(&self.state);
        let before = std::mem::replace(&mut self.shown, shown);
        if before == shown {
            return;
        }
        self.appears = true;
        context.memory_mut(|memory| {
            if let Some(focused) = memory.focused() {
                memory.surrender_focus(focused);
            }
        });
        if shown.question != before.question {
            context.send_viewport_cmd(ViewportCommand::Title(self.title()));
        }
        if shown.question.is_some() && shown.question != before.question {
            context.send_viewport_cmd(ViewportCommand::Minimized(false));
            context.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Critical));
        }
    }
}

/// What the user is looking at, as far as it matters for the keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    scene: Option<Discriminant<Scene>>,
    /// When the question that stands appeared.
    question: Option<Instant>,
    scam: bool,
}

impl Shown {
    fn of(state: &State) -> Self {
        let question = match &state.scene {
            Scene::Session(session) => session.question.map(|question| question.since),
            _ => None,
        };
        Self { scene: Some(discriminant(&state.scene)), question, scam: state.scam.is_some() }
    }
}
