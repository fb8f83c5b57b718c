//! The relay: pairs hosts and viewers, forwards their packets without reading them, keeps the record.
#![forbid(unsafe_code)]

pub mod admin;
mod clock;
pub mod config;
pub mod control;
pub mod directory;
pub mod forward;
pub mod keys;
pub mod limits;
pub mod pace;
pub mod record;
pub mod relay;
pub mod technicians;
