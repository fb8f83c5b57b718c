//! The host's program comes to its relay: by its file's name, by a settings file, by asking; a new relay is confirmed
//! once, and one that was called a scam stays blocked.

use crate::{
    desk::Desk,
    desktop::Desktop,
    process::{Process, eventually},
};
use nearhand_proto::{close::Close, relay_string::RelayString};
use nearhand_tests::server::program;
use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
};

/// A user at a terminal.
struct User<'a> {
    desktop: &'a Desktop,
    state: PathBuf,
}

/// A host that they have started.
struct Host {
    process: Process,
    keys: ChildStdin,
}

impl User<'_> {
    fn command(&self, file: &Path, arguments: &[&str]) -> Command {
        let mut command = self.desktop.command(file);
        command.arg("--no-window").args(arguments).arg("--state").arg(&self.state);
        command
    }

    fn starts(&self, file: &Path, arguments: &[&str]) -> Host {
        let mut command = self.command(file, arguments);
        let mut process = Process::start("host", &self.desktop.path(""), command.stdin(Stdio::piped()));
        let keys = process.child().stdin.take().unwrap();
        Host { process, keys }
    }

    /// Starts it with nobody who could answer; its exit code and what it says.
    fn tries(&self, file: &Path, arguments: &[&str]) -> (i32, String) {
        Process::start_alone("host", &self.desktop.path(""), &mut self.command(file, arguments)).end()
    }

    /// Starts it with its window.
    fn opens(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Process {
        let mut command = self.desktop.command(program("nearhand-host"));
        command.args(arguments).arg("--state").arg(&self.state).envs(environment.iter().copied());
        Process::start_alone("host", &self.desktop.path(""), &mut command)
    }

    /// The program under another name.
    fn downloads(&self, name: &str) -> PathBuf {
        let path = self.desktop.path(name);
        symlink(program("nearhand-host"), &path).unwrap();
        path
    }
}

impl Host {
    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn says(&self, text: &str) {
        eventually(text, || self.process.errors().contains(text).then_some(()));
    }

    /// Says yes until it counts, which is half a second after the question, and a code comes.
    fn says_yes(&mut self) {
        eventually("a code", || {
            self.types("y");
            self.process.output().contains("code ").then_some(())
        });
    }

    fn code(&mut self) {
        self.process.line("a code", |line| line.strip_prefix("code ").map(drop));
    }

    /// Its exit code and what it has said.
    fn ends(mut self) -> (i32, String) {
        self.types("q");
        self.process.end()
    }
}

fn asks(errors: &str) -> bool {
    errors.contains("never used") || errors.contains("another key")
}

#[test]
fn a_downloaded_host_knows_its_relay_by_its_file_name_and_is_confirmed_once() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let user = User { desktop: &desktop, state: desktop.path("state") };
    let name = desk.string.parse::<RelayString>().unwrap().file_name().unwrap();
    // The relay tells its operator.
    eventually("the file name in the relay's log", || {
        fs::read_to_string(desk.path("relay.err")).unwrap().contains(&name).then_some(())
    });

    let first = user.downloads(&name);
    let (code, errors) = user.tries(&first, &[]);
    assert_eq!(code, 2, "nobody can confirm: {errors}");
    assert_eq!(desk.recorded("host.waiting"), 0);

    let mut host = user.starts(&first, &[]);
    host.says("never used 127.0.0.1");
    host.says_yes();
    assert_eq!(host.ends().0, 0);

    // A copy, with what a browser adds to a second download.
    let second = desktop.path(&format!("{name} (1)"));
    fs::copy(program("nearhand-host"), &second).unwrap();
    let mut host = user.starts(&second, &[]);
    host.code();
    let (_, errors) = host.ends();
    assert!(!asks(&errors), "{errors}");

    let damaged = user.downloads(&name[..name.len() - 3]);
    let (code, errors) = user.tries(&damaged, &[]);
    let file = damaged.file_name().unwrap().to_str().unwrap();
    assert!(code == 2 && errors.contains(file), "{code} {errors}");
}

#[test]
fn a_settings_file_names_the_relay_and_a_damaged_one_is_named() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let user = User { desktop: &desktop, state: desktop.path("state") };
    let host = program("nearhand-host");
    let folder = desktop.path("config/nearhand-host");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("nearhand-host.toml");
    fs::write(&file, format!("relay = '{}'\n", desk.string)).unwrap();
    let mut found = user.starts(&host, &[]);
    found.says("never used 127.0.0.1");
    found.says_yes();
    found.ends();

    let other = desktop.path("other.toml");
    fs::copy(&file, &other).unwrap();
    for damaged in ["relais = 'x'\n", "relay = '127.0.0.1:4433'\n"] {
        fs::write(&file, damaged).unwrap();
        let (code, errors) = user.tries(&host, &[]);
        assert!(code == 2 && errors.contains(file.to_str().unwrap()), "{code} {errors}");
        let mut named = user.starts(&host, &["--config", other.to_str().unwrap()]);
        named.code();
        named.ends();
    }
}

#[test]
fn who_knows_no_relay_is_asked_once() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let user = User { desktop: &desktop, state: desktop.path("state") };
    let program = program("nearhand-host");
    let (code, errors) = user.tries(&program, &[]);
    assert!(code == 2 && errors.contains("no relay is known yet"), "{code} {errors}");

    let mut host = user.starts(&program, &[]);
    host.says("Which is your help desk's relay?");
    host.types("127.0.0.1:4433\n");
    host.says("has no '#' and fingerprint");
    host.types(&format!("{}\n", desk.string));
    host.says("never used 127.0.0.1");
    host.says_yes();
    host.ends();

    let mut host = user.starts(&program, &[]);
    host.code();
    let (code, errors) = host.ends();
    assert!(code == 0 && !errors.contains("Which is") && !asks(&errors), "{code} {errors}");
}

#[test]
fn another_key_under_a_known_name_is_said_and_asked() {
    let desktop = Desktop::start(800, 600);
    let (before, now) = (Desk::open(), Desk::open());
    let user = User { desktop: &desktop, state: desktop.path("state") };
    let program = program("nearhand-host");
    let mut host = user.starts(&program, &["--relay", &before.string]);
    host.code();
    host.ends();
    let file = user.downloads(&now.string.parse::<RelayString>().unwrap().file_name().unwrap());
    let mut host = user.starts(&file, &[]);
    host.says("127.0.0.1 has another key than when you used it last");
    assert_eq!(now.recorded("host.waiting"), 0);
    host.types("n");
    assert_eq!(host.process.end().0, 0);
    assert_eq!(now.recorded("host.waiting"), 0);
}

#[test]
fn a_scam_is_blocked_for_good_until_its_name_is_typed_to_unblock_it() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let user = User { desktop: &desktop, state: desktop.path("state") };
    let program = program("nearhand-host");
    let relay = ["--relay", &desk.string];
    let mut host = user.starts(&program, &relay);
    host.code();
    host.types("s");
    host.says("Press s again within 5 seconds");
    host.types("s");
    // Killed as soon as it is on disk, whatever else it was about to do.
    eventually("the block", || {
        fs::read_to_string(user.state.join("relays")).is_ok_and(|text| text.contains("blocked")).then_some(())
    });
    host.process.kill();
    blocked(user.tries(&program, &relay));

    let unblock = |typed: &str| {
        let mut host = user.starts(&program, &["--unblock", "127.0.0.1"]);
        host.types(typed);
        host.process.end()
    };
    assert_eq!(unblock("y\n").0, 1);
    blocked(user.tries(&program, &[]));
    let (code, errors) = unblock("127.0.0.1\n");
    assert!(code == 0 && errors.contains("desk: Example Desk"), "{code} {errors}");

    let mut host = user.starts(&program, &relay);
    host.code();
    host.types("ss");
    let (code, errors) = host.process.end();
    assert_eq!(code, i32::from(Close::Reported.exit_code()), "{errors}");
    assert_eq!(code, 11);
    blocked(user.tries(&program, &relay));
    let reported = |line: &&str| line.contains("\"host.left\"") && line.contains("scam");
    // The one that was killed may have got as far as well.
    assert!(0 < desk.operator(&["record", "export"]).lines().filter(reported).count());
}

#[test]
fn the_window_comes_with_the_code_for_scripts_and_ends_in_order() {
    let desktop = Desktop::start(800, 600);
    let desk = Desk::open();
    let user = User { desktop: &desktop, state: desktop.path("state") };
    let mut host = user.starts(&program("nearhand-host"), &["--relay", &desk.string]);
    host.code();
    host.ends();

    let mut host = user.opens(&[], &[]);
    host.line("a code", |line| line.strip_prefix("code ").map(drop));
    desktop.window("nearhand-host");
    let id = host.child().id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let (code, errors) = host.end();
    assert_eq!((code, errors.as_str()), (0, ""));
    let left = |line: &&str| line.contains("\"host.left\"") && line.contains("closed by the user");
    eventually("both leaves in the record", || {
        (desk.operator(&["record", "export"]).lines().filter(left).count() == 2).then_some(())
    });
}

#[test]
fn what_is_wrong_stands_in_a_window_and_without_one_on_standard_error() {
    let desktop = Desktop::start(800, 600);
    let user = User { desktop: &desktop, state: desktop.path("state") };
    fs::create_dir(&user.state).unwrap();
    fs::write(user.state.join("relay"), "damaged").unwrap();
    let host = user.opens(&[], &[]);
    desktop.window("nearhand-host");
    assert!(host.errors().contains("state/relay is damaged"), "{}", host.errors());
    host.kill();

    fs::remove_file(user.state.join("relay")).unwrap();
    // No OpenGL, so no window; and no terminal either.
    let (code, errors) = user.opens(&[], &[("LIBGL_DRIVERS_PATH", "/nonexistent")]).end();
    assert_eq!(code, 1, "{errors}");
    assert!(errors.lines().last().unwrap().ends_with("start with --no-window"), "{errors}");
}

fn blocked((code, errors): (i32, String)) {
    assert_eq!(code, 18, "{errors}");
    let last = errors.lines().last().unwrap();
    assert!(last.ends_with("run: nearhand-host --unblock 127.0.0.1"), "{errors}");
}
