//! The window on a display: eframe with OpenGL. The only file that knows of either.

use super::{
    Window, dense,
    desk::{Desk, Setting},
};
use eframe::{
    App, CreationContext, NativeOptions,
    egui::{Context, Ui, ViewportBuilder, ViewportCommand, vec2},
};
use nearhand_desktop::{clipboard, window::x_id, words::Words};
use std::{cell::RefCell, rc::Rc};
use tokio::runtime::Runtime;

/// How the window begins.
pub struct Start {
    /// What was typed on the command line as a code.
    pub typed: String,
    /// The desk's settings.
    pub setting: Setting,
    /// What the window says.
    pub words: Words,
}

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// No display, or no OpenGL on it.
    #[error(
        "no window can be opened ({0}); check DISPLAY and that OpenGL works, or use 'nearhand-viewer run' without a window"
    )]
    Display(String),
}

/// Shows the window until it is closed; sessions run on `runtime` and have ended when this returns. On the main thread.
///
/// # Errors
/// [`WindowError`]
pub fn run(runtime: &Runtime, start: Start) -> Result<(), WindowError> {
    let options = NativeOptions {
        viewport: ViewportBuilder::default()
            .with_title(start.words.v_title())
            .with_app_id("nearhand-viewer")
            .with_inner_size(vec2(1_180.0, 760.0))
            .with_min_inner_size(vec2(420.0, 320.0)),
        ..NativeOptions::default()
    };
    // eframe owns the window while it is shown; afterwards its sessions are still to be ended in order.
    let kept = Rc::new(RefCell::new(None));
    let shown = kept.clone();
    let handle = runtime.handle().clone();
    let ran = eframe::run_native(
        "nearhand-viewer",
        options,
        Box::new(move |context| {
            let desk = Desk::new(handle, start.setting);
            let window = Window::new(desk, start.words, clipboard::system(), &start.typed);
            *shown.borrow_mut() = Some(prepare(window, context));
            Ok(Box::new(Shown { window: shown, fitted: false }))
        }),
    );
    if let Some(window) = kept.take() {
        runtime.block_on(window.close());
    }
    ran.map_err(|error| WindowError::Display(error.to_string()))
}

fn prepare(mut window: Window, context: &CreationContext<'_>) -> Window {
    dense::apply(&context.egui_ctx);
    // Ctrl and plus belong to the user's computer.
    context.egui_ctx.options_mut(|options| options.zoom_with_keyboard = false);
    if let Some(id) = x_id(context) {
        window.take_keys(id, &context.egui_ctx);
    }
    window
}

struct Shown {
    window: Rc<RefCell<Option<Window>>>,
    /// True once the window is known to fit the monitor.
    fitted: bool,
}

/// Makes a window smaller that is larger than its monitor, with room for its frame and a task bar.
fn fit(context: &Context) -> bool {
    let (monitor, inner) =
        context.input(|input| (input.viewport().monitor_size, input.viewport().inner_rect));
    let (Some(monitor), Some(inner)) = (monitor, inner) else { return false };
    let room = monitor - vec2(16.0, 64.0);
    if room.x < inner.width() || room.y < inner.height() {
        context.send_viewport_cmd(ViewportCommand::InnerSize(inner.size().min(room)));
    }
    true
}

impl App for Shown {
    fn logic(&mut self, context: &Context, _: &mut eframe::Frame) {
        if let Some(window) = self.window.borrow_mut().as_mut() {
            window.logic(context);
        }
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.fitted = self.fitted || fit(ui.ctx());
        if let Some(window) = self.window.borrow_mut().as_mut() {
            window.ui(ui);
        }
    }
}
