//! The remote picture as textures: only what changed is uploaded. A picture that is larger than a texture may be is
//! laid out in several. While there is no picture there is no texture of it either.

use super::view::Placed;
use crate::screen::Screen;
use eframe::egui::{
    Color32, ColorImage, Context, Painter, Pos2, Rect as Area, TextureFilter, TextureHandle, TextureOptions,
    TextureWrapMode, pos2,
};
use nearhand_proto::session::geometry::{Rect, Size};

/// Sharp when it is 1:1 or larger, smooth when it is smaller than it is.
const OPTIONS: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

/// The picture of one session, as it was uploaded last.
#[derive(Default)]
pub(super) struct Picture {
    size: Option<Size>,
    parts: Vec<Part>,
}

struct Part {
    area: Rect,
    texture: TextureHandle,
}

/// Pixels to be uploaded.
struct Piece {
    part: usize,
    at: [usize; 2],
    image: ColorImage,
}

impl Picture {
    /// Brings the textures up to date; the picture's size, or `None` if there is none.
    pub(super) fn update(&mut self, screen: &Screen, context: &Context) -> Option<Size> {
        if screen.size().is_none() {
            self.size = None;
            self.parts.clear();
            return None;
        }
        let largest = context.input(|input| input.max_texture_side);
        let mut pieces = Vec::new();
        let mut areas = None;
        // Only copied under the screen's lock; the toolkit's own locks are taken afterwards.
        screen.draw(|size, pixels, damage| {
            if self.size == Some(size) {
                pieces = self.changed(size, pixels, damage);
            } else {
                let parts = parts(size, largest);
                let images = parts.iter().map(|part| cut(size, pixels, *part));
                areas = Some((size, parts.iter().copied().zip(images).collect::<Vec<_>>()));
            }
        });
        for Piece { part, at, image } in pieces {
            if let Some(part) = self.parts.get_mut(part) {
                part.texture.set_partial(at, image, OPTIONS);
            }
        }
        if let Some((size, areas)) = areas {
            let load =
                |(area, image)| Part { area, texture: context.load_texture("picture", image, OPTIONS) };
            self.parts = areas.into_iter().map(load).collect();
            self.size = Some(size);
        }
        self.size
    }

    /// Draws it in its place.
    pub(super) fn paint(&self, painter: &Painter, placed: &Placed, tint: Color32) {
        let whole = Area::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        for Part { area, texture } in &self.parts {
            let corner = |x: u32, y: u32| -> Pos2 {
                placed.place(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX))
            };
            let place =
                Area::from_min_max(corner(area.x.into(), area.y.into()), corner(area.right(), area.bottom()));
            painter.image(texture.id(), place, whole, tint);
        }
    }

    fn changed(&self, size: Size, pixels: &[u8], damage: &[Rect]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (number, part) in self.parts.iter().enumerate() {
            for common in damage.iter().filter_map(|rect| common(*rect, part.area)) {
                let at = [usize::from(common.x - part.area.x), usize::from(common.y - part.area.y)];
                pieces.push(Piece { part: number, at, image: cut(size, pixels, common) });
            }
        }
        pieces
    }
}

/// The pieces in which a picture is laid out.
fn parts(size: Size, largest: usize) -> Vec<Rect> {
    let side = u16::try_from(largest).unwrap_or(u16::MAX).max(64);
    let starts = |length: u16| (0..length).step_by(side.into());
    let part = |x, y| Rect { x, y, width: side.min(size.width - x), height: side.min(size.height - y) };
    starts(size.height).flat_map(|y| starts(size.width).map(move |x| part(x, y))).collect()
}

/// What two rectangles have in common.
fn common(one: Rect, other: Rect) -> Option<Rect> {
    let (x, y) = (one.x.max(other.x), one.y.max(other.y));
    let width = one.right().min(other.right()).checked_sub(x.into())?;
    let height = one.bottom().min(other.bottom()).checked_sub(y.into())?;
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    (width != 0 && height != 0).then_some(Rect { x, y, width, height })
}

/// One rectangle out of a picture (RGBX8, where X is 255: [`crate::decode`] keeps it so).
fn cut(size: Size, pixels: &[u8], rect: Rect) -> ColorImage {
    let row = usize::from(size.width) * 4;
    let (left, length) = (usize::from(rect.x) * 4, usize::from(rect.width) * 4);
    let (width, height) = (usize::from(rect.width), usize::from(rect.height));
    if length == row {
        let start = usize::from(rect.y) * row;
        return ColorImage::from_rgba_premultiplied([width, height], &pixels[start..start + height * row]);
    }
    let mut part = Vec::with_capacity(length * height);
    for y in usize::from(rect.y)..usize::from(rect.y) + height {
        part.extend_from_slice(&pixels[y * row + left..y * row + left + length]);
    }
    ColorImage::from_rgba_premultiplied([width, height], &part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{ImageData, RawInput, TextureId, TexturesDelta};
    use nearhand_proto::session::screen::Epoch;
    use std::{collections::HashMap, task::Waker};

    /// A renderer that only keeps textures.
    #[derive(Default)]
    struct Kept(HashMap<TextureId, ColorImage>, usize);

    impl Kept {
        fn take(&mut self, mut delta: TexturesDelta) {
            let set = delta.set.iter().flat_map(|(id, deltas)| deltas.iter().map(move |one| (*id, one)));
            for (id, delta) in set {
                let ImageData::Color(image) = &delta.image;
                self.1 += image.pixels.len();
                let Some([left, top]) = delta.pos else {
                    self.0.insert(id, (**image).clone());
                    continue;
                };
                let kept = self.0.get_mut(&id).unwrap();
                for y in 0..image.height() {
                    for x in 0..image.width() {
                        kept[(left + x, top + y)] = image[(x, y)];
                    }
                }
            }
            delta.free.iter().for_each(|id| drop(self.0.remove(id)));
            delta.clear();
        }
    }

    fn frame(context: &Context, kept: &mut Kept, mut draw: impl FnMut(&Context)) {
        let input = RawInput { max_texture_side: Some(1_024), ..RawInput::default() };
        let output = context.run_ui(input, |ui| draw(ui.ctx()));
        kept.take(output.textures_delta);
    }

    fn assembled(picture: &Picture, kept: &Kept) -> Vec<u8> {
        let size = picture.size.unwrap();
        let mut rgb = Vec::new();
        for y in 0..size.height {
            for x in 0..size.width {
                let part = picture.parts.iter().find(|part| {
                    let inside = Rect { x, y, width: 1, height: 1 };
                    common(inside, part.area).is_some()
                });
                let part = part.unwrap();
                let at = (usize::from(x - part.area.x), usize::from(y - part.area.y));
                rgb.extend_from_slice(&kept.0[&part.texture.id()][at].to_array()[..3]);
            }
        }
        rgb
    }

    #[test]
    fn only_changes_are_uploaded_and_what_is_taken_back_is_gone() {
        let (context, screen) = (Context::default(), Screen::default());
        let (mut picture, mut kept) = (Picture::default(), Kept::default());
        screen.wake_on_change(Waker::noop().clone());
        let size = Size { width: 1_203, height: 1_101 };
        let mut pixels: Vec<u8> = (0..size.pixels()).flat_map(|n| n.to_le_bytes()).collect();
        pixels.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel[3] = 255);
        screen.show(Epoch(1), size, &pixels, &[]);
        frame(&context, &mut kept, |context| assert_eq!(picture.update(&screen, context), Some(size)));
        assert_eq!(picture.parts.len(), 4, "in pieces of at most 1,024 pixels a side");
        assert_eq!(assembled(&picture, &kept), screen.snapshot().unwrap().rgb);

        let rect = Rect { x: 1_020, y: 1_020, width: 10, height: 10 };
        pixels.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| *pixel = [1, 2, 3, 255]);
        screen.show(Epoch(1), size, &pixels, &[rect]);
        kept.1 = 0;
        frame(&context, &mut kept, |context| assert_eq!(picture.update(&screen, context), Some(size)));
        assert_eq!(kept.1, 100, "uploaded pixels");
        assert_eq!(assembled(&picture, &kept), screen.snapshot().unwrap().rgb);

        let textures: Vec<_> = picture.parts.iter().map(|part| part.texture.id()).collect();
        screen.blank();
        frame(&context, &mut kept, |context| assert_eq!(picture.update(&screen, context), None));
        frame(&context, &mut kept, |_| {});
        assert!(textures.iter().all(|id| !kept.0.contains_key(id)), "nothing of it stays in a texture");
    }
}
