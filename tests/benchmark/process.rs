//! The relay's program as a child process, with a data folder of its own, and what it uses, from proc(5).

use anyhow::{Context as _, bail};
use nearhand_proto::relay_string::RelayString;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long the program may take to serve.
const START: Duration = Duration::from_secs(10);

/// Ticks a second in `/proc/PID/stat`: the same on every Linux that Rust runs on, whatever the kernel counts by.
const TICKS: f64 = 100.0;

/// A relay that serves. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
    string: RelayString,
}

impl Process {
    /// Starts `program` with its default settings on a free port of 127.0.0.1; its log goes beside its data.
    ///
    /// # Errors
    /// If it does not come to serve.
    pub(crate) async fn start(program: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no room for a folder")?;
        let log = fs::File::create(folder.path().join("relay.log"))?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(["--listen", "127.0.0.1:0", "--desk", "Bench"])
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("can't start {}; build it with tests/bench", program.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("piped above")?).lines();
        let line = timeout(START, lines.next_line()).await.context("the relay did not say 'ready'")??;
        let ready = line.as_deref().and_then(|line| line.strip_prefix("ready "));
        let Some(string) = ready.and_then(|string| string.parse().ok()) else {
            let said = fs::read_to_string(folder.path().join("relay.log")).unwrap_or_default();
            bail!("the relay did not start: {}", said.trim());
        };
        Ok(Self { child, folder, string })
    }

    /// Where it is and which key it has.
    pub(crate) fn string(&self) -> &RelayString {
        &self.string
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it uses.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.child.id())
    }
}

/// What a process uses.
#[derive(Clone, Debug)]
pub(crate) struct Usage(String);

impl Usage {
    /// Of this very process: hosts, viewers and what measures.
    pub(crate) fn own() -> Self {
        Self("self".to_owned())
    }

    /// Of a process that runs; of one that has ended nothing can be told.
    pub(crate) fn of(process: Option<u32>) -> Self {
        Self(process.map_or_else(|| "none".to_owned(), |id| id.to_string()))
    }

    /// Processor time of all its threads so far, in seconds; to 0.01 s.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn cpu(&self) -> anyhow::Result<f64> {
        let text = self.read("stat")?;
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        // utime and stime, fields 14 and 15 of all, the name being the second.
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
    }

    /// Memory now, in KiB. From `smaps_rollup`, which is exact where `status` is not.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn rss(&self) -> anyhow::Result<f64> {
        self.kib("smaps_rollup", "Rss:")
    }

    /// Most memory so far, in KiB.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn peak(&self) -> anyhow::Result<f64> {
        self.kib("status", "VmHWM:")
    }

    fn kib(&self, file: &str, label: &str) -> anyhow::Result<f64> {
        let text = self.read(file)?;
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        let figure = line.and_then(|rest| rest.split_whitespace().next());
        Ok(figure.with_context(|| format!("no {label} in /proc/{}/{file}", self.0))?.parse()?)
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).with_context(|| format!("can't read {path}; has it ended?"))
    }
}
