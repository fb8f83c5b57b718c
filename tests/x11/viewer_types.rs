//! The whole way of a key: xdotool plays the technician at the real viewer's window on one display; the host plays it
//! on another, the user's, with other layouts; and it arrives there once and as typed.

use crate::{
    desk::{Desk, Host},
    desktop::Desktop,
    process::{Process, eventually, in_time},
    spare::furnish,
    viewer_keys::{SENTENCE, desktop_with_shortcuts, is_free, show},
};
use nearhand_tests::server::program;
use std::{fs, process::Stdio};
use tempfile::TempDir;
use x11rb::{
    connection::Connection as _,
    protocol::xproto::{ConnectionExt as _, Window},
};

/// Keys that a terminal tells apart: as xdotool names them, and what xterm makes of them.
const KEYS: &[(&str, &str)] = &[
    ("Return", "\r"),
    ("BackSpace", "\x7f"),
    ("Escape", "\x1b"),
    ("Tab", "\t"),
    ("shift+Tab", "\x1b[Z"),
    ("Left", "\x1b[D"),
    ("ctrl+Left", "\x1b[1;5D"),
    ("F5", "\x1b[15~"),
    ("F11", "\x1b[23~"),
    ("shift+F5", "\x1b[15;2~"),
    ("KP_Enter", "\r"),
    ("ctrl+c", "\x03"),
    ("ctrl+z", "\x1a"),
    ("alt+x", "ø"), // xterm's eight-bit input
];

/// For any layout.
const CYRILLIC: &str = "привет";

/// A layout, and the group of it that is in effect.
type Layout = (&'static str, u8);

const WITH_CYRILLIC: Layout = ("us,ru", 1);

/// The technician's and the user's.
const LAYOUTS: [(Layout, Layout); 4] =
    [(("us", 0), ("us", 0)), (("de", 0), ("fr", 0)), (("fr", 0), WITH_CYRILLIC), (WITH_CYRILLIC, ("de", 0))];

/// Every printable character of ASCII, and others.
fn everything() -> String {
    (' '..='~').collect::<String>() + SENTENCE + CYRILLIC
}

/// A session, seen from both desks.
struct Session {
    technician: Desktop,
    user: Desktop,
    window: Window,
    expected: Vec<u8>,
    _viewer: Process,
    _host: Host,
    _desk: Desk,
    _settings: [TempDir; 2],
}

impl Session {
    /// A terminal on the user's desktop catches what comes.
    fn in_terminal() -> Self {
        Self::open(|user| _ = user.catcher("caught", "60x20+20+40", "ready"))
    }

    /// A GTK editor on the user's desktop takes it.
    fn in_editor() -> Self {
        Self::open(|user| {
            fs::write(user.path("letter.txt"), "").unwrap();
            user.run("mousepad", &["letter.txt"]);
            user.focused("mousepad");
        })
    }

    /// The viewer's window has the focus and the keyboard; on the user's desktop, what `begin` starts there.
    fn open(begin: impl FnOnce(&mut Desktop)) -> Self {
        let (technician, its_settings) = desktop_with_shortcuts(1_000, 760);
        let (mut user, settings) = desktop_with_shortcuts(800, 600);
        begin(&mut user);
        let desk = Desk::open();
        let host = desk.host(&user, &[]);
        let mut command = technician.command(program("nearhand-viewer"));
        command.arg(&host.code).arg("--state").arg(desk.path("technician"));
        command.env("LIBGL_ALWAYS_SOFTWARE", "1");
        let viewer = Process::start_alone("viewer", &technician.path(""), &mut command);
        let window = technician.focused("nearhand-viewer");
        eventually("the keyboard's grab", || (!is_free(&technician)).then_some(()));
        let (expected, settings) = (Vec::new(), [its_settings, settings]);
        let (_viewer, _host, _desk, _settings) = (viewer, host, desk, settings);
        Self { technician, user, window, expected, _viewer, _host, _desk, _settings }
    }

    /// Layouts of both sides; the technician's keyboard has keys for everything.
    fn layouts(&self, technician: Layout, user: Layout) {
        for (desktop, (layout, group)) in [(&self.technician, technician), (&self.user, user)] {
            let set = desktop.command("setxkbmap").arg(layout).stdin(Stdio::null()).status().unwrap();
            assert!(set.success(), "{layout}");
            desktop.lock_group(group);
        }
        furnish(&self.technician, &format!("{SENTENCE}{CYRILLIC}"));
    }

    fn xdotool(&self, arguments: &[&str]) {
        let mut command = self.technician.command("xdotool");
        assert!(command.args(arguments).stdin(Stdio::null()).status().unwrap().success(), "{arguments:?}");
    }

    fn types(&mut self, text: &str) {
        self.xdotool(&["type", "--delay", "5", "--", text]);
        self.expected.extend(text.bytes());
    }

    fn check(&self, what: &str) {
        let caught = self.user.caught("caught", &self.expected);
        assert_eq!(caught, String::from_utf8_lossy(&self.expected), "{what}");
    }
}

#[test]
fn what_is_typed_into_the_window_arrives_in_a_terminal_whatever_the_layouts() {
    let mut session = Session::in_terminal();
    for (technician, user) in LAYOUTS {
        session.layouts(technician, user);
        session.types(&everything());
        session.check(&format!("{technician:?} {user:?}"));
        for (key, bytes) in KEYS {
            session.xdotool(&["key", key]);
            session.expected.extend(bytes.bytes());
            session.check(&format!("{key}: {technician:?} {user:?}"));
        }
    }
}

#[test]
fn what_is_typed_into_the_window_arrives_in_a_gtk_editor_whatever_the_layouts() {
    let mut session = Session::in_editor();
    for (technician, user) in LAYOUTS {
        session.layouts(technician, user);
        session.types(&everything());
        // Keys that edit: a slip is taken back, a word goes to the line's start.
        for keys in ["x", "BackSpace", "Home", "a", "End", "z", "Return", "ctrl+s"] {
            session.xdotool(&["key", keys]);
        }
        session.expected = [b"a", everything().as_bytes(), b"z\n"].concat();
        let letter = session.user.path("letter.txt");
        let saved = || fs::read_to_string(&letter).unwrap();
        let expected = String::from_utf8_lossy(&session.expected);
        in_time(|| (expected.len() <= saved().len()).then_some(()));
        assert_eq!(saved(), expected, "{technician:?} {user:?}");
        // An empty page for the next.
        for keys in ["ctrl+a", "Delete", "ctrl+s"] {
            session.xdotool(&["key", keys]);
        }
        eventually("an empty letter", || saved().trim().is_empty().then_some(()));
    }
}

#[test]
fn shortcuts_go_to_the_users_window_manager_until_the_focus_goes() {
    let mut session = Session::in_terminal();
    for (keys, name) in [("ctrl+alt+t", "C-A-t"), ("alt+Tab", "A-Tab"), ("Super_L", "Super_L")] {
        session.xdotool(&["key", keys]);
        let file = session.user.path(name);
        eventually(&format!("{keys} on the user's desktop"), || file.exists().then_some(()));
        assert!(!session.technician.path(name).exists(), "{keys} was the technician's");
    }
    eventually("the release of everything", || session.user.keys_down().is_empty().then_some(()));

    let other = show(&session.technician, "other");
    eventually("the end of the grab", || is_free(&session.technician).then_some(()));
    session.xdotool(&["type", "not for the user"]);
    session.xdotool(&["key", "ctrl+alt+t"]);
    let file = session.technician.path("C-A-t");
    eventually("the technician's own shortcut", || file.exists().then_some(()));
    session.technician.connection.destroy_window(other).unwrap();
    session.technician.connection.flush().unwrap();
    session.xdotool(&["windowactivate", &session.window.to_string()]);
    eventually("the grab again", || (!is_free(&session.technician)).then_some(()));
    session.types("once more");
    session.check("back at the picture");
}
