//! States that matter, over the picture or in its place: in words, not by colour alone.

use super::{Bench, dense, session::Session, state::Click};
use eframe::egui::{
    Align, Color32, CornerRadius, FontId, Frame, Layout, Margin, Pos2, Rect, Response, RichText, Role, Sense,
    Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use nearhand_desktop::{
    look::{Kind, palette},
    words::Words,
};
use nearhand_proto::rights::Rights;
use std::time::Instant;

/// Between the pictures edge and what lies over it, in points.
const EDGE: f32 = 12.0;

const ROUND: CornerRadius = CornerRadius::same(8);

/// What lies over the picture.
pub(super) fn over(
    ui: &mut Ui,
    area: Rect,
    session: &mut Session,
    bench: &mut Bench,
    words: &Words,
) -> Vec<Click> {
    let state = &session.state;
    let mut clicks = Vec::new();
    if state.suspended {
        let computer = state.computer.as_ref().map_or_else(String::new, ToString::to_string);
        card(ui, area, words.v_reconnecting(), &words.v_reconnecting_text(computer), |_| {});
    }
    let mut top = area.top() + if bench.full { 34.0 } else { EDGE };
    let mut line = |ui: &mut Ui, text: &str| top = pill(ui, pos2(area.center().x, top), text) + 6.0;
    if state.yielded {
        line(ui, words.v_yielded());
    }
    if state.relay_lost {
        line(ui, words.v_relay_lost());
    }
    if let Some(why) = &state.no_picture {
        line(ui, &format!("{}: {why}", words.v_no_picture()));
    }
    if bench.full {
        if let Some((text, ask)) = view_only(session, words) {
            line(ui, text);
            if ask {
                let rect = Rect::from_min_size(pos2(area.center().x - 110.0, top), vec2(220.0, 28.0));
                let asked =
                    ui.put(rect, |ui: &mut Ui| dense::button(ui, Kind::Primary, words.v_ask_control()));
                if asked.clicked() {
                    clicks.push(Click::Ask(Rights::CONTROL));
                }
            }
        }
        tab(ui, area, bench, words);
    }
    clicks
}

/// What to say of a session without control, and whether to ask for it makes sense. `None` with control.
pub(super) fn view_only<'a>(session: &Session, words: &'a Words) -> Option<(&'a str, bool)> {
    let state = &session.state;
    if state.held.contains(Rights::CONTROL) || !state.held.contains(Rights::VIEW) || state.paused {
        return None;
    }
    let asked = state.wanted.contains(Rights::CONTROL);
    Some((if asked { words.v_control_wait() } else { words.v_view_only() }, !asked))
}

/// What stands in the picture's place while there is none.
pub(super) fn blank(
    ui: &mut Ui,
    area: Rect,
    session: &Session,
    bench: &mut Bench,
    words: &Words,
) -> Vec<Click> {
    let (state, mut clicks) = (&session.state, Vec::new());
    if state.suspended {
        let computer = state.computer.as_ref().map_or_else(String::new, ToString::to_string);
        card(ui, area, words.v_reconnecting(), &words.v_reconnecting_blank(computer), |_| {});
    } else if state.paused {
        card(ui, area, words.v_paused(), words.v_paused_text(), |_| {});
    } else if !state.held.contains(Rights::VIEW) {
        let asked = state.wanted.contains(Rights::VIEW);
        let text = if asked { words.v_view_wait() } else { words.v_no_view_text() };
        let may = state.may_ask(Rights::VIEW, Instant::now());
        card(ui, area, words.v_no_view(), text, |ui| {
            ui.add_enabled_ui(may, |ui| {
                if dense::large_button(ui, Kind::Primary, words.v_ask_view()).clicked() {
                    clicks.push(Click::Ask(Rights::VIEW));
                }
            });
        });
    } else if let Some(why) = &state.no_picture {
        card(ui, area, words.v_no_picture(), why, |_| {});
    } else {
        card(ui, area, words.v_first_picture(), "", |_| {});
    }
    if bench.full {
        tab(ui, area, bench, words);
    }
    clicks
}

/// A card in the middle.
fn card(ui: &mut Ui, area: Rect, title: &str, text: &str, add: impl FnOnce(&mut Ui)) {
    let width = 400.0_f32.min(area.width() - 2.0 * EDGE);
    let corner = pos2(area.center().x - width / 2.0, area.center().y - 70.0);
    let room = Rect::from_min_size(corner, vec2(width, 200.0));
    let palette = palette(ui);
    ui.scope_builder(UiBuilder::new().max_rect(room).layout(Layout::top_down(Align::Center)), |ui| {
        let frame = Frame::new()
            .fill(palette.card.fill)
            .stroke(Stroke::new(1.0, palette.line))
            .corner_radius(ROUND)
            .inner_margin(Margin::same(18));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            ui.label(RichText::new(title).size(19.0).color(palette.card.text));
            if !text.is_empty() {
                ui.label(RichText::new(text).color(palette.weak));
            }
            add(ui);
        });
    });
}

/// A line over the picture, centred below `top`; returns where it ends.
fn pill(ui: &mut Ui, top: Pos2, text: &str) -> f32 {
    let palette = palette(ui);
    let font = FontId::proportional(dense::BODY);
    let galley = ui.painter().layout(text.to_owned(), font, palette.warning.text, 560.0);
    let size = galley.size() + vec2(24.0, 10.0);
    let rect = Rect::from_min_size(pos2(top.x - size.x / 2.0, top.y), size);
    let response = ui.interact(rect, ui.scope_id().with(text), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(14), palette.warning.fill);
    painter.galley(rect.min + vec2(12.0, 5.0), galley, palette.warning.text);
    rect.bottom()
}

/// The edge bar of the full screen: says how to leave it, and leaves it.
fn tab(ui: &mut Ui, area: Rect, bench: &mut Bench, words: &Words) {
    let text = words.v_full_leave().to_owned();
    let font = FontId::proportional(dense::SMALL);
    let galley = ui.painter().layout_no_wrap(text.clone(), font, Color32::WHITE);
    let size = galley.size() + vec2(28.0, 8.0);
    let rect = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, area.top()), size);
    let response: Response = ui.interact(rect, ui.scope_id().with("leave full screen"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
    let lit = response.hovered() || response.has_focus();
    let fill = Color32::from_rgba_unmultiplied(20, 28, 40, if lit { 255 } else { 215 });
    let round = CornerRadius { nw: 0, ne: 0, sw: 8, se: 8 };
    ui.painter().rect_filled(rect, round, fill);
    ui.painter().galley(rect.min + vec2(14.0, 4.0), galley, Color32::WHITE);
    dense::ring(ui, &response);
    if response.clicked() {
        bench.set_full(ui.ctx(), false);
    }
}
