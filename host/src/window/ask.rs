//! The question for the user's consent. Silence declines, and the time that is left is shown; no key that was meant for
//! something else is an answer: nothing has the keyboard, and for a moment the buttons do nothing.

use super::{
    page::{View, choice},
    session::{Question, Session},
    state::{Click, seconds_left},
};
use eframe::egui::{CornerRadius, Sense, Ui, vec2};
use nearhand_desktop::{
    look::{self, Kind, Tone, palette},
    words::Words,
};
use nearhand_proto::{rights::Rights, session::consent::PATIENCE, text::Name};

/// The whole page: nothing has been given yet.
pub(super) fn page(ui: &mut Ui, view: &View<'_>, session: &Session) -> Option<Click> {
    match &session.question {
        Some(question) => ask(ui, view, session, question),
        None => super::pauses::caller(ui, view, &session.technician, &session.desk),
    }
}

/// Who asks for what, and the answers.
pub(super) fn ask(ui: &mut Ui, view: &View<'_>, session: &Session, question: &Question) -> Option<Click> {
    let (words, technician) = (view.words, &session.technician);
    let rights = question.rights;
    let (means, allow) = match rights {
        Rights::VIEW => (words.ask_view_means(), words.allow_view()),
        Rights::CONTROL => (words.ask_control_means(), words.allow_control()),
        Rights::CLIPBOARD_IN => (words.ask_clipboard_in_means(), words.allow_clipboard()),
        Rights::CLIPBOARD_OUT => (words.ask_clipboard_out_means(), words.allow_clipboard()),
        _ => ("", words.allow_other()),
    };
    look::title(ui, &title(words, technician, rights), view.appears);
    if !session.begun {
        let mut from = words.ask_from(technician, &session.desk);
        if let Some(host) = &view.state.host {
            from = format!("{from}, {}", words.ask_through(host));
        }
        look::weak(ui, &from);
    }
    look::text(ui, means);
    if !session.begun {
        look::notice(ui, Tone::Warning, words.ask_called());
    }
    let is_calm = view.state.is_calm(view.now);
    let chosen = ui
        .scope(|ui| {
            ui.multiply_opacity(if is_calm { 0.5 } else { 1.0 });
            choice(ui, (Kind::Primary, allow), (Kind::Plain, words.decline()))
        })
        .inner;
    countdown(ui, view, question);
    chosen.map(|yes| if yes { Click::Allow(rights) } else { Click::Decline(rights) })
}

/// The question itself.
pub(super) fn title(words: &Words, technician: &Name, rights: Rights) -> String {
    match rights {
        Rights::VIEW => words.ask_view(technician),
        Rights::CONTROL => words.ask_control(technician),
        Rights::CLIPBOARD_IN => words.ask_clipboard_in(technician),
        Rights::CLIPBOARD_OUT => words.ask_clipboard_out(technician),
        other => words.ask_other(technician, other.for_people()),
    }
}

/// How long until silence declines, as a bar and in words.
fn countdown(ui: &mut Ui, view: &View<'_>, question: &Question) {
    let left = seconds_left(question.until, view.now);
    let whole =
        question.until.saturating_duration_since(question.since).as_secs().clamp(1, PATIENCE.as_secs());
    let part = u16::try_from(left).unwrap_or(u16::MAX);
    let share = f32::from(part) / f32::from(u16::try_from(whole).unwrap_or(u16::MAX));
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let colours = palette(ui);
    ui.painter().rect_filled(rect, CornerRadius::same(3), colours.line);
    let mut done = rect;
    done.set_width(rect.width() * share.min(1.0));
    ui.painter().rect_filled(done, CornerRadius::same(3), colours.off);
    look::weak(ui, &view.words.ask_left(view.words.time(left)));
}
