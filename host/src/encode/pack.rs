//! From rectangles to [`Tiles`] messages: one zstd stream for all of them, flushed per message, so that the viewer
//! can paint each as it arrives and later tiles are still compressed against earlier ones.

use super::{damage::TILE, palette::Palette, pixels::Pixels};
use nearhand_proto::session::{
    geometry::Rect,
    screen::{MAX_RAW, MAX_RECTS, Screen, Tiles, WINDOW_LOG},
};
use std::io;
use zstd::{
    stream::raw::{CParameter, Encoder, InBuffer, Operation as _, OutBuffer},
    zstd_safe::compress_bound,
};

/// zstd's fastest ordinary level. Higher ones cost more and gain little; looking far back gains much, since a window that comes
/// to the front again was sent long ago (docs/decisions/0014).
const LEVEL: i32 = 1;

/// The message being filled, and the stream that all messages of an epoch share.
pub(super) struct Packer {
    stream: Encoder<'static>,
    palette: Palette,
    /// Numbers of `tiles.indexed`.
    numbers: Vec<u8>,
    /// RGB of `tiles.coded`; with the numbers at most [`MAX_RAW`] bytes.
    raw: Vec<u8>,
    tiles: Tiles,
}

impl Packer {
    /// A fresh stream.
    pub(super) fn new() -> io::Result<Self> {
        let mut stream = Encoder::new(LEVEL)?;
        stream.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        stream.set_parameter(CParameter::EnableLongDistanceMatching(true))?;
        stream.set_parameter(CParameter::ChecksumFlag(false))?;
        stream.set_parameter(CParameter::ContentSizeFlag(false))?;
        let (numbers, raw) = (Vec::new(), Vec::with_capacity(MAX_RAW));
        Ok(Self { stream, palette: Palette::new(), numbers, raw, tiles: Tiles::default() })
    }

    /// Adds a rectangle of one colour (R, G, B); emits the message before it if that is full.
    pub(super) fn add_solid(
        &mut self,
        rect: Rect,
        colour: [u8; 3],
        emit: &mut dyn FnMut(Screen),
    ) -> io::Result<()> {
        if MAX_RECTS <= self.tiles.solid.len() {
            self.flush(emit)?;
        }
        self.tiles.solid.push((rect, colour));
        Ok(())
    }

    /// Adds a rectangle's pixels: by number, in bands, if these have few colours; else the tiles of a band by number that
    /// have few, and the others by colour.
    pub(super) fn add_pixels(
        &mut self,
        frame: &Pixels<'_>,
        rect: Rect,
        emit: &mut dyn FnMut(Screen),
    ) -> io::Result<()> {
        // As many rows as fit a message, for pictures wider than 4,096 pixels.
        let rows = (MAX_RAW / usize::from(rect.width)).min(TILE.into());
        let rows = u16::try_from(rows).unwrap_or(TILE);
        for y in (rect.y..rect.y + rect.height).step_by(rows.into()) {
            let band = Rect { y, height: rows.min(rect.y + rect.height - y), ..rect };
            if self.add_indexed(frame, band, emit)? {
                continue;
            }
            let mut others: Option<Rect> = None;
            for x in (rect.x..rect.x + rect.width).step_by(TILE.into()) {
                let tile = Rect { x, width: TILE.min(rect.x + rect.width - x), ..band };
                if tile != band && self.add_indexed(frame, tile, emit)? {
                    others.take().map_or(Ok(()), |others| self.add_coded(frame, others, emit))?;
                } else {
                    others = Some(others.map_or(tile, |others| others.hull(tile)));
                }
            }
            others.map_or(Ok(()), |others| self.add_coded(frame, others, emit))?;
        }
        Ok(())
    }

    /// False if the palette can't take it. It fits an empty message.
    fn add_indexed(
        &mut self,
        frame: &Pixels<'_>,
        rect: Rect,
        emit: &mut dyn FnMut(Screen),
    ) -> io::Result<bool> {
        let bytes = usize::from(rect.width) * usize::from(rect.height);
        if self.room() < bytes || MAX_RECTS <= self.tiles.indexed.len() {
            self.flush(emit)?;
        }
        let appended = self.palette.append(frame, rect, &mut self.numbers);
        if appended {
            self.tiles.indexed.push(rect);
        }
        Ok(appended)
    }

    /// Adds pixels by colour, in as many pieces of whole rows as the room in the messages asks for.
    fn add_coded(
        &mut self,
        frame: &Pixels<'_>,
        mut rect: Rect,
        emit: &mut dyn FnMut(Screen),
    ) -> io::Result<()> {
        while rect.height != 0 {
            // An allowed row has at most 48 KiB, so an empty message always has room for some.
            let rows = self.room() / (3 * usize::from(rect.width));
            if rows == 0 || MAX_RECTS <= self.tiles.coded.len() {
                self.flush(emit)?;
                continue;
            }
            let height = rect.height.min(u16::try_from(rows).unwrap_or(u16::MAX));
            let piece = Rect { height, ..rect };
            frame.append_rgb(piece, &mut self.raw);
            self.tiles.coded.push(piece);
            rect = Rect { y: rect.y + height, height: rect.height - height, ..rect };
        }
        Ok(())
    }

    /// Bytes of pixels that still fit the message.
    fn room(&self) -> usize {
        MAX_RAW - self.numbers.len() - self.raw.len()
    }

    /// Emits what was added since the last message, if anything was.
    pub(super) fn flush(&mut self, emit: &mut dyn FnMut(Screen)) -> io::Result<()> {
        if self.tiles.solid.is_empty() && self.tiles.indexed.is_empty() && self.tiles.coded.is_empty() {
            return Ok(());
        }
        let mut tiles = std::mem::take(&mut self.tiles);
        tiles.palette = self.palette.end_message();
        if !self.numbers.is_empty() || !self.raw.is_empty() {
            tiles.data = self.compress()?.into();
            self.numbers.clear();
            self.raw.clear();
        }
        emit(Screen::Tiles(tiles));
        Ok(())
    }

    fn compress(&mut self) -> io::Result<Vec<u8>> {
        // The bound holds for a flushed stream as well (its blocks cost 3 bytes each); the loops don't rely on it.
        let mut out = Vec::with_capacity(compress_bound(self.numbers.len() + self.raw.len()));
        for part in [&self.numbers, &self.raw] {
            let mut input = InBuffer::around(&part[..]);
            while input.pos() < part.len() {
                self.stream.run(&mut input, &mut room(&mut out))?;
            }
        }
        while self.stream.flush(&mut room(&mut out))? != 0 {}
        Ok(out)
    }
}

/// The free space behind the bytes of `out`, at least 1 KiB.
fn room(out: &mut Vec<u8>) -> OutBuffer<'_, Vec<u8>> {
    out.reserve(1 << 10);
    let used = out.len();
    OutBuffer::around_pos(out, used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::{session::geometry::Size, wire};
    use zstd::stream::raw::Decoder;

    /// Bytes that don't compress (xorshift; fixed seed).
    fn noise(count: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn messages_are_full_but_never_too_large_and_inflate_to_their_rectangles() {
        let size = Size { width: 1_000, height: 300 };
        let bytes = noise(4 * 1_000 * 300);
        let frame = Pixels::new(&bytes, 4_000, size).unwrap();
        let mut packer = Packer::new().unwrap();
        let mut messages = Vec::new();
        let emit = &mut |screen| messages.push(screen);
        packer.add_coded(&frame, size.rect(), emit).unwrap();
        for y in 0..u16::try_from(MAX_RECTS + 1).unwrap() {
            packer.add_solid(Rect { x: 300, y, width: 300, height: 300 }, [255; 3], emit).unwrap();
        }
        packer.flush(emit).unwrap();
        packer.flush(emit).unwrap();

        let (mut stream, mut rows, mut solid) = (Decoder::new().unwrap(), 0, 0);
        assert_eq!(messages.len(), 5, "900,000 bytes in four messages, and one rectangle too many for one");
        for message in messages {
            let encoded = wire::encode(&message);
            assert_eq!(wire::decode(&encoded).as_ref(), Ok(&message), "within the message's own limit");
            let Screen::Tiles(tiles) = message else { panic!("only tiles here") };
            let pixels: u32 = tiles.coded.iter().map(|rect| rect.pixels()).sum();
            let expected = 3 * usize::try_from(pixels).unwrap();
            assert!(expected <= MAX_RAW && tiles.solid.len() <= MAX_RECTS);
            let mut raw = vec![0; MAX_RAW + 1];
            if !tiles.data.is_empty() {
                let status = stream.run_on_buffers(&tiles.data, &mut raw).unwrap();
                assert_eq!((status.bytes_read, status.bytes_written), (tiles.data.len(), expected));
            }
            rows += tiles.coded.iter().map(|rect| u32::from(rect.height)).sum::<u32>();
            solid += tiles.solid.len();
        }
        assert_eq!((rows, solid), (300, MAX_RECTS + 1));
    }

    #[test]
    fn tiles_with_few_colours_go_by_number_and_the_others_beside_them_by_colour() {
        let size = Size { width: 320, height: 70 };
        let mut bytes = noise(4 * 320 * 70);
        for (pixel, y) in bytes.as_chunks_mut::<4>().0.chunks_mut(320).zip(0_u16..) {
            for (x, pixel) in pixel.iter_mut().enumerate() {
                // A photograph in the second and third tile, and text around it; below it all are text.
                if !(64..192).contains(&x) || 64 <= y {
                    *pixel = [0, 0, pixel[0] & 1, pixel[1]];
                }
            }
        }
        let frame = Pixels::new(&bytes, 4 * 320, size).unwrap();
        let (mut packer, mut messages) = (Packer::new().unwrap(), Vec::new());
        packer.add_pixels(&frame, size.rect(), &mut |screen| messages.push(screen)).unwrap();
        packer.flush(&mut |screen| messages.push(screen)).unwrap();
        let [Screen::Tiles(tiles)] = &messages[..] else { panic!("one message") };
        let tile = |x, width| Rect { x, y: 0, width, height: 64 };
        let below = Rect { x: 0, y: 64, width: 320, height: 6 };
        assert_eq!(tiles.indexed, [tile(0, 64), tile(192, 64), tile(256, 64), below]);
        assert_eq!(tiles.coded, [tile(64, 128)]);
        assert_eq!(tiles.palette.len(), 2);
    }

    #[test]
    fn no_message_has_too_many_rectangles() {
        let frame = Pixels::new(&[1, 2, 3, 4], 4, Size { width: 1, height: 1 }).unwrap();
        let mut packer = Packer::new().unwrap();
        let mut counts = Vec::new();
        let emit = &mut |screen| {
            let Screen::Tiles(tiles) = screen else { panic!("only tiles here") };
            counts.push((tiles.solid.len(), tiles.coded.len()));
        };
        let pixel = frame.size().rect();
        for _ in 0..=MAX_RECTS {
            packer.add_coded(&frame, pixel, emit).unwrap();
        }
        packer.flush(emit).unwrap();
        for _ in 0..=MAX_RECTS {
            packer.add_solid(pixel, [0; 3], emit).unwrap();
        }
        packer.flush(emit).unwrap();
        assert_eq!(counts, [(0, MAX_RECTS), (0, 1), (MAX_RECTS, 0), (1, 0)]);
    }

    #[test]
    fn what_was_sent_before_helps_what_is_sent_now() {
        let size = Size { width: 64, height: 64 };
        let bytes = noise(4 * 64 * 64);
        let frame = Pixels::new(&bytes, 256, size).unwrap();
        let mut packer = Packer::new().unwrap();
        let mut lengths = Vec::new();
        let emit = &mut |screen| {
            let Screen::Tiles(tiles) = screen else { panic!("only tiles here") };
            lengths.push(tiles.data.len());
        };
        for _ in 0..2 {
            packer.add_coded(&frame, size.rect(), emit).unwrap();
            packer.flush(emit).unwrap();
        }
        assert!(12_288 < lengths[0] && lengths[1] < 100, "{lengths:?}");
    }
}
