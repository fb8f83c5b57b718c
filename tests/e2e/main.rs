//! Stories: relay, host and viewer together, in one process.

fn main() {}
