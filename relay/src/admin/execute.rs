//! Carrying out one request of the operator, the same beside a running relay and without one.

use crate::record::{CommandError, Output, RecordError, Recorder, Reply, export, list, show, verify};
use nearhand_proto::{
    ids::SessionId,
    record::{Event, Text},
    text::Name,
};
use serde::{Deserialize, Serialize};

/// One request: one line on the admin socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Request {
    /// `technician add`
    TechnicianAdd {
        /// Whom.
        name: Name,
    },
    /// `technician list`
    TechnicianList,
    /// `technician remove`
    TechnicianRemove {
        /// Whom.
        name: Name,
    },
    /// `record list`
    RecordList,
    /// `record show`
    RecordShow {
        /// Which.
        session: SessionId,
    },
    /// `record verify`
    RecordVerify,
    /// `record export`
    RecordExport,
}

impl Request {
    /// The command as `record.read` names it; `None` for what does not read the record.
    pub(super) fn reads(&self) -> Option<&'static str> {
        match self {
            Self::TechnicianAdd { .. } | Self::TechnicianList | Self::TechnicianRemove { .. } => None,
            Self::RecordList => Some("list"),
            Self::RecordShow { .. } => Some("show"),
            Self::RecordVerify => Some("verify"),
            Self::RecordExport => Some("export"),
        }
    }
}

/// Carries the request out; the last reply is its exit code.
pub(super) async fn execute(recorder: &Recorder, request: Request, output: Output) {
    let code = match answer(recorder, request, &output).await {
        Ok(()) => 0,
        Err(error) => {
            // Nobody may be there to read it; then nobody needs it.
            drop(output.reply(Reply::Error(error.to_string())).await);
            1
        }
    };
    drop(output.reply(Reply::Exit(code)).await);
}

async fn answer(recorder: &Recorder, request: Request, output: &Output) -> Result<(), CommandError> {
    note_reading(recorder, &request).await?;
    match request {
        Request::TechnicianAdd { name } => {
            let token = recorder.add_technician(name.clone()).await?;
            output.line(format!("{name} enrols with 'nearhand-viewer enrol' within 24 hours, once:")).await?;
            output.line(format!("token {}", token.0)).await
        }
        Request::TechnicianList => {
            for line in recorder.list_technicians().await? {
                output.line(line).await?;
            }
            Ok(())
        }
        Request::TechnicianRemove { name } => {
            recorder.remove_technician(name.clone()).await?;
            output.line(format!("{name} is removed")).await
        }
        Request::RecordList => list(recorder, output).await,
        Request::RecordShow { session } => show(recorder, session, output).await,
        Request::RecordVerify => verify(recorder, output).await,
        Request::RecordExport => export(recorder, output).await,
    }
}

/// Access to the record is itself recorded, before anything is read.
async fn note_reading(recorder: &Recorder, request: &Request) -> Result<(), RecordError> {
    let Some(command) = request.reads().filter(|_| !recorder.is_read_only()) else { return Ok(()) };
    let session = match request {
        Request::RecordShow { session } => *session,
        _ => SessionId::NONE,
    };
    // Filed under no session, so that reading a session does not change it; the body says which.
    let command = match session {
        SessionId::NONE => command.to_owned(),
        session => format!("{command} {session}"),
    };
    let event = Event::RecordRead { command: Text::new(command) };
    recorder.fact(SessionId::NONE, recorder.actor(), event).await?;
    Ok(())
}
