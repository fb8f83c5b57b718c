//! How a host comes to its relay: where its string is found, that the user confirms a new one once, and that one which
//! they call a scam is blocked. Nothing is sent to a relay before it is confirmed.
//!
//! ```text
//! found, or asked for --> known? --confirmed--> the host runs --"This was a scam"--> blocked, then ended
//!                           | \--new--> the user is asked --yes--> the host runs
//!                           |                  \--no--> ended      \--scam--> blocked, ended
//!                           \--blocked--> ended
//! ```

mod book;
mod entry;
mod find;
mod guard;
mod settle;
mod unblock;

pub use self::{
    book::{Book, BookError, Standing},
    entry::{Blocked, Caller},
    find::{FindError, Found, Origin, find},
    unblock::unblock,
};

use self::{guard::guard, settle::Settled};
use crate::{
    front::{Show, Stage},
    host::HostConfig,
};
use nearhand_proto::{close::Close, net::DialError, relay_string::RelayString};
use tokio_util::sync::CancellationToken;

/// What the way to a relay depends on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to; `None`: the user is asked.
    pub found: Option<Found>,
    /// What this computer knows about relays.
    pub book: Book,
    /// True if the front is a window. Then a relay that was typed on the command line is confirmed like any other, since
    /// whoever looks at a window may not have typed it; and codes are printed on standard output beside it, as the
    /// terminal does, for scripts.
    pub window: bool,
}

/// Why there is no host, or none any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// No link to the relay.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// What is known about relays can't be read or written.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The user has called this relay a scam, maybe long ago.
    #[error("{}", blocked(.0))]
    Blocked(Box<Blocked>),
    /// It was called a scam just now, and could not be blocked.
    #[error("{}", not_blocked(host, source))]
    NotBlocked {
        /// The relay's host name.
        host: String,
        /// Why.
        source: BookError,
    },
    /// No relay named, none remembered, nobody to ask.
    #[error("no relay is known yet: ask your help desk for its relay string and start with --relay STRING")]
    NoRelay,
    /// A new relay and nobody to confirm it.
    #[error(
        "{0} is new here and nobody can confirm it: start once in a terminal, or with --relay STRING --no-window"
    )]
    Unconfirmed(String),
}

fn blocked(known: &Blocked) -> String {
    let Caller { technician, desk } = &known.caller;
    let who = match (technician, desk) {
        (Some(technician), Some(desk)) => format!(" ({technician} of {desk})"),
        (Some(name), None) | (None, Some(name)) => format!(" ({name})"),
        (None, None) => String::new(),
    };
    let host = &known.relay.host;
    format!(
        "{host} was called a scam on this computer{who} and stays blocked; if that was a mistake, run: nearhand-host \
         --unblock {host}"
    )
}

fn not_blocked(host: &str, why: &BookError) -> String {
    format!("{host} could not be blocked ({why}): don't use it again")
}

impl RunError {
    /// The same as a reason.
    pub fn close(&self) -> Close {
        match self {
            Self::Dial(error) => error.close(),
            Self::Blocked(_) => Close::Blocked,
            Self::NotBlocked { .. } => Close::Reported,
            Self::Book(_) | Self::NoRelay | Self::Unconfirmed(_) => Close::Internal,
        }
    }
}

/// Finds out which relay it is, then runs a host there until it has ended. `host` makes the host's settings. The reason
/// is also the last thing shown.
///
/// # Errors
/// [`RunError`]
pub async fn run(
    plan: Plan,
    host: impl FnOnce(RelayString) -> HostConfig,
    mut stage: Stage,
    stop: CancellationToken,
) -> Result<Close, RunError> {
    let settled = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(Settled::Over(Close::Done)),
        settled = settle::settle(&plan, &mut stage) => settled,
    };
    match settled {
        Ok(Settled::Relay(relay)) => guard(&plan, host(relay), stage, stop).await,
        Ok(Settled::Over(why)) => {
            show(&stage, Show::Bye(why)).await;
            Ok(why)
        }
        Err(error) => {
            // That it is blocked the front says in the user's language; how to undo it stands on standard error, where
            // no scammer has it read out.
            if !matches!(error, RunError::Blocked(_)) {
                show(&stage, Show::Fault(error.to_string())).await;
            }
            show(&stage, Show::Bye(error.close())).await;
            Err(error)
        }
    }
}

async fn show(stage: &Stage, show: Show) {
    // A front that has gone shows nothing.
    let _ = stage.shows.send(show).await;
}
