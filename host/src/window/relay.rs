//! Which relay: pasted once, confirmed once, dialled.

use super::{
    page::{View, choice},
    state::Click,
};
use eframe::egui::{FontId, Key, TextEdit, Ui, ViewportCommand};
use nearhand_desktop::look::{self, Kind, Tone};
use nearhand_proto::relay_string::{RelayString, RelayStringError};

/// Characters of a pasted line, at most.
const LONGEST: usize = 1_024;

/// The line that is being pasted.
#[derive(Debug, Default)]
pub(super) struct Field {
    text: String,
    fault: Option<RelayStringError>,
}

impl Field {
    /// Asks for it.
    pub(super) fn show(&mut self, ui: &mut Ui, view: &View<'_>) -> Option<Click> {
        let words = view.words;
        look::title(ui, words.which_title(), view.appears);
        look::text(ui, words.which_text());
        let label = look::strong(ui, words.which_field());
        let edit = TextEdit::multiline(&mut self.text)
            .char_limit(LONGEST)
            .desired_rows(3)
            .desired_width(f32::INFINITY)
            .font(FontId::monospace(16.0))
            .return_key(None);
        let field = ui.add(edit).labelled_by(label.id);
        if field.changed() {
            self.fault = None;
        }
        match self.fault {
            Some(RelayStringError::Address) => _ = look::notice(ui, Tone::Warning, words.which_other()),
            Some(RelayStringError::NoKey) if !self.text.contains(':') => {
                look::notice(ui, Tone::Warning, words.which_other());
            }
            Some(_) => _ = look::notice(ui, Tone::Warning, words.which_incomplete()),
            None => {}
        }
        let entered = field.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        // The next step stands out.
        let (first, second) = match self.text.is_empty() {
            true => (Kind::Plain, Kind::Primary),
            false => (Kind::Primary, Kind::Plain),
        };
        match choice(ui, (first, words.which_next()), (second, words.which_paste())) {
            Some(false) => {
                self.text.clear();
                self.fault = None;
                field.request_focus();
                ui.ctx().send_viewport_cmd(ViewportCommand::RequestPaste);
                None
            }
            Some(true) => self.read(),
            None if entered => self.read(),
            None => None,
        }
    }

    /// Mail programs break lines; no relay string has a space in it.
    fn read(&mut self) -> Option<Click> {
        let line: String = self.text.split_whitespace().collect();
        match line.parse::<RelayString>() {
            Ok(relay) => Some(Click::Relay(relay)),
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        }
    }
}

/// Is this new relay the help desk's?
pub(super) fn new(ui: &mut Ui, view: &View<'_>, host: &str, changed: bool) -> Option<Click> {
    let words = view.words;
    look::title(ui, words.new_title(), view.appears);
    look::card(ui, |ui| {
        ui.set_width(ui.available_width());
        look::name(ui, host);
    });
    match changed {
        true => look::notice(ui, Tone::Warning, words.new_changed()),
        false => look::text(ui, words.new_text()),
    };
    let yes = if changed { Kind::Plain } else { Kind::Primary };
    let no = if changed { Kind::Primary } else { Kind::Plain };
    let chosen = choice(ui, (yes, words.new_yes()), (no, words.new_no()))?;
    Some(if chosen { Click::Trust } else { Click::Close })
}

/// It is being dialled.
pub(super) fn dialling(ui: &mut Ui, view: &View<'_>, host: &str, again: bool) -> Option<Click> {
    let words = view.words;
    look::title(ui, words.dialling(), view.appears);
    match again {
        true => look::notice(ui, Tone::Warning, &words.dialling_again(host)),
        false => look::text(ui, &words.dialling_host(host)),
    };
    look::button(ui, Kind::Plain, words.close()).clicked().then_some(Click::Close)
}
