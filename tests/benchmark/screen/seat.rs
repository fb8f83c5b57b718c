//! A session to be measured: the relay's and the host's programs in processes of their own, the product's viewer in
//! this one.

use super::desk::{Desk, spawn};
use crate::process::{Process, Usage};
use anyhow::Context as _;
use nearhand_tests::{
    operator::Operator,
    viewer::{Technician, Viewer},
};
use std::{path::Path, time::Duration};
use tokio::{process::Child, time::timeout};
use tokio_util::task::AbortOnDropHandle;

/// How long the host may take to show its code.
const START: Duration = Duration::from_secs(20);

/// A technician at work. Everything ends with the value.
pub(super) struct Seat {
    /// The technician's viewer; it has a picture.
    pub(super) viewer: Viewer,
    host: Child,
    relay: Process,
    _technician: Technician,
    _reader: AbortOnDropHandle<()>,
}

impl Seat {
    /// Starts everything, in the order in which people do; `programs` is the folder with relay and host.
    ///
    /// # Errors
    /// If something does not start.
    pub(super) async fn take(desk: &Desk, programs: &Path) -> anyhow::Result<Self> {
        let relay = Process::start(&programs.join("nearhand-relay")).await?;
        let technician =
            Technician::enrolled("Vera", relay.string().clone(), &Operator::new(&relay.data())).await;
        let mut command = desk.command(programs.join("nearhand-host"));
        command.args(["--no-window", "--allow", "view,control", "--relay"]).arg(relay.string().to_string());
        command.arg("--state").arg(desk.path("host"));
        let log = desk.path("host.log");
        let (host, mut lines) = spawn(&mut command, &log).context("the host's program")?;
        let code = loop {
            let line = timeout(START, lines.next_line()).await.context("the session code")??;
            let line = line.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
            if let Some(code) = line.strip_prefix("code ") {
                break code.parse()?;
            }
        };
        // Whatever else it says is read, so that it never waits for a reader.
        let reader = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok(Some(_)) = lines.next_line().await {}
        }));
        let viewer = Viewer::start(technician.config(relay.string().clone(), &code));
        Ok(Self { viewer, host, relay, _technician: technician, _reader: reader })
    }

    /// What the host's process uses.
    pub(super) fn host(&self) -> Usage {
        Usage::of(self.host.id())
    }

    /// What the relay's process uses.
    pub(super) fn relay(&self) -> Usage {
        self.relay.usage()
    }
}
