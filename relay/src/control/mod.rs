//! The control plane: one actor per connection, shared tables behind one hub.
//!
//! ```text
//! accept loop --Incoming--> connection actor (one per end) --plain verbs--> Hub (directory, sessions, routes)
//!                              |   ^-------------- mailbox, bounded -----------/     ^
//!                              \--errands, in order--> record          housekeeping, a task of its own
//! ```

mod connection;
mod errands;
mod face;
mod house;
mod hub;
mod later;
mod pairing;
mod refusals;
mod register;
mod serve;
mod sessions;
mod table;
#[cfg(test)]
mod tests;

pub use house::keep_house;
pub use hub::{Hub, HubConfig};
pub use serve::serve;
