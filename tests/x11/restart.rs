//! The relay's program is killed in the middle of a session and comes back: the session goes on, as if nothing were.

use crate::{desk::Desk, desktop::Desktop};
use std::{
    thread,
    time::{Duration, Instant},
};

/// How long the relay is gone (issue 3, "Done when" 5).
const GONE: Duration = Duration::from_secs(2);
/// How soon the picture moves again once it is back.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often; the nightly run says 100.
fn times() -> u32 {
    nearhand_tests::number("NEARHAND_RELAY_KILLS", 1).try_into().unwrap()
}

#[test]
fn a_killed_relay_comes_back_and_the_session_goes_on() {
    let mut desktop = Desktop::start(1367, 769);
    desktop.catcher("caught", "80x24+20+40", "ready");
    let mut desk = Desk::open();
    let host = desk.host(&desktop, &[]);
    let mut viewer = desk.viewer(&host);
    let before = viewer.stats();
    assert_eq!(before.1, 1, "one handshake makes a session");
    viewer.run("watch 1200 700");
    let mut typed = String::new();
    for round in 1..=times() {
        desk.kill_relay();
        thread::sleep(GONE); // not a wait for something: it is how long the relay is away
        desk.restart_relay();
        let back = Instant::now();
        let colour = 0x10_00_00 + round;
        desktop.square(1195, 695, colour);
        viewer.sees(1200, 700, &format!("#{colour:06x}"));
        let took = back.elapsed();
        assert!(took <= PATIENCE, "round {round}: the picture came {took:?} after the relay");
        let text = format!("round {round}.");
        viewer.run(&format!("type {text}"));
        typed.push_str(&text);
        assert_eq!(desktop.caught("caught", typed.as_bytes()), typed);
        assert_eq!(viewer.stats(), before, "round {round}: same session, no further handshake");
    }
    viewer.end();
    assert_eq!(desk.recorded("relay.crashed"), usize::try_from(times()).unwrap());
    assert_eq!(desk.recorded("session.end"), 1);
    assert_eq!(
        host.process.output().lines().filter(|line| line.contains("code")).count(),
        2,
        "a new code only at the end"
    );
    desk.operator(&["record", "verify"]);
}
