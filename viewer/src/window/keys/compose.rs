//! Dead keys and Compose sequences, by libxkbcommon and the locale's Compose table (Compose(5)).

use std::ffi::OsString;
use xkbcommon::xkb::{
    self, Keysym,
    compose::{self, Status},
};

/// Used where the locale has no table of its own.
const FALLBACK: &str = "en_US.UTF-8";

/// What a symbol did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Composed {
    /// It is part of no sequence.
    Passed,
    /// It is; more is to come.
    Waiting,
    /// It ended a sequence with this text.
    Text(String),
    /// It broke a sequence off; nothing came of it.
    Cancelled,
}

/// A sequence as far as it has come. Without a table, symbols just pass.
pub(super) struct Compose(Option<compose::State>);

impl Compose {
    /// By the table of the user's locale.
    pub(super) fn of_locale() -> Self {
        let context = quiet_context();
        let table = |locale: OsString| {
            let flags = compose::COMPILE_NO_FLAGS;
            compose::Table::new_from_locale(&context, &locale, flags).ok()
        };
        let table = locale().and_then(table).or_else(|| table(FALLBACK.into()));
        if table.is_none() {
            tracing::warn!("no Compose table: dead keys go to the user's computer as keys");
        }
        Self(table.map(|table| compose::State::new(&table, compose::STATE_NO_FLAGS)))
    }

    /// By this table's text.
    #[cfg(test)]
    pub(super) fn of_text(text: &str) -> Self {
        let (format, flags) = (compose::FORMAT_TEXT_V1, compose::COMPILE_NO_FLAGS);
        let table = compose::Table::new_from_buffer(&quiet_context(), text, FALLBACK, format, flags).unwrap();
        Self(Some(compose::State::new(&table, compose::STATE_NO_FLAGS)))
    }

    /// Takes the symbol of a key that was pressed. Modifiers pass and break nothing off.
    pub(super) fn feed(&mut self, symbol: u32) -> Composed {
        let Some(state) = &mut self.0 else { return Composed::Passed };
        if matches!(state.feed(Keysym::new(symbol)), compose::FeedResult::Ignored) {
            return Composed::Passed;
        }
        let composed = match state.status() {
            Status::Nothing => return Composed::Passed,
            Status::Composing => return Composed::Waiting,
            Status::Composed => Composed::Text(state.utf8().unwrap_or_default()),
            Status::Cancelled => Composed::Cancelled,
        };
        state.reset();
        composed
    }

    /// Forgets a sequence that was begun.
    pub(super) fn reset(&mut self) {
        if let Some(state) = &mut self.0 {
            state.reset();
        }
    }
}

/// libxkbcommon tells every fault on standard error unless told otherwise.
fn quiet_context() -> xkb::Context {
    let mut context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    context.set_log_level(xkb::LogLevel::Critical);
    context
}

/// The locale of characters, unless it is one without any of its own (locale(7)).
fn locale() -> Option<OsString> {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let set = names.into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty())?;
    let bare = ["C", "POSIX", "C.UTF-8", "C.utf8"];
    (!bare.iter().any(|name| set == *name) && !set.as_encoded_bytes().contains(&0)).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_come_to_their_end_or_break_off() {
        let table = "<dead_acute> <e> : \"é\" eacute\n<Multi_key> <o> <slash> : \"ø\"\n";
        let mut compose = Compose::of_text(table);
        assert_eq!(compose.feed(0x61), Composed::Passed);
        assert_eq!(compose.feed(0xfe51), Composed::Waiting);
        assert_eq!(compose.feed(0xffe1), Composed::Passed, "Shift in between");
        assert_eq!(compose.feed(0x65), Composed::Text("é".to_owned()));
        assert_eq!(compose.feed(0x65), Composed::Passed);
        assert_eq!(compose.feed(0xff20), Composed::Waiting);
        assert_eq!(compose.feed(0x6f), Composed::Waiting);
        assert_eq!(compose.feed(0x78), Composed::Cancelled);
        assert_eq!(compose.feed(0x78), Composed::Passed);
        compose.feed(0xff20);
        compose.reset();
        assert_eq!(compose.feed(0x6f), Composed::Passed);
        assert_eq!(Compose(None).feed(0xfe51), Composed::Passed);
    }
}
