//! The programs as people run them: relay, host and viewer as processes, real desktops under Xvfb with a window
//! manager and real programs. Each test has a desktop of its own, and fails without what `tests/setup.sh` installs.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod clipboard;
mod desk;
mod desktop;
mod hands;
mod held;
mod keyboard;
mod layouts;
mod mouse;
mod picture;
mod process;
mod refusals;
mod relays;
mod restart;
mod spare;
mod typing;
mod viewer;
mod viewer_keys;
mod viewer_types;
