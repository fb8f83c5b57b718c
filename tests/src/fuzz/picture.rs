//! The picture as a hostile host sends it: any messages, and well-formed ones around damaged data.

use super::{Input, Target};
use nearhand_proto::{
    session::{
        cursor::{MAX_SHAPE_SIDE, Position, Shape, ShapeId},
        geometry::{MonitorId, Point, Rect, Size},
        screen::{Colour, Epoch, MAX_COLOURS, MAX_RAW, Move, Screen, Tiles, UpdateNo},
    },
    wire::{decode, encode},
};
use nearhand_viewer::{decode::Decoder, screen};
use serde_bytes::ByteBuf;
use zstd::stream::raw::{Encoder, Operation as _, OutBuffer};

/// `( 2 length | message )*`: a screen stream.
pub(super) const PICTURE: Target = Target { name: "picture", run: picture, decode: None, seeds: streams };
/// `1 width | 1 height | update*`: a stream whose messages are in order, with moves and tiles that a host could make,
/// damaged here and there.
pub(super) const TILES: Target = Target { name: "tiles", run: tiles, decode: None, seeds: paintings };
/// A list of shapes, places, pictures and ends of sight.
pub(super) const POINTER: Target = Target { name: "pointer", run: pointer, decode: None, seeds: pointers };

/// Larger pictures are only looked at when they are announced: painting them all over would take the whole run.
const PLAYED: u32 = 1 << 20;

fn allowed(first: &Screen) -> Option<Size> {
    match *first {
        Screen::Open { size, .. } if size.is_allowed() && size.pixels() <= PLAYED => Some(size),
        _ => None,
    }
}

fn picture(data: &[u8]) {
    let mut input = Input::new(data);
    let mut messages = std::iter::from_fn(|| {
        let length = (!input.is_empty()).then(|| input.u16())?;
        decode::<Screen>(input.bytes(length.into())).ok()
    });
    let Some(first) = messages.next() else { return };
    let Some(size) = allowed(&first) else {
        let is_large = matches!(first, Screen::Open { size, .. } if size.is_allowed());
        assert!(is_large || Decoder::open(&first).is_err());
        return;
    };
    let mut decoder = Decoder::open(&first).expect("an allowed picture opens");
    let front = screen::Screen::default();
    let mut broken = false;
    for message in messages {
        match decoder.handle(message) {
            Ok(Some(shown)) => {
                assert!(!broken, "a picture after an error");
                assert!(shown.changed.len() <= 1_024 && shown.changed.iter().all(|rect| rect.fits(size)));
                front.show(Epoch(1), size, shown.picture.pixels(), &shown.changed);
                let pixels = front.snapshot().expect("a picture is shown").rgb;
                let same = shown.picture.pixels().as_chunks::<4>().0.iter().zip(pixels.as_chunks::<3>().0);
                assert!(
                    same.into_iter().all(|(rgba, rgb)| rgba[..3] == rgb[..]),
                    "the front shows another picture"
                );
            }
            Ok(None) => assert!(!broken, "a message after an error"),
            Err(_) => broken = true,
        }
    }
}

/// Rows of one colour each, deflated as a host does it.
struct Host {
    stream: Encoder<'static>,
    palette: [[u8; 3]; MAX_COLOURS],
}

impl Host {
    fn new() -> Self {
        Self { stream: Encoder::new(1).expect("zstd starts"), palette: [[0; 3]; MAX_COLOURS] }
    }

    fn deflate(&mut self, raw: &[u8]) -> Vec<u8> {
        let mut out = vec![0; raw.len() + 1_024];
        let written = self.stream.run_on_buffers(raw, &mut out).expect("room for it").bytes_written;
        let mut rest = OutBuffer::around_pos(&mut out[..], written);
        self.stream.flush(&mut rest).expect("room for it");
        let length = rest.pos();
        out.truncate(length);
        out
    }
}

fn clipped(input: &mut Input<'_>, size: Size) -> Rect {
    let [x, y, width, height] = input.array::<4>().map(u16::from);
    Rect { x: x % size.width, y: y % size.height, width: width + 1, height: height + 1 }
        .clipped(size)
        .expect("begins inside")
}

/// What an honest host paints arrives exactly; what is damaged paints nothing beyond the picture and ends the stream.
fn tiles(data: &[u8]) {
    let mut input = Input::new(data);
    let size = Size { width: u16::from(input.byte()) + 1, height: u16::from(input.byte()) + 1 };
    let open = Screen::Open { monitor: MonitorId(1), epoch: Epoch(1), size };
    let mut decoder = Decoder::open(&open).expect("a small picture");
    let (mut host, mut expected) =
        (Host::new(), vec![[0, 0, 0, 255]; usize::try_from(size.pixels()).unwrap_or(0)]);
    for update in 1.. {
        if input.is_empty() {
            return;
        }
        let mut room = size.pixels();
        let moves = moving(&mut input, size, &mut room, &mut expected);
        let (painted, is_honest) = painting(&mut input, &mut host, size, room, &mut expected);
        decoder.handle(Screen::Begin(UpdateNo(update))).expect("in order");
        decoder.handle(Screen::Moves(moves)).expect("an honest host moves");
        let taken = decoder.handle(Screen::Tiles(painted)).is_ok();
        assert!(taken || !is_honest, "an honest host is refused");
        let Ok(Some(shown)) = decoder.handle(Screen::End { more: false, spent_us: 1 }) else { return };
        if !is_honest {
            return;
        }
        assert_eq!(shown.picture.pixels(), expected.as_flattened(), "another picture than was sent");
    }
}

/// Moves as a host makes them, done on `to`, each through a copy.
fn moving(input: &mut Input<'_>, size: Size, room: &mut u32, to: &mut [[u8; 4]]) -> Vec<Move> {
    let count = input.byte() % 3;
    let mut moves = Vec::new();
    for _ in 0..count {
        let (rect, [x, y]) = (clipped(input, size), input.array::<2>().map(u16::from));
        let Some(left) = room.checked_sub(rect.pixels()) else { continue };
        *room = left;
        let from = Point { x: x % (size.width - rect.width + 1), y: y % (size.height - rect.height + 1) };
        let row = |x: u16, y: u16| {
            let start = usize::from(y) * usize::from(size.width) + usize::from(x);
            start..start + usize::from(rect.width)
        };
        let copy: Vec<_> = (0..rect.height).map(|line| to[row(from.x, from.y + line)].to_vec()).collect();
        for (line, pixels) in (0..).zip(copy) {
            to[row(rect.x, rect.y + line)].copy_from_slice(&pixels);
        }
        moves.push(Move { to: rect, from });
    }
    moves
}

/// One message, and whether it is as it should be.
fn painting(
    input: &mut Input<'_>,
    host: &mut Host,
    size: Size,
    mut room: u32,
    to: &mut [[u8; 4]],
) -> (Tiles, bool) {
    let (solids, counts, damage) = (input.byte() % 4, input.byte(), input.byte());
    let (codeds, indexeds, entries) = (counts % 4, counts / 4 % 4, counts / 16);
    let mut rects = |count: u8, input: &mut Input<'_>| {
        let all: Vec<_> = (0..count).map(|_| clipped(input, size)).collect();
        let fits = |rect: &Rect| {
            let left = room.checked_sub(rect.pixels());
            room = left.unwrap_or(room);
            left.is_some()
        };
        all.into_iter().filter(fits).collect::<Vec<_>>()
    };
    let solid: Vec<_> = rects(solids, input).into_iter().map(|rect| (rect, input.array())).collect();
    let indexed = rects(indexeds, input);
    let coded = rects(codeds, input);
    let mut raw = Vec::new();
    let palette: Vec<_> = (0..entries).map(|_| Colour { number: input.byte(), rgb: input.array() }).collect();
    for Colour { number, rgb: colour } in &palette {
        host.palette[usize::from(*number)] = *colour;
    }
    for (rect, colour) in &solid {
        paint(to, size, *rect, |_| *colour);
    }
    for rect in &indexed {
        let first = input.byte();
        let number = |at: u16| first.wrapping_add(at.to_le_bytes()[0]);
        paint(to, size, *rect, |at| host.palette[usize::from(number(at))]);
        raw.extend((0..rect.width).map(number).collect::<Vec<_>>().repeat(rect.height.into()));
    }
    for rect in &coded {
        let colour: [u8; 3] = input.array();
        let shade = |at: u16| colour.map(|part| part.wrapping_add(at.to_le_bytes()[0]));
        paint(to, size, *rect, shade);
        let row = (0..rect.width).flat_map(shade).collect::<Vec<_>>();
        raw.extend(row.repeat(rect.height.into()));
    }
    let mut painted = Tiles { solid, palette, indexed, coded, data: ByteBuf::from(host.deflate(&raw)) };
    let honest = painted.clone();
    match damage {
        200..=209 => painted.coded.extend(honest.coded.iter().copied()),
        210..=219 => painted.indexed.extend(honest.indexed.iter().copied()),
        220..=239 => painted.solid.push((Rect { x: 0, y: 0, width: u16::MAX, height: 1 }, [0; 3])),
        240..=255 => {
            let at = usize::from(input.byte());
            if let Some(byte) = painted.data.get_mut(at) {
                *byte ^= input.byte();
            }
        }
        _ => {}
    }
    let is_honest = painted == honest && raw.len() <= MAX_RAW;
    (painted, is_honest)
}

fn paint(to: &mut [[u8; 4]], size: Size, rect: Rect, colour: impl Fn(u16) -> [u8; 3]) {
    for y in rect.y..rect.y + rect.height {
        for x in 0..rect.width {
            let [red, green, blue] = colour(x);
            let at = usize::from(y) * usize::from(size.width) + usize::from(rect.x + x);
            to[at] = [red, green, blue, 255];
        }
    }
}

fn paintings() -> Vec<Vec<u8>> {
    let update = |damage: u8| {
        let head = [2, 8, 8, 15, 15, 20, 30, 0, 0, 40, 20, 3, 3, 2, 2 + 4 + 32, damage];
        let solid = [0, 0, 31, 31, 32, 0, 15, 15, 1, 2, 3, 4, 5, 6];
        let (indexed, coded) = ([40, 48, 9, 9], [0, 32, 63, 7, 3, 41, 9, 9]);
        let palette = [5, 1, 2, 3, 6, 7, 8, 9];
        let pixels = [4, 7, 8, 9, 10, 11, 12];
        [&head[..], &solid, &indexed, &coded, &palette, &pixels].concat()
    };
    let stream = |damages: &[u8]| {
        [&[63, 63][..], &damages.iter().flat_map(|d| update(*d)).collect::<Vec<_>>()].concat()
    };
    vec![stream(&[0, 0, 0]), stream(&[0, 210]), stream(&[0, 230]), stream(&[0, 0, 250]), stream(&[250])]
}

fn streams() -> Vec<Vec<u8>> {
    let size = Size { width: 64, height: 48 };
    let open = |size| Screen::Open { monitor: MonitorId(1), epoch: Epoch(1), size };
    let (end, rect) = (Screen::End { more: false, spent_us: 9 }, Rect { x: 3, y: 4, width: 16, height: 16 });
    let stream = |messages: &[Screen]| {
        let encoded = messages.iter().map(encode);
        encoded
            .flat_map(|one| [&u16::try_from(one.len()).unwrap_or(0).to_be_bytes()[..], &one].concat())
            .collect()
    };
    let mut host = Host::new();
    let mut tiles = |colour: u8| {
        let data = host.deflate(&vec![colour; 768]);
        let solid = vec![(size.rect(), [colour; 3])];
        Screen::Tiles(Tiles { solid, coded: vec![rect], data: data.into(), ..Tiles::default() })
    };
    let shift = |x, y| Screen::Moves(vec![Move { to: rect, from: Point { x, y } }]);
    let moved = [open(size), Screen::Begin(UpdateNo(1)), shift(9, 2), shift(48, 32), end.clone()];
    let astray = [open(size), Screen::Begin(UpdateNo(1)), shift(49, 32)];
    let whole = [open(size), Screen::Begin(UpdateNo(1)), Screen::Tiles(Tiles::default()), end.clone()];
    let mut twice = vec![open(size)];
    for update in 1..3 {
        twice.extend([Screen::Begin(UpdateNo(update)), tiles(9), end.clone()]);
    }
    vec![
        stream(&whole),
        stream(&twice),
        stream(&moved),
        stream(&astray),
        stream(&[open(Size { width: 16_384, height: 4_096 })]),
        stream(&[open(Size { width: 16_384, height: 16_384 })]),
        stream(&[end]),
    ]
}

/// The pointer that is shown is a whole shape, on the picture that is shown.
fn pointer(data: &[u8]) {
    let mut input = Input::new(data);
    let front = screen::Screen::default();
    let size = Size { width: 2, height: 2 };
    while !input.is_empty() {
        match input.byte() % 4 {
            0 => {
                let [width, height] = input.array::<2>().map(u16::from);
                let length = usize::from(width) * usize::from(height) * 4;
                let mut pixels = input.chunk().to_vec();
                pixels.resize(if input.byte() < 230 { length } else { pixels.len() }, 7);
                let shape = Shape::new(Size { width, height }, (input.u16(), input.u16()), pixels);
                // As the session does it.
                if shape.is_whole() {
                    front.handle_shape(shape);
                }
            }
            1 => {
                let (epoch, seq) = (Epoch(input.byte().into()), input.byte().into());
                let shape = ShapeId(input.u64());
                let [x, y] = [input.u32(), input.u32()].map(u32::cast_signed);
                front.handle_position(Position { epoch, seq, x, y, shape });
            }
            2 => drop(front.show(Epoch(input.byte().into()), size, &[5; 16], &[size.rect()])),
            _ => front.blank(),
        }
        if let Some(pointer) = front.pointer() {
            let Size { width, height } = pointer.shape.size;
            assert!(pointer.shape.is_whole() && width.max(height) <= MAX_SHAPE_SIDE);
        }
    }
}

fn pointers() -> Vec<Vec<u8>> {
    let shape = Shape::new(Size { width: 1, height: 1 }, (0, 0), vec![7; 4]);
    let position = [&[1, 1, 1][..], &shape.id.0.to_be_bytes(), &[0, 0, 0, 5, 0, 0, 0, 6]].concat();
    vec![
        [&[2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0][..], &position].concat(),
        [&position[..], &[0, 120, 120, 0, 0, 0, 0, 0, 0], &[3, 2, 1, 2, 2]].concat(),
    ]
}
