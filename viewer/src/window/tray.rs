//! The box below the toolbar: a text to be typed there, a note for the record, or where the screenshot went.

use super::{
    Bench, dense,
    desk::Desk,
    session::{Session, Tray},
    state::Click,
    toolbar,
};
use eframe::egui::{Id, Key, Modifiers, Response, RichText, TextEdit, Ui, vec2};
use nearhand_desktop::{
    look::{Kind, palette},
    words::Words,
};
use nearhand_proto::session::control::MAX_NOTE;

/// Draws it; returns what was clicked.
pub(super) fn show(
    ui: &mut Ui,
    session: &mut Session,
    bench: &mut Bench,
    desk: &Desk,
    words: &Words,
) -> Vec<Click> {
    if ui.input(|input| input.key_pressed(Key::Escape)) {
        session.tray = Tray::Closed;
        session.wants_focus = true;
        return Vec::new();
    }
    let mut tray = std::mem::take(&mut session.tray);
    let click = match &mut tray {
        Tray::Closed => None,
        Tray::Text(text) => field(ui, text, words, &TEXT).map(Click::Type),
        Tray::Note(text) => field(ui, text, words, &NOTE).map(Click::Note),
        Tray::Shot => {
            shot(ui, session, bench, desk, words);
            None
        }
    };
    let is_note = matches!(tray, Tray::Note(_));
    // A note is one thing; a text may be followed by another.
    session.tray = match (click.is_some(), tray) {
        (true, Tray::Text(_)) => Tray::Text(String::new()),
        (true, _) => Tray::Closed,
        (false, tray) => tray,
    };
    session.wants_focus |= click.is_some() && is_note;
    click.into_iter().collect()
}

/// A box with a field.
struct Kinds {
    label: fn(&Words) -> &str,
    button: fn(&Words) -> &str,
    rows: usize,
    most: usize,
    keys: Modifiers,
}

const TEXT: Kinds = Kinds {
    label: Words::v_text_field,
    button: Words::v_send,
    rows: 2,
    most: 1 << 20,
    keys: Modifiers::COMMAND,
};

const NOTE: Kinds = Kinds {
    label: Words::v_note_field,
    button: Words::v_note_save,
    rows: 1,
    most: MAX_NOTE / 4,
    keys: Modifiers::NONE,
};

fn field(ui: &mut Ui, text: &mut String, words: &Words, kind: &Kinds) -> Option<String> {
    let id = Id::unique((kind.label)(words));
    let focused = ui.memory(|memory| memory.has_focus(id));
    let entered = focused && ui.input_mut(|input| input.consume_key(kind.keys, Key::Enter));
    dense::weak(ui, (kind.label)(words));
    let mut pressed = false;
    ui.horizontal(|ui| {
        let button = toolbar::width(ui, (kind.button)(words)) + 36.0;
        let edit = if kind.rows == 1 { TextEdit::singleline(text) } else { TextEdit::multiline(text) };
        let edit = edit.id(id).desired_rows(kind.rows).char_limit(kind.most).margin(vec2(8.0, 5.0));
        let edited = ui.add(edit.desired_width(ui.available_width() - button));
        name(&edited, (kind.label)(words));
        begin(ui, id);
        ui.add_enabled_ui(!text.trim().is_empty(), |ui| {
            let label = (kind.button)(words);
            let hint = if kind.rows == 1 { "Enter" } else { "Ctrl+Enter" };
            pressed = dense::button(ui, Kind::Primary, label).on_hover_text(hint).clicked();
        });
    });
    ((pressed || entered) && !text.trim().is_empty()).then(|| std::mem::take(text))
}

fn shot(ui: &mut Ui, session: &mut Session, bench: &mut Bench, desk: &Desk, words: &Words) {
    match &session.shot {
        Some(Ok(path)) => ui.label(words.v_shot_done(path.display())),
        Some(Err(why)) => {
            let colour = palette(ui).danger.fill;
            ui.label(RichText::new(words.v_shot_failed(why)).color(colour))
        }
        None if session.is_saving() => ui.label(words.one_moment()),
        None => ui.label(words.v_shot_none()),
    };
    ui.horizontal(|ui| {
        dense::weak(ui, words.v_shot_folder());
        let buttons = toolbar::width(ui, words.v_shot_again()) + toolbar::width(ui, words.close()) + 72.0;
        let edit =
            TextEdit::singleline(&mut bench.folder).desired_width((ui.available_width() - buttons).max(80.0));
        let edited = ui.add(edit.margin(vec2(8.0, 5.0)));
        name(&edited, words.v_shot_folder());
        let again = dense::button(ui, Kind::Plain, words.v_shot_again()).clicked();
        let entered = edited.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if again || entered {
            session.save(desk, &bench.folder);
        }
        if dense::button(ui, Kind::Plain, words.close()).clicked() {
            session.tray = Tray::Closed;
        }
    });
}

/// A name for who can't see the label beside it.
pub(super) fn name(response: &Response, label: &str) {
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(label.to_owned()));
}

/// Gives a field the focus when it appears.
fn begin(ui: &Ui, id: Id) {
    let was = ui.data(|data| data.get_temp::<u64>(id));
    let now = ui.ctx().cumulative_pass_nr();
    if was.is_none_or(|last| last + 3 < now) {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    ui.data_mut(|data| data.insert_temp(id, now));
}
