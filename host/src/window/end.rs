//! The last words: of a session, and of the host.

use super::{
    page::{View, choice},
    reasons,
    state::Click,
};
use eframe::egui::Ui;
use nearhand_desktop::look::{self, Kind, Tone};
use nearhand_proto::close::Close;

/// A session is over; there may be a next one.
pub(super) fn over(ui: &mut Ui, view: &View<'_>, why: Close) -> Option<Click> {
    let words = view.words;
    let title = if why == Close::Reported { words.bye_blocked_title() } else { words.over_title() };
    look::title(ui, title, view.appears);
    look::text(ui, reasons::why(words, why));
    if view.state.gone || why == Close::Reported {
        return close(ui, view);
    }
    let chosen = choice(ui, (Kind::Primary, words.close()), (Kind::Plain, words.over_again()))?;
    Some(if chosen { Click::Close } else { Click::Again })
}

/// The host has ended.
pub(super) fn bye(ui: &mut Ui, view: &View<'_>, why: Close) -> Option<Click> {
    let words = view.words;
    match why {
        Close::Done | Close::UserStopped => {
            look::title(ui, words.bye_title(), view.appears);
            look::text(ui, words.bye_text());
        }
        Close::Reported => {
            look::title(ui, words.bye_blocked_title(), view.appears);
            look::text(ui, reasons::why(words, why));
        }
        why => {
            look::title(ui, words.bye_trouble_title(), view.appears);
            look::notice(ui, Tone::Warning, reasons::why(words, why));
        }
    }
    close(ui, view)
}

/// Something must be mended first: in the user's words, and below it the detail for who mends it.
pub(super) fn fault(ui: &mut Ui, view: &View<'_>, detail: &str, over: Close) -> Option<Click> {
    let words = view.words;
    look::title(ui, words.bye_trouble_title(), view.appears);
    match over {
        Close::Reported => look::notice(ui, Tone::Warning, words.fault_not_blocked()),
        Close::NoScreen => look::notice(ui, Tone::Warning, words.why_no_screen()),
        _ => look::notice(ui, Tone::Warning, words.fault_text()),
    };
    look::weak(ui, detail);
    close(ui, view)
}

fn close(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    look::button(ui, Kind::Primary, view.words.close()).clicked().then_some(Click::Close)
}
