//! Where randomness of a test comes from.

use std::hash::{BuildHasher as _, RandomState};

/// The variable that repeats a run.
const VARIABLE: &str = "NEARHAND_SEED";

/// `NEARHAND_SEED`, or a fresh number. It is printed, so that a failed run can be repeated.
///
/// # Panics
/// If the variable holds no number.
pub fn seed(what: &str) -> u64 {
    let given = std::env::var(VARIABLE).ok();
    let seed = match given {
        Some(text) => text.parse().unwrap_or_else(|_| panic!("{VARIABLE} is a decimal number, not '{text}'")),
        None => RandomState::new().hash_one(what),
    };
    eprintln!("{what}: {VARIABLE}={seed}");
    seed
}
