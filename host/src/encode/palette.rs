//! The colours of one stream by number: what a desktop shows mostly has few, and a byte a pixel is sooner compressed than
//! three, and better. Colours stay until their numbers are needed for others; then those unused longest go.

use super::pixels::{Pixels, colours};
use nearhand_proto::session::{
    geometry::Rect,
    screen::{Colour, MAX_COLOURS},
};

/// Places of the table by which a colour's number is found; a power of two, and so many that few are taken.
const PLACES: usize = 1_024;

/// Colours of one rectangle that may be new: more of them are a photograph's, or a gradient's.
const FRESH: usize = 24;

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

/// Why pixels can't be given by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// They have too many colours.
    Colours,
    /// All numbers are in use by this message: try again in the next one.
    Full,
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

    /// Appends the numbers of the pixels of `rect`, row by row. At most [`FRESH`] colours may be new.
    ///
    /// # Errors
    /// [`Refusal`]; then `out` is as before.
    pub(super) fn append(
        &mut self,
        frame: &Pixels<'_>,
        rect: Rect,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let length = out.len();
        let appended = self.try_append(frame, rect, out).and_then(|fresh| match fresh[..] {
            [] => Ok(()),
            _ => {
                out.truncate(length);
                fresh.into_iter().try_for_each(|colour| self.take(colour))?;
                self.try_append(frame, rect, out).map(drop)
            }
        });
        if appended.is_err() {
            out.truncate(length);
        }
        appended
    }

    /// Appends numbers, any for colours that have none; returns these.
    fn try_append(&mut self, frame: &Pixels<'_>, rect: Rect, out: &mut Vec<u8>) -> Result<Vec<u32>, Refusal> {
        let (mut seen, mut fresh) = ([false; MAX_COLOURS], Vec::new());
        for y in rect.y..rect.y + rect.height {
            out.extend(colours(frame.row(rect, y)).map(|colour| {
                let number = self.find(colour).unwrap_or_else(|| {
                    // One more than may be new, to tell that there are too many.
                    if fresh.len() <= FRESH && !fresh.contains(&colour) {
                        fresh.push(colour);
                    }
                    0
                });
                seen[usize::from(number)] = true;
                number
            }));
            if FRESH < fresh.len() {
                return Err(Refusal::Colours);
            }
        }
        for (held, seen) in self.entries.iter_mut().zip(seen) {
            if seen {
                held.used = self.message;
            }
        }
        Ok(fresh)
    }

    /// The message is over: what the viewer has to be told before its pixels.
    pub(super) fn end_message(&mut self) -> Vec<Colour> {
        self.message += 1;
        std::mem::take(&mut self.news)
    }

    fn find(&self, colour: u32) -> Option<u8> {
        let mut place = place(colour);
        loop {
            match self.table[place] {
                (held, number) if held == colour => return Some(number),
                (NONE, _) => return None,
                _ => place = (place + 1) % PLACES,
            }
        }
    }

    /// Gives a number to a colour that has none.
    fn take(&mut self, colour: u32) -> Result<(), Refusal> {
        let held = Held { colour, used: self.message };
        let number = if self.entries.len() < MAX_COLOURS {
            self.entries.push(held);
            let number = u8::try_from(self.entries.len() - 1).map_err(|_| Refusal::Full)?;
            self.put(number);
            number
        } else {
            let oldest = (0..=u8::MAX).min_by_key(|number| self.entries[usize::from(*number)].used);
            let may_go = |number: &u8| self.entries[usize::from(*number)].used < self.message;
            let number = oldest.filter(may_go).ok_or(Refusal::Full)?;
            self.entries[usize::from(number)] = held;
            self.rebuild();
            number
        };
        let [blue, green, red, _] = colour.to_ne_bytes();
        self.news.push(Colour { number, rgb: [red, green, blue] });
        Ok(())
    }

    fn put(&mut self, number: u8) {
        let colour = self.entries[usize::from(number)].colour;
        let mut place = place(colour);
        while self.table[place].0 != NONE {
            place = (place + 1) % PLACES;
        }
        self.table[place] = (colour, number);
    }

    /// A colour that goes would leave a hole in the table, before others that lie behind it.
    fn rebuild(&mut self) {
        self.table.fill((NONE, 0));
        (0..=u8::MAX).take(self.entries.len()).for_each(|number| self.put(number));
    }
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

    /// Shows these colours as one row; the numbers they got.
    fn row(palette: &mut Palette, colours: &[u16]) -> Result<Vec<u8>, Refusal> {
        let bytes: Vec<u8> =
            colours.iter().flat_map(|c| [c.to_le_bytes()[0], c.to_le_bytes()[1], 7, 99]).collect();
        let size = Size { width: u16::try_from(colours.len()).unwrap(), height: 1 };
        let (frame, mut out) = (Pixels::new(&bytes, bytes.len(), size).unwrap(), vec![1, 2]);
        let appended = palette.append(&frame, size.rect(), &mut out);
        assert_eq!(out[..2], [1, 2]);
        assert!(appended.is_ok() || out.len() == 2, "nothing of what is refused");
        appended.map(|()| out.split_off(2))
    }

    #[test]
    fn colours_keep_their_numbers() {
        let mut palette = Palette::new();
        assert_eq!(row(&mut palette, &[5, 5, 300, 5, 9]), Ok(vec![0, 0, 1, 0, 2]));
        let entry = |number, low, high| Colour { number, rgb: [7, high, low] };
        assert_eq!(palette.end_message(), [entry(0, 5, 0), entry(1, 44, 1), entry(2, 9, 0)]);
        assert_eq!(row(&mut palette, &[9, 300, 4]), Ok(vec![2, 1, 3]));
        assert_eq!(palette.end_message(), [entry(3, 4, 0)]);
        assert_eq!(palette.end_message(), []);
    }

    #[test]
    fn too_many_new_colours_are_refused_and_leave_nothing() {
        let mut palette = Palette::new();
        let many: Vec<u16> = (0..=24).collect();
        assert_eq!(row(&mut palette, &many), Err(Refusal::Colours));
        assert_eq!(palette.end_message(), []);
        assert!(row(&mut palette, &many[1..]).is_ok());
        assert!(row(&mut palette, &many).is_ok(), "one is new");
    }

    #[test]
    fn the_numbers_unused_longest_are_given_away_but_none_of_this_message() {
        let mut palette = Palette::new();
        let colours: Vec<u16> = (0..256).map(|n| n * 3).collect();
        colours.chunks(20).for_each(|some| drop(row(&mut palette, some).unwrap()));
        assert_eq!(row(&mut palette, &[1_000]), Err(Refusal::Full));
        assert_eq!(palette.end_message().len(), 256);
        row(&mut palette, &colours[..20]).unwrap();
        row(&mut palette, &colours[25..45]).unwrap();
        palette.end_message();
        let new: Vec<u16> = (2_000..2_006).collect();
        assert_eq!(row(&mut palette, &new).unwrap(), [20, 21, 22, 23, 24, 45]);
        assert_eq!(row(&mut palette, &colours[..20]).unwrap(), (0..20).collect::<Vec<u8>>());
        assert_eq!(row(&mut palette, &colours[20..21]).unwrap(), [46], "it had to be numbered again");
    }
}
