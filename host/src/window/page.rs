//! The window as a page: one scene, and at its foot who is asked for help and the way out for whoever was called by a
//! stranger.

use super::{
    ask, end, pauses, relay, scam,
    state::{Click, Scene, State},
};
use eframe::egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, ScrollArea, Ui, Vec2, vec2};
use nearhand_desktop::{
    look::{self, Kind, palette},
    words::Words,
};
use std::time::Instant;

/// Width of what is read, at most, in points: longer lines are hard to follow.
const WIDEST: f32 = 580.0;

/// Below this height the foot scrolls with the rest, in points.
const LOW: f32 = 440.0;

/// What a panel draws from.
pub(super) struct View<'a> {
    /// The language.
    pub(super) words: &'a Words,
    /// What is known.
    pub(super) state: &'a State,
    /// Now.
    pub(super) now: Instant,
    /// What is shown has not been shown before.
    pub(super) appears: bool,
}

/// Draws a page; returns what was clicked, and the size of what there is to see.
pub(super) fn show(
    ui: &mut Ui,
    view: &View<'_>,
    add: impl FnOnce(&mut Ui) -> Option<Click>,
) -> (Option<Click>, Vec2) {
    let is_low = ui.available_height() < LOW;
    let side = if ui.available_width() < look::NARROW { 16 } else { 32 };
    let (mut click, mut foot_height) = (None, 0.0);
    if !is_low && has_foot(view.state) {
        let frame = Frame::new().fill(palette(ui).window.fill).inner_margin(Margin::symmetric(side, 14));
        let panel = Panel::bottom("foot").frame(frame).show_separator_line(false);
        let shown = panel.show(ui, |ui| foot(ui, view));
        click = shown.inner;
        foot_height = shown.response.rect.height();
    }
    let frame = Frame::new().fill(palette(ui).window.fill);
    let inner = CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        let scroll = ScrollArea::vertical().auto_shrink(false).content_margin(Margin::symmetric(side, 24));
        scroll.show(ui, |ui| {
            ui.set_max_width(WIDEST.min(ui.available_width()));
            ui.spacing_mut().item_spacing.y = 14.0;
            let click = add(ui);
            let foot = if is_low && has_foot(view.state) { foot(ui, view) } else { None };
            click.or(foot)
        })
    });
    (click.or(inner.inner.inner), inner.inner.content_size + vec2(0.0, foot_height))
}

/// Every scene that draws from what is known alone.
pub(super) fn scene(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    if view.state.scam.is_some() {
        return scam::show(ui, view);
    }
    match &view.state.scene {
        Scene::NewRelay { host, changed, .. } => relay::new(ui, view, host, *changed),
        Scene::Dialling { host, again } => relay::dialling(ui, view, host, *again),
        Scene::Wait(until) => pauses::wait(ui, view, *until),
        Scene::Key => pauses::key(ui, view),
        Scene::Caller { technician, desk } => pauses::caller(ui, view, technician, desk),
        Scene::Session(session) => ask::page(ui, view, session),
        Scene::Over { why, .. } => end::over(ui, view, *why),
        Scene::Bye(why) => end::bye(ui, view, *why),
        Scene::Fault { detail, over } => end::fault(ui, view, detail, *over),
        Scene::Coming => pauses::coming(ui, view),
        // The last two are drawn by their own panels.
        Scene::Starting | Scene::WhichRelay | Scene::Code { .. } => pauses::starting(ui, view),
    }
}

/// Where somebody else might be at the other end.
fn has_foot(state: &State) -> bool {
    let is_alone = matches!(
        state.scene,
        Scene::Starting | Scene::WhichRelay | Scene::Bye(_) | Scene::Fault { .. } | Scene::Dialling { .. }
    );
    !is_alone && !state.gone && state.scam.is_none()
}

/// The relay's host name, small but clear, and "This was a scam".
fn foot(ui: &mut Ui, view: &View<'_>) -> Option<Click> {
    ui.set_max_width(WIDEST.min(ui.available_width()));
    let (words, state) = (view.words, view.state);
    let mut click = None;
    let scam = |ui: &mut Ui, click: &mut Option<Click>| {
        if look::button(ui, Kind::Warning, words.scam()).clicked() {
            *click = Some(Click::Scam);
        }
    };
    // Where it does not stand above already.
    let is_said = matches!(state.scene, Scene::NewRelay { .. } | Scene::Session(_));
    let through = match (&state.desk, &state.host) {
        (Some(desk), Some(host)) if !is_said => words.desk_through(desk, host),
        _ => String::new(),
    };
    if ui.available_width() < look::NARROW {
        if !through.is_empty() {
            look::weak(ui, &through);
        }
        scam(ui, &mut click);
        return click;
    }
    apart(
        ui,
        |ui| {
            if !through.is_empty() {
                look::weak(ui, &through);
            }
        },
        |ui| scam(ui, &mut click),
    );
    click
}

/// One thing at the left edge, another at the right, on one line. The right one comes first by keyboard.
pub(super) fn apart(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    let size = vec2(ui.available_width(), look::BUTTON);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        right(ui);
        ui.with_layout(Layout::left_to_right(Align::Center), left);
    });
}

/// Two buttons side by side, the first to lead on; one above the other where it is narrow. Returns which was clicked.
pub(super) fn choice(ui: &mut Ui, yes: (Kind, &str), no: (Kind, &str)) -> Option<bool> {
    let mut chosen = None;
    let mut one = |ui: &mut Ui, (kind, text): (Kind, &str), means| {
        if look::wide_button(ui, kind, text).clicked() {
            chosen = Some(means);
        }
    };
    if ui.available_width() < 400.0 {
        one(ui, yes, true);
        one(ui, no, false);
    } else {
        ui.columns(2, |columns| {
            if let [left, right] = columns {
                one(left, yes, true);
                one(right, no, false);
            }
        });
    }
    chosen
}
