//! The relay's record: one writer thread over one store, and the commands that read it.
//!
//! ```text
//! control plane, admin socket --Recorder (bounded channel)--> thread "record": Log --one transaction a batch--> Store
//! ```
//! An answer follows the commit that holds it. What the bytes mean is `nearhand_proto::record`; this module decides
//! only what may be appended, and makes it durable.

mod error;
mod export;
mod folder;
mod list;
mod log;
mod output;
mod pages;
mod recorder;
mod show;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use error::{OpenError, RecordError};
pub use recorder::Recorder;
pub use store::{SessionRow, StoreError};

pub(crate) use export::export;
pub(crate) use list::list;
pub(crate) use log::{Log, wall_ms};
pub(crate) use output::{CommandError, Output, Reply};
pub(crate) use show::show;
#[cfg(test)]
pub(crate) use store::{EntryRow, Filter};
pub(crate) use store::{TechnicianRow, TechnicianState};
pub(crate) use verify::verify;
