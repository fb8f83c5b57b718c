//! What an end (host or viewer) and the relay say to each other on the control connection: one bidirectional stream,
//! opened by the end, messages framed `4 length (big endian) | body`; and QUIC datagrams for the proof of an address.
//!
//! ```text
//! host                          relay                         viewer
//!  | Register(Host) ------------> |                              |
//!  | <-------------- Registered   |                              |
//!  | Wait ----------------------> |                              |
//!  | <----- Waiting(locator)      | <--------- Register(Viewer)  |
//!  |                              | Registered ----------------> |
//!  | <--- Incoming(claim, who)    | <------- Claim(locator)      |
//!  |                              | Claimed(claim, who) -------> |
//!  | <--------------------------- Pair(PAKE bytes) ------------> |   opaque to the relay
//!  | Confirmed(claim) ----------> | <------ Confirmed(claim)     |
//!  |        session row and `session.start` are committed        |
//!  | <---- Paired(session, peer)  | Paired(session, peer) -----> |
//!  | Record(entries) -----------> |                              |
//!  | <----- Recorded(next)        |                              |
//!  | End(session) --------------> | Ended(session) ------------> |
//! ```

mod messages;
mod register;

pub use messages::{Leave, SessionState, Technician, ToEnd, ToRelay, Token};
pub use register::{EXPORTER_LABEL, PublicKey, PublicKeyError, Register, Role, proof_message};
