//! A link in virtual time, and what flows over it: the weather's own shaper, the product's own transport settings. No
//! socket, no clock: the same seed gives the same figures on any machine, however busy.
//!
//! TLS draws randomness of its own, so lengths of a few handshake datagrams differ by bytes.

use super::{
    ends::{Control, End, tick},
    figures::Summary,
    flows::{Bulk, Eyes, Flow, Picture},
};
use nearhand_tests::weather::{Link, Shaper};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    time::{Duration, Instant},
};

/// What a flow carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Updates of so many bytes, of a screen that changes 30 times a second.
    Picture(usize),
    /// As much as goes.
    Bulk,
}

/// Changes of the screen a second.
const RATE: u32 = 30;

/// Before the first figure.
const WARM_UP: Duration = Duration::from_secs(2);

struct Pair {
    ends: [End; 2],
    flow: Flow,
    eyes: Eyes,
}

/// On its way: when it arrives, its number, the pair, true for the viewer, the datagram.
type Arrival = Reverse<(Instant, u64, usize, bool, Vec<u8>)>;

struct Sim {
    began: Instant,
    now: Instant,
    pairs: Vec<Pair>,
    /// Towards the host, towards the viewer.
    shapers: [Shaper; 2],
    /// To the viewer, without any queue.
    delay: Duration,
    way: BinaryHeap<Arrival>,
    count: u64,
}

/// Runs flows of one host and viewer over one link for so long; returns what came of each.
///
/// # Errors
/// What TLS says.
pub(super) fn run(
    link: &Link,
    flows: &[(Load, Control)],
    seconds: Duration,
    seed: u64,
) -> anyhow::Result<Vec<Summary>> {
    let began = Instant::now();
    let pair = |(load, control): &(Load, Control)| -> anyhow::Result<Pair> {
        let flow = match load {
            Load::Picture(size) => Flow::Picture(Box::new(Picture::new(*size, RATE, began))),
            Load::Bulk => Flow::Bulk(Bulk::default()),
        };
        Ok(Pair { ends: End::pair(control, began)?, flow, eyes: Eyes::default() })
    };
    let shapers = [
        Shaper::new(link.up.clone(), seed, began),
        Shaper::new(link.down.clone(), seed.wrapping_add(1), began),
    ];
    let pairs = flows.iter().map(pair).collect::<anyhow::Result<_>>()?;
    let delay = link.down.delay;
    let mut sim = Sim { began, now: began, pairs, shapers, delay, way: BinaryHeap::new(), count: 0 };
    let until = began + WARM_UP + seconds;
    while sim.now < until {
        sim.step();
    }
    Ok(sim.pairs.iter_mut().map(|pair| pair.flow.figures().summary(began + WARM_UP, until)).collect())
}

impl Sim {
    /// Everything that is due now, then on to the next moment at which something is.
    fn step(&mut self) {
        while let Some(Reverse((at, ..))) = self.way.peek()
            && *at <= self.now
            && let Some(Reverse((_, _, pair, to_viewer, bytes))) = self.way.pop()
        {
            self.pairs[pair].ends[usize::from(to_viewer)].handle(&bytes, self.now);
        }
        for number in 0..self.pairs.len() {
            self.drive(number);
        }
        let mut next = self.way.peek().map(|Reverse((at, ..))| *at);
        for pair in &mut self.pairs {
            let timers = pair.ends.iter_mut().filter_map(End::timeout).map(|at| tick(at, self.began));
            next = next.into_iter().chain(timers).chain(pair.flow.timeout(self.now)).min();
        }
        let soon = self.now + Duration::from_micros(1);
        self.now = next.unwrap_or(soon).max(soon);
    }

    fn drive(&mut self, number: usize) {
        let pair = &mut self.pairs[number];
        let [host, viewer] = &mut pair.ends;
        if let Some(connection) = viewer.connection() {
            pair.eyes.look(&mut pair.flow, connection, self.now);
        }
        if let Some(connection) = host.connection() {
            pair.flow.host(connection, self.now);
        }
        for (to_viewer, end) in [(true, host), (false, viewer)] {
            for datagram in end.drive(self.now) {
                let passed = self.shapers[usize::from(to_viewer)].pass(datagram, self.now);
                if to_viewer {
                    let at = passed.first().map(|(at, _)| *at);
                    let waited = at.map(|at| at.saturating_duration_since(self.now + self.delay));
                    pair.flow.figures().sent(waited, self.now);
                }
                for (at, bytes) in passed {
                    self.count += 1;
                    self.way.push(Reverse((at, self.count, number, to_viewer, bytes)));
                }
            }
        }
    }
}
