//! The picture from the host's encoder over wire bytes to the viewer's decoder: exact for every size and every
//! sequence of damage. Pure, so apart from the stories of `e2e`: no relay, no sockets.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail it")]

use nearhand_host::encode::{Damage, Encoder, Ending, Marks, Pixels};
use nearhand_proto::{
    session::{
        geometry::{MonitorId, Rect, Size},
        screen::{Epoch, Screen, UpdateNo},
    },
    wire,
};
use nearhand_viewer::{decode::Decoder, screen};
use proptest::{collection::vec, prelude::*};
use std::time::{Duration, Instant};

/// Bytes between rows beyond the pixels, filled with what must not matter.
const PADDING: usize = 12;

/// A screen, its encoder, a decoder, and what the viewer's front is shown.
struct World {
    size: Size,
    stride: usize,
    pixels: Vec<u8>,
    damage: Damage,
    encoder: Encoder,
    decoder: Decoder,
    shown: screen::Screen,
    updates: u64,
    /// Bytes of the last update, and how many of its pixels were moved.
    sent: usize,
    moved: u32,
    noise: u64,
}

impl World {
    fn new(size: Size) -> Self {
        let (encoder, open) = Encoder::open(MonitorId(1), Epoch(1), size).unwrap();
        let open = wire::decode::<Screen>(&wire::encode(&open)).unwrap();
        let stride = 4 * usize::from(size.width) + PADDING;
        Self {
            size,
            stride,
            pixels: vec![0; stride * usize::from(size.height)],
            damage: Damage::new(size),
            encoder,
            decoder: Decoder::open(&open).unwrap(),
            shown: screen::Screen::default(),
            updates: 0,
            sent: 0,
            moved: 0,
            noise: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Changes the screen and reports it as capture does.
    fn paint(&mut self, paint: &Paint) {
        let Some(area) = paint.area.clipped(self.size) else { return };
        let before = matches!(paint.what, What::Moved(..)).then(|| self.pixels.clone());
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                let start = self.place(x, y);
                if let (What::Moved(dx, dy), Some(before)) = (&paint.what, &before) {
                    let stood = self.place(
                        x.saturating_add_signed(*dx).min(self.size.width - 1),
                        y.saturating_add_signed(*dy).min(self.size.height - 1),
                    );
                    self.pixels[start..start + 4].copy_from_slice(&before[stood..stood + 4]);
                    continue;
                }
                let noise = self.noise();
                let pixel = match paint.what {
                    What::Solid(colour) => [colour[2], colour[1], colour[0], noise[3]],
                    What::Noise => noise,
                    What::Text if noise[0] < 40 => [0, 0, 0, noise[3]],
                    What::Text | What::Moved(..) => [255, 255, 255, 255],
                };
                self.pixels[start..start + 4].copy_from_slice(&pixel);
            }
        }
        self.damage.handle_change(area, Instant::now());
    }

    fn place(&self, x: u16, y: u16) -> usize {
        usize::from(y) * self.stride + 4 * usize::from(x)
    }

    fn noise(&mut self) -> [u8; 4] {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        let bytes = self.noise.to_le_bytes();
        [bytes[2], bytes[3], bytes[4], bytes[5]]
    }

    /// Encodes the pending damage, carries it as bytes and presents it. True if there was an update.
    fn update(&mut self) -> bool {
        let marks = self.damage.take().map_or_else(|| Marks::none(self.size), |pending| pending.marks);
        let frame = Pixels::new(&self.pixels, self.stride, self.size).unwrap();
        let mut carried = Vec::new();
        let ending = &mut || Ending { more: false, spent: Duration::ZERO };
        let emit = &mut |message| carried.push(wire::encode(&message));
        let update = self.encoder.encode(&frame, &marks, ending, emit).unwrap();
        assert_eq!(update.is_none(), carried.is_empty());
        if update.is_some() {
            self.updates += 1;
            assert_eq!(update, Some(UpdateNo(self.updates)));
        }
        self.sent = carried.iter().map(Vec::len).sum();
        self.moved = carried.iter().map(|bytes| moved_pixels(&wire::decode(bytes).unwrap())).sum();
        for bytes in &carried {
            let (before, epoch) = (self.shown.snapshot(), self.decoder.epoch());
            if let Some(presented) = self.decoder.handle(wire::decode(bytes).unwrap()).unwrap() {
                assert_eq!(Some(presented.update), update);
                self.shown.show(epoch, self.size, presented.picture.pixels(), &presented.changed);
            } else {
                assert!(self.shown.snapshot() == before, "half an update is never shown");
            }
        }
        update.is_some()
    }

    /// The screen without padding and fourth bytes.
    fn truth(&self) -> Vec<u8> {
        let rows = self.pixels.chunks(self.stride).map(|row| &row[..row.len() - PADDING]);
        rows.flat_map(|row| row.chunks(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])).collect()
    }

    fn is_exact(&self) -> bool {
        self.shown
            .snapshot()
            .is_some_and(|snapshot| snapshot.size == self.size && snapshot.rgb == self.truth())
    }
}

#[derive(Clone, Debug)]
struct Paint {
    area: Rect,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Solid([u8; 3]),
    Noise,
    Text,
    /// What stood so far to the right and below; at the edges, the edge.
    Moved(i16, i16),
}

fn any_paint(size: Size) -> impl Strategy<Value = Paint> {
    let area = (0..size.width, 0..size.height, 1..=size.width, 1..=size.height);
    let area = area.prop_map(|(x, y, width, height)| Rect { x, y, width, height });
    let moved = (-40_i16..40, -40_i16..40).prop_map(|(dx, dy)| What::Moved(dx, dy));
    let what =
        prop_oneof![any::<[u8; 3]>().prop_map(What::Solid), Just(What::Noise), Just(What::Text), moved];
    (area, what).prop_map(|(area, what)| Paint { area, what })
}

/// A size, and steps of a few paints each, encoded together.
fn any_story(
    sizes: impl Strategy<Value = Size>,
    steps: usize,
) -> impl Strategy<Value = (Size, Vec<Vec<Paint>>)> {
    sizes.prop_flat_map(move |size| (Just(size), vec(vec(any_paint(size), 0..4), 1..steps)))
}

fn check(size: Size, steps: &[Vec<Paint>]) {
    let mut world = World::new(size);
    for paints in steps {
        paints.iter().for_each(|paint| world.paint(paint));
        world.update();
        assert!(world.is_exact(), "{size:?} {paints:?}");
    }
    assert!(!world.update(), "nothing changed, nothing sent");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn every_small_picture_arrives_exactly(
        (size, steps) in any_story((1_u16..200, 1_u16..200).prop_map(|(width, height)| Size { width, height }), 8),
    ) {
        check(size, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]
    #[test]
    fn a_screen_of_odd_size_arrives_exactly(
        (size, steps) in any_story(Just(Size { width: 1_367, height: 769 }), 4),
    ) {
        check(size, &steps);
    }
}

#[test]
fn the_sizes_at_the_edges_arrive_exactly() {
    for (width, height) in
        [(1, 1), (17, 33), (64, 64), (65, 1), (1, 130), (16_384, 1), (1, 16_384), (5_000, 20)]
    {
        let size = Size { width, height };
        let noise = Paint { area: size.rect(), what: What::Noise };
        let solid = Paint { area: size.rect(), what: What::Solid([1, 2, 3]) };
        check(size, &[vec![], vec![noise.clone()], vec![solid], vec![noise]]);
    }
}

fn moved_pixels(message: &Screen) -> u32 {
    let Screen::Moves(moves) = message else { return 0 };
    moves.iter().map(|one| one.to.pixels()).sum()
}

#[test]
fn what_has_only_moved_is_not_sent_again() {
    let size = Size { width: 800, height: 600 };
    let page = |x, what| Paint { area: Rect { x, y: 40, width: 380, height: 520 }, what };
    let (left, right) = (|what| page(10, what), |what| page(405, what));
    for (name, pages, steps) in [
        ("a page scrolls down", 1, vec![left(What::Moved(0, 48))]),
        ("and up, by an odd step", 1, vec![left(What::Moved(0, -13))]),
        ("a table scrolls sideways", 1, vec![left(What::Moved(31, 0))]),
        ("a window is dragged", 1, vec![left(What::Moved(-7, 5))]),
        ("two pages scroll, apart", 2, vec![left(What::Moved(0, 48)), right(What::Moved(0, -20))]),
    ] {
        let mut world = World::new(size);
        world.paint(&left(What::Text));
        world.paint(&right(What::Text));
        world.update();
        assert!(world.is_exact() && world.moved == 0, "{name}");
        steps.iter().for_each(|paint| world.paint(paint));
        world.update();
        assert!(world.is_exact(), "{name}");
        // All but the edges.
        assert!(pages * 380 * 520 / 5 * 4 < world.moved, "{name}: {} pixels", world.moved);
    }
}

#[test]
fn moves_that_lie_over_each_other_arrive_exactly() {
    let size = Size { width: 700, height: 500 };
    let mut moved = 0;
    for seed in 1..6 {
        let mut world = World::new(size);
        world.noise ^= seed << 40;
        world.paint(&Paint { area: size.rect(), what: What::Text });
        world.update();
        for step in 0..6 {
            for _ in 0..4 {
                let [place, by] = [world.noise(), world.noise()].map(|noise| noise.map(u16::from));
                let [x, y, width, height] = place;
                let area = Rect { x: 2 * x, y: 2 * y % 400, width: 60 + 2 * width, height: 60 + height };
                let [dx, dy, ..] = by.map(|by| (by.cast_signed() - 128) / (1 + step % 2 * 3));
                world.paint(&Paint { area, what: What::Moved(dx, dy) });
            }
            world.update();
            assert!(world.is_exact(), "{seed} {step}");
            moved += world.moved;
        }
    }
    assert!(500_000 < moved, "{moved} pixels");
}

/// Something like letters, 40 of them, each in one of so many inks.
fn write(world: &mut World, page: u32, inks: u32) {
    let mix = |a: u32| {
        let a = a.wrapping_mul(0x9e37_79b1);
        let a = (a ^ a >> 15).wrapping_mul(0x85eb_ca6b);
        a ^ a >> 13
    };
    for (y, x) in (0..world.size.height).flat_map(|y| (0..world.size.width).map(move |x| (y, x))) {
        let (wide, high) = (u32::from(x), u32::from(y));
        let letter = mix(wide / 8 + high / 16 * 977 + page * 5_000_011);
        let tile = mix(wide / 64 + high / 64 * 16 + page * 1_000);
        let is_ink = mix(letter % 40 * 131 + wide % 8 + high % 16 * 8).is_multiple_of(4);
        let ink = 0x10_0000 + mix(tile + (letter >> 8) % 16) % inks * 37;
        let start = world.place(x, y);
        world.pixels[start..start + 4].copy_from_slice(&if is_ink { ink } else { 0xff_ffff }.to_le_bytes());
    }
    world.damage.handle_change(world.size.rect(), Instant::now());
}

#[test]
fn pages_that_take_turns_are_sent_once_however_many_colours_they_have() {
    for inks in [2, 100, 240, 300, 800] {
        let mut world = World::new(Size { width: 512, height: 320 });
        for turn in 0..6 {
            write(&mut world, turn % 2, inks);
            world.update();
            assert!(world.is_exact(), "{inks} inks, turn {turn}");
            // The second time, what was refused a number may have one.
            assert!(turn < 3 || world.sent < 2_000, "{inks} inks, turn {turn}: {} bytes", world.sent);
        }
    }
}

#[test]
fn what_is_not_reported_is_not_sent() {
    let size = Size { width: 128, height: 64 };
    let mut world = World::new(size);
    world.update();
    world.paint(&Paint { area: Rect { x: 0, y: 0, width: 1, height: 1 }, what: What::Solid([9; 3]) });
    world.pixels[4 * 100] = 200; // a change that capture kept silent about
    world.update();
    assert!(!world.is_exact());
    world.damage.handle_change(Rect { x: 100, y: 0, width: 1, height: 1 }, Instant::now());
    assert!(world.update() && world.is_exact());
}
