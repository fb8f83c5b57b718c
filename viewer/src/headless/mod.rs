//! The viewer without a window: runs commands against a session and tells what happens as JSON Lines. For scripts,
//! for tests, and for whoever drives a session by program. `docs/headless.md` is its manual.
//!
//! ```text
//! source (script, standard input) -> parse -> run -> acts -> Command -> session
//!                                              |  <- progress <- Event  <-'
//!                                              '-> lines, snapshot
//! ```

mod acts;
mod clock;
mod figures;
pub mod keys;
mod keysyms;
mod lines;
mod outcome;
pub mod parse;
mod progress;
mod run;
pub(crate) mod snapshot;
mod source;
mod steps;
mod stop;
#[cfg(test)]
mod stories;

pub use outcome::{EXIT_FAILED, EXIT_INTERRUPTED, Outcome, StepError};
pub use run::{Plan, drive, run};
pub use source::{Commands, Next};
pub use stop::OnSignal;
