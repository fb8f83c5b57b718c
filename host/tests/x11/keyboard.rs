//! Text on every layout, with whatever keys are held or locked: what the X server tells programs, and what a terminal
//! makes of it.

use crate::{
    inject::{Program, device, down, eventually, lock_group, set_layout, type_text},
    xvfb::{Client, Xvfb},
};
use nearhand_host::inject::InjectError;
use nearhand_proto::session::input::{Locks, Usage};
use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xkb::{self, ConnectionExt as _},
        xproto::{ChangeWindowAttributesAux, ConnectionExt as _, EventMask, InputFocus, ModMask},
    },
    wrapper::ConnectionExt as _,
};

const CONTROL: Usage = Usage(0xe0);
const SHIFT: Usage = Usage(0xe1);
const ALT_GR: Usage = Usage(0xe6);

/// What issue 4 asks for, and more.
const SAMPLE: &str = "Grüße, 你好, €, “quotes”, Żółć, {[|]} ~^`´ \\ @ #, Привет, 😀";

/// Layouts and the group that is active.
const LAYOUTS: [(&str, xkb::Group); 6] = [
    ("us", xkb::Group::M1),
    ("de", xkb::Group::M1),
    ("fr", xkb::Group::M1),
    ("us,ru", xkb::Group::M2),
    ("ru,us", xkb::Group::M1),
    ("ru,us", xkb::Group::M2),
];

/// A terminal whose program writes every byte that comes as it is into a file.
struct Terminal {
    server: Xvfb,
    client: Client,
    file: PathBuf,
    /// How much has been compared.
    seen: usize,
    _program: Program,
    _home: TempDir,
}

impl Terminal {
    fn start() -> Self {
        let (server, home) = (Xvfb::start(800, 600), tempfile::tempdir().unwrap());
        let client = server.client();
        client.connection.destroy_window(client.window).unwrap();
        let file = home.path().join("typed");
        let script = format!("stty raw -echo; exec cat > '{}'", file.display());
        let arguments = ["-geometry", "90x30+0+0", "-e", "sh", "-c", &script];
        let program = Program::start(&server, home.path(), "xterm", &arguments);
        client.connection.warp_pointer(x11rb::NONE, client.root, 0, 0, 0, 0, 60, 60).unwrap();
        let pointer = || client.connection.query_pointer(client.root).unwrap().reply().unwrap();
        eventually("xterm did not start", || file.exists() && pointer().child != x11rb::NONE);
        Self { server, client, file, seen: 0, _program: program, _home: home }
    }

    fn layout(&self, layout: &str, group: xkb::Group) {
        set_layout(&self.server, layout);
        lock_group(&self.client, group);
    }

    /// Exactly this has come since the last time.
    fn gets(&mut self, expected: &str, what: &str) {
        let now = || String::from_utf8_lossy(&fs::read(&self.file).unwrap()).into_owned();
        eventually(&format!("not all of it came: {what}"), || self.seen + expected.len() <= now().len());
        assert_eq!(&now()[self.seen..], expected, "{what}");
        self.seen += expected.len();
    }

    fn state(&self) -> xkb::GetStateReply {
        let device = xkb::ID::USE_CORE_KBD.into();
        self.client.connection.xkb_use_extension(1, 0).unwrap().reply().unwrap();
        self.client.connection.xkb_get_state(device).unwrap().reply().unwrap()
    }
}

/// All keysyms of all keys, without the zeros that a wider map brings.
fn map(client: &Client) -> Vec<Vec<u32>> {
    let setup = client.connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let map = client.connection.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
    let row = |row: &[u32]| row[..row.iter().rposition(|s| *s != 0).map_or(0, |at| at + 1)].to_vec();
    map.keysyms.chunks(map.keysyms_per_keycode.into()).map(row).collect()
}

/// All that XKB knows of the keyboard: types, actions and modifiers as well.
fn dump(server: &Xvfb) -> String {
    let output = Command::new("xkbcomp").args(["-xkb", &server.display, "-"]).output();
    let output = output.expect("xkbcomp is needed (apt-get install x11-xkb-utils)");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn text_arrives_on_every_layout_whatever_is_locked() {
    let mut terminal = Terminal::start();
    let mut device = device(&terminal.server);
    let text = (' '..='~').collect::<String>() + SAMPLE;
    for (layout, group) in LAYOUTS {
        terminal.layout(layout, group);
        for (caps, num) in [(false, false), (true, false), (true, true), (false, true)] {
            let locks = Locks { caps, num, scroll: false };
            device.locks(locks).unwrap();
            let before = terminal.state();
            assert_eq!(before.locked_mods.contains(ModMask::LOCK), caps);
            assert_eq!(before.locked_mods.contains(ModMask::M2), num);
            type_text(&mut *device, &text);
            terminal.gets(&text, &format!("{layout}, {group:?}, {locks:?}"));
            let after = terminal.state();
            assert_eq!(
                (after.group, after.locked_mods, after.mods),
                (group, before.locked_mods, before.mods)
            );
        }
        device.locks(Locks::default()).unwrap();
    }
}

#[test]
fn lock_keys_come_in_step_as_far_as_the_layout_has_them() {
    let terminal = Terminal::start();
    let mut device = device(&terminal.server);
    let all = Locks { caps: true, num: true, scroll: true };
    let refused = device.locks(all);
    assert!(matches!(refused, Err(InjectError::Unsupported(_))), "no modifier is Scroll Lock's: {refused:?}");
    assert_eq!(terminal.state().locked_mods, ModMask::LOCK | ModMask::M2);
    device.locks(Locks { scroll: false, ..all }).unwrap();
    device.locks(Locks::default()).unwrap();
    assert_eq!(terminal.state().locked_mods, ModMask::from(0_u16));
    assert!(down(&terminal.client).is_empty());
}

#[test]
fn more_characters_than_there_are_spare_keys_arrive_in_their_order() {
    let mut terminal = Terminal::start();
    let mut device = device(&terminal.server);
    let text: String = ('\u{4e00}'..).take(40).chain(('а'..='я').cycle().take(50)).collect();
    type_text(&mut *device, &text);
    terminal.gets(&text, "many characters");
}

#[test]
fn shift_and_altgr_that_are_held_are_part_of_the_character() {
    let mut terminal = Terminal::start();
    let mut device = device(&terminal.server);
    for layout in ["us", "de", "fr"] {
        terminal.layout(layout, xkb::Group::M1);
        device.key(SHIFT, true).unwrap();
        device.text("1aA!@漢").unwrap();
        assert_eq!(down(&terminal.client), [50], "Shift is down again");
        device.key(SHIFT, false).unwrap();
        terminal.gets("1aA!@漢", layout);
    }
    device.key(ALT_GR, true).unwrap();
    device.text("1éA@漢").unwrap();
    assert_eq!(down(&terminal.client), [108], "AltGr is down again");
    device.key(ALT_GR, false).unwrap();
    terminal.gets("1éA@漢", "AltGr on fr");
}

#[test]
fn control_acts_on_the_layouts_own_key() {
    let mut terminal = Terminal::start();
    let mut device = device(&terminal.server);
    for (layout, group) in LAYOUTS {
        terminal.layout(layout, group);
        device.key(CONTROL, true).unwrap();
        device.text("za").unwrap();
        assert_eq!(down(&terminal.client), [37]);
        device.key(CONTROL, false).unwrap();
        terminal.gets("\x1a\x01", layout);
        assert_eq!(terminal.state().group, group);
    }
}

#[test]
fn a_shortcut_with_shift_presses_shift_once() {
    let server = Xvfb::start(640, 480);
    let client = server.client();
    let events = ChangeWindowAttributesAux::new().event_mask(EventMask::KEY_PRESS);
    client.connection.change_window_attributes(client.window, &events).unwrap();
    client.connection.set_input_focus(InputFocus::PARENT, client.window, x11rb::CURRENT_TIME).unwrap();
    client.connection.sync().unwrap();
    let mut device = device(&server);
    for usage in [CONTROL, SHIFT] {
        device.key(usage, true).unwrap();
    }
    device.text("T").unwrap();
    for usage in [SHIFT, CONTROL] {
        device.key(usage, false).unwrap();
    }
    client.connection.sync().unwrap();
    let mut pressed = Vec::new();
    while let Some(event) = client.connection.poll_for_event().unwrap() {
        if let Event::KeyPress(press) = event {
            pressed.push((press.detail, u16::from(press.state)));
        }
    }
    assert_eq!(pressed, [(37, 0), (50, 4), (28, 5)], "Control, Shift, t");
}

#[test]
fn lent_keys_are_taken_back_at_the_end_and_after_a_run_that_was_killed() {
    let server = Xvfb::start(640, 480);
    let client = server.client();
    set_layout(&server, "de,ru");
    let before = map(&client);
    let all_before = dump(&server);
    let mut first = device(&server);
    first.text(SAMPLE).unwrap();
    let lent = map(&client);
    assert_ne!(lent, before, "nothing was lent, so nothing is tested");
    drop(first);
    assert_eq!(map(&client), before);
    assert_eq!(dump(&server), all_before);
    assert!(1_000 < all_before.lines().count(), "{all_before}");

    // As a killed run leaves it: its keys and its list, no owner of the selection.
    let name = client.connection.intern_atom(false, b"_NEARHAND_LENT_KEYS").unwrap().reply().unwrap().atom;
    let all = [0x0100_4f60; 4];
    for keycode in [93, 97] {
        client.connection.change_keyboard_mapping(1, keycode, 4, &all).unwrap();
    }
    let words = [93, 0x0100_4f60, 97, 0x0100_4f61, 38, 0x61];
    let kind = x11rb::protocol::xproto::AtomEnum::CARDINAL;
    let mode = x11rb::protocol::xproto::PropMode::REPLACE;
    client.connection.change_property32(mode, client.root, name, kind, &words).unwrap();
    client.connection.sync().unwrap();
    let second = device(&server);
    let after = map(&client);
    assert_eq!(after[93 - 8], [0; 0], "what the list says is taken back");
    assert_eq!(after[97 - 8], all, "what means something else by now is not");
    assert_eq!(after[38 - 8], before[38 - 8]);
    drop(second);
    client.connection.change_keyboard_mapping(1, 97, 4, &[0; 4]).unwrap();
    client.connection.sync().unwrap();
    assert_eq!(map(&client), before);
}

#[test]
fn two_hosts_on_one_display_leave_each_other_their_keys() {
    let mut terminal = Terminal::start();
    let before = map(&terminal.client);
    let mut one = device(&terminal.server);
    one.text("漢").unwrap();
    let mut two = device(&terminal.server);
    two.text("字").unwrap();
    one.text("漢").unwrap();
    terminal.gets("漢字漢", "both");
    drop(one);
    drop(two);
    assert_eq!(map(&terminal.client), before);
}
