//! What the headless viewer says on standard output: JSON Lines, one object a line with the field `event`, flushed
//! each. `docs/headless.md` lists them for people; they only grow. Never what was typed, noted or
//! sent; what the user copies and lets out is told, for the program that drives the session.

use super::{clock::Clock, figures::Percentiles};
use crate::{
    messages::Event,
    screen::{Change, Rgb},
};
use nearhand_proto::{
    session::{control::RightsChange, geometry::Monitor},
    text::printable_json,
};
use serde::Serialize;
use std::io::{self, Write};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    Connecting,
    Claimed {
        technician: String,
        desk: String,
    },
    Paired {
        session_id: String,
    },
    Started {
        computer: String,
    },
    Monitors {
        monitors: Vec<MonitorLine>,
    },
    Asking {
        rights: String,
    },
    Rights {
        held: String,
        why: &'static str,
    },
    Picture {
        epoch: u32,
        monitor: Option<usize>,
        width: u16,
        height: u16,
    },
    NoPicture {
        why: String,
    },
    PictureBack,
    NeedsRight {
        rights: String,
    },
    Noted {
        seq: u64,
    },
    Suspended,
    Resumed,
    RelayLost,
    RelayBack,
    Ended {
        exit: u8,
        reason: String,
        why: &'static str,
    },
    /// The user has paused; or goes on.
    Paused {
        on: bool,
    },
    /// The user's own mouse or keyboard is in use: ours does nothing.
    Yielded {
        on: bool,
    },
    /// Input was aimed at the host's own windows, and dropped.
    OwnWindow,
    /// The user's clipboard has a new text.
    Clipboard {
        bytes: usize,
        text: String,
    },
    /// Our text is on the user's clipboard.
    Clipped {
        bytes: u64,
    },
    ClipboardTooLong,
    /// The picture was quiet for `ms`.
    Settled {
        ms: u64,
    },
    /// It was not, within 15 s.
    Unsettled {
        ms: u64,
    },
    Snapshot {
        file: String,
        width: u16,
        height: u16,
    },
    /// The pixel is watched, and has this colour.
    Watching {
        x: u16,
        y: u16,
        rgb: String,
    },
    /// A watched pixel has another colour since `t_ns`.
    Watch {
        x: u16,
        y: u16,
        rgb: String,
        t_ns: u64,
    },
    Stats(StatsLine),
    /// The command in this line (or at this place in `--do`) is done.
    Done {
        line: usize,
        command: &'static str,
    },
    /// It is not.
    Failed {
        line: usize,
        why: String,
    },
    Interrupted,
}

/// One monitor; `number` is what the command `monitor` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct MonitorLine {
    number: usize,
    name: String,
    left: i32,
    top: i32,
    width: u16,
    height: u16,
    primary: bool,
}

/// Figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct StatsLine {
    pub session_id: Option<String>,
    pub quic_handshakes: u64,
    pub rtt_ms: Option<f64>,
    pub updates: u64,
    pub bytes_received: u64,
    pub encode_ms: Percentiles,
    pub decode_ms: Percentiles,
}

/// Where lines go.
pub(super) struct Lines<W> {
    to: W,
    clock: Clock,
}

impl<W: Write> Lines<W> {
    /// Lines to `to`.
    pub(super) fn new(to: W, clock: Clock) -> Self {
        Self { to, clock }
    }

    /// Writes one line and flushes it.
    pub(super) fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = printable_json(&serde_json::to_string(line)?);
        text.push('\n');
        self.to.write_all(text.as_bytes())?;
        self.to.flush()
    }

    /// Writes the line of a changed pixel.
    pub(super) fn write_change(&mut self, change: Change) -> io::Result<()> {
        let Change { at, rgb, presented } = change;
        self.write(&Line::Watch { x: at.x, y: at.y, rgb: hex(rgb), t_ns: self.clock.ns(presented) })
    }
}

/// The line of an event; none for updates, which are too many: `picture` and `stats` tell of them.
pub(super) fn line_of(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Connecting => Line::Connecting,
        Event::Claimed { technician, desk } => {
            Line::Claimed { technician: technician.to_string(), desk: desk.to_string() }
        }
        Event::Paired { session } => Line::Paired { session_id: session.to_string() },
        Event::Started { computer } => Line::Started { computer: computer.to_string() },
        Event::Monitors(monitors) => {
            Line::Monitors { monitors: monitors.iter().enumerate().map(monitor_line).collect() }
        }
        Event::Asking(rights) => Line::Asking { rights: rights.to_string() },
        Event::Rights { held, why } => Line::Rights { held: held.to_string(), why: change_word(*why) },
        // What `done` says.
        Event::Updated { .. } | Event::Acted(_) => return None,
        Event::NoPicture(why) if why.is_empty() => Line::PictureBack,
        Event::NoPicture(why) => Line::NoPicture { why: why.clone() },
        Event::NeedsRight(rights) => Line::NeedsRight { rights: rights.to_string() },
        Event::Noted { seq } => Line::Noted { seq: *seq },
        Event::Paused(on) => Line::Paused { on: *on },
        Event::Yielded(on) => Line::Yielded { on: *on },
        Event::OwnWindow => Line::OwnWindow,
        Event::Clipboard(text) => Line::Clipboard { bytes: text.len(), text: text.clone() },
        Event::Clipped { bytes } => Line::Clipped { bytes: *bytes },
        Event::ClipboardTooLong => Line::ClipboardTooLong,
        Event::Suspended => Line::Suspended,
        Event::Resumed => Line::Resumed,
        Event::RelayLost => Line::RelayLost,
        Event::RelayBack => Line::RelayBack,
        Event::Ended(why) => Line::Ended { exit: why.exit_code(), reason: why.name(), why: why.sentence() },
    })
}

/// `#rrggbb`.
pub(super) fn hex(rgb: Rgb) -> String {
    let [red, green, blue] = rgb;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn monitor_line((at, monitor): (usize, &Monitor)) -> MonitorLine {
    MonitorLine {
        number: at + 1,
        name: monitor.name.to_string(),
        left: monitor.left,
        top: monitor.top,
        width: monitor.size.width,
        height: monitor.size.height,
        primary: monitor.primary,
    }
}

fn change_word(why: RightsChange) -> &'static str {
    match why {
        RightsChange::Given => "given",
        RightsChange::Declined => "declined",
        RightsChange::TimedOut => "timed_out",
        RightsChange::Revoked => "revoked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{close::Close, rights::Rights, session::geometry::Point};
    use std::time::Instant;

    fn check(line: &Line, expected: &str) {
        assert_eq!(serde_json::to_string(line).unwrap(), expected);
    }

    #[test]
    fn lines_are_as_they_are_documented() {
        let held = Event::Rights { held: Rights::VIEW, why: RightsChange::TimedOut };
        check(&line_of(&held).unwrap(), r#"{"event":"rights","held":"view","why":"timed_out"}"#);
        check(&line_of(&Event::RelayLost).unwrap(), r#"{"event":"relay_lost"}"#);
        check(&line_of(&Event::NoPicture(String::new())).unwrap(), r#"{"event":"picture_back"}"#);
        let ended = line_of(&Event::Ended(Close::Done)).unwrap();
        check(&ended, r#"{"event":"ended","exit":0,"reason":"done","why":"the session has ended"}"#);
        check(&Line::Done { line: 3, command: "type" }, r#"{"event":"done","line":3,"command":"type"}"#);
        let stats = Line::Stats(StatsLine {
            session_id: None,
            quic_handshakes: 1,
            rtt_ms: Some(0.25),
            updates: 2,
            bytes_received: 3,
            encode_ms: Percentiles { p50: 1.0, p95: 2.5 },
            decode_ms: Percentiles::default(),
        });
        check(
            &stats,
            concat!(
                r#"{"event":"stats","session_id":null,"quic_handshakes":1,"rtt_ms":0.25,"updates":2,"#,
                r#""bytes_received":3,"encode_ms":{"p50":1.0,"p95":2.5},"decode_ms":{"p50":0.0,"p95":0.0}}"#
            ),
        );
    }

    #[test]
    fn a_watched_pixel_is_one_line() {
        let (clock, now) = (Clock::start(), Instant::now());
        let mut lines = Lines::new(Vec::new(), clock);
        lines.write_change(Change { at: Point { x: 1, y: 2 }, rgb: [0, 171, 255], presented: now }).unwrap();
        let expected = format!(
            "{{\"event\":\"watch\",\"x\":1,\"y\":2,\"rgb\":\"#00abff\",\"t_ns\":{}}}\n",
            clock.ns(now)
        );
        assert_eq!(String::from_utf8(lines.to).unwrap(), expected);
    }

    #[test]
    fn what_a_host_says_drives_no_terminal() {
        let mut lines = Lines::new(Vec::new(), Clock::start());
        let why = "no\u{9b}31m screen\u{7f}".to_owned();
        lines.write(&line_of(&Event::NoPicture(why.clone())).unwrap()).unwrap();
        let shown = String::from_utf8(lines.to).unwrap();
        assert!(!shown.trim_end().contains(char::is_control), "{shown:?}");
        let parsed: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(parsed["why"], why);
    }
}
