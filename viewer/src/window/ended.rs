//! The page after a session, or after an attempt at one: why it is over, and what to do next.

use super::{dense, say, session::Session};
use eframe::egui::{RichText, Ui};
use nearhand_desktop::{look::Kind, words::Words};
use nearhand_proto::close::Close;
use std::time::{Duration, Instant};

/// How the page is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another code.
    Code,
    /// Enrol first.
    Enrol,
}

/// When it was over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// How long the session ran; `None` if it never began.
    lasted: Option<Duration>,
    shown: bool,
}

impl Ended {
    /// A session that has ended just now.
    pub(super) fn now(session: &Session) -> Self {
        Self { lasted: session.state.since.map(|since| Instant::now() - since), shown: false }
    }

    /// Draws the page.
    pub(super) fn show(&mut self, ui: &mut Ui, session: &Session, why: Close, words: &Words) -> Option<Next> {
        let mut next = None;
        dense::page(ui, |ui| {
            dense::title(ui, if self.lasted.is_some() { words.v_over() } else { words.v_over_none() });
            ui.label(RichText::new(say::close(words, why)).size(16.0));
            if let (Some(lasted), Some(computer)) = (self.lasted, &session.state.computer) {
                dense::weak(ui, &words.v_over_lasted(computer, words.time(lasted.as_secs().max(1))));
            }
            ui.add_space(10.0);
            ui.horizontal_wrapped(|ui| {
                // A relay that does not know this key would refuse the next code as well.
                let unknown = matches!(
                    why,
                    Close::UnknownTechnician | Close::TechnicianRemoved | Close::BadToken | Close::RelayKey
                );
                let (first, second) =
                    if unknown { (Next::Enrol, Next::Code) } else { (Next::Code, Next::Enrol) };
                let text = |next| if next == Next::Code { words.v_new_code() } else { words.v_enrol_again() };
                let button = dense::large_button(ui, Kind::Primary, text(first));
                if !std::mem::replace(&mut self.shown, true) {
                    button.request_focus();
                }
                if button.clicked() {
                    next = Some(first);
                }
                if unknown && dense::large_button(ui, Kind::Plain, text(second)).clicked() {
                    next = Some(second);
                }
            });
        });
        next
    }
}
