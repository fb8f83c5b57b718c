//! What a window needs of the toolkit besides drawing: its X id, and to be woken from wherever something happens.

use eframe::{CreationContext, egui::Context};
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use std::{
    sync::Arc,
    task::{Wake, Waker},
};

/// The window's X id. `None` if it is no X window.
pub fn x_id(created: &CreationContext<'_>) -> Option<u32> {
    match created.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok(),
        RawWindowHandle::Xcb(handle) => Some(handle.window.get()),
        _ => None,
    }
}

/// Has the window drawn anew, from any thread.
pub fn waker(context: &Context) -> Waker {
    Arc::new(Redraw(context.clone())).into()
}

struct Redraw(Context);

impl Wake for Redraw {
    fn wake(self: Arc<Self>) {
        self.0.request_repaint();
    }
}
