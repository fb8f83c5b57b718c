//! The panel with the remote picture: draws it, and makes acts of what mouse and keyboard do over it. Only while the
//! picture has the keyboard focus, and only with the right to control.

use super::{
    Bench, keyboard,
    keys::{By, Grab, LocalKey},
    overlay,
    session::Session,
    state::Click,
    view::{self, Placed, Scale},
};
use crate::messages::Act;
use eframe::egui::{
    Color32, CursorIcon, Event, EventFilter, IMEPurpose, Id, PointerButton, Pos2, Rect, Response, Role,
    ScrollArea, Sense, Ui, Vec2, WidgetInfo, containers::scroll_area::ScrollSource, output::IMEOutput, vec2,
};
use nearhand_desktop::words::Words;
use nearhand_proto::session::{geometry::Size, input::Button};

/// The picture's id: who has the focus by it has the remote keyboard.
pub(super) fn id() -> Id {
    Id::unique("remote picture")
}

/// Draws the panel; returns what was clicked on it.
pub(super) fn show(ui: &mut Ui, session: &mut Session, bench: &mut Bench, words: &Words) -> Vec<Click> {
    let area = ui.available_rect_before_wrap();
    let Some(size) = session.picture.update(&session.screen, ui.ctx()) else {
        nothing(ui, session, bench);
        return overlay::blank(ui, area, session, bench, words);
    };
    let pixels_per_point = ui.ctx().pixels_per_point();
    let factor = view::factor(bench.scale, size, area.size(), pixels_per_point);
    bench.factor = factor;
    let extent = view::extent(size, factor, pixels_per_point);
    let whole = Canvas { size, factor, extent };
    if bench.scale == Scale::One && !fits(extent, area.size()) {
        // While the wheel turns over there, only the bars scroll here.
        let source = if session.state.may_control() { ScrollSource::SCROLL_BAR } else { ScrollSource::ALL };
        let scroll = ScrollArea::both().id_salt("picture").auto_shrink(false).scroll_source(source);
        scroll.show_viewport(ui, |ui, _| {
            let room = ui.clip_rect().size().max(extent);
            let (rect, _) = ui.allocate_exact_size(room, Sense::hover());
            canvas(ui, rect, whole, session, bench, words);
        });
    } else {
        canvas(ui, area, whole, session, bench, words);
        ui.advance_cursor_after_rect(area);
    }
    overlay::over(ui, area, session, bench, words)
}

/// The picture's measures.
#[derive(Clone, Copy)]
struct Canvas {
    size: Size,
    factor: f32,
    extent: Vec2,
}

/// There is no picture to act on: what is held is let go, and no key is wanted.
fn nothing(ui: &Ui, session: &mut Session, bench: &mut Bench) {
    let events = ui.input(|input| input.events.clone());
    let (acts, _) = keyboard::acts(bench.keyboard.take(&events, false));
    acts.into_iter().for_each(|act| session.act(act));
    session.release();
}

fn canvas(ui: &Ui, room: Rect, canvas: Canvas, session: &mut Session, bench: &mut Bench, words: &Words) {
    let pixels_per_point = ui.ctx().pixels_per_point();
    let corner = room.min + (room.size() - canvas.extent).max(Vec2::ZERO) / 2.0;
    let placed = Placed::at(corner, canvas.size, canvas.factor, pixels_per_point);
    let dim = if session.state.suspended { Color32::from_gray(110) } else { Color32::WHITE };
    session.picture.paint(ui.painter(), &placed, dim);

    let response = ui.interact(placed.rect.intersect(ui.clip_rect()), id(), Sense::click_and_drag());
    let computer = session.state.computer.as_ref().map_or_else(String::new, ToString::to_string);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words.v_picture(&computer)));
    let events = ui.input(|input| input.events.clone());
    let wanted = take_focus(ui, &response, session, &events);
    // The keyboard knows by itself whether the window has the focus.
    let (acts, local) = keyboard::acts(bench.keyboard.take(&events, wanted));
    acts.into_iter().for_each(|act| session.act(act));
    if wanted {
        keep_keys(ui, &placed, bench);
    } else {
        // Without control Tab leads on from the picture again.
        ui.memory_mut(|memory| memory.set_focus_lock_filter(id(), EventFilter::default()));
    }
    let wanted = wanted && bench.is_focused(ui.ctx());
    if wanted {
        events.iter().for_each(|event| mouse(event, &placed, response.hovered(), session));
    } else if session.drags() {
        session.release();
    }
    for key in local {
        obey(key, ui, &response, session, bench);
    }
    pointer(ui, &placed, wanted && response.hovered(), session);
}

/// True if the picture has the focus and mouse and keyboard may be used. A press on it gives it the focus.
fn take_focus(ui: &Ui, response: &Response, session: &mut Session, events: &[Event]) -> bool {
    let is_press = |event: &Event| matches!(event, Event::PointerButton { pressed: true, .. });
    let pressed = response.hovered() && events.iter().any(is_press);
    if pressed || std::mem::take(&mut session.wants_focus) {
        response.request_focus();
    }
    ui.memory(|memory| memory.has_focus(id())) && session.state.may_control()
}

/// No key moves the focus away, and an input method knows where to show its list.
fn keep_keys(ui: &Ui, placed: &Placed, bench: &Bench) {
    let all = EventFilter { tab: true, horizontal_arrows: true, vertical_arrows: true, escape: true };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id(), all));
    if bench.keyboard.grabbed() != Grab::Held && bench.keyboard.by == By::Layout {
        let at = ui.input(|input| input.pointer.latest_pos()).unwrap_or(placed.rect.center());
        let ime = IMEOutput {
            purpose: IMEPurpose::Normal,
            rect: placed.rect,
            cursor_rect: Rect::from_min_size(at, vec2(1.0, 18.0)),
            should_interrupt_composition: false,
        };
        ui.output_mut(|output| output.ime = Some(ime));
    }
}

/// One event of the mouse. A drag that leaves the picture stays at its edge.
fn mouse(event: &Event, placed: &Placed, hovered: bool, session: &mut Session) {
    match *event {
        Event::PointerMoved(at) if hovered || session.drags() => session.act(Act::Pointer(placed.pixel(at))),
        Event::PointerButton { pos, button, pressed, .. } if hovered || !pressed => {
            let button = match button {
                PointerButton::Primary => Button::Left,
                PointerButton::Middle => Button::Middle,
                PointerButton::Secondary => Button::Right,
                PointerButton::Extra1 | PointerButton::Extra2 => return,
            };
            if pressed || session.drags() {
                session.act(Act::Pointer(placed.pixel(pos)));
                session.act(Act::Button { button, down: pressed });
            }
        }
        Event::MouseWheel { unit, delta, .. } if hovered => {
            if let Some((x, y)) = session.wheel.turn(unit, delta) {
                session.act(Act::Wheel { x, y });
            }
        }
        _ => {}
    }
}

fn obey(key: LocalKey, ui: &Ui, response: &Response, session: &mut Session, bench: &mut Bench) {
    match key {
        LocalKey::Leave => {
            response.surrender_focus();
            session.release();
            bench.keyboard.left();
        }
        LocalKey::FullScreen => bench.set_full(ui.ctx(), !bench.full),
    }
}

/// The user's pointer: under the technician's own while they control, else where it is.
fn pointer(ui: &Ui, placed: &Placed, controls: bool, session: &mut Session) {
    let Some(pointer) = session.screen.pointer() else { return };
    let local: Option<Pos2> = ui.input(|input| input.pointer.latest_pos()).filter(|_| controls);
    if local.is_some() {
        ui.ctx().set_cursor_icon(CursorIcon::None);
    }
    let at = local.unwrap_or_else(|| placed.place(pointer.x, pointer.y));
    let painter = ui.painter().with_clip_rect(placed.rect.intersect(ui.clip_rect()));
    let pixel = placed.factor.max(1.0) / ui.ctx().pixels_per_point();
    session.pointer.paint(ui.ctx(), &painter, &pointer, at, pixel);
}

fn fits(extent: Vec2, room: Vec2) -> bool {
    extent.x <= room.x && extent.y <= room.y
}
