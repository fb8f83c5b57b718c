//! What is shown while something else is awaited: a code, the end of a pause, a technician.

use super::{
    code,
    page::View,
    state::{Click, seconds_left},
};
use eframe::egui::Ui;
use nearhand_desktop::look::{self, Kind, Tone};
use nearhand_proto::text::Name;
use std::time::Instant;

/// Nothing is known yet.
pub(super) fn starting(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    look::title(ui, view.words.one_moment(), view.appears);
    None
}

/// A code is on its way.
pub(super) fn coming(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    code::notices(ui, view);
    look::title(ui, view.words.code_coming(), view.appears);
    look::button(ui, Kind::Plain, view.words.close()).clicked().then_some(Click::Close)
}

/// No new code before then.
pub(super) fn wait(ui: &mut Ui, view: &View<'_>, until: Instant) -> Option<Click> {
    let words = view.words;
    look::title(ui, words.wait_title(), view.appears);
    look::notice(ui, Tone::Warning, words.wait_text());
    look::text(ui, &words.wait_left(words.time(seconds_left(until, view.now))));
    look::button(ui, Kind::Plain, words.close()).clicked().then_some(Click::Close)
}

/// No new code before a click.
pub(super) fn key(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    let words = view.words;
    look::title(ui, words.key_title(), view.appears);
    look::notice(ui, Tone::Warning, words.key_text());
    let chosen = super::page::choice(ui, (Kind::Primary, words.key_button()), (Kind::Plain, words.close()))?;
    Some(if chosen { Click::Key } else { Click::Close })
}

/// A technician is connecting.
pub(super) fn caller(ui: &mut Ui, view: &View<'_>, technician: &Name, desk: &Name) -> Option<Click> {
    look::title(ui, &view.words.caller_title(technician), view.appears);
    look::text(ui, &view.words.caller_text(desk));
    None
}
