//! The page where this computer's key becomes a technician's, once, with a relay string and a token.

use super::{
    dense,
    desk::{Desk, Errand, Failure},
    say, tray,
};
use eframe::egui::{Key, Response, RichText, TextEdit, TextStyle, Ui, vec2};
use nearhand_desktop::{
    look::{Kind, palette},
    words::Words,
};
use nearhand_proto::{
    control::{Technician, Token},
    relay_string::RelayString,
};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// What was typed so far.
#[derive(Default)]
pub(super) struct Form {
    relay: String,
    token: String,
    errand: Option<(RelayString, Errand<Technician>)>,
    failure: Option<String>,
    shown: bool,
}

/// How the page is left.
pub(super) enum Done {
    /// Enrolled there, as this technician.
    Enrolled(RelayString, Technician),
    /// Back to the code.
    Back,
}

impl Form {
    /// A form, with the relay filled in if one is known.
    pub(super) fn new(relay: Option<&RelayString>, failure: Option<String>) -> Self {
        let relay = relay.map_or_else(String::new, ToString::to_string);
        Self { relay, failure, ..Self::default() }
    }

    /// Takes the answer of an enrolment, if there is one.
    pub(super) fn poll(&mut self, words: &Words, waker: &Waker) -> Option<Done> {
        let (_, errand) = self.errand.as_mut()?;
        let Poll::Ready(answer) = Pin::new(errand).poll(&mut Context::from_waker(waker)) else { return None };
        let (relay, _) = self.errand.take()?;
        // The fields were out of reach meanwhile and have lost the keyboard.
        self.shown = false;
        match answer {
            Ok(Ok(technician)) => return Some(Done::Enrolled(relay, technician)),
            Ok(Err(Failure::Close(why))) => self.failure = Some(say::close(words, why).to_owned()),
            Ok(Err(Failure::Local(why))) => self.failure = Some(why),
            Err(error) => self.failure = Some(error.to_string()),
        }
        None
    }

    /// Draws the page. `may_go_back` is whether there is a relay to go back to.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        desk: &Desk,
        may_go_back: bool,
        words: &Words,
    ) -> Option<Done> {
        let mut done = None;
        dense::page(ui, |ui| {
            dense::title(ui, words.v_enrol_title());
            dense::weak(ui, words.v_enrol_text());
            ui.add_space(6.0);
            let busy = self.errand.is_some();
            let (relay, entered) = ui
                .add_enabled_ui(!busy, |ui| {
                    let first = field(ui, words.v_enrol_relay(), &mut self.relay, false);
                    let shown = std::mem::replace(&mut self.shown, true);
                    let relay = self.relay.parse::<RelayString>();
                    if let Err(error) = &relay
                        && !self.relay.trim().is_empty()
                        && !first.has_focus()
                    {
                        wrong(ui, say::relay_string(words, *error));
                    }
                    ui.add_space(4.0);
                    let second = field(ui, words.v_enrol_token(), &mut self.token, true);
                    if !shown {
                        let known = relay.is_ok();
                        if known { second.request_focus() } else { first.request_focus() }
                    }
                    let entered = second.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                    (relay, entered)
                })
                .inner;
            if let Some(failure) = &self.failure {
                wrong(ui, failure);
            }
            ui.add_space(6.0);
            let ready = !busy && relay.is_ok() && !self.token.trim().is_empty();
            ui.horizontal_wrapped(|ui| {
                let pressed = ui.add_enabled_ui(ready, |ui| {
                    dense::large_button(ui, Kind::Primary, words.v_enrol_button()).clicked()
                });
                if let (true, Ok(relay)) = (ready && (pressed.inner || entered), &relay) {
                    self.failure = None;
                    let token = Token(self.token.trim().to_owned());
                    self.errand = Some((relay.clone(), desk.enrol(relay.clone(), token)));
                }
                if may_go_back && dense::button(ui, Kind::Link, words.v_enrol_back()).clicked() {
                    done = Some(Done::Back);
                }
            });
            if let Some((relay, _)) = &self.errand {
                ui.label(words.v_enrol_busy(&relay.host));
            }
        });
        done
    }
}

fn field(ui: &mut Ui, label: &str, text: &mut String, secret: bool) -> Response {
    ui.label(label);
    let edit = TextEdit::singleline(text)
        .font(TextStyle::Monospace)
        .password(secret)
        .margin(vec2(10.0, 7.0))
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    tray::name(&response, label);
    response
}

fn wrong(ui: &mut Ui, text: &str) {
    let colour = palette(ui).danger.fill;
    ui.label(RichText::new(text).color(colour));
}
