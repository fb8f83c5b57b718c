//! The language that Nearhand's relay, host and viewer share.
//!
//! A pure core: no sockets, files, threads, clock or randomness of its own; time and random bytes come in as
//! arguments. The `net` feature adds the one shared QUIC shell ([`net`]). The build proves the boundary: without
//! `net`, `cargo tree` names neither tokio nor quinn.
#![forbid(unsafe_code)]

pub mod close;
pub mod code;
pub mod control;
pub mod ids;
#[cfg(feature = "net")]
pub mod net;
pub mod pair;
pub mod record;
pub mod relay_string;
pub mod rights;
pub mod route;
pub mod session;
pub mod text;
pub mod version;
pub mod wire;
