//! The page between a code and the session: which step is under way, and that it is the user's turn.

use super::{
    dense,
    mark::{self, Mark},
    session::Session,
    state::{Click, Stage},
    tray,
};
use eframe::egui::{Key, Label, RichText, Ui};
use nearhand_desktop::{
    look::{Kind, Tone, palette},
    words::Words,
};
use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

/// Draws the page; returns what was clicked.
pub(super) fn show(ui: &mut Ui, session: &Session, relay: &str, since: Instant, words: &Words) -> Vec<Click> {
    let mut clicks = Vec::new();
    let state = &session.state;
    let at = match state.stage {
        Stage::Dialling => 0,
        Stage::Pairing => 1,
        Stage::Joining => 2,
        Stage::Waiting | Stage::Running | Stage::Over(_) => 3,
    };
    let steps = [
        words.v_step_relay(relay),
        words.v_step_code().to_owned(),
        words.v_step_line().to_owned(),
        words.v_step_consent().to_owned(),
    ];
    dense::page(ui, |ui| {
        dense::title(ui, words.v_connecting());
        let seconds = since.elapsed().as_secs();
        if seconds != 0 {
            dense::weak(ui, &words.v_since(words.time(seconds)));
        }
        ui.add_space(4.0);
        for (number, text) in steps.iter().enumerate() {
            step(ui, number, at, text, words);
        }
        ui.add_space(6.0);
        if let (Stage::Waiting, Some(computer)) = (state.stage, &state.computer) {
            dense::note(ui, Tone::Info, &words.v_consent(computer));
        }
        if let Some((technician, desk)) = &state.technician {
            dense::weak(ui, &words.v_announced(technician, desk));
        }
        if state.relay_lost {
            dense::note(ui, Tone::Warning, words.v_relay_lost());
        }
        if state.suspended {
            dense::note(ui, Tone::Warning, words.v_reconnecting());
        }
        ui.add_space(8.0);
        let cancel = dense::large_button(ui, Kind::Plain, words.v_cancel());
        if cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
            clicks.push(Click::End);
        }
        if ui.memory(|memory| memory.focused().is_none()) {
            cancel.request_focus();
            cancel.scroll_to_me(None);
        }
    });
    ui.ctx().request_repaint_after(Duration::from_secs(1));
    clicks
}

fn step(ui: &mut Ui, number: usize, at: usize, text: &str, words: &Words) {
    let palette = palette(ui);
    let (mark, said, colour) = match number.cmp(&at) {
        Ordering::Less => (Mark::Check, words.v_step_done(), palette.good.fill),
        Ordering::Equal => (Mark::Now, words.v_step_now(), palette.window.text),
        Ordering::Greater => (Mark::Later, words.v_step_later(), palette.weak),
    };
    ui.horizontal(|ui| {
        mark::show(ui, mark, colour);
        ui.add_space(4.0);
        let response = ui.add(Label::new(RichText::new(text).size(15.0).color(colour)).wrap());
        tray::name(&response, &format!("{text}: {said}"));
    });
}
