//! The code, to be read out.

use super::{
    page::View,
    state::{Click, Notice, Scene, seconds_left, was_killed},
};
use crate::front::Over;
use eframe::egui::Ui;
use nearhand_desktop::look::{self, Kind, Tone};
use nearhand_proto::pair::Death;

/// Height of the digits, at most, in points.
const DIGITS: f32 = 66.0;

/// Draws it; `copied`: it has just been copied.
pub(super) fn show(ui: &mut Ui, view: &View<'_>, copied: bool) -> Option<Click> {
    let Scene::Code { code, until } = &view.state.scene else { return None };
    let words = view.words;
    notices(ui, view);
    look::title(ui, words.code_title(), view.appears);
    let digits = code.for_the_user();
    let mut click = look::card(ui, |ui| {
        ui.set_width(ui.available_width());
        look::digits(ui, &digits.replace(' ', "  "), &words.code_digits(&digits), DIGITS);
        let mut click = None;
        ui.horizontal_wrapped(|ui| {
            let label = if copied { words.code_copied() } else { words.code_copy() };
            if look::button(ui, Kind::Plain, label).clicked() {
                click = Some(Click::Copy(digits));
            }
            let left = seconds_left(*until, view.now);
            look::weak(ui, &words.code_left(words.time(left)));
        });
        click
    });
    look::text(ui, words.code_read());
    look::caution(ui, words.code_question(), words.code_warning());
    if look::button(ui, Kind::Plain, words.close()).clicked() {
        click = Some(Click::Close);
    }
    click
}

/// What has happened to it or to the one before.
pub(super) fn notices(ui: &mut Ui, view: &View<'_>) {
    let words = view.words;
    if view.state.relay_lost {
        look::notice(ui, Tone::Warning, words.relay_lost());
    }
    let Some(notice) = view.state.notice else { return };
    let (text, tone) = match notice {
        Notice::WrongCode => (words.wrong_code(), Tone::Warning),
        Notice::New(over) => {
            let text = match over {
                Over::Dead(Death::WrongCodes) => words.wrong_codes(),
                Over::Dead(Death::TwoClaimants) => words.two_claimants(),
                Over::Gone => words.code_gone(),
                Over::Expired | Over::Used => words.code_expired(),
            };
            (text, if was_killed(over) { Tone::Warning } else { Tone::Info })
        }
    };
    look::notice(ui, tone, text);
}
