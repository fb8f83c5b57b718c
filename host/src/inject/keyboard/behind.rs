//! Whether the program that has the focus has read all keys so far. Asked as window managers ask whether a program is
//! alive (Extended Window Manager Hints 1.5, `_NET_WM_PING`): a program answers once it has come to the question, and
//! it comes to it after the keys that were sent before.

use crate::inject::InjectError;
use std::time::{Duration, Instant};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask, Window,
        },
    },
    rust_connection::RustConnection,
};

/// How long one look takes at most: between two, the caller sees whether typing is still allowed.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// Between two polls of one look.
const POLL: Duration = Duration::from_millis(1);

/// How long a program may be behind before it is taken for one that hangs.
const PATIENCE: Duration = Duration::from_secs(3);

/// From a focused window up to its top-level one, at most.
const DEPTH: usize = 8;

/// `None` and `PointerRoot` (X11 protocol, SetInputFocus).
const LAST_NO_WINDOW: Window = 1;

/// Asks programs whether they are behind.
pub(super) struct Behind {
    root: Window,
    protocols: u32,
    ping: u32,
    /// Of the newest question; stands where a window manager puts a time.
    number: u32,
    /// When the first question since the last answer was asked, and its number.
    asked: Option<(Instant, u32)>,
}

/// What is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has read everything.
    Nothing,
    /// It is behind; worth asking again.
    Behind,
    /// It doesn't answer, or not in time.
    Silent,
}

impl Behind {
    pub(super) fn open(connection: &RustConnection, root: Window) -> Result<Self, InjectError> {
        let atom = |name: &[u8]| connection.intern_atom(false, name);
        let (protocols, ping) = (atom(b"WM_PROTOCOLS")?, atom(b"_NET_WM_PING")?);
        let (protocols, ping) = (protocols.reply()?.atom, ping.reply()?.atom);
        Ok(Self { root, protocols, ping, number: 0, asked: None })
    }

    /// Looks for up to [`LOOK`].
    pub(super) fn look(&mut self, connection: &RustConnection) -> Result<Known, InjectError> {
        let now = Instant::now();
        if self.asked.is_some_and(|(since, _)| since + PATIENCE <= now) {
            self.asked = None;
            return Ok(Known::Silent);
        }
        let Some(window) = self.who_answers(connection)? else { return Ok(Known::Silent) };
        self.listen(connection, EventMask::SUBSTRUCTURE_NOTIFY)?;
        let answered = self.ask(connection, window, now + LOOK);
        // The desktop's other news would pile up.
        self.listen(connection, EventMask::NO_EVENT)?;
        if answered? {
            self.asked = None;
            return Ok(Known::Nothing);
        }
        Ok(Known::Behind)
    }

    /// True if it has answered this or an earlier question.
    fn ask(
        &mut self,
        connection: &RustConnection,
        window: Window,
        until: Instant,
    ) -> Result<bool, InjectError> {
        self.number = self.number.wrapping_add(1);
        let (_, first) = *self.asked.get_or_insert((Instant::now(), self.number));
        let question = [self.ping, self.number, window, 0, 0];
        let event = ClientMessageEvent::new(32, window, self.protocols, question);
        connection.send_event(false, window, EventMask::NO_EVENT, event)?;
        connection.flush()?;
        while Instant::now() < until {
            while let Some(event) = connection.poll_for_event()? {
                if let Event::ClientMessage(answer) = event
                    && answer.format == 32
                    && let [ping, number, of, ..] = answer.data.as_data32()
                    && (ping, of) == (self.ping, window)
                    && (first..=self.number).contains(&number)
                {
                    return Ok(true);
                }
            }
            std::thread::sleep(POLL);
        }
        Ok(false)
    }

    fn listen(&self, connection: &RustConnection, mask: EventMask) -> Result<(), InjectError> {
        let change = ChangeWindowAttributesAux::new().event_mask(mask);
        Ok(connection.change_window_attributes(self.root, &change)?.check()?)
    }

    /// The focused window, or the one around it, that says it answers.
    fn who_answers(&self, connection: &RustConnection) -> Result<Option<Window>, InjectError> {
        let mut window = connection.get_input_focus()?.reply()?.focus;
        for _ in 0..DEPTH {
            if window <= LAST_NO_WINDOW || window == self.root {
                break;
            }
            let kind = AtomEnum::ATOM;
            // A window may end between two requests.
            let list = connection.get_property(false, window, self.protocols, kind, 0, 64)?.reply();
            if list.is_ok_and(|list| list.value32().is_some_and(|mut list| list.any(|a| a == self.ping))) {
                return Ok(Some(window));
            }
            let Ok(tree) = connection.query_tree(window)?.reply() else { break };
            window = tree.parent;
        }
        Ok(None)
    }
}
