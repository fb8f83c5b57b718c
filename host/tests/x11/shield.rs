//! Where input would land: on the host's own windows, the frames around them, or elsewhere.

use crate::{
    inject::{Program, eventually},
    xvfb::{Client, Xvfb},
};
use nearhand_host::inject::own::{OwnWindows, Shield};
use x11rb::{
    connection::Connection as _,
    protocol::xproto::{
        ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, InputFocus, StackMode, Window, WindowClass,
    },
    wrapper::ConnectionExt as _,
};

/// A window of 100 x 80 pixels; `managed` by the window manager or not.
fn window(client: &Client, parent: Window, left: i16, top: i16, managed: bool) -> Window {
    let window = client.connection.generate_id().unwrap();
    let look = CreateWindowAux::new().override_redirect(u32::from(!managed)).background_pixel(7);
    let class = WindowClass::INPUT_OUTPUT;
    client.connection.create_window(0, window, parent, left, top, 100, 80, 0, class, 0, &look).unwrap();
    client.connection.map_window(window).unwrap();
    client.connection.sync().unwrap();
    window
}

/// A client without the window that covers the screen.
fn client(server: &Xvfb) -> Client {
    let client = server.client();
    client.connection.destroy_window(client.window).unwrap();
    client.connection.sync().unwrap();
    client
}

fn point(client: &Client, x: i16, y: i16) {
    client.connection.warp_pointer(x11rb::NONE, client.root, 0, 0, 0, 0, x, y).unwrap();
    client.connection.sync().unwrap();
}

fn focus(client: &Client, on: Window) {
    client.connection.set_input_focus(InputFocus::PARENT, on, x11rb::CURRENT_TIME).unwrap();
    client.connection.sync().unwrap();
}

#[test]
fn a_client_is_covered_with_all_its_windows_and_a_lone_window_by_itself() {
    let server = Xvfb::start(640, 480);
    let (host, other) = (client(&server), client(&server));
    let own = OwnWindows::default();
    let shield = Shield::open(Some(&server.display), own.clone()).unwrap();
    let first = window(&host, host.root, 10, 10, false);
    let popup = window(&host, host.root, 200, 10, false);
    let inner = window(&host, first, 5, 5, false);
    let terminal = window(&other, other.root, 10, 200, false);
    let tab = window(&other, other.root, 200, 200, false);
    let part = window(&other, terminal, 5, 5, false);

    let places = [
        ("own", 20, 20),
        ("pop-up", 210, 20),
        ("terminal", 20, 210),
        ("other", 210, 210),
        ("root", 500, 400),
    ];
    let covered = || {
        let is_covered = |(name, x, y): (&'static str, i16, i16)| {
            point(&other, x, y);
            let covered = shield.covers_pointer().unwrap();
            assert_eq!(shield.covers_point(x, y).unwrap(), covered, "{name}");
            covered.then_some(name)
        };
        places.into_iter().filter_map(is_covered).collect::<Vec<_>>()
    };
    assert_eq!(covered(), [""; 0], "nothing is registered");
    own.add_alone(terminal);
    assert_eq!(covered(), ["terminal"]);
    own.add(first);
    assert_eq!(covered(), ["own", "pop-up", "terminal"]);

    point(&other, 500, 400);
    for (on, expected) in [
        (first, true),
        (inner, true),
        (terminal, true),
        (part, true),
        (popup, true),
        (tab, false),
        (other.root, false),
    ] {
        focus(&other, on);
        assert_eq!(shield.covers_focus().unwrap(), expected, "focus on {on:x}");
    }
    // Keys go to the window under the pointer.
    focus(&other, u32::from(InputFocus::POINTER_ROOT));
    assert!(!shield.covers_focus().unwrap());
    point(&other, 20, 20);
    assert!(shield.covers_focus().unwrap());
    focus(&other, inner);
    host.connection.destroy_window(first).unwrap();
    host.connection.sync().unwrap();
    assert!(!shield.covers_pointer().unwrap(), "what is gone covers nothing");
    shield.covers_focus().unwrap();
}

#[test]
fn the_window_managers_frame_is_covered_as_well() {
    let (server, home) = (Xvfb::start(640, 480), tempfile::tempdir().unwrap());
    let (host, other) = (client(&server), client(&server));
    let own = OwnWindows::default();
    let shield = Shield::open(Some(&server.display), own.clone()).unwrap();
    let [registered, further] = [(20, 60), (200, 60)].map(|(x, y)| window(&host, host.root, x, y, true));
    let theirs = window(&other, other.root, 20, 250, true);
    // It adopts what is there.
    let _manager = Program::start(&server, home.path(), "openbox", &[]);
    own.add(registered);
    for (window, expected) in [(registered, true), (further, true), (theirs, false)] {
        let (x, y) = title_bar(&host, window);
        let raise = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        host.connection.configure_window(window, &raise).unwrap();
        host.connection.sync().unwrap();
        point(&other, x, y);
        eventually(&format!("the frame of {window:x} is covered: {expected}"), || {
            shield.covers_pointer().unwrap() == expected && shield.covers_point(x, y).unwrap() == expected
        });
        let frame = host.connection.query_tree(window).unwrap().reply().unwrap().parent;
        // The window manager may still be giving the focus away itself.
        eventually(&format!("focus on the frame of {window:x} is covered: {expected}"), || {
            focus(&other, frame);
            shield.covers_focus().unwrap() == expected
        });
    }
}

#[test]
fn beyond_the_desktops_edge_counts_where_the_pointer_stops() {
    let server = Xvfb::start(640, 480);
    let (host, own) = (client(&server), OwnWindows::default());
    let shield = Shield::open(Some(&server.display), own.clone()).unwrap();
    own.add(window(&host, host.root, 600, 440, false));
    let places = [(639, 479), (i16::MAX, i16::MAX), (i16::MAX, 450), (i16::MAX, 9), (-9, 479), (599, 479)];
    let covered = places.map(|(x, y)| shield.covers_point(x, y).unwrap());
    assert_eq!(covered, [true, true, true, false, false, false]);
}

/// A pixel of the title bar that the window manager has put around the window.
fn title_bar(client: &Client, window: Window) -> (i16, i16) {
    let mut at = None;
    eventually("the window has no frame", || {
        let tree = client.connection.query_tree(window).unwrap().reply().unwrap();
        let place =
            client.connection.translate_coordinates(window, client.root, 0, 0).unwrap().reply().unwrap();
        at = (tree.parent != tree.root).then_some((place.dst_x + 30, place.dst_y - 8));
        at.is_some_and(|(_, y)| 0 < y)
    });
    at.unwrap()
}
