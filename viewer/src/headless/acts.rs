//! What a command means for mouse and keyboard. Pure.

use super::{keys::Chord, parse::Step};
use crate::messages::Act;
use nearhand_proto::session::{
    geometry::Point,
    input::{Button, MAX_TEXT},
};
use std::time::Duration;

/// Between the points of a drag: programs begin a drag, and find what is below it, by motion that they have seen.
const DRAG_PAUSE: Duration = Duration::from_millis(8);

/// Points of a drag after the first.
const DRAG_POINTS: u16 = 16;

/// An act, and how long to wait after it.
pub(super) type Stroke = (Act, Duration);

/// The acts of a command; none if it doesn't use mouse or keyboard.
pub(super) fn strokes(step: &Step) -> Vec<Stroke> {
    match step {
        Step::Move(at) => at_once([Act::Pointer(*at)]),
        Step::Click(at, button) => at_once([Act::Pointer(*at), press(*button, true), press(*button, false)]),
        Step::Drag(from, to) => drag(*from, *to),
        Step::Wheel(at, notches) => at_once([Act::Pointer(*at), Act::Wheel { x: 0, y: *notches }]),
        Step::Key(chord) => at_once(keys(chord, true).chain(keys(chord, false))),
        Step::Hold(chord) => at_once(keys(chord, true)),
        Step::Release(chord) => at_once(keys(chord, false)),
        Step::Type(text) => at_once(pieces(text).map(|piece| Act::Text(piece.to_owned()))),
        _ => Vec::new(),
    }
}

/// The points that a command names; each must lie in the picture.
pub(super) fn points(step: &Step) -> Vec<Point> {
    match step {
        Step::Move(at) | Step::Click(at, _) | Step::Wheel(at, _) | Step::Watch(at) => vec![*at],
        Step::Drag(from, to) => vec![*from, *to],
        _ => Vec::new(),
    }
}

fn at_once(acts: impl IntoIterator<Item = Act>) -> Vec<Stroke> {
    acts.into_iter().map(|act| (act, Duration::ZERO)).collect()
}

fn press(button: Button, down: bool) -> Act {
    Act::Button { button, down }
}

/// Down in order, up in the reverse order.
fn keys(chord: &Chord, down: bool) -> impl Iterator<Item = Act> {
    let mut keys = chord.keys().to_vec();
    if !down {
        keys.reverse();
    }
    keys.into_iter().map(move |usage| Act::Key { usage, down })
}

fn drag(from: Point, to: Point) -> Vec<Stroke> {
    let way = (1..=DRAG_POINTS).map(|n| (Act::Pointer(between(from, to, n)), DRAG_PAUSE));
    let start = [(Act::Pointer(from), DRAG_PAUSE), (press(Button::Left, true), DRAG_PAUSE)];
    start.into_iter().chain(way).chain(at_once([press(Button::Left, false)])).collect()
}

/// The `n`th of [`DRAG_POINTS`] points from one to the other.
fn between(from: Point, to: Point, n: u16) -> Point {
    let part = |from: u16, to: u16| {
        let way = i32::from(from) + (i32::from(to) - i32::from(from)) * i32::from(n) / i32::from(DRAG_POINTS);
        u16::try_from(way).unwrap_or(to)
    };
    Point { x: part(from.x, to.x), y: part(from.y, to.y) }
}

/// `text` in pieces of at most [`MAX_TEXT`] bytes.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_TEXT));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::input::Usage;

    #[test]
    fn keys_are_released_in_the_reverse_order() {
        let key = |usage, down| (Act::Key { usage: Usage(usage), down }, Duration::ZERO);
        let chord: Chord = "ctrl+T".parse().unwrap();
        let down = [key(0xe0, true), key(0xe1, true), key(0x17, true)];
        let up = [key(0x17, false), key(0xe1, false), key(0xe0, false)];
        assert_eq!(strokes(&Step::Key(chord.clone())), [down.clone(), up.clone()].concat());
        assert_eq!(strokes(&Step::Hold(chord.clone())), down);
        assert_eq!(strokes(&Step::Release(chord)), up);
    }

    #[test]
    fn a_drag_begins_and_ends_where_it_should() {
        let (from, to) = (Point { x: 100, y: 9 }, Point { x: 0, y: u16::MAX });
        let acts: Vec<Act> = strokes(&Step::Drag(from, to)).into_iter().map(|stroke| stroke.0).collect();
        assert_eq!(acts[..2], [Act::Pointer(from), press(Button::Left, true)]);
        assert_eq!(acts[acts.len() - 2..], [Act::Pointer(to), press(Button::Left, false)]);
        assert_eq!(acts[9], Act::Pointer(Point { x: 50, y: 32_772 }));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = format!("{}ü{}", "x".repeat(MAX_TEXT - 1), "y".repeat(MAX_TEXT));
        let lengths: Vec<_> = pieces(&text).map(str::len).collect();
        assert_eq!(lengths, [MAX_TEXT - 1, MAX_TEXT, 2]);
        assert_eq!(pieces(&text).collect::<String>(), text);
    }
}
