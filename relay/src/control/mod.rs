//! The control plane: one actor per connection, shared tables behind one hub.
//!
//! ```text
//! accept loop --Incoming--> connection actor (one per end) --plain verbs--> Hub (directory, sessions, routes, record)
//!                                  ^-------------- mailbox, bounded -----------/
//! ```

mod connection;
mod hub;
mod pairing;
mod refusals;
mod serve;
mod sessions;
mod table;

pub use hub::{Hub, HubConfig};
pub use serve::serve;
