//! The page where the session code is entered. Says at each digit whether the code is whole and right.

use super::{
    code::{self, Typed},
    dense,
    mark::{self, Mark},
    tray,
};
use eframe::egui::{
    Color32, Event, FontFamily, FontId, Id, Key, Label, RichText, TextEdit, Ui,
    text::{CCursor, CCursorRange},
    text_edit::TextEditState,
    vec2,
};
use nearhand_desktop::{
    look::{Kind, Tone, palette},
    words::Words,
};
use nearhand_proto::code::SessionCode;
use std::time::{Duration, Instant};

/// What was typed so far.
#[derive(Default)]
pub(super) struct Form {
    /// The field.
    pub(super) text: String,
    /// What is said above it: how an enrolment went, or why no session could be started.
    pub(super) note: Option<(Tone, String)>,
    slip: Slip,
    shown: bool,
}

/// Whether a slip stands in the field, and what has become of it.
#[derive(Clone, Copy, Default)]
enum Slip {
    /// None so far, or none any more.
    #[default]
    None,
    /// Unchanged since then.
    Since(Instant),
    /// The relay was told. Once: who compares digits makes several attempts at the same slip.
    Told,
}

/// For how long a slip stands before it counts as one: there are codes of more than 12 digits, and whoever types one
/// passes through wrong ones.
const SETTLED: Duration = Duration::from_secs(3);

/// What the technician wants.
pub(super) enum Wish {
    /// A session under this code.
    Connect(SessionCode),
    /// The relay is to be told of a typing slip.
    ReportSlip,
    /// Enrol at another relay.
    Enrol,
}

impl Form {
    /// A form with this text in its field.
    pub(super) fn with(text: &str) -> Self {
        Self { text: code::grouped(text), ..Self::default() }
    }

    /// Draws the page. `relay` is the relay's host name.
    pub(super) fn show(&mut self, ui: &mut Ui, relay: &str, words: &Words) -> Option<Wish> {
        let mut wish = None;
        dense::page(ui, |ui| {
            if let Some((tone, text)) = &self.note {
                dense::note(ui, *tone, text);
                ui.add_space(6.0);
            }
            dense::title(ui, words.v_code_title());
            dense::weak(ui, words.v_code_text());
            let Edit { entered, changed, pasted } = self.field(ui, words);
            let typed = Typed::of(&self.text);
            verdict(ui, &typed, words);
            ui.add_space(4.0);
            let ready = matches!(typed, Typed::Code(_));
            let pressed = ui.add_enabled_ui(ready, |ui| {
                dense::large_button(ui, Kind::Primary, words.v_connect()).clicked()
            });
            wish = match typed {
                Typed::Code(code) if pressed.inner || entered => Some(Wish::Connect(code)),
                typed => self.slipped(ui, &typed, changed, entered || pasted).then_some(Wish::ReportSlip),
            };
            ui.add_space(18.0);
            ui.separator();
            ui.horizontal_wrapped(|ui| {
                dense::weak(ui, &words.v_relay_is(relay));
                ui.add_space(8.0);
                if dense::button(ui, Kind::Link, words.v_enrol_elsewhere()).clicked() {
                    wish = Some(Wish::Enrol);
                }
            });
        });
        wish
    }

    /// True once for the first slip that is meant: `tried`, or left as it is for a while.
    fn slipped(&mut self, ui: &Ui, typed: &Typed, changed: bool, tried: bool) -> bool {
        let now = Instant::now();
        let since = match self.slip {
            Slip::Told => return false,
            Slip::Since(since) if !changed => since,
            Slip::Since(_) | Slip::None => now,
        };
        let left = (since + SETTLED).saturating_duration_since(now);
        let is_slip = *typed == Typed::Slip;
        let is_meant = is_slip && (tried || left.is_zero());
        self.slip = match (is_slip, is_meant) {
            (_, true) => Slip::Told,
            (true, false) => Slip::Since(since),
            (false, false) => Slip::None,
        };
        if is_slip && !is_meant {
            ui.ctx().request_repaint_after(left);
        }
        is_meant
    }

    /// The field.
    fn field(&mut self, ui: &mut Ui, words: &Words) -> Edit {
        let id = Id::unique("session code");
        let font = FontId::new(34.0, FontFamily::Monospace);
        let edit = TextEdit::singleline(&mut self.text)
            .id(id)
            .font(font.clone())
            .hint_text(RichText::new("000 000 000 000").font(font))
            .margin(vec2(14.0, 10.0))
            .desired_width(f32::INFINITY);
        // A field's hint has the colour of weak text, whatever its own; here it must not look as if it were typed.
        let output = ui.scope(|ui| {
            ui.visuals_mut().weak_text_color = Some(faint(ui));
            edit.show(ui)
        });
        let output = output.inner;
        let response = &output.response;
        tray::name(response, words.v_code_title());
        if !std::mem::replace(&mut self.shown, true) {
            response.request_focus();
        }
        let (changed, entered) =
            (response.changed(), response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)));
        let pasted =
            changed && ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Paste(_))));
        if changed {
            let cursor = output.cursor_range.map(|range| range.primary.index.0);
            self.regroup(ui, id, output.state, cursor);
        }
        if entered {
            // What is wrong is mended right here.
            ui.memory_mut(|memory| memory.request_focus(id));
        }
        Edit { entered, changed, pasted }
    }

    /// Groups the digits anew; the cursor stays behind its digit.
    fn regroup(&mut self, ui: &Ui, id: Id, mut state: TextEditState, cursor: Option<usize>) {
        let grouped = code::grouped(&self.text);
        if grouped == self.text {
            return;
        }
        let before = cursor.map(|at| code::digits_before(&self.text, at));
        let all = grouped.chars().filter(char::is_ascii_digit).count();
        self.text = grouped;
        if let Some(before) = before {
            // Whatever stood around a pasted code is gone; then the cursor goes to its end.
            let at = CCursor::new(code::behind(before.min(all)));
            state.cursor.set_char_range(Some(CCursorRange::one(at)));
            TextEditState::store(state, ui.ctx(), id);
        }
    }
}

/// What has just been done in the field.
struct Edit {
    /// Enter was pressed.
    entered: bool,
    /// Something else stands there.
    changed: bool,
    /// That was pasted.
    pasted: bool,
}

fn faint(ui: &Ui) -> Color32 {
    palette(ui).weak.gamma_multiply(0.3)
}

fn verdict(ui: &mut Ui, typed: &Typed, words: &Words) {
    let palette = palette(ui);
    let (mark, text, colour) = match typed {
        Typed::Missing(1) => (None, words.v_code_missing_one().to_owned(), palette.weak),
        Typed::Missing(count) => (None, words.v_code_missing(count), palette.weak),
        Typed::Code(_) => (Some(Mark::Check), words.v_code_good().to_owned(), palette.good.fill),
        Typed::Slip => (Some(Mark::Cross), words.v_code_slip().to_owned(), palette.danger.fill),
    };
    ui.horizontal(|ui| {
        if let Some(mark) = mark {
            mark::show(ui, mark, colour);
        }
        ui.add(Label::new(RichText::new(text).color(colour)).wrap());
    });
}
