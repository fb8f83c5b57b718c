//! What the stories are told with: a relay, scripted hosts and viewers in one process ([`World`]), the operator, the
//! record as an auditor reads it, and the weather on the way. The stories themselves are in `e2e`. Not part of the product.
#![forbid(unsafe_code)]

pub mod ages;
pub mod clipboard;
pub mod fuzz;
pub mod grep;
mod hear;
pub mod hermit;
pub mod host;
pub mod hostile;
pub mod journal;
pub mod liar;
mod number;
pub mod operator;
pub mod record;
pub mod server;
pub mod viewer;
pub mod weather;
pub mod world;

pub use host::Host;
pub use journal::{DEADLINE, eventually};
pub use number::number;
pub use record::{Entry, Record};
pub use viewer::{Technician, Viewer};
pub use weather::Weather;
pub use world::World;
