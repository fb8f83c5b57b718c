//! Protocol versions and the ALPN identifiers (RFC 7301) that carry them. A new version documents here what it
//! changed; an end that offers none of the relay's versions is refused with [`crate::close::Close::Version`].

/// The protocol's version. 1: the first.
pub const VERSION: u16 = 1;

/// ALPN of the control connection, host or viewer to relay.
pub const ALPN_CONTROL: &[u8] = b"nearhand-control/1";

/// ALPN of the session connection, viewer to host, end to end.
pub const ALPN_SESSION: &[u8] = b"nearhand-session/1";
