//! The forwarder: which end a packet names, how a received buffer is split, and who may send to whom.

use super::{Input, Target};
use nearhand_proto::{
    ids::{Fingerprint, SessionId},
    route::{self, END_CID_LEN, Rid},
};
use nearhand_relay::forward::{Routes, Runs, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

/// A packet's header.
pub(super) const PACKET: Target =
    Target { name: "packet", run: packet, decode: Some(header), seeds: packets };
/// `2 stride | 2 beyond | bytes`: a buffer of datagrams, whose last bytes an earlier one has left there.
pub(super) const RUNS: Target = Target { name: "runs", run: runs, decode: None, seeds: buffers };
/// A list of operations on the table of routes.
pub(super) const ROUTES: Target = Target { name: "routes", run: routes, decode: None, seeds: tables };

fn header(data: &[u8]) {
    let _ = Rid::in_packet(data);
    let _ = route::destination(data);
    let _ = route::is_short(data);
}

fn packet(data: &[u8]) {
    header(data);
    let Some(rid) = Rid::in_packet(data) else { return };
    let cid = route::destination(data).expect("an end is named in the destination");
    let mut whole = [0; END_CID_LEN];
    let length = cid.len().min(END_CID_LEN);
    whole[..length].copy_from_slice(&cid[..length]);
    assert!(rid.issued(&whole), "{rid} is not what stands in {cid:?}");
}

fn runs(data: &[u8]) {
    let mut input = Input::new(data);
    let (stride, beyond) = (usize::from(input.u16()), usize::from(input.u16()));
    let buffer = input.rest();
    let length = buffer.len().saturating_sub(beyond);
    let mut runs = Runs::new(length, stride);
    let (mut at, mut last) = (0, None);
    while let Some(run) = runs.next(buffer) {
        assert!(run.part.start == at && at < run.part.end && run.part.end <= length, "{run:?}");
        assert_ne!(last.replace(run.to), Some(run.to), "neighbours of one class are one run");
        at = run.part.end;
        for datagram in buffer[run.part].chunks(stride.max(1)) {
            assert_eq!(Rid::in_packet(datagram), run.to);
        }
    }
    assert_eq!(at, length, "nothing is left out");
}

fn rid(end: u8) -> Rid {
    Rid::of(&key(end))
}

fn key(end: u8) -> Fingerprint {
    Fingerprint([end; 32])
}

fn packets() -> Vec<Vec<u8>> {
    let cid = rid(1).connection_id([7; 8]);
    let own = route::relay_connection_id([0xff; 8]);
    vec![
        [&[0x40][..], &cid, b"payload"].concat(),
        [&[0xc3, 0, 0, 0, 1, 16][..], &cid, &[0]].concat(),
        [&[0x40][..], &own, b"payload"].concat(),
        [&[0xc3, 0, 0, 0, 1, 8][..], &own, &[0]].concat(),
        vec![0x80, 0, 0, 0, 1, 20, 1],
    ]
}

fn buffers() -> Vec<Vec<u8>> {
    let datagram = |end: Option<u8>| {
        let cid = end.map_or([0; END_CID_LEN], |end| rid(end).connection_id([7; 8]));
        [&[0x40][..], &cid, b"pay"].concat()
    };
    let buffer = [Some(1), Some(1), Some(2), None, None, Some(1)].map(datagram).concat();
    [[0, 20, 0, 0], [0, 20, 0, 7], [0, 0, 0, 0], [255, 255, 0, 0]]
        .map(|head| [&head[..], &buffer].concat())
        .into()
}

/// What the table should know, kept in another way.
#[derive(Default)]
struct Model {
    /// Each registered end's address and connection.
    ends: BTreeMap<u8, (SocketAddr, u64)>,
    /// The two ends of each open session.
    open: BTreeMap<u8, (u8, u8)>,
}

impl Model {
    fn close_of(&mut self, end: u8) {
        self.open.retain(|_, (a, b)| *a != end && *b != end);
    }

    /// True if an end that was at `from` may send to `to`.
    fn allows(&self, to: u8, from: SocketAddr) -> bool {
        let at = |end: &u8| self.ends.get(end).is_some_and(|known| known.0 == from);
        self.open.values().any(|(a, b)| (*a == to && at(b)) || (*b == to && at(a)))
    }
}

fn routes(data: &[u8]) {
    let mut input = Input::new(data);
    let (mut table, mut model, traffic) = (Routes::default(), Model::default(), Arc::default());
    let address = |n: u8| SocketAddr::from(([127, 0, 0, 1], 1 + u16::from(n % 6)));
    while !input.is_empty() {
        let (verb, a, b, c) = (input.byte() % 6, input.byte() % 4, input.byte(), input.byte());
        let connection = u64::from(c);
        match verb {
            0 => {
                let taken = table.register(key(a), address(b), connection).is_ok();
                let newer = model.ends.get(&a).is_none_or(|known| known.1 <= connection);
                assert_eq!(taken, newer);
                if taken {
                    model.ends.insert(a, (address(b), connection));
                }
            }
            1 => {
                table.unregister(rid(a), connection);
                if model.ends.get(&a).is_some_and(|known| known.1 == connection) {
                    model.ends.remove(&a);
                    model.close_of(a);
                }
            }
            2 => {
                table.adopt(rid(a), address(b));
                model.ends.entry(a).and_modify(|known| known.0 = address(b));
            }
            3 if a != b % 4 => {
                let both = BTreeSet::from([a, b % 4]).iter().all(|end| model.ends.contains_key(end));
                assert_eq!(table.open(SessionId([c % 4; 16]), rid(a), rid(b % 4), &traffic), both);
                if both {
                    model.open.insert(c % 4, (a, b % 4));
                }
            }
            4 => {
                table.shut(SessionId([c % 4; 16]));
                model.open.remove(&(c % 4));
            }
            _ => {
                let verdict = table.verdict(rid(a), address(b), 1, 1);
                let expected = model.allows(a, address(b)).then(|| model.ends[&a].0);
                assert_eq!(verdict, expected.map_or(Verdict::Drop, Verdict::Send));
            }
        }
        assert_eq!(table.len(), model.ends.len());
    }
}

fn tables() -> Vec<Vec<u8>> {
    let pair = [[0, 0, 0, 9], [0, 1, 1, 9], [3, 0, 1, 0], [5, 0, 1, 0], [5, 1, 0, 0]].concat();
    let moved = [[2, 1, 5, 0], [5, 0, 1, 0], [5, 0, 5, 0]].concat();
    let gone = [[1, 0, 0, 9], [5, 0, 1, 0], [0, 0, 3, 10], [4, 0, 0, 0], [3, 1, 0, 1]].concat();
    vec![pair.clone(), [pair.clone(), moved].concat(), [pair, gone].concat()]
}
