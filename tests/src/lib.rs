//! What the stories are told with: a relay, scripted hosts and viewers in one process ([`World`]), the operator, the
//! record as an auditor reads it, and a tap on the wire. The stories themselves are in `e2e`. Not part of the product.
#![forbid(unsafe_code)]

pub mod clipboard;
pub mod grep;
pub mod hermit;
pub mod host;
pub mod journal;
pub mod liar;
pub mod operator;
pub mod record;
pub mod server;
pub mod tap;
pub mod viewer;
pub mod world;

pub use host::Host;
pub use journal::{DEADLINE, eventually};
pub use record::{Entry, Record};
pub use tap::Tap;
pub use viewer::{Technician, Viewer};
pub use world::World;
