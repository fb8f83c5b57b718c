//! The real mouse and keyboard, on an X server of the test's own: what arrives there, and in real programs.

use crate::xvfb::{Client, Xvfb};
use nearhand_host::{
    inject::{Inject, InjectError, enigo, hid, own::OwnWindows, recorder::Recorder},
    user::echo::Echoes,
};
use nearhand_proto::session::input::{Button, Usage};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection,
    protocol::{
        Event,
        xkb::{self, ConnectionExt as _},
        xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask, InputFocus, KeyButMask, ModMask},
    },
    wrapper::ConnectionExt as _,
};

const CONTROL: Usage = Usage(0xe0);
const CAPS_LOCK: Usage = Usage(0x39);

/// Keycodes that are down now.
pub(crate) fn down(client: &Client) -> Vec<u8> {
    let keys = client.connection.query_keymap().unwrap().reply().unwrap().keys;
    (0..=u8::MAX).filter(|code| keys[usize::from(code / 8)] >> (code % 8) & 1 == 1).collect()
}

pub(crate) fn device(server: &Xvfb) -> Box<dyn Inject> {
    enigo::open(Some(server.display.clone()), Echoes::default(), OwnWindows::default())().unwrap()
}

/// Types in pieces, as the injecting thread does.
pub(crate) fn type_text(device: &mut dyn Inject, text: &str) {
    for piece in text.chars().collect::<Vec<_>>().chunks(16) {
        let piece: String = piece.iter().collect();
        while !device.ready(&piece).unwrap() {}
        device.text(&piece).unwrap();
    }
}

/// Asks again until it is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Ends the program with the value.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn start(server: &Xvfb, home: &Path, command: &str, arguments: &[&str]) -> Self {
        let child = Command::new(command)
            .args(arguments)
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .envs([
                ("DISPLAY", server.display.as_str()),
                ("LC_ALL", "C.UTF-8"),
                ("GSETTINGS_BACKEND", "memory"),
            ])
            .envs(["HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"].map(|name| (name, home)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let missing = |error| {
            panic!("{command} is needed for this test ({error}); install it (apt-get install {command})")
        };
        Self(child.unwrap_or_else(missing))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        self.0.wait().unwrap();
    }
}

/// What the real device and the recorder must do alike.
fn conforms(mut device: Box<dyn Inject>) {
    let device = &mut *device;
    for usage in (0..=u16::MAX).step_by(3).map(Usage).filter(|usage| hid::evdev(*usage).is_none()) {
        assert_eq!(device.key(usage, true), Err(InjectError::UnknownKey(usage)));
    }
    for text in ["a\u{1b}[A", "\0", "x\r\n", "\u{9b}"] {
        assert!(matches!(device.text(text), Err(InjectError::ControlCharacter(_))), "{text:?}");
    }
    for _ in 0..2 {
        device.key(Usage(0x04), true).unwrap(); // the second is the viewer's key repeat
    }
    device.key(Usage(0x04), false).unwrap();
    device.pointer(i32::MIN, i32::MAX).unwrap();
    device.button(Button::Left, true).unwrap();
    device.button(Button::Left, false).unwrap();
    device.button(Button::Left, false).unwrap();
    device.wheel(i16::MIN, 0).unwrap();
    device.text("").unwrap();
}

#[test]
fn the_real_device_and_the_recorder_conform() {
    let server = Xvfb::start(640, 480);
    conforms(device(&server));
    assert!(down(&server.client()).is_empty());
    conforms(Recorder::default().open()().unwrap());
}

#[test]
fn every_key_goes_down_and_up_at_its_place() {
    let server = Xvfb::start(640, 480);
    let client = server.client();
    let mut device = device(&server);
    let (first, last) = (client.connection.setup().min_keycode, client.connection.setup().max_keycode);
    let map = client.connection.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
    let width = usize::from(map.keysyms_per_keycode);
    let mut pressed = 0;
    for usage in (0..=0xff).map(Usage) {
        if hid::evdev(usage).is_none() {
            assert_eq!(device.key(usage, true), Err(InjectError::UnknownKey(usage)));
            continue;
        }
        device.key(usage, true).unwrap();
        let now = down(&client);
        assert_eq!(now.len(), 1, "{usage:?}: {now:?}");
        if let Some((_, expected)) = SYMBOLS.iter().find(|(known, _)| *known == usage.0) {
            let symbol = map.keysyms[usize::from(now[0] - first) * width];
            assert_eq!(symbol, *expected, "{usage:?} is keycode {}", now[0]);
            pressed += 1;
        }
        device.key(usage, false).unwrap();
        assert!(down(&client).is_empty(), "{usage:?} is still down");
    }
    assert_eq!(pressed, SYMBOLS.len());
}

/// What keys type on a US keyboard (`X11/keysymdef.h`, `X11/XF86keysym.h`): a list made without our table.
#[rustfmt::skip]
const SYMBOLS: [(u16, u32); 44] = [
    (0x04, 0x61), (0x05, 0x62), (0x10, 0x6d), (0x1d, 0x7a), (0x1e, 0x31), (0x27, 0x30), (0x28, 0xff0d),
    (0x29, 0xff1b), (0x2a, 0xff08), (0x2b, 0xff09), (0x2c, 0x20), (0x2d, 0x2d), (0x2e, 0x3d), (0x2f, 0x5b),
    (0x30, 0x5d), (0x31, 0x5c), (0x33, 0x3b), (0x34, 0x27), (0x35, 0x60), (0x36, 0x2c), (0x38, 0x2f),
    (0x39, 0xffe5), (0x3a, 0xffbe), (0x45, 0xffc9), (0x46, 0xff61), (0x47, 0xff14), (0x49, 0xff63),
    (0x4a, 0xff50), (0x4c, 0xffff), (0x4e, 0xff56), (0x4f, 0xff53), (0x52, 0xff52), (0x53, 0xff7f),
    (0x54, 0xffaf), (0x58, 0xff8d), (0x59, 0xff9c), (0x63, 0xff9f), (0x65, 0xff67), (0x7f, 0x1008_ff12),
    (0xe0, 0xffe3), (0xe1, 0xffe1), (0xe2, 0xffe9), (0xe3, 0xffeb), (0xe7, 0xffec),
];

#[test]
fn the_pointer_its_buttons_and_the_wheel() {
    let server = Xvfb::start(640, 480);
    let client = server.client();
    let events =
        ChangeWindowAttributesAux::new().event_mask(EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE);
    client.connection.change_window_attributes(client.window, &events).unwrap().check().unwrap();
    let mut device = device(&server);
    let pointer = || client.connection.query_pointer(client.root).unwrap().reply().unwrap();
    for (x, y, expected) in
        [(3, 4, (3, 4)), (639, 479, (639, 479)), (-9, -99_999, (0, 0)), (99_999, 700, (639, 479))]
    {
        device.pointer(x, y).unwrap();
        assert_eq!((pointer().root_x, pointer().root_y), expected);
    }
    device.pointer(100, 50).unwrap();
    for (button, mask) in [
        (Button::Left, KeyButMask::BUTTON1),
        (Button::Middle, KeyButMask::BUTTON2),
        (Button::Right, KeyButMask::BUTTON3),
    ] {
        device.button(button, true).unwrap();
        assert_eq!(pointer().mask, mask);
        device.button(button, false).unwrap();
        assert_eq!(pointer().mask, KeyButMask::from(0_u16));
    }
    device.wheel(1, 0).unwrap();
    device.wheel(0, -2).unwrap();
    device.wheel(-1, 1).unwrap();
    client.connection.sync().unwrap();
    let mut pressed = Vec::new();
    while let Some(event) = client.connection.poll_for_event().unwrap() {
        if let Event::ButtonPress(press) = event {
            assert_eq!((press.event_x, press.event_y), (100, 50));
            pressed.push(press.detail);
        }
    }
    assert_eq!(pressed, [1, 2, 3, 7, 4, 4, 6, 5]);
}

#[test]
fn nothing_stays_pressed_at_the_end() {
    let server = Xvfb::start(640, 480);
    let client = server.client();
    let mut device = device(&server);
    for usage in [CONTROL, Usage(0xe2), Usage(0x05), Usage(0x05)] {
        device.key(usage, true).unwrap();
    }
    device.button(Button::Left, true).unwrap();
    device.text("a€").unwrap();
    assert_eq!(down(&client).len(), 3);
    drop(device);
    assert!(down(&client).is_empty());
    let mask = client.connection.query_pointer(client.root).unwrap().reply().unwrap().mask;
    assert_eq!(mask, KeyButMask::from(0_u16));
}

#[test]
fn input_on_the_hosts_own_window_is_refused_and_releases_pass() {
    let server = Xvfb::start(640, 480);
    let client = server.client();
    let own = OwnWindows::default();
    let mut device = enigo::open(Some(server.display.clone()), Echoes::default(), own.clone())().unwrap();
    let focus = |window| {
        client.connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME).unwrap();
        client.connection.sync().unwrap();
    };
    focus(client.window);
    device.key(CONTROL, true).unwrap();
    device.button(Button::Left, true).unwrap();
    assert_eq!(down(&client), [37]);
    own.add(client.window);
    for refused in [
        device.key(Usage(4), true),
        device.key(CAPS_LOCK, true),
        device.text("a"),
        device.button(Button::Right, true),
        device.wheel(0, 1),
        device.pointer(3, 3),
        device.pointer(i32::MAX, -1),
    ] {
        assert_eq!(refused, Err(InjectError::OwnWindow));
    }
    device.key(CONTROL, false).unwrap();
    device.button(Button::Left, false).unwrap();
    assert!(down(&client).is_empty());
    client.connection.unmap_window(client.window).unwrap();
    focus(client.root);
    device.pointer(3, 3).unwrap();
    device.text("a").unwrap();
    device.wheel(0, 1).unwrap();
}

/// All printable ASCII over and over, in lines.
fn much_text() -> String {
    let ascii = (' '..='~').cycle().take(2_000).collect::<Vec<_>>();
    ascii.chunks(77).flat_map(|line| line.iter().copied().chain(['\n'])).collect()
}

pub(crate) fn set_layout(server: &Xvfb, layout: &str) {
    let done = Command::new("setxkbmap").args(["-display", &server.display, "-layout", layout]).status();
    assert!(done.expect("setxkbmap is needed (apt-get install x11-xkb-utils)").success());
}

pub(crate) fn lock_group(client: &Client, group: xkb::Group) {
    client.connection.xkb_use_extension(1, 0).unwrap().reply().unwrap();
    let none = ModMask::from(0_u16);
    let device = xkb::ID::USE_CORE_KBD.into();
    client.connection.xkb_latch_lock_state(device, none, none, true, group, none, false, 0).unwrap();
    client.connection.sync().unwrap();
}

#[test]
fn text_arrives_whole_in_a_terminal() {
    let (server, home) = (Xvfb::start(800, 600), tempfile::tempdir().unwrap());
    let client = server.client();
    client.connection.destroy_window(client.window).unwrap();
    let file = home.path().join("typed");
    let script = format!("cat > '{}'", file.display());
    let _terminal =
        Program::start(&server, home.path(), "xterm", &["-geometry", "90x30+0+0", "-e", "sh", "-c", &script]);
    let mut device = device(&server);
    device.pointer(60, 60).unwrap(); // without a window manager the keys go where the pointer is
    let is_under =
        || client.connection.query_pointer(client.root).unwrap().reply().unwrap().child != x11rb::NONE;
    eventually("xterm did not start", || file.exists() && is_under());

    let mut expected = much_text();
    let start = Instant::now();
    device.text(&expected).unwrap();
    println!("{} characters in {:?}", expected.len(), start.elapsed());

    // A layout must not change under text that the program has not read yet: X tells keys, not characters.
    let arrived = |expected: &str| {
        let typed = || fs::read_to_string(&file).unwrap();
        eventually("not all text arrived", || expected.len() <= typed().len());
        assert_eq!(typed(), expected);
    };
    arrived(&expected);
    let mut say = |device: &mut dyn Inject, text: &str| {
        device.text(text).unwrap();
        expected.push_str(text);
        arrived(&expected);
    };
    let caps_lock = |device: &mut dyn Inject| [true, false].map(|down| device.key(CAPS_LOCK, down).unwrap());
    caps_lock(&mut *device);
    say(&mut *device, "with Caps Lock: aB1!\n");
    caps_lock(&mut *device);
    say(&mut *device, "lent keys: äöü ß €ж→漢 ÄÖÜ\n");
    set_layout(&server, "de");
    say(&mut *device, "on a German keyboard: yz{[]}\\ äöü ÄÖÜ ß €ж@~^`\n");
    set_layout(&server, "us,ru");
    lock_group(&client, xkb::Group::M2);
    say(&mut *device, "in the Russian group: hello, Привет\n");
    let state = client.connection.xkb_get_state(xkb::ID::USE_CORE_KBD.into()).unwrap().reply().unwrap();
    assert_eq!(state.group, xkb::Group::M2, "the user's group is back");
}

#[test]
fn text_arrives_whole_in_a_gtk_editor() {
    let (server, home) = (Xvfb::start(800, 600), tempfile::tempdir().unwrap());
    let client = server.client();
    client.connection.destroy_window(client.window).unwrap();
    let file = home.path().join("typed.txt");
    fs::write(&file, "").unwrap();
    let _manager = Program::start(&server, home.path(), "openbox", &[]);
    let _editor =
        Program::start(&server, home.path(), "mousepad", &["--disable-server", file.to_str().unwrap()]);
    let name = |atom: &[u8]| client.connection.intern_atom(false, atom).unwrap().reply().unwrap().atom;
    let (active, window) =
        (name(b"_NET_ACTIVE_WINDOW"), u32::from(x11rb::protocol::xproto::AtomEnum::WINDOW));
    eventually("mousepad did not start", || {
        let property = client.connection.get_property(false, client.root, active, window, 0, 1).unwrap();
        property.reply().unwrap().value32().is_some_and(|mut list| list.next().is_some_and(|id| id != 0))
    });

    let mut device = device(&server);
    // More characters without a key than there are spare keys: each must mean the same until the editor has read it.
    let many: String = ('\u{4e00}'..).take(90).collect();
    let expected = much_text() + "äöü €ж\n" + &many + "\n";
    let start = Instant::now();
    type_text(&mut *device, &expected);
    println!("{} characters in {:?}", expected.len(), start.elapsed());
    device.key(CONTROL, true).unwrap();
    device.key(Usage(0x16), true).unwrap(); // ctrl+s
    device.key(Usage(0x16), false).unwrap();
    device.key(CONTROL, false).unwrap();
    let typed = || fs::read_to_string(&file).unwrap();
    eventually("the editor saved nothing", || !typed().is_empty());
    eventually("the saved text differs", || typed() == expected);
}
