//! Pointer jumps: a program may put the pointer somewhere without any device (`XWarpPointer`; `xdotool mousemove` does).
//! No event tells of it, but the RECORD extension shows the request itself, also one that an injected move follows at
//! once.
//!
//! A program with windows jumps the pointer as part of its own work (a window manager that follows the focus, a 3D
//! view, a virtual machine), mostly because of what the technician does; that is nobody's hand. A program without any
//! plays the user.

use super::{Hand, Touches, WatchError, connect};
use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};
use x11rb::{
    connection::{Connection as _, RequestConnection as _},
    errors::ReplyError,
    protocol::{
        record::{self, ConnectionExt as _},
        xinput,
        xproto::{ConnectionExt as _, WARP_POINTER_REQUEST, Window},
    },
    rust_connection::RustConnection,
};

/// What a reply carries (RECORD protocol 1.13, RecordEnableContext): a request; the word that requests follow.
const FROM_CLIENT: u8 = 1;
const START_OF_DATA: u8 = 4;

/// How long it is believed of a program that it has windows. Some jump the pointer at every move.
const BELIEVED: Duration = Duration::from_secs(1);

/// Programs remembered, at most.
const MOST: usize = 64;

/// Starts the thread; returns the connection that it waits on. `None` where the X server has no RECORD extension: then
/// jumps are not seen, all else is.
pub(super) fn watch(
    display: Option<&str>,
    touches: Touches,
) -> Result<Option<Arc<RustConnection>>, WatchError> {
    let (connection, _) = connect(display)?;
    if connection.extension_information(record::X11_EXTENSION_NAME)?.is_none() {
        tracing::info!("the X server has no RECORD extension: jumps of the pointer are not seen");
        return Ok(None);
    }
    let (looker, root) = connect(display)?;
    let context = connection.generate_id()?;
    connection
        .record_create_context(context, 0, &[record::CS::ALL_CLIENTS.into()], &[jumps(&connection)?])?
        .check()?;
    let connection = Arc::new(connection);
    let jumps = Jumps {
        connection: connection.clone(),
        looker,
        root,
        hand: Hand { touches, told: None },
        programs: HashMap::new(),
    };
    let (ready, begun) = mpsc::sync_channel(1);
    thread::Builder::new().name("user-jumps".to_owned()).spawn(move || jumps.run(context, &ready))?;
    begun.recv().map_err(|_| WatchError("the X server's RECORD extension does not begin".to_owned()))?;
    Ok(Some(connection))
}

/// The requests that make the pointer jump.
fn jumps(connection: &RustConnection) -> Result<record::Range, WatchError> {
    let range = |first: u8, last: u8| record::Range8 { first, last };
    let major = connection.extension_information(xinput::X11_EXTENSION_NAME)?;
    let ext_requests = major.map_or_else(record::ExtRange::default, |major| record::ExtRange {
        major: range(major.major_opcode, major.major_opcode),
        minor: record::Range16 {
            first: xinput::XI_WARP_POINTER_REQUEST.into(),
            last: xinput::XI_WARP_POINTER_REQUEST.into(),
        },
    });
    let core_requests = range(WARP_POINTER_REQUEST, WARP_POINTER_REQUEST);
    Ok(record::Range { core_requests, ext_requests, ..record::Range::default() })
}

struct Jumps {
    connection: Arc<RustConnection>,
    /// Asks; the other connection only tells.
    looker: RustConnection,
    root: Window,
    hand: Hand,
    /// Clients that had windows, by the base of their ids, and when.
    programs: HashMap<u32, Instant>,
}

impl Jumps {
    /// `ready` is told once no jump is missed any more.
    fn run(mut self, context: record::Context, ready: &mpsc::SyncSender<()>) {
        let connection = self.connection.clone();
        let told = connection.record_enable_context(context).map_err(ReplyError::from);
        let ended = told.and_then(|mut told| {
            told.try_for_each(|reply| {
                let reply = reply?;
                if reply.category == START_OF_DATA {
                    // It has room for one, and this comes once.
                    let _ = ready.try_send(());
                }
                if reply.category == FROM_CLIENT && !self.has_windows(reply.xid_base)? {
                    self.hand.touch();
                }
                Ok(())
            })
        });
        // Nobody listens if it was the session that ended.
        tracing::debug!(?ended, "jumps of the pointer are no longer seen");
        self.hand.touches.lost();
    }

    /// True if that client shows windows, or keeps any near the root window.
    fn has_windows(&mut self, client: u32) -> Result<bool, ReplyError> {
        let now = Instant::now();
        if self.programs.get(&client).is_some_and(|at| now < *at + BELIEVED) {
            return Ok(true);
        }
        let mask = self.looker.setup().resource_id_mask;
        let is_its = |window: &Window| window & !mask == client & !mask;
        let top = self.looker.query_tree(self.root)?.reply()?.children;
        // In a window manager's frame the window itself is one level further down.
        let found = top.iter().any(is_its) || self.children(&top)?.iter().any(is_its);
        if found {
            if MOST <= self.programs.len() {
                self.programs.clear();
            }
            self.programs.insert(client, now);
        }
        Ok(found)
    }

    fn children(&self, windows: &[Window]) -> Result<Vec<Window>, ReplyError> {
        let asked = windows.iter().map(|window| self.looker.query_tree(*window));
        let asked: Vec<_> = asked.collect::<Result<_, _>>()?;
        let mut children = Vec::new();
        for answer in asked {
            match answer.reply() {
                Ok(tree) => children.extend(tree.children),
                Err(ReplyError::X11Error(_)) => {} // a window may end between two looks
                Err(error) => return Err(error),
            }
        }
        Ok(children)
    }
}
