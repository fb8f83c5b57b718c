//! The technician's end of Nearhand: dials the relay, pairs by the code, decodes the picture, sends input.
#![forbid(unsafe_code)]

pub mod config;
pub mod decode;
pub mod headless;
pub mod messages;
pub mod screen;
pub mod session;
pub mod slips;
pub mod state;
pub mod viewer;
pub mod window;
