//! The whole relay as a state machine: two hosts and two viewers that say anything after a real handshake. Messages are
//! made from what was heard before, so that sequences reach sessions; and now and then from nothing.
//!
//! Kept in every sequence: no task of the relay panics, no packet is forwarded without a committed session that has not
//! ended, and the record verifies.

mod crowd;
mod end;

use self::crowd::Crowd;
use super::{Input, Target, damage};
use nearhand_proto::text::Name;
use nearhand_relay::{config::Config, limits::Limits, relay::Relay};
use std::{net::SocketAddr, time::Duration};

/// `( 1 end | 1 verb | 2 detail )*`: who says what.
pub(super) const RELAY: Target = Target { name: "relay", run, decode: None, seeds };

/// Steps of one sequence, at most.
const STEPS: usize = 64;

fn run(data: &[u8]) {
    let folder = damage::folder();
    let runtime = damage::runtime();
    runtime.block_on(async {
        let relay = Relay::start(config(folder.path())).await.expect("a relay starts");
        let mut crowd = Crowd::gather(&relay, folder.path()).await;
        let mut input = Input::new(data);
        for _ in 0..STEPS {
            if input.is_empty() {
                break;
            }
            let (who, verb, detail) = (input.byte(), input.byte(), input.array());
            crowd.step(who, verb, detail).await;
        }
        crowd.end().await;
    });
    // Its ends are gone, so nothing is left to be said; an end in order would wait for their packets.
    runtime.shutdown_background();
}

fn config(folder: &std::path::Path) -> Config {
    let many = 1 << 20;
    let limits = Limits {
        wrong_codes_per_hour: many,
        wrong_codes_per_day: many,
        wrong_codes_per_address: many,
        wrong_codes_in_all: many,
        connections_per_address: many,
        connections_per_technician: many,
        ..Limits::default()
    };
    Config {
        data: folder.to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        name: "127.0.0.1".to_owned(),
        desk: Name::lossy("Example Desk"),
        drain: Duration::ZERO,
        absence: Duration::from_secs(600),
        limits,
    }
}

/// A session from the first word to the last, and sequences around it.
fn seeds() -> Vec<Vec<u8>> {
    use crowd::{ABANDON, CLAIM, CONFIRMED, END, JUNK, LEAVE, PAIR, PROBE, RECORD, RETURN, WAIT};
    let step = |who: u8, verb: u8, detail: u8| [who, verb, 0, detail];
    let pairing = [step(0, WAIT, 0), step(2, CLAIM, 0), step(2, PAIR, 9), step(0, PAIR, 9)].concat();
    let session = [&pairing[..], &step(0, CONFIRMED, 0), &step(2, CONFIRMED, 0), &step(2, PROBE, 0)].concat();
    let after = |steps: &[[u8; 4]]| [&session[..], &steps.concat()].concat();
    vec![
        after(&[step(0, RECORD, 3), step(0, PROBE, 2), step(0, END, 1), step(2, PROBE, 0)]),
        after(&[step(2, END, 1), step(2, PROBE, 0), step(0, RECORD, 1), step(0, END, 0), step(0, PROBE, 2)]),
        after(&[
            step(2, RETURN, 0),
            step(2, PROBE, 0),
            step(0, RETURN, 0),
            step(0, PROBE, 2),
            step(3, PROBE, 0),
        ]),
        [
            &pairing[..],
            &step(3, CLAIM, 0),
            &step(0, CONFIRMED, 0),
            &step(2, CONFIRMED, 0),
            &step(2, PROBE, 0),
        ]
        .concat(),
        [&pairing[..], &step(2, ABANDON, 11), &step(0, CONFIRMED, 0), &step(0, LEAVE, 1), &step(0, WAIT, 0)]
            .concat(),
        [step(0, JUNK, 7), step(2, JUNK, 255), step(0, RETURN, 0), step(1, PROBE, 0), step(3, CLAIM, 1)]
            .concat(),
    ]
}
