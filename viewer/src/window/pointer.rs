//! The user's pointer, drawn over the picture: at its own place while the technician only watches, and under the
//! technician's own pointer while they control, so that it never lags behind the hand.

use crate::screen::Pointer;
use eframe::egui::{
    Color32, ColorImage, Context, Painter, Pos2, Rect, TextureHandle, TextureOptions, pos2, vec2,
};
use nearhand_proto::session::cursor::ShapeId;

/// The shape that was drawn last.
#[derive(Default)]
pub(super) struct Shown(Option<(ShapeId, TextureHandle)>);

impl Shown {
    /// Draws `pointer` with its hot spot at `at`; `pixel` is the size of one of its pixels in points.
    pub(super) fn paint(
        &mut self,
        context: &Context,
        painter: &Painter,
        pointer: &Pointer,
        at: Pos2,
        pixel: f32,
    ) {
        let shape = &pointer.shape;
        let size = [usize::from(shape.size.width), usize::from(shape.size.height)];
        if self.0.as_ref().is_none_or(|(id, _)| *id != shape.id) {
            let image = ColorImage::from_rgba_premultiplied(size, &shape.pixels);
            let texture = context.load_texture("pointer", image, TextureOptions::NEAREST);
            self.0 = Some((shape.id, texture));
        }
        let Some((_, texture)) = &self.0 else { return };
        let hot = vec2(f32::from(shape.hot.0), f32::from(shape.hot.1)) * pixel;
        let extent = vec2(f32::from(shape.size.width), f32::from(shape.size.height)) * pixel;
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        painter.image(texture.id(), Rect::from_min_size(at - hot, extent), whole, Color32::WHITE);
    }
}
