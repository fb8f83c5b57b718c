//! What a technician types arrives as it is, whatever the user's layout, its active group and the lock keys; and the
//! user's keyboard is afterwards as it was.

use crate::{
    desk::{Desk, Host},
    desktop::Desktop,
    process::eventually,
    viewer::Viewer,
};
use std::fs;
use x11rb::{
    protocol::{
        xkb::{self, ConnectionExt as _},
        xproto::{KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask},
        xtest::ConnectionExt as _,
    },
    wrapper::ConnectionExt as _,
};

/// Issue 4, "Done when" 3.
const SAMPLE: &str = "Grüße, 你好, €, “quotes”, Żółć, {[|]} ~^`´ \\ @ #";

/// Layouts, the group that is active, and whether Caps Lock and Num Lock are on.
const LAYOUTS: [(&str, xkb::Group, bool, bool); 6] = [
    ("us", xkb::Group::M1, true, false),
    ("de", xkb::Group::M1, false, true),
    ("fr", xkb::Group::M1, false, false),
    ("fr", xkb::Group::M1, true, true),
    ("us,ru", xkb::Group::M2, false, false),
    ("ru,us", xkb::Group::M1, true, false),
];

const CAPS: u16 = 1 << 1;
const NUM: u16 = 1 << 4;

/// The sample and every printable character of ASCII.
fn text() -> String {
    SAMPLE.to_owned() + &(' '..='~').collect::<String>()
}

/// Does as the user would with `setxkbmap` and the keys for group and lock.
fn set(desktop: &Desktop, (layout, group, caps, num): (&str, xkb::Group, bool, bool)) {
    let status = desktop.command("setxkbmap").args(["-layout", layout]).status();
    assert!(status.expect("setxkbmap; tests/setup.sh installs it").success());
    let connection = &desktop.connection;
    connection.xkb_use_extension(1, 0).unwrap().reply().unwrap();
    let (device, none) = (xkb::ID::USE_CORE_KBD.into(), ModMask::from(0_u16));
    let on = ModMask::from(if caps { CAPS } else { 0 } | if num { NUM } else { 0 });
    let all = ModMask::from(CAPS | NUM);
    connection.xkb_latch_lock_state(device, all, on, true, group, none, false, 0).unwrap();
    connection.sync().unwrap();
}

fn state(desktop: &Desktop) -> (xkb::Group, u16) {
    let device = xkb::ID::USE_CORE_KBD.into();
    let state = desktop.connection.xkb_get_state(device).unwrap().reply().unwrap();
    (state.group, state.mods.into())
}

/// The keyboard's map, as a user would print it.
fn map(desktop: &Desktop) -> String {
    let output = desktop.command("xmodmap").arg("-pke").output().expect("xmodmap");
    String::from_utf8(output.stdout).unwrap()
}

fn session(desktop: &Desktop) -> (Desk, Host, Viewer) {
    let desk = Desk::open();
    let host = desk.host(desktop, &[]);
    let viewer = desk.viewer(&host);
    (desk, host, viewer)
}

#[test]
fn every_character_arrives_in_a_terminal_on_every_layout() {
    let mut desktop = Desktop::start(1367, 769);
    desktop.catcher("caught", "80x24+20+40", "ready");
    let (_desk, _host, mut viewer) = session(&desktop);
    let mut expected = String::new();
    for layout in LAYOUTS {
        set(&desktop, layout);
        let before = state(&desktop);
        viewer.run(&format!("type {}", text()));
        // A shortcut is the layout's own key of that name, in whichever group it is.
        viewer.run("hold ctrl");
        viewer.run("type z");
        viewer.run("release ctrl");
        expected += &(text() + "\x1a");
        assert_eq!(desktop.caught("caught", expected.as_bytes()), expected, "{layout:?}");
        assert_eq!(state(&desktop), before, "{layout:?}");
    }
    viewer.end();
}

#[test]
fn every_character_arrives_in_a_gtk_editor_on_every_layout() {
    let mut desktop = Desktop::start(1367, 769);
    fs::write(desktop.path("letter.txt"), "").unwrap();
    desktop.run("mousepad", &["letter.txt"]);
    desktop.focused("mousepad");
    let (_desk, _host, mut viewer) = session(&desktop);
    let mut expected = String::new();
    for layout in LAYOUTS {
        set(&desktop, layout);
        viewer.run(&format!("type {}", text()));
        viewer.run("key Return");
        viewer.run("hold ctrl");
        viewer.run("type s");
        viewer.run("release ctrl");
        expected += &(text() + "\n");
        let saved = || fs::read_to_string(desktop.path("letter.txt")).unwrap();
        eventually("the saved file", || (expected.len() <= saved().len()).then_some(()));
        assert_eq!(saved(), expected, "{layout:?}");
    }
    viewer.end();
}

#[test]
fn shift_that_is_held_is_part_of_the_character() {
    let mut desktop = Desktop::start(1367, 769);
    desktop.catcher("caught", "80x24+20+40", "ready");
    let (_desk, _host, mut viewer) = session(&desktop);
    let mut expected = String::new();
    for layout in LAYOUTS {
        set(&desktop, layout);
        viewer.run("hold shift");
        viewer.run("type 1aA!你");
        assert_eq!(desktop.keys_down(), [50], "left shift is down again");
        viewer.run("release shift");
        expected += "1aA!你";
        assert_eq!(desktop.caught("caught", expected.as_bytes()), expected, "{layout:?}");
    }
    viewer.end();
}

#[test]
fn the_users_keyboard_is_as_it_was_after_a_session_and_after_a_killed_host() {
    let mut desktop = Desktop::start(1367, 769);
    desktop.catcher("caught", "80x24+20+40", "ready");
    set(&desktop, ("us,ru", xkb::Group::M2, false, false));
    let before = map(&desktop);

    let (_desk, _host, mut viewer) = session(&desktop);
    viewer.run(&format!("type {SAMPLE}"));
    assert_ne!(map(&desktop), before, "nothing was lent, so nothing is tested");
    viewer.end();
    eventually("the user's own map", || (map(&desktop) == before).then_some(()));

    let (_other_desk, other, mut viewer) = session(&desktop);
    viewer.run(&format!("type {SAMPLE}"));
    other.process.kill();
    viewer.kill();
    assert_eq!(state(&desktop), (xkb::Group::M2, 0));
    // The key that is f in the Latin group, without and with left shift.
    for (keycode, down) in [(41, true), (41, false), (50, true), (41, true), (41, false), (50, false)] {
        let kind = if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT };
        desktop.connection.xtest_fake_input(kind, keycode, 0, desktop.root, 0, 0, 0).unwrap();
    }
    desktop.connection.sync().unwrap();
    let expected = SAMPLE.repeat(2) + "аА";
    assert_eq!(desktop.caught("caught", expected.as_bytes()), expected, "the user types as ever");
    let _third = session(&desktop);
    eventually("the end of what the killed host lent", || (map(&desktop) == before).then_some(()));
}
