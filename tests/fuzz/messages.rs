//! What is encoded is decoded as the same, whatever stands in it: `decode(encode(x)) = x`.

use nearhand_proto::{
    close::Close,
    code::Locator,
    control::{Leave, SessionState, Technician, ToEnd, ToRelay, Token},
    ids::{ActorId, ClaimId, Fingerprint, SessionId},
    record::{Entry, Event, Origin, Stamp},
    rights::Rights,
    route::Rid,
    session::{
        ToHost, ToViewer,
        clipboard::Text,
        cursor::{Position, Shape, ShapeId},
        geometry::{Monitor, MonitorId, Point, Rect, Size},
        input::{Button, Input, Usage},
        screen::{Colour, Epoch, MAX_COLOURS, MAX_MOVES, Move, Screen, Tiles, UpdateNo},
    },
    text::Name,
    wire::{Message, decode, encode},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_bytes::ByteBuf;
use std::fmt::Debug;

fn check<M: Message + PartialEq + Debug>(message: M) -> Result<(), TestCaseError> {
    let bytes = encode(&message);
    prop_assert!(bytes.len() <= M::MAX);
    prop_assert_eq!(decode(&bytes), Ok(message));
    Ok(())
}

fn close() -> impl Strategy<Value = Close> {
    select(Close::ALL)
}

fn rights() -> impl Strategy<Value = Rights> {
    any::<u32>().prop_map(Rights::from_bits_truncate)
}

fn name() -> impl Strategy<Value = Name> {
    "\\PC{0,80}".prop_map(|text| Name::lossy(&text))
}

fn session() -> impl Strategy<Value = SessionId> {
    any::<[u8; 16]>().prop_map(SessionId)
}

fn locator() -> impl Strategy<Value = Locator> {
    (0..100_000_u32, 5..9_u8).prop_map(|(number, digits)| Locator::new(number, digits).expect("it fits"))
}

fn technician() -> impl Strategy<Value = Technician> {
    (any::<[u8; 16]>(), name(), name()).prop_map(|(id, name, desk)| Technician {
        id: ActorId(id),
        name,
        desk,
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let parts = (any::<u16>(), vec(any::<u8>(), 0..200), session(), any::<[u64; 3]>(), any::<[u8; 32]>());
    parts.prop_map(|(code, body, session, [seq, wall_ms, monotonic_ns], salt)| {
        let (origin, actor) = (Origin::Viewer, ActorId([1; 16]));
        let stamp = Stamp { origin, session, seq, wall_ms, monotonic_ns, actor };
        Entry::new(&Event::Unknown { code, body }, stamp, salt)
    })
}

fn rect() -> impl Strategy<Value = Rect> {
    any::<[u16; 4]>().prop_map(|[x, y, width, height]| Rect { x, y, width, height })
}

fn to_relay() -> impl Strategy<Value = ToRelay> {
    let claim = || any::<u64>().prop_map(ClaimId);
    prop_oneof![
        "\\PC{0,40}".prop_map(|token| ToRelay::Enrol(Token(token))),
        select(&[Leave::Expired, Leave::WrongCodes, Leave::Closed, Leave::Reported]).prop_map(ToRelay::Leave),
        locator().prop_map(ToRelay::Claim),
        (claim(), vec(any::<u8>(), 0..600))
            .prop_map(|(claim, message)| ToRelay::Pair { claim, message: ByteBuf::from(message) }),
        (claim(), close()).prop_map(|(claim, why)| ToRelay::Abandon { claim, why }),
        (session(), vec(entry(), 0..64)).prop_map(|(session, entries)| ToRelay::Record { session, entries }),
        (session(), close()).prop_map(|(session, why)| ToRelay::End { session, why }),
        any::<u64>().prop_map(ToRelay::Ping),
    ]
}

fn to_end() -> impl Strategy<Value = ToEnd> {
    let state = (session(), any::<[u8; 32]>(), any::<u64>()).prop_map(|(session, key, next)| SessionState {
        session,
        peer: Rid::of(&Fingerprint(key)),
        next,
    });
    prop_oneof![
        (name(), vec(state, 0..900)).prop_map(|(desk, sessions)| ToEnd::Registered { desk, sessions }),
        close().prop_map(ToEnd::Refused),
        (any::<u64>(), technician())
            .prop_map(|(claim, technician)| ToEnd::Incoming { claim: ClaimId(claim), technician }),
        (session(), any::<u64>()).prop_map(|(session, next)| ToEnd::Recorded { session, next }),
    ]
}

fn to_viewer() -> impl Strategy<Value = ToViewer> {
    let size = || any::<[u16; 2]>().prop_map(|[width, height]| Size { width, height });
    let monitor = (any::<u32>(), name(), any::<[i32; 2]>(), size(), any::<bool>()).prop_map(
        |(id, name, [left, top], size, primary)| Monitor {
            id: MonitorId(id),
            name,
            left,
            top,
            size,
            primary,
        },
    );
    prop_oneof![
        (name(), rights()).prop_map(|(computer, rights)| ToViewer::Welcome { computer, rights }),
        vec(monitor, 0..=32).prop_map(ToViewer::Monitors),
        (size(), any::<(u16, u16)>(), vec(any::<u8>(), 0..2_000))
            .prop_map(|(size, hot, pixels)| ToViewer::Shape(Shape::new(size, hot, pixels))),
        "\\PC{0,80}".prop_map(ToViewer::NoPicture),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        any::<(u32, u16, u16)>()
            .prop_map(|(epoch, x, y)| Input::Pointer { epoch: Epoch(epoch), at: Point { x, y } }),
        (select(&[Button::Left, Button::Middle, Button::Right]), any::<bool>())
            .prop_map(|(button, down)| Input::Button { button, down }),
        any::<(i16, i16)>().prop_map(|(x, y)| Input::Wheel { x, y }),
        any::<(u16, bool)>().prop_map(|(usage, down)| Input::Key { usage: Usage(usage), down }),
        "\\PC{0,200}".prop_map(Input::Text),
    ]
}

fn tiles() -> impl Strategy<Value = Screen> {
    let solid = vec((rect(), any::<[u8; 3]>()), 0..2_048);
    let entry = any::<(u8, [u8; 3])>().prop_map(|(number, colour)| Colour { number, rgb: colour });
    let palette = vec(entry, 0..MAX_COLOURS);
    let parts = (solid, palette, vec(rect(), 0..2_048), vec(rect(), 0..2_048), vec(any::<u8>(), 0..5_000));
    parts.prop_map(|(solid, palette, indexed, coded, data)| {
        Screen::Tiles(Tiles { solid, palette, indexed, coded, data: ByteBuf::from(data) })
    })
}

fn moves() -> impl Strategy<Value = Screen> {
    let one = (rect(), any::<(u16, u16)>()).prop_map(|(to, (x, y))| Move { to, from: Point { x, y } });
    vec(one, 0..MAX_MOVES).prop_map(Screen::Moves)
}

proptest! {
    #[test]
    fn control_messages_survive(to_relay in to_relay(), to_end in to_end()) {
        check(to_relay)?;
        check(to_end)?;
    }

    #[test]
    fn session_messages_survive(to_viewer in to_viewer(), input in input(), note in "\\PC{0,900}", update in any::<(u32, u64)>()) {
        check(to_viewer)?;
        check(input)?;
        check(ToHost::Note(note.clone()))?;
        check(ToHost::Drawn { epoch: Epoch(update.0), update: UpdateNo(update.1) })?;
        check(Text(note))?;
    }

    #[test]
    fn pictures_and_pointers_survive(tiles in tiles(), moves in moves(), at in any::<(i32, i32)>(), numbers in any::<[u64; 3]>()) {
        check(tiles)?;
        check(moves)?;
        check(Screen::Begin(UpdateNo(numbers[0])))?;
        let [_, seq, shape] = numbers;
        check(Position { epoch: Epoch(u32::MAX), seq, x: at.0, y: at.1, shape: ShapeId(shape) })?;
    }
}
