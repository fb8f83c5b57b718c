//! One session of the window: its state, its picture, and the ways to and from it. Drawn by the panels.

use super::{
    clip::Link,
    desk::{Desk, Errand, Failure},
    outbox::Outbox,
    picture::Picture,
    pointer,
    rates::{Rate, Rates},
    shots,
    state::{Click, State},
    wheel::Wheel,
};
use crate::{
    messages::{Act, Command, Event, Handle, Telemetry},
    screen::Screen,
};
use nearhand_desktop::clipboard;
use nearhand_proto::{rights::Rights, session::geometry::Point};
use std::{
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::mpsc;

/// Events taken before a frame is drawn, at most.
const EVENTS: usize = 512;

/// One session, from the code that was entered to its end.
pub(super) struct Session {
    /// What is known of it.
    pub(super) state: State,
    /// Its picture.
    pub(super) screen: Screen,
    /// The picture as textures.
    pub(super) picture: Picture,
    /// The pointer as it was drawn.
    pub(super) pointer: pointer::Shown,
    /// What was turned and not sent.
    pub(super) wheel: Wheel,
    /// The box below the toolbar.
    pub(super) tray: Tray,
    /// How the last screenshot went.
    pub(super) shot: Option<Result<PathBuf, String>>,
    /// True if the next pasted text is to be typed.
    pub(super) pasting: bool,
    /// True if the picture is to get the keyboard.
    pub(super) wants_focus: bool,
    events: mpsc::Receiver<Event>,
    telemetry: Arc<dyn Telemetry>,
    outbox: Outbox,
    link: Link,
    rates: Rates,
    saving: Option<Errand<PathBuf>>,
    watched: bool,
    pointed: Option<Point>,
}

/// The box below the toolbar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Tray {
    /// None.
    #[default]
    Closed,
    /// A text to be typed there.
    Text(String),
    /// A note for the record.
    Note(String),
    /// The screenshot that was made, and the folder for the next.
    Shot,
}

/// Figures for the status line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// What comes.
    pub(super) rate: Rate,
    /// Smoothed round trip time.
    pub(super) rtt: Option<Duration>,
}

impl Session {
    /// A session that has just been started and asks for `want`.
    pub(super) fn new(handle: Handle, want: Rights, clipboard: clipboard::Open) -> Self {
        let Handle { commands, events, screen, telemetry } = handle;
        Self {
            state: State::new(want),
            screen,
            picture: Picture::default(),
            pointer: pointer::Shown::default(),
            wheel: Wheel::default(),
            tray: Tray::Closed,
            shot: None,
            pasting: false,
            wants_focus: true,
            events,
            telemetry,
            outbox: Outbox::new(commands),
            link: Link::new(clipboard),
            rates: Rates::default(),
            saving: None,
            watched: false,
            pointed: None,
        }
    }

    /// Takes what has happened. `focused` is whether the window has the focus; `waker` is woken when there is more.
    pub(super) fn poll(&mut self, focused: bool, now: Instant, waker: &Waker) {
        if !self.watched {
            self.watched = true;
            self.screen.wake_on_change(waker.clone());
        }
        let mut context = Context::from_waker(waker);
        for left in (0..EVENTS).rev() {
            match self.events.poll_recv(&mut context) {
                Poll::Ready(Some(event)) => self.take(event, now, waker),
                Poll::Ready(None) => {
                    self.state.handle_gone();
                    break;
                }
                Poll::Pending => break,
            }
            if left == 0 {
                waker.wake_by_ref();
            }
        }
        if let Some(saving) = &mut self.saving
            && let Poll::Ready(saved) = Pin::new(saving).poll(&mut context)
        {
            self.saving = None;
            self.shot = Some(match saved {
                Ok(Ok(path)) => Ok(path),
                Ok(Err(Failure::Local(why))) => Err(why),
                Ok(Err(Failure::Close(why))) => Err(why.to_string()),
                Err(error) => Err(error.to_string()),
            });
        }
        if let Some(command) = self.link.poll(&mut self.state, focused, now, waker) {
            self.outbox.push(command);
        }
    }

    /// Sends what there is room for. Last in every frame.
    pub(super) fn flush(&mut self, waker: &Waker) {
        self.outbox.flush(waker);
    }

    /// Carries out a click.
    pub(super) fn click(&mut self, click: Click) {
        for command in self.state.commands(click) {
            self.outbox.push(command);
        }
    }

    /// Uses mouse or keyboard. A pointer that has not moved is not told.
    pub(super) fn act(&mut self, act: Act) {
        if let Act::Pointer(at) = act {
            if self.pointed == Some(at) {
                return;
            }
            self.pointed = Some(at);
        }
        self.outbox.push(Command::Input(act));
    }

    /// Lets go of everything that is held down.
    pub(super) fn release(&mut self) {
        self.outbox.release();
    }

    /// True while a mouse button is held down over there.
    pub(super) fn drags(&self) -> bool {
        self.outbox.drags()
    }

    /// Saves the picture that is shown into this folder; how it went stands in [`Session::shot`].
    pub(super) fn save(&mut self, desk: &Desk, folder: &str) {
        self.shot = None;
        self.tray = Tray::Shot;
        let picture = self.screen.snapshot();
        let path = shots::path(Path::new(folder.trim()), self.state.computer.as_ref(), SystemTime::now());
        self.saving = picture.map(|picture| desk.save(picture, path));
    }

    /// True while a screenshot is being written.
    pub(super) fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// The figures now.
    pub(super) fn figures(&mut self, now: Instant) -> Figures {
        let stats = self.telemetry.stats();
        Figures { rate: self.rates.look(now, self.state.updates, stats.bytes_received), rtt: stats.rtt }
    }

    fn take(&mut self, event: Event, now: Instant, waker: &Waker) {
        let could = self.state.may_control();
        match &event {
            Event::Clipboard(text) => self.link.handle_text(text.clone(), waker),
            Event::Suspended | Event::Ended(_) => self.outbox.forget_input(),
            Event::Updated { epoch: _, monitor, .. } if self.state.monitor != Some(*monitor) => {
                self.pointed = None;
            }
            _ => {}
        }
        self.state.handle(event, now);
        // Whoever has just been given control, or back, wants to use it.
        self.wants_focus |= !could && self.state.may_control() && self.tray == Tray::Closed;
    }
}
