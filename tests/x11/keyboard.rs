//! Every key of a us keyboard arrives at the X server as the key that its name says, also keys that no program makes
//! text of.

use crate::{desk::Desk, desktop::Desktop, process::eventually};
use std::collections::HashMap;
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{ConnectionExt as _, CreateWindowAux, EventMask, InputFocus, WindowClass},
    },
    wrapper::ConnectionExt as _,
};

/// Keys that aren't characters: name and keysym (`keysymdef.h`).
const NAMED: &[(&str, u32)] = &[
    ("Return", 0xff0d),
    ("Escape", 0xff1b),
    ("BackSpace", 0xff08),
    ("Tab", 0xff09),
    ("space", 0x20),
    ("Caps_Lock", 0xffe5),
    ("Print", 0xff61),
    ("Scroll_Lock", 0xff14),
    ("Pause", 0xff13),
    ("Insert", 0xff63),
    ("Home", 0xff50),
    ("Page_Up", 0xff55),
    ("Delete", 0xffff),
    ("End", 0xff57),
    ("Page_Down", 0xff56),
    ("Right", 0xff53),
    ("Left", 0xff51),
    ("Down", 0xff54),
    ("Up", 0xff52),
    ("Num_Lock", 0xff7f),
    ("KP_Divide", 0xffaf),
    ("KP_Multiply", 0xffaa),
    ("KP_Subtract", 0xffad),
    ("KP_Add", 0xffab),
    ("KP_Enter", 0xff8d),
    ("KP_End", 0xff9c),
    ("KP_Down", 0xff99),
    ("KP_Page_Down", 0xff9b),
    ("KP_Left", 0xff96),
    ("KP_Begin", 0xff9d),
    ("KP_Right", 0xff98),
    ("KP_Home", 0xff95),
    ("KP_Up", 0xff97),
    ("KP_Page_Up", 0xff9a),
    ("KP_Insert", 0xff9e),
    ("KP_Delete", 0xff9f),
    ("Menu", 0xff67),
    ("Control_L", 0xffe3),
    ("Shift_L", 0xffe1),
    ("Alt_L", 0xffe9),
    ("Super_L", 0xffeb),
    ("Control_R", 0xffe4),
    ("Shift_R", 0xffe2),
    ("Alt_R", 0xffea),
    ("Super_R", 0xffec),
];

/// Every key by name, with the keysym that must be on it.
fn keys() -> Vec<(String, u32)> {
    let characters = ('!'..='~').map(|character| (character.to_string(), u32::from(character)));
    let functions = (1..=12).map(|number| (format!("F{number}"), 0xffbd + number));
    let named = NAMED.iter().map(|(name, keysym)| ((*name).to_owned(), *keysym));
    characters.chain(functions).chain(named).collect()
}

/// Keysyms without and with shift of each keycode, as the server's map has them.
fn map(desktop: &Desktop) -> HashMap<u8, [u32; 2]> {
    let setup = desktop.connection.setup();
    let (first, last) = (setup.min_keycode, setup.max_keycode);
    let map = desktop.connection.get_keyboard_mapping(first, last - first + 1).unwrap().reply().unwrap();
    let rows = map.keysyms.chunks_exact(map.keysyms_per_keycode.into());
    (first..=last).zip(rows).map(|(code, row)| (code, [row[0], row[1]])).collect()
}

/// Gives the focus to a window that hears keys, past the window manager.
fn listen(desktop: &Desktop) {
    let connection = &desktop.connection;
    let window = connection.generate_id().unwrap();
    let look =
        CreateWindowAux::new().override_redirect(1).event_mask(EventMask::KEY_PRESS | EventMask::EXPOSURE);
    let class = WindowClass::INPUT_OUTPUT;
    connection.create_window(0, window, desktop.root, 0, 0, 90, 90, 0, class, 0, &look).unwrap();
    connection.map_window(window).unwrap();
    connection.sync().unwrap();
    eventually("the window", || connection.poll_for_event().unwrap());
    connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME).unwrap();
    connection.sync().unwrap();
}

#[test]
fn every_key_of_a_us_keyboard_arrives() {
    let desktop = Desktop::start(800, 600);
    let map = map(&desktop);
    listen(&desktop);
    let desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);
    for (name, keysym) in keys() {
        viewer.run(&format!("key {name}"));
        // Shift comes first where a key needs it: the last key pressed is the one that counts.
        let pressed = eventually(&format!("the key {name}"), || {
            let Event::KeyPress(press) = desktop.connection.poll_for_event().unwrap()? else { return None };
            let is_shift = [0xffe1, 0xffe2].contains(&map[&press.detail][0]);
            (!is_shift || [0xffe1, 0xffe2].contains(&keysym)).then_some(press)
        });
        let shifted = usize::from(u16::from(pressed.state) & 1);
        assert_eq!(map[&pressed.detail][shifted], keysym, "{name} arrived as keycode {}", pressed.detail);
    }
    eventually("the release of everything", || desktop.keys_down().is_empty().then_some(()));
    viewer.end();
}
