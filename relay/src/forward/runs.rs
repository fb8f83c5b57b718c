//! One received buffer, split into runs of one class: datagrams in a row that are for the same end, or for the relay
//! itself. Pure. Runs are forwarded whole, so that segmentation offload keeps its batches.

use nearhand_proto::route::Rid;
use std::ops::Range;

/// Datagrams in a row that have the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The end that they are for; `None` for the relay itself.
    pub to: Option<Rid>,
    /// Where they stand in the buffer; never empty.
    pub part: Range<usize>,
}

/// Hands out the runs of a buffer, from the front.
#[derive(Clone, Debug)]
pub struct Runs {
    stride: usize,
    length: usize,
    at: usize,
}

impl Runs {
    /// Of the first `length` bytes of a buffer: datagrams of `stride` bytes, the last one may be shorter (UDP_GRO).
    pub fn new(length: usize, stride: usize) -> Self {
        Self { stride: stride.max(1), length, at: 0 }
    }

    /// The next run. Between two calls only bytes before the last run's end may change. What a buffer holds beyond its
    /// length is another datagram's, and is not looked at.
    pub fn next(&mut self, buffer: &[u8]) -> Option<Run> {
        let start = self.at;
        let first = self.datagram(start)?;
        let to = class(buffer, first.clone());
        self.at = first.end;
        while let Some(datagram) = self.datagram(self.at).filter(|next| class(buffer, next.clone()) == to) {
            self.at = datagram.end;
        }
        Some(Run { to, part: start..self.at })
    }

    fn datagram(&self, at: usize) -> Option<Range<usize>> {
        (at < self.length).then(|| at..at.saturating_add(self.stride).min(self.length))
    }
}

fn class(buffer: &[u8], datagram: Range<usize>) -> Option<Rid> {
    Rid::in_packet(buffer.get(datagram)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::ids::Fingerprint;

    fn packet(to: u8) -> [u8; 12] {
        let mut packet = [0x40; 12];
        packet[1..9].copy_from_slice(&Rid::of(&Fingerprint([to; 32])).connection_id([0; 8])[..8]);
        packet
    }

    fn parts(buffer: &[u8], length: usize) -> Vec<(bool, Range<usize>)> {
        let mut runs = Runs::new(length, 12);
        std::iter::from_fn(|| runs.next(buffer)).map(|run| (run.to.is_some(), run.part)).collect()
    }

    #[test]
    fn neighbours_of_one_class_are_one_run() {
        let own = [0; 12];
        let buffer = [packet(1), packet(1), packet(2), own, own, packet(1)].concat();
        let expected = [(true, 0..24), (true, 24..36), (false, 36..60), (true, 60..72)];
        assert_eq!(parts(&buffer, 72), expected);
        assert_eq!(parts(&buffer, 70).last(), Some(&(true, 60..70)), "a short last one");
        assert_eq!(parts(&buffer, 0), []);
    }

    #[test]
    fn what_an_earlier_datagram_has_left_behind_routes_nothing() {
        let buffer = [packet(1), packet(1)].concat();
        assert_eq!(parts(&buffer, 15), [(true, 0..12), (false, 12..15)]);
    }
}
