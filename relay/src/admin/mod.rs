//! The operator's commands (`technician …`, `record …`). While a relay runs they go through its admin socket, so that
//! there is one writer; without one they take the folder's lock and do the same work themselves.
//!
//! ```text
//! command --one JSON line--> DIR/relay.sock (0600) --> execute --Reply lines--> command prints them
//!        \--no relay: lock, open-----------------------^
//! ```

mod command;
mod execute;
mod reach;
mod serve;

pub use command::{Command, DataFolder, ExportFormat, RecordCommand, TechnicianCommand, run};
pub use serve::Listener;

/// Bytes of one line on the admin socket, at most.
pub(crate) const MAX_LINE: usize = 64 << 10;

/// The admin socket's name in the data folder.
const SOCKET: &str = "relay.sock";
