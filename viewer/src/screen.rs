//! The picture as it is presented: written by the session, one whole update at a time; read by a front. It never
//! shows half an update. Not the decoder's own picture, which is ahead of it in the middle of an update.
//!
//! Pixels that a front watches are looked at whenever an update is presented, so that no change is missed however
//! late the front comes to ask. The user's pointer lies over the picture, not in it ([`Screen::pointer`]).

use nearhand_proto::session::{
    cursor::{Position, Shape},
    geometry::{Point, Rect, Size},
    screen::Epoch,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Instant,
};

/// Points watched at once, at most.
pub const MAX_WATCHED: usize = 256;

/// Changes of watched pixels that may wait to be taken; when full the oldest is dropped.
const MAX_CHANGES: usize = 16_384;

/// Pointer shapes kept, the newest; a host sends each once, and again when it is asked for a new picture.
const MAX_SHAPES: usize = 64;

/// Changed areas kept for a front that draws; with more, everything has changed.
const MAX_DAMAGE: usize = 128;

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// A handle to the picture; clones show the same one. Its lock is held for at most the copy of one picture.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<Shown>>);

/// A watched pixel has another colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which pixel.
    pub at: Point,
    /// Its colour from now on.
    pub rgb: Rgb,
    /// When the update with it was presented.
    pub presented: Instant,
}

/// A copy of a whole picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its size.
    pub size: Size,
    /// RGB8, row by row: 3 × width × height bytes.
    pub rgb: Vec<u8>,
}

/// The user's pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Monitor pixels; outside the picture when it is on another monitor.
    pub x: i32,
    /// Monitor pixels.
    pub y: i32,
    /// What it looks like.
    pub shape: Arc<Shape>,
}

#[derive(Default)]
struct Shown {
    epoch: Option<Epoch>,
    /// The newest epoch whose stream has begun.
    begun: Option<Epoch>,
    /// Nothing up to this epoch is shown any more: it was taken back.
    taken_back: Option<Epoch>,
    position: Option<Position>,
    shapes: VecDeque<Arc<Shape>>,
    /// What changed since a front drew last; `None` while none draws.
    damage: Option<Vec<Rect>>,
    /// Woken when the picture or the pointer has changed.
    waker: Option<Waker>,
    size: Option<Size>,
    /// INVARIANT: RGBX8, 4 × width × height bytes of `size`; empty without one.
    pixels: Vec<u8>,
    watched: Vec<(Point, Option<Rgb>)>,
    changes: VecDeque<Change>,
}

impl Screen {
    /// Presents an update of `epoch`, unless a newer epoch has been shown: `rgbx` is the whole picture, 4 × width × height
    /// bytes; only `changed` is copied, or everything when the size is another than before. Rectangles outside the picture
    /// are ignored, and so is a picture whose length does not fit. Returns the moment of presentation.
    pub fn show(&self, epoch: Epoch, size: Size, rgbx: &[u8], changed: &[Rect]) -> Instant {
        let mut shown = self.lock();
        let outdated = shown.epoch.is_some_and(|newest| epoch < newest)
            || shown.taken_back.is_some_and(|gone| epoch <= gone);
        if rgbx.len() == bytes(size) && !outdated {
            shown.epoch = Some(epoch);
            if shown.size == Some(size) {
                changed.iter().filter(|rect| rect.fits(size)).for_each(|rect| shown.copy(size, rgbx, *rect));
            } else {
                shown.size = Some(size);
                shown.pixels.clear();
                shown.pixels.extend_from_slice(rgbx);
                shown.damaged(size.rect());
            }
        }
        let presented = Instant::now();
        shown.look(presented);
        shown.wake();
        presented
    }

    /// A stream of this epoch has begun.
    pub fn handle_epoch(&self, epoch: Epoch) {
        let mut shown = self.lock();
        shown.begun = shown.begun.max(Some(epoch));
    }

    /// The user shows nothing any more: the picture is gone, and nothing that is still on its way brings it back; a
    /// newer epoch does.
    pub fn blank(&self) {
        let mut shown = self.lock();
        shown.taken_back = shown.begun.max(shown.epoch);
        shown.size = None;
        shown.pixels = Vec::new();
        shown.position = None;
        shown.damage = shown.damage.take().map(|_| Vec::new());
        shown.look(Instant::now());
        shown.wake();
    }

    /// A pointer shape has come.
    pub fn handle_shape(&self, shape: Shape) {
        let mut shown = self.lock();
        shown.shapes.retain(|known| known.id != shape.id);
        if MAX_SHAPES <= shown.shapes.len() {
            shown.shapes.pop_front();
        }
        shown.shapes.push_back(Arc::new(shape));
        shown.wake();
    }

    /// The pointer has moved; a position older than the last one is dropped.
    pub fn handle_position(&self, position: Position) {
        let mut shown = self.lock();
        let order = |position: &Position| (position.epoch, position.seq);
        if shown.position.as_ref().is_none_or(|last| order(last) < order(&position)) {
            shown.position = Some(position);
            shown.wake();
        }
    }

    /// The user's pointer on the picture that is shown; `None` while its position or shape is not known.
    pub fn pointer(&self) -> Option<Pointer> {
        let shown = self.lock();
        let position = shown.position.filter(|position| Some(position.epoch) == shown.epoch)?;
        let shape = shown.shapes.iter().find(|shape| shape.id == position.shape)?.clone();
        Some(Pointer { x: position.x, y: position.y, shape })
    }

    /// Wakes a front that draws, whenever picture or pointer change from now on. All of the picture counts as changed.
    pub fn wake_on_change(&self, waker: Waker) {
        let mut shown = self.lock();
        shown.damage = Some(shown.size.map(Size::rect).into_iter().collect());
        shown.waker = Some(waker);
    }

    /// Shows a front that draws the size of the picture, its pixels (RGBX8, row by row) and what changed since the
    /// last call, under the lock: be quick. Nothing is called while there is no picture.
    pub fn draw(&self, draw: impl FnOnce(Size, &[u8], &[Rect])) {
        let mut shown = self.lock();
        let Some(size) = shown.size else { return };
        let damage = shown.damage.replace(Vec::new()).unwrap_or_else(|| vec![size.rect()]);
        draw(size, &shown.pixels, &damage);
    }

    /// The size of the picture; `None` before the first one.
    pub fn size(&self) -> Option<Size> {
        self.lock().size
    }

    /// The colour of one pixel; `None` outside the picture.
    pub fn pixel(&self, at: Point) -> Option<Rgb> {
        self.lock().pixel(at)
    }

    /// A copy of the picture; `None` before the first one.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let shown = self.lock();
        let size = shown.size?;
        let mut rgb = Vec::with_capacity(bytes(size) / 4 * 3);
        for pixel in shown.pixels.as_chunks::<4>().0 {
            rgb.extend_from_slice(&pixel[..3]);
        }
        Some(Snapshot { size, rgb })
    }

    /// Reports every change of this pixel from now on, by [`Screen::take_changes`].
    /// False if [`MAX_WATCHED`] are watched already.
    pub fn watch(&self, at: Point) -> bool {
        let mut shown = self.lock();
        if shown.watched.iter().any(|watched| watched.0 == at) {
            return true;
        }
        if MAX_WATCHED <= shown.watched.len() {
            return false;
        }
        let colour = shown.pixel(at);
        shown.watched.push((at, colour));
        true
    }

    /// The changes of watched pixels since the last call, oldest first.
    pub fn take_changes(&self) -> Vec<Change> {
        self.lock().changes.drain(..).collect()
    }

    /// A panic under this lock can't leave anything that breaks an invariant of memory; so go on.
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn damaged(&mut self, rect: Rect) {
        let Some(damage) = &mut self.damage else { return };
        if damage.len() < MAX_DAMAGE {
            damage.push(rect);
        } else if let Some(size) = self.size {
            *damage = vec![size.rect()];
        }
    }

    fn copy(&mut self, size: Size, rgbx: &[u8], rect: Rect) {
        self.damaged(rect);
        let row = usize::from(size.width) * 4;
        let (left, length) = (usize::from(rect.x) * 4, usize::from(rect.width) * 4);
        let rows = usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.height);
        for from in rows.map(|y| y * row + left) {
            let part = from..from + length;
            if let (Some(to), Some(source)) = (self.pixels.get_mut(part.clone()), rgbx.get(part)) {
                to.copy_from_slice(source);
            }
        }
    }

    fn pixel(&self, at: Point) -> Option<Rgb> {
        let size = self.size?;
        if size.width <= at.x || size.height <= at.y {
            return None;
        }
        let from = (usize::from(at.y) * usize::from(size.width) + usize::from(at.x)) * 4;
        self.pixels.get(from..from + 3)?.try_into().ok()
    }

    fn look(&mut self, presented: Instant) {
        let mut watched = std::mem::take(&mut self.watched);
        for (at, known) in &mut watched {
            let colour = self.pixel(*at);
            if let Some(rgb) = colour.filter(|_| colour != *known) {
                if MAX_CHANGES <= self.changes.len() {
                    self.changes.pop_front();
                }
                self.changes.push_back(Change { at: *at, rgb, presented });
            }
            *known = colour;
        }
        self.watched = watched;
    }
}

fn bytes(size: Size) -> usize {
    usize::from(size.width) * usize::from(size.height) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 3, height: 2 };

    fn picture(colour: Rgb) -> Vec<u8> {
        [colour[0], colour[1], colour[2], 0].repeat(6)
    }

    #[test]
    fn only_what_changed_is_copied() {
        let screen = Screen::default();
        assert_eq!(screen.snapshot(), None);
        screen.show(Epoch(1), SIZE, &picture([1, 2, 3]), &[]);
        screen.show(Epoch(1), SIZE, &picture([9, 8, 7]), &[Rect { x: 1, y: 1, width: 2, height: 1 }]);
        let snapshot = screen.snapshot().unwrap();
        assert_eq!(snapshot.size, SIZE);
        assert_eq!(snapshot.rgb, [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3], [9, 8, 7], [9, 8, 7]].concat());
        assert_eq!(screen.pixel(Point { x: 3, y: 0 }), None);
        assert_eq!(screen.pixel(Point { x: 1, y: 1 }), Some([9, 8, 7]));
    }

    #[test]
    fn a_watched_pixel_tells_every_change_and_nothing_else() {
        let screen = Screen::default();
        let at = Point { x: 2, y: 0 };
        screen.show(Epoch(1), SIZE, &picture([0; 3]), &[SIZE.rect()]);
        assert!(screen.watch(at));
        for colour in [[0; 3], [5; 3], [5; 3], [6; 3]] {
            screen.show(Epoch(1), SIZE, &picture(colour), &[SIZE.rect()]);
        }
        let seen: Vec<_> = screen.take_changes().into_iter().map(|change| (change.at, change.rgb)).collect();
        assert_eq!(seen, [(at, [5; 3]), (at, [6; 3])]);
        assert_eq!(screen.take_changes(), []);
    }

    #[test]
    fn an_older_epoch_never_comes_back() {
        let screen = Screen::default();
        screen.show(Epoch(2), SIZE, &picture([2; 3]), &[SIZE.rect()]);
        screen.show(Epoch(1), SIZE, &picture([1; 3]), &[SIZE.rect()]);
        assert_eq!(screen.pixel(Point { x: 0, y: 0 }), Some([2; 3]));
    }

    #[test]
    fn what_was_taken_back_does_not_come_again() {
        let screen = Screen::default();
        screen.handle_epoch(Epoch(1));
        screen.show(Epoch(1), SIZE, &picture([1; 3]), &[]);
        screen.handle_epoch(Epoch(2));
        screen.blank();
        for epoch in [1, 2] {
            screen.show(Epoch(epoch), SIZE, &picture([2; 3]), &[SIZE.rect()]);
            assert_eq!(screen.snapshot(), None, "epoch {epoch}");
        }
        screen.show(Epoch(3), SIZE, &picture([3; 3]), &[]);
        assert_eq!(screen.pixel(Point { x: 0, y: 0 }), Some([3; 3]));
    }

    #[test]
    fn a_front_that_draws_is_told_what_changed_since_it_drew() {
        let screen = Screen::default();
        let drawn = || {
            let mut drawn = None;
            screen.draw(|size, _, damage| drawn = Some((size, damage.to_vec())));
            drawn
        };
        assert_eq!(drawn(), None);
        screen.show(Epoch(1), SIZE, &picture([1; 3]), &[]);
        screen.wake_on_change(Waker::noop().clone());
        let corner = Rect { x: 0, y: 0, width: 1, height: 1 };
        screen.show(Epoch(1), SIZE, &picture([2; 3]), &[corner]);
        assert_eq!(drawn(), Some((SIZE, vec![SIZE.rect(), corner])));
        assert_eq!(drawn(), Some((SIZE, vec![])));
    }

    #[test]
    fn the_pointer_is_shown_once_shape_and_place_are_known() {
        let screen = Screen::default();
        screen.show(Epoch(1), SIZE, &picture([1; 3]), &[]);
        let shape = Shape::new(Size { width: 1, height: 1 }, (0, 0), vec![0; 4]);
        let at = |seq, x| Position { epoch: Epoch(1), seq, x, y: 0, shape: shape.id };
        screen.handle_position(at(2, 7));
        assert_eq!(screen.pointer(), None);
        screen.handle_shape(shape.clone());
        screen.handle_position(at(1, 5));
        assert_eq!(screen.pointer().map(|pointer| pointer.x), Some(7));
    }

    #[test]
    fn what_does_not_fit_is_ignored() {
        let screen = Screen::default();
        screen.show(Epoch(1), SIZE, &[0; 5], &[]);
        assert_eq!(screen.size(), None);
        screen.show(Epoch(1), SIZE, &picture([1; 3]), &[]);
        screen.show(Epoch(1), SIZE, &picture([2; 3]), &[Rect { x: 2, y: 0, width: 2, height: 1 }]);
        assert_eq!(screen.pixel(Point { x: 2, y: 0 }), Some([1; 3]));
    }
}
