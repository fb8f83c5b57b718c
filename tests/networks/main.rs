//! Bad networks and relays that die: the real relay, hosts and viewers, with the weather of `nearhand_tests::weather` on
//! the way. Every story prints its seed; `NEARHAND_SEED` repeats it. Numbers are small here and whole in
//! `tests/nightly.sh`, which sets `NEARHAND_TIMES`, `NEARHAND_SECONDS`, `NEARHAND_KILLS` and `NEARHAND_SESSIONS`.
#![expect(clippy::unwrap_used, reason = "the helpers of a story fail it")]

mod clock;
mod dark;
mod delay;
mod ends;
mod kills;
mod ladder;
mod loss;
mod moves;
mod mtu;
mod picture;
mod rough;
mod spoofs;
mod uptime;
mod waiting;
