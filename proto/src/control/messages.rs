//! The messages of the control stream.

use super::Register;
use crate::{
    close::Close,
    code::Locator,
    ids::{ActorId, ClaimId, SessionId},
    record::Entry,
    route::Rid,
    text::Name,
    wire::{self, Message},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A one-time token that makes an enrolled technician out of a key: 22 characters of base64url, 128 bit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Who calls, as the relay vouches for it. Both ends are told the same and bind it into the pairing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technician {
    /// First 16 bytes of SHA-256 over the technician's SPKI.
    pub id: ActorId,
    /// The name that the operator gave.
    pub name: Name,
    /// The help desk.
    pub desk: Name,
}

/// Why a host stops waiting under a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leave {
    /// 10 min are over.
    Expired,
    /// The second wrong start.
    WrongCodes,
    /// The user closed the host.
    Closed,
    /// The user called it a scam; this host won't come back.
    Reported,
}

/// A session that goes on, told at (re-)registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// Which.
    pub session: SessionId,
    /// The peer's routing id.
    pub peer: Rid,
    /// The number of the next session fact that the relay has not stored yet.
    pub next: u64,
}

/// End to relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToRelay {
    /// First message of every connection. Answered by `Registered` or `Refused`.
    Register(Register),
    /// Viewer: makes this connection's client certificate a technician's. Answered by `Enrolled` or `Refused`.
    Enrol(Token),
    /// Host: wants a locator to wait under; any earlier one rests. Answered by `Waiting` or `Refused`.
    Wait,
    /// Host: waits no longer.
    Leave(Leave),
    /// Viewer: wants the host behind this locator. Answered by `Claimed` or `Refused`.
    Claim(Locator),
    /// Viewer: a code was mistyped here (its check digit caught it); for the record. Nothing of the code is said.
    Mistyped,
    /// Viewer: a code failed twice here and is refused from now on; for the record.
    RefusedTwice,
    /// Either: PAKE bytes for the other side, at most [`ToRelay::MAX_PAIR`].
    Pair {
        /// Which claim.
        claim: ClaimId,
        /// Opaque to the relay.
        message: ByteBuf,
    },
    /// Either: the other side has proved that it knows the code. When both have said so the session starts.
    Confirmed(ClaimId),
    /// Either: this claim is over, and why. The host says `WrongCode` when the viewer's proof did not fit.
    Abandon {
        /// Which claim.
        claim: ClaimId,
        /// `WrongCode`, `CodeDead`, `TechnicianLeft`, …
        why: Close,
    },
    /// Host: facts of a session, in order. Answered by `Recorded` after the commit that holds them.
    Record {
        /// Which session.
        session: SessionId,
        /// Consecutive by `seq`, at most [`ToRelay::MAX_ENTRIES`].
        #[serde(deserialize_with = "wire::list::<{ ToRelay::MAX_ENTRIES }, _, _>")]
        entries: Vec<Entry>,
    },
    /// Either: the session is over. The host sends its last facts first.
    End {
        /// Which.
        session: SessionId,
        /// Why.
        why: Close,
    },
    /// Each second while paired. Answered by `Pong` with the same number.
    Ping(u64),
}

impl ToRelay {
    /// Bytes of one PAKE message, at most.
    pub const MAX_PAIR: usize = 512;
    /// Entries of one `Record`, at most.
    pub const MAX_ENTRIES: usize = 64;
}

impl Message for ToRelay {
    const MAX: usize = 64 << 10;
}

/// Relay to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToEnd {
    /// The key is proved and the address known.
    Registered {
        /// The help desk's name.
        desk: Name,
        /// Sessions of this key that go on, at most [`ToEnd::MAX_SESSIONS`].
        #[serde(deserialize_with = "wire::list::<{ ToEnd::MAX_SESSIONS }, _, _>")]
        sessions: Vec<SessionState>,
    },
    /// The last request is refused.
    Refused(Close),
    /// The token was good.
    Enrolled(Technician),
    /// Host: wait under this locator.
    Waiting(Locator),
    /// Host: somebody claims the code.
    Incoming {
        /// The claim's number.
        claim: ClaimId,
        /// Who.
        technician: Technician,
    },
    /// Viewer: the host is told; begin the PAKE.
    Claimed {
        /// The claim's number.
        claim: ClaimId,
        /// Who the relay says that you are.
        technician: Technician,
    },
    /// PAKE bytes from the other side.
    Pair {
        /// Which claim.
        claim: ClaimId,
        /// Opaque to the relay.
        message: ByteBuf,
    },
    /// The claim is over.
    Withdrawn {
        /// Which.
        claim: ClaimId,
        /// Why.
        why: Close,
    },
    /// The session is on record and its route is open.
    Paired {
        /// The claim that became it.
        claim: ClaimId,
        /// Its id.
        session: SessionId,
        /// The peer's routing id.
        peer: Rid,
    },
    /// The route of this session is open again: both ends have re-registered. Send at once what is waiting.
    RouteOpen(SessionId),
    /// Host: everything before `next` is durable.
    Recorded {
        /// Which session.
        session: SessionId,
        /// The next number expected.
        next: u64,
    },
    /// The session is over: the other end, the operator or a limit said so.
    Ended {
        /// Which.
        session: SessionId,
        /// Why.
        why: Close,
    },
    /// Answers `Ping`.
    Pong(u64),
}

impl ToEnd {
    /// Sessions of one `Registered`, at most: as many as fit into a message.
    pub const MAX_SESSIONS: usize = 2_560;
}

impl Message for ToEnd {
    const MAX: usize = 64 << 10;
}
