//! Every way in which a session does not come about: a sentence on standard error, the documented exit code, an event.

use crate::{
    desk::{Desk, TECHNICIAN},
    desktop::Desktop,
    process::{Process, eventually},
};
use nearhand_proto::{close::Close, code::SessionCode};
use nearhand_tests::server::program;
use std::process::{Command, Output};

/// The viewer's last word is this reason's sentence and exit code.
fn check(output: &Output, why: Close) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors.lines().last(), Some(why.sentence()), "all of it: {errors}");
    assert_eq!(output.status.code(), Some(i32::from(why.exit_code())), "{errors}");
}

/// The same code with another digit at `at`, and the check digit that fits.
fn other_code(code: &str, at: usize) -> String {
    let mut digits = code.as_bytes().to_vec();
    digits[at] = if digits[at] == b'9' { b'0' } else { digits[at] + 1 };
    let fits = (b'0'..=b'9').map(|check| {
        digits[11] = check;
        String::from_utf8(digits.clone()).unwrap()
    });
    let fits: Vec<String> = fits.filter(|code| code.parse::<SessionCode>().is_ok()).collect();
    assert_eq!(fits.len(), 1, "one check digit fits");
    fits.into_iter().next().unwrap()
}

fn slipped(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..11])
}

#[test]
fn codes_that_do_not_work_say_why() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let mut host = desk.host(&desktop, &[]);
    let code = host.code.clone();
    let run = |code: &str, state| desk.technician(&["run", code, "--do", "wait-settled"], state);

    check(&run(&slipped(&code), "technician"), Close::Mistyped);
    eventually("the slip in the record", || (desk.recorded("code.mistyped") == 1).then_some(()));
    check(&run(&other_code(&code, 0), "technician"), Close::NoSuchCode);
    check(&run(&other_code(&code, 6), "technician"), Close::WrongCode);
    check(&run(&other_code(&code, 7), "technician"), Close::CodeDead);
    check(&run(&code, "technician"), Close::NoSuchCode);

    let fresh = host.process.line("a new code", |line| {
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        (digits.len() == 12 && digits != code).then_some(digits)
    });
    let done = run(&fresh, "technician");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    check(&run(&fresh, "technician"), Close::NoSuchCode);
    desk.operator(&["record", "verify"]);
}

#[test]
fn who_is_no_technician_gets_no_session_and_who_was_one_is_cut_off() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let mut host = desk.host(&desktop, &[]);
    let stranger = ["run", &host.code, "--relay", &desk.string, "--do", "wait-settled"];
    check(&desk.technician(&stranger, "stranger"), Close::UnknownTechnician);
    check(
        &desk.technician(&["enrol", "--relay", &desk.string, &"x".repeat(32)], "stranger"),
        Close::BadToken,
    );

    let viewer = desk.viewer(&host);
    desk.operator(&["technician", "remove", TECHNICIAN]);
    let (code, errors) = viewer.finish();
    assert_eq!(errors.lines().last(), Some(Close::TechnicianRemoved.sentence()));
    assert_eq!(code, i32::from(Close::TechnicianRemoved.exit_code()));
    assert_eq!(desk.recorded("technician.removed"), 1);
    eventually("the session's end", || (desk.recorded("session.end") == 1).then_some(()));

    let first = host.code.clone();
    let fresh = host.process.line("a new code", |line| {
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        (digits.len() == 12 && digits != first).then_some(digits)
    });
    check(&desk.technician(&["run", &fresh, "--do", "wait-settled"], "technician"), Close::TechnicianRemoved);
}

#[test]
fn a_relay_that_is_down_or_another_one_is_named_so() {
    let desktop = Desktop::start(800, 600);
    let mut desk = Desk::open();
    let other = Desk::open();
    let address = desk.string.split_once('#').unwrap().0.to_owned();
    let wrong = format!("{address}#{}", other.string.split_once('#').unwrap().1);
    let code = "384711904258"
        .parse::<SessionCode>()
        .map_or_else(|_| other_code("384711904258", 0), |_| "384711904258".into());

    check(
        &desk.technician(&["run", &code, "--relay", &wrong, "--do", "wait-settled"], "technician"),
        Close::RelayKey,
    );
    let host = |relay: &str| {
        let mut command = desktop.command(program("nearhand-host"));
        command
            .args(["--no-window", "--dial-for", "1", "--relay", relay, "--state"])
            .arg(desktop.path("host-state"));
        Process::start_alone("host", &desktop.path(""), &mut command).end()
    };
    let said = |(code, errors): (i32, String), why: Close| {
        assert!(errors.contains(why.sentence()), "{errors}");
        assert_eq!(code, i32::from(why.exit_code()), "{errors}");
    };
    said(host(&wrong), Close::RelayKey);
    desk.kill_relay();
    said(host(&desk.string), Close::RelayUnreachable);
    let dial = ["run", &code, "--dial-for", "1", "--do", "wait-settled"];
    check(&desk.technician(&dial, "technician"), Close::RelayUnreachable);
}

#[test]
fn a_host_without_a_screen_says_so() {
    let desk = Desk::open();
    let mut command = Command::new(program("nearhand-host"));
    command.args(["--no-window", "--relay", &desk.string, "--state"]).arg(desk.path("host-state"));
    command.env_remove("WAYLAND_DISPLAY").env("DISPLAY", ":987654");
    let (code, errors) = Process::start_alone("host", desk.folder(), &mut command).end();
    assert_eq!(code, i32::from(Close::NoScreen.exit_code()), "{errors}");
    assert!(errors.lines().last().unwrap().starts_with("nearhand-host: "), "{errors}");
}
