//! How much memory a process holds, as Linux counts it.

use std::fs;

/// A process whose memory is watched, from a first reading on.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    process: u32,
    /// KiB at the first reading.
    before: u64,
}

impl Memory {
    /// Reads it now; growth counts from here on, and so does the peak.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn watch(process: u32) -> Self {
        // Resets the peak (proc(5), clear_refs). Where that is not allowed the peak is the one since the start, which only
        // makes the story stricter.
        let _ = fs::write(format!("/proc/{process}/clear_refs"), "5");
        Self { process, before: field(process, "VmRSS:") }
    }

    /// KiB that it holds more than at first.
    pub fn growth(&self) -> u64 {
        field(self.process, "VmRSS:").saturating_sub(self.before)
    }

    /// KiB that it held more than at first, at the worst moment.
    pub fn peak(&self) -> u64 {
        field(self.process, "VmHWM:").saturating_sub(self.before)
    }
}

fn field(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_seen() {
        let memory = Memory::watch(std::process::id());
        let taken = vec![1_u8; 64 << 20];
        assert!(60 << 10 <= memory.peak(), "{memory:?} {}", taken.len());
    }
}
