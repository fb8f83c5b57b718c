//! What is typed on this layout comes out as these strokes: tables of [`Step`]s and what they make.

use super::*;
use crate::window::keys::layout::tests::{ALT, CONTROL, LEVEL3, NUM, SHIFT, SUPER, named};

const LOCK: u8 = 2;

// X keycodes of a pc105 keyboard.
const ESCAPE: u8 = 9;
const ONE: u8 = 10;
const CARET: u8 = 49; // ^ on de
const ACUTE: u8 = 21; // ´ on de
const Q: u8 = 24;
const E: u8 = 26;
const T: u8 = 28;
const Y: u8 = 29; // z on de
const BACKSPACE: u8 = 22;
const RETURN: u8 = 36;
const LEFT_CONTROL: u8 = 37;
const A: u8 = 38;
const F: u8 = 41;
const LEFT_SHIFT: u8 = 50;
const C: u8 = 54;
const LEFT_ALT: u8 = 64;
const SPACE: u8 = 65;
const CAPS: u8 = 66;
const F1: u8 = 67;
const KP_ONE: u8 = 87;
const KP_ADD: u8 = 86;
const RIGHT_ALT: u8 = 108;
const LEFT: u8 = 113;
const MENU: u8 = 135; // Multi_key with compose:menu
const LEFT_SUPER: u8 = 133;
const SCROLL_LOCK: u8 = 78;

const TABLE: &str =
    "<dead_circumflex> <e> : \"ê\"\n<dead_acute> <E> : \"É\"\n<dead_circumflex> <space> : \"^\"\n";

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A key goes down, with these modifiers, in this group.
    Down(u8, u8, u8),
    /// A key goes up.
    Up(u8),
    /// These modifiers are locked.
    Locked(u8),
    /// Keys are wanted or not, and mean this.
    Engage(bool, By),
    /// The focus is lost.
    Lost,
}

use Step::{Down, Engage, Locked, Lost, Up};

fn text(text: &str) -> Out {
    Out::Stroke(Stroke::Act(Act::Text(text.to_owned())))
}

fn down(usage: u16) -> Out {
    Out::Stroke(Stroke::Act(Act::Key { usage: Usage(usage), down: true }))
}

fn up(usage: u16) -> Out {
    Out::Stroke(Stroke::Act(Act::Key { usage: Usage(usage), down: false }))
}

fn locks(caps: bool, num: bool, scroll: bool) -> Out {
    Out::Stroke(Stroke::Act(Act::Locks(Locks { caps, num, scroll })))
}

fn local(key: LocalKey) -> Out {
    Out::Stroke(Stroke::Local(key))
}

fn machine(layout: &str) -> Translate {
    let (name, variant) = layout.split_once('/').unwrap_or((layout, ""));
    let mut machine = Translate::new(named(name, variant), Compose::of_text(TABLE));
    machine.engage(true, By::Layout);
    machine
}

fn run(machine: &mut Translate, steps: &[Step], texts: Texts) -> Vec<Out> {
    for step in steps {
        match *step {
            Down(keycode, mods, group) => machine.press(Press { keycode, mods, group }, texts),
            Up(keycode) => machine.release(keycode),
            Locked(mods) => machine.handle_locked(mods),
            Engage(engaged, by) => machine.engage(engaged, by),
            Lost => machine.handle_focus_lost(),
        }
    }
    machine.drain()
}

fn check(layout: &str, steps: &[Step], expected: &[Out]) {
    assert_eq!(run(&mut machine(layout), steps, Texts::Here), expected, "{layout}: {steps:?}");
}

#[test]
fn characters_are_what_the_layout_makes() {
    check("us", &[Down(Q, 0, 0), Up(Q)], &[text("q")]);
    check("us", &[Down(Q, LOCK, 0), Up(Q)], &[text("Q")]);
    check("de", &[Down(Y, 0, 0), Up(Y)], &[text("z")]);
    check("fr", &[Down(Q, 0, 0), Up(Q), Down(ONE, 0, 0)], &[text("a"), text("&")]);
    check("us,ru", &[Down(A, 0, 1)], &[text("ф")]);
    check("us", &[Down(SPACE, 0, 0)], &[text(" ")]);
    check("us", &[Down(KP_ONE, NUM, 0), Up(KP_ONE)], &[text("1")]);
}

#[test]
fn shift_is_held_and_part_of_the_character_all_the_same() {
    let steps =
        [Down(LEFT_SHIFT, 0, 0), Down(Q, SHIFT, 0), Up(Q), Down(LEFT, SHIFT, 0), Up(LEFT), Up(LEFT_SHIFT)];
    check("us", &steps, &[down(0xe1), text("Q"), down(0x50), up(0x50), up(0xe1)]);
}

#[test]
fn alt_gr_is_part_of_the_character_and_pressed_only_for_a_key() {
    let steps = [Down(RIGHT_ALT, 0, 0), Down(Q, LEVEL3, 0), Up(Q), Up(RIGHT_ALT)];
    check("de", &steps, &[text("@")]);
    let steps = [Down(RIGHT_ALT, 0, 0), Down(LEFT, LEVEL3, 0), Up(LEFT), Up(RIGHT_ALT)];
    check("de", &steps, &[down(0xe6), down(0x50), up(0x50), up(0xe6)]);
    // With Control it is still part of the character.
    let steps = [Down(LEFT_CONTROL, 0, 0), Down(RIGHT_ALT, CONTROL, 0), Down(Q, CONTROL | LEVEL3, 0)];
    check("de", &steps, &[down(0xe0), text("@")]);
    // Where it is a plain Alt it is the key that is an Alt everywhere.
    check("us", &[Down(RIGHT_ALT, 0, 0), Up(RIGHT_ALT)], &[down(0xe2), up(0xe2)]);
}

#[test]
fn shortcuts_are_the_character_with_modifiers_held() {
    let control = |key, mods, group| [Down(LEFT_CONTROL, 0, group), Down(key, CONTROL | mods, group)];
    check("de", &control(Y, 0, 0), &[down(0xe0), text("z")]);
    check("de", &control(Y, LOCK, 0), &[down(0xe0), text("z")]);
    check("us,ru", &control(C, 0, 1), &[down(0xe0), text("c")]);
    check("ru", &control(C, 0, 0), &[down(0xe0), down(0x06)]);
    check("de", &control(47, 0, 0), &[down(0xe0), text("ö")]);
    check("us", &control(KP_ADD, NUM, 0), &[down(0xe0), down(0x57)]);
    let steps = [Down(LEFT_CONTROL, 0, 0), Down(LEFT_SHIFT, CONTROL, 0), Down(T, CONTROL | SHIFT, 0)];
    check("us", &steps, &[down(0xe0), down(0xe1), text("T")]);
    check("us", &[Down(LEFT_SUPER, 0, 0), Down(E, SUPER, 0)], &[down(0xe3), text("e")]);
    let steps = [Down(LEFT_ALT, 0, 0), Down(23, ALT, 0), Up(23), Up(LEFT_ALT)];
    check("us", &steps, &[down(0xe2), down(0x2b), up(0x2b), up(0xe2)]);
    // Ctrl+Alt+F1 makes XF86Switch_VT_1, which goes by its place.
    let steps = [Down(LEFT_CONTROL, 0, 0), Down(LEFT_ALT, CONTROL, 0), Down(F1, CONTROL | ALT, 0)];
    check("us", &steps, &[down(0xe0), down(0xe2), down(0x3a)]);
}

#[test]
fn keys_without_a_character_go_by_what_they_mean() {
    check("us", &[Down(RETURN, 0, 0), Up(RETURN)], &[down(0x28), up(0x28)]);
    check("us", &[Down(KP_ONE, 0, 0), Up(KP_ONE)], &[down(0x4d), up(0x4d)]);
    // The release is of what was pressed, whatever the key means by then.
    check("us", &[Down(KP_ONE, 0, 0), Down(KP_ONE, NUM, 0), Up(KP_ONE)], &[down(0x4d), down(0x4d), up(0x4d)]);
}

#[test]
fn dead_keys_and_compose_make_one_character() {
    check("de", &[Down(CARET, 0, 0), Up(CARET), Down(E, 0, 0), Up(E)], &[text("ê")]);
    check("de", &[Down(CARET, 0, 0), Down(CARET, 0, 0), Up(CARET), Down(SPACE, 0, 0)], &[text("^")]);
    let shifted = [Down(LEFT_SHIFT, 0, 0), Down(E, SHIFT, 0), Up(E), Up(LEFT_SHIFT)];
    let steps = [&[Down(ACUTE, 0, 0), Up(ACUTE)], &shifted[..]].concat();
    check("de", &steps, &[down(0xe1), text("É"), up(0xe1)]);
    // Broken off: by a letter, it comes to nothing; by Backspace, that is all; by Return, that counts.
    check("de", &[Down(CARET, 0, 0), Up(CARET), Down(Q, 0, 0), Up(Q), Down(Q, 0, 0)], &[text("q")]);
    check("de", &[Down(CARET, 0, 0), Down(BACKSPACE, 0, 0), Up(BACKSPACE)], &[]);
    check("de", &[Down(CARET, 0, 0), Down(ESCAPE, 0, 0), Up(ESCAPE)], &[]);
    check("de", &[Down(CARET, 0, 0), Down(RETURN, 0, 0)], &[down(0x28)]);
}

#[test]
fn repeats_are_sent_again_and_modifiers_are_not() {
    check("us", &[Down(A, 0, 0), Down(A, 0, 0), Up(A)], &[text("a"), text("a")]);
    let steps = [Down(LEFT, 0, 0), Down(LEFT, 0, 0), Up(LEFT)];
    check("us", &steps, &[down(0x50), down(0x50), up(0x50)]);
    check("us", &[Down(LEFT_SHIFT, 0, 0), Down(LEFT_SHIFT, 0, 0), Up(LEFT_SHIFT)], &[down(0xe1), up(0xe1)]);
}

#[test]
fn locks_follow_the_technician() {
    // By layout the key itself isn't sent: what counts is the state that it leaves.
    check("us", &[Down(CAPS, 0, 0), Locked(LOCK), Up(CAPS)], &[locks(true, false, false)]);
    // By position they are in step before the first key, and after the key itself.
    let by = Engage(true, By::Position);
    let steps = [Locked(NUM), by, Down(A, NUM, 0), Up(A), Down(Q, NUM, 0)];
    let first = [locks(false, true, false), locks(false, true, false)];
    check("us", &steps, &[&first[..], &[down(0x04), up(0x04), down(0x14)]].concat());
    let steps = [by, Down(CAPS, 0, 0), Up(CAPS), Down(A, 0, 0)];
    let none = locks(false, false, false);
    check("us", &steps, &[none.clone(), down(0x39), up(0x39), none.clone(), down(0x04)]);
    let steps = [by, Down(SCROLL_LOCK, 0, 0), Up(SCROLL_LOCK), Down(A, 0, 0)];
    check("us", &steps, &[none, down(0x47), up(0x47), locks(false, false, true), down(0x04)]);
}

#[test]
fn by_position_a_key_is_its_place() {
    let by = Engage(true, By::Position);
    let none = locks(false, false, false);
    let steps = [by, Down(Y, 0, 0), Up(Y), Down(RIGHT_ALT, 0, 0), Down(Q, LEVEL3, 0), Down(CARET, 0, 0)];
    check("de", &steps, &[none, down(0x1c), up(0x1c), down(0xe6), down(0x14), down(0x35)]);
}

#[test]
fn everything_is_let_go() {
    let held = [Down(LEFT_CONTROL, 0, 0), Down(LEFT, CONTROL, 0)];
    for end in [Lost, Engage(false, By::Layout), Engage(true, By::Position)] {
        let steps = [&held[..], &[end, Up(LEFT), Up(LEFT_CONTROL)]].concat();
        check("us", &steps, &[down(0xe0), down(0x50), up(0x50), up(0xe0)]);
    }
    // What was down before does nothing, but a modifier does as soon as a key needs it.
    let (off, on) = (Engage(false, By::Layout), Engage(true, By::Layout));
    let steps = [off, Down(RETURN, 0, 0), on, Down(RETURN, 0, 0), Up(RETURN), Down(RETURN, 0, 0)];
    check("us", &steps, &[down(0x28)]);
    let steps = [off, Down(LEFT_ALT, 0, 0), on, Up(LEFT_ALT)];
    check("us", &steps, &[]);
    let steps = [off, Down(LEFT_CONTROL, 0, 0), on, Down(C, CONTROL, 0), Up(LEFT_CONTROL)];
    check("us", &steps, &[down(0xe0), text("c"), up(0xe0)]);
}

#[test]
fn the_map_of_keys_mends_what_was_not_heard() {
    let mut machine = machine("us");
    run(&mut machine, &[Down(LEFT_ALT, 0, 0), Down(LEFT, ALT, 0)], Texts::Here);
    machine.handle_keymap(|keycode| keycode == LEFT || keycode == LEFT_CONTROL);
    assert_eq!(machine.drain(), [up(0xe2)]);
    assert_eq!(run(&mut machine, &[Down(C, CONTROL, 0)], Texts::Here), [down(0xe0), text("c")]);
}

#[test]
fn three_modifiers_alone_leave_and_with_f_fill_the_screen() {
    let three = [Down(LEFT_CONTROL, 0, 0), Down(LEFT_ALT, CONTROL, 0), Down(LEFT_SHIFT, CONTROL | ALT, 0)];
    let pressed = [down(0xe0), down(0xe2), down(0xe1)];
    let with = |more: &[Step], expected: &[Out]| {
        check("us", &[&three[..], more].concat(), &[&pressed[..], expected].concat());
    };
    with(&[Up(LEFT_SHIFT), Up(LEFT_ALT)], &[up(0xe1), local(LocalKey::Leave), up(0xe2)]);
    with(&[Down(Q, 13, 0), Up(Q), Up(LEFT_SHIFT)], &[text("Q"), up(0xe1)]);
    let full = [Down(F, 13, 0), Down(F, 13, 0), Up(F), Up(LEFT_SHIFT)];
    with(&full, &[local(LocalKey::FullScreen), up(0xe1)]);
    with(&[Down(LEFT_SUPER, 13, 0), Up(LEFT_SHIFT)], &[down(0xe3), up(0xe1)]);
}

#[test]
fn keys_that_switch_the_technicians_layout_stay_here() {
    let mut machine = machine("us,ru");
    machine.handle_layout({
        let mut layout = named("us,ru", "");
        // grp:alt_shift_toggle: Alt is ISO_Next_Group while Shift is down.
        let key = &mut layout.keys[usize::from(LEFT_ALT - 8)];
        *key = crate::window::keys::layout::Key {
            types: vec![layout.types.len()],
            width: 2,
            symbols: vec![0xffe9, 0xfe08],
            ..Default::default()
        };
        layout.types.push(crate::window::keys::layout::Type { mask: SHIFT, levels: vec![(SHIFT, 1)] });
        layout
    });
    let steps = [Down(LEFT_SHIFT, 0, 0), Down(LEFT_ALT, SHIFT, 0), Up(LEFT_ALT), Up(LEFT_SHIFT)];
    assert_eq!(run(&mut machine, &steps, Texts::Here), [down(0xe1), up(0xe1)]);
    let steps = [Down(LEFT_SHIFT, 0, 0), Down(LEFT_ALT, SHIFT, 0), Down(23, ALT | SHIFT, 0)];
    assert_eq!(run(&mut machine, &steps, Texts::Here), [down(0xe1), down(0xe2), down(0x2b)]);
}

#[test]
fn an_input_method_makes_the_characters_and_only_those() {
    let check = |texts, steps: &[Step], expected: &[Out]| {
        assert_eq!(run(&mut machine("de"), steps, texts), expected, "{texts:?} {steps:?}");
    };
    let steps = [Down(CARET, 0, 0), Up(CARET), Down(E, 0, 0), Up(E), Down(RETURN, 0, 0), Up(RETURN)];
    check(Texts::Method, &steps, &[Out::Hole, down(0x28), up(0x28)]);
    let steps = [Down(LEFT_CONTROL, 0, 0), Down(C, CONTROL, 0)];
    check(Texts::Method, &steps, &[down(0xe0), text("c")]);
    let steps = [Down(Q, 0, 0), Down(RETURN, 0, 0), Down(LEFT_SHIFT, 0, 0), Up(RETURN), Up(LEFT_SHIFT)];
    check(Texts::Composing, &steps, &[]);
    let mut machine = machine("de");
    run(&mut machine, &[Down(LEFT, 0, 0)], Texts::Method);
    assert_eq!(run(&mut machine, &[Up(LEFT)], Texts::Composing), [up(0x50)]);
}

#[test]
fn a_key_that_was_compose_is_nothing_by_itself() {
    let mut layout = named("us", "");
    layout.keys[usize::from(MENU - 8)].symbols.fill(symbols::MULTI_KEY);
    let mut machine = Translate::new(layout, Compose::of_text("<Multi_key> <q> <e> : \"€\"\n"));
    machine.engage(true, By::Layout);
    let steps = [Down(MENU, 0, 0), Up(MENU), Down(Q, 0, 0), Up(Q), Down(E, 0, 0), Up(E)];
    assert_eq!(run(&mut machine, &steps, Texts::Here), [text("€")]);
}
