//! The real clipboard: with `xclip` as the user's programs, with programs that do not behave, and from one desktop to
//! another through host and viewer.

use crate::{
    desk::Desk,
    desktop::Desktop,
    process::{Process, eventually},
    viewer::Viewer,
};
use nearhand_desktop::clipboard::x11;
use nearhand_tests::{
    clipboard::{Opened, User, conforms},
    server::program,
};
use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
            SelectionNotifyEvent, SelectionRequestEvent, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

const LIMIT: usize = 1 << 20;

impl User for Desktop {
    fn copies(&mut self, text: &str) {
        self.copies_as("UTF8_STRING", text.as_bytes());
    }

    fn pastes(&mut self) -> String {
        String::from_utf8(self.pastes_as("UTF8_STRING")).unwrap()
    }
}

impl Desktop {
    fn copies_as(&self, target: &str, bytes: &[u8]) {
        let before = self.clipboards_owner();
        let mut command = self.command("xclip");
        command.args(["-selection", "clipboard", "-in", "-target", target]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        assert!(child.wait().unwrap().success());
        // xclip goes into the background before the clipboard is its own. (It is not asked for the text: while it gives
        // a long one to somebody else, it forgets whoever else asks.)
        eventually("a new owner", || (self.clipboards_owner() != before).then_some(()));
    }

    fn clipboards_owner(&self) -> u32 {
        let clipboard = atom(&self.connection, "CLIPBOARD");
        self.connection.get_selection_owner(clipboard).unwrap().reply().unwrap().owner
    }

    fn pastes_as(&self, target: &str) -> Vec<u8> {
        let mut command = self.command("xclip");
        command.args(["-selection", "clipboard", "-out", "-target", target]).output().unwrap().stdout
    }

    /// Opens its clipboard as a program of ours, which listens.
    fn listener(&self) -> Opened {
        let ours = Opened::new(&x11::open(Some(self.display.clone())), LIMIT);
        ours.listens();
        ours
    }
}

#[test]
fn the_real_clipboard_does_what_a_clipboard_must() {
    let mut desktop = Desktop::start(320, 200);
    conforms(&x11::open(Some(desktop.display.clone())), &mut desktop);
}

#[test]
fn old_programs_get_and_give_latin_1() {
    let desktop = Desktop::start(320, 200);
    let ours = desktop.listener();
    desktop.copies_as("STRING", b"Gr\xfc\xdfe");
    ours.hears_text("Grüße");
    ours.sets("Żółć, Grüße");
    assert_eq!(desktop.pastes_as("STRING"), *b"?\xf3??, Gr\xfc\xdfe");
    assert_eq!(desktop.pastes_as("text/plain;charset=utf-8"), "Żółć, Grüße".as_bytes());
    let targets = String::from_utf8(desktop.pastes_as("TARGETS")).unwrap();
    for target in ["TARGETS", "TIMESTAMP", "UTF8_STRING", "STRING", "text/plain;charset=utf-8"] {
        assert!(targets.lines().any(|line| line == target), "{targets}");
    }
    assert_eq!(desktop.pastes_as("image/png"), b"");
}

#[test]
fn a_clipboard_without_a_display_says_so() {
    let ours = Opened::new(&x11::open(Some(":no".to_owned())), LIMIT);
    let heard = format!("{:?}", ours.hears());
    assert!(heard.starts_with("Lost(the clipboard can't be used: "), "{heard}");
}

/// How a program of the story's own answers.
type Answer = fn(&RustConnection, &SelectionRequestEvent, &str) -> Option<()>;

/// Owns the clipboard, and tells the name of everything it is asked for. Goes on until another program owns it.
fn owner(desktop: &Desktop, answer: Answer) -> Receiver<String> {
    owns(desktop, &["CLIPBOARD"], answer)
}

/// Owns these selections, in this order; else the same.
fn owns(desktop: &Desktop, selections: &[&str], answer: Answer) -> Receiver<String> {
    let (connection, screen) = RustConnection::connect(Some(&desktop.display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let window = connection.generate_id().unwrap();
    let aux = CreateWindowAux::new();
    connection.create_window(0, window, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux).unwrap();
    for selection in selections {
        let selection = atom(&connection, selection);
        connection.set_selection_owner(window, selection, x11rb::CURRENT_TIME).unwrap();
    }
    connection.sync().unwrap();
    let (asked, names) = mpsc::channel();
    thread::spawn(move || {
        while let Ok(event) = connection.wait_for_event() {
            let Event::SelectionRequest(request) = event else { return };
            let name = connection.get_atom_name(request.target).unwrap().reply().unwrap().name;
            let name = String::from_utf8(name).unwrap();
            if let Some(()) = answer(&connection, &request, &name) {
                let told = SelectionNotifyEvent {
                    response_type: SELECTION_NOTIFY_EVENT,
                    sequence: 0,
                    time: request.time,
                    requestor: request.requestor,
                    selection: request.selection,
                    target: request.target,
                    property: request.property,
                };
                connection.send_event(false, request.requestor, EventMask::NO_EVENT, told).unwrap();
            }
            connection.sync().unwrap();
            // The test may be over.
            let _ = asked.send(name);
        }
    });
    names
}

fn atom(connection: &RustConnection, name: &str) -> u32 {
    connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
}

fn offer(connection: &RustConnection, request: &SelectionRequestEvent, names: &[&str]) {
    let atoms: Vec<_> = names.iter().map(|name| atom(connection, name)).collect();
    let (window, place) = (request.requestor, request.property);
    connection.change_property32(PropMode::REPLACE, window, place, AtomEnum::ATOM, &atoms).unwrap();
}

fn give(connection: &RustConnection, request: &SelectionRequestEvent, kind: &str, bytes: &[u8]) {
    let (window, place) = (request.requestor, request.property);
    let kind = atom(connection, kind);
    connection.change_property8(PropMode::REPLACE, window, place, kind, bytes).unwrap();
}

/// Waits until the owner has been asked for this.
fn is_asked(asked: &Receiver<String>, name: &str) {
    eventually(&format!("a question for {name}"), || (asked.try_recv().ok()? == name).then_some(()));
}

#[test]
fn a_password_is_not_read() {
    let mut desktop = Desktop::start(320, 200);
    let ours = desktop.listener();
    let asked = owner(&desktop, |connection, request, name| {
        match name {
            "TARGETS" => offer(connection, request, &["UTF8_STRING", "x-kde-passwordManagerHint"]),
            "x-kde-passwordManagerHint" => give(connection, request, "UTF8_STRING", b"secret"),
            _ => give(connection, request, "UTF8_STRING", b"hunter2"),
        }
        Some(())
    });
    is_asked(&asked, "x-kde-passwordManagerHint");
    desktop.copies("no password");
    ours.hears_text("no password");
    assert!(asked.try_iter().all(|name| name != "UTF8_STRING"), "the password was asked for");
}

#[test]
fn what_a_clipboard_manager_takes_over_from_before_is_not_read() {
    let mut desktop = Desktop::start(320, 200);
    desktop.copies("of before");
    let ours = desktop.listener();
    // The program that it was copied in has ended.
    let asked = owns(&desktop, &["CLIPBOARD_MANAGER", "CLIPBOARD"], |connection, request, _| {
        give(connection, request, "UTF8_STRING", b"of before");
        Some(())
    });
    desktop.copies("new");
    ours.hears_text("new");
    assert_eq!(asked.try_iter().next(), None);
}

#[test]
fn a_text_that_is_marked_as_no_secret_is_read() {
    let desktop = Desktop::start(320, 200);
    let ours = desktop.listener();
    let _asked = owner(&desktop, |connection, request, name| {
        match name {
            "TARGETS" => offer(connection, request, &["UTF8_STRING", "x-kde-passwordManagerHint"]),
            "x-kde-passwordManagerHint" => give(connection, request, "UTF8_STRING", b"public"),
            _ => give(connection, request, "UTF8_STRING", b"hello"),
        }
        Some(())
    });
    ours.hears_text("hello");
}

#[test]
fn programs_that_do_not_answer_or_have_no_text_hold_nothing_up() {
    let mut desktop = Desktop::start(320, 200);
    let ours = desktop.listener();
    let silent = owner(&desktop, |_, _, _| None);
    is_asked(&silent, "TARGETS");
    desktop.copies("one");
    ours.hears_text("one");
    let picture = owner(&desktop, |connection, request, _| {
        offer(connection, request, &["image/png", "TIMESTAMP"]);
        Some(())
    });
    is_asked(&picture, "TARGETS");
    desktop.copies("two");
    ours.hears_text("two");
    // Promises a text in pieces, and gives none.
    let slow = owner(&desktop, |connection, request, name| {
        match name {
            "TARGETS" => offer(connection, request, &["UTF8_STRING"]),
            _ => give(connection, request, "INCR", &[]),
        }
        Some(())
    });
    is_asked(&slow, "UTF8_STRING");
    desktop.copies("three");
    ours.hears_text("three");
    let broken = owner(&desktop, |connection, request, name| {
        match name {
            "TARGETS" => offer(connection, request, &["UTF8_STRING"]),
            _ => give(connection, request, "UTF8_STRING", b"\xff\xfe"),
        }
        Some(())
    });
    is_asked(&broken, "UTF8_STRING");
    desktop.copies("four");
    ours.hears_text("four");
}

/// A host that gives its technician view and both directions of the clipboard.
fn host(desk: &Desk, desktop: &Desktop) -> (Process, String) {
    let mut command = desktop.command(program("nearhand-host"));
    let rights = "view,clipboard-in,clipboard-out";
    command.args(["--no-window", "--allow", rights, "--relay", &desk.string, "--state"]);
    command.arg(desktop.path("host-state")).env("RUST_LOG", "trace");
    let mut process = Process::start_alone("host", &desktop.path(""), &mut command);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect();
    let code = process.line("a code", |line| line.strip_prefix("code ").map(digits));
    (process, code)
}

fn viewer(desk: &Desk, code: &str) -> Viewer {
    let mut command = Command::new(program("nearhand-viewer"));
    let rights = "view,clipboard-in,clipboard-out";
    command.args(["run", code, "--stdio", "--want", rights, "--state"]).arg(desk.path("technician"));
    let mut viewer = Viewer::start(desk.folder(), &mut command);
    viewer.run("wait-settled");
    viewer
}

/// Waits until the viewer is told this text.
fn told(viewer: &mut Viewer, wanted: &str) -> String {
    viewer.event(wanted, |event| {
        let text = (event["event"] == "clipboard").then(|| event["text"].as_str().unwrap().to_owned());
        text.filter(|text| text == wanted)
    })
}

#[test]
fn texts_go_from_one_desktop_to_the_other_and_none_comes_back() {
    let (mut users, mut technicians) = (Desktop::start(640, 480), Desktop::start(320, 200));
    users.copies("the user's, of before");
    technicians.copies("the technician's, of before");
    let desk = Desk::open();
    let (host, code) = host(&desk, &users);
    let mut viewer = viewer(&desk, &code);
    // What the viewer's window does with its own desktop's clipboard.
    let window = technicians.listener();

    // The host listens a moment after the rights are told.
    eventually("the first text", || {
        users.copies("ready");
        viewer.all("clipboard").pop()
    });
    users.copies("Grüße vom Nutzer");
    let first = told(&mut viewer, "Grüße vom Nutzer");
    window.sets(&first);
    assert_eq!(technicians.pastes(), "Grüße vom Nutzer");
    technicians.copies("greetings from the desk");
    window.hears_text("greetings from the desk");
    viewer.run("clipboard greetings from the desk");
    assert_eq!(users.pastes(), "greetings from the desk");
    users.copies("last");
    told(&mut viewer, "last");
    viewer.run("note everything has come that will come");
    let texts: Vec<_> = viewer.all("clipboard").into_iter().map(|event| event["text"].clone()).collect();
    assert!(
        texts.iter().all(|text| ["ready", "Grüße vom Nutzer", "last"].iter().any(|sent| text == sent)),
        "{texts:?}"
    );
    viewer.end();
    assert_eq!(desk.recorded("clipboard.in"), 1);
    let record = desk.operator(&["record", "export"]);
    let log = host.errors();
    assert!(log.contains("TRACE"), "there is a log to search");
    for text in ["Grüße vom Nutzer", "greetings from the desk", "last"] {
        assert!(!record.contains(&format!("\"{text}\"")) && !log.contains(text), "'{text}' was kept");
    }
}
