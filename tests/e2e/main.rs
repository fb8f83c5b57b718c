//! Stories: relay, host and viewer together, in one process. Each is named as a sentence; see `nearhand_tests::World`
//! for what they are told with.
#![expect(clippy::unwrap_used, reason = "the helpers of a story fail it")]

mod blind;
mod clipboard;
mod codes;
mod consent;
mod hands;
mod hermit;
mod many;
mod record;
mod relays;
mod restart;
mod returns;
mod session;
mod silence;
mod strangers;
mod technicians;
