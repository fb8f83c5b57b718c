//! "This was a scam": asked once more, since the relay stays blocked.

use super::{
    page::{View, choice},
    state::{Click, Scene},
};
use eframe::egui::Ui;
use nearhand_desktop::look::{self, Kind};

/// Asks; returns the answer.
pub(super) fn show(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    let words = view.words;
    look::title(ui, words.scam_title(), view.appears);
    if let Some(host) = &view.state.host {
        look::text(ui, &words.scam_text(host));
    }
    if matches!(&view.state.scene, Scene::Session(session) if session.begun) {
        look::text(ui, words.scam_meanwhile());
    }
    let chosen = choice(ui, (Kind::Danger, words.scam_yes()), (Kind::Plain, words.scam_no()))?;
    Some(if chosen { Click::ScamYes } else { Click::ScamNo })
}
