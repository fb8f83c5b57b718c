//! This computer's clipboard, joined to the user's while the rights are held. A text goes out only if it was copied
//! after the right was given, only while the window has the focus, and never if it came from the user.

use super::state::{News, State};
use crate::messages::Command;
use nearhand_desktop::clipboard::{Clipboard, Heard, Open};
use nearhand_proto::{
    rights::Rights,
    session::clipboard::{Direction, MAX_TEXT},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Instant,
};

/// The link of one session. Without rights it has no clipboard open.
pub(super) struct Link {
    open: Open,
    inbox: Arc<Mutex<Inbox>>,
    clipboard: Option<Box<dyn Clipboard>>,
    listens: bool,
    /// What came from the user last.
    theirs: Option<String>,
}

/// What the clipboard has told and nobody has taken: the newest of each.
#[derive(Default)]
struct Inbox {
    text: Option<Heard>,
    lost: Option<String>,
}

impl Link {
    /// A link that opens the clipboard so.
    pub(super) fn new(open: Open) -> Self {
        Self { open, inbox: Arc::default(), clipboard: None, listens: false, theirs: None }
    }

    /// The user's clipboard has this text.
    pub(super) fn handle_text(&mut self, text: String, waker: &Waker) {
        self.clipboard(waker).set(text.clone());
        self.theirs = Some(text);
    }

    /// What goes out now. `focused` is whether the window has the focus.
    pub(super) fn poll(
        &mut self,
        state: &mut State,
        focused: bool,
        now: Instant,
        waker: &Waker,
    ) -> Option<Command> {
        let wanted = state.held.contains(Rights::CLIPBOARD_IN);
        if wanted != self.listens {
            self.listens = wanted;
            // Off: what waits was copied for a right that is gone.
            self.inbox().text = None;
            self.clipboard(waker).listen(wanted);
        }
        if let Some(why) = self.inbox().lost.take() {
            state.tell(News::ClipboardLost(why), now);
        }
        if !wanted || !focused || state.paused || state.suspended {
            return None;
        }
        let heard = self.inbox().text.take()?;
        match heard {
            Heard::Text(text) if self.theirs.as_ref() != Some(&text) => Some(Command::Clipboard(text)),
            Heard::TooLong => {
                state.tell(News::TooLong(Direction::In), now);
                None
            }
            _ => None,
        }
    }

    fn clipboard(&mut self, waker: &Waker) -> &mut Box<dyn Clipboard> {
        let (open, inbox) = (&self.open, &self.inbox);
        self.clipboard.get_or_insert_with(|| {
            let (inbox, waker) = (inbox.clone(), waker.clone());
            open(
                MAX_TEXT,
                Box::new(move |heard| {
                    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
                    match heard {
                        Heard::Lost(error) => inbox.lost = Some(error.to_string()),
                        Heard::Set { .. } => return,
                        heard => inbox.text = Some(heard),
                    }
                    waker.wake_by_ref();
                }),
            )
        })
    }

    /// Whatever panicked under this lock has left whole texts.
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Event;
    use nearhand_desktop::clipboard::scripted::Board;
    use nearhand_proto::session::control::RightsChange;

    const ALL: Rights = Rights::VIEW.union(Rights::CLIPBOARD_IN).union(Rights::CLIPBOARD_OUT);

    struct Desk {
        board: Board,
        link: Link,
        state: State,
        now: Instant,
    }

    impl Desk {
        fn new() -> Self {
            let board = Board::default();
            let link = Link::new(board.open());
            Self { board, link, state: State::new(Rights::VIEW), now: Instant::now() }
        }

        fn holds(&mut self, held: Rights) {
            self.state.handle(Event::Rights { held, why: RightsChange::Given }, self.now);
        }

        fn goes_out(&mut self, focused: bool) -> Option<String> {
            match self.link.poll(&mut self.state, focused, self.now, Waker::noop())? {
                Command::Clipboard(text) => Some(text),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn only_what_is_copied_under_the_right_goes_out_and_only_with_the_focus() {
        let mut desk = Desk::new();
        desk.board.copy("before");
        assert_eq!(desk.goes_out(true), None);
        assert!(!desk.board.is_open(), "not touched without a right");
        desk.holds(ALL);
        assert_eq!(desk.goes_out(true), None);
        desk.board.copy("elsewhere");
        assert_eq!(desk.goes_out(false), None);
        assert_eq!(desk.goes_out(true), Some("elsewhere".into()));
        assert_eq!(desk.goes_out(true), None);
        desk.board.copy("late");
        desk.holds(Rights::VIEW);
        assert_eq!(desk.goes_out(true), None);
        assert!(!desk.board.is_listened_to());
        desk.holds(ALL);
        assert_eq!(desk.goes_out(true), None, "copied before the right was given again");
    }

    #[test]
    fn what_came_from_the_user_does_not_go_back() {
        let mut desk = Desk::new();
        desk.holds(ALL);
        desk.goes_out(true);
        desk.link.handle_text("theirs".into(), Waker::noop());
        assert_eq!(desk.board.content(), "theirs");
        // A clipboard manager takes it over.
        desk.board.copy("theirs");
        assert_eq!(desk.goes_out(true), None);
        desk.board.copy("mine");
        assert_eq!(desk.goes_out(true), Some("mine".into()));
    }

    #[test]
    fn what_is_too_long_is_said() {
        let mut desk = Desk::new();
        desk.holds(ALL);
        desk.goes_out(true);
        desk.board.copy(&"x".repeat(MAX_TEXT + 1));
        assert_eq!(desk.goes_out(true), None);
        assert_eq!(desk.state.news, Some((News::TooLong(Direction::In), desk.now)));
    }
}
