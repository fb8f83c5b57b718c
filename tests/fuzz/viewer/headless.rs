//! The command language, without what runs it.

#[path = "../../../viewer/src/headless/keys.rs"]
pub mod keys;
#[path = "../../../viewer/src/headless/keysyms.rs"]
mod keysyms;
#[path = "../../../viewer/src/headless/parse.rs"]
pub mod parse;
