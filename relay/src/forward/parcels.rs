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
