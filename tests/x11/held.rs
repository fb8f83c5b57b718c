//! What a vanished technician held is let go of.

use crate::{
    desk::{Desk, Host},
    desktop::Desktop,
    process::eventually,
    viewer::Viewer,
};
use std::time::{Duration, Instant};

/// F16 of the fault list.
const PATIENCE: Duration = Duration::from_secs(2);

/// Left control and left alt, as Xvfb's keyboard (evdev's keycodes) has them.
const CONTROL_ALT: [u8; 2] = [37, 64];

/// A desktop with a host, and a viewer that holds ctrl+alt there.
fn held() -> (Desktop, Desk, Host, Viewer) {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);
    viewer.run("hold ctrl+alt");
    eventually("ctrl+alt", || (desktop.keys_down() == CONTROL_ALT).then_some(()));
    (desktop, desk, host, viewer)
}

#[test]
fn a_viewer_killed_while_it_holds_ctrl_alt_leaves_nothing_pressed() {
    let (desktop, _desk, _host, viewer) = held();
    let killed = Instant::now();
    viewer.kill();
    eventually("the release", || desktop.keys_down().is_empty().then_some(()));
    let took = killed.elapsed();
    assert!(took <= PATIENCE, "keys were held for {took:?}");
}

#[test]
fn what_is_held_stays_held_while_the_viewer_lives() {
    let (desktop, _desk, _host, viewer) = held();
    let until = Instant::now() + 2 * PATIENCE;
    while Instant::now() < until {
        assert_eq!(desktop.keys_down(), CONTROL_ALT);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    viewer.end();
    eventually("the release at the end", || desktop.keys_down().is_empty().then_some(()));
}
