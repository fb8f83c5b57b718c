//! The machine that the figures belong to, and how quiet it is.

use anyhow::Context as _;
use serde_json::{Value, json};
use std::{fs, time::Duration};
use tokio::time::Instant;

/// How long the machine is watched at once.
const WATCHED: Duration = Duration::from_secs(1);

/// Idle share from which it counts as quiet, percent; the peers' drivers wait for the same.
const QUIET: f64 = 55.0;

/// What a reader needs to know to compare.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Processors that this process may use.
    pub(crate) cores: usize,
    /// As the processor calls itself.
    pub(crate) processor: String,
    /// Linux's release.
    pub(crate) kernel: String,
    /// Idle share of all processors while nothing of ours ran, percent.
    pub(crate) idle_before: f64,
}

impl Machine {
    /// Looks, for a second.
    ///
    /// # Errors
    /// Where `/proc` is not Linux's.
    pub(crate) async fn look() -> anyhow::Result<Self> {
        let idle_before = quiet(Duration::ZERO).await?;
        let processors = fs::read_to_string("/proc/cpuinfo").context("this needs Linux's /proc")?;
        let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
        let processor =
            model.map_or("an unnamed processor", |name| name.trim_start_matches([' ', '\t', ':']));
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: processor.to_owned(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            idle_before,
        })
    }

    /// As part of a report.
    pub(crate) fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "processor": self.processor,
            "kernel": self.kernel,
            "idle_before_percent": self.idle_before,
        })
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let Self { cores, processor, kernel, idle_before } = self;
        format!("{cores} cores of {processor}, Linux {kernel}; {idle_before:.0} % idle before")
    }
}

/// Waits until the machine is quiet, a second at least, `patience` at most; returns its idle share then, percent.
///
/// # Errors
/// Where `/proc` is not Linux's.
pub(crate) async fn quiet(patience: Duration) -> anyhow::Result<f64> {
    let until = Instant::now() + patience;
    loop {
        let before = Ticks::now()?;
        tokio::time::sleep(WATCHED).await;
        let idle = Ticks::now()?.idle_since(&before);
        if QUIET <= idle || until <= Instant::now() {
            return Ok(idle);
        }
    }
}

/// Time of all processors since boot, in ticks (proc(5), `/proc/stat`).
struct Ticks {
    idle: f64,
    all: f64,
}

impl Ticks {
    fn now() -> anyhow::Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("this needs Linux's /proc")?;
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<f64> =
            line.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        Ok(Self { idle: ticks.get(3).copied().unwrap_or(0.0), all: ticks.iter().sum() })
    }

    fn idle_since(&self, before: &Self) -> f64 {
        100.0 * (self.idle - before.idle) / (self.all - before.all).max(1.0)
    }
}
