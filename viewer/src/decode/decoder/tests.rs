//! A hand-made host, honest and hostile, against the decoder.
#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that miscounts fails, as it should"
)]

use super::*;
use nearhand_proto::wire;
use proptest::{collection::vec, prelude::*};
use zstd::stream::raw::{CParameter, Encoder as Deflater};

const SIZE: Size = Size { width: 40, height: 30 };

fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect { x, y, width, height }
}

fn open(size: Size) -> Screen {
    Screen::Open { monitor: MonitorId(2), epoch: Epoch(5), size }
}

fn end() -> Screen {
    Screen::End { more: false, spent_us: 11 }
}

fn begin(update: u64) -> Screen {
    Screen::Begin(UpdateNo(update))
}

fn moved(to: Rect, x: u16, y: u16) -> Screen {
    Screen::Moves(vec![Move { to, from: Point { x, y } }])
}

/// A decoder in the middle of update 1.
fn within() -> Decoder {
    let mut decoder = Decoder::open(&open(SIZE)).unwrap();
    assert!(decoder.handle(begin(1)).unwrap().is_none());
    decoder
}

fn deflater(window_log: u32) -> Deflater<'static> {
    let mut deflater = Deflater::new(1).unwrap();
    deflater.set_parameter(CParameter::WindowLog(window_log)).unwrap();
    deflater
}

fn deflate(deflater: &mut Deflater<'_>, raw: &[u8]) -> Vec<u8> {
    let mut out = vec![0; raw.len() + 1_024];
    let written = deflater.run_on_buffers(raw, &mut out).unwrap().bytes_written;
    let mut rest = OutBuffer::around_pos(&mut out[..], written);
    assert_eq!(deflater.flush(&mut rest).unwrap(), 0);
    let length = rest.pos();
    out.truncate(length);
    out
}

fn coded(rects: &[Rect], data: Vec<u8>) -> Screen {
    Screen::Tiles(Tiles { coded: rects.to_vec(), data: data.into(), ..Tiles::default() })
}

fn solid(rect: Rect) -> Screen {
    Screen::Tiles(Tiles { solid: vec![(rect, [7, 8, 9])], ..Tiles::default() })
}

fn refused(decoder: &mut Decoder, message: Screen) -> DecodeError {
    let error = decoder.handle(message).map(|_| ()).unwrap_err();
    assert_eq!(error.close(), Close::Protocol);
    assert!(matches!(decoder.handle(end()), Err(DecodeError::PeerOrder { .. })), "broken from then on");
    error
}

#[test]
fn updates_are_painted_and_handed_out_whole() {
    let mut stream = deflater(WINDOW_LOG);
    let mut decoder = within();
    let first = deflate(&mut stream, &[1, 2, 3, 4, 5, 6]);
    assert!(decoder.handle(coded(&[rect(0, 0, 1, 1), rect(39, 29, 1, 1)], first)).unwrap().is_none());
    assert!(decoder.handle(solid(rect(1, 0, 2, 2))).unwrap().is_none());
    let shown = decoder.handle(end()).unwrap().unwrap();
    assert_eq!((shown.update, shown.more, shown.spent_us), (UpdateNo(1), false, 11));
    assert_eq!(shown.changed, [SIZE.rect()], "at first everything");
    let at = |x, y| shown.picture.pixel(Point { x, y }).unwrap();
    let seen = [at(0, 0), at(39, 29), at(1, 0), at(2, 1), at(3, 0)];
    assert_eq!(seen, [[1, 2, 3], [4, 5, 6], [7, 8, 9], [7, 8, 9], [0, 0, 0]]);

    decoder.handle(begin(2)).unwrap();
    let second = deflate(&mut stream, &[1, 2, 3]);
    decoder.handle(coded(&[rect(5, 5, 1, 1)], second)).unwrap();
    let shown = decoder.handle(end()).unwrap().unwrap();
    assert_eq!((shown.update, shown.changed), (UpdateNo(2), vec![rect(5, 5, 1, 1)]));
    assert_eq!(shown.picture.pixel(Point { x: 5, y: 5 }), Some([1, 2, 3]), "the same zstd stream goes on");
    decoder.handle(begin(3)).unwrap();
    assert_eq!(decoder.handle(end()).unwrap().unwrap().changed, []);
    assert_eq!((decoder.monitor(), decoder.epoch(), decoder.size()), (MonitorId(2), Epoch(5), SIZE));
}

#[test]
fn only_pictures_that_may_exist_are_opened() {
    let size = |width, height| Size { width, height };
    for wrong in [size(0, 1), size(1, 0), size(16_385, 1), size(16_384, 16_384), size(u16::MAX, u16::MAX)] {
        assert!(matches!(Decoder::open(&open(wrong)), Err(DecodeError::PeerSize(_))), "{wrong:?}");
    }
    for message in [begin(1), end(), solid(rect(0, 0, 1, 1))] {
        assert!(matches!(Decoder::open(&message), Err(DecodeError::PeerOrder { .. })), "{message:?}");
    }
}

#[test]
fn the_order_is_kept() {
    for message in [end(), solid(rect(0, 0, 1, 1)), moved(rect(0, 0, 1, 1), 1, 1), open(SIZE)] {
        let mut decoder = Decoder::open(&open(SIZE)).unwrap();
        assert!(matches!(refused(&mut decoder, message), DecodeError::PeerOrder { expected: "Begin", .. }));
    }
    for message in [begin(1), begin(2), open(SIZE)] {
        let error = refused(&mut within(), message);
        assert!(matches!(error, DecodeError::PeerOrder { expected: "Moves, Tiles or End", .. }));
    }
    for update in [0, 1, 3, u64::MAX] {
        let mut decoder = within();
        decoder.handle(end()).unwrap();
        assert!(matches!(refused(&mut decoder, begin(update)), DecodeError::PeerUpdate { .. }), "{update}");
    }
}

#[test]
fn moves_are_done_in_order_with_what_stands_there_then() {
    let mut decoder = within();
    let row = |x| Move { to: rect(x + 1, 0, 1, 1), from: Point { x, y: 0 } };
    decoder.handle(solid(rect(0, 0, 1, 1))).unwrap();
    decoder.handle(Screen::Moves((0..9).map(row).collect())).unwrap();
    decoder.handle(Screen::Moves((10..13).rev().map(row).collect())).unwrap();
    let shown = decoder.handle(end()).unwrap().unwrap();
    let painted = |x| shown.picture.pixel(Point { x, y: 0 }) == Some([7, 8, 9]);
    assert!((0..=9).all(painted) && !(10..40).any(painted));
}

#[test]
fn colours_keep_their_numbers_until_they_are_changed() {
    let (mut decoder, mut deflater) = (within(), deflater(20));
    let mut indexed = |palette: &[Colour], rects: &[Rect], coded: &[Rect], raw: &[u8]| {
        let data = deflate(&mut deflater, raw).into();
        let (palette, indexed, coded) = (palette.to_vec(), rects.to_vec(), coded.to_vec());
        decoder.handle(Screen::Tiles(Tiles { palette, indexed, coded, data, ..Tiles::default() })).unwrap();
    };
    let entry = |number, colour| Colour { number, rgb: colour };
    indexed(
        &[entry(0, [1, 2, 3]), entry(255, [4, 5, 6])],
        &[rect(0, 0, 2, 1)],
        &[rect(9, 0, 1, 1)],
        &[255, 0, 7, 8, 9],
    );
    indexed(&[entry(0, [9, 9, 9])], &[rect(2, 0, 2, 1), rect(4, 0, 1, 1)], &[], &[255, 0, 3]);
    let shown = decoder.handle(end()).unwrap().unwrap();
    let at = |x| shown.picture.pixel(Point { x, y: 0 }).unwrap();
    assert_eq!([0, 1, 2, 3, 4].map(at), [[4, 5, 6], [1, 2, 3], [4, 5, 6], [9, 9, 9], [0, 0, 0]]);
    assert_eq!(at(9), [7, 8, 9], "pixels by colour come after those by number");
    let many = Tiles { palette: vec![entry(0, [0; 3]); MAX_COLOURS + 1], ..Tiles::default() };
    assert!(matches!(refused(&mut within(), Screen::Tiles(many)), DecodeError::PeerCount(257)));
    let many = Tiles { indexed: vec![rect(0, 0, 1, 1); MAX_RECTS + 1], ..Tiles::default() };
    assert!(matches!(refused(&mut within(), Screen::Tiles(many)), DecodeError::PeerCount(2_049)));
}

#[test]
fn moves_lie_inside_and_are_counted() {
    let whole = SIZE.rect();
    for (to, x, y) in
        [(rect(40, 0, 1, 1), 0, 0), (rect(0, 0, 1, 1), 40, 0), (whole, 0, 1), (rect(0, 0, 0, 1), 0, 0)]
    {
        assert!(matches!(refused(&mut within(), moved(to, x, y)), DecodeError::PeerMove { .. }), "{to:?}");
    }
    let one = Move { to: rect(0, 0, 1, 1), from: Point { x: 1, y: 1 } };
    let error = refused(&mut within(), Screen::Moves(vec![one; MAX_MOVES + 1]));
    assert!(matches!(error, DecodeError::PeerCount(513)));
    let mut decoder = within();
    decoder.handle(moved(whole, 0, 0)).unwrap();
    assert!(matches!(refused(&mut decoder, moved(one.to, 0, 0)), DecodeError::PeerFlood));
}

#[test]
fn rectangles_lie_inside_and_are_counted() {
    for outside in [rect(40, 0, 1, 1), rect(0, 29, 1, 2), rect(0, 0, 0, 0), rect(65_535, 65_535, 2, 2)] {
        assert!(matches!(refused(&mut within(), solid(outside)), DecodeError::PeerRect(_)), "{outside:?}");
        let data = deflate(&mut deflater(20), &[0; 12]);
        let error = refused(&mut within(), coded(&[outside], data));
        assert!(matches!(error, DecodeError::PeerRect(_)), "{outside:?}");
    }
    let many = Tiles { solid: vec![(rect(0, 0, 0, 1), [0; 3]); MAX_RECTS + 1], ..Tiles::default() };
    assert!(matches!(refused(&mut within(), Screen::Tiles(many)), DecodeError::PeerCount(2_049)));
    let error = refused(&mut within(), coded(&vec![rect(0, 0, 1, 1); MAX_RECTS + 1], vec![]));
    assert!(matches!(error, DecodeError::PeerCount(2_049)));
}

#[test]
fn an_update_paints_no_more_than_the_picture() {
    let mut decoder = within();
    decoder.handle(solid(SIZE.rect())).unwrap();
    assert!(matches!(refused(&mut decoder, solid(rect(0, 0, 1, 1))), DecodeError::PeerFlood));
    let huge = rect(0, 0, u16::MAX, u16::MAX);
    let error = refused(&mut within(), coded(&[huge, huge, huge], vec![]));
    assert!(matches!(error, DecodeError::PeerFlood));
}

#[test]
fn one_message_inflates_to_no_more_than_its_limit() {
    let size = Size { width: 400, height: 300 };
    let mut decoder = Decoder::open(&open(size)).unwrap();
    decoder.handle(begin(1)).unwrap();
    let data = deflate(&mut deflater(20), &vec![0; 360_000]);
    assert!(matches!(refused(&mut decoder, coded(&[size.rect()], data)), DecodeError::PeerRaw(360_000)));
}

#[test]
fn data_inflates_to_exactly_what_its_rectangles_need() {
    let area = rect(0, 0, 10, 10);
    for (raw, got) in [(299, 299), (301, 301), (100_000_000, 301), (1, 1)] {
        let data = deflate(&mut deflater(20), &vec![5; raw]);
        let error = refused(&mut within(), coded(&[area], data));
        assert!(
            matches!(error, DecodeError::PeerLength { got: g, expected: 300 } if g == got),
            "{raw}: {error}"
        );
    }
    assert!(matches!(refused(&mut within(), coded(&[area], vec![])), DecodeError::PeerLength { got: 0, .. }));
    let without_rectangles = coded(&[], deflate(&mut deflater(20), &[1]));
    assert!(matches!(
        refused(&mut within(), without_rectangles),
        DecodeError::PeerLength { got: 1, expected: 0 }
    ));
}

#[test]
fn the_zstd_stream_is_one_and_its_window_is_bounded() {
    let area = rect(0, 0, 10, 10);
    let whole = zstd::bulk::compress(&[5; 300], 1).unwrap();
    assert!(matches!(refused(&mut within(), coded(&[area], whole)), DecodeError::PeerStream(_)), "it ended");
    let large = deflate(&mut deflater(WINDOW_LOG + 1), &[5; 300]);
    assert!(
        matches!(refused(&mut within(), coded(&[area], large)), DecodeError::PeerStream(_)),
        "its window"
    );
    let mut garbled = deflate(&mut deflater(20), &[5; 300]);
    garbled[0] ^= 1;
    assert!(
        matches!(refused(&mut within(), coded(&[area], garbled)), DecodeError::PeerStream(_)),
        "not zstd"
    );
    // Skippable frames inflate to nothing, in as little as 8 bytes each.
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0].repeat(1_000);
    assert!(
        matches!(refused(&mut within(), coded(&[area], skippable)), DecodeError::PeerStream(_)),
        "skippable"
    );
}

fn any_rect() -> impl Strategy<Value = Rect> {
    let side = || prop_oneof![8 => 0_u16..12, 1 => any::<u16>()];
    (side(), side(), side(), side()).prop_map(|(x, y, width, height)| rect(x, y, width, height))
}

/// `Ok(raw)` is deflated on the one stream of the case, `Err(bytes)` goes as it is.
fn any_data() -> impl Strategy<Value = Result<usize, Vec<u8>>> {
    prop_oneof![4 => (0_usize..600).prop_map(Ok), 1 => vec(any::<u8>(), 0..40).prop_map(Err)]
}

fn any_message() -> impl Strategy<Value = (Screen, Result<usize, Vec<u8>>)> {
    let colour = any::<(u8, [u8; 3])>().prop_map(|(number, rgb)| Colour { number, rgb });
    let solid = vec((any_rect(), any::<[u8; 3]>()), 0..4);
    let tiles = (solid, vec(colour, 0..3), vec(any_rect(), 0..3), vec(any_rect(), 0..3)).prop_map(
        |(solid, palette, indexed, coded)| {
            Screen::Tiles(Tiles { solid, palette, indexed, coded, ..Tiles::default() })
        },
    );
    let one = (any_rect(), 0_u16..50, 0_u16..40).prop_map(|(to, x, y)| Move { to, from: Point { x, y } });
    let message = prop_oneof![
        4 => vec(one, 0..4).prop_map(Screen::Moves),
        4 => (1_u64..4).prop_map(begin),
        8 => tiles,
        4 => Just(end()),
        1 => Just(open(SIZE)),
    ];
    (message, any_data())
}

proptest! {
    #[test]
    fn no_message_panics_or_harms_the_picture(messages in vec(any_message(), 0..12)) {
        let (mut decoder, mut stream) = (Decoder::open(&open(SIZE)).unwrap(), deflater(20));
        for (mut message, data) in messages {
            if let Screen::Tiles(tiles) = &mut message {
                // Half of the time the length is right, so that painting is reached too.
                let pixels = |rects: &[Rect]| -> usize {
                    rects.iter().map(|rect| usize::try_from(rect.pixels()).unwrap()).sum()
                };
                let right = pixels(&tiles.indexed) + 3 * pixels(&tiles.coded);
                tiles.data = match data {
                    Ok(raw) if raw % 2 == 0 && right < 10_000 => deflate(&mut stream, &vec![9; right]).into(),
                    Ok(raw) => deflate(&mut stream, &vec![9; raw]).into(),
                    Err(bytes) => bytes.into(),
                };
            }
            if let Ok(Some(shown)) = decoder.handle(message) {
                prop_assert_eq!(shown.picture.pixels().len(), 4 * 40 * 30);
                prop_assert!(shown.changed.iter().all(|rect| rect.fits(SIZE)));
            }
        }
    }

    #[test]
    fn no_bytes_panic(frames in vec((0_u8..5, vec(any::<u8>(), 0..64)), 1..8)) {
        let mut decoder = within();
        for (kind, mut bytes) in frames {
            bytes.insert(0, kind); // else few would be a message at all
            if let Ok(message) = wire::decode::<Screen>(&bytes) {
                let _ = decoder.handle(message);
            }
        }
    }
}
