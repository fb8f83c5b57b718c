//! From which of its own addresses the computer speaks to the relay, and when that has changed: its network has then.

use super::any;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// From which of its addresses the kernel would send to this one; none without a route. Sends nothing.
pub(super) fn source(to: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(any(to)).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// What has been read so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources {
    /// The address that is spoken from, as far as known.
    known: Option<IpAddr>,
    /// What was read last, if it was another.
    other: Option<IpAddr>,
}

impl Sources {
    pub(super) fn new(known: Option<IpAddr>) -> Self {
        Self { known, other: None }
    }

    /// One more reading. True if the address has changed: a new one was read twice in a row. One reading alone is no
    /// change: with two routes of the same cost the kernel may choose now this one, now that.
    pub(super) fn handle_reading(&mut self, read: IpAddr) -> bool {
        let known = *self.known.get_or_insert(read);
        if known == read {
            self.other = None;
            return false;
        }
        let again = self.other.replace(read) == Some(read);
        if again {
            *self = Self::new(Some(read));
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_new_once_it_was_read_twice_in_a_row() {
        let check = |known: Option<u8>, readings: &[u8], expected: &[usize]| {
            let address = |last| IpAddr::from([192, 0, 2, last]);
            let mut sources = Sources::new(known.map(address));
            let changes: Vec<_> =
                (0..readings.len()).filter(|at| sources.handle_reading(address(readings[*at]))).collect();
            assert_eq!(changes, expected, "{known:?} {readings:?}");
        };
        check(Some(1), &[1, 1, 1], &[]);
        check(Some(1), &[2, 2, 2, 2], &[1]);
        check(Some(1), &[2, 1, 2, 1, 2, 1], &[]);
        check(Some(1), &[2, 3, 2, 3, 3, 3], &[4]);
        check(Some(1), &[2, 2, 1, 1], &[1, 3]);
        check(None, &[1, 1, 2, 2], &[3]);
    }
}
