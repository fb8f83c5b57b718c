//! The session's banner: who is there, what they may do, a switch for every right, Pause and Stop; beneath it the
//! question that stands.

use super::{
    ask,
    page::{View, apart},
    scam,
    session::Session,
    state::Click,
};
use eframe::egui::{CentralPanel, Frame, Margin, Response, RichText, ScrollArea, Ui, Vec2, vec2};
use nearhand_desktop::look::{self, Kind, SMALL, palette};
use nearhand_proto::{rights::Rights, session::clipboard::Direction};

/// Below this width things stand one above the other, in points.
const NARROW: f32 = 620.0;

/// Draws it; returns what was clicked, and the size of what there is to see.
pub(super) fn show(ui: &mut Ui, view: &View<'_>, session: &Session) -> (Option<Click>, Vec2) {
    let frame = Frame::new().fill(palette(ui).window.fill);
    let inner = CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        let scroll = ScrollArea::vertical().auto_shrink(false).content_margin(Margin::symmetric(16, 12));
        scroll.show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(12.0, 8.0);
            let is_narrow = ui.available_width() < NARROW;
            if is_narrow {
                // The question first: beneath the rest it would be out of sight.
                let click = question(ui, view, session);
                ui.scope(|ui| who(ui, view, session));
                ui.add_space(4.0);
                let click = click.or(ui.horizontal_wrapped(|ui| buttons(ui, view, session)).inner);
                let click = click.or(ui.vertical(|ui| switches(ui, view, session)).inner);
                ui.add_space(4.0);
                note(ui, view, session);
                return scam_button(ui, view).or(click);
            }
            let click = head(ui, view, session);
            let click = click.or(ui.horizontal_wrapped(|ui| switches(ui, view, session)).inner);
            let click = foot(ui, view, session).or(click);
            question(ui, view, session).or(click)
        })
    });
    (inner.inner.inner, inner.inner.content_size)
}

/// The question, or whether this was a scam.
fn question(ui: &mut Ui, view: &View<'_>, session: &Session) -> Option<Click> {
    if view.state.scam.is_none() && session.question.is_none() {
        return None;
    }
    look::card(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 12.0;
        match (&view.state.scam, &session.question) {
            (None, Some(question)) => ask::ask(ui, view, session, question),
            _ => scam::show(ui, view),
        }
    })
}

fn head(ui: &mut Ui, view: &View<'_>, session: &Session) -> Option<Click> {
    let mut click = None;
    let right = |ui: &mut Ui| click = buttons(ui, view, session);
    apart(ui, |ui| _ = ui.vertical(|ui| who(ui, view, session)), right);
    click
}

fn buttons(ui: &mut Ui, view: &View<'_>, session: &Session) -> Option<Click> {
    let words = view.words;
    let mut click = None;
    if look::button(ui, Kind::Danger, words.stop()).clicked() {
        click = Some(Click::Stop);
    }
    let pause = if session.paused { words.go_on() } else { words.pause() };
    let kind = if session.paused { Kind::Primary } else { Kind::Plain };
    if faint_while(ui, session.paused && session.rests(view.now), |ui| look::button(ui, kind, pause))
        .clicked()
    {
        click = Some(Click::Pause);
    }
    click
}

/// Who, what they do now, and through whom they came.
fn who(ui: &mut Ui, view: &View<'_>, session: &Session) {
    let (words, technician) = (view.words, &session.technician);
    ui.spacing_mut().item_spacing.y = 2.0;
    let now = if session.suspended {
        words.absent(technician)
    } else if session.paused || !session.held.contains(Rights::VIEW) {
        words.sees_nothing(technician)
    } else if session.held.contains(Rights::CONTROL) {
        words.controls(technician)
    } else {
        words.sees(technician)
    };
    look::strong(ui, &now);
    if let Some(host) = &view.state.host {
        look::weak(ui, &words.from_desk(&session.desk, host));
    }
}

/// One switch a right; it works at once.
fn switches(ui: &mut Ui, view: &View<'_>, session: &Session) -> Option<Click> {
    let words = view.words;
    let rows = [
        (Rights::VIEW, words.may_view()),
        (Rights::CONTROL, words.may_control()),
        (Rights::CLIPBOARD_IN, words.may_clipboard_in()),
        (Rights::CLIPBOARD_OUT, words.may_clipboard_out()),
    ];
    ui.spacing_mut().item_spacing = vec2(18.0, 4.0);
    let mut click = None;
    for (right, label) in rows {
        let on = session.held.contains(right);
        // Without viewing nothing else can be given.
        let usable = right == Rights::VIEW || session.held.contains(Rights::VIEW);
        let rests = !on && session.rests(view.now);
        let switch = |ui: &mut Ui| faint_while(ui, rests, |ui| look::switch(ui, on, label));
        let switch = ui.add_enabled(usable, switch);
        if switch.clicked() {
            click = Some(Click::Switch(right));
        }
    }
    click
}

/// What gives takes no click for a moment after something was taken, and looks so.
fn faint_while(ui: &mut Ui, rests: bool, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let faint = |ui: &mut Ui| {
        ui.multiply_opacity(if rests { 0.5 } else { 1.0 });
        add(ui)
    };
    ui.scope(faint).inner
}

/// What has just happened, or how to stop; and "This was a scam".
fn foot(ui: &mut Ui, view: &View<'_>, session: &Session) -> Option<Click> {
    let mut click = None;
    apart(ui, |ui| note(ui, view, session), |ui| click = scam_button(ui, view));
    click
}

fn scam_button(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    look::button(ui, Kind::Warning, view.words.scam()).clicked().then_some(Click::Scam)
}

fn note(ui: &mut Ui, view: &View<'_>, session: &Session) {
    let (words, technician) = (view.words, &session.technician);
    let palette = palette(ui);
    let (text, pair) = if session.suspended {
        (words.suspended(technician), palette.warning)
    } else if session.paused {
        (words.paused(technician), palette.warning)
    } else if view.state.relay_lost {
        (words.session_relay_lost().to_owned(), palette.warning)
    } else if session.no_picture && session.held.contains(Rights::VIEW) {
        (words.no_picture(technician), palette.warning)
    } else if session.yielded && session.held.contains(Rights::CONTROL) {
        (words.yielded(technician), palette.info)
    } else {
        match session.clipboard(view.now) {
            Some(Direction::In) => (words.clipboard_in(technician), palette.info),
            Some(Direction::Out) => (words.clipboard_out(technician), palette.info),
            None => {
                look::weak(ui, words.stop_key());
                return;
            }
        }
    };
    let frame =
        Frame::new().fill(pair.fill).corner_radius(look::ROUND).inner_margin(Margin::symmetric(10, 5));
    frame.show(ui, |ui| ui.label(RichText::new(text).size(SMALL + 0.5).color(pair.text)));
}
