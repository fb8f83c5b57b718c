//! The viewer's program, commanded line by line as another program would.

use crate::process::{Process, eventually};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::Path,
    process::{ChildStdin, Command, Stdio},
};

/// Width, height, and three bytes a pixel (R, G, B) without gaps.
pub(crate) type Picture = (u32, u32, Vec<u8>);

/// A running viewer.
pub(crate) struct Viewer {
    process: Process,
    commands: ChildStdin,
    given: u64,
}

impl Viewer {
    /// Starts it; the command says `--stdio`.
    pub(crate) fn start(folder: &Path, command: &mut Command) -> Self {
        let mut process = Process::start("viewer", folder, command.stdin(Stdio::piped()));
        let commands = process.child().stdin.take().unwrap();
        Self { process, commands, given: 0 }
    }

    /// Gives one command and waits until it is done.
    pub(crate) fn run(&mut self, command: &str) {
        let line = self.give(command);
        let about = |event: &Value| (event["line"] == line).then(|| event.clone());
        let answer = self.event(command, about);
        assert_eq!(answer["event"], "done", "{command}: {answer}");
    }

    /// Gives one command, as that line.
    pub(crate) fn give(&mut self, command: &str) -> u64 {
        writeln!(self.commands, "{command}").unwrap();
        self.given += 1;
        self.given
    }

    /// Waits for an event for which `find` has something.
    pub(crate) fn event<T>(&mut self, what: &str, find: impl Fn(&Value) -> Option<T>) -> T {
        self.process.line(what, |line| find(&serde_json::from_str(line).expect("JSON Lines")))
    }

    /// Waits until the watched pixel has this colour.
    pub(crate) fn sees(&mut self, x: u16, y: u16, rgb: &str) {
        self.event(&format!("{rgb} at {x}, {y}"), |event| {
            let is_watch = event["event"] == "watch" || event["event"] == "watching";
            (is_watch && event["x"] == x && event["y"] == y && event["rgb"] == rgb).then_some(())
        });
    }

    /// The session's id and the count of QUIC handshakes, from `stats`.
    pub(crate) fn stats(&mut self) -> (String, u64) {
        let seen = self.all("stats").len();
        self.run("stats");
        let stats = eventually("stats", || self.all("stats").get(seen).cloned());
        (stats["session_id"].as_str().unwrap().to_owned(), stats["quic_handshakes"].as_u64().unwrap())
    }

    /// Every event of this name so far.
    pub(crate) fn all(&self, name: &str) -> Vec<Value> {
        let text = self.process.output();
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.filter(|event| event["event"] == name).collect()
    }

    /// The picture now, by way of that file.
    pub(crate) fn snapshot(&mut self, file: &Path) -> Picture {
        self.run(&format!("snapshot {}", file.display()));
        let decoder = png::Decoder::new(BufReader::new(File::open(file).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        pixels.truncate(info.buffer_size());
        (info.width, info.height, pixels)
    }

    /// Ends the session in order.
    pub(crate) fn end(mut self) {
        self.give("end");
        let (code, errors) = self.finish();
        assert_eq!(code, 0, "{errors}");
    }

    /// Waits for the program's end: exit code, standard error.
    pub(crate) fn finish(self) -> (i32, String) {
        self.process.end()
    }

    /// `kill -9`.
    pub(crate) fn kill(self) {
        self.process.kill();
    }
}
