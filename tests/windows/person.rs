//! Somebody at a window: sees what stands there by its accessible name, and uses the keyboard.

use eframe::egui::{Event, Key, OutputCommand, Ui, Vec2, accesskit::Toggled};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use nearhand_desktop::look;
use nearhand_tests::eventually;

/// Steps of the keyboard from one end of a window to the other, at most.
const STEPS: usize = 40;

/// Somebody at a window, which is a state and how it is drawn.
pub(crate) struct Person<S: 'static> {
    window: Harness<'static, S>,
    /// What was copied last.
    pub(crate) copied: Option<String>,
}

impl<S> Person<S> {
    /// At this window of this size, in points.
    pub(crate) fn at(state: S, size: Vec2, mut draw: impl FnMut(&mut Ui, &mut S) + 'static) -> Self {
        let builder = Harness::builder().with_size(size).with_context_setup(look::apply);
        let window = builder.build_ui_state(move |ui, state| draw(ui, state), state);
        Self { window, copied: None }
    }

    /// The window's state.
    pub(crate) fn window(&self) -> &S {
        self.window.state()
    }

    /// Waits until this stands somewhere.
    pub(crate) async fn sees(&mut self, text: &str) {
        let window = &mut self.window;
        let shown = || {
            window.step();
            window.query_all_by_label_contains(text).next().map(drop)
        };
        eventually(&format!("the window shows {text:?}"), shown).await;
        self.window.check_accessibility();
    }

    /// True if this stands somewhere now.
    pub(crate) fn has(&mut self, text: &str) -> bool {
        self.window.step();
        self.window.query_all_by_label_contains(text).next().is_some()
    }

    /// Waits until the switch of this name is on, or off.
    pub(crate) async fn sees_switch(&mut self, name: &str, on: bool) {
        let window = &mut self.window;
        let shown = || {
            window.step();
            let node = window.query_by_label(name)?;
            let state = if on { Toggled::True } else { Toggled::False };
            (node.accesskit_node().toggled() == Some(state)).then_some(())
        };
        eventually(&format!("the switch {name:?} is on: {on}"), shown).await;
    }

    /// Waits until this can be pressed, goes there by Tab and presses Enter.
    pub(crate) async fn presses(&mut self, name: &str) {
        self.presses_with(name, Key::Enter).await;
    }

    /// The same with another key.
    pub(crate) async fn presses_with(&mut self, name: &str, key: Key) {
        self.sees(name).await;
        for _ in 0..STEPS {
            if self.window.query_by_label(name).is_some_and(|node| node.is_focused()) {
                return self.types(key);
            }
            self.types(Key::Tab);
        }
        panic!("no step of Tab leads to {name:?}");
    }

    /// Presses and releases a key, wherever that goes.
    pub(crate) fn types(&mut self, key: Key) {
        self.window.key_down(key);
        self.draw();
        self.window.key_up(key);
        self.draw();
    }

    /// Pastes a text.
    pub(crate) fn pastes(&mut self, text: &str) {
        self.window.event(Event::Paste(text.to_owned()));
        self.draw();
    }

    fn draw(&mut self) {
        self.window.step();
        for command in &self.window.output().platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                self.copied = Some(text.clone());
            }
        }
    }

    /// Waits until `look` finds something in the window's state.
    pub(crate) async fn finds<R>(&mut self, what: &str, mut look: impl FnMut(&S) -> Option<R>) -> R {
        let window = &mut self.window;
        let found = || {
            window.step();
            look(window.state())
        };
        eventually(what, found).await
    }
}
