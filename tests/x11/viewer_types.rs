//! The whole way of a key: xdotool plays the technician at the real viewer's window on one display; the host plays it
//! on another, the user's, with other layouts; and it arrives there once and as typed.

use crate::{
    desk::{Desk, Host},
    desktop::Desktop,
    process::{Process, eventually},
    spare::furnish,
    viewer_keys::{SENTENCE, desktop_with_shortcuts, is_free, show},
};
use nearhand_tests::server::program;
use std::process::Stdio;
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
    /// The viewer's window has the focus and the keyboard; a terminal on the user's desktop catches what comes.
    fn open() -> Self {
        let (technician, its_settings) = desktop_with_shortcuts(1_000, 760);
        let (mut user, settings) = desktop_with_shortcuts(800, 600);
        user.catcher("caught", "60x20+20+40", "ready");
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

    /// Layouts of both sides, and the group in effect.
    fn layouts(&self, technician: (&str, u8), user: (&str, u8)) {
        for (desktop, (layout, group)) in [(&self.technician, technician), (&self.user, user)] {
            let set = desktop.command("setxkbmap").arg(layout).stdin(Stdio::null()).status().unwrap();
            assert!(set.success(), "{layout}");
            desktop.lock_group(group);
        }
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
fn what_is_typed_into_the_window_arrives_whatever_the_layouts() {
    let printable: String = (' '..='~').collect();
    let mut session = Session::open();
    let cyrillic = ("us,ru", 1);
    for (technician, user) in
        [(("us", 0), ("us", 0)), (("de", 0), ("fr", 0)), (("fr", 0), cyrillic), (cyrillic, ("de", 0))]
    {
        session.layouts(technician, user);
        furnish(&session.technician, &format!("{SENTENCE}{CYRILLIC}"));
        session.types(&printable);
        session.types(SENTENCE);
        session.types(CYRILLIC);
        session.check(&format!("{technician:?} {user:?}"));
        for (key, bytes) in KEYS {
            session.xdotool(&["key", key]);
            session.expected.extend(bytes.bytes());
            session.check(&format!("{key}: {technician:?} {user:?}"));
        }
    }
}

#[test]
fn shortcuts_go_to_the_users_window_manager_until_the_focus_goes() {
    let mut session = Session::open();
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
