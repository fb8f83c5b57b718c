//! Before the first dial: which relay it is, and whether the user knows it.

use super::{
    Plan, RunError,
    book::Standing,
    entry::Caller,
    find::{Found, Origin},
    show,
};
use crate::front::{Press, Show, Stage};
use nearhand_proto::{close::Close, relay_string::RelayString};

/// What has come out.
pub(super) enum Settled {
    /// This one may be dialled.
    Relay(RelayString),
    /// The user wants none.
    Over(Close),
}

/// Asks for a relay where none is known, and has a new one confirmed. Remembers what was typed or asked for.
///
/// # Cancel safety
/// Nothing is lost but the question.
pub(super) async fn settle(plan: &Plan, stage: &mut Stage) -> Result<Settled, RunError> {
    let (relay, origin) = match plan.found.clone() {
        Some(Found { relay, origin }) => (relay, Some(origin)),
        None => {
            show(stage, Show::WhichRelay).await;
            match asked(stage).await? {
                Some(relay) => (relay, None),
                None => return Ok(Settled::Over(Close::UserStopped)),
            }
        }
    };
    let typed = origin == Some(Origin::CommandLine);
    let over = match plan.book.standing(&relay)? {
        Standing::Blocked(known) => return Err(RunError::Blocked(Box::new(known))),
        Standing::Confirmed => None,
        Standing::New | Standing::KeyChanged if typed && !plan.window => {
            plan.book.confirm(&relay)?;
            None
        }
        standing => confirmed(plan, stage, &relay, standing == Standing::KeyChanged).await?,
    };
    if let Some(why) = over {
        return Ok(Settled::Over(why));
    }
    if typed || origin.is_none() {
        plan.book.remember(&relay)?;
    }
    Ok(Settled::Relay(relay))
}

/// The relay that the user names; `None` if they would rather end.
async fn asked(stage: &mut Stage) -> Result<Option<RelayString>, RunError> {
    loop {
        match stage.presses.recv().await.ok_or(RunError::NoRelay)? {
            Press::Relay(relay) => return Ok(Some(relay)),
            // No relay, so nothing that could be blocked.
            Press::Stop | Press::Quit | Press::Scam => return Ok(None),
            _ => {}
        }
    }
}

/// Asks whether a new relay is the user's help desk's; `None` if it is, else why it is over.
async fn confirmed(
    plan: &Plan,
    stage: &mut Stage,
    relay: &RelayString,
    changed: bool,
) -> Result<Option<Close>, RunError> {
    let host = relay.host.clone();
    show(stage, Show::NewRelay { host: host.clone(), changed }).await;
    loop {
        match stage.presses.recv().await.ok_or_else(|| RunError::Unconfirmed(host.clone()))? {
            Press::Trust => {
                plan.book.confirm(relay)?;
                return Ok(None);
            }
            Press::Scam => {
                let blocked = plan.book.block(relay, Caller::default());
                return match blocked {
                    Ok(()) => Ok(Some(Close::Reported)),
                    Err(source) => Err(RunError::NotBlocked { host, source }),
                };
            }
            Press::Stop | Press::Quit => return Ok(Some(Close::UserStopped)),
            _ => {}
        }
    }
}
