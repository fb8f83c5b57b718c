//! What [`Codes::poll`](super::Codes::poll) hands out.

use crate::{close::Close, code::SessionCode, ids::ClaimId};
use std::{fmt, time::Instant};

/// What killed a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The second wrong start.
    WrongCodes,
    /// Two claims at once.
    TwoClaimants,
}

/// What the host does next.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask the relay for a locator (`Wait`); give it, with a fresh secret, to
    /// [`Codes::handle_locator`](super::Codes::handle_locator).
    RequestLocator,
    /// Show this code until then. It replaces whatever was shown.
    Show {
        /// Both halves.
        code: SessionCode,
        /// Its end.
        until: Instant,
    },
    /// Tell the user that someone entered a wrong code, or gave up half-way.
    WrongCode {
        /// Starts that the code still allows; 0 = it is dead, and `Dead` follows.
        left: u8,
    },
    /// Tell the relay that this claim is over (`Abandon`), and forget its exchange.
    Abandon {
        /// Which.
        claim: ClaimId,
        /// Why.
        why: Close,
    },
    /// The code is dead: show it no longer, tell the user why, tell the relay (`Leave`).
    Dead(Death),
    /// The code's time is over: show it no longer, tell the relay (`Leave`).
    Expired,
    /// Too many dead codes in a row: tell the user to press a key; give it to
    /// [`Codes::handle_key`](super::Codes::handle_key).
    WaitForKey,
    /// No new code before then: tell the user.
    WaitUntil(Instant),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestLocator => f.write_str("RequestLocator"),
            // the secret half is for the user's screen alone
            Self::Show { code, until } => write!(f, "Show({}, {until:?})", code.locator),
            Self::WrongCode { left } => write!(f, "WrongCode({left})"),
            Self::Abandon { claim, why } => write!(f, "Abandon({}, {})", claim.0, why.code()),
            Self::Dead(death) => write!(f, "Dead({death:?})"),
            Self::Expired => f.write_str("Expired"),
            Self::WaitForKey => f.write_str("WaitForKey"),
            Self::WaitUntil(until) => write!(f, "WaitUntil({until:?})"),
        }
    }
}
