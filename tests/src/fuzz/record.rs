//! The record's bytes: events, the tree, the verifier, and the host's list of a session's facts.

use super::{Input, Target};
use nearhand_proto::{
    ids::{ActorId, SessionId},
    record::{
        Entry, Event, Frontier, Hash, Header, Ledger, MAX_BODY, Origin, Severity, Stamp, StoredHead,
        StoredRow, Verifier, leaf_hash,
    },
    rights::Rights,
};
use std::time::Instant;

/// `2 code | body`, or a header.
pub(super) const EVENT: Target =
    Target { name: "event", run: event, decode: Some(read_event), seeds: events };
/// A frontier's bytes.
pub(super) const TREE: Target = Target { name: "tree", run: tree, decode: Some(read_tree), seeds: trees };
/// A list of changes to a whole log.
pub(super) const VERIFY: Target = Target { name: "verify", run: verify, decode: None, seeds: changes };
/// What a relay answers to a host's facts.
pub(super) const LEDGER: Target = Target { name: "ledger", run: ledger, decode: None, seeds: answers };

fn split(data: &[u8]) -> (u16, &[u8]) {
    let mut input = Input::new(data);
    (input.u16(), input.rest())
}

fn read_event(data: &[u8]) {
    let (code, body) = split(data);
    drop(Event::decode(code, body));
    let _ = Header::from_bytes(data);
}

/// Bytes mean one event, and an event has one encoding.
fn event(data: &[u8]) {
    if let Ok(header) = Header::from_bytes(data) {
        assert_eq!(header.to_bytes(), data);
    }
    let (code, body) = split(data);
    let Ok(event) = Event::decode(code, body) else { return };
    assert_eq!((event.code(), event.encode_body().as_slice()), (code, body));
    let severe = event.severity();
    assert!(
        [Severity::Info, Severity::Warning, Severity::Alarm].contains(&severe) && !event.name().is_empty()
    );
    for (name, value) in event.fields() {
        let shown = value.to_string();
        assert!(!shown.chars().any(char::is_control), "{name}: {shown:?} could drive a terminal");
    }
    let stamp = stamp(Event::witness(code), 0);
    let entry = Entry::new(&event, stamp, [3; 32]);
    let whole = Entry::from_parts(entry.header, entry.salt, entry.body.clone());
    assert_eq!(whole.is_ok(), body.len() <= MAX_BODY);
}

/// A body of every event that there is, and a header.
pub(super) fn events() -> Vec<Vec<u8>> {
    let field = |kind: &str| {
        let value: &[u8] = match kind {
            "u64" => &[0, 0, 0, 0, 0, 0, 1, 44],
            "hash" => &[7; 32],
            "key" => &[4; 65],
            "rights" => &[0, 0, 0, 3],
            "reason" => &[0, 10],
            "role" | "left" => &[1],
            _ => b"Vera",
        };
        [&u16::try_from(value.len()).unwrap_or(0).to_be_bytes()[..], value].concat()
    };
    let body = |row: &nearhand_proto::record::EventRow| {
        let fields: Vec<_> = row.fields.iter().flat_map(|(_, kind)| field(kind)).collect();
        [&row.code.to_be_bytes()[..], &fields].concat()
    };
    let header = Entry::new(&Event::ControlTaken, stamp(Origin::Host, 7), [3; 32]).header;
    Event::TABLE.iter().map(body).chain([header.to_bytes().to_vec(), vec![0xff, 0xff, 1]]).collect()
}

/// A `session.start`.
pub(super) fn start() -> Event {
    let starts = events().into_iter().find(|event| split(event).0 == 500).expect("it is in the table");
    Event::decode(500, split(&starts).1).expect("its own body")
}

const SESSION: SessionId = SessionId([5; 16]);

fn stamp(origin: Origin, seq: u64) -> Stamp {
    Stamp { origin, session: SESSION, seq, wall_ms: 1, monotonic_ns: 2, actor: ActorId([6; 16]) }
}

fn read_tree(data: &[u8]) {
    drop(Frontier::from_bytes(data));
}

/// A frontier that is read is written the same, and grows.
fn tree(data: &[u8]) {
    let Ok(mut frontier) = Frontier::from_bytes(data) else { return };
    assert_eq!(frontier.to_bytes(), data);
    if frontier.size() == u64::MAX {
        return; // nothing ever gets there
    }
    let before = (frontier.size(), frontier.root());
    frontier.push([1; 32]);
    assert!(frontier.size() == before.0 + 1 && frontier.root() != before.1);
    assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier));
}

fn trees() -> Vec<Vec<u8>> {
    let mut frontier = Frontier::default();
    let mut all = vec![frontier.to_bytes()];
    for leaf in 0..7 {
        frontier.push([leaf; 32]);
        all.push(frontier.to_bytes());
    }
    all
}

/// One stored row.
#[derive(Clone, PartialEq)]
struct Row {
    index: u64,
    session: Vec<u8>,
    seq: Option<u64>,
    code: u16,
    header: Vec<u8>,
    salt: Vec<u8>,
    body: Vec<u8>,
    leaf: Vec<u8>,
}

#[derive(Clone, PartialEq)]
struct Log {
    rows: Vec<Row>,
    heads: Vec<(u64, Vec<u8>, Vec<u8>)>,
}

fn row(index: u64, event: &Event, origin: Origin, seq: u64) -> Row {
    let entry = Entry::new(event, stamp(origin, seq), [7; 32]);
    let header = entry.header.to_bytes();
    Row {
        index,
        session: SESSION.0.to_vec(),
        seq: (origin != Origin::Relay).then_some(seq),
        code: event.code(),
        header: header.to_vec(),
        salt: entry.salt.to_vec(),
        body: entry.body.to_vec(),
        leaf: leaf_hash(&header).to_vec(),
    }
}

/// A session of seven entries, each with a head.
fn whole() -> Log {
    let start = start();
    let rights = Rights::VIEW;
    let rows = vec![
        row(0, &Event::RelayCrashed, Origin::Relay, 0),
        row(1, &start, Origin::Relay, 1),
        row(2, &Event::ConsentAsked { rights }, Origin::Host, 0),
        row(3, &Event::ConsentGiven { rights }, Origin::Host, 1),
        row(
            4,
            &Event::HandshakeRefused { reason: nearhand_proto::record::Text::new("slow"), count: 3 },
            Origin::Relay,
            4,
        ),
        row(5, &Event::ControlTaken, Origin::Host, 2),
        row(6, &Event::RelayStopped, Origin::Relay, 6),
    ];
    let (mut frontier, mut heads) = (Frontier::default(), Vec::new());
    for row in &rows {
        frontier.push(row.leaf.as_slice().try_into().expect("a leaf's length"));
        heads.push((frontier.size(), frontier.root().to_vec(), frontier.to_bytes()));
    }
    Log { rows, heads }
}

fn check(log: &Log) -> Option<(u64, Hash)> {
    let mut verifier = Verifier::new();
    let mut heads = log.heads.iter().peekable();
    for Row { index, session, seq, code, header, salt, body, leaf } in &log.rows {
        let row = StoredRow { index: *index, session, seq: *seq, code: *code, header, salt, body, leaf };
        verifier.entry(row).ok()?;
        while let Some((size, root, frontier)) = heads.next_if(|head| head.0 <= verifier.size()) {
            verifier.head(StoredHead { size: *size, root, frontier }).ok()?;
        }
    }
    if let Some((size, root, frontier)) = heads.next() {
        verifier.head(StoredHead { size: *size, root, frontier }).ok()?;
    }
    verifier.finish().ok()
}

/// Every change is found, but for what only somebody else's checkpoint can tell: that the log was cut off together with
/// its heads, or that heads in between are gone.
fn verify(data: &[u8]) {
    let mut input = Input::new(data);
    let original = whole();
    let mut log = original.clone();
    while !input.is_empty() {
        change(&mut log, &mut input);
    }
    let Some((size, root)) = check(&log) else {
        assert!(log != original, "a whole log is refused");
        return;
    };
    let count = usize::try_from(size).unwrap_or(usize::MAX);
    assert!(log.rows == original.rows[..count], "changed entries pass");
    let head = count.checked_sub(1).map(|last| original.heads[last].1.as_slice());
    assert!(head.is_none_or(|head| head == root));
}

fn change(log: &mut Log, input: &mut Input<'_>) {
    let (verb, at, place, bit) = (input.byte() % 10, input.byte(), input.byte(), input.byte());
    let count = log.rows.len();
    if count == 0 {
        return;
    }
    let (at, other) = (usize::from(at) % count, usize::from(place) % count);
    let flip = |bytes: &mut Vec<u8>| {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(usize::from(place) % length) {
            *byte ^= 1 << (bit % 8);
        }
    };
    let row = &mut log.rows[at];
    match verb {
        0 => flip(&mut row.header),
        1 => flip(&mut row.body),
        2 => flip(&mut row.salt),
        3 => flip(&mut row.leaf),
        4 => flip(&mut row.session),
        5 => (row.seq, row.code) = (input.byte().checked_sub(1).map(u64::from), u16::from(bit)),
        6 => log.rows.swap(at, other),
        7 => drop(log.rows.remove(at)),
        8 => {
            let copy = log.rows[other].clone();
            log.rows.insert(at, copy);
        }
        _ => match log.heads.get_mut(at) {
            Some(head) if bit & 1 == 0 => flip(&mut head.1),
            Some(head) if bit & 2 == 0 => flip(&mut head.2),
            Some(_) if bit & 4 == 0 => drop(log.heads.remove(at)),
            Some(head) => head.0 = u64::from(place),
            None => {}
        },
    }
}

fn changes() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..10).map(|verb| vec![verb, 3, 1, 2, 0]).collect();
    all.push(Vec::new());
    all.push(vec![7, 6, 0, 0, 9, 6, 0, 3]);
    all
}

/// Whatever a relay answers, facts are handed out in order, without a gap, and none that the relay has acknowledged.
fn ledger(data: &[u8]) {
    let mut input = Input::new(data);
    let start = Instant::now();
    let mut ledger = Ledger::new(SESSION, start);
    let mut settled = 0;
    while !input.is_empty() {
        let (verb, number) = (input.byte() % 5, u64::from(input.byte() % 16));
        match verb {
            0 | 1 => {
                drop(ledger.append(&Event::ControlTaken, Origin::Host, ActorId([2; 16]), 5, start, [3; 32]))
            }
            2 => ledger.handle_recorded(number),
            3 => ledger.handle_reconnected(if number == 15 { u64::MAX } else { number }),
            _ => {
                let seqs: Vec<_> = ledger
                    .poll_batch(usize::from(input.byte() % 8))
                    .iter()
                    .map(|e| e.header.stamp.seq)
                    .collect();
                assert!(seqs.windows(2).all(|two| two[0] + 1 == two[1]), "a gap in {seqs:?}");
                assert!(
                    seqs.first().is_none_or(|first| settled <= *first),
                    "handed out again what is settled"
                );
            }
        }
        if verb == 2 || verb == 3 {
            settled = settled.max(if number == 15 && verb == 3 {
                ledger.next()
            } else {
                number.min(ledger.next())
            });
        }
        assert!(!ledger.is_settled() || ledger.is_handed_out());
    }
}

fn answers() -> Vec<Vec<u8>> {
    vec![
        vec![0, 0, 0, 0, 0, 0, 4, 0, 2, 2, 1, 2, 1, 4, 0, 7, 3, 2, 4, 0, 7],
        vec![0, 0, 3, 15, 0, 0, 4, 0, 7, 2, 0, 2, 0, 4, 0, 7],
    ]
}
