//! Screen, mouse and keyboard on real X servers: each test starts an Xvfb of its own, and fails without one.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod capture;
mod inject;
mod keyboard;
mod shield;
mod user;
mod xvfb;
