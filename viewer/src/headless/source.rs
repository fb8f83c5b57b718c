//! Where commands come from: a script that was read and understood before anything was dialled, or standard input,
//! line by line, for as long as the session lives.

use super::parse::{MAX_SCRIPT, ParseError, Place, Step, line};
use std::{
    io::{self, BufRead, Read as _},
    thread,
};
use tokio::sync::mpsc;

/// Lines that may wait; when full the reader waits, and with it whoever writes them.
const CAPACITY: usize = 16;

/// A command, or why a line is none.
pub type Next = Result<(Place, Step), ParseError>;

/// Commands to come.
pub enum Commands {
    /// All of them are known. The first that fails ends the session.
    Script(std::vec::IntoIter<(Place, Step)>),
    /// They come as they come; one that fails is reported, and the next is taken.
    Lines(mpsc::Receiver<Next>),
}

impl Commands {
    /// These, in order.
    pub fn script(steps: Vec<(Place, Step)>) -> Self {
        Self::Script(steps.into_iter())
    }

    /// Those of standard input, until it ends. They are read on a thread of their own, which nothing can wake
    /// while it reads: it ends with the program.
    ///
    /// # Errors
    /// If the thread can't be started.
    pub fn standard_input() -> io::Result<Self> {
        let (to, lines) = mpsc::channel(CAPACITY);
        thread::Builder::new().name("commands".to_owned()).spawn(move || read(io::stdin().lock(), &to))?;
        Ok(Self::Lines(lines))
    }

    /// The next one; `None` at the end. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Next> {
        match self {
            Self::Script(steps) => steps.next().map(Ok),
            Self::Lines(lines) => lines.recv().await,
        }
    }

    /// True if a command that fails ends the session.
    pub(super) fn must_succeed(&self) -> bool {
        matches!(self, Self::Script(_))
    }
}

/// Reads until the end, an error, a line that is too long, or until nobody listens.
fn read(mut from: impl BufRead, to: &mpsc::Sender<Next>) {
    for number in 1.. {
        let place = Place::Line(number);
        let failed = |what: &str| ParseError { place, what: what.to_owned() };
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_SCRIPT).unwrap_or(u64::MAX);
        let (next, go_on) = match from.by_ref().take(limit).read_until(b'\n', &mut bytes) {
            Ok(0) => return,
            Ok(MAX_SCRIPT) => (Err(failed("a line has at most 1 MiB; nothing more is read")), false),
            Ok(_) => (understood(place, &bytes), true),
            Err(error) => (Err(failed(&format!("standard input can't be read: {error}"))), false),
        };
        let Some(next) = next.transpose() else { continue };
        if to.blocking_send(next).is_err() || !go_on {
            return;
        }
    }
}

fn understood(place: Place, bytes: &[u8]) -> Result<Option<(Place, Step)>, ParseError> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| ParseError { place, what: "the line is not UTF-8 text".to_owned() })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    line(place, text.strip_suffix('\r').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Next> {
        let (to, mut lines) = mpsc::channel(64);
        read(input, &to);
        drop(to);
        std::iter::from_fn(|| lines.blocking_recv()).collect()
    }

    #[test]
    fn lines_are_commands_until_the_end() {
        let found = lines(b"# hello\n\ntype a b \r\nstats\n\xff\nfly\nend");
        let places: Vec<_> =
            found.iter().map(|next| next.as_ref().map_or_else(|e| e.place, |s| s.0)).collect();
        assert_eq!(places, [3, 4, 5, 6, 7].map(Place::Line));
        assert_eq!(found[0], Ok((Place::Line(3), Step::Type("a b ".into()))));
        assert!(found[2].as_ref().is_err_and(|error| error.what.contains("UTF-8")));
        assert!(found[3].is_err());
        assert_eq!(found[4], Ok((Place::Line(7), Step::End)));
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut input = b"stats\n".to_vec();
        input.resize(3 * MAX_SCRIPT, b'x');
        let found = lines(&input);
        assert_eq!(found.len(), 2);
        assert!(found[1].as_ref().is_err_and(|error| error.what.contains("at most 1 MiB")));
    }
}
