//! The fuzz targets of `tests/src/fuzz`, and what they need of the tests' crate: without host and windows.
#![forbid(unsafe_code)]

#[path = "../src/fuzz/mod.rs"]
pub mod fuzz;
#[path = "../src/journal.rs"]
pub mod journal;
#[path = "../src/operator.rs"]
pub mod operator;
#[path = "../src/record.rs"]
pub mod record;
