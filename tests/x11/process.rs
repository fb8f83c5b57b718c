//! A program that a test runs: its words go to files, it is killed with the value.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for what must come; a loaded machine is slow.
const DEADLINE: Duration = Duration::from_secs(20);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Looks until there is something; fails with `what` after 20 s.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    in_time(look).unwrap_or_else(|| panic!("waited in vain for {what}"))
}

/// Looks until there is something; `None` after 20 s.
pub(crate) fn in_time<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if deadline < Instant::now() {
            return None;
        }
        thread::park_timeout(LOOK);
    }
}

/// A running program.
pub(crate) struct Process {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Process {
    /// Starts it; `folder/NAME.out` and `.err` take what it says. Standard input is closed unless the command pipes it.
    pub(crate) fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let (out, err) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")));
        let child = command
            .env("NO_COLOR", "1")
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn();
        let missing =
            |error| panic!("{name} can't be started ({error}); tests/setup.sh installs what is needed");
        Self { name: name.to_owned(), child: child.unwrap_or_else(missing), out, err }
    }

    /// Starts it without anything on standard input.
    pub(crate) fn start_alone(name: &str, folder: &Path, command: &mut Command) -> Self {
        Self::start(name, folder, command.stdin(Stdio::null()))
    }

    /// The child itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What it has said on standard output.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// What it has said on standard error.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// Waits for a whole line on standard output for which `find` has something.
    pub(crate) fn line<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        eventually(&format!("{what} from {}", self.name), || {
            let text = self.output();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let found = whole.lines().find_map(&find);
            if found.is_none()
                && let Ok(Some(status)) = self.child.try_wait()
                && self.output() == text
            {
                panic!("{} ended ({status}) before {what}:\n{text}{}", self.name, self.errors());
            }
            found
        })
    }

    /// Waits for its end; the exit code and what stands on standard error.
    pub(crate) fn end(mut self) -> (i32, String) {
        let status = eventually(&format!("the end of {}", self.name), || self.child.try_wait().unwrap());
        (status.code().unwrap_or(-1), self.errors())
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("-- {} said\n{}{}", self.name, tail(&self.output()), tail(&self.errors()));
        }
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The last 2,000 bytes or so.
fn tail(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(2_000))..]
}
