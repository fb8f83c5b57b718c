//! What a command says: lines for standard output and standard error, and at the end its exit code. Goes through a
//! bounded channel to a terminal or to the admin socket; when that is slow, the command waits.

use super::error::RecordError;
use nearhand_proto::{ids::SessionId, record::Broken};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// One line of a command's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// For standard output.
    Out(String),
    /// For standard error.
    Error(String),
    /// The command is done.
    Exit(u8),
}

/// Why a command ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// Whoever asked reads no more.
    #[error("nobody reads the answer any more")]
    Gone,
    /// The record said no.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// `record show` of something that is not there.
    #[error("there is no session {0} in this record; 'record list' shows them")]
    NoSession(SessionId),
    /// `record verify` found something.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Where a command's lines go.
#[derive(Clone, Debug)]
pub(crate) struct Output(mpsc::Sender<Reply>);

impl Output {
    /// An output, and the end to read it from.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Reply>) {
        let (sender, receiver) = mpsc::channel(16);
        (Self(sender), receiver)
    }

    /// A line for standard output.
    pub(crate) async fn line(&self, text: String) -> Result<(), CommandError> {
        self.reply(Reply::Out(text)).await
    }

    /// Anything.
    pub(crate) async fn reply(&self, reply: Reply) -> Result<(), CommandError> {
        self.0.send(reply).await.map_err(|_| CommandError::Gone)
    }
}
