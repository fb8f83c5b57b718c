//! What can go wrong with the record: when it is opened, and when it is written.

use super::store::StoreError;
use nearhand_proto::close::Close;
use std::{io, path::PathBuf};

/// Why the record can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder can't be made or used.
    #[error("the data folder {} can't be used: {source}; check that it is yours and may be written", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Somebody else writes here.
    #[error("another relay or command uses this data folder; end it or wait, then try again")]
    Locked,
    /// A command that only makes sense for an existing record.
    #[error("there is no record in {}; name the relay's data folder with --data", .0.display())]
    Missing(PathBuf),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer's thread can't be started.
    #[error("the record's thread can't be started: {0}")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// True if reading alone may still work: the folder can't be written, or the log's end is damaged.
    pub(crate) fn may_read(&self) -> bool {
        let read_only = |source: &io::Error| {
            matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        };
        match self {
            Self::Folder { source, .. } => read_only(source),
            Self::Store(StoreError::Damaged(_) | StoreError::ReadOnly) => true,
            _ => false,
        }
    }
}

/// Why nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The store can't append, now; nothing of this was acknowledged. It may recover by itself.
    #[error("the record can't be written: {0}")]
    Unavailable(String),
    /// The relay stops.
    #[error("the record is closed")]
    Closed,
    /// No such session, or it is over.
    #[error("this session is not open")]
    NotOpen,
    /// A number is missing between what is stored and what came.
    #[error("peer sent session fact {got}, expected {expected}")]
    PeerGap {
        /// The next number.
        expected: u64,
        /// What came.
        got: u64,
    },
    /// A stored number came again with another content.
    #[error("peer sent session fact {seq} again with another content")]
    PeerConflict {
        /// The number.
        seq: u64,
    },
    /// Another session, another witness, a damaged body.
    #[error("peer sent a session fact that it can't witness or whose body is damaged")]
    PeerMalformed,
    /// A token that is wrong, used or too old.
    #[error("{}", Close::BadToken)]
    BadToken,
    /// The key of a technician who was removed.
    #[error("{}", Close::TechnicianRemoved)]
    Removed,
    /// `technician add` of a name that is taken.
    #[error("there is a technician {0} already; remove it first, or choose another name")]
    NameTaken(String),
    /// `technician remove` of a name that nobody has.
    #[error("there is no technician {0}; 'technician list' shows them")]
    NoTechnician(String),
}

impl RecordError {
    /// What to tell the peer.
    pub fn close(&self) -> Close {
        match self {
            Self::Unavailable(_) => Close::RecordUnavailable,
            Self::Closed => Close::RelayStopping,
            Self::NotOpen | Self::PeerGap { .. } | Self::PeerConflict { .. } | Self::PeerMalformed => {
                Close::Protocol
            }
            Self::BadToken => Close::BadToken,
            Self::Removed => Close::TechnicianRemoved,
            Self::NameTaken(_) | Self::NoTechnician(_) => Close::Internal,
        }
    }
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
