//! The viewer's keyboard on a real X server with a real window manager: what xdotool types into a window comes out of
//! [`Keys`] once and as typed, whatever the layout, and shortcuts of the window manager too, while they are wanted.

use crate::{
    desktop::Desktop,
    process::{eventually, in_time},
    spare::furnish,
};
use nearhand_proto::session::input::{Locks, Usage};
use nearhand_viewer::{
    messages::Act,
    window::keys::{By, Grab, Keys, LocalKey, Mode, Stroke},
};
use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};
use tempfile::TempDir;
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, GrabMode, GrabStatus, KEY_PRESS_EVENT,
            KEY_RELEASE_EVENT, PropMode, Window, WindowClass,
        },
        xtest::ConnectionExt as _,
    },
    wrapper::ConnectionExt as _,
};

/// Everything that Done-when 3 wants typed.
pub(crate) const SENTENCE: &str = "Grüße, 你好, €, “quotes”, Żółć, {[|]} ~^`´ \\ @ #";

const CONTROL: u16 = 0xe0;
const ALT: u16 = 0xe2;
const SUPER: u16 = 0xe3;
const TAB: u16 = 0x2b;

/// Caps Lock's X keycode.
const CAPS_LOCK: u8 = 66;

const PLAIN: Mode = Mode { by: By::Layout, wanted: true, grab: false };
const GRABBED: Mode = Mode { by: By::Layout, wanted: true, grab: true };
const OFF: Mode = Mode { by: By::Layout, wanted: false, grab: false };

/// A technician's desktop with a window that hears its keys as a toolkit does, and [`Keys`] on the same window.
struct Bench {
    desktop: Desktop,
    /// The window manager's, who reads them late.
    _settings: TempDir,
    window: Window,
    keys: Keys,
    strokes: Vec<Stroke>,
    woken: Arc<Count>,
}

/// Counts wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Bench {
    fn open() -> Self {
        let (desktop, settings) = desktop_with_shortcuts(640, 480);
        let window = show(&desktop, "bench");
        let woken = Arc::new(Count::default());
        let keys = Keys::open_on(Some(&desktop.display), window, Waker::from(Arc::clone(&woken))).unwrap();
        Self { desktop, _settings: settings, window, keys, strokes: Vec::new(), woken }
    }

    /// Sets the mode, and waits for its grab.
    fn set(&self, mode: Mode) {
        self.keys.set(mode);
        let expected = if mode.grab && mode.wanted { Grab::Held } else { Grab::Off };
        eventually("the grab", || (self.keys.grab() == expected).then_some(()));
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = self.desktop.command(program);
        let status = command.args(arguments).stdin(Stdio::null()).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    /// Types characters, as xdotool can with this layout.
    fn types(&self, text: &str) {
        self.run("xdotool", &["type", "--delay", "5", "--", text]);
    }

    /// Presses keys by name and releases them.
    fn press(&self, keys: &[&str]) {
        self.run("xdotool", &[&["key", "--delay", "2"], keys].concat());
    }

    /// Presses and releases keys by place (X keycodes), in the layout group that is in effect: xdotool would change it.
    fn places(&self, keycodes: &[u8]) {
        let connection = &self.desktop.connection;
        for keycode in keycodes {
            for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
                connection.xtest_fake_input(kind, *keycode, 0, self.desktop.root, 0, 0, 0).unwrap();
            }
        }
        connection.sync().unwrap();
    }

    /// Whatever came out, once there is enough of it by this measure. A marker key makes sure that nothing more comes.
    fn came(&mut self) -> Vec<Stroke> {
        self.press(&["Pause"]);
        let marker = Stroke::Act(key(0x48, false));
        let ended = in_time(|| {
            self.strokes.extend(self.keys.take());
            self.strokes.contains(&marker).then_some(())
        });
        assert!(ended.is_some(), "the marker never came; so far: {:?}", self.strokes);
        let mut strokes = std::mem::take(&mut self.strokes);
        strokes.truncate(strokes.len() - 2);
        strokes
    }

    /// The text among what came out.
    fn text(&mut self) -> String {
        let strokes = self.came();
        let text = |stroke: &Stroke| match stroke {
            Stroke::Act(Act::Text(text)) => Some(text.clone()),
            _ => None,
        };
        strokes.iter().filter_map(text).collect()
    }

    /// Key presses that the toolkit got.
    fn toolkit(&self) -> usize {
        self.desktop.connection.sync().unwrap();
        let mut count = 0;
        while let Some(event) = self.desktop.connection.poll_for_event().unwrap() {
            count += usize::from(matches!(event, Event::KeyPress(_)));
        }
        count
    }

    fn has_shortcut_run(&self, name: &str) -> bool {
        self.desktop.path(name).exists()
    }
}

/// A desktop whose window manager has shortcuts that leave a file each.
pub(crate) fn desktop_with_shortcuts(width: u16, height: u16) -> (Desktop, TempDir) {
    let bind = |keys: &str| {
        let command = format!("<command>touch {keys}</command>");
        format!("<keybind key=\"{keys}\"><action name=\"Execute\">{command}</action></keybind>")
    };
    let ours: String = ["A-Tab", "Super_L", "C-A-t"].into_iter().map(bind).collect();
    let (before, rest) = include_str!("openbox.xml").split_once("<keyboard>").unwrap();
    let (_, after) = rest.split_once("</keyboard>").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openbox.xml");
    fs::write(&file, format!("{before}<keyboard>{ours}</keyboard>{after}")).unwrap();
    (Desktop::start_with(width, height, &file), folder)
}

/// A window that has the focus, and hears its keys by core events as winit's do.
pub(crate) fn show(desktop: &Desktop, name: &str) -> Window {
    let connection = &desktop.connection;
    let window = connection.generate_id().unwrap();
    let mask = EventMask::KEY_PRESS | EventMask::KEY_RELEASE | EventMask::FOCUS_CHANGE;
    let look = CreateWindowAux::new().event_mask(mask).background_pixel(0x0040_4040);
    let class = WindowClass::INPUT_OUTPUT;
    connection.create_window(0, window, desktop.root, 0, 0, 200, 100, 0, class, 0, &look).unwrap();
    let value = format!("{name}\0{name}\0");
    let (property, kind) = (AtomEnum::WM_CLASS, AtomEnum::STRING);
    connection.change_property8(PropMode::REPLACE, window, property, kind, value.as_bytes()).unwrap();
    // A window manager that has just begun may overlook it, so it is asked again, but seldom: each time is a new focus.
    let mut looks = 0..;
    eventually("the focus", || {
        if looks.next().is_some_and(|look: u32| look.is_multiple_of(400)) {
            connection.map_window(window).unwrap();
        }
        (connection.get_input_focus().unwrap().reply().unwrap().focus == window).then_some(())
    });
    window
}

/// True if another client could grab the keyboard.
pub(crate) fn is_free(desktop: &Desktop) -> bool {
    let (connection, mode) = (&desktop.connection, GrabMode::ASYNC);
    let grab = connection.grab_keyboard(false, desktop.root, x11rb::CURRENT_TIME, mode, mode);
    let free = grab.unwrap().reply().unwrap().status == GrabStatus::SUCCESS;
    connection.ungrab_keyboard(x11rb::CURRENT_TIME).unwrap();
    connection.sync().unwrap();
    free
}

fn key(usage: u16, down: bool) -> Act {
    Act::Key { usage: Usage(usage), down }
}

/// Keys down and up in this order, as xdotool has it.
fn chord(usages: &[u16]) -> Vec<Stroke> {
    let down = usages.iter().map(|usage| key(*usage, true));
    let up = usages.iter().map(|usage| key(*usage, false));
    down.chain(up).map(Stroke::Act).collect()
}

fn text(text: &str) -> Stroke {
    Stroke::Act(Act::Text(text.to_owned()))
}

#[test]
fn text_comes_out_as_typed_whatever_the_layout() {
    let printable: String = (' '..='~').collect();
    let mut bench = Bench::open();
    for (layout, locked) in [("us", 0), ("de", 0), ("fr", 0), ("us,ru", 1), ("ru,us", 0)] {
        bench.run("setxkbmap", &[layout]);
        bench.desktop.lock_group(locked);
        furnish(&bench.desktop, SENTENCE);
        for mode in [PLAIN, GRABBED] {
            bench.set(mode);
            bench.types(&printable);
            assert_eq!(bench.text(), printable, "{layout} {locked} {mode:?}");
        }
        bench.types(SENTENCE);
        assert_eq!(bench.text(), SENTENCE, "{layout} {locked}");
    }
    assert!(0 < bench.woken.0.load(Ordering::SeqCst), "nobody was woken");
}

#[test]
fn keys_of_the_layout_make_its_characters() {
    let mut bench = Bench::open();
    bench.set(GRABBED);
    // Keycodes of q, a, the key left of 1, and é of fr: by place, so that the layout decides.
    let places = [24, 38, 49, 11];
    for (layout, group, caps, expected) in [
        ("us", 0, false, "qa`2"),
        ("us", 0, true, "QA`2"),
        ("de", 0, false, "qa²"), // ^ is dead
        ("fr", 0, false, "aq²é"),
        ("fr", 0, true, "AQ²É"),
        ("us,ru", 1, false, "йфё2"),
        ("us,ru", 1, true, "ЙФЁ2"),
    ] {
        bench.run("setxkbmap", &[layout]);
        bench.desktop.lock_group(group);
        if caps {
            bench.places(&[CAPS_LOCK]);
        }
        bench.places(&places);
        assert_eq!(bench.text(), expected, "{layout} {group} {caps}");
        if caps {
            bench.places(&[CAPS_LOCK]);
        }
    }
    bench.run("setxkbmap", &["de"]);
    bench.desktop.lock_group(0);
    bench.places(&[49, 26, 49, 65, 21, 54]);
    assert_eq!(bench.text(), "ê^ć");
}

#[test]
fn shortcuts_of_the_window_manager_come_to_us_while_grabbed_and_only_then() {
    let mut bench = Bench::open();
    bench.set(GRABBED);
    bench.press(&["alt+Tab", "Super_L", "ctrl+alt+t"]);
    let mut expected = [chord(&[ALT, TAB]), chord(&[SUPER])].concat();
    let mut pair = chord(&[CONTROL, ALT]);
    pair.insert(2, text("t"));
    expected.extend(pair);
    assert_eq!(bench.came(), expected);
    assert_eq!(bench.toolkit(), 0);
    for name in ["A-Tab", "Super_L", "C-A-t"] {
        assert!(!bench.has_shortcut_run(name), "{name}");
    }

    bench.set(PLAIN);
    bench.press(&["ctrl+alt+t"]);
    eventually("the window manager's shortcut", || bench.has_shortcut_run("C-A-t").then_some(()));
    let strokes = bench.came();
    assert!(!strokes.contains(&text("t")), "{strokes:?}");
    // The window manager took the rest of the chord: what was pressed is released all the same.
    assert_eq!(strokes.len() % 2, 0, "{strokes:?}");
}

#[test]
fn the_toolkit_still_hears_keys_while_they_are_not_grabbed() {
    let mut bench = Bench::open();
    bench.set(PLAIN);
    bench.types("ab");
    assert_eq!(bench.came(), [text("a"), text("b")]);
    assert_eq!(bench.toolkit(), 3, "two and the marker");
    bench.set(OFF);
    bench.types("abc");
    eventually("the toolkit's keys", || (bench.toolkit() != 0).then_some(()));
    bench.set(PLAIN);
    assert_eq!(bench.came(), []);
}

#[test]
fn nothing_is_held_or_grabbed_once_the_focus_is_lost() {
    let mut bench = Bench::open();
    bench.set(GRABBED);
    assert!(!is_free(&bench.desktop));
    bench.run("xdotool", &["keydown", "ctrl", "keydown", "Left"]);
    let mut strokes = Vec::new();
    let left = Stroke::Act(key(0x50, true));
    eventually("the key", || {
        strokes.extend(bench.keys.take());
        strokes.contains(&left).then_some(())
    });
    let other = show(&bench.desktop, "other");
    strokes.clear();
    let released = [Stroke::Act(key(0x50, false)), Stroke::Act(key(CONTROL, false))];
    eventually("the releases", || {
        strokes.extend(bench.keys.take());
        (strokes == released).then_some(())
    });
    eventually("the end of the grab", || {
        (bench.keys.grab() == Grab::Off && is_free(&bench.desktop)).then_some(())
    });
    bench.run("xdotool", &["keyup", "Left", "keyup", "ctrl"]);
    bench.types("for the other");
    bench.desktop.connection.destroy_window(other).unwrap();
    bench.desktop.connection.sync().unwrap();
    bench.run("xdotool", &["windowactivate", &bench.window.to_string()]);
    eventually("the grab again", || (bench.keys.grab() == Grab::Held).then_some(()));
    bench.types("x");
    assert_eq!(bench.came(), [text("x")]);
}

#[test]
fn a_grab_ends_by_the_chord_that_leaves_by_its_end_and_with_the_value() {
    let mut bench = Bench::open();
    bench.set(GRABBED);
    bench.press(&["ctrl+alt+shift+f"]);
    bench.run("xdotool", &["keydown", "ctrl", "keydown", "alt", "keydown", "shift"]);
    bench.run("xdotool", &["keyup", "shift", "keyup", "alt", "keyup", "ctrl"]);
    eventually("the end of the grab", || {
        (bench.keys.grab() == Grab::Off && is_free(&bench.desktop)).then_some(())
    });
    bench.keys.set(GRABBED);
    let strokes = bench.came();
    let local = |stroke: &&Stroke| matches!(stroke, Stroke::Local(_));
    let locals: Vec<_> = strokes.iter().filter(local).cloned().collect();
    assert_eq!(locals, [Stroke::Local(LocalKey::FullScreen), Stroke::Local(LocalKey::Leave)]);
    assert!(is_free(&bench.desktop), "the same mode again is no new wish");
    bench.set(OFF);
    bench.set(GRABBED);
    let Bench { desktop, keys, .. } = bench;
    drop(keys);
    let mode = GrabMode::ASYNC;
    let grab = desktop.connection.grab_keyboard(false, desktop.root, x11rb::CURRENT_TIME, mode, mode);
    assert_eq!(grab.unwrap().reply().unwrap().status, GrabStatus::SUCCESS);
}

#[test]
fn a_grab_that_another_program_holds_is_tried_again() {
    let bench = Bench::open();
    let (connection, mode) = (&bench.desktop.connection, GrabMode::ASYNC);
    let grab = connection.grab_keyboard(false, bench.window, x11rb::CURRENT_TIME, mode, mode);
    assert_eq!(grab.unwrap().reply().unwrap().status, GrabStatus::SUCCESS);
    bench.keys.set(GRABBED);
    eventually("the refusal", || (bench.keys.grab() == Grab::Refused).then_some(()));
    connection.ungrab_keyboard(x11rb::CURRENT_TIME).unwrap();
    connection.sync().unwrap();
    eventually("the grab", || (bench.keys.grab() == Grab::Held).then_some(()));
}

#[test]
fn by_position_keys_are_places_and_locks_are_in_step() {
    let mut bench = Bench::open();
    bench.run("setxkbmap", &["fr"]);
    bench.set(Mode { by: By::Position, ..GRABBED });
    bench.press(&["24", "Caps_Lock"]);
    let locks = |caps| Stroke::Act(Act::Locks(Locks { caps, num: false, scroll: false }));
    let press = |usage| chord(&[usage]);
    let strokes = bench.came();
    assert_eq!(strokes[..3], [&[locks(false)], &press(0x14)[..]].concat()[..]);
    assert!(strokes.contains(&locks(true)) && strokes.contains(&Stroke::Act(key(0x39, true))), "{strokes:?}");
    bench.press(&["Caps_Lock"]);
    assert!(bench.came().contains(&locks(false)));
}
