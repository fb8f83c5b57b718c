//! Others' figures beside ours: their drivers run between our repetitions, and what they found goes into our report.

use anyhow::{Context as _, bail};
use serde_json::Value;
use std::{path::Path, process::Stdio};
use tokio::process::Command;

/// Runs their drivers, a shell command; what they say goes to standard error.
///
/// # Errors
/// If they fail.
pub(crate) async fn between(command: &str) -> anyhow::Result<()> {
    let mut shell = Command::new("bash");
    let status = shell.args(["-c", command]).stdin(Stdio::null()).stdout(std::io::stderr()).status().await?;
    if status.success() { Ok(()) } else { bail!("'{command}' failed") }
}

/// The figures among the JSON lines in this file; the drivers say other things as well.
///
/// # Errors
/// If it can't be read.
pub(crate) fn figures(file: &Path) -> anyhow::Result<Value> {
    let lines = std::fs::read_to_string(file).context("the peers' figures")?;
    let figures = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(figures.filter(|line| line.get("label").is_some()).collect())
}
