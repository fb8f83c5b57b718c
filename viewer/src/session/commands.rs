//! The front's commands, taken one after the other; input waits for room on its way to the host.

use crate::messages::Command;
use nearhand_proto::session::input::Input;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// How long input may wait for room before the host counts as stuck.
const STUCK: Duration = Duration::from_secs(10);

/// The next command; input once there is room for it. `None` if there has been none for [`STUCK`].
///
/// # Cancel safety
/// Cancel safe: a command that waits stands in `waiting`.
pub(super) async fn next(
    commands: &mut mpsc::Receiver<Command>,
    waiting: &mut Option<(Command, Instant)>,
    inputs: Option<&mpsc::Sender<Input>>,
) -> Option<Command> {
    if waiting.is_none() {
        let command = commands.recv().await.unwrap_or(Command::End);
        *waiting = Some((command, Instant::now()));
    }
    if let (Some((Command::Input(_), since)), Some(inputs)) = (&*waiting, inputs) {
        // Closed: the connection is gone, which the loop learns from the control stream.
        let _ = timeout_at(*since + STUCK, inputs.reserve()).await.ok()?;
    }
    waiting.take().map(|(command, _)| command)
}
