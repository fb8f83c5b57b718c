//! X11's clipboard: the selection CLIPBOARD of ICCCM §2, whose new owners XFixes tells of (version 2 of the extension,
//! `xfixesproto.txt` §6). One thread and one connection for each use; it waits for the server and for our orders, and
//! never for another program.
//!
//! ```text
//! new owner -> read: TARGETS -> hint -> text, in pieces if need be -> Heard
//! set -> own -> serve whoever pastes, until another program owns the clipboard
//! ```
//! When its user has gone, the thread goes on only for what it still owns, and ends with that.

mod link;
mod orders;
mod read;
mod serve;

use self::{
    link::{Link, lost},
    orders::Orders,
    read::Reader,
    serve::Server,
};
use super::{Clipboard, ClipboardError, Hear, Heard, Open, pasteable};
use std::{
    fmt,
    os::fd::AsFd as _,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};
use x11rb::{
    NONE,
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            AtomEnum, ConnectionExt as _, PropMode, Property, PropertyNotifyEvent, SelectionClearEvent,
            Timestamp,
        },
    },
    wrapper::ConnectionExt as _,
};

/// The clipboard of this display (`:1`); of the display that the environment names if none is given.
pub fn open(display: Option<String>) -> Open {
    Arc::new(move |limit, hear| {
        let display = display.clone();
        Box::new(Used(start(display, limit, hear)))
    })
}

/// A running thread; `None` if there is none.
struct Used(Option<Orders>);

impl fmt::Debug for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Used")
    }
}

impl Clipboard for Used {
    fn set(&self, text: String) {
        if let Some(orders) = &self.0 {
            orders.set(pasteable(text));
        }
    }

    fn listen(&self, on: bool) {
        if let Some(orders) = &self.0 {
            orders.listen(on);
        }
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        if let Some(orders) = &self.0 {
            orders.close();
        }
    }
}

fn start(display: Option<String>, limit: usize, mut hear: Hear) -> Option<Orders> {
    let orders = match Orders::new() {
        Ok(orders) => orders,
        Err(error) => {
            hear(Heard::Lost(lost(error)));
            return None;
        }
    };
    let taken = orders.clone();
    // By a channel, so that it is still here if there is no thread.
    let (to_thread, hearer) = mpsc::sync_channel::<Hear>(1);
    let thread = thread::Builder::new().name("clipboard".to_owned()).spawn(move || {
        let Ok(mut hear) = hearer.recv() else { return };
        let over =
            Link::open(display.as_deref()).and_then(|link| Worker::new(link, taken, limit, &mut hear).run());
        if let Err(error) = over {
            hear(Heard::Lost(error));
        }
    });
    if let Err(error) = thread {
        hear(Heard::Lost(lost(error)));
        return None;
    }
    let _ = to_thread.send(hear); // the thread waits for it
    Some(orders)
}

/// What happens in the thread.
type Turn = Result<(), ClipboardError>;

struct Worker<'hear> {
    link: Link,
    orders: Orders,
    hear: &'hear mut Hear,
    closed: bool,
    listening: Option<u32>,
    /// A text that waits for the server's time, which owners must name.
    setting: Option<String>,
    reader: Reader,
    server: Server,
}

impl<'hear> Worker<'hear> {
    fn new(link: Link, orders: Orders, limit: usize, hear: &'hear mut Hear) -> Self {
        let (reader, server) = (Reader::new(limit), Server::default());
        Self { link, orders, hear, closed: false, listening: None, setting: None, reader, server }
    }

    fn run(mut self) -> Turn {
        loop {
            self.take_events()?;
            self.take_orders()?;
            let now = Instant::now();
            let heard = self.reader.handle_time(&self.link, now)?;
            self.tell(heard);
            self.server.handle_time(now);
            if self.closed && self.server.is_idle() {
                return Ok(());
            }
            self.link.connection.flush().map_err(lost)?;
            // Events that came with a reply stand in the queue, where no poll of the socket finds them.
            if let Some(event) = self.link.connection.poll_for_event().map_err(lost)? {
                self.event(event)?;
                continue;
            }
            let deadline = [self.reader.deadline(), self.server.deadline()].into_iter().flatten().min();
            let time = deadline.map(|at| at.saturating_duration_since(now));
            self.orders.sleep(self.link.connection.stream().as_fd(), time).map_err(lost)?;
        }
    }

    fn take_events(&mut self) -> Turn {
        while let Some(event) = self.link.connection.poll_for_event().map_err(lost)? {
            self.event(event)?;
        }
        Ok(())
    }

    fn take_orders(&mut self) -> Turn {
        let wanted = self.orders.take();
        if wanted.closed && !self.closed {
            self.closed = true;
            self.setting = None;
        }
        if self.listening != wanted.listening {
            self.listen(wanted.listening)?;
        }
        if let Some(text) = wanted.set {
            self.reader.stop();
            self.setting = Some(text);
            // The server answers with its time (ICCCM §2.1).
            let (window, stamp) = (self.link.window, self.link.atoms.STAMP);
            let kind = AtomEnum::STRING;
            self.link
                .connection
                .change_property8(PropMode::APPEND, window, stamp, kind, &[])
                .map_err(lost)?;
        }
        Ok(())
    }

    /// What changed before this, and what changes without anybody's listening, is never read.
    fn listen(&mut self, listening: Option<u32>) -> Turn {
        self.reader.stop();
        if self.listening.take().is_some() {
            self.link.watch(false)?;
            self.take_events()?;
        }
        if listening.is_some() {
            self.link.watch(true)?;
        }
        self.listening = listening;
        Ok(())
    }

    fn event(&mut self, event: Event) -> Turn {
        match event {
            Event::XfixesSelectionNotify(change) if self.listening.is_some() => {
                if change.owner == self.link.window || change.owner == NONE {
                    self.reader.stop();
                } else if self.reader.is_busy() || !self.link.is_managers(change.owner)? {
                    self.reader.handle_change(change.timestamp);
                }
            }
            Event::SelectionNotify(answer) => {
                let heard = self.reader.handle_answer(&self.link, &answer)?;
                self.tell(heard);
            }
            Event::PropertyNotify(event) => self.property(&event)?,
            Event::SelectionRequest(request) => self.server.handle_request(&self.link, &request)?,
            Event::SelectionClear(SelectionClearEvent { time, .. }) => self.server.handle_loss(time),
            // A program that asked us for the text has gone meanwhile, or the like.
            Event::Error(error) => tracing::debug!(?error, "X error"),
            _ => {}
        }
        Ok(())
    }

    fn property(&mut self, event: &PropertyNotifyEvent) -> Turn {
        match event.state {
            Property::NEW_VALUE if event.window != self.link.window => Ok(()),
            Property::NEW_VALUE if event.atom == self.link.atoms.STAMP => self.own(event.time),
            Property::NEW_VALUE => {
                let heard = self.reader.handle_piece(&self.link, event.atom)?;
                self.tell(heard);
                Ok(())
            }
            _ => self.server.handle_taken(&self.link, event.window, event.atom),
        }
    }

    /// The clipboard becomes ours.
    fn own(&mut self, time: Timestamp) -> Turn {
        let Some(text) = self.setting.take() else { return Ok(()) };
        let (window, clipboard) = (self.link.window, self.link.atoms.CLIPBOARD);
        self.link.connection.set_selection_owner(window, clipboard, time).map_err(lost)?;
        let owner = self.link.connection.get_selection_owner(clipboard).map_err(lost)?;
        let is_ours = owner.reply().map_err(lost)?.owner == window;
        let bytes = text.len();
        if is_ours {
            self.server.own(text, time);
        }
        // Otherwise another program has copied in this very moment: ours was there, and is no longer.
        self.tell(Some(Heard::Set { bytes }));
        Ok(())
    }

    fn tell(&mut self, heard: Option<Heard>) {
        if let Some(heard) = heard.filter(|_| !self.closed) {
            (self.hear)(heard);
        }
    }
}
