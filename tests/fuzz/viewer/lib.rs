//! The viewer's own files that take bytes from others: nothing here but where they are.
#![forbid(unsafe_code)]

#[path = "../../../viewer/src/decode/mod.rs"]
pub mod decode;
pub mod headless;
#[path = "../../../viewer/src/screen.rs"]
pub mod screen;
