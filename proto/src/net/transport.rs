//! Transport settings (RFC 9000 §7.4, §18.2) of the two kinds of connection. Defaults of design §10.

use super::Congestion;
use quinn::{IdleTimeout, TransportConfig, VarInt, congestion::ControllerFactory};
use std::{sync::Arc, time::Duration};

/// A connection that hears nothing for this long is dead.
pub const IDLE: Duration = Duration::from_secs(30);

/// The relay's answer to one request, and each step of a pairing, must come within this.
pub const STEP: Duration = Duration::from_secs(30);

/// How often an end asks the relay for a sign of life while it awaits something from there. What a bad network has swallowed is
/// sent again as soon as anything newer has arrived (RFC 9002 §6.1); QUIC's own probes come ever more slowly (§6.2).
pub const NUDGE: Duration = Duration::from_millis(500);

/// Something is sent at least this often, so that NAT mappings live.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The same of a session: sending restarts the idle timer (RFC 9000 §10.1), so silence is noticed after [`IDLE`] and this
/// at the latest, 35 s being the promise.
const SESSION_KEEP_ALIVE: Duration = Duration::from_secs(4);

/// Flow-control window of the relay's control connections, in bytes: control messages are small, and thousands of
/// connections must not hold memory.
const RELAY_WINDOW: u32 = 128 << 10;

/// Flow-control window of a session's small streams and of what the viewer sends, in bytes.
const SESSION_WINDOW: u32 = 2 << 20;

/// Flow-control window of a screen stream at the viewer: at most a few updates in flight, of a few MiB each.
const SCREEN_WINDOW: u32 = 8 << 20;

/// What the round trip is taken for until it is measured. RFC 9002 §6.2.2 recommends 333 ms, but a first packet that is lost,
/// or finds the relay away, is then sent again after 1, 3 and 7 s; with this after 0.3, 0.9 and 2.1 s. On a longer path some
/// of a handshake's packets are sent twice in vain.
const INITIAL_RTT: Duration = Duration::from_millis(100);

fn base(idle: Duration) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(Some(IdleTimeout::try_from(idle.min(IDLE)).expect("30 s fit a VarInt of ms")))
        .keep_alive_interval(Some(KEEP_ALIVE.min(idle / 3)))
        .max_concurrent_bidi_streams(VarInt::from_u32(8))
        .max_concurrent_uni_streams(VarInt::from_u32(8));
    config
}

/// The relay's end of a control connection: one stream, opened by the end; datagrams for address proofs. Its messages
/// are small, so a send is one packet of the size that every path takes: quinn's send buffer, kept for each connection,
/// is 1 KiB then instead of 13, and no packets go out to find a larger size.
pub fn control_of_relay() -> Arc<TransportConfig> {
    let mut config = base(IDLE);
    config
        .enable_segmentation_offload(false)
        .mtu_discovery_config(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(RELAY_WINDOW))
        .receive_window(VarInt::from_u32(RELAY_WINDOW))
        .send_window(u64::from(RELAY_WINDOW))
        .datagram_receive_buffer_size(Some(4 << 10))
        .datagram_send_buffer_size(4 << 10);
    Arc::new(config)
}

/// An end's side of a control connection. It does not look for a larger size of packets either: the relay would take apart
/// each padded probe, byte by byte.
pub fn control_of_end() -> Arc<TransportConfig> {
    let mut config = base(IDLE);
    config
        .mtu_discovery_config(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(Some(4 << 10))
        .datagram_send_buffer_size(4 << 10);
    Arc::new(config)
}

/// The session connection; the shorter `idle` of both ends counts, [`IDLE`] at most and in the product.
pub fn session_transport(idle: Duration) -> Arc<TransportConfig> {
    session_transport_by(idle, Arc::new(Congestion::picture()))
}

/// The same under another congestion control, to compare.
pub fn session_transport_by(
    idle: Duration,
    congestion: Arc<dyn ControllerFactory + Send + Sync>,
) -> Arc<TransportConfig> {
    let mut config = base(idle);
    config
        .congestion_controller_factory(congestion)
        .keep_alive_interval(Some(SESSION_KEEP_ALIVE))
        .stream_receive_window(VarInt::from_u32(SCREEN_WINDOW))
        .receive_window(VarInt::from_u32(SCREEN_WINDOW + SESSION_WINDOW))
        .send_window(u64::from(SCREEN_WINDOW))
        .datagram_receive_buffer_size(Some(16 << 10))
        .datagram_send_buffer_size(16 << 10);
    Arc::new(config)
}
