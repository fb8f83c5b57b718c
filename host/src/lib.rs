//! The user's end of Nearhand: shows the code, asks consent, shares the screen, injects input.
#![forbid(unsafe_code)]

pub mod capture;
mod clipboard;
pub mod config;
pub mod encode;
pub mod front;
pub mod host;
pub mod inject;
pub mod injection;
pub mod picture;
pub mod relays;
pub mod session;
pub mod terminal;
pub mod user;
pub mod window;
