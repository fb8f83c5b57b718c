//! Stories of liars: hostile peers and hostile relays, built by hand, against the real programs. Each is named as a
//! sentence; see `nearhand_tests::liar` for what they are told with.
#![expect(clippy::unwrap_used, reason = "the helpers of a story fail it")]

mod bounds;
mod drips;
mod frames;
mod handshakes;
mod hosts;
mod ids;
mod relay_changes;
mod relay_floods;
mod relay_middle;
mod relay_packets;
mod relay_reads;
mod relay_silence;
mod relay_tales;
mod relay_turns;
mod relay_words;
mod streams;
mod viewers;
mod words;
