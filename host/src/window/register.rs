//! Puts the window on the list of the host's own, which injected input never acts on.

use crate::inject::own::OwnWindows;
use eframe::CreationContext;
use raw_window_handle::{HasWindowHandle as _, RawWindowHandle};

/// Before its first frame, so that it is never shown unprotected. False if this is no X window: then nothing can inject
/// into it by X either.
pub(super) fn register(created: &CreationContext<'_>, own: &OwnWindows) -> bool {
    let window = match created.window_handle().map(|handle| handle.as_raw()) {
        Ok(RawWindowHandle::Xlib(handle)) => u32::try_from(handle.window).ok(),
        Ok(RawWindowHandle::Xcb(handle)) => Some(handle.window.get()),
        _ => None,
    };
    window.inspect(|window| own.add(*window)).is_some()
}
