//! The data plane: forwards session packets by the routing id in their destination connection ID and hands the rest
//! to quinn. It never terminates, decrypts or understands what it forwards, and it never dials.

mod address;
mod parcels;
mod routes;
mod runs;
mod socket;

pub use address::{AddressProof, Seen};
pub use routes::{Refusal, Routes, Traffic, Verdict};
pub use runs::{Run, Runs};
pub use socket::{ForwardStats, ForwardingSocket};
