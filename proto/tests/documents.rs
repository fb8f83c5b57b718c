//! What `docs/protocol.md` lists, compared with the code: the close codes, and every message once, byte by byte (the
//! golden bytes of the wire). `UPDATE_DOCS=1 cargo test -p nearhand-proto --test documents` writes the page anew;
//! a difference in an old message is a change of the protocol, not of the page.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail it")]

use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Leave, PublicKey, Register, Role, SessionState, Technician, ToEnd, ToRelay, Token},
    ids::{ActorId, ClaimId, Fingerprint, SessionId},
    pair::{Answer, Element, PairMessage, Start},
    record::{Entry, Event, Origin, Stamp},
    rights::Rights,
    route::Rid,
    session::{
        StreamKind, ToHost, ToViewer,
        clipboard::{self, MAX_TEXT},
        control::RightsChange,
        cursor::{Position, Shape},
        geometry::{Monitor, MonitorId, Point, Rect, Size},
        input::{Button, Input, Locks, Usage},
        screen::{Colour, Epoch, Move, Screen, Tiles, UpdateNo},
    },
    wire::{self, Message},
};
use serde_bytes::ByteBuf;
use std::{fmt::Debug, fmt::Write as _, path::Path};

/// Compares the part of the page between the markers of `name` with `expected`, or writes it.
fn check_page(name: &str, expected: &str) {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(&begin).unwrap();
    let (listed, tail) = rest.split_once(&end).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{begin}{expected}{end}{tail}")).unwrap();
    } else {
        let how = "run UPDATE_DOCS=1 cargo test -p nearhand-proto --test documents -- --test-threads 1";
        assert!(listed == expected, "docs/protocol.md does not say what the code does; {how}");
    }
}

#[test]
fn the_protocol_page_lists_every_close_code() {
    let mut table = "| code | name | exit | retry | sentence |\n|---|---|---|---|---|\n".to_owned();
    for close in Close::ALL {
        let (code, exit, words) = (close.code(), close.exit_code(), close.sentence());
        let retry = if close.may_retry() { "yes" } else { "–" };
        writeln!(table, "| {code} | `{close:?}` | {exit} | {retry} | {words} |").unwrap();
    }
    check_page("closes", &table);
}

#[test]
fn the_protocol_page_shows_every_message() {
    let mut rows = Rows("| message | bytes |\n|---|---|\n".to_owned());
    to_relay(&mut rows);
    to_end(&mut rows);
    pairing(&mut rows);
    to_host(&mut rows);
    to_viewer(&mut rows);
    screen(&mut rows);
    input(&mut rows);
    clipboard(&mut rows);
    check_page("examples", &rows.0);
}

struct Rows(String);

impl Rows {
    /// Encodes, decodes again, and adds the line.
    fn add<M: Message + Debug + PartialEq>(&mut self, label: &str, message: M) {
        let bytes = wire::encode(&message);
        assert_eq!(wire::decode::<M>(&bytes), Ok(message), "{label}");
        writeln!(self.0, "| `{label}` | `{}` |", hex::encode(bytes)).unwrap();
    }
}

const CLAIM: ClaimId = ClaimId(7);
const SESSION: SessionId = SessionId([0x11; 16]);
const SIZE: Size = Size { width: 1_920, height: 1_080 };

fn key() -> PublicKey {
    let mut point = [0x22; 65];
    point[0] = 4;
    PublicKey::try_from(ByteBuf::from(point)).unwrap()
}

/// The routing id `0x8102030405060708`.
fn rid() -> Rid {
    Rid::of(&Fingerprint([1, 2, 3, 4, 5, 6, 7, 8].repeat(4).try_into().unwrap()))
}

fn technician() -> Technician {
    let (name, desk) = ("Vera".parse().unwrap(), "Desk".parse().unwrap());
    Technician { id: ActorId([0x33; 16]), name, desk }
}

fn entry() -> Entry {
    let stamp = Stamp {
        origin: Origin::Host,
        session: SESSION,
        seq: 0,
        wall_ms: 1_790_000_000_000,
        monotonic_ns: 1_000_000,
        actor: ActorId([0x44; 16]),
    };
    Entry::new(&Event::ConsentAsked { rights: Rights::VIEW }, stamp, [0x55; 32])
}

fn to_relay(rows: &mut Rows) {
    let register = Register { role: Role::Host, key: key(), signature: ByteBuf::from([0x66; 4]) };
    let locator = Locator::new(38_471, 5).unwrap();
    let message = ByteBuf::from([0xaa; 3]);
    rows.add("ToRelay::Register(host, key, signature of 4 bytes)", ToRelay::Register(register));
    rows.add("ToRelay::Enrol(\"abc\")", ToRelay::Enrol(Token("abc".to_owned())));
    rows.add("ToRelay::Wait", ToRelay::Wait);
    rows.add("ToRelay::Leave(wrong codes)", ToRelay::Leave(Leave::WrongCodes));
    rows.add("ToRelay::Leave(reported)", ToRelay::Leave(Leave::Reported));
    rows.add("ToRelay::Claim(38471)", ToRelay::Claim(locator));
    rows.add("ToRelay::Mistyped", ToRelay::Mistyped);
    rows.add("ToRelay::RefusedTwice", ToRelay::RefusedTwice);
    rows.add("ToRelay::Pair(7, 3 bytes)", ToRelay::Pair { claim: CLAIM, message });
    rows.add("ToRelay::Confirmed(7)", ToRelay::Confirmed(CLAIM));
    rows.add("ToRelay::Abandon(7, 11)", ToRelay::Abandon { claim: CLAIM, why: Close::WrongCode });
    rows.add(
        "ToRelay::Record(session, consent.asked)",
        ToRelay::Record { session: SESSION, entries: vec![entry()] },
    );
    rows.add("ToRelay::End(session, 2)", ToRelay::End { session: SESSION, why: Close::TechnicianLeft });
    rows.add("ToRelay::Ping(300)", ToRelay::Ping(300));
}

fn to_end(rows: &mut Rows) {
    let desk = "Desk".parse().unwrap();
    let sessions = vec![SessionState { session: SESSION, peer: rid(), next: 70_000 }];
    let message = ByteBuf::from([0xaa; 3]);
    rows.add("ToEnd::Registered(\"Desk\", one session)", ToEnd::Registered { desk, sessions });
    rows.add("ToEnd::Refused(10)", ToEnd::Refused(Close::NoSuchCode));
    rows.add("ToEnd::Enrolled(technician)", ToEnd::Enrolled(technician()));
    rows.add("ToEnd::Waiting(00042)", ToEnd::Waiting(Locator::new(42, 5).unwrap()));
    rows.add("ToEnd::Incoming(7, technician)", ToEnd::Incoming { claim: CLAIM, technician: technician() });
    rows.add("ToEnd::Claimed(7, technician)", ToEnd::Claimed { claim: CLAIM, technician: technician() });
    rows.add("ToEnd::Pair(7, 3 bytes)", ToEnd::Pair { claim: CLAIM, message });
    rows.add("ToEnd::Withdrawn(7, 13)", ToEnd::Withdrawn { claim: CLAIM, why: Close::TwoClaimants });
    rows.add(
        "ToEnd::Paired(7, session, peer)",
        ToEnd::Paired { claim: CLAIM, session: SESSION, peer: rid() },
    );
    rows.add("ToEnd::RouteOpen(session)", ToEnd::RouteOpen(SESSION));
    rows.add("ToEnd::Recorded(session, 5)", ToEnd::Recorded { session: SESSION, next: 5 });
    rows.add("ToEnd::Ended(session, 40)", ToEnd::Ended { session: SESSION, why: Close::Lost });
    rows.add("ToEnd::Pong(300)", ToEnd::Pong(300));
}

fn pairing(rows: &mut Rows) {
    let element = |side: u8| Element::try_from([&[side][..], &[0x77; 32]].concat().as_slice()).unwrap();
    let certificate = Fingerprint([0x88; 32]);
    let want = Rights::VIEW | Rights::CONTROL;
    let start = Start { version: 1, element: element(b'A'), certificate, want };
    let answer = Answer { version: 1, element: element(b'B'), certificate };
    rows.add("PairMessage::Start(1, A…, certificate, view and control)", PairMessage::Start(start));
    rows.add("PairMessage::Answer(1, B…, certificate)", PairMessage::Answer(answer));
    rows.add("PairMessage::Proof", PairMessage::Proof([0x99; 32]));
    rows.add("PairMessage::Proved", PairMessage::Proved([0x99; 32]));
    rows.add("PairMessage::Mismatch(1)", PairMessage::Mismatch { left: 1 });
}

fn to_host(rows: &mut Rows) {
    let drawn = ToHost::Drawn { epoch: Epoch(65_536), update: UpdateNo(9) };
    rows.add("ToHost::Hello", ToHost::Hello);
    rows.add("ToHost::Ask(control)", ToHost::Ask(Rights::CONTROL));
    rows.add("ToHost::Watch(1)", ToHost::Watch(MonitorId(1)));
    rows.add("ToHost::Drawn(65536, 9)", drawn);
    rows.add("ToHost::Note(\"ok\")", ToHost::Note("ok".to_owned()));
}

fn to_viewer(rows: &mut Rows) {
    let monitor = Monitor {
        id: MonitorId(1),
        name: "DP-1".parse().unwrap(),
        left: -1_920,
        top: 0,
        size: SIZE,
        primary: true,
    };
    let welcome = ToViewer::Welcome { computer: "pc".parse().unwrap(), rights: Rights::empty() };
    let shape = Shape::new(Size { width: 1, height: 1 }, (0, 0), vec![1, 2, 3, 255]);
    let held = ToViewer::Rights { held: Rights::VIEW, why: RightsChange::Revoked };
    rows.add("ToViewer::Welcome(\"pc\", none)", welcome);
    rows.add("ToViewer::Monitors(DP-1 at -1920, 0, primary)", ToViewer::Monitors(vec![monitor]));
    rows.add("ToViewer::Asking(view)", ToViewer::Asking(Rights::VIEW));
    rows.add("ToViewer::Rights(view, revoked)", held);
    rows.add("ToViewer::Shape(1 × 1)", ToViewer::Shape(shape));
    rows.add("ToViewer::Noted(3)", ToViewer::Noted { seq: 3 });
    rows.add("ToViewer::NeedsRight(control)", ToViewer::NeedsRight(Rights::CONTROL));
    rows.add("ToViewer::NoPicture(\"\")", ToViewer::NoPicture(String::new()));
    rows.add("ToViewer::Acted(7)", ToViewer::Acted(7));
    rows.add("ToViewer::Paused(true)", ToViewer::Paused(true));
    rows.add("ToViewer::Yielded(false)", ToViewer::Yielded(false));
    rows.add("ToViewer::OwnWindow", ToViewer::OwnWindow);
    rows.add("ToViewer::Clipped(300)", ToViewer::Clipped { bytes: 300 });
    rows.add("ToViewer::ClipboardTooLong", ToViewer::ClipboardTooLong);
}

fn screen(rows: &mut Rows) {
    let rect = Rect { x: 64, y: 0, width: 300, height: 16 };
    let tiles = Tiles {
        solid: vec![(rect, [0x10, 0x20, 0x30])],
        palette: vec![Colour { number: 7, rgb: [0x40, 0x50, 0x60] }],
        indexed: vec![rect],
        coded: vec![rect],
        data: ByteBuf::from([0xbb; 2]),
    };
    let position = Position {
        epoch: Epoch(0),
        seq: 2,
        x: 10,
        y: -1,
        shape: Shape::new(Size { width: 1, height: 1 }, (0, 0), vec![1, 2, 3, 255]).id,
    };
    let open = Screen::Open { monitor: MonitorId(1), epoch: Epoch(0), size: SIZE };
    rows.add("Screen::Open(1, 0, 1920 × 1080)", open);
    rows.add("Screen::Begin(1)", Screen::Begin(UpdateNo(1)));
    let moved = Move { to: rect, from: Point { x: 64, y: 32 } };
    rows.add("Screen::Moves(one)", Screen::Moves(vec![moved]));
    rows.add("Screen::Tiles(one solid, one colour, one indexed, one coded)", Screen::Tiles(tiles));
    rows.add("Screen::End(more, 1500 µs)", Screen::End { more: true, spent_us: 1_500 });
    rows.add("Position(0, 2, 10, -1, shape)", position);
}

fn input(rows: &mut Rows) {
    let pointer = Input::Pointer { epoch: Epoch(0), at: Point { x: 300, y: 200 } };
    rows.add("Input::Pointer(0, 300, 200)", pointer);
    rows.add("Input::Button(right, down)", Input::Button { button: Button::Right, down: true });
    rows.add("Input::Wheel(0, -3)", Input::Wheel { x: 0, y: -3 });
    rows.add("Input::Key(0xe0, up)", Input::Key { usage: Usage(0xe0), down: false });
    rows.add("Input::Text(\"é\")", Input::Text("é".to_owned()));
    rows.add("Input::Heartbeat", Input::Heartbeat);
    rows.add("Input::Mark(7)", Input::Mark(7));
    let locks = Locks { caps: true, num: false, scroll: false };
    rows.add("Input::Locks(caps)", Input::Locks(locks));
}

fn clipboard(rows: &mut Rows) {
    rows.add("clipboard::Text(\"é\")", clipboard::Text("é".to_owned()));
}

#[test]
fn every_kind_of_stream_has_its_byte() {
    let kinds = [(1, StreamKind::Input), (2, StreamKind::Screen), (3, StreamKind::Clipboard)];
    for (byte, kind) in kinds {
        assert_eq!((StreamKind::try_from(byte), kind as u8), (Ok(kind), byte));
    }
    assert_eq!(StreamKind::try_from(4), Err(4));
    assert_eq!(MAX_TEXT, 1_048_576, "as the protocol page says");
}
