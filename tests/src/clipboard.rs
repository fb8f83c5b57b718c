//! What every clipboard must do: the scripted one and the real one pass the same.

use crate::journal::DEADLINE;
use nearhand_desktop::clipboard::{Clipboard, Heard, Open};
use std::sync::mpsc::{self, Receiver};

/// The longest text, in bytes.
const LIMIT: usize = 1 << 20;

/// Somebody at the desktop, with a program that is none of ours.
pub trait User {
    /// They copy a text.
    fn copies(&mut self, text: &str);
    /// What they paste.
    fn pastes(&mut self) -> String;
}

/// A clipboard that is open, and what it has told.
#[derive(Debug)]
pub struct Opened {
    /// The clipboard.
    pub clipboard: Box<dyn Clipboard>,
    heard: Receiver<Heard>,
}

impl Opened {
    /// Opens it with this limit, in bytes.
    pub fn new(open: &Open, limit: usize) -> Self {
        let (to_test, heard) = mpsc::channel();
        // A test that has ended listens no more.
        let clipboard = open(limit, Box::new(move |news| drop(to_test.send(news))));
        Self { clipboard, heard }
    }

    /// Its next news.
    ///
    /// # Panics
    /// If there are none in time.
    pub fn hears(&self) -> Heard {
        self.heard.recv_timeout(DEADLINE).expect("news of the clipboard")
    }

    /// The next news is this text.
    ///
    /// # Panics
    /// If it is something else.
    pub fn hears_text(&self, text: &str) {
        let heard = self.hears();
        assert!(heard == Heard::Text(text.to_owned()), "{heard:?} instead of {} bytes", text.len());
    }

    /// Puts this text there; that is the next news.
    ///
    /// # Panics
    /// If it is something else.
    pub fn sets(&self, text: &str) {
        self.clipboard.set(text.to_owned());
        assert_eq!(self.hears(), Heard::Set { bytes: text.len() });
    }

    /// Listens; done when this returns.
    pub fn listens(&self) {
        self.clipboard.listen(true);
        self.sets("orders are carried out in their order");
    }
}

/// Has the user and a program of ours use one clipboard.
///
/// # Panics
/// If it is not as it must be.
pub fn conforms(open: &Open, user: &mut dyn User) {
    nothing_of_before_and_nothing_of_ours_is_told(open, user);
    long_texts_go_both_ways_whole(open, user);
    the_newest_text_wins(open, user);
    what_is_set_drives_no_terminal(open, user);
    what_is_set_outlives_its_program(open, user);
    two_programs_are_two(open, user);
}

fn nothing_of_before_and_nothing_of_ours_is_told(open: &Open, user: &mut dyn User) {
    user.copies("before anybody listened");
    let ours = Opened::new(open, LIMIT);
    ours.sets("and nobody listens yet");
    user.copies("nor does anybody now");
    ours.listens();
    user.copies("Grüße, 你好, €, “quotes”\n\tŻółć");
    ours.hears_text("Grüße, 你好, €, “quotes”\n\tŻółć");
    ours.sets("ours");
    assert_eq!(user.pastes(), "ours");
    user.copies("theirs");
    ours.hears_text("theirs");
    ours.clipboard.listen(false);
    ours.sets("not listening");
    user.copies("while nobody listened");
    ours.listens();
    user.copies("ours");
    ours.hears_text("ours");
}

fn long_texts_go_both_ways_whole(open: &Open, user: &mut dyn User) {
    let ours = Opened::new(open, LIMIT);
    ours.listens();
    for length in [LIMIT, LIMIT - 1, 300_000, 70_000, 1] {
        let text = noise(length, 1);
        user.copies(&text);
        ours.hears_text(&text);
        let text = noise(length, 2);
        ours.sets(&text);
        assert!(user.pastes() == text, "{length} bytes");
    }
    for length in [LIMIT + 1, 5 * LIMIT] {
        user.copies(&noise(length, 3));
        assert_eq!(ours.hears(), Heard::TooLong, "{length} bytes");
    }
    user.copies("short");
    ours.hears_text("short");
}

fn the_newest_text_wins(open: &Open, user: &mut dyn User) {
    let ours = Opened::new(open, LIMIT);
    for text in ["a", "bb", "ccc"] {
        ours.clipboard.set(text.to_owned());
    }
    while ours.hears() != (Heard::Set { bytes: 3 }) {}
    assert_eq!(user.pastes(), "ccc");
}

fn what_is_set_drives_no_terminal(open: &Open, user: &mut dyn User) {
    let ours = Opened::new(open, LIMIT);
    ours.clipboard.set("a\u{1b}[201~b\n\0\tc".to_owned());
    assert_eq!(ours.hears(), Heard::Set { bytes: 10 });
    assert_eq!(user.pastes(), "a[201~b\n\tc");
}

fn what_is_set_outlives_its_program(open: &Open, user: &mut dyn User) {
    let ours = Opened::new(open, LIMIT);
    ours.sets("kept");
    drop(ours);
    assert_eq!(user.pastes(), "kept");
    user.copies("and gives way");
    assert_eq!(user.pastes(), "and gives way");
}

fn two_programs_are_two(open: &Open, user: &mut dyn User) {
    let (one, two) = (Opened::new(open, LIMIT), Opened::new(open, 8));
    one.listens();
    two.listens();
    one.hears_text("orders are carried out in their order");
    one.sets("hello");
    two.hears_text("hello");
    one.sets("too long for it");
    assert_eq!(two.hears(), Heard::TooLong);
    assert_eq!(user.pastes(), "too long for it");
}

/// Letters in no order, others for another `seed`.
fn noise(length: usize, seed: u64) -> String {
    let mut state = seed;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + u8::try_from(state % 26).unwrap_or_default())
    };
    (0..length).map(|_| letter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_desktop::clipboard::scripted::Board;

    impl User for Board {
        fn copies(&mut self, text: &str) {
            self.copy(text);
        }
        fn pastes(&mut self) -> String {
            self.content()
        }
    }

    #[test]
    fn the_scripted_clipboard_does_what_a_clipboard_must() {
        let mut board = Board::default();
        conforms(&board.open(), &mut board);
    }
}
