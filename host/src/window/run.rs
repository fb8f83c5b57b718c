//! Opens the window on the desktop and runs it until it is closed. On the main thread: some systems allow windows
//! nowhere else.

use super::{
    Window,
    place::{LEAST, PAGE},
};
use crate::{front::Front, inject::own::OwnWindows};
use eframe::{
    App, CreationContext, Frame, NativeOptions,
    egui::{self, IconData, ViewportBuilder},
};
use nearhand_desktop::{
    look::{self, palette},
    window::x_id,
    words::Words,
};
use std::{cell::RefCell, rc::Rc};
use tokio_util::sync::CancellationToken;

/// What the window is opened with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where it registers itself, so that injected input never acts on it.
    pub own: OwnWindows,
    /// What it says.
    pub words: Words,
    /// Closes it.
    pub stop: CancellationToken,
}

/// No window could be opened, or it broke.
#[derive(Debug, thiserror::Error)]
#[error("no window can be opened on this desktop ({why}); start with --no-window")]
pub struct WindowError {
    /// The front, if it was not used yet: another one may take it.
    pub front: Option<Box<Front>>,
    why: String,
}

/// The window as eframe runs it.
struct Framed(Window);

impl App for Framed {
    fn logic(&mut self, context: &egui::Context, _frame: &mut Frame) {
        self.0.logic(context);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        self.0.ui(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        palette::of(visuals.dark_mode).window.fill.to_normalized_gamma_f32()
    }
}

/// Runs the window; returns when it is closed. What the user pressed has been handed over by then, but the host may still
/// be about to end.
///
/// # Errors
/// [`WindowError`], with the front if it is still whole.
pub fn run(front: Front, setting: Setting) -> Result<(), WindowError> {
    let title = setting.words.host_title().to_owned();
    let viewport = ViewportBuilder::default()
        .with_title(&title)
        .with_app_id("nearhand-host")
        .with_icon(IconData::default())
        .with_inner_size(PAGE)
        .with_min_inner_size(LEAST)
        .with_clamp_size_to_monitor_size(true);
    let options = NativeOptions { viewport, centered: true, ..NativeOptions::default() };
    let kept = Rc::new(RefCell::new(Some(front)));
    let given = kept.clone();
    let create = move |created: &CreationContext<'_>| {
        look::apply(&created.egui_ctx);
        // Before its first frame, so that it is never shown unprotected.
        match x_id(created) {
            Some(window) => setting.own.add(window),
            None => tracing::warn!("the window is no X window, so clicks can't be kept off it"),
        }
        let front = given.borrow_mut().take().ok_or("the window was created twice")?;
        let mut window = Window::new(front, setting.words);
        window.close_on(setting.stop.cancelled_owned());
        Ok(Box::new(Framed(window)) as Box<dyn App>)
    };
    eframe::run_native("nearhand-host", options, Box::new(create)).map_err(|error| WindowError {
        front: kept.borrow_mut().take().map(Box::new),
        why: error.to_string(),
    })
}
