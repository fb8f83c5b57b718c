//! The technician's window: code entry, the session's picture with mouse and keyboard, and why it ended; one window
//! for one session after the other. What it knows of a session is in `state`, pure; each panel is a file; `shell` puts
//! it on a display. It never waits: whatever takes time is a task of [`Desk`]'s runtime and wakes the window.
//!
//! ```text
//! enrol --enrolled--> entry --code--> connecting --view given--> session --Ended--> ended --> entry
//! ```

mod chords;
mod clip;
mod code;
mod connecting;
mod dense;
pub mod desk;
mod ended;
mod enrol;
mod entry;
mod keyboard;
pub mod keys;
mod mark;
mod outbox;
mod overlay;
mod picture;
mod pointer;
mod rates;
mod say;
mod screen;
mod session;
mod shell;
mod shots;
mod state;
mod status;
mod toolbar;
mod tray;
mod view;
mod wheel;

pub use self::{
    dense::apply,
    desk::Desk,
    shell::{Start, WindowError, run},
};

use self::{
    desk::Failure,
    ended::{Ended, Next},
    keyboard::Keyboard,
    keys::Grab,
    session::{Session, Tray},
    state::{Click, Stage},
    view::Scale,
};
use eframe::egui::{
    CentralPanel, Color32, Context, Event, Frame, Id, Key, Margin, Panel, Popup, Ui, ViewportCommand,
};
use nearhand_desktop::{
    clipboard,
    look::{Kind, Tone, palette},
    window::waker,
    words::Words,
};
use nearhand_proto::{code::SessionCode, rights::Rights};
use std::time::Instant;

/// The whole window.
pub struct Window {
    desk: Desk,
    words: Words,
    clipboard: clipboard::Open,
    page: Page,
    bench: Bench,
    title: String,
}

/// What outlasts a session: how the technician likes to work.
struct Bench {
    keyboard: Keyboard,
    scale: Scale,
    full: bool,
    /// Where screenshots go.
    folder: String,
    /// Display pixels for each of the picture's, when it was drawn last.
    factor: f32,
}

enum Page {
    Enrol(enrol::Form),
    Entry(entry::Form),
    Session(Box<Running>),
}

struct Running {
    session: Session,
    since: Instant,
    ended: Option<Ended>,
}

impl Bench {
    /// True if the window has the focus. A grab of the keyboard looks to the toolkit as if the focus had gone.
    fn is_focused(&self, context: &Context) -> bool {
        context.input(|input| input.focused) || self.keyboard.grabbed() == Grab::Held
    }

    fn set_full(&mut self, context: &Context, full: bool) {
        self.full = full;
        context.send_viewport_cmd(ViewportCommand::Fullscreen(full));
    }
}

impl Window {
    /// A window that begins with the enrolment if there was none, else with the code; `typed` is a code from the
    /// command line, and starts a session if it is one.
    pub fn new(desk: Desk, words: Words, clipboard: clipboard::Open, typed: &str) -> Self {
        let folder = shots::default_folder().display().to_string();
        let bench = Bench {
            keyboard: Keyboard::default(),
            scale: Scale::default(),
            full: false,
            folder,
            factor: 1.0,
        };
        let mut window = Self {
            page: Page::Entry(entry::Form::with(typed)),
            desk,
            words,
            clipboard,
            bench,
            title: String::new(),
        };
        match window.desk.enrolled_at() {
            Ok(Some(_)) => {
                if let code::Typed::Code(code) = code::Typed::of(typed) {
                    window.start(code);
                }
            }
            Ok(None) => window.page = Page::Enrol(enrol::Form::new(window.desk.relay(), None)),
            Err(failure) => {
                let why = window.failed(failure);
                window.page = Page::Enrol(enrol::Form::new(window.desk.relay(), Some(why)));
            }
        }
        window
    }

    /// Where screenshots go from now on.
    pub fn set_folder(&mut self, folder: &str) {
        folder.clone_into(&mut self.bench.folder);
    }

    /// Takes keys from this X window, shortcuts of the window manager among them.
    pub fn take_keys(&mut self, window: u32, context: &Context) {
        self.bench.keyboard.open(window, waker(context));
    }

    /// Takes what has happened. Also while the window is hidden: a session whose events nobody takes stands still.
    pub fn logic(&mut self, context: &Context) {
        let waker = waker(context);
        let focused = self.bench.is_focused(context);
        match &mut self.page {
            Page::Enrol(form) => {
                if let Some(done) = form.poll(&self.words, &waker) {
                    self.enrolled(done);
                }
            }
            Page::Entry(_) => {}
            Page::Session(running) => {
                running.session.poll(focused, Instant::now(), &waker);
                running.session.flush(&waker);
            }
        }
        self.say_title(context);
    }

    /// Draws a frame, after [`Window::logic`].
    pub fn ui(&mut self, ui: &mut Ui) {
        self.pages(ui, Instant::now());
        if let Page::Session(running) = &mut self.page {
            running.session.flush(&waker(ui.ctx()));
        }
    }

    /// Ends what runs, and waits for it, at most 5 s.
    pub async fn close(self) {
        drop(self.page); // a session whose front has gone ends
        self.desk.close().await;
    }

    fn pages(&mut self, ui: &mut Ui, now: Instant) {
        let relay = self.desk.relay().map_or_else(String::new, |relay| relay.host.clone());
        match &mut self.page {
            Page::Enrol(form) => {
                let may_go_back = matches!(self.desk.enrolled_at(), Ok(Some(_)));
                if let Some(done) = whole(ui, |ui| form.show(ui, &self.desk, may_go_back, &self.words)) {
                    self.enrolled(done);
                }
            }
            Page::Entry(form) => match whole(ui, |ui| form.show(ui, &relay, &self.words)) {
                Some(entry::Wish::Connect(code)) => self.start(code),
                Some(entry::Wish::ReportSlip) => self.desk.report_slip(),
                Some(entry::Wish::Enrol) => {
                    self.page = Page::Enrol(enrol::Form::new(None, None));
                }
                None => {}
            },
            Page::Session(_) => self.session(ui, &relay, now),
        }
    }

    fn session(&mut self, ui: &mut Ui, relay: &str, now: Instant) {
        let Page::Session(running) = &mut self.page else { return };
        let (bench, desk, words) = (&mut self.bench, &self.desk, &self.words);
        let Running { session, since, ended } = &mut **running;
        if let Some(until) = session.state.handle_time(now) {
            ui.ctx().request_repaint_after(until - now);
        }
        match session.state.stage {
            Stage::Over(why) => {
                if bench.full {
                    bench.set_full(ui.ctx(), false);
                }
                bench.keyboard.take(&[], false);
                let ended = ended.get_or_insert_with(|| Ended::now(session));
                match whole(ui, |ui| ended.show(ui, session, why, words)) {
                    Some(Next::Code) => self.page = Page::Entry(entry::Form::default()),
                    Some(Next::Enrol) => {
                        self.page = Page::Enrol(enrol::Form::new(self.desk.relay(), None));
                    }
                    None => {}
                }
            }
            Stage::Running => {
                for click in held(ui, session, bench, desk, relay, words) {
                    session.click(click);
                }
            }
            _ => {
                let clicks = whole(ui, |ui| connecting::show(ui, session, relay, *since, words));
                clicks.into_iter().for_each(|click| session.click(click));
            }
        }
    }

    fn start(&mut self, code: SessionCode) {
        self.page = match self.desk.start(code) {
            Ok(handle) => {
                let session = Session::new(handle, self.desk.want(), self.clipboard.clone());
                Page::Session(Box::new(Running { session, since: Instant::now(), ended: None }))
            }
            Err(failure) => {
                let why = self.failed(failure);
                Page::Enrol(enrol::Form::new(self.desk.relay(), Some(why)))
            }
        };
    }

    fn enrolled(&mut self, done: enrol::Done) {
        let mut form = entry::Form::default();
        if let enrol::Done::Enrolled(relay, technician) = done {
            self.desk.handle_enrolled(relay);
            let said = self.words.v_enrol_done(&technician.name, &technician.desk);
            form.note = Some((Tone::Info, said));
        }
        self.page = Page::Entry(form);
    }

    fn failed(&self, failure: Failure) -> String {
        match failure {
            Failure::Close(why) => say::close(&self.words, why).to_owned(),
            Failure::Local(why) => why,
        }
    }

    fn say_title(&mut self, context: &Context) {
        let computer = match &self.page {
            Page::Session(running) => running.session.state.computer.as_ref(),
            _ => None,
        };
        let title = match computer {
            Some(computer) => format!("{computer} – {}", self.words.v_title()),
            None => self.words.v_title().to_owned(),
        };
        if title != self.title {
            context.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

/// A session that runs: its panels.
fn held(
    ui: &mut Ui,
    session: &mut Session,
    bench: &mut Bench,
    desk: &Desk,
    relay: &str,
    words: &Words,
) -> Vec<Click> {
    let mut clicks = shortcuts(ui, session, bench);
    if !bench.full {
        let edge = Frame::new().fill(palette(ui).window.fill).inner_margin(Margin::symmetric(8, 6));
        let low = edge.inner_margin(Margin::symmetric(10, 3));
        let tools = Panel::top("tools").frame(edge).show(ui, |ui| {
            clicks.append(&mut toolbar::show(ui, session, bench, desk, words));
        });
        if session.tray != Tray::Closed {
            Panel::top("tray").frame(edge).show(ui, |ui| {
                clicks.append(&mut tray::show(ui, session, bench, desk, words));
            });
        }
        if let Some((text, ask)) = overlay::view_only(session, words) {
            let may = session.state.may_ask(Rights::CONTROL, Instant::now());
            Panel::top("view only").frame(Frame::new()).show(ui, |ui| {
                dense::strip(ui, Tone::Warning, text, |ui| {
                    if !ask {
                        return;
                    }
                    ui.add_enabled_ui(may, |ui| {
                        if dense::button(ui, Kind::Primary, words.v_ask_control()).clicked() {
                            clicks.push(Click::Ask(Rights::CONTROL));
                        }
                    });
                });
            });
        }
        let status =
            Panel::bottom("status").frame(low).show(ui, |ui| status::show(ui, session, bench, relay, words));
        settle(ui, "heights", tools.response.rect.height() + status.response.rect.height());
    }
    if let Some(peace) =
        session.state.peace_until().and_then(|until| until.checked_duration_since(Instant::now()))
    {
        ui.ctx().request_repaint_after(peace);
    }
    let matte = Frame::new().fill(Color32::from_rgb(24, 28, 34));
    CentralPanel::default().frame(matte).show(ui, |ui| {
        clicks.append(&mut screen::show(ui, session, bench, words));
    });
    clicks
}

/// Keys of the window itself, while none of them is for the user's computer; and a text that was asked to be typed.
fn shortcuts(ui: &Ui, session: &mut Session, bench: &mut Bench) -> Vec<Click> {
    let mut clicks = Vec::new();
    let typing = ui.memory(|memory| memory.has_focus(screen::id())) && session.state.may_control();
    if session.pasting {
        let pasted = ui.input(|input| {
            let text = |event: &Event| if let Event::Paste(text) = event { Some(text.clone()) } else { None };
            input.events.iter().find_map(text)
        });
        if let Some(text) = pasted {
            session.pasting = false;
            session.wants_focus = true;
            clicks.push(Click::Type(text));
        }
    }
    if typing {
        return clicks;
    }
    let full = ui.input(|input| {
        let all = input.modifiers.ctrl && input.modifiers.alt && input.modifiers.shift;
        input.key_pressed(Key::F11) || all && input.key_pressed(Key::F)
    });
    if full {
        bench.set_full(ui.ctx(), !bench.full);
    }
    let back = ui.input(|input| input.key_pressed(Key::Escape));
    if back && session.tray == Tray::Closed && !Popup::is_any_open(ui.ctx()) {
        session.wants_focus = true;
    }
    clicks
}

/// Draws once more where a panel has another height than in the frame before: only then has the rest its place.
fn settle(ui: &Ui, name: &str, height: f32) {
    let id = Id::unique(name);
    if ui.data(|data| data.get_temp::<f32>(id)) != Some(height) {
        ui.data_mut(|data| data.insert_temp(id, height));
        ui.ctx().request_repaint();
    }
}

/// A page that fills the window.
fn whole<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let fill = palette(ui).window.fill;
    CentralPanel::default().frame(Frame::new().fill(fill)).show(ui, add).inner
}
