//! Clicks, drags and the wheel, in real programs.

use crate::{desk::Desk, desktop::Desktop, process::eventually};

/// Mouse reports in xterm's SGR form, buttons only.
const REPORT_MOUSE: &str = "\\033[?1000h\\033[?1006h";

#[test]
fn buttons_and_wheel_arrive_in_a_terminal_in_their_order() {
    let mut desktop = Desktop::start(1367, 769);
    let window = desktop.catcher("caught", "80x24+20+40", REPORT_MOUSE);
    let (left, top, ..) = desktop.place(window);
    let (x, y) = (left + 5, top + 5);
    let desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);
    viewer.run(&format!("click {x} {y}"));
    viewer.run(&format!("click {x} {y} right"));
    viewer.run(&format!("click {x} {y} middle"));
    viewer.run(&format!("wheel {x} {y} 3"));
    viewer.run(&format!("wheel {x} {y} -2"));
    let down = "\x1b[<65;1;1M";
    let up = "\x1b[<64;1;1M";
    let click = |button: u8| format!("\x1b[<{button};1;1M\x1b[<{button};1;1m");
    let expected = [click(0), click(2), click(1), down.repeat(3), up.repeat(2)].concat();
    assert_eq!(desktop.caught("caught", expected.as_bytes()), expected);
    viewer.end();
}

#[test]
fn a_click_takes_the_focus_and_a_drag_moves_the_window() {
    let mut desktop = Desktop::start(1367, 769);
    let one = desktop.catcher("one", "60x12+20+60", "one");
    let two = desktop.catcher("two", "60x12+700+60", "two");
    let desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);

    let (left, top, width, height) = desktop.place(one);
    let (middle, half) = (left + i16::try_from(width / 2).unwrap(), top + i16::try_from(height / 2).unwrap());
    viewer.run(&format!("click {middle} {half}"));
    desktop.wait_for_focus(one);
    viewer.run("type to one");
    let (other_left, other_top, ..) = desktop.place(two);
    viewer.run(&format!("click {} {}", other_left + 30, other_top + 30));
    desktop.wait_for_focus(two);
    viewer.run("type to two");
    assert_eq!(desktop.caught("one", b"to one"), "to one");
    assert_eq!(desktop.caught("two", b"to two"), "to two");

    let (x, y) = (middle, top - 8);
    viewer.run(&format!("drag {x} {y} {} {}", x + 211, y + 303));
    eventually("the window's new place", || {
        (desktop.place(one) == (left + 211, top + 303, width, height)).then_some(())
    });
    viewer.end();
}
