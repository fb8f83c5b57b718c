//! The colours of one stream by number: what a desktop shows mostly has few, and a byte a pixel is sooner compressed than
//! three, and better. Colours stay until their numbers are needed for others and have long been out of use: a colour that
//! came back under another number would not be found again by what compresses.

use super::pixels::{Pixels, colours};
use nearhand_proto::session::{
    geometry::Rect,
    screen::{Colour, MAX_COLOURS},
};

/// Places of the table by which a colour's number is found; a power of two, and so many that few are taken.
const PLACES: usize = 1_024;

/// Places that are looked at for one colour, at most: anybody can paint colours that all begin at the same one.
const PROBES: usize = 16;

/// Colours of one rectangle that may be new: more of them are a photograph's, or a gradient's.
const FRESH: usize = 24;

/// Pixels for each new colour, at least: telling of it costs as much as a few pixels.
const WORTH: u32 = 32;

/// A colour that none of so many messages had may go.
const LONG: u64 = 256;

/// A colour as a number, as [`colours`] gives it: no pixel has it.
const NONE: u32 = u32::MAX;

/// The stream's colours, as the viewer has them after all messages so far.
pub(super) struct Palette {
    /// By number.
    entries: Vec<Held>,
    /// A colour and its number, at the first free place from [`place`] on. Looked at for every pixel.
    table: [(u32, u8); PLACES],
    /// Counts messages, from 1.
    message: u64,
    /// What the viewer has to be told with this message.
    news: Vec<Colour>,
}

#[derive(Clone, Copy)]
struct Held {
    colour: u32,
    /// The last message that has a pixel of it.
    used: u64,
}

impl Palette {
    /// Without any colour.
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::with_capacity(MAX_COLOURS),
            table: [(NONE, 0); PLACES],
            message: 1,
            news: Vec::new(),
        }
    }

    /// Appends the numbers of the pixels of `rect`, row by row. False, and nothing appended, if they have too many colours
    /// that have no number, or all numbers are in use.
    pub(super) fn append(&mut self, frame: &Pixels<'_>, rect: Rect, out: &mut Vec<u8>) -> bool {
        let length = out.len();
        let most = FRESH.min(usize::try_from(rect.pixels() / WORTH).unwrap_or(FRESH));
        let mut appended = false;
        if let Some(fresh) = self.try_append(frame, rect, most, out) {
            appended = fresh.is_empty();
            if !appended && fresh.into_iter().all(|colour| self.take(colour)) {
                out.truncate(length);
                appended = self.try_append(frame, rect, 0, out).is_some();
            }
        }
        if !appended {
            out.truncate(length);
        }
        appended
    }

    /// Appends numbers, any for colours that have none; returns these, at most `most`, or nothing if there are more.
    fn try_append(
        &mut self,
        frame: &Pixels<'_>,
        rect: Rect,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Option<Vec<u32>> {
        let (mut seen, mut fresh) = ([false; MAX_COLOURS], Vec::new());
        for y in rect.y..rect.y + rect.height {
            out.extend(colours(frame.row(rect, y)).map(|colour| {
                let number = self.find(colour).unwrap_or_else(|| {
                    // One more than may be new, to tell that there are too many.
                    if fresh.len() <= most && !fresh.contains(&colour) {
                        fresh.push(colour);
                    }
                    0
                });
                seen[usize::from(number)] = true;
                number
            }));
            if most < fresh.len() {
                return None;
            }
        }
        for (held, seen) in self.entries.iter_mut().zip(seen) {
            if seen {
                held.used = self.message;
            }
        }
        Some(fresh)
    }

    /// The message is over: what the viewer has to be told before its pixels.
    pub(super) fn end_message(&mut self) -> Vec<Colour> {
        self.message += 1;
        std::mem::take(&mut self.news)
    }

    fn find(&self, colour: u32) -> Option<u8> {
        let held =
            places(colour).map(|place| self.table[place]).find(|held| held.0 == colour || held.0 == NONE);
        held.filter(|held| held.0 == colour).map(|held| held.1)
    }

    /// Gives a number to a colour that has none. False if it can't have one.
    fn take(&mut self, colour: u32) -> bool {
        if !places(colour).any(|place| self.table[place].0 == NONE) {
            return false;
        }
        let held = Held { colour, used: self.message };
        let number = if self.entries.len() < MAX_COLOURS {
            self.entries.push(held);
            u8::try_from(self.entries.len() - 1).ok()
        } else {
            let oldest = (0..=u8::MAX).min_by_key(|number| self.entries[usize::from(*number)].used);
            let may_go = |number: &u8| self.entries[usize::from(*number)].used + LONG < self.message;
            oldest.filter(may_go).inspect(|number| {
                self.entries[usize::from(*number)] = held;
                // Without the colour that goes there would be a hole in the table, before others that lie behind it.
                self.table.fill((NONE, 0));
                (0..=u8::MAX).filter(|other| other != number).for_each(|other| self.put(other));
            })
        };
        let Some(number) = number else { return false };
        self.put(number);
        let [blue, green, red, _] = colour.to_ne_bytes();
        self.news.push(Colour { number, rgb: [red, green, blue] });
        true
    }

    /// Puts a colour into the table, where there is room: without it, it is only not found.
    fn put(&mut self, number: u8) {
        let colour = self.entries[usize::from(number)].colour;
        if let Some(place) = places(colour).find(|place| self.table[*place].0 == NONE) {
            self.table[place] = (colour, number);
        }
    }
}

/// Where a colour is looked for, one place after the other.
fn places(colour: u32) -> impl Iterator<Item = usize> {
    let first = place(colour);
    (first..first + PROBES).map(|place| place % PLACES)
}

/// Where a colour is looked for first.
fn place(colour: u32) -> usize {
    let mixed = colour.wrapping_mul(0x9e37_79b1) >> 16;
    usize::try_from(mixed).unwrap_or_default() % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearhand_proto::session::geometry::Size;

    /// Shows each of these colours in 32 pixels; their numbers.
    fn rows(palette: &mut Palette, colours: &[u16]) -> Option<Vec<u8>> {
        let pixel = |colour: &u16| [colour.to_le_bytes()[0], colour.to_le_bytes()[1], 7, 99].repeat(32);
        let bytes: Vec<u8> = colours.iter().flat_map(pixel).collect();
        let size = Size { width: 32, height: u16::try_from(colours.len()).unwrap() };
        let (frame, mut out) = (Pixels::new(&bytes, 128, size).unwrap(), vec![1, 2]);
        let appended = palette.append(&frame, size.rect(), &mut out);
        assert_eq!(out[..2], [1, 2]);
        assert_eq!(
            out.len(),
            if appended { 2 + 32 * colours.len() } else { 2 },
            "nothing of what is refused"
        );
        appended.then(|| out[2..].chunks(32).map(|row| row[31]).collect())
    }

    fn end_messages(palette: &mut Palette, count: u64) {
        (0..count).for_each(|_| drop(palette.end_message()));
    }

    #[test]
    fn colours_keep_their_numbers() {
        let mut palette = Palette::new();
        assert_eq!(rows(&mut palette, &[5, 5, 300, 5, 9]), Some(vec![0, 0, 1, 0, 2]));
        let entry = |number, low, high| Colour { number, rgb: [7, high, low] };
        assert_eq!(palette.end_message(), [entry(0, 5, 0), entry(1, 44, 1), entry(2, 9, 0)]);
        assert_eq!(rows(&mut palette, &[9, 300, 4]), Some(vec![2, 1, 3]));
        assert_eq!(palette.end_message(), [entry(3, 4, 0)]);
        assert_eq!(palette.end_message(), []);
    }

    #[test]
    fn too_many_new_colours_are_refused_and_leave_nothing() {
        let mut palette = Palette::new();
        let many: Vec<u16> = (0..=24).collect();
        assert_eq!(rows(&mut palette, &many), None);
        assert_eq!(palette.end_message(), []);
        assert!(rows(&mut palette, &many[1..]).is_some());
        assert!(rows(&mut palette, &many).is_some(), "one is new");
        let bytes = [1, 1, 1, 0].repeat(31);
        let size = Size { width: 31, height: 1 };
        let frame = Pixels::new(&bytes, bytes.len(), size).unwrap();
        assert!(!palette.append(&frame, size.rect(), &mut Vec::new()), "too few pixels for a new colour");
    }

    #[test]
    fn only_numbers_that_were_long_out_of_use_are_given_away() {
        let mut palette = Palette::new();
        let colours: Vec<u16> = (0..256).map(|n| n * 3).collect();
        colours.chunks(20).for_each(|some| drop(rows(&mut palette, some).unwrap()));
        assert_eq!(palette.end_message().len(), 256);
        end_messages(&mut palette, LONG - 1);
        assert_eq!(rows(&mut palette, &[1_000]), None);
        rows(&mut palette, &colours[..20]).unwrap();
        rows(&mut palette, &colours[25..45]).unwrap();
        palette.end_message();
        let new: Vec<u16> = (2_000..2_006).collect();
        assert_eq!(rows(&mut palette, &new).unwrap(), [20, 21, 22, 23, 24, 45]);
        assert_eq!(rows(&mut palette, &colours[..20]).unwrap(), (0..20).collect::<Vec<u8>>());
        assert_eq!(rows(&mut palette, &colours[20..21]).unwrap(), [46], "it had to be numbered again");
        assert_eq!(palette.end_message().len(), 7);
    }

    #[test]
    fn colours_that_begin_at_the_same_place_are_not_looked_for_everywhere() {
        let same = |colour: &u16| {
            place(u32::from_ne_bytes([colour.to_le_bytes()[0], colour.to_le_bytes()[1], 7, 0])) == 5
        };
        let colours: Vec<u16> = (0..=u16::MAX).filter(same).take(PROBES + 1).collect();
        let mut palette = Palette::new();
        assert!(rows(&mut palette, &colours[..PROBES]).is_some());
        assert_eq!(rows(&mut palette, &colours[PROBES..]), None);
    }
}
