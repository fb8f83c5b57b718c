//! What one receive has brought for ends, joined into as few sends as its order allows. Pure. A send costs the kernel
//! the same whether it carries one packet or sixty-four, and what came as several batches of one sender can leave as one.

use quinn_udp::EcnCodepoint;
use std::{
    net::SocketAddr,
    ops::{Deref, Range},
};

/// UDP payload that one send may carry, in bytes: 65,535 less the headers of IPv4 and UDP.
const MOST_BYTES: usize = 65_507;

/// What all packets of one send have in common. Ordered by destination first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) destination: SocketAddr,
    /// Bytes of each packet; the last one may be shorter.
    pub(super) stride: usize,
    pub(super) ecn: Option<EcnCodepoint>,
}

/// A run that may be forwarded.
#[derive(Clone, Debug)]
pub(super) struct Granted {
    pub(super) way: Way,
    /// In which buffer of the receive.
    pub(super) buffer: usize,
    /// Where it stands in there; never empty.
    pub(super) part: Range<usize>,
}

/// The runs of one receive.
#[derive(Debug, Default)]
pub(super) struct Parcels {
    runs: Vec<Granted>,
    joined: Vec<u8>,
}

impl Parcels {
    /// One more run, after those before it.
    pub(super) fn push(&mut self, run: Granted) {
        self.runs.push(run);
    }

    /// Hands out everything as sends of at most `most` packets and forgets it. What goes to one destination keeps its
    /// order; nothing is copied that leaves as it came.
    pub(super) fn send_all<B: Deref<Target = [u8]>>(
        &mut self,
        buffers: &[B],
        most: usize,
        mut send: impl FnMut(&Way, &[u8]),
    ) {
        self.runs.sort_by_key(|run| run.way.destination); // stable
        let mut rest = self.runs.as_slice();
        while let Some(first) = rest.first() {
            let (parcel, others) = rest.split_at(fitting(rest, most));
            rest = others;
            let bytes = |run: &Granted| buffers[run.buffer].get(run.part.clone()).unwrap_or_default();
            if let [alone] = parcel {
                bytes(alone)
                    .chunks(alone.way.stride.saturating_mul(most))
                    .for_each(|part| send(&alone.way, part));
                continue;
            }
            self.joined.clear();
            parcel.iter().for_each(|run| self.joined.extend_from_slice(bytes(run)));
            send(&first.way, &self.joined);
        }
        self.runs.clear();
    }
}

/// How many of the first runs one send can carry; one at least.
fn fitting(runs: &[Granted], most: usize) -> usize {
    let Some(first) = runs.first() else { return 0 };
    let (stride, mut length) = (first.way.stride, 0);
    let fits = |run: &&Granted| {
        // Only the last packet of a send may be shorter than the others.
        let whole = length % stride == 0;
        let joined = length + run.part.len();
        let fits = run.way == first.way && whole && joined.div_ceil(stride) <= most && joined <= MOST_BYTES;
        length = joined;
        fits
    };
    runs.iter().take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(port: u16, stride: usize, buffer: usize, length: usize) -> Granted {
        let destination = ([127, 0, 0, 1], port).into();
        Granted { way: Way { destination, stride, ecn: None }, buffer, part: 0..length }
    }

    /// What is sent for these runs: destination, bytes of a packet, contents. Buffers hold their own number.
    fn sent(runs: Vec<Granted>, most: usize) -> Vec<(u16, usize, Vec<u8>)> {
        let buffers: Vec<Vec<u8>> = (0..9).map(|number| vec![number; 70_000]).collect();
        let (mut parcels, mut sent) = (Parcels::default(), Vec::new());
        runs.into_iter().for_each(|run| parcels.push(run));
        let note = |way: &Way, bytes: &[u8]| sent.push((way.destination.port(), way.stride, bytes.to_vec()));
        parcels.send_all(&buffers, most, note);
        parcels.send_all(&buffers, most, |_, _| panic!("sent once"));
        sent
    }

    #[test]
    fn what_goes_one_way_is_joined_in_order_around_what_does_not() {
        let runs = vec![run(7, 2, 0, 4), run(5, 3, 1, 3), run(7, 2, 2, 2), run(5, 3, 3, 3), run(7, 2, 4, 1)];
        assert_eq!(sent(runs, 64), [(5, 3, vec![1, 1, 1, 3, 3, 3]), (7, 2, vec![0, 0, 0, 0, 2, 2, 4])]);
    }

    #[test]
    fn a_short_packet_a_new_size_and_a_new_mark_end_a_send() {
        let mut marked = run(7, 2, 3, 2);
        marked.way.ecn = Some(EcnCodepoint::Ce);
        let runs = vec![run(7, 2, 0, 3), run(7, 2, 1, 2), run(7, 4, 2, 4), run(7, 2, 4, 2), marked];
        let parts: Vec<_> = sent(runs, 64).into_iter().map(|(_, stride, bytes)| (stride, bytes)).collect();
        let expected =
            [(2, vec![0, 0, 0]), (2, vec![1, 1]), (4, vec![2; 4]), (2, vec![4, 4]), (2, vec![3, 3])];
        assert_eq!(parts, expected);
    }

    #[test]
    fn no_send_is_larger_than_the_kernel_takes() {
        let sizes = |runs, most| sent(runs, most).iter().map(|(_, _, bytes)| bytes.len()).collect::<Vec<_>>();
        let runs = |count| (0..count).map(|buffer| run(7, 1_000, buffer, 10_000)).collect::<Vec<_>>();
        assert_eq!(sizes(runs(7), 64), [60_000, 10_000], "64 packets");
        assert_eq!(sizes(runs(2), 1), [1_000; 20], "no segmentation offload");
        let large = (0..9).map(|buffer| run(7, 8_000, buffer, 8_000)).collect();
        assert_eq!(sizes(large, 64), [64_000, 8_000], "65,507 bytes");
        assert_eq!(sizes(vec![run(7, 10, 0, 1_000)], 64), [640, 360], "one run alone");
    }
}
