//! The one shared quinn shell: identities and pins, connection-ID generators, the ends' socket, framed message
//! streams, the link that keeps an end registered at its relay, and the transport settings of both connections.

mod cid;
mod clips;
mod congestion;
mod frames;
mod identity;
mod link;
mod random;
mod session;
mod socket;
mod tls;
mod transport;
mod vigil;
mod watchdog;

pub use cid::{EndCids, RelayCids, initial_for_host, initial_for_relay};
pub use clips::{ClipReceiver, ClipSender};
pub use congestion::Congestion;
pub use frames::{FrameError, FrameReceiver, FrameSender, LENGTH_BYTES, frame, split_frame};
pub use identity::{Identity, IdentityError, certificate_of, key_of, verify_proof};
pub use link::{DialError, Link, LinkConfig, LinkEvent, LinkHandle, Moves};
pub use random::random;
pub use session::{close_reason, kick, session_client, session_server};
pub use socket::{PathSocket, RELAY};
pub use tls::{Pins, relay_client_tls, relay_server_tls};
pub use transport::{
    IDLE, NUDGE, STEP, control_of_end, control_of_relay, session_transport, session_transport_by,
};
pub use vigil::Vigil;
pub use watchdog::{LOOK, Sign, Watchdog};
