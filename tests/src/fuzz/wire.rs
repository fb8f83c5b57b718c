//! The messages of every stream, as [`nearhand_proto::wire`] decodes them.

use super::Target;
use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Leave, SessionState, Technician, ToEnd, ToRelay, Token},
    ids::{ActorId, ClaimId, Fingerprint, SessionId},
    pair::{Answer, Element, PairMessage, Start},
    record::{Entry, Event, Origin, Stamp, Text},
    rights::Rights,
    route::Rid,
    session::{
        ToHost, ToViewer, clipboard,
        control::RightsChange,
        cursor::{Position, Shape, ShapeId},
        geometry::{Monitor, MonitorId, Point, Rect, Size},
        input::{Button, Input, Locks, Usage},
        screen::{Colour, Epoch, Move, Screen, Tiles, UpdateNo},
    },
    text::Name,
    wire::{self, Message},
};
use serde_bytes::ByteBuf;
use std::fmt::Debug;

/// End to relay.
pub(super) const TO_RELAY: Target = target::<ToRelay>("to_relay", || encoded(&to_relay()));
/// Relay to end.
pub(super) const TO_END: Target = target::<ToEnd>("to_end", || encoded(&to_end()));
/// Viewer to host.
pub(super) const TO_HOST: Target = target::<ToHost>("to_host", || encoded(&to_host()));
/// Host to viewer.
pub(super) const TO_VIEWER: Target = target::<ToViewer>("to_viewer", || encoded(&to_viewer()));
/// Keys and mouse.
pub(super) const INPUT: Target = target::<Input>("input", || encoded(&inputs()));
/// The picture.
pub(super) const SCREEN: Target = target::<Screen>("screen", || encoded(&screen()));
/// The pointer's place.
pub(super) const POSITION: Target = target::<Position>("position", || encoded(&positions()));
/// Clipboard texts.
pub(super) const CLIPBOARD: Target = target::<clipboard::Text>("clipboard", || encoded(&clips()));
/// The pairing.
pub(super) const PAIR_MESSAGE: Target = target::<PairMessage>("pair_message", || encoded(&pair_messages()));

const fn target<M: Message + PartialEq + Debug>(name: &'static str, seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run: survives::<M>, decode: Some(decodes::<M>), seeds }
}

fn decodes<M: Message>(data: &[u8]) {
    drop(wire::decode::<M>(data));
}

/// What is decoded is encoded in no more bytes than came, and decoded as the same.
fn survives<M: Message + PartialEq + Debug>(data: &[u8]) {
    let Ok(message) = wire::decode::<M>(data) else { return };
    let again = wire::encode(&message);
    assert!(again.len() <= data.len(), "{} bytes became {}", data.len(), again.len());
    assert_eq!(wire::decode::<M>(&again), Ok(message));
}

fn encoded<M: Message>(messages: &[M]) -> Vec<Vec<u8>> {
    messages.iter().map(wire::encode).collect()
}

fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect { x, y, width, height }
}

fn technician() -> Technician {
    Technician { id: ActorId([7; 16]), name: Name::lossy("Vera Example"), desk: Name::lossy("Example Desk") }
}

fn locator() -> Locator {
    Locator::new(38_471, 5).expect("five digits")
}

/// One of each kind, and some at their limits.
pub(super) fn to_relay() -> Vec<ToRelay> {
    let (claim, session) = (ClaimId(9), SessionId([5; 16]));
    let stamp = Stamp {
        origin: Origin::Host,
        session,
        seq: 0,
        wall_ms: 1_764_028_800_000,
        monotonic_ns: 5_000_000_001,
        actor: ActorId([2; 16]),
    };
    let events = [Event::ControlTaken, Event::Note { text: Text::new("a note") }];
    let entries: Vec<_> = events.iter().map(|event| Entry::new(event, stamp, [3; 32])).collect();
    vec![
        ToRelay::Register(super::pairing::registration()),
        ToRelay::Enrol(Token("0123456789abcdefghijkl".to_owned())),
        ToRelay::Wait,
        ToRelay::Leave(Leave::WrongCodes),
        ToRelay::Claim(locator()),
        ToRelay::Mistyped,
        ToRelay::RefusedTwice,
        ToRelay::Pair { claim, message: ByteBuf::from(vec![1; ToRelay::MAX_PAIR]) },
        ToRelay::Confirmed(claim),
        ToRelay::Abandon { claim, why: Close::WrongCode },
        ToRelay::Record { session, entries },
        ToRelay::Record { session, entries: Vec::new() },
        ToRelay::End { session, why: Close::UserStopped },
        ToRelay::Ping(u64::MAX),
    ]
}

fn to_end() -> Vec<ToEnd> {
    let (claim, session) = (ClaimId(9), SessionId([5; 16]));
    let peer = Rid::of(&Fingerprint([0x12; 32]));
    vec![
        ToEnd::Registered {
            desk: Name::lossy("Example Desk"),
            sessions: vec![SessionState { session, peer, next: 300 }; 3],
        },
        ToEnd::Refused(Close::NoSuchCode),
        ToEnd::Enrolled(technician()),
        ToEnd::Waiting(locator()),
        ToEnd::Incoming { claim, technician: technician() },
        ToEnd::Claimed { claim, technician: technician() },
        ToEnd::Pair { claim, message: ByteBuf::from(*b"opaque") },
        ToEnd::Withdrawn { claim, why: Close::HostGone },
        ToEnd::Paired { claim, session, peer },
        ToEnd::RouteOpen(session),
        ToEnd::Recorded { session, next: 7 },
        ToEnd::Ended { session, why: Close::Lost },
        ToEnd::Pong(1),
    ]
}

pub(super) fn to_host() -> Vec<ToHost> {
    vec![
        ToHost::Hello,
        ToHost::Ask(Rights::CONTROL),
        ToHost::Watch(MonitorId(2)),
        ToHost::Drawn { epoch: Epoch(1), update: UpdateNo(70_000) },
        ToHost::Note("ticket 7: \u{202e}open".to_owned()),
    ]
}

fn to_viewer() -> Vec<ToViewer> {
    let size = Size { width: 1920, height: 1080 };
    let name = Name::lossy("HDMI-1");
    let monitor = Monitor { id: MonitorId(1), name, left: -1920, top: 0, size, primary: true };
    vec![
        ToViewer::Welcome { computer: Name::lossy("reception"), rights: Rights::VIEW },
        ToViewer::Monitors(vec![monitor; 3]),
        ToViewer::Asking(Rights::CONTROL),
        ToViewer::Rights { held: Rights::VIEW, why: RightsChange::TimedOut },
        ToViewer::Shape(Shape::new(Size { width: 2, height: 3 }, (1, 1), vec![9; 24])),
        ToViewer::Noted { seq: 3 },
        ToViewer::NeedsRight(Rights::CLIPBOARD_IN),
        ToViewer::NoPicture("no screen".to_owned()),
        ToViewer::Acted(1),
        ToViewer::Paused(true),
        ToViewer::Yielded(false),
        ToViewer::OwnWindow,
        ToViewer::Clipped { bytes: 5 },
        ToViewer::ClipboardTooLong,
    ]
}

/// One of each kind.
pub(super) fn inputs() -> Vec<Input> {
    vec![
        Input::Pointer { epoch: Epoch(1), at: Point { x: 40, y: 300 } },
        Input::Button { button: Button::Left, down: true },
        Input::Wheel { x: -1, y: i16::MAX },
        Input::Key { usage: Usage(0xe0), down: true },
        Input::Text("grüße".to_owned()),
        Input::Heartbeat,
        Input::Mark(7),
        Input::Locks(Locks { caps: true, num: false, scroll: true }),
    ]
}

fn screen() -> Vec<Screen> {
    let size = Size { width: 1920, height: 1080 };
    vec![
        Screen::Open { monitor: MonitorId(1), epoch: Epoch(1), size },
        Screen::Begin(UpdateNo(1)),
        Screen::Moves(vec![Move { to: rect(0, 16, 64, 64), from: Point { x: 0, y: 32 } }; 2]),
        Screen::Tiles(Tiles {
            solid: vec![(rect(0, 0, 64, 64), [1, 2, 3]); 3],
            palette: vec![Colour { number: 200, rgb: [1, 2, 3] }; 2],
            indexed: vec![rect(0, 64, 16, 16); 2],
            coded: vec![rect(64, 0, 16, 16); 3],
            data: ByteBuf::from(vec![0x28, 0xb5, 0x2f, 0xfd]),
        }),
        Screen::End { more: true, spent_us: 900 },
    ]
}

fn positions() -> Vec<Position> {
    let position = Position { epoch: Epoch(1), seq: 1, x: 5, y: -5, shape: ShapeId(77) };
    vec![position, Position { seq: u64::MAX, x: i32::MIN, y: i32::MAX, ..position }]
}

fn clips() -> Vec<clipboard::Text> {
    ["", "a text", "zwei\r\nZeilen\u{1b}"].map(|text| clipboard::Text(text.to_owned())).into()
}

/// One of each kind.
pub(super) fn pair_messages() -> Vec<PairMessage> {
    let element = |side: u8| {
        let mut bytes = [0x11; Element::LEN];
        bytes[0] = side;
        Element::try_from(bytes.as_slice()).expect("its length")
    };
    let certificate = Fingerprint([0xc1; 32]);
    vec![
        PairMessage::Start(Start { version: 1, element: element(b'A'), certificate, want: Rights::VIEW }),
        PairMessage::Answer(Answer { version: 1, element: element(b'B'), certificate }),
        PairMessage::Proof([0xaa; 32]),
        PairMessage::Proved([0xbb; 32]),
        PairMessage::Mismatch { left: 1 },
    ]
}
