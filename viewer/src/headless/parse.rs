//! The one command language of `--script`, `--do` and `--stdio`. Pure: text in, [`Step`]s out. `docs/headless.md`
//! lists the commands; a word is added in `step` and there.

use super::keys::{Chord, nearest};
use nearhand_proto::{
    rights::Rights,
    session::{clipboard, control::MAX_NOTE, geometry::Point, input::Button},
    text::{cut, printable},
};
use std::{fmt, path::PathBuf, time::Duration};

/// How long `wait-settled` wants the picture to be quiet, if nothing else is said.
pub const QUIET: Duration = Duration::from_millis(300);

/// How long `wait-settled` waits for that, at most.
pub const UNSETTLED: Duration = Duration::from_secs(15);

/// Bytes of a script, of `--do`, or of one line of `--stdio`, at most.
pub const MAX_SCRIPT: usize = 1 << 20;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waits until the picture has been quiet for so long.
    WaitSettled(Duration),
    /// Writes the picture to this PNG file.
    Snapshot(PathBuf),
    /// Moves the pointer.
    Move(Point),
    /// Presses and releases a button there.
    Click(Point, Button),
    /// Drags with the left button from one point to another.
    Drag(Point, Point),
    /// Turns the wheel there by so many notches, down if positive.
    Wheel(Point, i16),
    /// Presses and releases keys.
    Key(Chord),
    /// Presses keys and leaves them pressed.
    Hold(Chord),
    /// Releases them.
    Release(Chord),
    /// Types characters.
    Type(String),
    /// Reports the changes of a pixel from now on.
    Watch(Point),
    /// Shows the monitor of this number, from 1.
    Monitor(usize),
    /// Asks the user for rights.
    Ask(Rights),
    /// Puts a note on record.
    Note(String),
    /// Puts a text on the user's clipboard.
    Clipboard(String),
    /// Reports figures.
    Stats,
    /// Ends the session.
    End,
}

/// Every command word, with what stands after it.
const WORDS: [(&str, &str); 17] = [
    ("wait-settled", "[MS], up to 15000"),
    ("snapshot", "FILE.png"),
    ("move", "X Y"),
    ("click", "X Y [left|middle|right]"),
    ("drag", "X1 Y1 X2 Y2"),
    ("wheel", "X Y N, where positive N turns it down"),
    ("key", "KEYS, such as ctrl+alt+t"),
    ("hold", "KEYS, such as ctrl+alt"),
    ("release", "KEYS, such as ctrl+alt"),
    ("type", "TEXT after one space, without control characters"),
    ("watch", "X Y"),
    ("monitor", "N, counted from 1"),
    ("ask", "RIGHTS, such as view,control"),
    ("note", "TEXT after one space, at most 4096 bytes"),
    ("clipboard", "TEXT after one space, at most 1048576 bytes"),
    ("stats", "nothing after it"),
    ("end", "nothing after it"),
];

impl Step {
    /// The command's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::WaitSettled(_) => "wait-settled",
            Self::Snapshot(_) => "snapshot",
            Self::Move(_) => "move",
            Self::Click(..) => "click",
            Self::Drag(..) => "drag",
            Self::Wheel(..) => "wheel",
            Self::Key(_) => "key",
            Self::Hold(_) => "hold",
            Self::Release(_) => "release",
            Self::Type(_) => "type",
            Self::Watch(_) => "watch",
            Self::Monitor(_) => "monitor",
            Self::Ask(_) => "ask",
            Self::Note(_) => "note",
            Self::Clipboard(_) => "clipboard",
            Self::Stats => "stats",
            Self::End => "end",
        }
    }
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line of a script or of standard input, counted from 1.
    Line(usize),
    /// As this command of `--do`, counted from 1.
    Part(usize),
}

impl Place {
    /// The number of the line or command.
    pub fn number(self) -> usize {
        match self {
            Self::Line(number) | Self::Part(number) => number,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Part(number) => write!(f, "command {number} of --do"),
        }
    }
}

/// What is wrong with a command, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// What was found and what was expected.
    pub what: String,
}

/// The commands of a script file: one a line, `#` begins a comment at the start of a line, blank lines are skipped.
///
/// # Errors
/// The first command that is wrong.
pub fn script(text: &str) -> Result<Vec<(Place, Step)>, ParseError> {
    let lines = text.lines().enumerate().map(|(at, text)| (Place::Line(at + 1), text));
    lines.filter_map(|(place, text)| line(place, text).transpose()).collect()
}

/// One line of a script or of standard input; `None` if it holds no command.
///
/// # Errors
/// What is wrong with it.
pub fn line(place: Place, text: &str) -> Result<Option<(Place, Step)>, ParseError> {
    if text.starts_with('#') || text.trim().is_empty() {
        return Ok(None);
    }
    step(text).map(|step| Some((place, step))).map_err(|what| ParseError { place, what })
}

/// The commands of `--do`, separated by `; `.
///
/// # Errors
/// The first command that is wrong.
pub fn parts(text: &str) -> Result<Vec<(Place, Step)>, ParseError> {
    let parts = text.split("; ").enumerate().filter(|part| !part.1.trim().is_empty());
    let parts = parts.map(|(at, text)| (Place::Part(at + 1), text));
    parts
        .map(|(place, text)| step(text).map(|s| (place, s)).map_err(|what| ParseError { place, what }))
        .collect()
}

/// One command; the error says what was expected.
fn step(text: &str) -> Result<Step, String> {
    let text = text.trim_start();
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let expected = || expected(text.trim_end());
    if let Some(step) = verbatim(word, rest) {
        return step.ok_or_else(expected);
    }
    let (word, rest) = (word.trim_end(), rest.trim());
    let words: Vec<&str> = rest.split_whitespace().collect();
    let found = match (word, words.as_slice()) {
        ("wait-settled", []) => Some(Step::WaitSettled(QUIET)),
        ("wait-settled", [ms]) => quiet(ms).map(Step::WaitSettled),
        ("snapshot", [_, ..]) => png(rest).map(Step::Snapshot),
        ("move", [x, y]) => point(x, y).map(Step::Move),
        ("click", [x, y]) => point(x, y).map(|at| Step::Click(at, Button::Left)),
        ("click", [x, y, name]) => point(x, y).zip(button(name)).map(|(at, button)| Step::Click(at, button)),
        ("drag", [x1, y1, x2, y2]) => point(x1, y1).zip(point(x2, y2)).map(|(from, to)| Step::Drag(from, to)),
        ("wheel", [x, y, n]) => point(x, y).zip(n.parse().ok()).map(|(at, n)| Step::Wheel(at, n)),
        ("key", [keys]) => Some(Step::Key(chord(keys)?)),
        ("hold", [keys]) => Some(Step::Hold(chord(keys)?)),
        ("release", [keys]) => Some(Step::Release(chord(keys)?)),
        ("watch", [x, y]) => point(x, y).map(Step::Watch),
        ("monitor", [n]) => n.parse().ok().filter(|n| 0 < *n).map(Step::Monitor),
        ("ask", [_, ..]) => Some(Step::Ask(rights(rest)?)),
        ("stats", []) => Some(Step::Stats),
        ("end", []) => Some(Step::End),
        _ => None,
    };
    found.ok_or_else(expected)
}

/// `type`, `note` and `clipboard`, which take the rest as it is; `None` for other words, `Some(None)` for a rest that won't do.
fn verbatim(word: &str, rest: &str) -> Option<Option<Step>> {
    let there = Some(rest).filter(|rest| !rest.is_empty());
    match word {
        "type" => Some(there.filter(|text| is_typable(text)).map(|text| Step::Type(text.to_owned()))),
        "note" => Some(there.filter(|text| text.len() <= MAX_NOTE).map(|text| Step::Note(text.to_owned()))),
        "clipboard" => {
            let fits = there.filter(|text| text.len() <= clipboard::MAX_TEXT);
            Some(fits.map(|text| Step::Clipboard(text.to_owned())))
        }
        _ => None,
    }
}

/// No key types a control character; Tab is one that a key types.
fn is_typable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\t')
}

fn expected(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    if let Some((word, after)) = WORDS.iter().find(|known| known.0 == word) {
        return format!("'{}' is not understood; '{word}' expects {after}", shown(text));
    }
    let word = shown(word);
    let nearest = nearest(&word, WORDS.iter().map(|known| known.0)).unwrap_or("end");
    let words = WORDS.map(|known| known.0).join(", ");
    format!("'{word}' is no command; did you mean '{nearest}'? commands are {words}")
}

/// As it may be shown to people.
fn shown(text: &str) -> String {
    let mut shown = printable(text);
    cut(&mut shown, 60);
    shown
}

fn point(x: &str, y: &str) -> Option<Point> {
    Some(Point { x: x.parse().ok()?, y: y.parse().ok()? })
}

fn quiet(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis).filter(|quiet| *quiet <= UNSETTLED)
}

fn png(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    is_png.then_some(path)
}

fn button(text: &str) -> Option<Button> {
    match text {
        "left" => Some(Button::Left),
        "middle" => Some(Button::Middle),
        "right" => Some(Button::Right),
        _ => None,
    }
}

fn chord(text: &str) -> Result<Chord, String> {
    text.parse().map_err(|error: super::keys::KeysError| error.to_string())
}

/// At least one right.
fn rights(text: &str) -> Result<Rights, String> {
    let rights: Rights =
        text.parse().map_err(|error: nearhand_proto::rights::RightsError| error.to_string())?;
    if rights.is_empty() { Err("'ask' expects RIGHTS, such as view,control".to_owned()) } else { Ok(rights) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: Point = Point { x: 10, y: 20 };

    #[test]
    fn every_command_is_understood() {
        let check = |text: &str, expected: Step| {
            let word = text.split(' ').next().unwrap();
            assert_eq!(step(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(expected.word(), word, "{text}");
            assert!(WORDS.iter().any(|known| known.0 == word), "{word} is not listed");
        };
        check("wait-settled", Step::WaitSettled(QUIET));
        check("wait-settled 0", Step::WaitSettled(Duration::ZERO));
        check("snapshot a file.PNG", Step::Snapshot("a file.PNG".into()));
        check("move 10  20 ", Step::Move(AT));
        check("click 10 20", Step::Click(AT, Button::Left));
        check("click 10 20 right", Step::Click(AT, Button::Right));
        check("drag 10 20 1 2", Step::Drag(AT, Point { x: 1, y: 2 }));
        check("wheel 10 20 -3", Step::Wheel(AT, -3));
        check("key ctrl+t", Step::Key("ctrl+t".parse().unwrap()));
        check("hold ctrl", Step::Hold("ctrl".parse().unwrap()));
        check("release ctrl", Step::Release("ctrl".parse().unwrap()));
        assert!(step("type a\u{1b}b").is_err(), "nothing types an escape");
        check("type  two  spaces # and; all ", Step::Type(" two  spaces # and; all ".into()));
        check("watch 10 20", Step::Watch(AT));
        check("monitor 2", Step::Monitor(2));
        check("ask view, control", Step::Ask(Rights::VIEW | Rights::CONTROL));
        check("note ticket #7; open", Step::Note("ticket #7; open".into()));
        check("clipboard  a; b ", Step::Clipboard(" a; b ".into()));
        check("stats", Step::Stats);
        check("end", Step::End);
    }

    #[test]
    fn an_error_names_the_place_and_what_was_expected() {
        let check = |error: ParseError, expected: &str| {
            assert!(error.to_string().contains(expected), "'{error}' has no '{expected}'");
        };
        let wrong = |text: &str| script(text).unwrap_err();
        check(wrong("end\n\n# fine\nclik 1 2"), "line 4: 'clik' is no command; did you mean 'click'?");
        check(wrong("click 1"), "'click' expects X Y [left|middle|right]");
        check(wrong("click 1 70000"), "'click' expects X Y");
        check(wrong("click 1 2 both"), "'click' expects X Y");
        check(wrong("monitor 0"), "counted from 1");
        check(wrong("snapshot a.jpg"), "FILE.png");
        check(wrong("wait-settled 15001"), "up to 15000");
        check(wrong("key Retrun"), "did you mean 'Return'");
        check(wrong("ask fly"), "'fly' is no right");
        check(wrong("ask none"), "'ask' expects RIGHTS");
        check(wrong("type"), "TEXT after one space");
        check(wrong(&format!("note {}", "x".repeat(MAX_NOTE + 1))), "at most 4096 bytes");
        check(wrong("clipboard"), "'clipboard' expects TEXT after one space");
        check(wrong(" # no comment"), "'#' is no command");
        check(wrong("end\u{1b}[31m now"), "'end\u{fffd}[31m' is no command");
        check(parts("end; end;").unwrap_err(), "command 2 of --do: 'end;' is no command");
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let texts = |steps: Vec<(Place, Step)>| steps.into_iter().map(|step| step.1).collect::<Vec<_>>();
        let text = |text: &str| Step::Type(text.into());
        assert_eq!(texts(script("type a; b \r\ntype # c\n").unwrap()), [text("a; b "), text("# c")]);
        assert_eq!(texts(parts("type a;b;; end").unwrap()), [text("a;b;"), Step::End]);
        assert_eq!(texts(parts("").unwrap()), []);
        assert_eq!(script("\n#\nend").unwrap(), [(Place::Line(3), Step::End)]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\PC|\n|; |type |key |[a-z]+ [0-9]+ ){0,40}") {
            let _ = script(&text);
            let _ = parts(&text);
        }

        #[test]
        fn any_text_is_typed_as_it_is(text in "\\PC{1,80}") {
            prop_assert_eq!(step(&format!("type {text}")), Ok(Step::Type(text)));
        }
    }
}
