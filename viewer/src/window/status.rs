//! The line at the bottom: the newest piece of news or who has the keyboard, and the figures of the session.

use super::{
    Bench, dense,
    keys::{By, Grab},
    say, screen,
    session::{Figures, Session},
    toolbar,
};
use eframe::egui::{Align, Label, Layout, RichText, Ui};
use nearhand_desktop::{look::palette, words::Words};
use std::time::{Duration, Instant};

/// Below this width news and figures have a line each, in points. Not by what there is to say: the picture above must not
/// jump with every piece of news.
const NARROW: f32 = 1_000.0;

/// Between news and figures at least, in points.
const APART: f32 = 24.0;

/// How often the figures are looked at while nothing moves.
const CALM: Duration = Duration::from_secs(10);

/// And while something does.
const BUSY: Duration = Duration::from_secs(1);

/// Draws it.
pub(super) fn show(ui: &mut Ui, session: &mut Session, bench: &Bench, relay: &str, words: &Words) {
    let now = Instant::now();
    let figures = session.figures(now);
    let left = match &session.state.news {
        Some((news, _)) => say::news(words, news),
        None => keyboard(ui, session, bench, words),
    };
    let text = numbers(session, bench, figures, relay, words);
    let narrow = ui.available_width() < NARROW;
    let layout = if narrow { Layout::top_down(Align::LEFT) } else { Layout::left_to_right(Align::Center) };
    ui.with_layout(layout, |ui| {
        let mut first = RichText::new(if left.is_empty() { " " } else { &left }).size(dense::SMALL);
        first = match session.state.news {
            Some(_) => first.strong(),
            None => first.color(palette(ui).weak),
        };
        if narrow {
            ui.add(Label::new(first).truncate());
            dense::weak(ui, &text);
            return;
        }
        let figures = toolbar::width(ui, &text) * dense::SMALL / dense::BODY;
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - figures - APART).max(80.0));
            ui.add(Label::new(first).truncate());
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| dense::weak(ui, &text));
    });
    let moving = figures.rate.updates != 0 || figures.rate.kbit != 0;
    ui.ctx().request_repaint_after(if moving { BUSY } else { CALM });
}

fn numbers(session: &Session, bench: &Bench, figures: Figures, relay: &str, words: &Words) -> String {
    let mut parts = Vec::new();
    let size = session.screen.size();
    if let Some(size) = size {
        let percent = (bench.factor * 100.0).round();
        parts.push(format!("{} × {} · {percent} %", size.width, size.height));
    }
    parts.push(words.v_rate(figures.rate.updates));
    parts.push(words.v_speed(figures.rate.kbit));
    if let Some(rtt) = figures.rtt {
        parts.push(words.v_rtt(rtt.as_millis()));
    }
    parts.push(words.v_path(relay));
    parts.push(words.v_rights(say::rights(words, session.state.held)));
    parts.join("  ·  ")
}

fn keyboard(ui: &Ui, session: &Session, bench: &Bench, words: &Words) -> String {
    if !session.state.may_control() {
        return String::new();
    }
    let by = if bench.keyboard.by == By::Layout { words.v_layout() } else { words.v_position() };
    let focused = ui.memory(|memory| memory.has_focus(screen::id()));
    let grabbed = bench.keyboard.grabbed();
    let who = match (focused, grabbed) {
        (true, Grab::Held) => words.v_grabbed().to_owned(),
        (true, _) => words.v_typing().to_owned(),
        (false, _) => words.v_not_typing().to_owned(),
    };
    match &bench.keyboard.lost {
        Some(why) => format!("{who} ({by}). {}", words.v_keyboard_lost(why)),
        None => format!("{who} ({by})"),
    }
}
