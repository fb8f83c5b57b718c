//! On which links which loads are compared.

use super::{ends::Control, sim::Load};
use nearhand_proto::net::Congestion;
use nearhand_tests::weather::{Link, Loss, Shape};
use quinn::congestion::{BbrConfig, CubicConfig, NewRenoConfig};
use std::{sync::Arc, time::Duration};

/// Updates of the goals: 60 kB (1.4 times what 10 Mbit/s carry at 30 a second), and 20 kB.
pub(super) const LARGE: usize = 60_000;
pub(super) const SMALL: usize = 20_000;

/// The best rung is 0; below 6 nothing is promised.
const RUNGS: usize = 6;

/// A congestion control by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    NewReno,
    Cubic,
    Bbr,
    Own,
}

impl Named {
    pub(super) const ALL: [Self; 4] = [Self::NewReno, Self::Cubic, Self::Bbr, Self::Own];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NewReno => "NewReno",
            Self::Cubic => "Cubic",
            Self::Bbr => "BBR",
            Self::Own => "ours",
        }
    }

    /// For a flow with this load; ours makes a difference.
    pub(super) fn control(self, load: Load) -> Control {
        match (self, load) {
            (Self::NewReno, _) => Arc::new(NewRenoConfig::default()),
            (Self::Cubic, _) => Arc::new(CubicConfig::default()),
            (Self::Bbr, _) => Arc::new(BbrConfig::default()),
            (Self::Own, Load::Picture(_)) => Arc::new(Congestion::picture()),
            (Self::Own, Load::Bulk) => Arc::new(Congestion::bulk()),
        }
    }
}

/// One row of the table.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) link: Link,
    pub(super) flows: Vec<Flow>,
}

/// What flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// This load, under what is compared.
    Compared(Load),
    /// Bulk under what a session's own connection has.
    BulkAsSession,
    /// Bulk of somebody else.
    CubicBulk,
}

impl Flow {
    pub(super) fn load(self) -> Load {
        match self {
            Self::Compared(load) => load,
            Self::BulkAsSession | Self::CubicBulk => Load::Bulk,
        }
    }

    pub(super) fn control(self, named: Named) -> Control {
        match self {
            Self::Compared(load) => named.control(load),
            Self::BulkAsSession => named.control(Load::Picture(0)),
            Self::CubicBulk => Named::Cubic.control(Load::Bulk),
        }
    }
}

/// The same both ways; megabits a second, ms, ms.
pub(super) fn plain(rate: Option<u64>, round_trip: u64, queue: u64, loss: Loss) -> Link {
    Link::both(Shape {
        delay: Duration::from_millis(round_trip / 2),
        rate: rate.map(|rate| rate * 1_000_000),
        queue: Duration::from_millis(queue),
        loss,
        ..Shape::default()
    })
}

fn lossy(percent: f64, burst: f64) -> Loss {
    Loss { share: percent / 100.0, burst }
}

/// All rows.
pub(super) fn all() -> Vec<Case> {
    let picture = |bytes| Flow::Compared(Load::Picture(bytes));
    let bulk = Flow::Compared(Load::Bulk);
    let clean = Loss::default();
    let mut cases = Vec::new();
    let mut add = |name: &str, link, flows: &[Flow]| {
        cases.push(Case { name: name.to_owned(), link, flows: flows.to_vec() });
    };
    for queue in [200, 1_000] {
        let link = plain(Some(10), 40, queue, clean);
        add(&format!("10 Mbit/s, 40 ms, queue {queue} ms: 60 kB"), link, &[picture(LARGE)]);
    }
    add("1 % loss, 100 ms: 20 kB", plain(None, 100, 0, lossy(1.0, 1.0)), &[picture(SMALL)]);
    add("the same, 20 Mbit/s", plain(Some(20), 100, 200, lossy(1.0, 1.0)), &[picture(SMALL)]);
    add("the same in bursts of 6", plain(Some(20), 100, 200, lossy(1.0, 6.0)), &[picture(SMALL)]);
    add("20 Mbit/s, 3 % loss, 200 ms: 20 kB", plain(Some(20), 200, 200, lossy(3.0, 1.0)), &[picture(SMALL)]);
    add("100 Mbit/s, 20 ms: 60 kB", plain(Some(100), 20, 100, clean), &[picture(LARGE)]);
    add("100 Mbit/s, 20 ms: bulk", plain(Some(100), 20, 100, clean), &[bulk]);
    add("20 Mbit/s, 1 % loss, 100 ms: bulk", plain(Some(20), 100, 200, lossy(1.0, 1.0)), &[bulk]);
    for queue in [200, 1_000] {
        for bytes in [LARGE, SMALL] {
            let link = plain(Some(10), 40, queue, clean);
            let name = format!("10 Mbit/s, 40 ms, queue {queue} ms: {} kB beside bulk", bytes / 1_000);
            add(&name, link, &[picture(bytes), bulk]);
        }
    }
    for (rate, queue) in [(10, 5), (50, 5), (10, 25), (10, 50), (10, 200), (10, 500), (10, 1_000)] {
        let link = plain(Some(rate), 40, queue, clean);
        let name = format!("{rate} Mbit/s, 40 ms, queue {queue} ms: bulk beside somebody's Cubic");
        add(&name, link, &[Flow::BulkAsSession, Flow::CubicBulk]);
    }
    for rung in 0..=RUNGS {
        add(&format!("rung {rung}: 20 kB"), Link::rung(rung), &[picture(SMALL)]);
    }
    for rung in 0..=RUNGS {
        add(&format!("rung {rung}: bulk"), Link::rung(rung), &[Flow::BulkAsSession]);
    }
    cases
}
