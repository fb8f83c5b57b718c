//! What a technician types arrives whole in a terminal and in a GTK editor.

use crate::{desk::Desk, desktop::Desktop, process::eventually};
use std::fs;

/// Every printable character of ASCII, in order.
fn printable() -> String {
    (' '..='~').collect()
}

/// Keys that a terminal tells apart, and what xterm makes of them (`ctlseqs`, "PC-Style Function Keys").
const KEYS: &[(&str, &str)] = &[
    ("Return", "\r"),
    ("Escape", "\x1b"),
    ("BackSpace", "\x7f"),
    ("Tab", "\t"),
    ("shift+Tab", "\x1b[Z"),
    ("Up", "\x1b[A"),
    ("Down", "\x1b[B"),
    ("Right", "\x1b[C"),
    ("Left", "\x1b[D"),
    ("Home", "\x1b[H"),
    ("End", "\x1b[F"),
    ("Insert", "\x1b[2~"),
    ("Delete", "\x1b[3~"),
    ("Page_Up", "\x1b[5~"),
    ("Page_Down", "\x1b[6~"),
    ("F1", "\x1bOP"),
    ("F2", "\x1bOQ"),
    ("F3", "\x1bOR"),
    ("F4", "\x1bOS"),
    ("F5", "\x1b[15~"),
    ("F6", "\x1b[17~"),
    ("F7", "\x1b[18~"),
    ("F8", "\x1b[19~"),
    ("F9", "\x1b[20~"),
    ("F10", "\x1b[21~"),
    ("F11", "\x1b[23~"),
    ("F12", "\x1b[24~"),
    ("ctrl+Left", "\x1b[1;5D"),
    ("shift+F5", "\x1b[15;2~"),
    ("ctrl+c", "\x03"),
    ("ctrl+z", "\x1a"),
    ("ctrl+space", "\0"),
];

#[test]
fn text_and_keys_arrive_whole_in_a_terminal() {
    let mut desktop = Desktop::start(1367, 769);
    desktop.catcher("caught", "80x24+20+40", "ready");
    let desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);

    let mut expected = Vec::new();
    let long: String = printable().repeat(12);
    viewer.run(&format!("type {long}"));
    expected.extend(long.bytes());
    for character in printable().chars().filter(|character| *character != ' ') {
        viewer.run(&format!("key {character}"));
        expected.extend(character.to_string().bytes());
    }
    viewer.run("key space");
    expected.push(b' ');
    for (keys, bytes) in KEYS {
        viewer.run(&format!("key {keys}"));
        expected.extend(bytes.bytes());
    }
    viewer.run("key Caps_Lock");
    viewer.run("key a");
    viewer.run("type aA");
    viewer.run("key Caps_Lock");
    viewer.run("key a");
    expected.extend(b"AaAa");
    assert_eq!(desktop.caught("caught", &expected), String::from_utf8_lossy(&expected));
    viewer.end();
}

#[test]
fn text_and_keys_arrive_whole_in_a_gtk_editor() {
    let mut desktop = Desktop::start(1367, 769);
    fs::write(desktop.path("letter.txt"), "").unwrap();
    desktop.run("mousepad", &["letter.txt"]);
    desktop.focused("mousepad");
    let desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);

    viewer.run(&format!("type {}", printable()));
    viewer.run("key Return");
    for character in printable().chars().filter(|character| *character != ' ') {
        viewer.run(&format!("key {character}"));
    }
    viewer.run("key Return");
    // Keys that edit: a slip is taken back, a word goes to the line's start.
    for command in
        ["type worldd", "key BackSpace", "key Home", "type hello,", "key space", "key End", "type !"]
    {
        viewer.run(command);
    }
    viewer.run("key ctrl+s");
    let expected = format!("{0}\n{1}\nhello, world!", printable(), &printable()[1..]);
    let mut saved = String::new();
    eventually("the saved file", || {
        saved = fs::read_to_string(desktop.path("letter.txt")).unwrap();
        (!saved.is_empty()).then_some(())
    });
    assert_eq!(saved.trim_end_matches('\n'), expected);
    viewer.end();
}
