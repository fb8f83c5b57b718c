//! The session's figures, readable at any time from any thread.

use crate::messages::{Stats, Telemetry};
use nearhand_proto::ids::SessionId;
use quinn::Connection;
use std::sync::{Mutex, PoisonError};

/// Shared by the session (writes) and its front (reads).
#[derive(Debug, Default)]
pub struct Figures(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    session: Option<SessionId>,
    handshakes: u64,
    /// The connection that stands, or stood last.
    connection: Option<Connection>,
    /// Bytes received on connections before that one.
    earlier: u64,
}

impl Figures {
    pub(super) fn paired(&self, session: SessionId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).session = Some(session);
    }

    pub(super) fn connected(&self, connection: &Connection) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.handshakes += 1;
        let before = state.connection.replace(connection.clone());
        state.earlier += before.map_or(0, |before| before.stats().udp_rx.bytes);
    }

    /// The session is over: the connection is let go, its figures stay.
    pub(super) fn lost(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.connection.take();
        state.earlier += before.map_or(0, |before| before.stats().udp_rx.bytes);
    }
}

impl Telemetry for Figures {
    fn stats(&self) -> Stats {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.connection.as_ref().map_or(0, |connection| connection.stats().udp_rx.bytes);
        Stats {
            session: state.session,
            quic_handshakes: state.handshakes,
            rtt: state.connection.as_ref().map(Connection::rtt),
            bytes_received: state.earlier + now,
        }
    }
}
