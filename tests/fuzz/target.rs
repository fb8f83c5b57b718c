//! Every binary of this crate: runs the target of its own name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nearhand_fuzz::fuzz::target;

fuzz_target!(|data: &[u8]| {
    (target(env!("CARGO_BIN_NAME")).run)(data);
});
