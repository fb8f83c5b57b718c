//! Every event that the record knows, in one table: code, stable name, severity and the fields of its body.
//! Codes below 1,000 are the relay's facts, 1,000 to 1,999 the host's, from 2,000 the viewer's. A code and the
//! order of its fields never change; a new event takes a new code. Bodies are described in `docs/record.md`.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{
    canonical::{Origin, Severity},
    field::{self, Field, Left, Text, Value},
};
use crate::{
    close::Close,
    control::{PublicKey, Role},
    ids::Fingerprint,
    rights::Rights,
    text::Name,
};

/// One line of the table of events, for the documentation.
#[derive(Clone, Copy, Debug)]
pub struct EventRow {
    /// The number in the header.
    pub code: u16,
    /// The stable name.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Name and kind of each field of the body, in order.
    pub fields: &'static [(&'static str, &'static str)],
    /// What happened.
    pub meaning: &'static str,
}

/// Why a body is not that of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// A field is cut off, out of bounds or no value of its kind.
    #[error("field '{field}' of {event} is damaged")]
    Field {
        /// The event's name.
        event: &'static str,
        /// The field's name.
        field: &'static str,
    },
    /// A whole body, and then some.
    #[error("{event} has bytes after its last field")]
    Trailing {
        /// The event's name.
        event: &'static str,
    },
}

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal, $severity:ident
        $({ $($field:ident: $kind:ty),+ })?;)*) => {
        /// One event: what happened, without when and by whom ([`super::Header`] says so).
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[doc = $doc])+ $variant $({ $(
                #[doc = concat!("`", stringify!($kind), "`")] $field: $kind,
            )+ })?,)*
            /// An event newer than this program: shown as it is, verified all the same.
            Unknown {
                /// Its code.
                code: u16,
                /// Its fields, not split.
                body: Vec<u8>,
            },
        }

        impl Event {
            /// Every event, in the order of their codes.
            pub const TABLE: &'static [EventRow] = &[$(EventRow {
                code: $code,
                name: $name,
                severity: Severity::$severity,
                fields: &[$($((stringify!($field), <$kind as Field>::KIND)),+)?],
                meaning: concat!($($doc),+),
            }),*];

            /// The number in the header.
            pub fn code(&self) -> u16 {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    Self::Unknown { code, .. } => *code,
                }
            }

            /// The stable name; `unknown` for an event newer than this program.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                    Self::Unknown { .. } => "unknown",
                }
            }

            /// How much it matters.
            pub fn severity(&self) -> Severity {
                match self {
                    $(Self::$variant { .. } => Severity::$severity,)*
                    Self::Unknown { .. } => Severity::Info,
                }
            }

            /// The body: its fields in order, each `2 length (big endian) | value`.
            pub fn encode_body(&self) -> Vec<u8> {
                let mut out = Vec::new();
                match self {
                    $(Self::$variant $({ $($field),+ })? => { $($(field::put($field, &mut out);)+)? })*
                    Self::Unknown { body, .. } => out.extend_from_slice(body),
                }
                out
            }

            /// Reads the body of the event with this code. An unknown code gives [`Event::Unknown`].
            ///
            /// # Errors
            /// [`EventError`] if a field is damaged or bytes follow the last one.
            pub fn decode(code: u16, body: &[u8]) -> Result<Self, EventError> {
                let mut rest = body;
                let event = match code {
                    $($code => Self::$variant $({ $(
                        $field: field::take(&mut rest)
                            .ok_or(EventError::Field { event: $name, field: stringify!($field) })?,
                    )+ })?,)*
                    _ => return Ok(Self::Unknown { code, body: body.to_vec() }),
                };
                if rest.is_empty() { Ok(event) } else { Err(EventError::Trailing { event: event.name() }) }
            }

            /// The fields by name, in order, for showing and exporting. Those of an unknown event are not split.
            pub fn fields(&self) -> Vec<(&'static str, Value)> {
                match self {
                    $(Self::$variant $({ $($field),+ })? =>
                        vec![$($((stringify!($field), $field.value())),+)?],)*
                    Self::Unknown { code, body } =>
                        vec![("code", Value::Number((*code).into())), ("body", Value::Bytes(body.clone()))],
                }
            }
        }
    };
}

events! {
    /// The relay serves.
    RelayStarted = 100, "relay.started", Info { version: Text, listen: Text };
    /// The relay ended in order.
    RelayStopped = 101, "relay.stopped", Info;
    /// The last run ended without a word; written when the next one starts.
    RelayCrashed = 102, "relay.crashed", Alarm;
    /// The relay's wall clock went so many milliseconds further than its monotonic clock, or less far if negative: it was
    /// set, or the machine was suspended, which the monotonic clock may not count. The order of events and all deadlines go by
    /// the monotonic clock and are not touched.
    ClockStep = 103, "clock.step", Warning { step_ms: i64 };
    /// The operator made a token for a new technician.
    TechnicianAdded = 200, "technician.added", Info { name: Name };
    /// A token was used: this key is now the technician's.
    TechnicianEnrolled = 201, "technician.enrolled", Info { name: Name, key: Fingerprint };
    /// The operator removed a technician; live connections are cut.
    TechnicianRemoved = 202, "technician.removed", Info { name: Name };
    /// A token was wrong, used or too old.
    EnrolRefused = 203, "enrol.refused", Warning { reason: Close };
    /// A host proved its key.
    HostRegistered = 300, "host.registered", Info;
    /// A host waits under a new code.
    HostWaiting = 301, "host.waiting", Info;
    /// A host waits no longer.
    HostLeft = 302, "host.left", Info { why: Left };
    /// A claim was refused; technician `-` is one that nobody knows.
    ClaimRefused = 400, "claim.refused", Warning { technician: Name, reason: Close };
    /// A claim was delivered to the host; the pairing begins.
    PairStarted = 401, "pair.started", Info { technician: Name };
    /// The host said that the code does not match.
    PairWrongCode = 402, "pair.wrong_code", Warning { technician: Name };
    /// Two viewers claimed one code at once; both were refused.
    PairTwoClaimants = 403, "pair.two_claimants", Warning;
    /// The code died: of wrong starts or of two claimants.
    PairCodeDead = 404, "pair.code_dead", Warning;
    /// A typing slip, caught by the check digit in the viewer.
    CodeMistyped = 405, "code.mistyped", Info { technician: Name };
    /// A viewer saw one code fail twice and refuses it: the relay may be guessing.
    CodeRefusedTwice = 406, "code.refused_twice", Alarm { technician: Name };
    /// Handshakes were refused, this many since the last such entry.
    HandshakeRefused = 450, "handshake.refused", Warning { reason: Text, count: u64 };
    /// Both ends proved that they know the code; the route opens.
    SessionStart = 500, "session.start", Info {
        technician: Name, desk: Name, technician_key: Fingerprint, host_key: PublicKey, viewer_key: PublicKey
    };
    /// An end came back with the same key.
    SessionReconnected = 501, "session.reconnected", Info { end: Role };
    /// The session ended; bytes and packets are what the relay forwarded, both ways.
    SessionEnd = 502, "session.end", Info { reason: Close, bytes: u64, packets: u64 };
    /// The session was lost; nobody said how it ended.
    SessionLost = 503, "session.lost", Warning { reason: Close };
    /// Somebody read the record with this command.
    RecordRead = 600, "record.read", Info { command: Text };
    /// The user was asked for these rights.
    ConsentAsked = 1_000, "consent.asked", Info { rights: Rights };
    /// The user gave these rights.
    ConsentGiven = 1_001, "consent.given", Info { rights: Rights };
    /// These rights were given beforehand, by the host's command line.
    ConsentPreset = 1_002, "consent.preset", Warning { rights: Rights };
    /// The user declined these rights.
    ConsentDeclined = 1_003, "consent.declined", Info { rights: Rights };
    /// The user said nothing for 60 s, which declines.
    ConsentTimedOut = 1_004, "consent.timed_out", Info { rights: Rights };
    /// The user took these rights back.
    RightRevoked = 1_050, "right.revoked", Info { rights: Rights };
    /// The technician sees this monitor from now on; its size in pixels.
    MonitorWatched = 1_100, "monitor.watched", Info { name: Name, width: u64, height: u64 };
    /// The technician used mouse or keyboard for the first time since control was given.
    ControlTaken = 1_150, "control.taken", Info;
    /// The user's own mouse or keyboard stopped the technician's, for 2 s at least.
    ControlYielded = 1_151, "control.yielded", Info;
    /// The peer is silent: input is off.
    SessionSuspended = 1_200, "session.suspended", Info;
    /// The peer is back.
    SessionResumed = 1_201, "session.resumed", Info;
    /// The user paused: no picture, no input, no clipboard.
    SessionPaused = 1_202, "session.paused", Info;
    /// The user lets the session go on.
    SessionContinued = 1_203, "session.continued", Info;
    /// The host left the session; its last fact.
    HostEnded = 1_250, "host.ended", Info { reason: Close };
    /// The user called the session a scam: the host ends it and blocks this relay.
    SessionReported = 1_260, "session.reported", Alarm;
    /// A text of the technician's was put on the user's clipboard; its length in bytes.
    ClipboardIn = 1_300, "clipboard.in", Info { kind: Text, size: u64 };
    /// A text of the user's clipboard was sent to the technician; its length in bytes.
    ClipboardOut = 1_301, "clipboard.out", Info { kind: Text, size: u64 };
    /// The technician's note.
    Note = 2_000, "note", Info { text: Text<4_096> };
}

impl Event {
    /// Who witnesses an event with this code.
    pub fn witness(code: u16) -> Origin {
        match code {
            0..1_000 => Origin::Relay,
            1_000..2_000 => Origin::Host,
            _ => Origin::Viewer,
        }
    }
}
