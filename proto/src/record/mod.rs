//! The record: what happened, in bytes that an auditor can check years later.
//!
//! ```text
//! event --body--> SHA-256(salt ‖ body) --header--> canonical bytes --leaf--> RFC 6962 tree of the desk
//!                                                        \---------------> chain of the session
//! ```
//! Pure: time, salts and stored rows come in as arguments. The relay stores entries, the host numbers a session's
//! facts with a [`Ledger`], the verifier needs neither. The bytes are described in `docs/record.md`.

mod canonical;
mod chain;
mod event;
mod field;
#[cfg(test)]
mod golden;
mod ledger;
mod tree;
mod verify;

pub use canonical::{Entry, EntryError, Header, HeaderError, MAX_BODY, Origin, Severity, Stamp, body_hash};
pub use chain::Chain;
pub use event::{Event, EventError, EventRow};
pub use field::{Field, Left, Text, Value};
pub use ledger::Ledger;
pub use tree::{Frontier, FrontierError, Hash, leaf_hash};
pub use verify::{Broken, Fault, StoredHead, StoredRow, Verifier};
