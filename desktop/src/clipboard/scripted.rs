//! A desktop's clipboard for stories: what its user copies is told at once, as the real one tells it a little later.

use super::{Clipboard, Hear, Heard, Open, pasteable};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A desktop that has a clipboard. Clones are the same desktop.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    content: String,
    programs: Vec<Program>,
    /// How many there were.
    opened: u64,
}

/// One use of the clipboard.
struct Program {
    number: u64,
    limit: usize,
    listens: bool,
    hear: Hear,
}

impl Board {
    /// Programs open this desktop's clipboard so.
    pub fn open(&self) -> Open {
        let board = self.clone();
        Arc::new(move |limit, hear| {
            let mut inside = board.lock();
            inside.opened += 1;
            let number = inside.opened;
            inside.programs.push(Program { number, limit, listens: false, hear });
            Box::new(Opened { board: board.clone(), number })
        })
    }

    /// The user copies a text in some program that is none of ours.
    pub fn copy(&self, text: &str) {
        self.lock().change(text.to_owned(), None);
    }

    /// The user copies a password in their password manager, which marks it as such.
    pub fn copy_secret(&self, text: &str) {
        text.clone_into(&mut self.lock().content);
    }

    /// What the user would paste.
    pub fn content(&self) -> String {
        self.lock().content.clone()
    }

    /// True while a program of ours listens.
    pub fn is_listened_to(&self) -> bool {
        self.lock().programs.iter().any(|program| program.listens)
    }

    /// True while a program of ours has it open.
    pub fn is_open(&self) -> bool {
        !self.lock().programs.is_empty()
    }

    /// A board is whole even if another test thread panicked beside it.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Board({} bytes)", self.lock().content.len())
    }
}

impl Inside {
    /// Another content, put there by the program of this number.
    fn change(&mut self, text: String, by: Option<u64>) {
        for program in &mut self.programs {
            if by == Some(program.number) {
                (program.hear)(Heard::Set { bytes: text.len() });
            } else if program.listens && program.limit < text.len() {
                (program.hear)(Heard::TooLong);
            } else if program.listens && !text.is_empty() {
                (program.hear)(Heard::Text(text.clone()));
            }
        }
        self.content = text;
    }
}

#[derive(Debug)]
struct Opened {
    board: Board,
    number: u64,
}

impl Clipboard for Opened {
    fn set(&self, text: String) {
        self.board.lock().change(pasteable(text), Some(self.number));
    }

    fn listen(&self, on: bool) {
        let mut inside = self.board.lock();
        for program in inside.programs.iter_mut().filter(|program| program.number == self.number) {
            program.listens = on;
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.board.lock().programs.retain(|program| program.number != self.number);
    }
}
