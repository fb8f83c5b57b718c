//! The toolbar of a session: everything at hand in one line, which wraps where there is little room.

use super::{
    Bench, chords, dense,
    desk::Desk,
    keys::By,
    mark::{self, Mark},
    session::{Session, Tray},
    state::Click,
    view::Scale,
};
use eframe::egui::{Align, Layout, Rect, ScrollArea, TextWrapMode, Ui, ViewportCommand, pos2, vec2};
use nearhand_desktop::{
    look::{self, Kind, palette},
    words::Words,
};
use nearhand_proto::rights::Rights;
use std::time::Instant;

const CLIPBOARD: Rights = Rights::CLIPBOARD_IN.union(Rights::CLIPBOARD_OUT);

/// Draws it; returns what was clicked.
pub(super) fn show(
    ui: &mut Ui,
    session: &mut Session,
    bench: &mut Bench,
    desk: &Desk,
    words: &Words,
) -> Vec<Click> {
    let mut clicks = Vec::new();
    let room = ui.available_rect_before_wrap();
    let end = width(ui, words.v_end()) + 2.0 * ui.spacing().button_padding.x + 4.0;
    let tools = vec2(room.width() - end - 10.0, ui.spacing().interact_size.y);
    let layout = Layout::left_to_right(Align::Center).with_main_wrap(true);
    ui.allocate_ui_with_layout(tools, layout, |ui| {
        // What does not fit goes on in the next line, whole.
        ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
        if let Some(computer) = &session.state.computer {
            look::strong(ui, computer.as_str());
            ui.add_space(4.0);
        }
        let used = scales(ui, bench, words);
        monitors(ui, session, words, &mut clicks);
        let changed = keys(ui, session, bench, words, &mut clicks);
        // Whoever has used a tool goes on in the picture.
        session.wants_focus |= used || changed || !clicks.is_empty();
        boxes(ui, session, bench, desk, words);
        clipboard(ui, session, words, &mut clicks);
    });
    let place = Rect::from_min_size(pos2(room.right() - end, room.top()), vec2(end, 28.0));
    let ended = ui.put(place, |ui: &mut Ui| dense::button(ui, Kind::Danger, words.v_end()));
    if ended.clicked() {
        clicks.push(Click::End);
    }
    clicks
}

/// A text's width in points.
pub(super) fn width(ui: &Ui, text: &str) -> f32 {
    let font = eframe::egui::FontId::proportional(dense::BODY);
    ui.painter().layout_no_wrap(text.to_owned(), font, eframe::egui::Color32::WHITE).size().x
}

/// Begins a new line if a button of this text has no room: one in a scope of its own can't do that by itself.
fn fit(ui: &mut Ui, text: &str) {
    if ui.available_size_before_wrap().x < width(ui, text) + 2.0 * ui.spacing().button_padding.x + 2.0 {
        ui.end_row();
    }
}

/// True if one was chosen.
fn scales(ui: &mut Ui, bench: &mut Bench, words: &Words) -> bool {
    let mut used = false;
    for (scale, text) in [(Scale::One, words.v_scale_one()), (Scale::Fit, words.v_scale_fit())] {
        if dense::toggle(ui, bench.scale == scale, text).clicked() {
            bench.scale = scale;
            used = true;
        }
    }
    if dense::button(ui, Kind::Plain, words.v_full()).on_hover_text("F11").clicked() {
        bench.set_full(ui.ctx(), true);
        used = true;
    }
    used
}

fn monitors(ui: &mut Ui, session: &Session, words: &Words, clicks: &mut Vec<Click>) {
    let monitors = &session.state.monitors;
    if monitors.len() < 2 {
        return;
    }
    let name = |at: usize| monitors.get(at).map(|monitor| words.v_monitor(at + 1, monitor.name.as_str()));
    let shown = monitors.iter().position(|monitor| Some(monitor.id) == session.state.monitor);
    let title = format!("{}    ", name(shown.unwrap_or(0)).unwrap_or_default());
    let menu = ui.menu_button(title, |ui| {
        for (at, monitor) in monitors.iter().enumerate() {
            let size = format!("{} × {}", monitor.size.width, monitor.size.height);
            let text = format!("{}   {size}", name(at).unwrap_or_default());
            if ui.selectable_label(shown == Some(at), text).clicked() {
                clicks.push(Click::Watch(monitor.id));
                ui.close();
            }
        }
    });
    mark::menu(ui, &menu.response);
}

/// True if something about the keyboard was changed.
fn keys(
    ui: &mut Ui,
    session: &mut Session,
    bench: &mut Bench,
    words: &Words,
    clicks: &mut Vec<Click>,
) -> bool {
    let mut changed = false;
    let may = session.state.may_control();
    let menu = ui.menu_button(format!("{}    ", words.v_keys()), |ui| {
        // As high as the window has room for: a menu of its own accord ends at 400 points, without a sign of the rest.
        let height = (ui.ctx().content_rect().height() - 110.0).max(80.0);
        ui.set_max_height(height);
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            ui.set_min_width(300.0);
            ui.add_enabled_ui(may, |ui| {
                for (name, keys) in chords::all(words) {
                    if ui.button(name).clicked() {
                        clicks.push(Click::Chord(keys));
                        ui.close();
                    }
                }
                ui.menu_button(words.v_consoles(), |ui| {
                    for (name, keys) in chords::consoles(words) {
                        if ui.button(name).clicked() {
                            clicks.push(Click::Chord(keys));
                            ui.close();
                        }
                    }
                });
                ui.separator();
                if ui.button(words.v_type_clipboard()).clicked() {
                    session.pasting = true;
                    ui.ctx().send_viewport_cmd(ViewportCommand::RequestPaste);
                    ui.close();
                }
            });
            ui.separator();
            // A menu draws no frames, and a choice without its circle is none.
            ui.reset_style();
            for (by, text) in [(By::Layout, words.v_by_layout()), (By::Position, words.v_by_position())] {
                if ui.radio(bench.keyboard.by == by, text).clicked() {
                    bench.keyboard.by = by;
                    changed = true;
                }
            }
            if bench.keyboard.is_real() {
                changed |= ui.checkbox(&mut bench.keyboard.grab, words.v_grab()).changed();
            }
        });
    });
    mark::menu(ui, &menu.response);
    changed
}

fn boxes(ui: &mut Ui, session: &mut Session, bench: &Bench, desk: &Desk, words: &Words) {
    let may = session.state.may_control();
    fit(ui, words.v_send_text());
    ui.add_enabled_ui(may, |ui| {
        let on = matches!(session.tray, Tray::Text(_));
        if dense::toggle(ui, on, words.v_send_text()).clicked() {
            session.tray = if on { Tray::Closed } else { Tray::Text(String::new()) };
        }
    });
    let on = matches!(session.tray, Tray::Note(_));
    if dense::toggle(ui, on, words.v_note()).clicked() {
        session.tray = if on { Tray::Closed } else { Tray::Note(String::new()) };
    }
    if dense::toggle(ui, session.tray == Tray::Shot, words.v_shot()).clicked() {
        session.save(desk, &bench.folder);
    }
}

/// Both directions are one thing to who works with it; the user answers for each.
fn clipboard(ui: &mut Ui, session: &Session, words: &Words, clicks: &mut Vec<Click>) {
    let state = &session.state;
    let held = state.held & CLIPBOARD;
    let (missing, now) = (CLIPBOARD - held, Instant::now());
    let said = match (held.contains(Rights::CLIPBOARD_IN), held.contains(Rights::CLIPBOARD_OUT)) {
        (true, true) => words.v_clipboard_both(),
        (true, false) => words.v_clipboard_in(),
        (false, true) => words.v_clipboard_out(),
        (false, false) => "",
    };
    if !said.is_empty() {
        fit(ui, said);
        mark::show(ui, Mark::Check, palette(ui).good.fill);
        ui.label(said);
    }
    if state.wanted.intersects(CLIPBOARD) {
        dense::weak(ui, words.v_asked_clipboard());
        return;
    }
    if missing.is_empty() {
        return;
    }
    let wanted: Rights = missing.iter().filter(|right| state.may_ask(*right, now)).collect();
    fit(ui, words.v_ask_clipboard());
    ui.add_enabled_ui(!wanted.is_empty(), |ui| {
        if dense::button(ui, Kind::Plain, words.v_ask_clipboard()).clicked() {
            clicks.push(Click::Ask(wanted));
        }
    });
}
