//! Bad networks on purpose: a seeded UDP shaper between an end and its relay. Each datagram meets, in this order, what a
//! [`Shape`] says of its direction: blackout, MTU, loss, rate and queue, delay and jitter, reordering, corruption,
//! duplication. A [`Weather`] is also a NAT, whose outer ports change at [`Weather::rebind`], and can keep what passes.
//!
//! The same seed makes the same decision on the n-th datagram of an end and direction; which datagram that is, the
//! ends' own timing decides. Every run prints its seed; `NEARHAND_SEED` sets it.

mod link;
mod path;
mod seed;
mod shaper;

pub use link::{Blackout, Link, Loss, Reorder, Shape};
pub use path::{Datagram, Way, Weather};
pub use seed::seed;
pub use shaper::{Counts, Shaper};
