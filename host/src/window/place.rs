//! Where the window stands and how large it is: a page in the middle of the screen, or a banner at its upper edge that
//! is as high as what it has to say.

use eframe::egui::{Context, Pos2, Vec2, ViewportCommand, WindowLevel, pos2, vec2};

/// A page, in points.
pub(super) const PAGE: Vec2 = vec2(644.0, 540.0);

/// No smaller than this, in points.
pub(super) const LEAST: Vec2 = vec2(300.0, 120.0);

/// A banner's width, in points.
const BANNER: f32 = 920.0;

/// A banner's height before anything was measured, in points.
const BANNER_HEIGHT: f32 = 150.0;

/// What the screen's edges and the window's own title take, in points.
const AROUND: Vec2 = vec2(8.0, 36.0);

/// A screen whose size nobody tells, in points.
const SCREEN: Vec2 = vec2(1_280.0, 800.0);

/// What the window is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One scene.
    Page,
    /// A session runs.
    Banner,
}

/// What was asked of the window manager last.
#[derive(Debug)]
pub(super) struct Place {
    shape: Shape,
    size: Vec2,
    above: bool,
}

impl Default for Place {
    /// As the window opens.
    fn default() -> Self {
        Self { shape: Shape::Page, size: PAGE, above: false }
    }
}

impl Place {
    /// Asks for what has changed. `content`: the size of what there is to see; `above`: the window stays above others.
    pub(super) fn settle(&mut self, context: &Context, shape: Shape, above: bool, content: Vec2) {
        if self.above != above {
            self.above = above;
            let level = if above { WindowLevel::AlwaysOnTop } else { WindowLevel::Normal };
            context.send_viewport_cmd(ViewportCommand::WindowLevel(level));
        }
        let screen = context.input(|input| input.viewport().monitor_size).unwrap_or(SCREEN);
        if std::mem::replace(&mut self.shape, shape) != shape {
            let (size, at) = fresh(shape, screen);
            self.size = size;
            context.send_viewport_cmd(ViewportCommand::InnerSize(size));
            context.send_viewport_cmd(ViewportCommand::OuterPosition(at));
            return;
        }
        let size = match shape {
            Shape::Page => page(screen, content.y.max(self.size.y)),
            Shape::Banner => banner(screen, content.y),
        };
        if 1.0 < (size.y - self.size.y).abs() {
            self.size = size;
            context.send_viewport_cmd(ViewportCommand::InnerSize(size));
        }
    }
}

/// Size and place of a window that has just become this.
fn fresh(shape: Shape, screen: Vec2) -> (Vec2, Pos2) {
    let size = match shape {
        Shape::Page => page(screen, PAGE.y),
        Shape::Banner => banner(screen, BANNER_HEIGHT),
    };
    let top = match shape {
        Shape::Page => ((screen.y - size.y) / 2.0 - AROUND.y / 2.0).max(0.0),
        Shape::Banner => 0.0,
    };
    (size, pos2(((screen.x - size.x) / 2.0).max(0.0), top))
}

/// A page: it grows for what it has to say, but does not shrink.
fn page(screen: Vec2, content: f32) -> Vec2 {
    PAGE.max(vec2(0.0, content.ceil())).min(screen - AROUND)
}

/// A banner of this content.
fn banner(screen: Vec2, content: f32) -> Vec2 {
    let room = screen - AROUND;
    vec2(BANNER.min(room.x), content.clamp(LEAST.y.min(room.y), room.y.max(1.0)).ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits_every_screen() {
        for screen in [vec2(400.0, 300.0), vec2(800.0, 600.0), vec2(1_920.0, 1_080.0)] {
            for shape in [Shape::Page, Shape::Banner] {
                let (size, at) = fresh(shape, screen);
                let end = at + size;
                assert!(0.0 <= at.x && 0.0 <= at.y && end.x <= screen.x && end.y <= screen.y, "{screen:?}");
            }
            assert!(banner(screen, 5_000.0).y <= screen.y);
        }
        assert_eq!(banner(vec2(1_920.0, 1_080.0), 160.2), vec2(920.0, 161.0));
    }
}
