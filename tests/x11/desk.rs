//! A help desk: the relay's program with one technician, who has enrolled; and the hosts and viewers that use it.

use crate::{desktop::Desktop, process::Process, viewer::Viewer};
use nearhand_tests::server::program;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// The technician.
pub(crate) const TECHNICIAN: &str = "Vera Example";

/// A desk.
pub(crate) struct Desk {
    relay: Option<Process>,
    folder: TempDir,
    /// Its relay string.
    pub(crate) string: String,
}

/// A host that waits, or is in a session.
pub(crate) struct Host {
    /// Its program.
    pub(crate) process: Process,
    /// Its first code, 12 digits.
    pub(crate) code: String,
}

impl Desk {
    /// A relay on a free port, and a technician enrolled there.
    pub(crate) fn open() -> Self {
        let mut desk = Self { relay: None, folder: tempfile::tempdir().unwrap(), string: String::new() };
        desk.serve("127.0.0.1:0");
        desk.enrol(TECHNICIAN, "technician");
        desk
    }

    fn serve(&mut self, listen: &str) {
        let data = self.path("relay");
        let mut command = Command::new(program("nearhand-relay"));
        command.args(["serve", "--listen", listen, "--desk", "Example Desk", "--data"]).arg(data);
        let mut relay = Process::start_alone("relay", self.folder.path(), &mut command);
        self.string = relay.line("'ready'", |line| line.strip_prefix("ready ").map(str::to_owned));
        self.relay = Some(relay);
    }

    /// A file or folder of the desk's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Kills the relay.
    pub(crate) fn kill_relay(&mut self) {
        self.relay.take().unwrap().kill();
    }

    /// Starts it again, where it was.
    pub(crate) fn restart_relay(&mut self) {
        let (before, listen) = (self.string.clone(), self.string.split_once('#').unwrap().0.to_owned());
        self.serve(&listen);
        assert_eq!(self.string, before, "a relay keeps its key");
    }

    /// Makes someone a technician whose key lies in the folder `state`.
    pub(crate) fn enrol(&self, name: &str, state: &str) {
        let out = self.operator(&["technician", "add", name]);
        let token = out
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("token "))
            .expect("the last line is the token");
        let enrolled = self.technician(&["enrol", "--relay", &self.string, token], state);
        assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    }

    /// What the operator's command prints; it must succeed.
    pub(crate) fn operator(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("nearhand-relay"));
        let output = command.args(arguments).arg("--data").arg(self.path("relay")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// How often each of these events stands in the record.
    pub(crate) fn recorded(&self, event: &str) -> usize {
        let wanted = format!("\"event\":\"{event}\"");
        self.operator(&["record", "export"]).lines().filter(|line| line.contains(&wanted)).count()
    }

    /// A viewer's command, to its end.
    pub(crate) fn technician(&self, arguments: &[&str], state: &str) -> Output {
        let (command, rest) = arguments.split_first().unwrap();
        let mut viewer = Command::new(program("nearhand-viewer"));
        viewer.arg(command).arg("--state").arg(self.path(state)).args(rest).output().unwrap()
    }

    /// A host with this desktop; `--allow view,control` among its arguments unless others are given.
    pub(crate) fn host(&self, desktop: &Desktop, arguments: &[&str]) -> Host {
        let mut command = desktop.command(program("nearhand-host"));
        command.args(["--no-window", "--allow", "view,control", "--relay", &self.string]).args(arguments);
        command.arg("--state").arg(desktop.path("host-state"));
        let mut process = Process::start_alone("host", &desktop.path(""), &mut command);
        let code = process.line("a code", |line| line.strip_prefix("code ").map(digits));
        Host { process, code }
    }

    /// The technician's viewer, commanded on standard input; the session stands and its first picture is settled.
    pub(crate) fn viewer(&self, host: &Host) -> Viewer {
        self.viewer_as(&host.code, "technician")
    }

    /// The same for another technician's state folder.
    pub(crate) fn viewer_as(&self, code: &str, state: &str) -> Viewer {
        let mut command = Command::new(program("nearhand-viewer"));
        command.args(["run", code, "--stdio", "--state"]).arg(self.path(state));
        let mut viewer = Viewer::start(self.folder.path(), &mut command);
        viewer.run("wait-settled");
        viewer
    }

    /// For files that a viewer leaves.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Digits alone.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
